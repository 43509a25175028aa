//! Forecasts: what they say of days that are like those before them, and what they do not say.

use days::calendar::Calendar;
use days::config::{self, Config};
use days::forecast::ForecastError;
use days::forecast::feature::{self, DEFAULT, Feature};
use days::forecast::history::{History, Hour};
use days::forecast::model::{Model, Validated};
use days::order::ByKind;
use days::pace::DayPlan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan as _};
use std::collections::BTreeMap;

/// A Monday.
const TODAY: Date = date(2026, 6, 15);

fn calendar(zone: &str) -> Calendar {
    Calendar::new(TimeZoneDatabase::bundled().get(zone).expect("a zone"), 900)
}

fn midnight(calendar: &Calendar, date: Date) -> Timestamp {
    date.to_zoned(calendar.zone().clone()).expect("a date of this century").timestamp()
}

/// The hours from the midnight of one date to that of another.
fn hours(calendar: &Calendar, from: Date, until: Date) -> Vec<Hour> {
    Hour::between(&Config::default(), calendar, midnight(calendar, from), midnight(calendar, until))
}

/// A week until today, with what `made` says of each hour.
fn week(made: impl Fn(usize, &Hour) -> Option<u64>) -> History {
    week_until(TODAY, made)
}

fn week_until(date: Date, made: impl Fn(usize, &Hour) -> Option<u64>) -> History {
    let hours = hours(&calendar("UTC"), date - 7.days(), date).into_iter().enumerate();
    let hours = hours.map(|(place, hour)| {
        let made = made(place, &hour);
        (hour, made)
    });
    History::new(hours.collect()).expect("there are few holes")
}

fn fitted(features: &[Feature], history: &History) -> Validated {
    let model = Model::fit(features, history).expect("there is enough to fit to");
    model.validated(features, history).expect("what was fitted is valid")
}

/// What a model that is fitted to a history says of today.
fn predicted(features: &[Feature], history: &History) -> f64 {
    predicted_for(TODAY, features, history)
}

fn predicted_for(date: Date, features: &[Feature], history: &History) -> f64 {
    let ahead = hours(&calendar("UTC"), date, date + 1.day());
    let prediction = fitted(features, history).predict(history, ahead, date).expect("it says something");
    assert_eq!((prediction.date, prediction.hours), (date, 24));
    prediction.requests
}

/// A load that is high by day, and half of that at weekends.
fn by_day(hour: &Hour) -> u64 {
    let of_weekday = if (8..18).contains(&hour.wall.hour()) { 300 } else { 60 };
    if hour.is_weekend { of_weekday / 2 } else { of_weekday }
}

fn of_names(names: &str) -> Vec<Feature> {
    feature::parse(&names.replace(' ', "\n")).expect("they are known")
}

#[test]
fn hours_are_those_of_the_wall_clock_and_hold_the_slots_of_their_day() {
    for (zone, date, count) in [
        ("Europe/Berlin", date(2026, 3, 28), 24),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Asia/Kathmandu", date(2026, 3, 28), 24),
    ] {
        let calendar = calendar(zone);
        let hours = hours(&calendar, date, date + 1.day());
        assert_eq!(hours.len(), count, "{zone} {date}");
        assert!(hours.iter().all(|hour| hour.wall.minute() == 0 && hour.wall.date() == date));
        let plan = DayPlan::of(&Config::default(), &calendar, date, None);
        let first = &plan.slots[0].0;
        let reach = plan.reach(first, ByKind::default());
        let [operations, guardrails] =
            [reach.operations, reach.guardrails].map(|reach| reach.min + reach.max);
        let scheduled: f64 = hours.iter().map(|hour| hour.scheduled).sum();
        assert_eq!(scheduled, (operations + guardrails) as f64 / 2.0, "{zone} {date}");
    }
}

#[test]
fn a_day_like_those_before_it_is_predicted() {
    let said = |date| predicted_for(date, &DEFAULT, &week_until(date, |_, hour| Some(by_day(hour))));
    // A weekday has 10 hours with 300 requests and 14 with 60.
    let thursday = said(TODAY + 3.days());
    assert!((thursday - 3_840.0).abs() < 200.0, "{thursday}");
    // How a day is that comes after a weekend, the week before it cannot have shown.
    let monday = said(TODAY);
    assert!((monday - 3_840.0).abs() < 600.0, "{monday}");
    let sunday = said(TODAY - 1.day());
    assert!((sunday - 1_920.0).abs() < 600.0, "{sunday}");
}

