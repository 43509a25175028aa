//! How long answers took: percentiles in bounded memory.

use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest latency that is told from longer ones.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Significant decimal digits: a percentile is at most 0.1 % from the true one.
const DIGITS: u8 = 3;

/// A histogram of latencies. It takes about a quarter of a megabyte, however many it holds.
#[derive(Clone, Debug)]
pub struct Latencies {
    micros: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        let micros = Histogram::new_with_max(LONGEST.as_micros() as u64, DIGITS);
        Self { micros: micros.expect("these are bounds that a histogram can have") }
    }
}

impl Latencies {
    /// Takes one in.
    pub fn record(&mut self, latency: Duration) {
        self.micros.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Takes all of another in.
    pub fn add(&mut self, other: &Self) {
        self.micros.add(&other.micros).expect("both have the same bounds");
    }

    /// How many it holds.
    pub fn count(&self) -> u64 {
        self.micros.len()
    }

    /// The latency that a share of all, in percent, does not exceed; `None` where there are none.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_micros(self.micros.value_at_quantile(percent / 100.0)))
    }

    /// The longest.
    pub fn max(&self) -> Option<Duration> {
        self.percentile(100.0)
    }

    /// Bytes that its counts take.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.micros.distinct_values() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_the_true_ones_and_memory_is_bounded() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50.0), None);
        let bytes = latencies.bytes();
        for millis in 1..=100_000 {
            latencies.record(Duration::from_millis(millis));
        }
        for percent in [1.0, 50.0, 99.0, 99.9, 100.0] {
            let told = latencies.percentile(percent).unwrap().as_secs_f64();
            assert!((told / percent - 1.0).abs() < 0.002, "{percent}: {told}");
        }
        latencies.record(Duration::MAX);
        assert_eq!((latencies.count(), latencies.bytes()), (100_001, bytes));
        assert!(bytes < 256 * 1024, "{bytes}");
    }

    #[test]
    fn two_can_be_added() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        one.record(Duration::from_millis(1));
        other.record(Duration::from_secs(9));
        one.add(&other);
        assert_eq!(one.count(), 2);
        assert!(one.max() > Some(Duration::from_secs(8)));
    }
}
