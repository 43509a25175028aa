//! How long answers took: latencies of many sends in little room.
//!
//! An HDR histogram of microseconds, from one to a day, with three significant digits: whatever is counted
//! in it is told within 0.1 %. It takes about a quarter of a megabyte, however many it holds. In the ledger it is pairs of numbers, the bucket's value and how often it was
//! counted, each as a varint and each value less the one before it.

use hdrhistogram::Histogram;
use std::time::Duration;

/// The longest latency that is told apart; longer ones are counted as this.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Significant digits.
const DIGITS: u8 = 3;

/// Bytes that are no latencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("latencies that are cut off")]
pub struct CutOff;

/// Latencies, counted.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let max = u64::try_from(MAX.as_micros()).unwrap_or(u64::MAX);
        Self(Histogram::new_with_bounds(1, max, DIGITS).expect("the bounds are in order, the digits few"))
    }
}

impl Latencies {
    /// Counts one.
    pub fn count(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// How many were counted.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The latency that a share of them, 0 to 1, does not exceed; `None` where there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_micros(self.0.value_at_quantile(share)))
    }

    /// The longest; `None` where there are none.
    pub fn max(&self) -> Option<Duration> {
        (!self.is_empty()).then(|| Duration::from_micros(self.0.max()))
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before = 0;
        for bucket in self.0.iter_recorded() {
            let value = bucket.value_iterated_to();
            put(&mut bytes, value - before);
            put(&mut bytes, bucket.count_at_value());
            before = value;
        }
        bytes
    }

    /// From what was kept.
    ///
    /// # Errors
    /// If that was cut off.
    pub fn of_bytes(mut bytes: &[u8]) -> Result<Self, CutOff> {
        let (mut latencies, mut value) = (Self::default(), 0_u64);
        while !bytes.is_empty() {
            let step = take(&mut bytes).ok_or(CutOff)?;
            let count = take(&mut bytes).ok_or(CutOff)?;
            value = value.checked_add(step).ok_or(CutOff)?;
            latencies.0.saturating_record_n(value, count);
        }
        Ok(latencies)
    }
}

/// Seven bits to a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        micros.into_iter().for_each(|micros| latencies.count(Duration::from_micros(micros)));
        latencies
    }

    #[test]
    fn what_is_kept_comes_back() {
        let counted = latencies((0..50_000).map(|number| number * number % 90_000_001).chain([0, u64::MAX]));
        let back = Latencies::of_bytes(&counted.to_bytes()).expect("it was written so");
        assert_eq!(back.len(), 50_002);
        for share in [0.0, 0.001, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            assert_eq!(back.quantile(share), counted.quantile(share), "{share}");
        }
        assert!(counted.to_bytes().len() < 65_536, "{}", counted.to_bytes().len());
    }

    #[test]
    fn quantiles_are_told_within_a_thousandth() {
        let counted = latencies(1..=100_000);
        for (share, exact) in [(0.5, 50_000.0), (0.95, 95_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
            let told = counted.quantile(share).expect("there are some").as_micros() as f64;
            assert!((told / exact - 1.0).abs() <= 0.001, "{share}: {told}");
        }
        assert_eq!(latencies([]).quantile(0.5), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut counted = Latencies::default();
        let bytes = |latencies: &Latencies| latencies.0.distinct_values() * size_of::<u64>();
        let before = bytes(&counted);
        (0..100_000)
            .map(Duration::from_millis)
            .chain([Duration::MAX])
            .for_each(|latency| counted.count(latency));
        assert_eq!((counted.len(), bytes(&counted)), (100_001, before));
        assert!(before < 256 * 1024, "{before}");
    }

    #[test]
    fn two_are_added_as_if_they_were_one() {
        let (mut left, right) = (latencies(1..5_000), latencies(5_000..10_000));
        left.add(&right);
        assert_eq!(left.to_bytes(), latencies(1..10_000).to_bytes());
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let bytes = latencies([1, 1_000, 1_000_000]).to_bytes();
        for length in [1, bytes.len() - 1] {
            assert!(Latencies::of_bytes(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Latencies::of_bytes(&[0xff; 12]).is_err());
    }
}
