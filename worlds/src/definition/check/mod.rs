//! Whether what a world file says makes sense together: names exist, graphs have no cycle, parts
//! fit to each other. Ranges of single values are the schema's.
//!
//! Errors are what the model could not run or could not mean. Warnings are what runs, though
//! hardly as it was meant: a server that nothing calls, a failover without a standby.

mod actions;
mod calls;
mod chaos;
mod names;
mod numbers;
mod servers;

pub(crate) use names::name_itself;

use super::Definition;
use documents::findings::{Findings, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// Everything in a definition that does not make sense together, errors first. [`super::parse`]
/// has asked this already; it is for definitions that were changed or built otherwise.
pub fn problems(definition: &Definition) -> Vec<Problem> {
    let mut findings = Findings::default();
    into_findings(definition, &mut findings);
    findings.into_problems()
}

pub(super) fn into_findings(definition: &Definition, findings: &mut Findings) {
    let known = Known::of(definition);
    names::check(definition, findings);
    numbers::check(definition, findings);
    servers::check(definition, &known, findings);
    calls::check(definition, &known, findings);
    chaos::check(definition, &known, findings);
    actions::check(definition, &known, findings);
}

/// The names that other keys may refer to.
struct Known<'d> {
    /// Services by name, with the servers that host them, in the order of the file.
    hosts: BTreeMap<&'d str, Vec<usize>>,
    /// Types of servers.
    types: BTreeSet<&'d str>,
    /// Zones of servers.
    zones: BTreeSet<&'d str>,
    /// Kinds of faults.
    kinds: BTreeSet<&'d str>,
}

impl<'d> Known<'d> {
    fn of(definition: &'d Definition) -> Self {
        let mut hosts: BTreeMap<&str, Vec<usize>> =
            definition.services.keys().map(|name| (name.as_str(), Vec::new())).collect();
        for (index, server) in definition.servers.iter().enumerate() {
            for service in &server.services {
                if let Some(servers) = hosts.get_mut(service.as_str()) {
                    servers.push(index);
                }
            }
        }
        let types = definition.servers.iter().map(|server| server.kind.as_str()).collect();
        let zones = definition.servers.iter().filter_map(|server| server.zone.as_deref()).collect();
        let kinds = definition.chaos.iter().map(|kind| kind.name.as_str()).collect();
        Self { hosts, types, zones, kinds }
    }

    fn services(&self) -> impl Iterator<Item = &'d str> + Clone {
        self.hosts.keys().copied()
    }

    /// The servers that host a service, in the order of the file; none for one that is unknown.
    fn hosts(&self, service: &str) -> &[usize] {
        self.hosts.get(service).map_or(&[], Vec::as_slice)
    }
}
