//! The next day's load, predicted from that of the last week.
//!
//! A [`History`](history::History) has the requests of each hour of the window, as the ledger counted them. A
//! file names the [`Feature`](feature::Feature)s that a [`Model`](model::Model) looks at, in their order. The
//! model is a ridge regression of an hour's requests on them, which is fitted to the history, kept as JSON, and
//! validated before each use. It predicts hour after hour to the end of the day that is asked for; the hours
//! that it has predicted are the past of those after them. When the day is over its prediction is
//! [`score`]d.
//!
//! Nothing is invented. Hours of which nothing is known are holes: they are no examples to fit to, and they
//! enter no mean; where there are more than a few no forecast is made at all.

pub mod feature;
pub mod history;
pub mod model;
mod ridge;
pub mod score;

use feature::FEATURES_MAX;
use history::HOLES_MAX;
use model::EXAMPLES_MIN;
use thiserror::Error;

/// Why there is no forecast. [`ForecastError::hint`] says what is to be done.
#[derive(Clone, Debug, PartialEq, Error)]
#[expect(missing_docs, reason = "the messages say what their fields are")]
pub enum ForecastError {
    #[error("line {line} of the features names none that is known: `{name}`")]
    UnknownFeature { line: usize, name: String },
    #[error("line {line} of the features names `{name}` again")]
    RepeatedFeature { line: usize, name: String },
    #[error("the features name {count} of them, and not 1 to {FEATURES_MAX}")]
    FeatureNumber { count: usize },
    #[error("the model cannot be read: {message}")]
    Unreadable { message: String },
    #[error("the model is not fitted")]
    NotFitted,
    #[error("the model has {model} features, and {file} are named")]
    FeatureCount { model: usize, file: usize },
    #[error("feature {place} of the model is `{model}`, and `{file}` is named")]
    FeatureOrder { place: usize, model: String, file: String },
    #[error(
        "the model is malformed: its {what} must be finite numbers, one for each feature (scales above 0)"
    )]
    Malformed { what: &'static str },
    #[error(
        "the model's test prediction, for the hour of {hour}, is {requests}: that is not from {min} to {max}"
    )]
    OutOfBounds { hour: String, requests: f64, min: f64, max: f64 },
    #[error("of {hours} hours {holes} are not known")]
    Holes { hours: usize, holes: usize },
    #[error("of {hours} hours {examples} can be fitted to, and {EXAMPLES_MIN} are needed")]
    TooShort { hours: usize, examples: usize },
    #[error("`{feature}` is not known for the hour of {hour}")]
    NotKnown { feature: String, hour: String },
    #[error("there is no hour to predict")]
    NothingAhead,
}

impl ForecastError {
    /// What is to be done about it.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownFeature { .. } => {
                format!("name one a line of these: {}", feature::names().join(", "))
            }
            Self::RepeatedFeature { .. } => "name each feature once".to_owned(),
            Self::FeatureNumber { .. } => "name one a line, or leave out `features_file`".to_owned(),
            Self::Unreadable { .. } | Self::NotFitted | Self::Malformed { .. } => {
                "leave out `model_file`, so that the daemon fits one, or fit it anew".to_owned()
            }
            Self::FeatureCount { .. } | Self::FeatureOrder { .. } => {
                "give the features in the model's order, or leave out `model_file` to have one fitted to them"
                    .to_owned()
            }
            Self::OutOfBounds { .. } => {
                "the model does not fit these hours: fit it anew, to a window like them".to_owned()
            }
            Self::Holes { .. } => {
                let percent = 100.0 - HOLES_MAX * 100.0;
                format!(
                    "the daemon must have run in {percent:.0} % of the window: wait, or lower `window_hours`"
                )
            }
            Self::TooShort { .. } | Self::NotKnown { .. } => {
                "raise `window_hours`, or name features that look back less far".to_owned()
            }
            Self::NothingAhead => "ask for a day that is not over".to_owned(),
        }
    }
}
