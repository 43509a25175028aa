//! The turnstile: how fast connections are taken in, so that whoever connects again and again takes only
//! a small part of the director's time. The others queue in the socket, and their processes sleep.

use std::time::Duration;
use tokio::time::Instant;

/// Connections that are taken in at once: as many agents as are on their way to their greeting
/// together ([`super::UNGREETED_MAX`]).
const AT_ONCE: u32 = 64;

/// Connections that are taken in each second, after those: more than a machine starts processes, and
/// a few hundredths of the director's time.
const PER_SECOND: u32 = 2_000;

/// From one to the next, after those that are taken in at once.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);

/// Counts those who pass.
#[derive(Debug)]
pub(super) struct Turnstile {
    /// When everybody who passed would have passed at an even pace.
    even: Instant,
}

impl Turnstile {
    /// Through which nobody has passed.
    pub(super) fn new(now: Instant) -> Self {
        Self { even: now }
    }

    /// Notes that one wants to pass; gives when it may, unless it may at once.
    pub(super) fn next(&mut self, now: Instant) -> Option<Instant> {
        self.even = self.even.max(now) + INTERVAL;
        let due = self.even - INTERVAL * AT_ONCE;
        (due > now).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pass_at_once_and_many_at_an_even_pace() {
        let began = Instant::now();
        let mut turnstile = Turnstile::new(began);
        let mut now = began;
        for passed in 1..=AT_ONCE + 10 * PER_SECOND {
            now = turnstile.next(now).unwrap_or(now);
            assert!(passed > AT_ONCE || now == began, "{passed} have to wait");
        }
        assert_eq!(now - began, INTERVAL * PER_SECOND * 10);
    }

    #[test]
    fn those_who_did_not_come_leave_no_more_room_than_for_a_few() {
        let mut turnstile = Turnstile::new(Instant::now());
        let later = Instant::now() + Duration::from_secs(3600);
        let at_once = (0..1000).filter(|_| turnstile.next(later).is_none()).count();
        assert_eq!(at_once, AT_ONCE as usize);
    }
}
