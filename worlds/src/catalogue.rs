//! The catalogue: kinds of faults and actions as the model looks them up, all names resolved.
//!
//! World files and runbooks name things; here each name was looked up once.

use crate::definition::{Action, ChaosKind};
use crate::id::{ActionId, KindId, Name};
use crate::message::{Metric, MetricSet};

/// What is known of kinds and actions by number.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// The names of the kinds.
    pub kinds: Vec<Name>,
    /// The names of the actions.
    pub actions: Vec<Name>,
    /// For each action and kind.
    cures: Vec<Vec<bool>>,
    /// For each action, whether it cures a kind that leaks memory.
    cures_leaks: Vec<bool>,
    /// For each action the alerts of which it needs one.
    alerts: Vec<MetricSet>,
}

impl Catalogue {
    /// Of kinds and actions in their order.
    pub fn of(kinds: &[ChaosKind], actions: &[Action]) -> Self {
        let cures = |action: &Action| -> Vec<bool> {
            kinds.iter().map(|kind| action.remedy.cures.contains(&kind.name)).collect()
        };
        let cures: Vec<Vec<bool>> = actions.iter().map(cures).collect();
        let leaks = |cures: &Vec<bool>| {
            cures.iter().zip(kinds).any(|(cured, kind)| *cured && kind.effect.memory_growth.is_some())
        };
        Self {
            kinds: kinds.iter().map(|kind| kind.name.as_str().into()).collect(),
            actions: actions.iter().map(|action| action.name.as_str().into()).collect(),
            cures_leaks: cures.iter().map(leaks).collect(),
            cures,
            alerts: actions.iter().map(|action| alerts(&action.alerts)).collect(),
        }
    }

    /// Whether an action ends faults of a kind.
    pub fn cures(&self, action: ActionId, kind: KindId) -> bool {
        self.cures[action.index()][kind.index()]
    }

    /// Whether an action ends faults that leak memory.
    pub fn cures_leaks(&self, action: ActionId) -> bool {
        self.cures_leaks[action.index()]
    }

    /// The alerts of which an action needs one on its target.
    pub fn alerts(&self, action: ActionId) -> MetricSet {
        self.alerts[action.index()]
    }
}

/// The metrics that are named; all, when none are.
fn alerts(names: &[String]) -> MetricSet {
    let named = |metric: &Metric| names.is_empty() || names.iter().any(|name| name == metric.name());
    Metric::ALL.into_iter().filter(named).collect()
}
