//! `world scenarios prove`: shows that a scenario is what it says it is.
//!
//! A drill that hurts nobody, or that nobody can do anything about, teaches nothing, and whoever wrote it
//! cannot see that from the file. So its runs are played, inline, on the scenario's seeds (or on twenty
//! from 1 where it names one), and held against claims ([`claims`]): which ones follows from what is in the
//! file, so none is skipped in silence. All comparisons are paired by seeds, and a difference counts when
//! its 95 % interval does.
//!
//! Beside that it measures how hard the scenario is: the share of the harm that a junior, a mid, a senior and
//! the oracle avoid.

mod claims;
mod player;

pub(crate) use claims::{Claim, Difficulty, Proof};

use player::{Cast, Player};
use statistics::{Confidence, Interval, Ratio, Sample, interval};
use std::ops::ControlFlow;
use worlds::chance::Seed;
use worlds::scenario::Scenario;

/// Seeds that a scenario of one seed is proved on: one day's luck proves nothing.
const SEEDS: u64 = 20;

/// From which the bootstrap's resamples flow.
const KEY: u64 = 3;

/// The seeds that a scenario is proved on: so many from 1 if that is asked for.
pub(crate) fn seeds_of(scenario: &Scenario, asked: Option<u32>) -> Vec<Seed> {
    match (asked, scenario.seeds()) {
        (Some(count), _) => (1..=u64::from(count)).collect(),
        (None, [_]) => (1..=SEEDS).collect(),
        (None, several) => several.to_vec(),
    }
}

/// Proves a scenario, until `go_on` breaks off.
pub(crate) fn prove(
    scenario: &Scenario,
    seeds: &[Seed],
    go_on: &mut dyn FnMut() -> ControlFlow<()>,
) -> Option<Proof> {
    let mut player = Player::new(scenario, seeds, go_on);
    claims::of(&mut player)
}

/// How much more of something there is in one run than in the other, over the same seeds.
fn gain(more: &[f64], less: &[f64]) -> Gain {
    let sample: Sample = more.iter().zip(less).map(|(more, less)| Ratio::value(more - less)).collect();
    Gain { mean: sample.estimate(), interval: interval(&sample, Confidence::DEFAULT, KEY) }
}

/// A mean difference over seeds.
#[derive(Clone, Debug)]
struct Gain {
    mean: Option<f64>,
    /// `None` with fewer than two seeds.
    interval: Option<Interval>,
}

impl Gain {
    /// Whether it is at least this on average, and beyond doubt more than nothing, which one seed alone
    /// never shows.
    fn reaches(&self, least: f64) -> bool {
        let is_sure = self.interval.as_ref().is_some_and(|around| around.low > 0.0);
        is_sure && self.mean.is_some_and(|mean| mean >= least)
    }

    fn told(&self) -> String {
        match (self.mean, &self.interval) {
            (Some(mean), Some(around)) => {
                format!("{mean:+.2} points ({:+.2} to {:+.2})", around.low, around.high)
            }
            (Some(mean), None) => format!("{mean:+.2} points on one seed"),
            (None, _) => "no seed was played".to_owned(),
        }
    }
}

/// The share of the harm that an SRE avoids: what users get more than when nobody acts, of what they lose then.
fn avoided(sre: Cast, player: &mut Player<'_>) -> Option<Difficulty> {
    let none = player.availability(Cast::Nobody)?;
    let own = player.availability(sre)?;
    let seeds = own.iter().zip(&none).map(|(own, none)| Ratio::new(own - none, 100.0 - none));
    let sample: Sample = seeds.collect();
    let around = interval(&sample, Confidence::DEFAULT, KEY);
    // Four decimals are kept in a file and held against what is measured: no last bit matters there.
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    Some(Difficulty {
        share: sample.estimate().map(rounded),
        low: around.map(|around| rounded(around.low)),
        high: around.map(|around| rounded(around.high)),
    })
}
