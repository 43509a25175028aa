//! The most that a target may be asked.

use super::Complaint;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Tries a second of a target beyond loopback for which nothing else is said: what a small service bears.
pub const RATE_DEFAULT: f64 = 10.0;

/// The most tries a second that may be allowed of a target beyond loopback: more is a load test of somebody
/// else's machine, for which there are other tools.
pub const RATE_MAX: f64 = 100.0;

/// Tries of a target, by all who ask it, are at least a span apart.
///
/// There is no burst: what was not used is gone.
#[derive(Debug)]
pub struct RateCap {
    gap_nanos: u64,
    next_nanos: AtomicU64,
}

impl RateCap {
    /// At most this many a second.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most [`RATE_MAX`].
    pub fn per_second(rate: f64) -> Result<Self, Complaint> {
        if !(rate > 0.0 && rate <= RATE_MAX) {
            return Err(Complaint::new(
                format!("a target beyond loopback may not be asked {rate} times a second"),
                format!("Set requests_per_second_max to a number above 0 and at most {RATE_MAX}."),
            ));
        }
        Ok(Self { gap_nanos: (1e9 / rate).ceil() as u64, next_nanos: AtomicU64::new(0) })
    }

    /// The instant at which whoever asks this may make one try, at the earliest now. It is theirs alone.
    pub fn reserve(&self, now: Duration) -> Duration {
        self.reserve_before(now, Duration::MAX).unwrap_or(Duration::MAX)
    }

    /// The same for a try that is of no use from an end on: `None`, with nothing reserved, where there is no
    /// instant left before it. What nobody will use would keep those waiting who come after.
    pub fn reserve_before(&self, now: Duration, end: Duration) -> Option<Duration> {
        let [now, end] = [now, end].map(|span| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
        let turn = |next: u64| Some(next.max(now)).filter(|turn| *turn < end);
        let after = |next: u64| turn(next).map(|turn| turn.saturating_add(self.gap_nanos));
        let reserved = self.next_nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        reserved.ok().and_then(turn).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_a_span_apart_and_none_is_saved_up() {
        let cap = RateCap::per_second(4.0).unwrap();
        let ms = Duration::from_millis;
        assert_eq!(cap.reserve(ms(0)), ms(0));
        assert_eq!(cap.reserve(ms(0)), ms(250));
        assert_eq!(cap.reserve(ms(100)), ms(500));
        assert_eq!(cap.reserve(ms(9_000)), ms(9_000));
        assert_eq!(cap.reserve(ms(9_000)), ms(9_250));
    }

    #[test]
    fn nothing_is_reserved_that_nobody_will_use() {
        let cap = RateCap::per_second(4.0).unwrap();
        let ms = Duration::from_millis;
        assert_eq!(cap.reserve_before(ms(0), ms(500)), Some(ms(0)));
        assert_eq!(cap.reserve_before(ms(0), ms(500)), Some(ms(250)));
        for _ in 0..1_000 {
            assert_eq!(cap.reserve_before(ms(0), ms(500)), None);
        }
        assert_eq!(cap.reserve(ms(500)), ms(500));
    }

    #[test]
    fn a_rate_that_is_none_or_too_high_is_refused() {
        for rate in [0.0, -1.0, RATE_MAX + 0.1, f64::NAN, f64::INFINITY] {
            assert!(RateCap::per_second(rate).unwrap_err().cure.contains("at most 100"));
        }
    }
}