#[test]
fn days_that_the_pacer_made_are_predicted_within_a_twentieth() {
    let (config, calendar) = (Config::default(), calendar("UTC"));
    let mut made: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for date in (TODAY - 7.days()).series(1.day()).take(7) {
        let plan = DayPlan::of(&config, &calendar, date, None);
        let mut so_far = ByKind::<u64>::default();
        for (slot, _) in &plan.slots {
            let order = plan.order(slot, so_far);
            let of = |kind| order.batches.get(kind).map_or(0, |batch| u64::from(batch.count));
            let cycle = ByKind::of(of);
            so_far.operations += cycle.operations;
            so_far.guardrails += cycle.guardrails;
            let hour = slot.start.as_second().div_euclid(3_600) * 3_600;
            let hour = Timestamp::from_second(hour).expect("it is of this century");
            *made.entry(hour).or_default() += cycle.operations + cycle.guardrails;
        }
    }
    let history = week(|_, hour| made.get(&hour.start).copied());
    let said = predicted(&DEFAULT, &history);
    assert!((said - 4_000.0).abs() < 200.0, "{said}");
}

#[test]
fn a_day_that_has_begun_keeps_what_was_made_in_it() {
    let all = hours(&calendar("UTC"), TODAY - 7.days(), TODAY + 1.day());
    let noon = all.len() - 12;
    // Twice as much as ever since midnight.
    let made = |hour: &Hour| by_day(hour) * if hour.wall.date() == TODAY { 2 } else { 1 };
    let past = all[..noon].iter().map(|hour| (hour.clone(), Some(made(hour))));
    let history = History::new(past.collect()).expect("there are no holes");
    let until_noon: u64 = all[noon - 12..noon].iter().map(made).sum();
    let prediction = fitted(&DEFAULT, &history).predict(&history, all[noon..].to_vec(), TODAY);
    let prediction = prediction.expect("it says something");
    assert_eq!(prediction.hours, 12);
    assert!(prediction.requests > until_noon as f64 + 1_000.0, "{prediction:?}");
    let over = fitted(&DEFAULT, &history).predict(&history, Vec::new(), TODAY);
    assert_eq!(over, Err(ForecastError::NothingAhead));
}

#[test]
fn holes_are_left_out_and_too_many_of_them_are_an_error() {
    let whole = week(|_, hour| Some(by_day(hour)));
    // One hour in eleven is not known, and whatever is made up for it would be seen.
    let holed = week(|place, hour| (place % 11 != 5).then(|| by_day(hour)));
    assert_eq!(holed.requests(5), None);
    let [of_whole, of_holed] = [&whole, &holed].map(|history| predicted(&DEFAULT, history));
    assert!((of_whole - of_holed).abs() < 100.0, "{of_whole} {of_holed}");
    let examples = |history| Model::fit(&DEFAULT, history).expect("there is enough").training.examples;
    assert!(examples(&holed) < examples(&whole));
    let hours = hours(&calendar("UTC"), TODAY - 7.days(), TODAY).into_iter().enumerate();
    let history = History::new(hours.map(|(place, hour)| (hour, (place % 9 != 0).then_some(10))).collect());
    assert_eq!(history, Err(ForecastError::Holes { hours: 168, holes: 19 }));
    assert_eq!(History::new(Vec::new()), Err(ForecastError::Holes { hours: 0, holes: 0 }));
}

#[test]
fn a_lag_that_falls_into_a_hole_is_that_of_the_day_before() {
    let history = week(|place, _| (place != 100).then_some(place as u64));
    let lag = Feature::of_name("lag_24").expect("it is one");
    assert_eq!(lag.value(&history, 123), Some(99.0));
    assert_eq!(lag.value(&history, 124), Some(76.0));
    assert_eq!(lag.value(&history, 23), None);
    let mean = Feature::of_name("mean_3").expect("it is one");
    assert_eq!(mean.value(&history, 102), Some(100.0), "of 99 and 101");
    assert_eq!(mean.value(&history, 2), None);
}

