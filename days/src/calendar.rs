//! Days and slots: the instants at which cycles are planned.
//!
//! A slot stands wherever the wall clock of the zone shows a multiple of the interval, counted from
//! midnight. On a day on which the clock is put forward there are fewer of them, on one on which it is put
//! back there are more: with 15 minutes 92 and 100 instead of 96. Wall times that a day does not have give no
//! slot, those that it has twice give two. A slot belongs to the date that the wall clock shows at it.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Seconds of a day without a change of the clock.
const DAY_SECONDS: u32 = 24 * 60 * 60;

/// How far around a day its slots are looked for: the clock is never changed by more, but where a zone
/// changes sides of the date line, and leaves out a whole day.
const CHANGE_MAX: SignedDuration = SignedDuration::from_hours(3);

/// A planned cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Its instant, which names it: no two slots have the same.
    pub start: Timestamp,
    /// What the wall clock shows then.
    pub wall: DateTime,
    /// Its place in its day, from 1.
    pub number: u32,
}

impl Slot {
    /// The day that it belongs to.
    pub fn date(&self) -> Date {
        self.wall.date()
    }
}

/// A day: a date in a zone, and its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// Its slots, in order. A date that a zone leaves out has none.
    pub slots: Vec<Slot>,
}

/// Where slots are.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    zone: TimeZone,
    interval_seconds: u32,
}

impl Calendar {
    /// A slot every so many seconds of the wall clock, at least one and at most a day's.
    ///
    /// # Panics
    /// If there are none, or more.
    pub fn new(zone: TimeZone, interval_seconds: u32) -> Self {
        assert!((1..=DAY_SECONDS).contains(&interval_seconds), "an interval of {interval_seconds} s");
        Self { zone, interval_seconds }
    }

    /// The zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// From a slot to the next, but for those around a change of the clock.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds.into())
    }

    /// Slots of a day on which the clock does not change.
    pub fn regular_slots(&self) -> u32 {
        DAY_SECONDS.div_ceil(self.interval_seconds)
    }

    /// The date that the wall clock shows at an instant.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        self.wall(instant).date()
    }

    /// A day.
    pub fn day(&self, date: Date) -> Day {
        let midnight = |date: Date| date.to_zoned(self.zone.clone()).map(|zoned| zoned.timestamp());
        let first = midnight(date).unwrap_or(Timestamp::MIN).saturating_sub(CHANGE_MAX);
        let last = date.tomorrow().and_then(midnight).unwrap_or(Timestamp::MAX).saturating_add(CHANGE_MAX);
        let (mut at, last) = (first.unwrap_or(Timestamp::MIN), last.unwrap_or(Timestamp::MAX));
        let mut slots = Vec::new();
        while at < last {
            at = self.first_after(at);
            let wall = self.wall(at);
            if wall.date() == date {
                slots.push(Slot { start: at, wall, number: slots.len() as u32 + 1 });
            }
        }
        Day { date, slots }
    }

    /// The slot in which an instant is: the last one that is not after it.
    pub fn slot_at(&self, instant: Timestamp) -> Slot {
        self.slot(self.last_until(instant))
    }

    /// The first slot after an instant.
    pub fn next_after(&self, instant: Timestamp) -> Slot {
        self.slot(self.first_after(instant))
    }

    /// The last slot before an instant.
    pub fn before(&self, instant: Timestamp) -> Slot {
        self.slot(self.last_until(instant - SignedDuration::from_nanos(1)))
    }

    /// The slot that begins at an instant.
    fn slot(&self, start: Timestamp) -> Slot {
        let wall = self.wall(start);
        let number = if self.has_changed_since_the_day_began(start, wall) {
            // Only counting tells.
            let slots = self.day(wall.date()).slots;
            slots.iter().find(|slot| slot.start == start).map_or(1, |slot| slot.number)
        } else {
            seconds_of_day(wall) / self.interval_seconds + 1
        };
        Slot { start, wall, number }
    }

    /// Whether the clock was changed while it showed the date that it shows at an instant, or to it.
    fn has_changed_since_the_day_began(&self, instant: Timestamp, wall: DateTime) -> bool {
        let midnight = instant - SignedDuration::from_secs(seconds_of_day(wall).into());
        self.changed_until(instant).is_some_and(|change| {
            let before = self.wall(change - SignedDuration::from_secs(1));
            midnight < change || before.date() >= wall.date()
        })
    }

    fn last_until(&self, instant: Timestamp) -> Timestamp {
        // A fraction of a second more is the same slot.
        let second = whole_second(instant);
        let past = seconds_of_day(self.wall(second)) % self.interval_seconds;
        let start = second - SignedDuration::from_secs(past.into());
        match self.changed_until(second) {
            // The wall clock has not shown it since it was changed: the slot is one from before.
            Some(change) if start < change => self.last_until(change - SignedDuration::from_secs(1)),
            _ => start,
        }
    }

    fn first_after(&self, instant: Timestamp) -> Timestamp {
        let second = whole_second(instant);
        let since_midnight = seconds_of_day(self.wall(second));
        let left = self.interval_seconds - since_midnight % self.interval_seconds;
        // Slots are counted from midnight, which ends the last interval of a day.
        let start = second + SignedDuration::from_secs(left.min(DAY_SECONDS - since_midnight).into());
        match self.changed_after(second) {
            Some(change) if change <= start => {
                let is_slot = seconds_of_day(self.wall(change)).is_multiple_of(self.interval_seconds);
                if is_slot { change } else { self.first_after(change) }
            }
            _ => start,
        }
    }

    /// What the wall clock shows.
    fn wall(&self, instant: Timestamp) -> DateTime {
        self.zone.to_datetime(instant)
    }

    /// When the clock was last changed, this instant included.
    fn changed_until(&self, instant: Timestamp) -> Option<Timestamp> {
        let after = instant + SignedDuration::from_nanos(1);
        self.zone.preceding(after).next().map(|change| change.timestamp())
    }

    /// When the clock is changed next.
    fn changed_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.zone.following(instant).next().map(|change| change.timestamp())
    }
}

