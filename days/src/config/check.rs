//! Whether what a configuration says makes sense together, and what follows from it. Ranges of single values
//! are the schema's.
//!
//! Every key does something or is refused: what has no effect beside another key is an error where it was
//! written for nothing, as a table of another kind of target, and a warning where it may become useful, as a
//! profile that no window names yet.

use super::merge::OWN_PROFILES;
use super::settings::{Counts, Forecast, Hours, Seconds, Settings, Threads};
use super::{Config, limits, target, windows};
use crate::order::ByKind;
use crate::profile::{Load, Profile, Range};
use crate::schedule::{Schedule, Span};
use documents::findings::{Findings, quoted};
use documents::key_path::KeyPath;
use documents::nearest::nearest;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZoneDatabase;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

/// What is looked at: the settings, what the file itself holds of them, and what was found so far.
pub(super) struct Look<'l> {
    pub(super) settings: &'l Settings,
    /// Whether a key is written in the file.
    pub(super) is_written: &'l dyn Fn(&KeyPath) -> bool,
    pub(super) findings: &'l mut Findings,
}

impl Look<'_> {
    /// Something is wrong, and this is to be done about it.
    pub(super) fn error(&mut self, path: KeyPath, message: impl Into<String>, hint: impl Into<String>) {
        let hint = hint.into();
        self.findings.error_with(path, message.into(), || Some(hint));
    }

    pub(super) fn warning(&mut self, path: KeyPath, message: impl Into<String>, hint: &str) {
        self.findings.warning(path, message.into(), hint);
    }
}

/// What follows from the settings. It is of no use where an error was found.
pub(super) fn decided(
    settings: Settings,
    is_written: &dyn Fn(&KeyPath) -> bool,
    findings: &mut Findings,
) -> Config {
    let mut look = Look { settings: &settings, is_written, findings };
    numbers(&mut look);
    output(&mut look);
    time_zone(&mut look);
    let until = until(&mut look);
    let schedule = schedule(&mut look);
    let target::Places { credential, webhook, ping, metrics } = target::check(&mut look);
    Config { schedule, until, credential, webhook, ping, metrics, settings }
}

fn numbers(look: &mut Look<'_>) {
    let settings = look.settings;
    let target = settings.target_daily_requests;
    in_order(look, &KeyPath::top("target_daily_requests"), target.min, target.max);
    let mix = settings.simulation_mix;
    if mix.operations_weight == 0 && mix.guardrails_weight == 0 {
        let message = "both weights are 0, so nothing would ever be sent";
        look.error(KeyPath::top("simulation_mix"), message, "give at least one kind a weight");
    }
    let interval = settings.interval_seconds();
    if interval > 0 && !limits::DAY_SECONDS.is_multiple_of(interval) {
        let (key, interval) = match settings.execution_interval_seconds {
            Some(seconds) => ("execution_interval_seconds", format!("{seconds} seconds")),
            None => ("execution_interval_minutes", format!("{} minutes", interval / 60)),
        };
        let message = format!("a day is no multiple of {interval}");
        let hint = "each day's last cycle is followed sooner by the next day's first, at midnight";
        look.warning(KeyPath::top(key), message, hint);
    }
    let Forecast { enabled, window_hours, .. } = settings.forecast;
    let kept_hours = settings.retention_days * 24;
    if enabled && (1..window_hours).contains(&kept_hours) {
        let message = format!("the forecast looks at {window_hours} hours, of which {kept_hours} are kept");
        look.error(
            KeyPath::top("retention_days"),
            message,
            "keep sends for longer, or lower `window_hours` in [forecast]",
        );
    }
}

/// Of a range.
fn in_order<N: PartialOrd + Display>(look: &mut Look<'_>, range: &KeyPath, min: N, max: N) {
    if min <= max {
        return;
    }
    let missing = ["min", "max"].into_iter().find(|end| !(look.is_written)(&range.key(end)));
    let hint = match missing {
        Some(end) => format!("`{end}` has its default: give it as well"),
        None => "exchange them".to_owned(),
    };
    look.error(
        range.clone(),
        format!("`{}` has a min of {min} above its max of {max}", quoted(range.last_key())),
        hint,
    );
}

fn output(look: &mut Look<'_>) {
    let output = &look.settings.output;
    let table = KeyPath::top("output");
    let files = [
        ("operations_csv", &output.operations_csv),
        ("guardrails_csv", &output.guardrails_csv),
        ("log_file", &output.log_file),
        ("daily_summary_dir", &output.daily_summary_dir),
    ];
    for (place, (key, name)) in files.into_iter().enumerate() {
        if let Some((other, _)) = files[..place].iter().find(|(_, other)| *other == name) {
            let message = format!("`{key}` and `{other}` are the same, `{}`", quoted(name));
            look.error(table.key(key), message, "each needs a name of its own");
        }
    }
    let base = ("base_dir", &output.base_dir);
    let agents = [(KeyPath::top("agents").key("csv_path"), &look.settings.agents.csv_path)];
    let paths = files.into_iter().chain([base]).map(|(key, path)| (table.key(key), path)).chain(agents);
    for (key, path) in paths.collect::<Vec<_>>() {
        line(look, key, path);
    }
}

/// A line of text that something is named by: it is there, and moves no cursor.
pub(super) fn line(look: &mut Look<'_>, path: KeyPath, text: &str) -> bool {
    let (key, is_empty) = (path.last_key().to_owned(), text.trim().is_empty());
    if is_empty {
        look.findings.error(path, format!("`{}` is empty", quoted(&key)));
    } else if text.chars().any(char::is_control) {
        look.findings.error(path, format!("`{}` holds a control character", quoted(&key)));
    } else {
        return true;
    }
    false
}

