//! Which profile holds when: the order of precedence, days of all sorts, midnight, and that every minute of
//! a day has exactly one profile, by an independent reading of the same configuration.

use days::config::{Config, parse};
use days::order::Kind;
use days::schedule::Reason;
use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::{Span, ToSpan};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::fmt::Write;

fn config(text: &str) -> Config {
    parse("c.toml", text).unwrap_or_else(|wrong| panic!("{text}\n{wrong:#?}")).config
}

fn profile(config: &Config, at: &str) -> String {
    let wall: DateTime = at.parse().unwrap_or_else(|error| panic!("{at}: {error}"));
    config.profile_at(wall).name.clone()
}

/// Of 2026-01-05, a Monday, and the days after it.
fn holds(config: &Config, expected: &[(&str, &str)]) {
    for (at, name) in expected {
        assert_eq!(profile(config, at), *name, "{at}");
    }
}

#[test]
fn by_default_hours_are_those_of_the_original() {
    holds(
        &Config::default(),
        &[
            ("2026-01-05T00:00", "quiet"),
            ("2026-01-05T05:59", "quiet"),
            ("2026-01-05T06:00", "normal"),
            ("2026-01-05T07:59", "normal"),
            ("2026-01-05T08:00", "busy"),
            ("2026-01-05T17:59", "busy"),
            ("2026-01-05T18:00", "normal"),
            ("2026-01-05T22:59", "normal"),
            ("2026-01-05T23:00", "quiet"),
            ("2026-01-10T08:00", "normal"),
            ("2026-01-10T10:00", "busy"),
            ("2026-01-11T15:59", "busy"),
            ("2026-01-11T16:00", "normal"),
        ],
    );
}

#[test]
fn windows_come_before_busy_hours_before_quiet_hours() {
    let config = config(
        "load_profiles.peak = {}
        load_profiles.lull = {}
        quiet_hours = { start_hour = 7, end_hour = 12 }
        [[windows]]
        name = 'second'
        profile = 'lull'
        from = '10:00'
        to = '11:00'
        [[windows]]
        name = 'later in the file'
        profile = 'peak'
        from = '10:30'
        to = '11:30'
        [[windows]]
        name = 'patches'
        maintenance = true
        from = '10:45'
        to = '11:15'",
    );
    let reason = |at: &str| config.holding_at(at.parse().expect("a time")).reason;
    for (at, name, expected) in [
        ("2026-01-05T06:59", "normal", Reason::Otherwise),
        ("2026-01-05T07:00", "quiet", Reason::QuietHours),
        ("2026-01-05T08:00", "busy", Reason::WeekdayBusyHours),
        ("2026-01-10T09:00", "quiet", Reason::QuietHours),
        ("2026-01-10T11:30", "busy", Reason::WeekendBusyHours),
        ("2026-01-05T10:00", "lull", Reason::Window("second")),
        ("2026-01-05T10:30", "lull", Reason::Window("second")),
        ("2026-01-05T10:45", "maintenance", Reason::Maintenance("patches")),
        ("2026-01-05T11:14", "maintenance", Reason::Maintenance("patches")),
        ("2026-01-05T11:15", "peak", Reason::Window("later in the file")),
        ("2026-01-05T11:30", "busy", Reason::WeekdayBusyHours),
    ] {
        assert_eq!((profile(&config, at).as_str(), reason(at)), (name, expected), "{at}");
    }
}

#[test]
fn nothing_is_sent_in_maintenance() {
    let config = config("[[windows]]\nname = 'patches'\nmaintenance = true\ndays = ['sunday']");
    let (sunday, monday) = (date(2026, 1, 11).at(12, 0, 0, 0), date(2026, 1, 12).at(0, 0, 0, 0));
    assert_eq!(config.schedule.maintenance_at(sunday), Some("patches"));
    assert_eq!(config.schedule.maintenance_at(monday), None);
    let loads = &config.profile_at(sunday).loads;
    assert!(Kind::ALL.iter().all(|kind| loads.get(*kind).is_none()));
}

