//! The call graph: it begins at the entry, every call arrives somewhere, nothing goes in circles,
//! and whoever waits for calls gets some.

use super::Known;
use crate::definition::{Call, CallOn, Definition, Service, limits};
use documents::findings::Findings;
use documents::key_path::KeyPath;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    entry(definition, known, findings);
    for (name, service) in &definition.services {
        work(name, service, findings);
        for (index, call) in service.calls.iter().enumerate() {
            let checked = Checked { definition, known, caller: name, service, index, call };
            checked.to(findings);
            checked.behind(findings);
            checked.via(findings);
        }
    }
    match callers_first(definition) {
        Ok(order) => {
            if let Some(calls) = calls_per_request(definition, &order, findings) {
                countable(definition, known, &calls, findings);
            }
        }
        Err(cycle) => report(&cycle, findings),
    }
    if known.hosts.contains_key(definition.traffic.entry.as_str()) {
        idle(definition, known, findings);
    }
}

fn entry(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    let name = definition.traffic.entry.as_str();
    let path = KeyPath::top("traffic").key("entry");
    let Some(service) = definition.services.get(name) else {
        return findings.unknown(path, "service", name, known.services());
    };
    if known.hosts(name).is_empty() {
        findings.error(path, format!("no server hosts `{name}`, where users' requests arrive"));
    } else if service.work_ms == 0.0 {
        findings.error(path, format!("users' requests arrive at `{name}`, which has no `work_ms`"));
    }
}

fn work(name: &str, service: &Service, findings: &mut Findings) {
    if service.work_ms > 0.0 && service.work_ms < limits::MILLISECONDS_MIN {
        let least = limits::MILLISECONDS_MIN;
        let message = format!("`{name}` works for {} ms, less than {least}", service.work_ms);
        let path = KeyPath::top("services").key(name).key("work_ms");
        findings.error_with(path, message, || Some("0 makes it a client".to_owned()));
    }
}

/// A call under examination.
struct Checked<'d> {
    definition: &'d Definition,
    known: &'d Known<'d>,
    caller: &'d str,
    service: &'d Service,
    index: usize,
    call: &'d Call,
}

impl Checked<'_> {
    fn path(&self, key: &str) -> KeyPath {
        call_path(self.caller, self.index).key(key)
    }

    fn to(&self, findings: &mut Findings) {
        let (path, name) = (self.path("to"), self.call.to.as_str());
        let Some(service) = self.definition.services.get(name) else {
            return findings.unknown(path, "service", name, self.known.services());
        };
        if name == self.caller {
            findings.error(path, format!("`{name}` calls itself"));
        } else if self.known.hosts(name).is_empty() {
            findings.error(path, format!("`{}` calls `{name}`, which no server hosts", self.caller));
        } else if service.work_ms == 0.0 {
            let message = format!("`{}` calls `{name}`, which has no `work_ms`", self.caller);
            let hint = "a client without work of its own is named by `via`";
            findings.error_with(path, message, || Some(hint.to_owned()));
        }
    }

    /// The cache in front has been asked by the same requests before.
    fn behind(&self, findings: &mut Findings) {
        let Some(name) = &self.call.behind else { return };
        let path = self.path("behind");
        let Some(cache) = self.definition.services.get(name) else {
            return findings.unknown(path, "cache", name, self.caches());
        };
        if cache.cache.is_none() {
            let hint = "a cache has `cache = { hit_ratio = ..., refill = ... }`";
            return findings.error_with(path, format!("`{name}` is not a cache"), || Some(hint.to_owned()));
        }
        let asked = |call: &Call| call.to == *name && call.on == self.call.on;
        if !self.service.calls[..self.index].iter().any(asked) {
            let (caller, class) = (self.caller, class_name(self.call.on));
            let message = format!("`{caller}` does not ask `{name}` before, for the same requests");
            let hint = format!("put a call with `to = \"{name}\"` and `on = \"{class}\"` in front");
            findings.error_with(path, message, || Some(hint));
        }
    }

    fn caches(&self) -> impl Iterator<Item = &str> + Clone {
        let caches = self.definition.services.iter().filter(|(_, service)| service.cache.is_some());
        caches.map(|(name, _)| name.as_str())
    }

    /// The client is on every server that the call starts from.
    fn via(&self, findings: &mut Findings) {
        let Some(name) = &self.call.via else { return };
        let path = self.path("via");
        let Some(client) = self.definition.services.get(name) else {
            return findings.unknown(path, "service", name, self.known.services());
        };
        if client.work_ms > 0.0 {
            let message = format!("`{name}` is not a client: it has `work_ms` = {}", client.work_ms);
            return findings.error(path, message);
        }
        let clients = self.known.hosts(name);
        // Hosts are listed in the order of the file.
        let has_client = |server: &&usize| clients.binary_search(server).is_ok();
        let without = self.known.hosts(self.caller).iter().find(|server| !has_client(server));
        if let Some(&server) = without {
            let server = &self.definition.servers[server].name;
            let message = format!("server `{server}` hosts `{}`, but not its client `{name}`", self.caller);
            let hint = format!("add `{name}` to the services of `{server}`");
            findings.error_with(path, message, || Some(hint));
        }
    }
}

