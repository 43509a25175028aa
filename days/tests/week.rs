//! A week of a schedule: it has no gaps, it says what the schedule says, and it fits the width.

use days::config::{Config, parse};
use days::schedule::{DAY_MINUTES, Reason};
use days::week::{Day, WIDTH_MIN, Week};
use jiff::civil::date;

fn config(text: &str) -> Config {
    parse("c.toml", text).unwrap_or_else(|wrong| panic!("{text}\n{wrong:#?}")).config
}

const WINDOWS: &str = "
    [load_profiles.custom_peak]
    [[windows]]
    name = 'lunch'
    profile = 'custom_peak'
    days = ['weekdays']
    from = '12:00'
    to = '12:30'
    [[windows]]
    name = 'Sunday update'
    maintenance = true
    days = ['sunday']
    from = '23:00'
    to = '01:00'
";

#[test]
fn the_default_week_is_told_in_eighty_columns() {
    let config = Config::default();
    let expected = "
          0     3     6     9     12    15    18    21
Mon 01-05 . . . . . . o o # # # # # # # # # # o o o o o .
Tue 01-06 . . . . . . o o # # # # # # # # # # o o o o o .
Wed 01-07 . . . . . . o o # # # # # # # # # # o o o o o .
Thu 01-08 . . . . . . o o # # # # # # # # # # o o o o o .
Fri 01-09 . . . . . . o o # # # # # # # # # # o o o o o .
Sat 01-10 . . . . . . o o o o # # # # # # o o o o o o o .
Sun 01-11 . . . . . . o o o o # # # # # # o o o o o o o .

# busy, o normal, . quiet, * changes within the hour

Mon-Fri   00:00 quiet, 06:00 normal, 08:00 busy, 18:00 normal, 23:00 quiet
Sat-Sun   00:00 quiet, 06:00 normal, 10:00 busy, 16:00 normal, 23:00 quiet";
    assert_eq!(Week::with(&config.schedule, date(2026, 1, 8)).lines(80), lines(expected));
}

#[test]
fn windows_are_told_by_name_from_the_minute_on_at_which_they_begin() {
    let config = config(WINDOWS);
    let expected = "
          0     3     6     9     12    15    18    21
Mon 01-05 - . . . . . o o # # # # * # # # # # o o o o o .
Tue 01-06 . . . . . . o o # # # # * # # # # # o o o o o .
Wed 01-07 . . . . . . o o # # # # * # # # # # o o o o o .
Thu 01-08 . . . . . . o o # # # # * # # # # # o o o o o .
Fri 01-09 . . . . . . o o # # # # * # # # # # o o o o o .
Sat 01-10 . . . . . . o o o o # # # # # # o o o o o o o .
Sun 01-11 . . . . . . o o o o # # # # # # o o o o o o o -

# busy, 1 custom_peak, - maintenance, o normal, . quiet, * changes within the
hour

Mon       00:00 maintenance (Sunday update), 01:00 quiet, 06:00 normal, 08:00
          busy, 12:00 custom_peak (lunch), 12:30 busy, 18:00 normal, 23:00 quiet
Tue-Fri   00:00 quiet, 06:00 normal, 08:00 busy, 12:00 custom_peak (lunch),
          12:30 busy, 18:00 normal, 23:00 quiet
Sat       00:00 quiet, 06:00 normal, 10:00 busy, 16:00 normal, 23:00 quiet
Sun       00:00 quiet, 06:00 normal, 10:00 busy, 16:00 normal, 23:00 maintenance
          (Sunday update)";
    assert_eq!(Week::with(&config.schedule, date(2026, 1, 5)).lines(80), lines(expected));
}

fn lines(text: &str) -> Vec<String> {
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_day_has_no_gaps_and_says_what_the_schedule_says() {
    let config = config(WINDOWS);
    for day in Week::with(&config.schedule, date(2026, 1, 11)).days {
        let mut minute = 0;
        for stretch in &day.stretches {
            assert_eq!(stretch.from, minute);
            for at in stretch.from..stretch.to {
                let wall = day.date.at((at / 60) as i8, (at % 60) as i8, 0, 0);
                assert_eq!(config.holding_at(wall), stretch.holding, "{wall}");
            }
            minute = stretch.to;
        }
        assert_eq!(minute, DAY_MINUTES);
    }
}

#[test]
fn an_hour_has_each_profile_that_holds_in_it_in_order() {
    let config = config(WINDOWS);
    let monday = Day::of(&config.schedule, date(2026, 1, 5));
    let names = |hour| monday.hour(hour).iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(0), ["maintenance"]);
    assert_eq!(names(11), ["busy"]);
    assert_eq!(names(12), ["custom_peak", "busy"]);
    assert_eq!(names(23), ["quiet"]);
    assert_eq!(monday.stretches[0].holding.reason, Reason::Maintenance("Sunday update"));
}

#[test]
fn a_stretch_ends_where_the_reason_changes_though_the_profile_does_not() {
    let config = config("[[windows]]\nname = 'early'\nprofile = 'busy'\nfrom = '07:30'\nto = '08:30'");
    let monday = Day::of(&config.schedule, date(2026, 1, 5));
    let told: Vec<String> = monday.stretches.iter().map(ToString::to_string).collect();
    assert_eq!(told[1..4], ["06:00 normal", "07:30 busy (early)", "08:30 busy"]);
    assert_eq!(monday.hour(8).len(), 1);
}

#[test]
fn no_line_is_longer_than_the_width() {
    let (long, longer) = ("p".repeat(40), "w".repeat(40));
    let text = format!(
        "[load_profiles.{long}]\n[[windows]]\nname = '{longer}'\nprofile = '{long}'\ndays = ['monday']\nfrom = '09:15'\nto = '17:45'"
    );
    let config = config(&text);
    let week = Week::with(&config.schedule, date(2026, 1, 11));
    for width in [0, WIDTH_MIN, 80, 120] {
        let most = week.lines(width).iter().map(|line| line.chars().count()).max();
        assert!(most <= Some(width.max(WIDTH_MIN)), "{width}: {most:?}");
    }
}

#[test]
fn weeks_at_the_ends_of_the_calendar_are_told_as_well() {
    let config = Config::default();
    for date in [jiff::civil::Date::MIN, jiff::civil::Date::MAX] {
        assert!(!Week::with(&config.schedule, date).lines(80).is_empty());
    }
}
