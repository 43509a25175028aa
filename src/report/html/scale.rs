//! Axes: where a round stands, and which figures stand beside a panel.

use crate::console::figure;
use std::fmt;

/// A place or a length, in percent of the box that it is drawn in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pct(pub f64);

impl fmt::Display for Pct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{}%", if text == "-0" { "0" } else { text })
    }
}

/// A figure beside an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub at: Pct,
    pub label: String,
}

/// The rounds of a run, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub rounds: u32,
    pub ticks: Vec<Tick>,
}

/// Rounds that are all named: one figure for each has room.
const ALL_NAMED_MAX: u32 = 20;

/// About so many rounds are named of more.
const NAMED: u32 = 8;

impl Axis {
    /// So many rounds.
    pub(super) fn of(rounds: u32) -> Self {
        let step = if rounds <= ALL_NAMED_MAX { 1 } else { nice_step(rounds.div_ceil(NAMED)) };
        let mut axis = Self { rounds, ticks: Vec::new() };
        let first = if step == 1 { 1 } else { step };
        let named = (first..=rounds).step_by(step as usize);
        axis.ticks =
            named.map(|round| Tick { at: axis.middle(round), label: figure::count(round.into()) }).collect();
        axis
    }

    /// Where a round begins; the one after the last begins at the right edge.
    pub(super) fn left(&self, round: u32) -> Pct {
        Pct(100.0 * f64::from(round - 1) / f64::from(self.rounds.max(1)))
    }

    /// How wide so many rounds are.
    pub(super) fn width(&self, rounds: u32) -> Pct {
        Pct(100.0 * f64::from(rounds) / f64::from(self.rounds.max(1)))
    }

    /// The middle of a round.
    pub(super) fn middle(&self, round: u32) -> Pct {
        Pct(self.left(round).0 + self.width(1).0 / 2.0)
    }
}

/// The first of 1, 2, 5, 10, 20, ... that is not less.
fn nice_step(least: u32) -> u32 {
    let powers = std::iter::successors(Some(1_u32), |power| power.checked_mul(10));
    powers
        .flat_map(|power| [1, 2, 5].map(|digit: u32| digit.saturating_mul(power)))
        .find(|step| *step >= least)
        .unwrap_or(least)
}

/// The first of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is not less than a value and than `least`.
pub(super) fn nice_max(value: f64, least: f64) -> f64 {
    const SMALLEST_POWER: i32 = -6;
    const LARGEST_POWER: i32 = 15;
    let wanted = value.max(least);
    let steps = (SMALLEST_POWER..=LARGEST_POWER)
        .flat_map(|power| [1.0, 2.0, 4.0, 5.0, 8.0].map(|digit| digit * 10_f64.powi(power)));
    // What the sum of powers is off by is no reason for a step more.
    steps.into_iter().find(|step| *step >= wanted * (1.0 - 1e-9)).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_as_short_as_they_can_be() {
        let told = [0.0, 100.0, 6.666_67, 12.5, -0.000_01].map(|value| Pct(value).to_string());
        assert_eq!(told, ["0%", "100%", "6.667%", "12.5%", "0%"]);
    }

    #[test]
    fn few_rounds_are_all_named_and_of_many_some() {
        let labels = |rounds| Axis::of(rounds).ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        assert_eq!(labels(1), ["1"]);
        assert_eq!(labels(15).len(), 15);
        assert_eq!(labels(60), ["10", "20", "30", "40", "50", "60"]);
        assert_eq!(labels(100_000), ["20,000", "40,000", "60,000", "80,000", "100,000"]);
        for rounds in (1..3_000).step_by(7) {
            assert!((1..=20).contains(&labels(rounds).len()), "{rounds}");
        }
    }

    #[test]
    fn a_scale_ends_at_a_figure_that_is_easy_to_read() {
        let ends = [(0.0, 1.0), (3.2, 1.0), (119.1, 1.0), (2_000.0, 1.0), (0.03, 0.0)];
        assert_eq!(ends.map(|(value, least)| nice_max(value, least)), [1.0, 4.0, 200.0, 2_000.0, 0.04]);
    }

    #[test]
    fn rounds_share_the_width() {
        let axis = Axis::of(4);
        assert_eq!(
            (axis.left(1), axis.left(5), axis.width(2), axis.middle(1)),
            (Pct(0.0), Pct(100.0), Pct(50.0), Pct(12.5))
        );
    }
}
