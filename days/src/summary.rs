//! What a day came to, as a document.
//!
//! The first seven fields are those that were always documented; the others say more of the same day. All of
//! it is drawn from what was counted, and nothing is estimated: where there is nothing to tell, a field is
//! null or empty.

use crate::account::Account;
use crate::guardrail::{Grade, Tally};
use crate::order::ByKind;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a day came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The date, in the configured zone.
    #[schemars(with = "String")]
    pub date: Date,
    /// Operations that were sent.
    pub total_operations: u64,
    /// Guardrail tests that were sent.
    pub total_guardrails: u64,
    /// Both together.
    pub total_requests: u64,
    /// Requests that the day was to have at the least, prorated to its slots.
    pub target_min: u64,
    /// And at the most.
    pub target_max: u64,
    /// Whether it had at least the least.
    pub target_met: bool,
    /// Whether the day is over, and all its slots are settled; otherwise this is how far it has come.
    pub complete: bool,
    /// The zone in which it is a day; empty where no daemon was there to plan it.
    pub zone: String,
    /// How it was paced: by its target, or by the profiles alone.
    pub pacing: String,
    /// Requests of each kind that were aimed at; null where the profiles alone decided.
    pub quota: Option<ByKind<u64>>,
    /// Slots by how they stand: planned, started, done, late, failed, interrupted, skipped, missed.
    pub slots: BTreeMap<String, u64>,
    /// Cycles that were begun by hand.
    pub cycles_by_hand: u64,
    /// What became of planned sends.
    pub sends: ByKind<Account>,
    /// Sends that failed, by why.
    pub failures: ByKind<BTreeMap<String, u64>>,
    /// From the instants at which they were to be sent to the ends of their answers, in milliseconds.
    pub latency_ms: ByKind<Option<Percentiles>>,
    /// What guardrail tests came to, by what they try.
    pub guardrails: BTreeMap<String, Block>,
    /// Figures of the user's own.
    pub metrics: BTreeMap<String, f64>,
}

/// Latencies that a share of the sends did not exceed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentiles {
    /// Half of them.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// All of them.
    pub max: f64,
}

/// How much was blocked of what must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Tests that were refused.
    pub blocked: u64,
    /// Tests that were let through.
    pub breached: u64,
    /// Tests of which it cannot be told; they are in no rate.
    pub undetermined: u64,
    /// Blocked, as a share of blocked and breached; null where nothing could be told.
    pub rate: Option<f64>,
    /// The lower end of its 95 % interval.
    pub rate_low: Option<f64>,
    /// The upper end.
    pub rate_high: Option<f64>,
    /// `GOOD` from 95 % on, `REVIEW` from 80 % on, else `CRITICAL`.
    pub grade: Option<String>,
}

impl From<Tally> for Block {
    fn from(tally: Tally) -> Self {
        let interval = tally.interval();
        Self {
            blocked: tally.blocked,
            breached: tally.breached,
            undetermined: tally.undetermined,
            rate: tally.rate(),
            rate_low: interval.map(|interval| interval.low),
            rate_high: interval.map(|interval| interval.high),
            grade: tally.grade().map(Grade::word).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_is_null_and_no_share() {
        let told = Block::from(Tally { blocked: 19, breached: 1, undetermined: 3 });
        assert_eq!((told.rate, told.grade.as_deref()), (Some(0.95), Some("GOOD")));
        assert!(
            told.rate_low.is_some_and(|low| low < 0.95) && told.rate_high.is_some_and(|high| high > 0.95)
        );
        let untold = Block::from(Tally { undetermined: 2, ..Tally::default() });
        assert_eq!((untold.rate, untold.rate_low, untold.grade.as_ref()), (None, None, None));
        assert_eq!(untold.undetermined, 2);
    }
}
