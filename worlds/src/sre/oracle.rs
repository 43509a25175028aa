//! The oracle: knows the faults, and so shows about the best that the actions allow.
//!
//! It is bound by the same rules of action as everybody. What it does with the truth is simple:
//! it takes the faults that will still hurt when an action can act, the heaviest first, and asks
//! for the runbook's remedy without delay. It does not look ahead further, so on single seeds
//! another SRE may be luckier; on average none is.

use crate::id::{KindId, ServerId};
use crate::message::{ActionRequest, AlertId, Decision, Diagnosis, Observation, RequestId};
use crate::sre::runbook;
use crate::sre::study::Study;
use std::sync::Arc;

/// What only the oracle is told: its own input type, which no process is ever sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The faults in force.
    pub faults: Vec<TrueFault>,
}

/// A fault in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueFault {
    /// What.
    pub kind: KindId,
    /// Where.
    pub target: ServerId,
    /// First round in which it no longer works by schedule.
    pub scheduled_end: u32,
    /// Reached by a backup link already.
    pub linked: bool,
}

/// The mind that is told.
#[derive(Debug)]
pub struct Oracle {
    study: Arc<Study>,
    requests: u32,
}

impl Oracle {
    /// An oracle at the start of its shift; its requests follow this number.
    pub fn new(study: Arc<Study>, last_request: RequestId) -> Self {
        Self { study, requests: last_request.0 }
    }

    /// The best next actions. It writes over `decision`.
    pub fn decide(&mut self, seen: &Observation, truth: &Truth, decision: &mut Decision) {
        decision.begin(seen.round);
        decision.acknowledged.extend(unacknowledged(seen));
        decision.diagnoses.extend(truth.faults.iter().map(diagnosis));
        let mut faults: Vec<&TrueFault> =
            truth.faults.iter().filter(|fault| self.is_worth_it(fault, seen)).collect();
        faults.sort_by(|one, other| self.weight(other, seen).total_cmp(&self.weight(one, seen)));
        for fault in faults {
            if decision.actions.len() >= self.study.runbook.changes.actions_per_round as usize {
                break;
            }
            if decision.actions.iter().any(|action| action.target == fault.target) {
                continue;
            }
            let alerts = runbook::alerts_on(seen, fault.target);
            if let Some(action) = runbook::remedy(&self.study, seen, alerts, fault.kind, fault.target) {
                self.requests += 1;
                let request = RequestId(self.requests);
                decision.actions.push(ActionRequest { request, action, target: fault.target, late: false });
            }
        }
    }

    /// Whether the fault will still be there when an action can act, and is not relieved.
    fn is_worth_it(&self, fault: &TrueFault, seen: &Observation) -> bool {
        let leaks = self.study.runbook.kinds[fault.kind.index()].effect.memory_growth.is_some();
        let lasts = leaks || fault.scheduled_end > seen.round + 1;
        lasts && !fault.linked && seen.servers[fault.target.index()].in_rotation
    }

    /// How much hangs on the target, and how badly the kind hurts it.
    fn weight(&self, fault: &TrueFault, seen: &Observation) -> f64 {
        let effect = &self.study.runbook.kinds[fault.kind.index()].effect;
        let severity = if effect.unreachable || effect.service_down || effect.process.is_some() {
            1.0
        } else if effect.capacity_factor.is_some() || effect.traffic_factor.is_some() {
            0.8
        } else if effect.latency_factor.is_some() || effect.error_rate.is_some() {
            0.5
        } else if effect.disk_level.is_some() {
            0.2
        } else {
            0.1
        };
        let rounds = f64::from(fault.scheduled_end.saturating_sub(seen.round + 1).clamp(1, 4));
        severity * self.study.impact[fault.target.index()] * rounds
    }
}

fn unacknowledged(seen: &Observation) -> impl Iterator<Item = AlertId> {
    seen.alerts.iter().filter(|alert| !alert.acknowledged).map(|alert| alert.id)
}

fn diagnosis(fault: &TrueFault) -> Diagnosis {
    Diagnosis { alerting: fault.target, entity: fault.target, cause: Some(fault.kind) }
}
