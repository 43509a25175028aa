//! Gates over several seeds: the condition is held against the 95 % interval of the field's mean.
//!
//! A gate with `<`, `<=`, `>` or `>=` **holds** when its condition is false at both ends of the
//! interval, **fails** when it is true at both, and is **undecided** in between: then more seeds are
//! needed, and about how many is told. One with `==` or `!=` asks for the same on every seed, and
//! needs no interval. Seeds on which the field is `null` are left out; where all are, or only one is
//! left, the gate is undecided.

use crate::console::figure;
use crate::gate::Gate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Confidence, Interval, Ratio, Sample, interval, seeds_to_clear};

/// From which the bootstrap's resamples flow: the same figures every time, and everywhere.
pub(super) const KEY: u64 = 1;

/// How a gate was decided over several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DrillGate {
    /// The condition under which the drill fails, as it was typed.
    pub expr: String,
    /// Seeds on which the field has a value.
    pub n: u32,
    /// Seeds of these on which the condition is true.
    pub failed_seeds: u32,
    /// The field's mean over them.
    pub mean: Option<f64>,
    /// The lower end of the mean's 95 % interval.
    pub low: Option<f64>,
    /// The upper end of the mean's 95 % interval.
    pub high: Option<f64>,
    /// Whether the gate held; `null` when it is undecided.
    pub held: Option<bool>,
    /// About how many seeds would decide an undecided gate; `null` where no number would, or nobody
    /// knows.
    pub seeds_needed: Option<u64>,
}

impl DrillGate {
    /// Decides a gate by the field's value on each seed.
    pub(crate) fn of(gate: &Gate, values: &[Option<f64>]) -> Self {
        let there: Vec<f64> = values.iter().copied().flatten().collect();
        let sample: Sample = there.iter().map(|value| Ratio::value(*value)).collect();
        let around = interval(&sample, Confidence::DEFAULT, KEY);
        let failed = there.iter().filter(|value| gate.is_true_of(**value)).count();
        let held = if gate.asks_for_one_value() {
            (!there.is_empty()).then_some(failed == 0)
        } else {
            around.as_ref().and_then(|around| by_interval(gate, around))
        };
        let is_open = held.is_none() && !gate.asks_for_one_value();
        Self {
            expr: gate.expr().to_owned(),
            n: there.len() as u32,
            failed_seeds: failed as u32,
            mean: sample.estimate(),
            low: around.as_ref().map(|around| around.low),
            high: around.as_ref().map(|around| around.high),
            held,
            seeds_needed: around
                .filter(|_| is_open)
                .and_then(|around| needed(&sample, &around, gate.limit())),
        }
    }

    /// What is to be said about a gate that did not hold.
    pub(crate) fn complaint(&self) -> Option<String> {
        let expr = &self.expr;
        let seen = match (self.mean, self.low, self.high) {
            (Some(mean), Some(low), Some(high)) => format!(
                "{} on average over {}, 95 % interval {} to {}",
                short(mean),
                figure::plural(self.n, "seed"),
                short(low),
                short(high)
            ),
            (Some(mean), ..) => format!("{} on the one seed that has a value", short(mean)),
            _ => "no seed has such a value".to_owned(),
        };
        match (self.held, self.seeds_needed) {
            (Some(true), _) => None,
            (Some(false), _) => Some(format!("gate `{expr}` failed: {seen}")),
            (None, Some(seeds)) => {
                Some(format!("gate `{expr}` is undecided: {seen}; about {seeds} seeds would do"))
            }
            (None, None) => Some(format!("gate `{expr}` is undecided: {seen}")),
        }
    }
}

/// About how many seeds would take the interval to one side of the limit.
fn needed(sample: &Sample, around: &Interval, limit: f64) -> Option<u64> {
    let estimate = sample.estimate()?;
    let bound = if limit < estimate { around.low } else { around.high };
    seeds_to_clear(sample.seeds_with_value(), estimate, bound, limit)
}

/// `None` when the interval has the limit within.
fn by_interval(gate: &Gate, around: &Interval) -> Option<bool> {
    match (gate.is_true_of(around.low), gate.is_true_of(around.high)) {
        (false, false) => Some(true),
        (true, true) => Some(false),
        _ => None,
    }
}

