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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use worlds::outcome::Resolution;

    fn incident(kind: &str, target: &str, onset_round: u32, diagnosed_round: Option<u32>) -> Incident {
        Incident {
            id: 1,
            kind: kind.into(),
            target: target.into(),
            onset_round,
            detected_round: None,
            acknowledged_round: None,
            first_action_round: None,
            diagnosed_round,
            mitigated_round: None,
            hurt_users: true,
            resolved_round: None,
            resolution: Resolution::Open,
        }
    }

    #[test]
    fn a_root_cause_is_named_by_a_right_diagnosis_of_its_own_incident() {
        let scenario = scenario::load("cache-loss").expect("it is built in").scenario;
        let named = |incidents: &[Incident]| {
            let answer = AnswerResult::of(&scenario, incidents).expect("it has a key");
            let rounds: Vec<_> = answer.root_causes.iter().map(|cause| cause.named_round).collect();
            (rounds, answer.named_share)
        };
        let none = AnswerResult::of(&scenario, &[]).expect("it has a key");
        let onsets: Vec<u32> = none.root_causes.iter().map(|cause| cause.onset_round).collect();
        let [crash, spike] = onsets[..] else { panic!("two root causes") };
        assert_eq!(named(&[]), (vec![None, None], Some(0.0)));
        let right = incident("service_crash", "cache-1", crash, Some(crash + 2));
        assert_eq!(named(std::slice::from_ref(&right)), (vec![Some(crash + 2), None], Some(0.5)));
        let others = [
            incident("memory_leak", "cache-1", crash, Some(crash)),
            incident("service_crash", "web-1", crash, Some(crash)),
            incident("service_crash", "cache-1", crash + 5, Some(crash + 5)),
            incident("cpu_spike", "db-replica", spike, None),
        ];
        assert_eq!(named(&others), (vec![None, None], Some(0.0)));
    }
}
