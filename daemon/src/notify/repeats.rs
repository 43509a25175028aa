//! What has been told already, and is not told again.
//!
//! A trouble that lasts is told when it begins and when it is over: a cooldown after a cooldown is the same
//! one. A day misses its target once. Breaches may come with every cycle: the first is told at once, those of
//! the next hour are summed up and told together.

use crate::crew::foreman::Notice;
use jiff::civil::Date;
use std::time::Duration;

/// From a breach that is told to the next that is.
pub const BREACHES_SPAN: Duration = Duration::from_secs(3_600);

/// What has been told.
#[derive(Debug, Default)]
pub struct Repeats {
    is_cooling_down: bool,
    /// Why sends may not begin.
    emergency_stop: Option<String>,
    missed: Option<Date>,
    breaches: Option<Breaches>,
}

/// Breaches of a span.
#[derive(Debug)]
struct Breaches {
    over_at: Duration,
    /// Those that have not been told.
    untold: u64,
    /// The last cycle of them.
    cycle: u64,
}

impl Repeats {
    /// Takes a notice at an instant of the steady clock; gives what is to be told now.
    pub fn take(&mut self, notice: Notice, now: Duration) -> Option<Notice> {
        let is_new = match &notice {
            Notice::Cooldown { .. } => !std::mem::replace(&mut self.is_cooling_down, true),
            Notice::Recovered => std::mem::take(&mut self.is_cooling_down),
            Notice::TargetMissed { date, .. } => self.missed.replace(*date) != Some(*date),
            Notice::EmergencyStop(why) => std::mem::replace(&mut self.emergency_stop, why.clone()) != *why,
            Notice::Breach { cycle, breaches } => self.breach(*cycle, *breaches, now),
        };
        is_new.then_some(notice)
    }

    fn breach(&mut self, cycle: u64, breaches: u64, now: Duration) -> bool {
        if let Some(before) = &mut self.breaches {
            before.untold += breaches;
            before.cycle = cycle;
            return false;
        }
        self.breaches = Some(Breaches { over_at: now + BREACHES_SPAN, untold: 0, cycle });
        true
    }

    /// When something is due to be told, if nothing happens until then.
    pub fn due(&self) -> Option<Duration> {
        self.breaches.as_ref().map(|breaches| breaches.over_at)
    }

    /// Ends the span of breaches if it is over; gives what is to be told of it.
    pub fn over(&mut self, now: Duration) -> Option<Notice> {
        self.breaches.take_if(|breaches| breaches.over_at <= now)?.told().inspect(|_| {
            let over_at = now + BREACHES_SPAN;
            self.breaches = Some(Breaches { over_at, untold: 0, cycle: 0 });
        })
    }

    /// What has not been told yet, at the end.
    pub fn rest(&mut self) -> Option<Notice> {
        self.breaches.take()?.told()
    }
}

impl Breaches {
    fn told(&self) -> Option<Notice> {
        let Self { untold: breaches, cycle, .. } = *self;
        (breaches > 0).then_some(Notice::Breach { cycle, breaches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    fn cooldown() -> Notice {
        Notice::Cooldown { failures: 5, because: "refused".to_owned() }
    }

    fn breach(cycle: u64, breaches: u64) -> Notice {
        Notice::Breach { cycle, breaches }
    }

    #[test]
    fn a_trouble_is_told_once_and_once_when_it_is_over() {
        let mut repeats = Repeats::default();
        let mut is_told = |notice: Notice| repeats.take(notice, NOW).is_some();
        let notices = [
            (Notice::Recovered, false),
            (cooldown(), true),
            (cooldown(), false),
            (Notice::Recovered, true),
            (Notice::Recovered, false),
            (cooldown(), true),
        ];
        for (place, (notice, expected)) in notices.into_iter().enumerate() {
            assert_eq!(is_told(notice), expected, "{place}");
        }
        let stop = |why: Option<&str>| Notice::EmergencyStop(why.map(str::to_owned));
        for (why, expected) in [
            (None, false),
            (Some("a"), true),
            (Some("a"), false),
            (Some("b"), true),
            (None, true),
            (None, false),
        ] {
            assert_eq!(is_told(stop(why)), expected, "{why:?}");
        }
    }

    #[test]
    fn a_day_misses_its_target_once() {
        let mut repeats = Repeats::default();
        let missed = |day| Notice::TargetMissed { date: Date::constant(2026, 3, day), made: 1, least: 2 };
        let told = [29, 29, 30].map(|day| repeats.take(missed(day), NOW).is_some());
        assert_eq!(told, [true, false, true]);
    }

    #[test]
    fn breaches_of_an_hour_are_told_together_and_none_is_left_out() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.due(), None);
        assert_eq!(repeats.take(breach(1, 2), NOW), Some(breach(1, 2)));
        assert_eq!(repeats.take(breach(2, 3), NOW), None);
        assert_eq!(repeats.take(breach(4, 1), NOW), None);
        let over_at = NOW + BREACHES_SPAN;
        assert_eq!((repeats.due(), repeats.over(NOW)), (Some(over_at), None));
        assert_eq!(repeats.over(over_at), Some(breach(4, 4)));
        assert_eq!(repeats.take(breach(5, 1), over_at), None, "that was told just now");
        assert_eq!(repeats.over(over_at + BREACHES_SPAN), Some(breach(5, 1)));
        assert_eq!(repeats.over(over_at + 2 * BREACHES_SPAN), None);
        assert_eq!(repeats.take(breach(9, 1), NOW), Some(breach(9, 1)), "after a quiet hour");
        assert_eq!(repeats.take(breach(10, 7), NOW), None);
        assert_eq!((repeats.rest(), repeats.rest()), (Some(breach(10, 7)), None));
    }
}
