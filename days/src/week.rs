//! A week of a schedule, to be looked at: which profile holds in each hour, and from which minute on where it
//! changes within one.
//!
//! It is by the wall clock. On a day on which the clock changes an hour of it is not there, or there twice;
//! the slots of such a day are the calendar's to tell.

use crate::profile::Profile;
use crate::schedule::{Clock, DAY_MINUTES, Holding, Reason, Schedule};
use jiff::ToSpan;
use jiff::civil::{Date, Time};
use std::collections::BTreeSet;
use std::fmt;

/// Narrowest text that a week is told in, columns.
pub const WIDTH_MIN: usize = 60;

/// Columns before the hours: `Mon 01-05 `.
const LABEL: usize = 10;

/// Seven days.
#[derive(Clone, Debug, PartialEq)]
pub struct Week<'s> {
    /// From Monday on.
    pub days: Vec<Day<'s>>,
}

/// What holds on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Day<'s> {
    /// Its date.
    pub date: Date,
    /// From midnight to midnight without a gap; no two that follow each other hold for the same reason.
    pub stretches: Vec<Stretch<'s>>,
}

/// A time for which one profile holds for one reason.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch<'s> {
    /// Its first minute of the day.
    pub from: u16,
    /// The minute after its last.
    pub to: u16,
    /// What holds.
    pub holding: Holding<'s>,
}

impl<'s> Week<'s> {
    /// The week in which a date is, from its Monday on.
    pub fn with(schedule: &'s Schedule, date: Date) -> Self {
        let monday = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
        let day = |after: i64| Day::of(schedule, monday.saturating_add(after.days()));
        Self { days: (0..7).map(day).collect() }
    }

    /// The profiles that hold in it, by name.
    pub fn profiles(&self) -> BTreeSet<&'s str> {
        let stretches = self.days.iter().flat_map(|day| &day.stretches);
        stretches.map(|stretch| stretch.holding.profile.name.as_str()).collect()
    }

    /// The week as lines of text, none longer than this many columns, though at least [`WIDTH_MIN`]: a table of
    /// 7 days by 24 hours, what its signs mean, and the hours in words.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let width = width.max(WIDTH_MIN);
        let signs = Signs::of(self);
        let cell = ((width - LABEL) / 24).clamp(1, 3);
        let mut lines = vec![hours_above(cell)];
        lines.extend(self.days.iter().map(|day| day.row(&signs, cell)));
        lines.push(String::new());
        lines.extend(wrapped("", &signs.legend(), width));
        lines.push(String::new());
        for days in self.days.chunk_by(|one, other| one.holds_as(other)) {
            lines.extend(wrapped(&span_of(days), &days[0].words(), width));
        }
        lines
    }
}

impl<'s> Day<'s> {
    /// What holds on a date.
    pub fn of(schedule: &'s Schedule, date: Date) -> Self {
        let mut stretches: Vec<Stretch<'_>> = Vec::new();
        for minute in 0..DAY_MINUTES {
            let time = Time::midnight() + i64::from(minute).minutes();
            let holding = schedule.at(date.to_datetime(time));
            match stretches.last_mut() {
                Some(last) if last.holding == holding => last.to = minute + 1,
                _ => stretches.push(Stretch { from: minute, to: minute + 1, holding }),
            }
        }
        Self { date, stretches }
    }

    /// The profiles that hold in an hour, one after the other.
    pub fn hour(&self, hour: u16) -> Vec<&'s Profile> {
        let (from, to) = (hour * 60, hour * 60 + 60);
        let inside = self.stretches.iter().filter(|stretch| stretch.from < to && from < stretch.to);
        let mut profiles: Vec<&Profile> = inside.map(|stretch| stretch.holding.profile).collect();
        profiles.dedup_by_key(|profile| &profile.name);
        profiles
    }

    fn holds_as(&self, other: &Day<'_>) -> bool {
        self.stretches == other.stretches
    }

    fn row(&self, signs: &Signs<'_>, cell: usize) -> String {
        let sign = |hour| match &self.hour(hour)[..] {
            [profile] => signs.sign(&profile.name),
            _ => Signs::SEVERAL,
        };
        let cells: String = (0..24).map(|hour| format!("{:<cell$}", sign(hour))).collect();
        let label = format!("{} {}", name_of(self.date), self.date.strftime("%m-%d"));
        format!("{label:<LABEL$}{}", cells.trim_end())
    }

    /// `00:00 quiet, 06:00 normal, 12:00 peak (window lunch)`.
    fn words(&self) -> String {
        let words: Vec<String> = self.stretches.iter().map(ToString::to_string).collect();
        words.join(", ")
    }
}

impl fmt::Display for Stretch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Clock(self.from), self.holding.profile.name)?;
        match self.holding.reason {
            Reason::Maintenance(name) | Reason::Window(name) => write!(f, " ({name})"),
            _ => Ok(()),
        }
    }
}

/// Signs for the profiles of a week.
struct Signs<'s>(Vec<(&'s str, char)>);

impl<'s> Signs<'s> {
    /// Stands for an hour in which several profiles hold.
    const SEVERAL: char = '*';

    /// For profiles of the user's: as many as there may be.
    const OTHERS: &'static str = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnpqrstuvwxyz@%&$+=";

    fn of(week: &Week<'s>) -> Self {
        let mut others = Self::OTHERS.chars();
        let mut sign = |name: &str| match name {
            "busy" => '#',
            "normal" => 'o',
            "quiet" => '.',
            "maintenance" => '-',
            _ => others.next().unwrap_or('?'),
        };
        Self(week.profiles().into_iter().map(|name| (name, sign(name))).collect())
    }

    fn sign(&self, name: &str) -> char {
        self.0.iter().find(|(known, _)| *known == name).map_or('?', |(_, sign)| *sign)
    }

    fn legend(&self) -> String {
        let meaning = |(name, sign): &(&str, char)| format!("{sign} {name}");
        let signs: Vec<String> = self.0.iter().map(meaning).collect();
        format!("{}, {} changes within the hour", signs.join(", "), Self::SEVERAL)
    }
}

/// The hours above the table, every third one.
fn hours_above(cell: usize) -> String {
    let every = 3 * cell;
    let hours: String = (0..24).step_by(3).map(|hour| format!("{hour:<every$}")).collect();
    format!("{:LABEL$}{}", "", hours.trim_end())
}

fn name_of(date: Date) -> String {
    date.strftime("%a").to_string()
}

/// `Mon`, `Sat-Sun`.
fn span_of(days: &[Day<'_>]) -> String {
    let names: Vec<String> =
        [days.first(), days.last()].into_iter().flatten().map(|day| name_of(day.date)).collect();
    match &names[..] {
        [first, last] if first != last => format!("{first}-{last}"),
        _ => names.into_iter().next().unwrap_or_default(),
    }
}

/// A text after its label, in lines of so many columns at most, broken at spaces.
fn wrapped(label: &str, text: &str, width: usize) -> Vec<String> {
    let indent = if label.is_empty() { 0 } else { LABEL };
    let mut lines = Vec::new();
    let mut line = format!("{label:<indent$}");
    let mut is_begun = false;
    for word in text.split(' ') {
        let length = line.chars().count() + usize::from(is_begun) + word.chars().count();
        if is_begun && length > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        } else if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    lines.push(line);
    lines
}