#[test]
fn hours_across_midnight_belong_to_the_day_on_which_they_begin() {
    let busy = config(
        "quiet_hours.enabled = false\nbusy_hours.weekend.enabled = false\nbusy_hours.weekday = { start_hour = 20, end_hour = 2 }",
    );
    holds(
        &busy,
        &[
            ("2026-01-05T01:59", "normal"),
            ("2026-01-05T20:00", "busy"),
            ("2026-01-06T01:59", "busy"),
            ("2026-01-06T02:00", "normal"),
            ("2026-01-10T01:59", "busy"),
            ("2026-01-10T20:00", "normal"),
        ],
    );
    let window = config(
        "load_profiles.peak = {}\n[[windows]]\nname = 'night'\nprofile = 'peak'\ndays = ['saturday']\nfrom = '23:30'\nto = '00:30'",
    );
    holds(
        &window,
        &[
            ("2026-01-10T00:15", "quiet"),
            ("2026-01-10T23:30", "peak"),
            ("2026-01-11T00:29", "peak"),
            ("2026-01-11T00:30", "quiet"),
            ("2026-01-11T23:45", "quiet"),
        ],
    );
}

#[test]
fn days_are_named_in_every_way() {
    let at_noon = |days: &str, at: Date| {
        let text = format!(
            "holidays = [2026-12-25, 2026-12-26]\nload_profiles.peak = {{}}\n[[windows]]\nname = 'w'\nprofile = 'peak'\n{days}"
        );
        config(&text).profile_at(at.at(12, 0, 0, 0)).name == "peak"
    };
    let (friday, saturday, sunday, monday) =
        (date(2026, 12, 18), date(2026, 12, 19), date(2026, 12, 20), date(2026, 12, 21));
    let (holiday, holy_saturday) = (date(2026, 12, 25), date(2026, 12, 26));
    for (days, on, not_on) in [
        ("", vec![friday, saturday, holiday], vec![]),
        ("days = ['all']", vec![friday, saturday, holiday], vec![]),
        ("days = ['monday', 'friday']", vec![monday, friday, holiday], vec![saturday, sunday]),
        ("days = ['weekdays']", vec![monday, friday], vec![saturday, sunday, holiday, holy_saturday]),
        ("days = ['weekends']", vec![saturday, sunday, holy_saturday], vec![friday, holiday]),
        ("days = ['holidays']", vec![holiday, holy_saturday], vec![friday, saturday]),
        ("dates = [2026-12-18]", vec![friday], vec![saturday, date(2025, 12, 18)]),
        ("month_days = [18]", vec![friday, date(2027, 1, 18)], vec![saturday]),
        ("month_days = [-1]", vec![date(2026, 12, 31), date(2028, 2, 29)], vec![date(2028, 2, 28), friday]),
        ("month_days = [-3, 1]", vec![date(2027, 2, 26), date(2027, 2, 1)], vec![date(2027, 2, 27)]),
        ("month_days = [31]", vec![date(2026, 12, 31)], vec![date(2026, 11, 30)]),
        ("days = ['sunday']\nmonth_days = [18]", vec![sunday, friday], vec![saturday]),
    ] {
        for (dates, expected) in [(on, true), (not_on, false)] {
            for date in dates {
                assert_eq!(at_noon(days, date), expected, "{days}: {date}");
            }
        }
    }
}

#[test]
fn busy_hours_of_holidays_are_those_of_weekends() {
    let config = config("holidays = [2026-01-05]");
    holds(
        &config,
        &[("2026-01-05T09:00", "normal"), ("2026-01-05T10:00", "busy"), ("2026-01-06T09:00", "busy")],
    );
}

// ---- an independent reading -----------------------------------------------------------------------

/// A configuration of random hours and windows, and what holds by it: for each rule the stretches of time in
/// which it does, the rules that come first first.
struct Random {
    text: String,
    rules: Vec<Rule>,
}

struct Rule {
    profile: String,
    stretches: Vec<(DateTime, DateTime)>,
}

const FIRST: Date = date(2026, 2, 20);
const DAYS: i32 = 15;

