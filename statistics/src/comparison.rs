//! Whether one is better than another, and by how much.
//!
//! **Paired**: both met the same seeds. Seeds differ far more than contestants do, and what they
//! have in common cancels out. The p-value is that of the paired t-test on linearised values: with
//! u = (numerator - ratio * denominator) / mean denominator of each seed, the difference of the two
//! u has the spread of the difference of the ratios, and t = difference / standard error has n - 1
//! degrees of freedom. Where every denominator is 1 that is the paired t-test itself. The interval
//! is the one of [`mod@crate::interval`], with both arms resampled alike.
//!
//! **Unpaired**: of the other only a summary is known. Then the test is Welch's, with the degrees of
//! freedom of Satterthwaite (Welch 1947, *The generalization of "Student's" problem when several
//! different population variances are involved*, Biometrika 34:28-35).
//!
//! A t-test and a bootstrap are two judges. Close to the level they may disagree; the interval, which
//! is the more careful one, then holds 0 although p is just below it.

use crate::distribution::{student_quantile, student_two_sided};
use crate::interval::{Confidence, Interval};
use crate::resampling::{Bootstrap, Contrast};
use crate::sample::Sample;
use serde::{Deserialize, Serialize};

/// By how much one is above another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The one's estimate less the other's.
    pub estimate: f64,
    /// Where the difference is, over all seeds there are.
    pub interval: Interval,
    /// The probability of a difference at least as large, on either side, if there were none.
    pub p_value: f64,
}

/// What is left of a sample once its seeds are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The metric.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Independent parts that it comes from: seeds with a value, or blocks of many seeds.
    pub parts: u64,
}

impl Sample {
    /// What is left of it once its seeds are forgotten. `None` with fewer than two that have a value.
    pub fn summary(&self) -> Option<Summary> {
        let contrast = Contrast::of(self)?;
        let Contrast { estimate, standard_error, .. } = contrast;
        let parts = contrast.parts() as u64;
        (parts >= 2).then_some(Summary { estimate, standard_error, parts })
    }
}

/// The paired difference, `sample` less `baseline`. `None` when either has no value, or there are
/// fewer than two seeds.
///
/// # Panics
/// When the two are not of the same seeds ([`Sample::lines_up_with`]).
pub fn difference(
    sample: &Sample,
    baseline: &Sample,
    confidence: Confidence,
    key: u64,
) -> Option<Difference> {
    Bootstrap::new(key).difference(sample, baseline, confidence)
}

impl Bootstrap {
    /// As [`difference`], with resamples that are drawn once for many samples.
    ///
    /// # Panics
    /// When the two are not of the same seeds.
    pub fn difference(
        &mut self,
        sample: &Sample,
        baseline: &Sample,
        confidence: Confidence,
    ) -> Option<Difference> {
        let contrast = Contrast::paired(sample, baseline)?;
        let interval = self.around(&contrast, confidence)?;
        let Contrast { estimate, standard_error, .. } = contrast;
        let estimate = if contrast.is_rounding(estimate) { 0.0 } else { estimate };
        let p_value = p_value(estimate, standard_error, (contrast.parts() - 1) as f64);
        Some(Difference { estimate, interval, p_value })
    }
}

/// The difference of two that were not paired, `one` less `other`. `None` when either has fewer than
/// two parts.
pub fn unpaired_difference(one: Summary, other: Summary, confidence: Confidence) -> Option<Difference> {
    let variances = [one, other].map(|arm| arm.standard_error * arm.standard_error);
    let [freedom_one, freedom_other] = [one, other].map(|arm| arm.parts.saturating_sub(1) as f64);
    if freedom_one < 1.0 || freedom_other < 1.0 {
        return None;
    }
    let estimate = one.estimate - other.estimate;
    let variance = variances[0] + variances[1];
    if variance == 0.0 {
        let interval = Interval { low: estimate, high: estimate };
        return Some(Difference { estimate, interval, p_value: p_value(estimate, 0.0, freedom_one) });
    }
    let standard_error = variance.sqrt();
    let freedom = variance * variance
        / (variances[0] * variances[0] / freedom_one + variances[1] * variances[1] / freedom_other);
    let half = student_quantile(confidence.tail(), freedom) * standard_error;
    let interval = Interval { low: estimate - half, high: estimate + half };
    Some(Difference { estimate, interval, p_value: p_value(estimate, standard_error, freedom) })
}

