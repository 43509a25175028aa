//! Which load profile holds when, by the wall clock: windows before busy hours before quiet hours, and
//! `normal` at all other times. Of windows those of maintenance come first, others in their order; the first
//! that holds counts.
//!
//! Hours and windows may cross midnight. They belong to the day on which they begin: busy hours of weekdays
//! from 20 to 2 hold early on Saturday, and not early on Monday.

use crate::config::settings::DayName;
use crate::profile::Profile;
use jiff::civil::{Date, DateTime, Weekday};
use std::collections::BTreeSet;
use std::fmt;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Everything that decides which profile holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The user's own, those of maintenance first.
    pub windows: Vec<Window>,
    /// The profile of busy hours.
    pub busy: Profile,
    /// The profile of quiet hours.
    pub quiet: Profile,
    /// The profile of all other times.
    pub normal: Profile,
    /// Busy hours from Monday to Friday.
    pub weekday_busy: Option<Span>,
    /// Busy hours on Saturdays, Sundays and holidays.
    pub weekend_busy: Option<Span>,
    /// Quiet hours.
    pub quiet_hours: Option<Span>,
    /// Dates that are no weekdays.
    pub holidays: BTreeSet<Date>,
}

/// A time at which a profile of the user's holds, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// Its profile; one that sends nothing in a maintenance window.
    pub profile: Profile,
    /// Whether it is one of maintenance: its slots are skipped.
    pub is_maintenance: bool,
    /// The days on which it begins.
    pub days: Days,
    /// Its time of day.
    pub span: Span,
}

/// Days: all that are named in one way or another, or simply all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// By name.
    pub names: Vec<DayName>,
    /// By date.
    pub dates: BTreeSet<Date>,
    /// By their place in the month: from 1, or from -1 for the last.
    pub month_days: Vec<i8>,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first minute.
    pub from: u16,
    /// The minute after its last: up to 24:00, or of the next day where it is before `from`.
    pub to: u16,
}

/// The profile that holds, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Holding<'s> {
    /// The profile.
    pub profile: &'s Profile,
    /// Why it is this one.
    pub reason: Reason<'s>,
}

/// Why a profile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason<'s> {
    /// A maintenance window of this name.
    Maintenance(&'s str),
    /// Another window of this name.
    Window(&'s str),
    /// Busy hours of a weekday.
    WeekdayBusyHours,
    /// Busy hours of a weekend or a holiday.
    WeekendBusyHours,
    /// Quiet hours.
    QuietHours,
    /// None of all these.
    Otherwise,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Maintenance(name) => write!(f, "maintenance window {name}"),
            Reason::Window(name) => write!(f, "window {name}"),
            Reason::WeekdayBusyHours => f.write_str("busy hours of weekdays"),
            Reason::WeekendBusyHours => f.write_str("busy hours of weekends and holidays"),
            Reason::QuietHours => f.write_str("quiet hours"),
            Reason::Otherwise => f.write_str("neither a window nor busy nor quiet hours"),
        }
    }
}

impl Schedule {
    /// The profile that holds when the wall clock shows this, and why.
    pub fn at(&self, wall: DateTime) -> Holding<'_> {
        if let Some(window) = self.windows.iter().find(|window| self.is_in(window, wall)) {
            let reason = match window.is_maintenance {
                true => Reason::Maintenance(&window.name),
                false => Reason::Window(&window.name),
            };
            return Holding { profile: &window.profile, reason };
        }
        let is_held =
            |span: Option<Span>, days: &dyn Fn(Date) -> bool| span.is_some_and(|span| span.holds(wall, days));
        if is_held(self.weekday_busy, &|date| self.is_weekday(date)) {
            return Holding { profile: &self.busy, reason: Reason::WeekdayBusyHours };
        }
        if is_held(self.weekend_busy, &|date| !self.is_weekday(date)) {
            return Holding { profile: &self.busy, reason: Reason::WeekendBusyHours };
        }
        if is_held(self.quiet_hours, &|_| true) {
            return Holding { profile: &self.quiet, reason: Reason::QuietHours };
        }
        Holding { profile: &self.normal, reason: Reason::Otherwise }
    }

    /// The name of the maintenance window in which this is.
    pub fn maintenance_at(&self, wall: DateTime) -> Option<&str> {
        match self.at(wall).reason {
            Reason::Maintenance(name) => Some(name),
            _ => None,
        }
    }

    /// Whether a day is one from Monday to Friday and no holiday.
    pub fn is_weekday(&self, date: Date) -> bool {
        !is_weekend(date) && !self.holidays.contains(&date)
    }

    /// Whether a window may begin on a day.
    pub(crate) fn may_begin(&self, window: &Window, date: Date) -> bool {
        let Days { names, dates, month_days } = &window.days;
        let is_any = names.is_empty() && dates.is_empty() && month_days.is_empty();
        is_any
            || names.iter().any(|name| self.is_called(date, *name))
            || dates.contains(&date)
            || month_days
                .iter()
                .any(|day| *day == date.day() || *day == date.day() - date.days_in_month() - 1)
    }

    fn is_in(&self, window: &Window, wall: DateTime) -> bool {
        window.span.holds(wall, &|date| self.may_begin(window, date))
    }

    fn is_called(&self, date: Date, name: DayName) -> bool {
        match name {
            DayName::Monday => date.weekday() == Weekday::Monday,
            DayName::Tuesday => date.weekday() == Weekday::Tuesday,
            DayName::Wednesday => date.weekday() == Weekday::Wednesday,
            DayName::Thursday => date.weekday() == Weekday::Thursday,
            DayName::Friday => date.weekday() == Weekday::Friday,
            DayName::Saturday => date.weekday() == Weekday::Saturday,
            DayName::Sunday => date.weekday() == Weekday::Sunday,
            DayName::Weekdays => self.is_weekday(date),
            DayName::Weekends => is_weekend(date),
            DayName::Holidays => self.holidays.contains(&date),
            DayName::All => true,
        }
    }
}

pub(crate) fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl Span {
    /// The whole day.
    pub const DAY: Span = Span { from: 0, to: DAY_MINUTES };

    /// From one full hour to another.
    pub fn hours(from: u8, to: u8) -> Self {
        Self { from: u16::from(from) * 60, to: u16::from(to) * 60 }
    }

    /// Whether it goes on after midnight.
    pub fn crosses_midnight(self) -> bool {
        self.to < self.from
    }

    /// Its length, minutes.
    pub fn minutes(self) -> u16 {
        if self.crosses_midnight() { DAY_MINUTES - self.from + self.to } else { self.to - self.from }
    }

    /// Whether it holds when the wall clock shows this, where it begins on some days only.
    fn holds(self, wall: DateTime, begins: &dyn Fn(Date) -> bool) -> bool {
        let minute = minute_of(wall);
        if !self.crosses_midnight() {
            return (self.from..self.to).contains(&minute) && begins(wall.date());
        }
        minute >= self.from && begins(wall.date())
            || minute < self.to && wall.date().yesterday().is_ok_and(begins)
    }
}

/// `12:30-13:15`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Clock(self.from), Clock(self.to))
    }
}

/// A minute of the day as the wall clock shows it.
pub(crate) struct Clock(pub(crate) u16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn minute_of(wall: DateTime) -> u16 {
    u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs())
}
