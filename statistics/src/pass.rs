//! How reliable one is: pass^k, the probability that all of k runs pass.
//!
//! From c passes in n runs it is estimated by C(c, k) / C(n, k), the share of the k-subsets of the
//! runs in which all passed: the unbiased estimate of p^k (Yao et al. 2024, *tau-bench: A Benchmark
//! for Tool-Agent-User Interaction in Real-World Domains*, section 2). The interval is that of
//! Clopper and Pearson for p (1934, *The use of confidence or fiducial limits illustrated in the
//! case of the binomial*, Biometrika 26:404-413), to the power of k: p^k rises with p, so it covers
//! at least as often as it says, for any number of runs.

use crate::distribution::beta_quantile;
use crate::interval::{Confidence, Interval};
use serde::{Deserialize, Serialize};

/// Runs, and how many of them passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passes {
    runs: u64,
    passed: u64,
}

impl Passes {
    /// Of so many runs, so many passed.
    ///
    /// # Panics
    /// When more passed than there were.
    pub fn new(passed: u64, runs: u64) -> Self {
        assert!(passed <= runs, "a run passes once");
        Self { runs, passed }
    }

    /// The next run.
    pub fn push(&mut self, passed: bool) {
        self.runs += 1;
        self.passed += u64::from(passed);
    }

    /// Runs so far.
    pub fn runs(self) -> u64 {
        self.runs
    }

    /// Of which passed.
    pub fn passed(self) -> u64 {
        self.passed
    }

    /// The probability that all of `k` runs pass. `None` with fewer than `k` runs.
    pub fn all_of(self, k: u64) -> Option<f64> {
        let factor = |i: u64| self.passed.saturating_sub(i) as f64 / (self.runs - i) as f64;
        (k <= self.runs).then(|| (0..k).map(factor).product())
    }

    /// Where that probability is, over all seeds there are. `None` without a run.
    pub fn interval(self, k: u64, confidence: Confidence) -> Option<Interval> {
        if self.runs == 0 {
            return None;
        }
        let (passed, failed) = (self.passed as f64, (self.runs - self.passed) as f64);
        let tail = confidence.tail();
        let low = if passed == 0.0 { 0.0 } else { beta_quantile(tail, passed, failed + 1.0) };
        let high = if failed == 0.0 { 1.0 } else { beta_quantile(1.0 - tail, passed + 1.0, failed) };
        let power = |p: f64| libm::pow(p, k as f64);
        Some(Interval { low: power(low), high: power(high) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All pairs, counted one by one.
    fn share_of_pairs(runs: &[bool]) -> f64 {
        let pairs: Vec<(usize, usize)> =
            (0..runs.len()).flat_map(|one| (0..one).map(move |other| (one, other))).collect();
        pairs.iter().filter(|&&(one, other)| runs[one] && runs[other]).count() as f64 / pairs.len() as f64
    }

    #[test]
    fn pass_k_is_the_share_of_the_k_subsets_in_which_all_passed() {
        let runs = [true, false, true, true, true, false, true];
        let mut passes = Passes::default();
        runs.iter().for_each(|&passed| passes.push(passed));
        assert_eq!(passes, Passes::new(5, 7));
        assert_eq!(passes.all_of(1), Some(5.0 / 7.0));
        assert!((passes.all_of(2).expect("seven runs") - share_of_pairs(&runs)).abs() < 1e-15);
        assert_eq!(passes.all_of(6), Some(0.0));
        assert_eq!(passes.all_of(8), None);
        assert_eq!(Passes::default().all_of(1), None);
    }

    #[test]
    fn without_a_failure_the_interval_still_tells_how_little_is_known() {
        let spotless = Passes::new(20, 20);
        let one = spotless.interval(1, Confidence::DEFAULT).expect("twenty runs");
        // The rule: (1 - 0.975)^(1/n).
        assert!((one.low - libm::pow(0.025, 0.05)).abs() < 1e-12 && one.high == 1.0);
        let four = spotless.interval(4, Confidence::DEFAULT).expect("twenty runs");
        assert!((four.low - libm::pow(0.025, 0.2)).abs() < 1e-12);
        assert_eq!(Passes::new(0, 20).interval(1, Confidence::DEFAULT).map(|it| it.low), Some(0.0));
        assert_eq!(Passes::default().interval(1, Confidence::DEFAULT), None);
    }
}
