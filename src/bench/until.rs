//! `--until-width`: seeds are added until intervals are narrow enough.
//!
//! The steps at which intervals are looked at follow from `--seeds` alone: each has a quarter more
//! seeds than the last. So a bench that was interrupted between two steps ends where it would have
//! ended otherwise, and a quarter is the most that is played in vain.

use super::figures::{self, Maker};
use super::plan::{Plan, Until};
use super::tally::Tally;
use crate::console::figure;
use crate::metric::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reached {
    /// The metric whose intervals were looked at.
    pub metric: Metric,
    /// None was to be wider than this.
    pub width: f64,
    /// The widest interval of a contestant; `null` where one has none.
    pub widest: Option<f64>,
    /// Whether all are narrow enough.
    pub reached: bool,
}

impl Reached {
    /// What is to be said when they are not.
    pub(crate) fn complaint(&self) -> String {
        let (metric, width) = (self.metric.name(), figure::plain(self.width));
        match self.widest {
            Some(widest) => {
                let widest = figure::plain((widest * 1e4).round() / 1e4);
                format!("an interval of {metric} is still {widest} wide, and {width} was asked for")
            }
            None => format!("{metric} has no interval in one place, and a width of {width} was asked for"),
        }
    }
}

/// The width that counts, of a cell or of several that belong together.
pub(crate) type Width<'a> = &'a (dyn Fn(Metric, &mut Maker, &Tally, usize) -> Option<f64> + Sync);

/// Where intervals are looked at the next time, from so many seeds on: where they are now, if that is
/// one of the steps.
pub(crate) fn step_from(seeds: u64, first: u64, most: u64) -> u64 {
    let mut step = first;
    while step < seeds && step < most {
        step = after(step, most);
    }
    step.min(most)
}

/// The step after one.
pub(crate) fn after(step: u64, most: u64) -> u64 {
    step.saturating_add((step / 4).max(1)).min(most)
}

/// The widths of several cells; `None` where there is no interval.
pub(crate) fn widths(
    plan: &Plan,
    tally: &Tally,
    of: &[usize],
    width: impl Fn(&mut Maker, &Tally, usize) -> Option<f64> + Sync,
) -> Vec<Option<f64>> {
    figures::in_parallel(plan.threads, of.len(), |maker, place| width(maker, tally, of[place]))
}

/// The widest interval that a contestant has in a cell.
pub(crate) fn widest_of(
    plan: &Plan,
    metric: Metric,
    maker: &mut Maker,
    tally: &Tally,
    cell: usize,
) -> Option<f64> {
    let players = plan.players.iter().zip(&tally.cells[cell].players);
    let contestants = players.filter(|(player, _)| !player.is_reference);
    let widths = contestants.map(|(_, tally)| maker.interval(tally, metric).map(|it| it.width()));
    widths.reduce(widest).flatten()
}

/// The wider of two; none where one is missing.
pub(crate) fn widest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one?.max(other?))
}

/// What came of it, by the widths of all cells.
pub(crate) fn reached(until: Until, widths: Vec<Option<f64>>) -> Reached {
    let Until { metric, width, .. } = until;
    let widest = widths.into_iter().reduce(widest).flatten();
    Reached { metric, width, widest, reached: is_narrow(until, widest) }
}

/// Whether an interval is narrow enough.
pub(crate) fn is_narrow(until: Until, width: Option<f64>) -> bool {
    width.is_some_and(|width| width <= until.width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_follow_from_the_first_whatever_was_played_already() {
        let mut step = 200;
        let mut steps = vec![step];
        while step < 1000 {
            step = after(step, 1000);
            steps.push(step);
        }
        assert_eq!(steps, [200, 250, 312, 390, 487, 608, 760, 950, 1000]);
        for seeds in 1..=1000 {
            let next = steps.iter().copied().find(|&step| step >= seeds).expect("one is left");
            assert_eq!(step_from(seeds, 200, 1000), next, "from {seeds}");
        }
        assert_eq!(after(1, 10), 2);
    }

    #[test]
    fn where_one_interval_is_missing_none_is_narrow_enough() {
        let until = Until { metric: Metric::Score, width: 2.0, seeds_max: 10 };
        assert!(reached(until, vec![Some(1.0), Some(2.0)]).reached);
        let wide = reached(until, vec![Some(1.0), Some(2.5)]);
        assert_eq!((wide.reached, wide.widest), (false, Some(2.5)));
        assert_eq!(wide.complaint(), "an interval of score is still 2.5 wide, and 2 was asked for");
        assert!(!reached(until, vec![Some(1.0), None]).reached);
    }
}
