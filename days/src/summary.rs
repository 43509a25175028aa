//! What a day came to, as a document.
//!
//! The first seven fields are those that were always documented; the others say more of the same day. All of
//! it is drawn from what was counted, and nothing is estimated: where there is nothing to tell, a field is
//! null or empty.

use crate::account::Account;
use crate::guardrail::{Grade, Tally};
use crate::order::{ByKind, Kind};
use crate::profile::Range;
use crate::slot_state::SlotState;
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
    pub quota: Option<PerKind<u64>>,
    /// Slots by how they stand: planned, started, done, late, failed, interrupted, skipped, missed.
    pub slots: BTreeMap<String, u64>,
    /// Cycles that were begun by hand.
    pub cycles_by_hand: u64,
    /// What became of planned sends.
    pub sends: PerKind<Sends>,
    /// Sends that failed, by why.
    pub failures: PerKind<BTreeMap<String, u64>>,
    /// From the instants at which they were to be sent to the ends of their answers, in milliseconds.
    pub latency_ms: PerKind<Option<Percentiles>>,
    /// What guardrail tests came to, by what they try.
    pub guardrails: BTreeMap<String, Block>,
    /// Figures of the user's own.
    pub metrics: BTreeMap<String, f64>,
}

/// One value for each kind of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerKind<T> {
    /// For operations.
    pub operations: T,
    /// For guardrail tests.
    pub guardrails: T,
}

impl<T> PerKind<T> {
    /// The value of a kind.
    pub fn get(&self, kind: Kind) -> &T {
        match kind {
            Kind::Operations => &self.operations,
            Kind::Guardrails => &self.guardrails,
        }
    }
}

/// What became of planned sends: `planned = sent + late + dropped + skipped`, and of those that were made, `sent
/// + late = succeeded + failed`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sends {
    /// Sends that were planned.
    pub planned: u64,
    /// Sent at their instants.
    pub sent: u64,
    /// Sent after them.
    pub late: u64,
    /// Not sent, against the plan.
    pub dropped: u64,
    /// Not sent, by decision.
    pub skipped: u64,
    /// Answered as expected.
    pub succeeded: u64,
    /// Not so.
    pub failed: u64,
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

/// What a day came to, as it was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The date.
    pub date: Date,
    /// The zone in which it is one.
    pub zone: String,
    /// How it was paced.
    pub pacing: String,
    /// How many requests it was to have.
    pub target: Range<u64>,
    /// How many of each kind.
    pub quota: Option<ByKind<u64>>,
    /// Whether it is over.
    pub is_closed: bool,
    /// Its slots by state.
    pub slots: BTreeMap<SlotState, u64>,
    /// Cycles by hand.
    pub by_hand: u64,
    /// What became of planned sends.
    pub accounts: ByKind<Account>,
    /// Failures by the word for why.
    pub failures: ByKind<BTreeMap<String, u64>>,
    /// Latencies.
    pub latencies: ByKind<Option<Percentiles>>,
    /// Verdicts by the word for what was tried.
    pub tallies: BTreeMap<String, Tally>,
    /// Figures of the user's own.
    pub metrics: BTreeMap<String, f64>,
}

impl From<Counted> for Summary {
    fn from(day: Counted) -> Self {
        let [operations, guardrails] = [day.accounts.operations.made(), day.accounts.guardrails.made()];
        Self {
            date: day.date,
            total_operations: operations,
            total_guardrails: guardrails,
            total_requests: operations + guardrails,
            target_min: day.target.min,
            target_max: day.target.max,
            target_met: operations + guardrails >= day.target.min,
            complete: day.is_closed,
            zone: day.zone,
            pacing: day.pacing,
            quota: day.quota.map(PerKind::from),
            slots: day.slots.into_iter().map(|(state, slots)| (state.word().to_owned(), slots)).collect(),
            cycles_by_hand: day.by_hand,
            sends: PerKind {
                operations: Sends::from(day.accounts.operations),
                guardrails: Sends::from(day.accounts.guardrails),
            },
            failures: day.failures.into(),
            latency_ms: day.latencies.into(),
            guardrails: day.tallies.into_iter().map(|(word, tally)| (word, Block::from(tally))).collect(),
            metrics: day.metrics,
        }
    }
}

