//! Where a metric is, over all seeds there are.
//!
//! The interval is the studentised bootstrap (bootstrap-t; Efron and Tibshirani, *An Introduction to
//! the Bootstrap*, 1993, section 12.5; Davison and Hinkley, *Bootstrap Methods and their
//! Application*, 1997, section 5.2.1): each resample gives t* = (its estimate - the estimate) / its
//! standard error, and with q the quantiles of t* the interval is
//!
//! ```text
//! [estimate - q(1 - tail) * standard error,  estimate - q(tail) * standard error]
//! ```
//!
//! Availability over seeds is skewed to the left (a few seeds are catastrophes), and with 20 seeds
//! that is what intervals break on: of those tried on runs of the built-in world, the percentile
//! interval covered 88-92 %, its expanded form, BCa and Student's interval 90-94 %, this one 93-96 %.
//! Two amendments make it safe for few seeds and for rare events:
//!
//! - **The standard error of a resample is taken to be at least a quarter of the sample's.** A resample
//!   that by chance drew hardly anything but equal values says nothing about spread; without a floor
//!   a handful of them makes an interval arbitrarily wide.
//! - **No end is nearer than Student's**, estimate -/+ t(tail, n - 1) * standard error: the bootstrap
//!   knows nothing of what a small sample happened not to contain.
//!
//! `tests/coverage.rs` plays a thousand experiments for each kind of metric and number of seeds.

use crate::distribution::student_quantile;
use crate::resampling::{Bootstrap, Contrast, Replicate};
use crate::sample::Sample;
use serde::{Deserialize, Serialize};

/// The least standard error of a resample, as a share of the sample's.
const FLOOR: f64 = 0.25;

/// How sure an interval is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    tail: f64,
}

impl Confidence {
    /// 95 %, both ends together.
    pub const DEFAULT: Self = Self { tail: 0.025 };

    /// The truth lies between the ends with this probability: each is missed with half of the rest.
    ///
    /// # Panics
    /// When it is not between 0 and 1.
    pub fn two_sided(confidence: f64) -> Self {
        Self::one_sided(0.5 + confidence / 2.0)
    }

    /// The truth lies above the lower end with this probability, and below the upper end with this
    /// probability: for whoever needs one of the two.
    ///
    /// # Panics
    /// When it is not between one half and 1.
    pub fn one_sided(confidence: f64) -> Self {
        assert!(confidence > 0.5 && confidence < 1.0, "a confidence is a probability, and no certainty");
        Self { tail: 1.0 - confidence }
    }

    /// The probability that the truth lies beyond one of the ends.
    pub fn tail(self) -> f64 {
        self.tail
    }
}

/// Two ends between which the truth is likely to lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// From end to end.
    pub fn width(self) -> f64 {
        self.high - self.low
    }

    /// Whether a value lies between the ends, or at one of them.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// No further than a metric can go: an availability is at most 100 %. Covers as often as before.
    #[must_use]
    pub fn within(self, lowest: f64, highest: f64) -> Self {
        Self { low: self.low.clamp(lowest, highest), high: self.high.clamp(lowest, highest) }
    }
}

/// The interval of a sample's metric. `None` with fewer than two seeds that have a value. A sample
/// of equal values gives a point.
pub fn interval(sample: &Sample, confidence: Confidence, key: u64) -> Option<Interval> {
    Bootstrap::new(key).interval(sample, confidence)
}

impl Bootstrap {
    /// As [`interval()`], with resamples that are drawn once for many samples.
    pub fn interval(&mut self, sample: &Sample, confidence: Confidence) -> Option<Interval> {
        self.around(&Contrast::of(sample)?, confidence)
    }

    /// The interval around an estimate.
    pub(crate) fn around(&mut self, contrast: &Contrast, confidence: Confidence) -> Option<Interval> {
        let parts = contrast.parts();
        if parts < 2 {
            return None;
        }
        let Contrast { estimate, standard_error, .. } = *contrast;
        if standard_error == 0.0 {
            return Some(Interval { low: estimate, high: estimate });
        }
        let student = student_quantile(confidence.tail, (parts - 1) as f64);
        let mut studentised = studentised(&self.replicates(contrast), FLOOR * standard_error);
        let below = quantile(&mut studentised, confidence.tail).min(-student);
        let above = quantile(&mut studentised, 1.0 - confidence.tail).max(student);
        Some(Interval { low: estimate - above * standard_error, high: estimate - below * standard_error })
    }
}

/// Each shift in standard errors.
pub(crate) fn studentised(replicates: &[Replicate], floor: f64) -> Vec<f64> {
    replicates.iter().map(|one| one.shift / one.standard_error.max(floor)).collect()
}

