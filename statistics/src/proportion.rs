//! Where a share is: how many of all there are would do what so many of those that were tried did.
//!
//! The interval is the score interval of Wilson (1927, *Probable inference, the law of succession, and
//! statistical inference*, Journal of the American Statistical Association 22:209-212): all shares p that
//! the normal test with the standard error sqrt(p (1 - p) / n) does not reject. With z the normal quantile,
//!
//! ```text
//! (x + z^2 / 2 -/+ z sqrt(x (n - x) / n + z^2 / 4)) / (n + z^2)
//! ```
//!
//! Counts are whole, so no interval that follows from them alone covers every share in exactly 95 of 100
//! experiments: of ten trials at a share of 99 %, all ten succeed in 90 % of the experiments and nine in
//! 9 %, so that an interval covers it in 90 % or in 99.6 %, and in nothing between. What can be had is 95 %
//! on the average over shares, and the rest on the side where it does no harm. Computed exactly, from
//! binomial probabilities, at 95 %; over all shares from 80 to 100 %, and at how many of those from 50 to
//! 100 % it is between 93 and 97 %:
//!
//! | trials | Wilson | Agresti-Coull | Jeffreys | mid-p | Clopper-Pearson |
//! |---|---|---|---|---|---|
//! | 5 | 94.9, 47 % | 96.0, 34 % | 96.7, 45 % | 98.2, 26 % | 99.2, 0 % |
//! | 10 | 95.4, 61 % | 96.8, 58 % | 97.1, 54 % | 98.0, 43 % | 98.9, 8 % |
//! | 20 | 95.5, 80 % | 97.1, 72 % | 95.7, 76 % | 97.1, 73 % | 98.4, 30 % |
//! | 50 | 95.3, 94 % | 96.7, 86 % | 95.2, 90 % | 96.0, 89 % | 97.6, 62 % |
//! | 100 | 95.2, 97 % | 96.2, 91 % | 95.0, 95 % | 95.6, 94 % | 97.0, 83 % |
//! | 260 | 95.1, 98 % | 95.7, 96 % | 95.0, 98 % | 95.3, 98 % | 96.3, 94 % |
//! | 1000 | 95.0, 100 % | 95.3, 99 % | 95.0, 100 % | 95.1, 99 % | 95.8, 99 % |
//!
//! Where Wilson's covers less than 90 % (down to 83 %), the share is within 0.6 / n of 1 and above the
//! interval, or as near to 0 and below it: what is all but perfect is then held for a little less so.
//! [`Passes`](crate::Passes) needs the opposite, an interval that never covers less than it says, and takes
//! that of Clopper and Pearson.

use crate::distribution::normal_quantile;
use crate::interval::{Confidence, Interval};

/// Where the share of successes is, over all trials there could be. `None` without a trial.
///
/// # Panics
/// When more succeeded than were tried.
pub fn proportion(successes: u64, trials: u64, confidence: Confidence) -> Option<Interval> {
    assert!(successes <= trials, "a trial succeeds once");
    if trials == 0 {
        return None;
    }
    let (x, n) = (successes as f64, trials as f64);
    let z = normal_quantile(confidence.tail());
    let square = z * z;
    let half = z * (x * (n - x) / n + square / 4.0).sqrt();
    let end = |far: f64| (x + square / 2.0 + far) / (n + square);
    // At the ends of the scale the two parts cancel, and would leave the last bits of neither.
    let low = if successes == 0 { 0.0 } else { end(-half) };
    let high = if successes == trials { 1.0 } else { end(half) };
    Some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(successes: u64, trials: u64) -> Interval {
        proportion(successes, trials, Confidence::DEFAULT).expect("trials")
    }

    /// How likely so many successes are, for each number of them.
    fn binomial(trials: u64, share: f64) -> Vec<f64> {
        let n = trials as f64;
        let ways = |x: f64| libm::lgamma(n + 1.0) - libm::lgamma(x + 1.0) - libm::lgamma(n - x + 1.0);
        let probability = |x: u64| {
            let (x, missed) = (x as f64, (trials - x) as f64);
            libm::exp(ways(x) + x * libm::log(share) + missed * libm::log(1.0 - share))
        };
        (0..=trials).map(probability).collect()
    }

    /// How often the interval covers a share, and how often the share is below it.
    fn coverage(trials: u64, share: f64) -> (f64, f64) {
        let mut shares = (0.0, 0.0);
        for (successes, probability) in binomial(trials, share).into_iter().enumerate() {
            let around = around(successes as u64, trials);
            shares.0 += if around.contains(share) { probability } else { 0.0 };
            shares.1 += if share < around.low { probability } else { 0.0 };
        }
        shares
    }

    /// Evenly between two shares, neither of them included.
    fn between(low: f64, high: f64) -> impl Iterator<Item = f64> {
        (0..200).map(move |step| low + (high - low) * (f64::from(step) + 0.5) / 200.0)
    }

    #[test]
    fn shares_near_one_are_covered_in_94_to_96_of_100_experiments_on_the_average() {
        for trials in [5, 8, 15, 30, 60, 260] {
            let covered: f64 = between(0.8, 1.0).map(|share| coverage(trials, share).0).sum::<f64>() / 200.0;
            assert!((0.94..=0.96).contains(&covered), "{covered} with {trials}");
        }
    }

    #[test]
    fn with_fifty_trials_nine_shares_in_ten_are_covered_in_93_to_97_of_100_experiments() {
        let covered = |share: &f64| (0.93..=0.97).contains(&coverage(50, *share).0);
        assert!(between(0.5, 1.0).filter(covered).count() >= 180);
    }

    #[test]
    fn a_share_near_one_that_is_missed_is_hardly_ever_below_the_interval() {
        for trials in [5, 10, 30, 100] {
            for share in between(0.8, 1.0) {
                let (_, below) = coverage(trials, share);
                assert!(below <= 0.06, "{below} of {share} with {trials}");
            }
        }
    }

    #[test]
    fn without_a_failure_the_interval_still_tells_how_little_is_known() {
        // z^2 = 3.8415.
        let spotless = around(20, 20);
        assert!((spotless.low - 20.0 / 23.841_458_8).abs() < 1e-8 && spotless.high == 1.0, "{spotless:?}");
        assert_eq!(around(0, 20).low, 0.0);
        assert_eq!(proportion(0, 0, Confidence::DEFAULT), None);
    }

    #[test]
    fn success_and_failure_mirror_each_other() {
        let (one, other) = (around(3, 17), around(14, 17));
        assert!((one.low - (1.0 - other.high)).abs() < 1e-15 && (one.high - (1.0 - other.low)).abs() < 1e-15);
    }
}
