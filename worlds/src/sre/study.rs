//! The study: what an SRE makes of its runbook before its shift, once for all runs of a world.
//!
//! Everything here follows from the architecture and the catalogue alone: who depends on whom, who
//! could stand in, which kinds can hit which server, which action cures what.

use crate::catalogue::Catalogue;
use crate::classes::{Classes, Relation, closure};
use crate::id::{KindId, ServerId, ServiceId};
use crate::message::Runbook;
use crate::sre::impact;
use std::sync::Arc;

/// A runbook, studied.
#[derive(Clone, Debug)]
pub struct Study {
    /// What was studied.
    pub runbook: Arc<Runbook>,
    /// Kinds and actions, by number.
    pub catalogue: Catalogue,
    /// For each server, how much of users' requests hangs on it.
    pub impact: Vec<f64>,
    /// For each server type the kinds that can hit it, and for each server its type.
    kinds: Vec<Vec<KindId>>,
    types: Vec<usize>,
    classes: Classes,
    /// Whether one server calls services of another, directly or not.
    depends: Relation,
    /// For each class, how many services it depends on.
    depth: Vec<usize>,
    /// For each class the servers that share a service with it.
    siblings: Vec<Vec<ServerId>>,
}

impl Study {
    /// Studies a runbook.
    pub fn of(runbook: Arc<Runbook>) -> Self {
        let classes = Classes::of(runbook.servers.iter().map(|server| &server.services[..]));
        let behind = |runs: &[ServiceId]| services_behind(&runbook, runs);
        let depth = |runs: &Vec<ServiceId>| behind(runs).into_iter().filter(|behind| *behind).count();
        let (types, kinds) = kinds_by_type(&runbook);
        Self {
            catalogue: Catalogue::of(&runbook.kinds, &runbook.actions),
            impact: impact::of_servers(&runbook),
            depends: Relation::of(&classes, |runs| classes.running(&behind(runs))),
            depth: classes.services().iter().map(depth).collect(),
            siblings: siblings(&classes, &runbook),
            kinds,
            types,
            classes,
            runbook,
        }
    }

    /// The kinds of faults that can hit a server, in the order of the catalogue.
    pub fn kinds_of(&self, server: ServerId) -> &[KindId] {
        &self.kinds[self.types[server.index()]]
    }

    /// Whether a server calls what another one runs, directly or not.
    pub fn depends(&self, server: ServerId, on: ServerId) -> bool {
        self.depends.holds(&self.classes, server, on)
    }

    /// How many services a server depends on: fewer, the further down it is.
    pub fn depth(&self, server: ServerId) -> usize {
        self.depth[self.classes.class(server)]
    }

    /// The servers that share a service with one, itself among them.
    pub fn siblings(&self, server: ServerId) -> &[ServerId] {
        &self.siblings[self.classes.class(server)]
    }
}

/// The services that some call, directly or not.
fn services_behind(runbook: &Runbook, runs: &[ServiceId]) -> Vec<bool> {
    closure(runbook.services.len(), runs, |service| runbook.services[service.index()].calls.iter().copied())
}

/// For each server its type, by number, and for each type the kinds that can hit it.
fn kinds_by_type(runbook: &Runbook) -> (Vec<usize>, Vec<Vec<KindId>>) {
    let mut names: Vec<&str> = runbook.servers.iter().map(|server| &*server.kind).collect();
    names.sort_unstable();
    names.dedup();
    let number = |name: &str| names.partition_point(|other| *other < name);
    let types = runbook.servers.iter().map(|server| number(&server.kind)).collect();
    let kinds = |name: &&str| {
        let can_hit = runbook.kinds.iter().enumerate().filter(|(_, kind)| kind.can_hit(name));
        can_hit.map(|(index, _)| KindId::from(index)).collect()
    };
    (types, names.iter().map(kinds).collect())
}

fn siblings(classes: &Classes, runbook: &Runbook) -> Vec<Vec<ServerId>> {
    let of = |runs: &Vec<ServiceId>| {
        let shares = |other: &ServerId| {
            runbook.servers[other.index()].services.iter().any(|service| runs.contains(service))
        };
        (0..runbook.servers.len()).map(ServerId::from).filter(shares).collect()
    };
    classes.services().iter().map(of).collect()
}