/// Without spread there is no chance: no difference is none for certain, and any other is one.
fn p_value(estimate: f64, standard_error: f64, freedom: f64) -> f64 {
    if estimate == 0.0 {
        return 1.0;
    }
    student_two_sided(estimate / standard_error, freedom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Ratio;

    fn means(values: impl IntoIterator<Item = f64>) -> Sample {
        values.into_iter().map(Ratio::value).collect()
    }

    fn compare(one: &Sample, other: &Sample) -> Difference {
        difference(one, other, Confidence::DEFAULT, 3).expect("at least two seeds")
    }

    fn noisy(seed: u32) -> f64 {
        90.0 + f64::from(seed * 7919 % 101) / 10.0
    }

    #[test]
    fn no_difference_on_any_seed_is_none_for_certain() {
        let same = compare(&means((0..9).map(noisy)), &means((0..9).map(noisy)));
        assert_eq!((same.estimate, same.p_value, same.interval.width()), (0.0, 1.0, 0.0));
    }

    #[test]
    fn the_same_difference_on_every_seed_is_one_for_certain() {
        // Of all sizes, so that adding a tenth is rounded now up and now down.
        let sizes = || (0..9).map(|seed| noisy(seed) * libm::pow(7.0, f64::from(seed) - 5.0));
        let always = compare(&means(sizes().map(|size| size + 0.1)), &means(sizes()));
        assert!((always.estimate - 0.1).abs() < 1e-10, "{always:?}");
        assert_eq!((always.p_value, always.interval.width()), (0.0, 0.0));
    }

    #[test]
    fn what_seeds_have_in_common_cancels_out() {
        let slightly = |seed: u32| noisy(seed) + 0.2 + f64::from(seed % 3) / 10.0;
        let (one, other) = (means((0..30).map(slightly)), means((0..30).map(noisy)));
        let paired = compare(&one, &other);
        assert!(paired.p_value < 1e-10 && paired.interval.low > 0.2, "{paired:?}");
        let (one, other) = (one.summary().expect("30 seeds"), other.summary().expect("30 seeds"));
        let apart = unpaired_difference(one, other, Confidence::DEFAULT).expect("30 seeds");
        assert!(apart.p_value > 0.5 && apart.interval.low < 0.0, "{apart:?}");
        assert!((apart.estimate - paired.estimate).abs() < 1e-12);
    }

    #[test]
    fn turned_round_the_difference_is_the_opposite() {
        let (one, other) = (means((0..25).map(noisy)), means((5..30).map(noisy)));
        let (there, back) = (compare(&one, &other), compare(&other, &one));
        assert_eq!(there.estimate, -back.estimate);
        assert!((there.p_value - back.p_value).abs() < 1e-12);
    }

    #[test]
    fn ratios_are_compared_as_their_sums_are() {
        let ratios = |shift: u32| -> Sample {
            (0..40).map(|seed| Ratio::new(noisy(seed + shift), f64::from((seed + shift) % 5))).collect()
        };
        let (one, other) = (ratios(0), ratios(3));
        let both = compare(&one, &other);
        let plainly = one.estimate().expect("values") - other.estimate().expect("values");
        assert!((both.estimate - plainly).abs() < 1e-12);
        assert!(both.interval.contains(both.estimate) && both.p_value > 0.0 && both.p_value < 1.0);
        assert_eq!(compare(&one, &one).p_value, 1.0);
    }

    #[test]
    fn one_seed_cannot_be_compared() {
        assert_eq!(difference(&means([1.0]), &means([2.0]), Confidence::DEFAULT, 3), None);
        assert_eq!(means([1.0]).summary(), None);
        let nothing = Sample::from_iter([Ratio::NONE, Ratio::NONE]);
        assert_eq!(difference(&means([1.0, 2.0]), &nothing, Confidence::DEFAULT, 3), None);
    }

    #[test]
    #[should_panic(expected = "only samples of the same seeds can be paired")]
    fn other_seeds_are_not_paired() {
        let _ = compare(&means([1.0, 2.0]), &means([1.0, 2.0, 3.0]));
    }

    #[test]
    fn summaries_without_spread_differ_for_certain_or_not_at_all() {
        let point = |estimate| Summary { estimate, standard_error: 0.0, parts: 20 };
        let p = |one, other| unpaired_difference(point(one), point(other), Confidence::DEFAULT);
        assert_eq!(p(1.0, 1.0).map(|it| it.p_value), Some(1.0));
        assert_eq!(p(1.0, 2.0).map(|it| it.p_value), Some(0.0));
    }
}
