//! From samples to figures: estimates, 95 % intervals, differences, pass^k.
//!
//! The bootstrap's resamples flow from a fixed key, so the same runs always give the same figures.

use super::tally::PlayerTally;
use crate::metric::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Bootstrap, Confidence, Interval, Passes, Summary, holm};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// From which the bootstrap's resamples flow.
const KEY: u64 = 1;

/// How sure all intervals are.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// One metric of one player in one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Figure {
    /// Seeds on which it has a value.
    pub n: u64,
    /// Its value over all of them; `null` when there are none.
    pub estimate: Option<f64>,
    /// The standard error of that; `null` with fewer than two.
    pub standard_error: Option<f64>,
    /// Independent parts that the standard error comes from: seeds, or blocks of many seeds.
    pub parts: u64,
    /// The lower end of the 95 % interval.
    pub low: Option<f64>,
    /// The upper end of the 95 % interval.
    pub high: Option<f64>,
    /// How far it is from the baseline's; `null` for the baseline itself, and where either has no value.
    pub difference: Option<Apart>,
}

/// A paired difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Apart {
    /// The one's value less the other's.
    pub estimate: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end of its 95 % interval.
    pub high: f64,
    /// The probability of a difference at least as large if there were none.
    pub p: f64,
    /// The same, Holm's, with all differences of this metric in this document as one family.
    pub p_holm: f64,
}

/// How reliably runs pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PassFigures {
    /// Runs that were played.
    pub runs: u64,
    /// Runs that passed.
    pub passed: u64,
    /// The probability that all of k runs pass.
    pub pass_k: Vec<PassK>,
}

/// pass^k.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PassK {
    /// So many runs.
    pub k: u64,
    /// The probability that all of them pass; `null` with fewer runs.
    pub estimate: Option<f64>,
    /// The lower end of its 95 % interval.
    pub low: Option<f64>,
    /// The upper end of its 95 % interval.
    pub high: Option<f64>,
}

/// Figures by metric.
pub(crate) type Figures = BTreeMap<Metric, Figure>;

/// Makes figures of samples.
#[derive(Debug)]
pub(crate) struct Maker {
    bootstrap: Bootstrap,
}

impl Maker {
    fn new() -> Self {
        Self { bootstrap: Bootstrap::new(KEY) }
    }

    /// The interval of a metric.
    pub(crate) fn interval(&mut self, player: &PlayerTally, metric: Metric) -> Option<Interval> {
        let around = match metric {
            // A share of runs is known better than by resampling.
            Metric::PassedShare => passes(player).interval(1, Confidence::DEFAULT),
            _ => self.bootstrap.interval(player.sample(metric), Confidence::DEFAULT),
        };
        around.map(|around| metric.within_range(around))
    }

    /// How far a metric of one player is from another's on the same seeds.
    pub(crate) fn apart(
        &mut self,
        player: &PlayerTally,
        baseline: &PlayerTally,
        metric: Metric,
    ) -> Option<Apart> {
        let [one, other] = [player, baseline].map(|player| player.sample(metric));
        let apart = self.bootstrap.difference(one, other, Confidence::DEFAULT)?;
        let Interval { low, high } = apart.interval;
        let p = apart.p_value;
        Some(Apart { estimate: apart.estimate, low, high, p, p_holm: p })
    }

    /// All figures of a player, and how far they are from a baseline's.
    pub(crate) fn figures(&mut self, player: &PlayerTally, baseline: Option<&PlayerTally>) -> Figures {
        let figure = |metric: Metric| {
            let sample = player.sample(metric);
            let (summary, around) = (sample.summary(), self.interval(player, metric));
            let figure = Figure {
                n: sample.seeds_with_value(),
                estimate: sample.estimate(),
                standard_error: summary.map(|it: Summary| it.standard_error),
                parts: summary.map_or(0, |it| it.parts),
                low: around.map(|around| around.low),
                high: around.map(|around| around.high),
                difference: baseline.and_then(|baseline| self.apart(player, baseline, metric)),
            };
            (metric, figure)
        };
        Metric::ALL.into_iter().map(figure).collect()
    }
}

impl Figure {
    /// What is left of the sample.
    pub(crate) fn summary(&self) -> Option<Summary> {
        let (estimate, standard_error) = (self.estimate?, self.standard_error?);
        Some(Summary { estimate, standard_error, parts: self.parts })
    }
}

/// A player's runs, and how many of them passed.
fn passes(player: &PlayerTally) -> Passes {
    let sample = player.sample(Metric::PassedShare);
    Passes::new(sample.total().numerator as u64, sample.seeds())
}

/// pass^k of a player.
pub(crate) fn pass_figures(player: &PlayerTally, ks: &[u64]) -> PassFigures {
    let passes = passes(player);
    let pass_k = |&k: &u64| {
        let estimate = passes.all_of(k);
        let around = estimate.and_then(|_| passes.interval(k, Confidence::DEFAULT));
        PassK { k, estimate, low: around.map(|it| it.low), high: around.map(|it| it.high) }
    };
    PassFigures { runs: passes.runs(), passed: passes.passed(), pass_k: ks.iter().map(pass_k).collect() }
}

/// Adjusts the p-values of a document: all differences of a metric are one family.
pub(crate) fn adjust<'a>(all: impl Iterator<Item = &'a mut Apart>) {
    let mut all: Vec<&mut Apart> = all.collect();
    let p_values: Vec<f64> = all.iter().map(|apart| apart.p).collect();
    for (apart, p_holm) in all.iter_mut().zip(holm(&p_values)) {
        apart.p_holm = p_holm;
    }
}

/// Makes many things of samples, on so many threads: whose turn it is changes nothing.
pub(crate) fn in_parallel<T: Send>(
    threads: usize,
    count: usize,
    make: impl Fn(&mut Maker, usize) -> T + Sync,
) -> Vec<T> {
    let (next, made) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        let mut maker = Maker::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count {
                return;
            }
            let thing = make(&mut maker, place);
            made.lock().unwrap_or_else(PoisonError::into_inner).insert(place, thing);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count) {
            scope.spawn(work);
        }
    });
    made.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_their_order_whoever_made_them() {
        for threads in [1, 2, 7] {
            let made = in_parallel(threads, 20, |_, place| place * place);
            assert_eq!(made, (0..20).map(|place| place * place).collect::<Vec<_>>());
        }
        assert!(in_parallel(2, 0, |_, place| place).is_empty());
    }

    #[test]
    fn a_family_is_adjusted_together() {
        let apart = |p| Apart { estimate: 0.0, low: 0.0, high: 0.0, p, p_holm: p };
        let mut all = [apart(0.03), apart(0.01)];
        adjust(all.iter_mut());
        assert_eq!(all.map(|apart| (apart.p, apart.p_holm)), [(0.03, 0.03), (0.01, 0.02)]);
    }
}