/// The value below which a share of `p` lies: of B values in order the one at (B + 1) p, counted from
/// 1, between two neighbours in proportion (Davison and Hinkley 1997, section 2.4.1). Puts the values
/// in order as far as it needs them.
pub(crate) fn quantile(values: &mut [f64], p: f64) -> f64 {
    let count = values.len();
    let place = ((count + 1) as f64 * p - 1.0).clamp(0.0, count.saturating_sub(1) as f64);
    if count == 0 {
        return 0.0;
    }
    let (before, share) = (place.floor() as usize, place - place.floor());
    let (_, &mut low, above) = values.select_nth_unstable_by(before, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (next - low) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Ratio;

    /// Availability of a skewed kind: most seeds are good, a few are catastrophes.
    fn skewed(seeds: u32) -> Sample {
        let value = |seed: u32| if seed % 10 == 3 { 60.0 } else { 99.0 + f64::from(seed % 7) / 10.0 };
        (0..seeds).map(|seed| Ratio::value(value(seed))).collect()
    }

    fn of(sample: &Sample) -> Interval {
        interval(sample, Confidence::DEFAULT, 1).expect("it has a spread")
    }

    #[test]
    fn the_long_tail_gets_the_long_end() {
        let sample = skewed(40);
        let (estimate, around) = (sample.estimate().expect("seeds"), of(&sample));
        assert!(estimate - around.low > 1.1 * (around.high - estimate), "{estimate} in {around:?}");
    }

    #[test]
    fn no_end_is_nearer_than_that_of_student() {
        for seeds in [2, 3, 5, 20, 200] {
            let sample = skewed(seeds);
            let all = sample.summary().expect("at least two seeds");
            let half = student_quantile(0.025, f64::from(seeds - 1)) * all.standard_error;
            let around = of(&sample);
            assert!(around.low <= all.estimate - half && around.high >= all.estimate + half, "{seeds}");
        }
    }

    #[test]
    fn a_rare_event_does_not_make_an_interval_boundless() {
        let rare: Sample = (0..20).map(|seed| Ratio::value(f64::from(u8::from(seed == 3)))).collect();
        let around = of(&rare);
        // A quarter of the standard error of 0.05 is the least: all seeds without it are four below.
        assert!((around.high - 0.25).abs() < 1e-12, "{around:?}");
    }

    #[test]
    fn fewer_than_two_seeds_with_a_value_have_no_interval() {
        for seeds in [vec![], vec![Some(1.0)], vec![Some(1.0), None, None]] {
            let sample: Sample = seeds.into_iter().map(Ratio::from).collect();
            assert_eq!(interval(&sample, Confidence::DEFAULT, 1), None);
        }
    }

    #[test]
    fn equal_values_give_a_point() {
        let same: Sample = [0.1 + 0.2; 30].into_iter().map(Ratio::value).collect();
        let around = of(&same);
        assert!(around.width() == 0.0 && (around.low - 0.3).abs() < 1e-12, "{around:?}");
    }

    #[test]
    fn seeds_without_a_value_change_nothing() {
        let some = skewed(30);
        let mut with_gaps = Sample::new();
        for part in some.parts() {
            with_gaps.extend([part, Ratio::NONE]);
        }
        assert_eq!(of(&with_gaps), of(&some));
    }

    #[test]
    fn more_certainty_and_fewer_seeds_make_it_wider() {
        let width = |seeds, confidence| interval(&skewed(seeds), confidence, 1).expect("spread").width();
        assert!(width(40, Confidence::two_sided(0.99)) > width(40, Confidence::DEFAULT));
        assert!(width(40, Confidence::DEFAULT) > width(40, Confidence::one_sided(0.95)));
        assert!(width(40, Confidence::DEFAULT) > 1.5 * width(160, Confidence::DEFAULT));
    }

    #[test]
    fn a_key_gives_the_same_interval_whatever_was_asked_before_and_another_key_nearly_so() {
        let mut bootstrap = Bootstrap::new(1);
        for seeds in [7, 30, 30, 1000, 5000, 30] {
            let sample = skewed(seeds);
            assert_eq!(bootstrap.interval(&sample, Confidence::DEFAULT), Some(of(&sample)));
        }
        let (one, other) = (of(&skewed(30)), interval(&skewed(30), Confidence::DEFAULT, 2).expect("spread"));
        assert!(one != other && (one.low - other.low).abs() < 0.1 * one.width(), "{one:?} {other:?}");
    }

    #[test]
    fn the_resamples_are_the_same_on_every_platform_and_version() {
        let around = of(&skewed(23));
        assert_eq!((around.low.to_bits(), around.high.to_bits()), GOLDEN);
    }

    const GOLDEN: (u64, u64) = (4635473407518993112, 4636789366319776128);

    #[test]
    fn quantiles_lie_between_neighbours() {
        let mut nine = [5.0, 1.0, 9.0, 4.0, 2.0, 8.0, 3.0, 7.0, 6.0];
        assert_eq!([0.1, 0.5, 0.55, 0.9].map(|p| quantile(&mut nine, p)), [1.0, 5.0, 5.5, 9.0]);
        assert_eq!([0.001, 0.999].map(|p| quantile(&mut nine, p)), [1.0, 9.0]);
        assert_eq!(quantile(&mut [4.0], 0.3), 4.0);
    }

    #[test]
    fn an_interval_is_cut_where_the_metric_ends() {
        let cut = Interval { low: -3.0, high: 101.0 }.within(0.0, 100.0);
        assert_eq!(cut, Interval { low: 0.0, high: 100.0 });
        assert!(cut.contains(0.0) && cut.contains(100.0) && !cut.contains(100.1));
    }
}