#[test]
fn a_window_that_is_too_short_is_an_error_that_says_what_to_do() {
    let history = week(|_, hour| Some(by_day(hour)));
    let error = Model::fit(&of_names("lag_168"), &history).expect_err("no hour has one");
    assert_eq!(error, ForecastError::TooShort { hours: 168, examples: 0 });
    assert!(error.hint().contains("window_hours"), "{}", error.hint());
}

#[test]
fn a_model_that_was_kept_is_the_same() {
    let history = week(|place, hour| Some(by_day(hour) + place as u64 % 5));
    let model = Model::fit(&DEFAULT, &history).expect("there is enough to fit to");
    assert_eq!(Model::from_json(&model.to_json()), Ok(model.clone()));
    assert_eq!((model.features.len(), model.training.examples), (10, 144));
    assert_eq!(model.training.from, history.hour(0).start);
    assert!(model.training.mean_absolute_error < 30.0, "{:?}", model.training);
}

#[test]
fn a_model_is_refused_for_each_thing_that_is_wrong_with_it_and_the_cure_is_said() {
    let history = week(|_, hour| Some(by_day(hour)));
    let good = Model::fit(&DEFAULT, &history).expect("there is enough to fit to");
    let refused = |change: &dyn Fn(&mut Model)| {
        let mut model = good.clone();
        change(&mut model);
        let error = model.validated(&DEFAULT, &history).expect_err("it is broken");
        assert!(!error.hint().is_empty());
        error.to_string()
    };
    assert!(good.clone().validated(&DEFAULT, &history).is_ok());
    assert_eq!(refused(&|model| model.fitted = false), "the model is not fitted");
    let short = refused(&|model| _ = model.features.pop());
    assert_eq!(short, "the model has 9 features, and 10 are named");
    let swapped = refused(&|model| model.features.swap(1, 2));
    assert_eq!(swapped, "feature 2 of the model is `half_day_sin`, and `day_cos` is named");
    assert!(refused(&|model| model.coefficients[3] = f64::NAN).contains("coefficients"));
    assert!(refused(&|model| _ = model.centres.pop()).contains("centres"));
    assert!(refused(&|model| model.scales[0] = 0.0).contains("scales"));
    assert!(refused(&|model| model.intercept = f64::INFINITY).contains("intercept"));
    assert!(refused(&|model| model.intercept = 1e6).contains("test prediction"));
    assert!(Model::from_json("{}").expect_err("it holds nothing").to_string().contains("fitted"));
}

#[test]
fn a_file_of_features_keeps_their_order_and_errors_name_the_line() {
    let read = feature::parse("# of the day\nlag_24\n\n  day_sin # and more\n");
    assert_eq!(read, Ok(of_names("lag_24 day_sin")));
    for name in feature::names() {
        assert_eq!(Feature::of_name(name).map(Feature::name), Some(name));
    }
    let error = feature::parse("lag_24\nlag_25").expect_err("it is not known");
    assert_eq!(error.to_string(), "line 2 of the features names none that is known: `lag_25`");
    assert!(error.hint().contains("lag_24, lag_48"), "{}", error.hint());
    let again = ForecastError::RepeatedFeature { line: 3, name: "lag_1".to_owned() };
    assert_eq!(feature::parse("lag_1\nlag_2\nlag_1"), Err(again));
    assert_eq!(feature::parse("# none"), Err(ForecastError::FeatureNumber { count: 0 }));
}

#[test]
fn maintenance_is_known_to_come() {
    let text = "windows = [{ name = 'patches', maintenance = true, days = ['saturday'] }]";
    let config = config::parse("test.toml", text).expect("it makes sense").config;
    let calendar = calendar("UTC");
    let [from, until] = [date(2026, 6, 20), date(2026, 6, 21)].map(|date| midnight(&calendar, date));
    let hours = Hour::between(&config, &calendar, from, until);
    assert!(hours.len() == 24 && hours.iter().all(|hour| hour.scheduled == 0.0));
}
