//! A run held against its scenario's answer key: which root causes an SRE named, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use worlds::outcome::Incident;
use worlds::scenario::{RootCause, Scenario};

/// What of the answer key was found by whoever was on call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AnswerResult {
    /// The root causes, in the order of the scenario's file; none where nothing is wrong.
    pub root_causes: Vec<RootCauseResult>,
    /// Share of them that an SRE named, 0 to 1; `null` when there are none.
    pub named_share: Option<f64>,
}

/// A root cause, and whether somebody found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RootCauseResult {
    /// Kind of the fault.
    pub kind: String,
    /// What it hit: a server, or a group as in `zone:a`.
    pub target: String,
    /// Its first round.
    pub onset_round: u32,
    /// First round in which an SRE's diagnosis named it, of several servers one of them; `null` when none
    /// did.
    pub named_round: Option<u32>,
}

impl AnswerResult {
    /// Of a run of a scenario that became these incidents; `None` for a scenario without a key.
    pub(crate) fn of(scenario: &Scenario, incidents: &[Incident]) -> Option<Self> {
        let answer = scenario.answer.as_ref()?;
        let root_causes: Vec<_> =
            answer.root_causes.iter().map(|cause| found(scenario, cause, incidents)).collect();
        let named = root_causes.iter().filter(|cause| cause.named_round.is_some()).count();
        let named_share = (!root_causes.is_empty()).then(|| named as f64 / root_causes.len() as f64);
        Some(Self { root_causes, named_share })
    }
}

fn found(scenario: &Scenario, cause: &RootCause, incidents: &[Incident]) -> RootCauseResult {
    let kind = &scenario.world.definition.chaos[cause.kind.index()];
    let servers = scenario.servers_hit(cause);
    // Those of a group may be hit one after another.
    let apart = kind.spread.unwrap_or_default().apart;
    let last = u32::try_from(servers.len()).unwrap_or(u32::MAX).saturating_sub(1).saturating_mul(apart);
    let is_it = |incident: &&Incident| {
        *incident.kind == *kind.name
            && servers.iter().any(|server| scenario.world.servers[server.index()].name == incident.target)
            && cause
                .rounds
                .iter()
                .any(|round| (*round..=round.saturating_add(last)).contains(&incident.onset_round))
    };
    let named = incidents.iter().filter(is_it).filter_map(|incident| incident.diagnosed_round);
    RootCauseResult {
        kind: kind.name.clone(),
        target: cause.written.clone(),
        onset_round: cause.rounds.first().copied().unwrap_or_default(),
        named_round: named.min(),
    }
}
