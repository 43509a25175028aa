//! What the hours were like: those of the past, with what was made in them, and those to come.

use super::ForecastError;
use crate::calendar::{Calendar, Slot};
use crate::config::Config;
use crate::order::Kind;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// The share of a window that may be holes.
pub const HOLES_MAX: f64 = 0.1;

/// Seconds of an hour.
const HOUR_SECONDS: u32 = 60 * 60;

/// An hour of the wall clock, with what is known of it before it begins. Where the clock is changed by half an
/// hour one may be shorter.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// Its beginning.
    pub start: Timestamp,
    /// What the wall clock shows then.
    pub wall: DateTime,
    /// Whether it is of a weekend.
    pub is_weekend: bool,
    /// Whether it is of one of the configuration's holidays.
    pub is_holiday: bool,
    /// Requests in the middle of what the profiles that hold in its slots make of both kinds.
    pub scheduled: f64,
}

impl Hour {
    /// The hours that begin from one instant until before another.
    pub fn between(config: &Config, calendar: &Calendar, from: Timestamp, until: Timestamp) -> Vec<Self> {
        let clock = Calendar::new(calendar.zone().clone(), HOUR_SECONDS);
        let mut hours = Vec::new();
        let mut hour = clock.slot_at(from);
        if hour.start < from {
            hour = clock.next_after(from);
        }
        while hour.start < until {
            let next = clock.next_after(hour.start);
            hours.push(Self::of(config, calendar, hour, next.start));
            hour = next;
        }
        hours
    }

    fn of(config: &Config, calendar: &Calendar, hour: Slot, end: Timestamp) -> Self {
        let date = hour.date();
        let mut scheduled = 0.0;
        let mut slot = calendar.slot_at(hour.start);
        while slot.start < end {
            if slot.start >= hour.start {
                scheduled += middle(config, slot.wall);
            }
            slot = calendar.next_after(slot.start);
        }
        Self {
            start: hour.start,
            wall: hour.wall,
            is_weekend: crate::schedule::is_weekend(date),
            is_holiday: config.schedule.holidays.contains(&date),
            scheduled,
        }
    }
}

/// Requests in the middle of what the profile makes that holds then.
fn middle(config: &Config, wall: DateTime) -> f64 {
    let loads = &config.profile_at(wall).loads;
    let counts = Kind::ALL.iter().filter_map(|kind| loads.get(*kind).as_ref()).map(|load| load.count);
    counts.map(|count| (f64::from(count.min) + f64::from(count.max)) / 2.0).sum()
}

/// Hours one after another, with what was made in them.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    hours: Vec<Hour>,
    /// Requests of each hour, `None` where nothing is known of it: the daemon did not run. An hour in which it
    /// ran and sent nothing, as in maintenance, has 0.
    requests: Vec<Option<f64>>,
}

impl History {
    /// From what the ledger says of each hour, the oldest first.
    ///
    /// # Errors
    /// Where more than [`HOLES_MAX`] of them are holes, or there are none.
    pub fn new(hours: Vec<(Hour, Option<u64>)>) -> Result<Self, ForecastError> {
        let (hours, requests): (Vec<Hour>, Vec<Option<u64>>) = hours.into_iter().unzip();
        let holes = requests.iter().filter(|requests| requests.is_none()).count();
        if hours.is_empty() || holes as f64 > HOLES_MAX * hours.len() as f64 {
            return Err(ForecastError::Holes { hours: hours.len(), holes });
        }
        let requests =
            requests.into_iter().map(|requests| requests.map(|requests| requests as f64)).collect();
        Ok(Self { hours, requests })
    }

    /// How many hours there are.
    pub fn len(&self) -> usize {
        self.hours.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty()
    }

    /// An hour, by its place.
    pub fn hour(&self, place: usize) -> &Hour {
        &self.hours[place]
    }

    /// What was made in an hour, by its place.
    pub fn requests(&self, place: usize) -> Option<f64> {
        self.requests.get(place).copied().flatten()
    }

    /// What was made in so many hours before one, those that are known, the latest first.
    pub fn before(&self, place: usize, hours: usize) -> impl Iterator<Item = (&Hour, f64)> {
        let known = |place: usize| Some((&self.hours[place], self.requests[place]?));
        (place.saturating_sub(hours)..place.min(self.len())).rev().filter_map(known)
    }

    /// The most that was made in an hour.
    pub fn most(&self) -> f64 {
        self.requests.iter().flatten().copied().fold(0.0, f64::max)
    }

    /// What was made on a date, in the hours that are known.
    pub fn of_date(&self, date: Date) -> f64 {
        let all = self.hours.iter().zip(&self.requests);
        all.filter(|(hour, _)| hour.wall.date() == date).filter_map(|(_, requests)| *requests).sum()
    }

    /// One more hour, of which nothing is known yet.
    pub(super) fn push_ahead(&mut self, hour: Hour) {
        self.hours.push(hour);
        self.requests.push(None);
    }

    /// Says what the hour at the end came to.
    pub(super) fn settle_last(&mut self, requests: f64) {
        if let Some(last) = self.requests.last_mut() {
            *last = Some(requests);
        }
    }
}