fn some_days() -> impl Iterator<Item = Date> {
    // A rule may begin on the day before.
    (-1..DAYS).map(|day| FIRST + day.days())
}

fn stretches(days: impl Iterator<Item = Date>, from: i64, to: i64) -> Vec<(DateTime, DateTime)> {
    let length = if to < from { to + 1_440 - from } else { to - from };
    let begin = |day: Date| day.at(0, 0, 0, 0) + Span::new().minutes(from);
    days.map(|day| (begin(day), begin(day) + Span::new().minutes(length))).collect()
}

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let hours = |random: &mut ChaCha8Rng| {
            let from = random.random_range(0..24);
            let to = (from + random.random_range(1..24)) % 24;
            (from, to)
        };
        let is_weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let (weekday, weekend, quiet) = (hours(&mut random), hours(&mut random), hours(&mut random));
        let mut text = String::new();
        for (table, hours) in
            [("busy_hours.weekday", weekday), ("busy_hours.weekend", weekend), ("quiet_hours", quiet)]
        {
            writeln!(text, "[{table}]\nstart_hour = {}\nend_hour = {}", hours.0, hours.1).expect("a text");
        }
        writeln!(text, "[load_profiles.a]\n[load_profiles.b]").expect("a text");
        let (mut maintenance, mut others) = (Vec::new(), Vec::new());
        for number in 0..random.random_range(0..5) {
            let from = random.random_range(0..1_440_i64);
            let to = (from + random.random_range(1..1_440)) % 1_440;
            let month_day = random.random_range(-9..0_i8);
            let named = random.random_range(0..3);
            let days = |day: &Date| match named {
                0 => true,
                1 => day.weekday() == Weekday::Friday,
                _ => day.tomorrow().is_ok() && *day == day.last_of_month() - i32::from(-month_day - 1).days(),
            };
            let (list, profile, said) = match random.random_range(0..3) {
                0 => (&mut maintenance, "maintenance", "maintenance = true"),
                1 => (&mut others, "a", "profile = 'a'"),
                _ => (&mut others, "b", "profile = 'b'"),
            };
            let said_days = match named {
                0 => String::new(),
                1 => "days = ['friday']".to_owned(),
                _ => format!("month_days = [{month_day}]"),
            };
            let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            let (begin, end) = (clock(from), clock(to));
            writeln!(
                text,
                "[[windows]]\nname = 'w{number}'\n{said}\n{said_days}\nfrom = '{begin}'\nto = '{end}'"
            )
            .expect("a text");
            list.push(Rule {
                profile: profile.to_owned(),
                stretches: stretches(some_days().filter(days), from, to),
            });
        }
        let rule = |profile: &str, hours: (i64, i64), days: &dyn Fn(&Date) -> bool| Rule {
            profile: profile.to_owned(),
            stretches: stretches(some_days().filter(days), hours.0 * 60, hours.1 * 60),
        };
        let mut rules = maintenance;
        rules.append(&mut others);
        rules.push(rule("busy", weekday, &|day| !is_weekend(day)));
        rules.push(rule("busy", weekend, &is_weekend));
        rules.push(rule("quiet", quiet, &|_| true));
        Self { text, rules }
    }

    fn profile_at(&self, wall: DateTime) -> &str {
        let holds = |rule: &&Rule| rule.stretches.iter().any(|(from, to)| (*from..*to).contains(&wall));
        self.rules.iter().find(holds).map_or("normal", |rule| &rule.profile)
    }
}

#[test]
fn every_minute_has_the_profile_of_an_independent_reading() {
    for seed in 0..60 {
        let random = Random::new(seed);
        let config = config(&random.text);
        for day in 0..DAYS {
            let date = FIRST + day.days();
            for minute in 0..1_440_i16 {
                let wall = date.at((minute / 60) as i8, (minute % 60) as i8, 59, 0);
                let found = &config.profile_at(wall).name;
                assert_eq!(found, random.profile_at(wall), "seed {seed}, {wall}\n{}", random.text);
            }
        }
    }
}
