//! The lives of faults, and what users bore while they were in force.

use super::FAULTS_KEPT;
use super::Worst;
use std::collections::BTreeMap;
use worlds::definition::GroupBy;
use worlds::id::Name;
use worlds::journal::{FaultEnd, Record};

/// Faults that came together and are told as such: as many as a reader follows.
const VOLLEYS_KEPT: usize = 50;

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Life {
    /// Its number.
    pub id: u32,
    /// Its kind.
    pub kind: Name,
    /// The server that it hit, or the SRE as it is called on the bus.
    pub target: Name,
    /// The service that it took down.
    pub service: Option<Name>,
    /// Its first round.
    pub onset_round: u32,
    /// How long it lasts if nobody acts; `None` when it stays until cured.
    pub rounds: Option<u32>,
    /// The first round without it, and how it ended.
    pub end: Option<(u32, FaultEnd)>,
    /// Whether telemetry could see it.
    pub witnessed: bool,
    /// Users' requests that failed while it was in force, whatever they failed of.
    pub failed_requests: u64,
}

/// Faults that came together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Volley {
    /// The round in which the first of them began.
    pub round: u32,
    /// Their kind.
    pub kind: Name,
    /// What their targets have in common.
    pub group: Option<(GroupBy, Name)>,
    /// How many servers they hit.
    pub targets: usize,
}

/// All faults.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Faults {
    /// In force, by number.
    in_force: BTreeMap<u32, Life>,
    /// Over: those of them in whose time most requests failed.
    over: Worst<Life>,
    /// The first that came together.
    volleys: Vec<Volley>,
    /// Of each kind, how many began.
    by_kind: BTreeMap<Name, u32>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            in_force: BTreeMap::new(),
            over: Worst::of(FAULTS_KEPT),
            volleys: Vec::new(),
            by_kind: BTreeMap::new(),
        }
    }
}

impl Faults {
    pub(super) fn take(&mut self, record: &Record) {
        match record {
            Record::FaultInjected { round, fault, fault_kind, target, service, rounds } => {
                *self.by_kind.entry(fault_kind.clone()).or_default() += 1;
                let life = Life {
                    id: *fault,
                    kind: fault_kind.clone(),
                    target: target.clone(),
                    service: service.clone(),
                    onset_round: *round,
                    rounds: *rounds,
                    end: None,
                    witnessed: false,
                    failed_requests: 0,
                };
                self.in_force.insert(*fault, life);
            }
            Record::FaultWitnessed { fault, .. } => {
                if let Some(life) = self.in_force.get_mut(fault) {
                    life.witnessed = true;
                }
            }
            Record::FaultEnded { round, fault, how, .. } => {
                if let Some(life) = self.in_force.remove(fault) {
                    let end = Some((*round, *how));
                    self.over.offer(life.failed_requests, life.id, Life { end, ..life });
                }
            }
            Record::Volley { round, fault_kind, group, name, targets }
                if self.volleys.len() < VOLLEYS_KEPT =>
            {
                let group = group.zip(name.clone());
                let kind = fault_kind.clone();
                self.volleys.push(Volley { round: *round, kind, group, targets: targets.len() });
            }
            _ => {}
        }
    }

    /// A round is over in which so many requests failed.
    pub(super) fn bear(&mut self, failed: u64) {
        if failed > 0 {
            self.in_force.values_mut().for_each(|life| life.failed_requests += failed);
        }
    }

    /// How many are in force.
    pub(super) fn in_force(&self) -> u32 {
        u32::try_from(self.in_force.len()).unwrap_or(u32::MAX)
    }

    /// Those in force on a server.
    pub(super) fn on<'a>(&'a self, server: &'a str) -> impl Iterator<Item = &'a Life> {
        self.in_force.values().filter(move |life| *life.target == *server)
    }

    /// Those that are kept, by number; those that are still in force are all kept.
    pub(crate) fn kept(&self) -> BTreeMap<u32, &Life> {
        let over = self.over.in_order().into_iter().map(|life| (life.id, life));
        over.chain(self.in_force.iter().map(|(id, life)| (*id, life))).collect()
    }

    /// The first that came together.
    pub(crate) fn volleys(&self) -> &[Volley] {
        &self.volleys
    }

    /// Of each kind, how many began.
    pub(crate) fn by_kind(&self) -> &BTreeMap<Name, u32> {
        &self.by_kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injected(fault: u32, round: u32) -> Record {
        Record::FaultInjected {
            round,
            fault,
            fault_kind: "cpu_spike".into(),
            target: "web-1".into(),
            service: None,
            rounds: Some(3),
        }
    }

    fn ended(fault: u32, round: u32) -> Record {
        let (fault_kind, target) = ("cpu_spike".into(), "web-1".into());
        Record::FaultEnded { round, fault, fault_kind, target, how: FaultEnd::Expired }
    }

    #[test]
    fn a_fault_bears_the_rounds_in_which_it_was_in_force() {
        let mut faults = Faults::default();
        faults.take(&injected(1, 1));
        faults.bear(10);
        faults.take(&injected(2, 2));
        faults.bear(5);
        faults.take(&ended(1, 3));
        faults.bear(100);
        let kept = faults.kept();
        assert_eq!((kept[&1].failed_requests, kept[&2].failed_requests), (15, 105));
        assert_eq!((kept[&1].end, kept[&2].end), (Some((3, FaultEnd::Expired)), None));
        assert_eq!((faults.in_force(), faults.by_kind()["cpu_spike"]), (1, 2));
    }

    #[test]
    fn of_many_the_worst_are_kept() {
        let mut faults = Faults::default();
        for fault in 1..=FAULTS_KEPT as u32 + 10 {
            faults.take(&injected(fault, fault));
            faults.bear(u64::from(fault));
            faults.take(&ended(fault, fault + 1));
        }
        let kept = faults.kept();
        assert_eq!((kept.len(), faults.over.left_out()), (FAULTS_KEPT, 10));
        assert_eq!(kept.first_key_value().map(|(id, _)| *id), Some(11));
    }
}
