//! Servers: what they host, how many workers they make, their part in a replicated service.

use super::Known;
use crate::definition::{Definition, Role, Server, limits};
use documents::findings::Findings;
use documents::key_path::KeyPath;
use std::collections::BTreeSet;

pub(super) fn check(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    for (index, server) in definition.servers.iter().enumerate() {
        let table = KeyPath::top("servers").at(index);
        services(&table, server, known, findings);
        workers(&table, server, definition.host.cpu_per_worker, findings);
        role(&table, server, definition, findings);
    }
    let replicated: Vec<&String> = definition
        .services
        .iter()
        .filter(|(_, service)| service.replication.is_some())
        .map(|(name, _)| name)
        .collect();
    for (position, name) in replicated.iter().enumerate() {
        members(name, known.hosts(name), definition, findings);
        for other in &replicated[position + 1..] {
            company(name, other, known, definition, findings);
        }
    }
}

/// A server has one role: replicated services that share a server share all of them, so that a
/// failover moves them together.
fn company(one: &str, other: &str, known: &Known<'_>, definition: &Definition, findings: &mut Findings) {
    let (ones, others) = (known.hosts(one), known.hosts(other));
    // Hosts are listed in the order of the file.
    let among = |hosts: &[usize], index: &usize| hosts.binary_search(index).is_ok();
    let Some(shared) = ones.iter().find(|index| among(others, index)) else { return };
    let alone =
        ones.iter().find(|index| !among(others, index)).or(others.iter().find(|index| !among(ones, index)));
    if let Some(alone) = alone {
        let name = |index: &usize| &definition.servers[*index].name;
        let message = format!(
            "`{one}` and `{other}` are both replicated and share `{}`, but not `{}`: a failover would move one of them alone",
            name(shared),
            name(alone)
        );
        let hint = "let them have the same servers, or none in common";
        findings.error_with(KeyPath::top("servers").at(*shared).key("services"), message, || {
            Some(hint.to_owned())
        });
    }
}

fn services(table: &KeyPath, server: &Server, known: &Known<'_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, service) in server.services.iter().enumerate() {
        let path = table.key("services").at(index);
        if !known.hosts.contains_key(service.as_str()) {
            findings.unknown(path, "service", service, known.services());
        } else if !seen.insert(service) {
            findings.error(path, format!("server `{}` lists `{service}` twice", server.name));
        }
    }
}

fn workers(table: &KeyPath, server: &Server, cpu_per_worker: f64, findings: &mut Findings) {
    let workers = server.cpu_capacity / cpu_per_worker;
    let fault = if workers < 1.0 {
        "make less than one worker".to_owned()
    } else if workers > limits::WORKERS_MAX {
        format!("make {workers:.0} workers, more than {}", limits::WORKERS_MAX)
    } else {
        return;
    };
    let message = format!("the {} points of `{}` {fault}", server.cpu_capacity, server.name);
    let hint = format!("`host.cpu_per_worker` is {cpu_per_worker}");
    findings.error_with(table.key("cpu_capacity"), message, || Some(hint));
}

fn role(table: &KeyPath, server: &Server, definition: &Definition, findings: &mut Findings) {
    let replicated = |name: &String| definition.services.get(name).is_some_and(|s| s.replication.is_some());
    if server.role.is_some() && !server.services.iter().any(replicated) {
        let message = format!("server `{}` has a role, but hosts no replicated service", server.name);
        let hint = "leave `role` out, or give its service `replication = { apply_cost = ... }`";
        findings.error_with(table.key("role"), message, || Some(hint.to_owned()));
    }
}

/// Of several members each has a role, and one is the primary.
fn members(service: &str, hosts: &[usize], definition: &Definition, findings: &mut Findings) {
    let role = |index: usize| definition.servers[index].role;
    let path = |index: usize| KeyPath::top("servers").at(index).key("role");
    let name = |index: usize| &definition.servers[index].name;
    for &index in hosts.iter().filter(|index| hosts.len() > 1 && role(**index).is_none()) {
        let message = format!("server `{}` has no role in the replicated service `{service}`", name(index));
        let hint = "add `role = \"primary\"` or `role = \"replica\"`";
        findings.error_with(path(index), message, || Some(hint.to_owned()));
    }
    let mut primaries = hosts.iter().filter(|index| role(**index) == Some(Role::Primary));
    if let Some(&first) = primaries.next() {
        for &second in primaries {
            let (first, other) = (name(first), name(second));
            let message = format!("`{service}` has a second primary: `{other}` beside `{first}`");
            findings.error(path(second), message);
        }
    } else if hosts.iter().any(|index| role(*index).is_some()) {
        let message = format!("none of the members of `{service}` is its primary");
        findings.error_with(KeyPath::top("services").key(service).key("replication"), message, || {
            Some("give one of its servers `role = \"primary\"`".to_owned())
        });
    }
}
