//! Gates over several seeds: the condition is held against the 95 % interval of the field's mean.
//!
//! A gate with `<`, `<=`, `>` or `>=` **holds** when its condition is false at both ends of the
//! interval, **fails** when it is true at both, and is **undecided** in between: then more seeds are
//! needed, and about how many is told. One with `==` or `!=` asks for the same on every seed, and
//! needs no interval. Seeds on which the field is `null` are left out; where all are, or only one is
//! left, the gate is undecided. So it is where few seeds are all alike: the interval is a point then, and
//! knows nothing of the days on which it is otherwise.

use crate::console::figure;
use crate::gate::Gate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Confidence, Interval, Ratio, Sample, interval, seeds_to_clear};

/// From which the bootstrap's resamples flow: the same figures every time, and everywhere.
pub(super) const KEY: u64 = 1;

/// Seeds that have to be alike before it counts that they are. When n are, with 95 % confidence fewer
/// than 3 in n of all days are otherwise (the rule of three); 20 are what a drill of some care plays.
const ALIKE_MIN: usize = 20;

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
        let (lowest, highest) = range(&gate.field());
        let around = interval(&sample, Confidence::DEFAULT, KEY).map(|it| it.within(lowest, highest));
        let failed = there.iter().filter(|value| gate.is_true_of(**value)).count();
        let held = if gate.asks_for_one_value() {
            (!there.is_empty()).then_some(failed == 0)
        } else {
            let decided = around.filter(|around| around.width() > 0.0 || there.len() >= ALIKE_MIN);
            decided.and_then(|around| by_interval(gate, &around))
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
            (Some(mean), Some(low), Some(high)) if low == high => {
                format!("{} on each of {}", short(mean), figure::plural(self.n, "seed"))
            }
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

/// Between which values a field lies, where that is known by its name.
fn range(field: &str) -> (f64, f64) {
    let ends_in = |ends: &[&str]| ends.iter().any(|end| field.ends_with(end));
    if ends_in(&["availability_pct", "availability_mean_of_rounds_pct", "uptime_pct"]) {
        (0.0, 100.0)
    } else if ends_in(&["_share"]) {
        (0.0, 1.0)
    } else if ends_in(&["_rounds", "_minutes"]) {
        (0.0, f64::INFINITY)
    } else {
        (f64::NEG_INFINITY, f64::INFINITY)
    }
}

/// About how many seeds would take the interval to one side of the limit.
fn needed(sample: &Sample, around: &Interval, limit: f64) -> Option<u64> {
    let estimate = sample.estimate()?;
    if around.width() == 0.0 {
        return Some(ALIKE_MIN as u64);
    }
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
    fn few_seeds_that_are_all_alike_decide_nothing_and_many_do() {
        let few = decide("availability_pct < 99", &[Some(100.0); 3]);
        assert_eq!((few.held, few.low, few.seeds_needed), (None, Some(100.0), Some(20)));
        let told =
            "gate `availability_pct < 99` is undecided: 100 on each of 3 seeds; about 20 seeds would do";
        assert_eq!(few.complaint().as_deref(), Some(told));
        assert_eq!(decide("availability_pct < 99", &[Some(100.0); 19]).held, None);
        assert_eq!(decide("availability_pct < 99", &[Some(100.0); 20]).held, Some(true));
        assert_eq!(decide("availability_pct < 100.5", &[Some(100.0); 20]).held, Some(false));
    }

    #[test]
    fn an_interval_goes_no_further_than_its_field_can() {
        let values = [Some(99.9), Some(60.0), Some(99.8)];
        let gate = decide("availability_pct < 1", &values);
        assert_eq!(gate.high, Some(100.0));
        let gate = decide("mttr.mean_rounds > 99", &[Some(0.0), Some(9.0), Some(0.1)]);
        assert_eq!(gate.low, Some(0.0));
        let gate = decide("score < -999", &[Some(99.0), Some(-60.0), Some(98.0)]);
        assert!(gate.high > Some(100.0), "a score knows no bound: {gate:?}");
    }

    #[test]
    fn a_value_that_is_asked_for_is_asked_of_every_seed() {
        let gate = decide("faults.masked != 0", &[Some(0.0), Some(0.0), Some(1.0)]);
        assert_eq!((gate.held, gate.failed_seeds), (Some(false), 1));
        assert_eq!(decide("faults.masked != 0", &[Some(0.0)]).held, Some(true));
        assert_eq!(decide("faults.masked == 3", &[Some(1.0), Some(2.0)]).held, Some(true));
    }
}
