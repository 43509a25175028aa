//! Classes of servers: those that run the same services.
//!
//! What follows from services alone (whom a server depends on, whom its harm reaches) is worked out
//! once for each pair of classes, not of servers: a world of thousands has a handful.

use crate::id::{ServerId, ServiceId};
use std::collections::BTreeMap;

/// Which class each server is of.
#[derive(Clone, Debug)]
pub struct Classes {
    of: Vec<usize>,
    /// For each class what its servers run.
    services: Vec<Vec<ServiceId>>,
}

impl Classes {
    /// Of servers that run these services, in order.
    pub fn of<'s>(servers: impl Iterator<Item = &'s [ServiceId]>) -> Self {
        let mut known: BTreeMap<&[ServiceId], usize> = BTreeMap::new();
        let mut services = Vec::new();
        let of = servers
            .map(|runs| {
                *known.entry(runs).or_insert_with(|| {
                    services.push(runs.to_vec());
                    services.len() - 1
                })
            })
            .collect();
        Self { of, services }
    }

    /// The class of a server.
    pub fn class(&self, server: ServerId) -> usize {
        self.of[server.index()]
    }

    /// What the servers of each class run.
    pub fn services(&self) -> &[Vec<ServiceId>] {
        &self.services
    }

    /// For each class whether one of its services is among `chosen`, which has a place for each
    /// service.
    pub fn running(&self, chosen: &[bool]) -> Vec<bool> {
        let runs = |services: &Vec<ServiceId>| services.iter().any(|service| chosen[service.index()]);
        self.services.iter().map(runs).collect()
    }
}

/// What is true between servers because of their classes.
#[derive(Clone, Debug)]
pub struct Relation {
    /// For each class, for each other one.
    holds: Vec<Vec<bool>>,
}

impl Relation {
    /// `row` gives, for a class that runs these services, whether it holds to each class.
    pub fn of(classes: &Classes, row: impl Fn(&[ServiceId]) -> Vec<bool>) -> Self {
        Self { holds: classes.services().iter().map(|services| row(services)).collect() }
    }

    /// Whether it holds from one server to another one.
    pub fn holds(&self, classes: &Classes, from: ServerId, to: ServerId) -> bool {
        self.holds[classes.class(from)][classes.class(to)]
    }
}

/// The services that can be reached from some, by the steps that `next` gives.
pub fn closure<N: IntoIterator<Item = ServiceId>>(
    services: usize,
    start: &[ServiceId],
    next: impl Fn(ServiceId) -> N,
) -> Vec<bool> {
    let mut reached = vec![false; services];
    let mut open = start.to_vec();
    while let Some(service) = open.pop() {
        for other in next(service) {
            if !std::mem::replace(&mut reached[other.index()], true) {
                open.push(other);
            }
        }
    }
    reached
}