fn call_path(caller: &str, index: usize) -> KeyPath {
    KeyPath::top("services").key(caller).key("calls").at(index)
}

fn class_name(class: CallOn) -> &'static str {
    match class {
        CallOn::All => "all",
        CallOn::Reads => "reads",
        CallOn::Writes => "writes",
    }
}

/// The calls of a service that lead to another one that exists: position, target.
fn edges<'d>(definition: &'d Definition, caller: &'d str) -> impl Iterator<Item = (usize, &'d Call)> {
    let calls = definition.services.get(caller).into_iter().flat_map(|service| &service.calls);
    calls.enumerate().filter(move |(_, call)| call.to != caller && definition.services.contains_key(&call.to))
}

/// Services that call each other in a circle: each with the position of the call to the next.
type Cycle<'d> = Vec<(&'d str, usize)>;

/// The services, each after all that call it.
fn callers_first(definition: &Definition) -> Result<Vec<&str>, Cycle<'_>> {
    let names = || definition.services.keys().map(String::as_str);
    let mut callers: BTreeMap<&str, usize> = names().map(|name| (name, 0)).collect();
    for (_, call) in names().flat_map(|name| edges(definition, name)) {
        *callers.entry(call.to.as_str()).or_default() += 1;
    }
    let mut order: Vec<&str> = names().filter(|name| callers[name] == 0).collect();
    let mut done = 0;
    while let Some(&caller) = order.get(done) {
        done += 1;
        for (_, call) in edges(definition, caller) {
            let left = callers.entry(call.to.as_str()).or_default();
            *left -= 1;
            if *left == 0 {
                order.push(call.to.as_str());
            }
        }
    }
    let placed: BTreeSet<&str> = order.iter().copied().collect();
    match names().find(|name| !placed.contains(name)) {
        None => Ok(order),
        Some(stuck) => Err(cycle_above(definition, &placed, stuck)),
    }
}

/// Goes from callee to caller among those that could not be placed, where each has a caller, until
/// the way closes.
fn cycle_above<'d>(definition: &'d Definition, placed: &BTreeSet<&str>, stuck: &'d str) -> Cycle<'d> {
    let mut caller_of = BTreeMap::new();
    for caller in definition.services.keys().map(String::as_str).filter(|name| !placed.contains(name)) {
        for (index, call) in edges(definition, caller) {
            caller_of.entry(call.to.as_str()).or_insert((caller, index));
        }
    }
    let mut way: Cycle<'_> = Vec::new();
    let mut callee = stuck;
    while let Some(&(caller, index)) = caller_of.get(callee) {
        if let Some(closed) = way.iter().position(|(seen, _)| *seen == caller) {
            let mut cycle = way.split_off(closed);
            cycle.reverse();
            // Begun at the first by name, so that the same circle always reads the same.
            let first = cycle.iter().enumerate().min_by_key(|(_, (name, _))| *name);
            let first = first.map_or(0, |(position, _)| position);
            cycle.rotate_left(first);
            return cycle;
        }
        way.push((caller, index));
        callee = caller;
    }
    way
}

fn report(cycle: &[(&str, usize)], findings: &mut Findings) {
    /// As many as fit a line.
    const NAMED_MAX: usize = 12;
    let (Some((first, _)), Some((last, index))) = (cycle.first(), cycle.last()) else { return };
    let mut names: Vec<&str> = cycle.iter().map(|(name, _)| *name).take(NAMED_MAX).collect();
    if cycle.len() > NAMED_MAX {
        names.push("...");
    }
    let message = format!("calls go in a circle: {} -> {first}", names.join(" -> "));
    findings.error(call_path(last, *index).key("to"), message);
}