/// A figure with as many decimals as its size deserves.
fn short(value: f64) -> String {
    figure::plain((value * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(expr: &str, values: &[Option<f64>]) -> DrillGate {
        DrillGate::of(&Gate::parse(expr).expect("a gate"), values)
    }

    fn around_96(seeds: usize) -> Vec<Option<f64>> {
        // 94, 95, 96, 97, 98 by turns.
        (0..seeds).map(|seed| Some(94.0 + (seed % 5) as f64)).collect()
    }

    #[test]
    fn a_gate_holds_where_its_whole_interval_does() {
        let gate = decide("availability_pct < 95", &around_96(20));
        assert_eq!((gate.held, gate.n, gate.mean), (Some(true), 20, Some(96.0)));
        let (low, high) = (gate.low.expect("a bound"), gate.high.expect("a bound"));
        assert!(95.0 < low && low < 96.0 && 96.0 < high && high < 97.0, "{low} {high}");
        // Single seeds fail it, and that does not matter.
        assert_eq!((gate.failed_seeds, gate.complaint()), (4, None));
    }

    #[test]
    fn a_gate_fails_where_its_whole_interval_does() {
        let gate = decide("availability_pct < 97", &around_96(20));
        assert_eq!((gate.held, gate.seeds_needed), (Some(false), None));
        let told = gate.complaint().expect("a complaint");
        assert!(
            told.starts_with("gate `availability_pct < 97` failed: 96 on average over 20 seeds"),
            "{told}"
        );
        assert_eq!(decide("availability_pct > 95", &around_96(20)).held, Some(false));
        assert_eq!(decide("availability_pct > 97", &around_96(20)).held, Some(true));
    }

    #[test]
    fn a_gate_whose_limit_lies_within_its_interval_says_how_many_seeds_would_do() {
        let gate = decide("availability_pct < 95.8", &around_96(20));
        assert_eq!(gate.held, None);
        let needed = gate.seeds_needed.expect("a number") as usize;
        assert!(needed > 20, "{needed}");
        let told = gate.complaint().expect("a complaint");
        assert!(told.contains("is undecided") && told.contains(&format!("about {needed} seeds")), "{told}");
        // As far the other way.
        let above = decide("availability_pct > 96.2", &around_96(20));
        assert_eq!((above.held, above.seeds_needed.map(|seeds| seeds > 20)), (None, Some(true)));
        // So many do.
        assert_eq!(decide("availability_pct < 95.8", &around_96(needed * 6 / 5)).held, Some(true));
    }

    /// Most seeds are at 100, few far below: the interval reaches further down than up.
    #[test]
    fn how_many_seeds_would_do_is_told_by_the_side_on_which_the_limit_lies() {
        let skewed: Vec<_> = (0..40).map(|seed| Some(if seed % 8 == 0 { 60.0 } else { 100.0 })).collect();
        let needed = |limit: f64| {
            let gate = decide(&format!("availability_pct < {limit}"), &skewed);
            gate.seeds_needed.expect("the limit lies within the interval")
        };
        let (mean, distance) = (95.0, 1.0);
        assert!(needed(mean - distance) > needed(mean + distance) * 5 / 4);
    }

    #[test]
    fn seeds_without_a_value_are_left_out() {
        let mut values = around_96(20);
        values.extend([None; 10]);
        let gate = decide("mttr.mean_rounds > 99", &values);
        assert_eq!((gate.n, gate.held), (20, Some(true)));
        let gate = decide("mttr.mean_rounds > 99", &[None, None]);
        assert_eq!((gate.n, gate.held, gate.mean), (0, None, None));
        assert!(gate.complaint().expect("a complaint").contains("no seed has such a value"));
    }

    #[test]
    fn one_seed_alone_decides_nothing() {
        let gate = decide("availability_pct < 50", &[Some(96.0), None]);
        assert_eq!((gate.held, gate.low, gate.seeds_needed), (None, None, None));
    }

    #[test]
    fn seeds_that_are_all_alike_need_no_room() {
        assert_eq!(decide("availability_pct < 99", &[Some(100.0); 3]).held, Some(true));
        assert_eq!(decide("availability_pct < 100.5", &[Some(100.0); 3]).held, Some(false));
    }

    #[test]
    fn a_value_that_is_asked_for_is_asked_of_every_seed() {
        let gate = decide("faults.masked != 0", &[Some(0.0), Some(0.0), Some(1.0)]);
        assert_eq!((gate.held, gate.failed_seeds), (Some(false), 1));
        assert_eq!(decide("faults.masked != 0", &[Some(0.0)]).held, Some(true));
        assert_eq!(decide("faults.masked == 3", &[Some(1.0), Some(2.0)]).held, Some(true));
    }
}
