//! Windows, from what is written to what holds.

use super::check::{Look, dates, line};
use super::settings::{DayName, WindowTable};
use crate::profile::Profile;
use crate::schedule::{DAY_MINUTES, Days, Schedule, Span, Window};
use documents::findings::quoted;
use documents::key_path::KeyPath;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::collections::{BTreeMap, BTreeSet};

/// What the profile of a maintenance window is called.
pub(super) const MAINTENANCE: &str = "maintenance";

/// Days on which windows are compared: four years from here hold every pattern of days that can be written,
/// dates aside.
const COMPARED_FROM: Date = date(2024, 1, 1);
const COMPARED_DAYS: i32 = 4 * 365 + 1;

/// Finds the windows in the settings and puts them into the schedule, those of maintenance first.
pub(super) fn into_schedule(
    look: &mut Look<'_>,
    profiles: &BTreeMap<String, Profile>,
    schedule: &mut Schedule,
) {
    let list = KeyPath::top("windows");
    let tables = &look.settings.windows;
    let mut windows = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let path = list.at(place);
        if line(look, path.key("name"), &table.name)
            && tables[..place].iter().any(|other| other.name == table.name)
        {
            let message = format!("the window `{}` is there twice", quoted(&table.name));
            look.error(path.key("name"), message, "each needs a name of its own");
        }
        let profile = profile(look, &path, table, profiles);
        let days = days(look, &path, table);
        let span = span(look, &path, table);
        windows.push(Window {
            name: table.name.clone(),
            profile,
            is_maintenance: table.maintenance,
            days,
            span,
        });
    }
    overlaps(look, &list, &windows, schedule);
    windows.sort_by_key(|window| !window.is_maintenance);
    schedule.windows = windows;
}

fn profile(
    look: &mut Look<'_>,
    path: &KeyPath,
    table: &WindowTable,
    profiles: &BTreeMap<String, Profile>,
) -> Profile {
    match (&table.profile, table.maintenance) {
        (Some(_), true) => {
            look.error(
                path.key("profile"),
                "nothing is sent in a maintenance window",
                "leave out `profile`, or `maintenance`",
            );
        }
        (None, false) => {
            let message = format!("the window `{}` has no profile", quoted(&table.name));
            look.error(path.key("profile"), message, "name one as `profile`, or set `maintenance` to true");
        }
        (Some(name), false) => match profiles.get(name) {
            Some(profile) => return profile.clone(),
            None => {
                let known = profiles.keys().map(String::as_str);
                look.findings.unknown(path.key("profile"), "profile", name, known);
            }
        },
        (None, true) => {}
    }
    Profile::without_load(MAINTENANCE)
}

fn days(look: &mut Look<'_>, path: &KeyPath, table: &WindowTable) -> Days {
    for (place, name) in table.days.iter().enumerate() {
        if *name == DayName::Holidays && look.settings.holidays.is_empty() {
            let hint = "list their dates as `holidays`, at the top of the file";
            look.warning(path.key("days").at(place), "there are no holidays", hint);
        }
    }
    for (place, day) in table.month_days.iter().enumerate() {
        if *day == 0 {
            let hint = "the first day is 1, the last one -1";
            look.error(path.key("month_days").at(place), "a month has no day 0", hint);
        }
    }
    let dates = dates(look, &path.key("dates"), &table.dates);
    Days { names: table.days.clone(), dates, month_days: table.month_days.clone() }
}

fn span(look: &mut Look<'_>, path: &KeyPath, table: &WindowTable) -> Span {
    let mut minute = |key: &str, text: &Option<String>, most: u16, default: u16| {
        let Some(text) = text else { return default };
        let found = minute_of(text).filter(|minute| *minute <= most);
        if found.is_none() {
            let message = format!("`{}` is no time for `{key}`", quoted(text));
            let hint =
                if key == "to" { "write one from 00:00 to 24:00" } else { "write one from 00:00 to 23:59" };
            look.error(path.key(key), message, hint);
        }
        found.unwrap_or(default)
    };
    let from = minute("from", &table.from, DAY_MINUTES - 1, 0);
    let to = minute("to", &table.to, DAY_MINUTES, DAY_MINUTES);
    let span = Span { from, to };
    if from == to {
        look.error(
            path.key("to"),
            "the window ends when it begins",
            "for the whole day leave out `from` and `to`",
        );
    } else {
        has_slot(look, path, table, span);
    }
    span
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_short =
        |digits: &str, most: usize| digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_short(hour, 2) || minute.len() != 2 || !is_short(minute, 2) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60).then_some(hour * 60 + minute)
}

/// A window between two slots holds for none.
fn has_slot(look: &mut Look<'_>, path: &KeyPath, table: &WindowTable, span: Span) {
    let interval = look.settings.interval_seconds().max(1);
    let minutes = (span.from..span.from + span.minutes()).map(|minute| u32::from(minute % DAY_MINUTES));
    let has_slot = |minute: u32| (minute * 60).next_multiple_of(interval) < (minute + 1) * 60;
    if !minutes.into_iter().any(has_slot) {
        let message = format!("no cycle begins in the window `{}`, {span}", quoted(&table.name));
        look.warning(path.clone(), message, "begin it at a multiple of the interval");
    }
}

/// Warns of windows of which one hides the other for a while.
fn overlaps(look: &mut Look<'_>, list: &KeyPath, windows: &[Window], schedule: &Schedule) {
    let compared = compared_days(windows, schedule);
    for (place, window) in windows.iter().enumerate() {
        let hides = |earlier: &&Window| {
            earlier.is_maintenance == window.is_maintenance && earlier.profile.name != window.profile.name
        };
        let day = |earlier: &Window| meeting(schedule, earlier, window, &compared);
        let found = windows[..place].iter().filter(hides).find_map(|earlier| Some((earlier, day(earlier)?)));
        if let Some((earlier, day)) = found {
            let (window, earlier) = (quoted(&window.name), quoted(&earlier.name));
            let message = format!("the window `{window}` meets `{earlier}`, as on {day}");
            let hint = format!("`{earlier}` holds then, for it comes first in the file");
            look.warning(list.at(place), message, &hint);
        }
    }
}

fn compared_days(windows: &[Window], schedule: &Schedule) -> BTreeSet<Date> {
    let years = (0..COMPARED_DAYS).filter_map(|day| COMPARED_FROM.checked_add(day.days()).ok());
    let dates = windows.iter().flat_map(|window| window.days.dates.iter().copied());
    years.chain(dates).chain(schedule.holidays.iter().copied()).collect()
}

/// The first day of these on which one begins while the other holds, or the other way round.
fn meeting(schedule: &Schedule, one: &Window, other: &Window, days: &BTreeSet<Date>) -> Option<Date> {
    let touches = |days_between: i32| {
        let minutes = |window: &Window| i32::from(window.span.minutes());
        let begin = i32::from(one.span.from);
        let other_begin = i32::from(other.span.from) + days_between * i32::from(DAY_MINUTES);
        begin < other_begin + minutes(other) && other_begin < begin + minutes(one)
    };
    let between: Vec<i32> = (-1..=1).filter(|days| touches(*days)).collect();
    let meets = |day: &Date| {
        schedule.may_begin(one, *day)
            && between.iter().any(|days| {
                day.checked_add(days.days()).is_ok_and(|other_day| schedule.may_begin(other, other_day))
            })
    };
    days.iter().copied().find(meets)
}