/// Calls of each service, of requests that read and that write, that one request of a user comes to
/// with retries. One that branches at every service would come to more than can be counted.
fn calls_per_request<'d>(
    definition: &'d Definition,
    order: &[&'d str],
    findings: &mut Findings,
) -> Option<BTreeMap<&'d str, [f64; 2]>> {
    let attempts = 1.0 + definition.traffic.retry_budget;
    let mut calls = BTreeMap::from([(definition.traffic.entry.as_str(), [attempts; 2])]);
    for caller in order {
        let [reads, writes] = calls.get(caller).copied().unwrap_or_default();
        for (index, call) in edges(definition, caller) {
            let of_callee = calls.entry(call.to.as_str()).or_default();
            of_callee[0] += if call.on == CallOn::Writes { 0.0 } else { reads * attempts };
            of_callee[1] += if call.on == CallOn::Reads { 0.0 } else { writes * attempts };
            let most = of_callee[0].max(of_callee[1]);
            if most > limits::CALLS_PER_REQUEST_MAX {
                let message = format!("one request comes to more than {most:.0} calls of `{}`", call.to);
                let hint = format!("at most {} are allowed", limits::CALLS_PER_REQUEST_MAX);
                findings.error_with(call_path(caller, index).key("to"), message, || Some(hint));
                return None;
            }
        }
    }
    Some(calls)
}

/// The requests of the worst round can be counted: all of them are on one server, under every flood
/// at once, and replicas apply what is written.
fn countable(
    definition: &Definition,
    known: &Known<'_>,
    calls: &BTreeMap<&str, [f64; 2]>,
    findings: &mut Findings,
) {
    let users = definition.traffic.base * definition.traffic.noise[1];
    let a_user: f64 = calls.values().map(|[reads, writes]| reads.max(*writes)).sum();
    // Floods that hit different types of servers never meet.
    let flood_of = |server_type: &&str| -> f64 {
        let meeting = definition.chaos.iter().filter(|kind| kind.can_hit(server_type));
        meeting.filter_map(|kind| kind.effect.traffic_factor).product()
    };
    let flood = known.types.iter().map(flood_of).fold(1.0, f64::max);
    let worst = users * a_user * 2.0 * flood;
    // What is no number, or a flood beyond measure, has been told where it stands.
    let told = !users.is_finite() || flood > limits::FACTOR_PRODUCT_MAX;
    if !told && worst > limits::REQUESTS_OF_ROUND_MAX {
        let message =
            format!("with noise, calls, retries and floods a round may come to {worst:.1e} requests");
        let hint = format!("at most {:.1e} can be counted", limits::REQUESTS_OF_ROUND_MAX);
        findings.error_with(KeyPath::top("traffic").key("base"), message, || Some(hint));
    }
}

/// What users' requests never come to.
fn idle(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    let reached = reached(definition);
    let idle_server = |index: usize| {
        let services = &definition.servers[index].services;
        !services.iter().any(|service| reached.contains(service.as_str()))
    };
    for (index, server) in definition.servers.iter().enumerate().filter(|(index, _)| idle_server(*index)) {
        let message = format!("server `{}` gets no requests", server.name);
        let hint = format!("nothing on the way of users' requests calls {}", server.services.join(", "));
        findings.warning(KeyPath::top("servers").at(index).key("services"), message, &hint);
    }
    for name in known.services().filter(|name| !reached.contains(name)) {
        let path = KeyPath::top("services").key(name);
        let hosts = known.hosts(name);
        if hosts.is_empty() {
            findings.warning(path, format!("service `{name}` runs nowhere"), "no server lists it");
        } else if !hosts.iter().any(|server| idle_server(*server)) {
            let hint = "nothing on the way of users' requests calls it, or calls through it";
            findings.warning(path, format!("service `{name}` gets no requests"), hint);
        }
    }
}

/// The services that requests of users come to, from the entry on.
fn reached(definition: &Definition) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![definition.traffic.entry.as_str()];
    while let Some(name) = waiting.pop() {
        if !reached.insert(name) {
            continue;
        }
        let calls = definition.services.get(name).into_iter().flat_map(|service| &service.calls);
        for call in calls {
            waiting.push(&call.to);
            waiting.extend(call.via.as_deref());
        }
    }
    reached
}