fn whole_second(instant: Timestamp) -> Timestamp {
    let past = instant.as_nanosecond().rem_euclid(1_000_000_000);
    instant - SignedDuration::from_nanos(past as i64)
}

fn seconds_of_day(wall: DateTime) -> u32 {
    let [hour, minute, second] =
        [wall.hour(), wall.minute(), wall.second()].map(i8::unsigned_abs).map(u32::from);
    (hour * 60 + minute) * 60 + second
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;
    use jiff::tz::TimeZoneDatabase;

    const QUARTER: u32 = 15 * 60;

    /// By the database that comes with the program, so that nothing depends on the machine's.
    fn calendar(zone: &str, interval_seconds: u32) -> Calendar {
        Calendar::new(TimeZoneDatabase::bundled().get(zone).expect("a zone"), interval_seconds)
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    /// The wall times of a day's slots.
    fn walls(zone: &str, interval_seconds: u32, day: &str) -> Vec<String> {
        let day = calendar(zone, interval_seconds).day(date(day));
        day.slots.iter().map(|slot| slot.wall.time().strftime("%H:%M").to_string()).collect()
    }

    #[test]
    fn a_day_has_as_many_slots_as_its_clock_shows() {
        for (zone, day, slots) in [
            ("Europe/Berlin", "2026-03-28", 96),
            ("Europe/Berlin", "2026-03-29", 92),
            ("Europe/Berlin", "2026-10-25", 100),
            ("America/New_York", "2026-03-08", 92),
            ("America/New_York", "2026-11-01", 100),
            // Midnight itself is left out, or is there twice.
            ("America/Havana", "2025-03-09", 92),
            ("America/Havana", "2025-11-02", 100),
            // By half an hour.
            ("Australia/Lord_Howe", "2026-10-04", 94),
            ("Australia/Lord_Howe", "2026-04-05", 98),
            // By two hours.
            ("Antarctica/Troll", "2026-03-29", 88),
            ("Antarctica/Troll", "2026-10-25", 104),
            // Midnight is put back into the day before.
            ("Asia/Pyongyang", "2015-08-14", 98),
            ("Asia/Pyongyang", "2015-08-15", 96),
            // A day that was left out.
            ("Pacific/Apia", "2011-12-30", 0),
            ("UTC", "2026-03-29", 96),
        ] {
            assert_eq!(calendar(zone, QUARTER).day(date(day)).slots.len(), slots, "{zone} {day}");
        }
    }

    #[test]
    fn wall_times_that_are_left_out_give_no_slot_and_those_that_come_twice_give_two() {
        let half_hours = |day| walls("Europe/Berlin", 30 * 60, day)[2..8].join(" ");
        assert_eq!(half_hours("2026-03-28"), "01:00 01:30 02:00 02:30 03:00 03:30");
        assert_eq!(half_hours("2026-03-29"), "01:00 01:30 03:00 03:30 04:00 04:30");
        assert_eq!(half_hours("2026-10-25"), "01:00 01:30 02:00 02:30 02:00 02:30");
        let early = |day| walls("America/Havana", QUARTER, day)[..6].join(" ");
        assert_eq!(early("2025-03-09"), "01:00 01:15 01:30 01:45 02:00 02:15");
        assert_eq!(early("2025-11-02"), "00:00 00:15 00:30 00:45 00:00 00:15");
    }

    #[test]
    fn an_interval_that_does_not_divide_the_day_begins_anew_at_midnight() {
        let day = walls("UTC", 7 * 3_600, "2026-03-28");
        assert_eq!(day, ["00:00", "07:00", "14:00", "21:00"]);
        let calendar = calendar("UTC", 7 * 3_600);
        let late = calendar.day(date("2026-03-28")).slots[3];
        assert_eq!(calendar.next_after(late.start).wall.to_string(), "2026-03-29T00:00:00");
        assert_eq!((calendar.regular_slots(), late.number), (4, 4));
    }

    #[test]
    fn every_way_to_a_slot_leads_to_the_same_one() {
        for (zone, from) in [
            ("Europe/Berlin", "2026-03-27"),
            ("Europe/Berlin", "2026-10-23"),
            ("America/Havana", "2025-03-07"),
            ("America/Havana", "2025-10-31"),
            ("Australia/Lord_Howe", "2026-04-03"),
            ("Antarctica/Troll", "2026-10-23"),
            ("Asia/Pyongyang", "2015-08-13"),
            ("Pacific/Apia", "2011-12-28"),
        ] {
            for interval in [QUARTER, 11 * 60, 45 * 60, 86_400] {
                let calendar = calendar(zone, interval);
                let days = date(from).series(1.day()).take(5);
                let slots: Vec<_> = days.flat_map(|date| calendar.day(date).slots).collect();
                for pair in slots.windows(2) {
                    let [slot, next] = [pair[0], pair[1]];
                    assert_eq!(calendar.next_after(slot.start), next, "{zone} {interval}");
                    assert_eq!(calendar.before(next.start), slot, "{zone} {interval}");
                    for within in [slot.start, next.start - SignedDuration::from_nanos(1)] {
                        assert_eq!(calendar.slot_at(within), slot, "{zone} {interval}");
                    }
                }
            }
        }
    }
}