fn time_zone(look: &mut Look<'_>) {
    let name = look.settings.time_zone.as_str();
    let zones = TimeZoneDatabase::bundled();
    if name == "system" || zones.get(name).is_ok() {
        return;
    }
    let known: Vec<String> = zones.available().map(|zone| zone.to_string()).collect();
    let names = || known.iter().map(String::as_str);
    let city =
        || names().find(|zone| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name)));
    let hint = match city().or_else(|| nearest(name, names())) {
        Some(zone) => format!("did you mean `{zone}`?"),
        None => "give an IANA name, as `Europe/Berlin`, or `system`".to_owned(),
    };
    look.error(KeyPath::top("time_zone"), format!("unknown time zone `{}`", quoted(name)), hint);
}

/// The instant of the wall clock at which it ends: a date alone is still run.
fn until(look: &mut Look<'_>) -> Option<DateTime> {
    let text = look.settings.until.as_deref()?;
    let end = match text.parse::<Date>() {
        // A text with a time has a date as well.
        Ok(last) if text.len() <= "2026-12-31".len() => {
            last.tomorrow().ok().map(|next| next.to_datetime(Time::midnight()))
        }
        _ => text.parse::<DateTime>().ok(),
    };
    if end.is_none() {
        let message = format!("`until` is no date: `{}`", quoted(text));
        let hint =
            "give one as `2026-12-31` or `2026-12-31T18:00`, without an offset: `time_zone` says where";
        look.error(KeyPath::top("until"), message, hint);
    }
    end
}

fn schedule(look: &mut Look<'_>) -> Schedule {
    let settings = look.settings;
    let profiles = profiles(look);
    let busy = KeyPath::top("busy_hours");
    let of = |name: &str| profiles.get(name).cloned().unwrap_or_else(|| Profile::without_load(name));
    let mut schedule = Schedule {
        windows: Vec::new(),
        busy: of("busy"),
        quiet: of("quiet"),
        normal: of("normal"),
        weekday_busy: hours(look, busy.key("weekday"), settings.busy_hours.weekday),
        weekend_busy: hours(look, busy.key("weekend"), settings.busy_hours.weekend),
        quiet_hours: hours(look, KeyPath::top("quiet_hours"), settings.quiet_hours),
        holidays: dates(look, &KeyPath::top("holidays"), &settings.holidays),
    };
    windows::into_schedule(look, &profiles, &mut schedule);
    schedule
}

fn hours(look: &mut Look<'_>, path: KeyPath, hours: Hours) -> Option<Span> {
    if !hours.enabled {
        return None;
    }
    if hours.start_hour == hours.end_hour {
        let message = format!("the hours begin and end at {}", hours.start_hour);
        look.error(
            path,
            message,
            "for none set `enabled` to false, for the whole day begin at 0 and end at 24",
        );
    }
    Some(Span::hours(hours.start_hour, hours.end_hour))
}

/// Dates of a list.
pub(super) fn dates(look: &mut Look<'_>, list: &KeyPath, texts: &[String]) -> BTreeSet<Date> {
    let mut dates = BTreeSet::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse::<Date>() {
            Ok(date) if text.len() == "2026-12-24".len() => _ = dates.insert(date),
            _ => {
                let message = format!("`{}` is no date", quoted(text));
                look.error(list.at(place), message, "write one as `2026-12-24`");
            }
        }
    }
    dates
}

fn profiles(look: &mut Look<'_>) -> BTreeMap<String, Profile> {
    let settings = look.settings;
    let table = KeyPath::top("load_profiles");
    let mut profiles = BTreeMap::new();
    for (name, profile) in &settings.load_profiles {
        let path = table.key(name);
        profile_name(look, path.clone(), name);
        let operations = &profile.operations;
        let calls = load(
            look,
            &path.key("operations"),
            "num_calls",
            (operations.num_calls, operations.threads, operations.delay),
        );
        let guardrails = &profile.guardrails;
        let tests = load(
            look,
            &path.key("guardrails"),
            "num_tests",
            (guardrails.num_tests, guardrails.threads, guardrails.delay),
        );
        let loads = ByKind { operations: Some(calls), guardrails: Some(tests) };
        profiles.insert(name.clone(), Profile { name: name.clone(), loads });
        let is_used = OWN_PROFILES.contains(&name.as_str())
            || settings.windows.iter().any(|window| window.profile.as_ref() == Some(name));
        if !is_used {
            let message = format!("the profile `{}` never holds", quoted(name));
            look.warning(path, message, "name it as `profile` of one of the `windows`");
        }
    }
    profiles
}

fn profile_name(look: &mut Look<'_>, path: KeyPath, name: &str) {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let length = name.chars().count();
    if name == windows::MAINTENANCE {
        let hint = "give it another name; a window with `maintenance = true` has no profile";
        look.error(path, "`maintenance` is no name for a profile", hint);
    } else if !(1..=super::limits::NAME_CHARS_MAX).contains(&length) || !name.chars().all(is_letter) {
        let message = format!("`{}` is no name for a profile", quoted(name));
        let hint = format!("use at most {} letters, digits, _ and -", super::limits::NAME_CHARS_MAX);
        look.error(path, message, hint);
    }
}

fn load(look: &mut Look<'_>, path: &KeyPath, count_key: &str, ranges: (Counts, Threads, Seconds)) -> Load {
    let (count, threads, delay) = ranges;
    in_order(look, &path.key(count_key), count.min, count.max);
    in_order(look, &path.key("threads"), threads.min, threads.max);
    in_order(look, &path.key("delay"), delay.min, delay.max);
    // What no duration can be was out of its range.
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    Load {
        count: Range { min: count.min, max: count.max },
        threads: Range { min: threads.min, max: threads.max },
        delay: Range { min: seconds(delay.min), max: seconds(delay.max) },
    }
}
