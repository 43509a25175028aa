//! The model: what it is made of, how it is fitted, validated and asked.

use super::ForecastError;
use super::feature::{FEATURES_MAX, Feature};
use super::history::{History, Hour};
use super::ridge;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Hours that there must be to fit to: two days.
pub const EXAMPLES_MIN: usize = 48;

/// How many times the busiest hour of the window an hour may be predicted to have. Beyond, the model is another
/// system's.
const BOUND_FACTOR: f64 = 10.0;

/// A model, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Whether it was fitted.
    pub fitted: bool,
    /// The names of its features, in their order.
    pub features: Vec<String>,
    /// What an hour has whose features are all in their middle.
    pub intercept: f64,
    /// Of each feature: how much more an hour has for each standard deviation.
    pub coefficients: Vec<f64>,
    /// Of each feature: its middle.
    pub centres: Vec<f64>,
    /// Of each feature: its standard deviation.
    pub scales: Vec<f64>,
    /// What it was fitted to.
    pub training: Training,
}

/// What a model was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The first hour of the window.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// Hours that it was fitted to: those that are no holes, and of which every feature is known.
    pub examples: usize,
    /// Requests by which the model misses one of these, on average.
    pub mean_absolute_error: f64,
}

/// What is said of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The day.
    pub date: Date,
    /// Requests that it will have: those that were made in it already, and those of the hours to come.
    pub requests: f64,
    /// Hours of it that were predicted.
    pub hours: usize,
}

impl Model {
    /// Fits one to a history.
    ///
    /// # Errors
    /// Where too few hours can be fitted to.
    pub fn fit(features: &[Feature], history: &History) -> Result<Self, ForecastError> {
        let example = |place| Some((values(features, history, place)?, history.requests(place)?));
        let examples: Vec<_> = (0..history.len()).filter_map(example).collect();
        if examples.len() < EXAMPLES_MIN {
            return Err(ForecastError::TooShort { hours: history.len(), examples: examples.len() });
        }
        let ridge::Fit { intercept, coefficients, centres, scales } = ridge::fit(&examples);
        let mut model = Self {
            fitted: true,
            features: features.iter().map(|feature| feature.name().to_owned()).collect(),
            intercept,
            coefficients,
            centres,
            scales,
            training: Training {
                from: history.hour(0).start,
                to: history.hour(history.len() - 1).start,
                examples: examples.len(),
                mean_absolute_error: 0.0,
            },
        };
        let missed: f64 = examples.iter().map(|(values, made)| (model.of(values) - made).abs()).sum();
        model.training.mean_absolute_error = missed / examples.len() as f64;
        Ok(model)
    }

    /// Reads one that was kept. Whether it is good for anything is for [`Model::validated`].
    ///
    /// # Errors
    /// Where it is no JSON, or not that of a model.
    pub fn from_json(text: &str) -> Result<Self, ForecastError> {
        serde_json::from_str(text).map_err(|error| ForecastError::Unreadable { message: error.to_string() })
    }

    /// As it is kept: what the caller hashes.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a model is made of numbers and texts") + "\n"
    }

    /// Holds a model against the features that are named, and against the history: it is fitted, has these
    /// features in this order, a finite number for each, and says something sensible of the latest hour of
    /// which it can say anything.
    ///
    /// # Errors
    /// The first of these that is not so.
    pub fn validated(self, features: &[Feature], history: &History) -> Result<Validated, ForecastError> {
        if !self.fitted {
            return Err(ForecastError::NotFitted);
        }
        let (model, file) = (self.features.len(), features.len());
        if model != file {
            return Err(ForecastError::FeatureCount { model, file });
        }
        if model == 0 || model > FEATURES_MAX {
            return Err(ForecastError::FeatureNumber { count: model });
        }
        for (place, (model, feature)) in (1..).zip(self.features.iter().zip(features)) {
            if model != feature.name() {
                let (model, file) = (model.chars().take(64).collect(), feature.name().to_owned());
                return Err(ForecastError::FeatureOrder { place, model, file });
            }
        }
        self.finite()?;
        let validated = Validated { model: self, features: features.to_vec() };
        validated.test(history)?;
        Ok(validated)
    }

    fn finite(&self) -> Result<(), ForecastError> {
        if !self.intercept.is_finite() {
            return Err(ForecastError::Malformed { what: "intercept" });
        }
        let lists =
            [("coefficients", &self.coefficients), ("centres", &self.centres), ("scales", &self.scales)];
        for (what, list) in lists {
            let is_good = |number: &f64| number.is_finite() && (what != "scales" || *number > 0.0);
            if list.len() != self.features.len() || !list.iter().all(is_good) {
                return Err(ForecastError::Malformed { what });
            }
        }
        Ok(())
    }

    /// What it says to the values of its features.
    fn of(&self, values: &[f64]) -> f64 {
        let scaled = self.centres.iter().zip(&self.scales).zip(values);
        let scaled = scaled.map(|((centre, scale), value)| (value - centre) / scale);
        self.intercept
            + self.coefficients.iter().zip(scaled).map(|(weight, value)| weight * value).sum::<f64>()
    }
}

/// A model that may be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Validated {
    model: Model,
    features: Vec<Feature>,
}

impl Validated {
    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What a day will have. `ahead` are the hours that follow those of the history, until the day's last; where
    /// the day has begun, its past hours are part of the history.
    ///
    /// # Errors
    /// Where a feature is not known for one of the hours, a prediction is senseless, or no hour is the day's.
    pub fn predict(
        &self,
        history: &History,
        ahead: Vec<Hour>,
        date: Date,
    ) -> Result<Prediction, ForecastError> {
        let mut known = history.clone();
        let mut hours = 0;
        for hour in ahead {
            hours += usize::from(hour.wall.date() == date);
            known.push_ahead(hour);
            let requests = self.asked(&known, known.len() - 1, history.most())?;
            known.settle_last(requests.max(0.0));
        }
        match hours {
            0 => Err(ForecastError::NothingAhead),
            hours => Ok(Prediction { date, requests: known.of_date(date), hours }),
        }
    }

    /// Asks for the latest hour of the history for which all features are known.
    fn test(&self, history: &History) -> Result<(), ForecastError> {
        let is_known = |place: &usize| values(&self.features, history, *place).is_some();
        let latest = (0..history.len()).rev().find(is_known).unwrap_or(history.len().saturating_sub(1));
        self.asked(history, latest, history.most()).map(drop)
    }

    /// What the model says of an hour, within reason.
    fn asked(&self, history: &History, place: usize, most: f64) -> Result<f64, ForecastError> {
        let hour = || history.hour(place).wall.strftime("%Y-%m-%d %H:%M").to_string();
        let Some(values) = values(&self.features, history, place) else {
            let missing = self.features.iter().find(|feature| feature.value(history, place).is_none());
            let feature = missing.map_or("", |feature| feature.name()).to_owned();
            return Err(ForecastError::NotKnown { feature, hour: hour() });
        };
        let requests = self.model.of(&values);
        // An hour that hardly has any may well be predicted to have less than none.
        let (min, max) = (-most, BOUND_FACTOR * most.max(1.0));
        match (min..=max).contains(&requests) {
            true => Ok(requests),
            false => Err(ForecastError::OutOfBounds { hour: hour(), requests, min, max }),
        }
    }
}

/// The values of features for an hour; `None` where one is not known.
fn values(features: &[Feature], history: &History, place: usize) -> Option<Vec<f64>> {
    features.iter().map(|feature| feature.value(history, place)).collect()
}
