//! How long to leave a busy target alone that does not say it.

use std::time::Duration;

/// After the first try, at the most; twice as long after each further one.
const FIRST: Duration = Duration::from_secs(1);

/// The wait after a try, counted from 1: between half of the most and the most. `chance` is any number that
/// differs between those who might otherwise all come back at once.
pub(super) fn backoff(tries: u8, chance: u64) -> Duration {
    let most = FIRST * (1 << tries.saturating_sub(1).min(10));
    // The finalizer of SplitMix64, and of its result the 53 bits that a double holds.
    let mut bits = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    most.mul_f64(0.5 + 0.5 * (bits >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_spread() {
        for (tries, most) in [(1, 1.0), (2, 2.0), (3, 4.0)] {
            let waits: Vec<_> = (0..1_000).map(|chance| backoff(tries, chance).as_secs_f64()).collect();
            assert!(waits.iter().all(|wait| (most / 2.0..=most).contains(wait)));
            let mean = waits.iter().sum::<f64>() / 1_000.0;
            assert!((mean / most - 0.75).abs() < 0.02, "{mean}");
        }
    }
}
