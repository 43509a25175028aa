//! What a model may look at: numbers that are known of an hour before it begins.
//!
//! A file of features names one a line, in the order in which a model has them. Blank lines and what follows a
//! `#` count for nothing.

use super::ForecastError;
use super::history::History;
use jiff::civil::DateTime;
use std::f64::consts::TAU;

/// Features that a file may name.
pub const FEATURES_MAX: usize = 32;

/// Hours of a day, and of a week.
const DAY: usize = 24;
const WEEK: usize = 7 * DAY;

/// A feature. Names end in the hours that it looks at, where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Where the time of day stands in its circle, which is gone through so many times a day.
    Daily(u32, Side),
    /// Where the hour stands in the week.
    Weekly(Side),
    /// 1 on Saturdays and Sundays, and 0 else.
    IsWeekend,
    /// 1 on holidays, and 0 else.
    IsHoliday,
    /// Requests in the middle of what the profiles of the hour make.
    Scheduled,
    /// Requests of the hour so many hours before. Where that is a hole, of the same time on the latest day
    /// before it that is known.
    Lag(usize),
    /// The mean of so many hours before, holes left out.
    Mean(usize),
    /// The mean of the hours before of the same time of day.
    MeanSameHour,
    /// The mean of the hours before of the same time of the same day of the week.
    MeanSameHourOfWeek,
}

/// The two coordinates of a point on a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its sine.
    Sin,
    /// Its cosine.
    Cos,
}

/// All of them, by their names.
const NAMES: [(&str, Feature); 23] = [
    ("day_sin", Feature::Daily(1, Side::Sin)),
    ("day_cos", Feature::Daily(1, Side::Cos)),
    ("half_day_sin", Feature::Daily(2, Side::Sin)),
    ("half_day_cos", Feature::Daily(2, Side::Cos)),
    ("week_sin", Feature::Weekly(Side::Sin)),
    ("week_cos", Feature::Weekly(Side::Cos)),
    ("is_weekend", Feature::IsWeekend),
    ("is_holiday", Feature::IsHoliday),
    ("scheduled", Feature::Scheduled),
    ("lag_1", Feature::Lag(1)),
    ("lag_2", Feature::Lag(2)),
    ("lag_3", Feature::Lag(3)),
    ("lag_24", Feature::Lag(DAY)),
    ("lag_48", Feature::Lag(2 * DAY)),
    ("lag_168", Feature::Lag(WEEK)),
    ("mean_3", Feature::Mean(3)),
    ("mean_6", Feature::Mean(6)),
    ("mean_12", Feature::Mean(12)),
    ("mean_24", Feature::Mean(DAY)),
    ("mean_48", Feature::Mean(2 * DAY)),
    ("mean_168", Feature::Mean(WEEK)),
    ("mean_same_hour", Feature::MeanSameHour),
    ("mean_same_hour_of_week", Feature::MeanSameHourOfWeek),
];

/// The features of a daemon whose configuration names no file of them.
pub const DEFAULT: [Feature; 10] = [
    Feature::Daily(1, Side::Sin),
    Feature::Daily(1, Side::Cos),
    Feature::Daily(2, Side::Sin),
    Feature::Daily(2, Side::Cos),
    Feature::IsWeekend,
    Feature::IsHoliday,
    Feature::Scheduled,
    Feature::Lag(DAY),
    Feature::Mean(DAY),
    Feature::MeanSameHour,
];

/// The names of all features.
pub fn names() -> Vec<&'static str> {
    NAMES.iter().map(|(name, _)| *name).collect()
}

/// Reads a file of features.
///
/// # Errors
/// Where it names one that is not known, one twice, none, or too many.
pub fn parse(text: &str) -> Result<Vec<Feature>, ForecastError> {
    let mut features = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let name = text.split('#').next().unwrap_or_default().trim();
        if name.is_empty() {
            continue;
        }
        let Some(feature) = Feature::of_name(name) else {
            return Err(ForecastError::UnknownFeature { line, name: name.chars().take(64).collect() });
        };
        if features.contains(&feature) {
            return Err(ForecastError::RepeatedFeature { line, name: name.to_owned() });
        }
        features.push(feature);
    }
    match features.len() {
        1..=FEATURES_MAX => Ok(features),
        count => Err(ForecastError::FeatureNumber { count }),
    }
}

impl Feature {
    /// The feature of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, feature)| *feature)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, feature)| *feature == self).map_or("", |(name, _)| name)
    }

    /// Its value for an hour, by the hour's place; `None` where nothing is known that it could be told from.
    pub fn value(self, history: &History, place: usize) -> Option<f64> {
        let hour = history.hour(place);
        let minute = |wall: DateTime| f64::from(wall.hour()) * 60.0 + f64::from(wall.minute());
        match self {
            Feature::Daily(times, side) => {
                Some(side.of(f64::from(times) * minute(hour.wall) / (DAY as f64 * 60.0)))
            }
            Feature::Weekly(side) => {
                let day = f64::from(hour.wall.weekday().to_monday_zero_offset());
                Some(side.of((day * DAY as f64 * 60.0 + minute(hour.wall)) / (WEEK as f64 * 60.0)))
            }
            Feature::IsWeekend => Some(f64::from(u8::from(hour.is_weekend))),
            Feature::IsHoliday => Some(f64::from(u8::from(hour.is_holiday))),
            Feature::Scheduled => Some(hour.scheduled),
            Feature::Lag(hours) => {
                let latest = place.checked_sub(hours)?;
                (0..=latest).rev().step_by(DAY).find_map(|place| history.requests(place))
            }
            // A mean of fewer hours than it says would be another feature.
            Feature::Mean(hours) if hours > place => None,
            Feature::Mean(hours) => mean(history.before(place, hours).map(|(_, requests)| requests)),
            Feature::MeanSameHour => {
                let same =
                    history.before(place, place).filter(|(before, _)| before.wall.hour() == hour.wall.hour());
                mean(same.map(|(_, requests)| requests))
            }
            Feature::MeanSameHourOfWeek => {
                let time = |wall: DateTime| (wall.weekday(), wall.hour());
                let same =
                    history.before(place, place).filter(|(before, _)| time(before.wall) == time(hour.wall));
                mean(same.map(|(_, requests)| requests))
            }
        }
    }
}

impl Side {
    /// Of a share of the circle.
    fn of(self, share: f64) -> f64 {
        match self {
            Side::Sin => libm::sin(TAU * share),
            Side::Cos => libm::cos(TAU * share),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then_some(sum / count)
}