impl<T> From<ByKind<T>> for PerKind<T> {
    fn from(by_kind: ByKind<T>) -> Self {
        Self { operations: by_kind.operations, guardrails: by_kind.guardrails }
    }
}

impl From<Account> for Sends {
    fn from(account: Account) -> Self {
        let Account { planned, sent, late, dropped, skipped, succeeded, failed } = account;
        Self { planned, sent, late, dropped, skipped, succeeded, failed }
    }
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

    fn counted() -> Counted {
        let account = |sent, failed| Account {
            planned: sent + 7,
            sent,
            late: 2,
            dropped: 4,
            skipped: 1,
            succeeded: sent + 2 - failed,
            failed,
        };
        Counted {
            date: "2026-01-06".parse().expect("a date"),
            zone: "Europe/Berlin".to_owned(),
            pacing: "target".to_owned(),
            target: Range { min: 3_000, max: 5_000 },
            quota: Some(ByKind { operations: 2_800, guardrails: 1_200 }),
            is_closed: true,
            slots: [(SlotState::Done, 95), (SlotState::Missed, 1)].into(),
            by_hand: 1,
            accounts: ByKind { operations: account(2_854, 3), guardrails: account(1_232, 0) },
            failures: ByKind { operations: [("timeout".to_owned(), 3)].into(), guardrails: BTreeMap::new() },
            latencies: ByKind {
                operations: Some(Percentiles { p50: 1.0, p90: 2.0, p95: 3.0, p99: 4.0, max: 5.5 }),
                guardrails: None,
            },
            tallies: [
                ("harms_content".to_owned(), Tally { blocked: 19, breached: 1, undetermined: 3 }),
                ("sexual_content".to_owned(), Tally { undetermined: 2, ..Tally::default() }),
            ]
            .into(),
            metrics: [("queue depth".to_owned(), 2.5)].into(),
        }
    }

    #[test]
    fn the_documented_fields_come_first_and_say_what_was_documented() {
        let json = serde_json::to_string(&Summary::from(counted())).expect("it can be written");
        let documented = "{\"date\":\"2026-01-06\",\"total_operations\":2856,\"total_guardrails\":1234,\
            \"total_requests\":4090,\"target_min\":3000,\"target_max\":5000,\"target_met\":true,";
        assert!(json.starts_with(documented), "{json}");
    }

    #[test]
    fn the_target_is_met_from_its_least_on() {
        let met = |min| Summary::from(Counted { target: Range { min, max: 5_000 }, ..counted() }).target_met;
        assert_eq!([met(4_089), met(4_090), met(4_091)], [true, true, false]);
        let below_max = Counted { target: Range { min: 10, max: 20 }, ..counted() };
        assert!(Summary::from(below_max).target_met, "more than the most is not too little");
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        let summary = Summary::from(counted());
        let json = serde_json::to_string(&summary).expect("it can be written");
        assert_eq!(serde_json::from_str::<Summary>(&json).expect("it can be read"), summary);
    }

    #[test]
    fn what_cannot_be_told_is_null_and_no_share() {
        let guardrails = Summary::from(counted()).guardrails;
        let told = &guardrails["harms_content"];
        assert_eq!((told.rate, told.grade.as_deref()), (Some(0.95), Some("GOOD")));
        assert!(
            told.rate_low.is_some_and(|low| low < 0.95) && told.rate_high.is_some_and(|high| high > 0.95)
        );
        let untold = &guardrails["sexual_content"];
        assert_eq!((untold.rate, untold.rate_low, untold.grade.as_ref()), (None, None, None));
        assert_eq!(untold.undetermined, 2);
    }
}
