//! The forecaster: an actor that predicts the next day's load, every so often, and publishes it to the pacing.
//!
//! A forecast has its own stages: the window is fetched from the ledger, within a time; the features and the
//! model are read, or a model is fitted; it is validated; it is asked; and what it says is written down, which
//! is how the pacing learns of it. Whatever goes wrong ends that forecast, is written down with its reason, and
//! nothing takes the place of what is not known: the pacing keeps to what was published before, or to the
//! middle of the target.

use super::clerk::{Clerk, Gone};
use crate::book::Setup;
use crate::clock::Clock;
use crate::ledger::{ForecastRow, LedgerError, PUBLISHED};
use days::forecast::ForecastError;
use days::forecast::feature::{self, Feature};
use days::forecast::history::{History, Hour};
use days::forecast::model::{Model, Prediction};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::{error, info};

/// Bytes of a file of features or of a model.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a forecast came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The window was not there in time.
    #[error("fetching the last {hours} hours took more than {seconds} s")]
    FetchTimeout {
        /// Hours of the window.
        hours: u32,
        /// How long it may take.
        seconds: u32,
    },
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no ledger.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// A file could not be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// There is no good model, or it says nothing sensible.
    #[error(transparent)]
    Forecast(#[from] ForecastError),
    /// The day after this one cannot be told.
    #[error("there is no day after {0}")]
    LastDay(Date),
}

impl Failed {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Forecast(error) => Some(error.hint()),
            Self::Ledger(error) => error.hint(),
            Self::File { .. } => Some("let this user read it, or leave it out of [forecast]".to_owned()),
            Self::FetchTimeout { .. } => {
                Some("raise `fetch_timeout_seconds`, or look whether the disk is slow".to_owned())
            }
            Self::Gone(_) | Self::LastDay(_) => None,
        }
    }
}

/// What the forecaster needs.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Who has the ledger.
    pub clerk: Clerk,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The configuration.
    pub setup: Arc<Setup>,
}

/// What the forecaster is told.
#[derive(Debug)]
pub enum ForecasterMessage {
    /// That it is time.
    Tick,
    /// To go on by another configuration.
    Reload(Arc<Setup>),
}

/// The actor.
#[derive(Debug)]
pub struct Forecaster;

impl Actor for Forecaster {
    type Msg = ForecasterMessage;
    type State = Desk;
    type Arguments = Desk;

    async fn pre_start(
        &self,
        myself: ActorRef<ForecasterMessage>,
        desk: Desk,
    ) -> Result<Desk, ActorProcessingErr> {
        myself.cast(ForecasterMessage::Tick)?;
        Ok(desk)
    }

    async fn handle(
        &self,
        myself: ActorRef<ForecasterMessage>,
        message: ForecasterMessage,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ForecasterMessage::Reload(setup) => desk.setup = setup,
            ForecasterMessage::Tick => {
                if desk.setup.config.settings.forecast.enabled {
                    desk.forecast().await;
                }
                let interval =
                    Duration::from_secs(desk.setup.config.settings.forecast.interval_seconds.into());
                let wait = desk.clock.until_steady(desk.clock.steady() + interval);
                tokio::spawn(async move {
                    wait.await;
                    // A forecaster that is gone is not waited for.
                    let _ = myself.cast(ForecasterMessage::Tick);
                });
            }
        }
        Ok(())
    }
}

/// Spawns a forecaster, who begins at once.
///
/// # Errors
/// If there can be no actor.
pub async fn spawn(desk: Desk) -> Result<(ActorRef<ForecasterMessage>, JoinHandle<()>), ractor::SpawnErr> {
    Actor::spawn(None, Forecaster, desk).await
}

impl Desk {
    /// Makes a forecast and publishes it, or writes down why there is none.
    pub async fn forecast(&self) {
        let at = self.clock.wall();
        let today = self.setup.calendar.date_of(at);
        let made = match today.tomorrow() {
            Ok(date) => self.predict(at, date).await.map(|made| (date, made)),
            Err(_) => Err(Failed::LastDay(today)),
        };
        let row = match made {
            Ok((date, (prediction, model))) => {
                info!("forecast: {date} will have {:.0} requests", prediction.requests);
                published(at, date, &prediction, &model)
            }
            Err(failed) => {
                let hint = failed.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                error!("no forecast: {failed}{hint}");
                refused(at, today.tomorrow().unwrap_or(today), &failed)
            }
        };
        let noted = self.clerk.ask(move |book| book.publish(&row)).await.map_err(Failed::from);
        if let Err(failed) = noted.and_then(|noted| noted.map_err(Failed::from)) {
            error!("the forecast could not be written down: {failed}");
        }
    }

    /// What a day will have, and the hash of the model that says so.
    async fn predict(&self, at: Timestamp, date: Date) -> Result<(Prediction, String), Failed> {
        let (config, calendar) = (&self.setup.config, &self.setup.calendar);
        let forecast = &config.settings.forecast;
        let window = forecast.window_hours as usize;
        // One more: the hour that is under way is not over, and so none of the past.
        let from = at - SignedDuration::from_hours(i64::from(forecast.window_hours) + 1);
        let after = date.saturating_add(1.day()).to_zoned(calendar.zone().clone());
        let end = after.map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        let mut hours = Hour::between(config, calendar, from, end);
        let past = hours.iter().take_while(|hour| hour.start + SignedDuration::from_hours(1) <= at).count();
        let ahead = hours.split_off(past);
        let hours = hours.split_off(hours.len().saturating_sub(window));
        let bounds: Vec<_> = hours.iter().chain(ahead.first()).map(|hour| hour.start).collect();
        let counts = self.fetched(bounds, forecast.fetch_timeout_seconds, forecast.window_hours).await?;
        let history = History::new(hours.into_iter().zip(counts).collect())?;
        let features = self.features()?;
        let model = match &forecast.model_file {
            Some(path) => Model::from_json(&read(path)?)?,
            None => Model::fit(&features, &history)?,
        };
        let hash = blake3::hash(model.to_json().as_bytes()).to_hex().to_string();
        let model = model.validated(&features, &history)?;
        Ok((model.predict(&history, ahead, date)?, hash))
    }

    /// What was made between each bound and the next.
    async fn fetched(
        &self,
        bounds: Vec<Timestamp>,
        seconds: u32,
        hours: u32,
    ) -> Result<Vec<Option<u64>>, Failed> {
        let fetch = self.clerk.ask(move |book| {
            bounds.windows(2).map(|pair| book.made_in(pair[0], pair[1])).collect::<Result<Vec<_>, _>>()
        });
        let end = self.clock.until_steady(self.clock.steady() + Duration::from_secs(seconds.into()));
        tokio::select! {
            biased;
            fetched = fetch => Ok(fetched??),
            () = end => Err(Failed::FetchTimeout { hours, seconds }),
        }
    }

    fn features(&self) -> Result<Vec<Feature>, Failed> {
        match &self.setup.config.settings.forecast.features_file {
            Some(path) => Ok(feature::parse(&read(path)?)?),
            None => Ok(feature::DEFAULT.to_vec()),
        }
    }
}

fn read(path: &str) -> Result<String, Failed> {
    let failed = |source| Failed::File { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(failed(io::Error::other(format!("{length} bytes are too many"))));
    }
    std::fs::read_to_string(path).map_err(failed)
}

fn published(at: Timestamp, date: Date, prediction: &Prediction, model: &str) -> ForecastRow {
    let said = format!("{at} {date} {} {model}", prediction.requests);
    ForecastRow {
        at,
        date,
        prediction: Some(prediction.requests),
        model: Some(model.to_owned()),
        status: PUBLISHED.to_owned(),
        receipt: Some(blake3::hash(said.as_bytes()).to_hex().to_string()),
        actual: None,
        error_share: None,
    }
}

fn refused(at: Timestamp, date: Date, failed: &Failed) -> ForecastRow {
    let status = format!("failed: {failed}");
    ForecastRow {
        at,
        date,
        prediction: None,
        model: None,
        status,
        receipt: None,
        actual: None,
        error_share: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Book;
    use crate::clock::SimulatedClock;
    use crate::ledger::Ledger;
    use crate::rehearsal::rehearse;
    use days::config;
    use std::fs;
    use std::ops::ControlFlow;

    /// A desk with the ledger of so many days, at noon of the day after them.
    fn desk(text: &str, days: u32) -> Desk {
        let config =
            config::parse("test.toml", &format!("time_zone = 'UTC'\n{text}")).expect("it makes sense");
        let setup = Arc::new(Setup::of(config.config).expect("there is a zone"));
        let mut book = Book::of(Ledger::in_memory().expect("there is memory"), Arc::clone(&setup), None);
        let first: Date = "2026-03-02".parse().expect("a date");
        if days > 0 {
            rehearse(&setup, &mut book, first, days, |_| ControlFlow::Continue(()))
                .expect("it can be written");
        }
        let noon =
            first.saturating_add(i64::from(days).days()).at(0, 30, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        let clock = Arc::new(SimulatedClock::at(noon.expect("a time").timestamp()));
        let (clerk, _thread) = Clerk::hire(book).expect("there is a thread");
        Desk { clerk, clock, setup }
    }

    const ENABLED: &str = "forecast = { enabled = true }\n";

    async fn last(desk: &Desk) -> ForecastRow {
        let last = desk.clerk.ask(|book| book.last_forecast()).await.expect("there is a clerk");
        last.expect("it can be read").expect("one was made")
    }

    #[tokio::test]
    async fn a_forecast_is_published_to_the_pacing_with_its_model_and_a_receipt() {
        let desk = desk(ENABLED, 9);
        desk.forecast().await;
        let row = last(&desk).await;
        assert_eq!((row.status.as_str(), row.date.to_string().as_str()), (PUBLISHED, "2026-03-12"));
        let prediction = row.prediction.expect("it was predicted");
        assert!((prediction - 4_000.0).abs() < 400.0, "{prediction}");
        assert_eq!(row.model.as_ref().map(String::len), Some(64));
        assert_eq!(row.receipt.as_ref().map(String::len), Some(64));
        let quota = desk.clerk.ask(move |book| book.plan_of(row.date).map(|plan| plan.quota)).await;
        let quota =
            quota.expect("there is a clerk").expect("it can be read").expect("it is paced by the target");
        assert_eq!(quota.operations + quota.guardrails, prediction.round() as u64);
    }

    #[tokio::test]
    async fn a_day_that_is_over_scores_what_was_predicted_of_it() {
        let desk = desk(ENABLED, 9);
        let row = ForecastRow {
            prediction: Some(5_000.0),
            ..published(desk.clock.wall(), "2026-03-05".parse().expect("a date"), &PREDICTION, "model")
        };
        let date = row.date;
        desk.clerk
            .ask(move |book| book.publish(&row))
            .await
            .expect("there is a clerk")
            .expect("it is written");
        let at = desk.clock.wall();
        desk.clerk
            .ask(move |book| book.close(date, at))
            .await
            .expect("there is a clerk")
            .expect("it is written");
        let scored = last(&desk).await;
        assert_eq!((scored.actual, scored.error_share), (Some(4_000), Some(0.25)));
    }

    const PREDICTION: Prediction = Prediction { date: Date::constant(2026, 3, 5), requests: 0.0, hours: 24 };

    #[tokio::test]
    async fn what_is_not_known_is_not_made_up() {
        let desk = desk(ENABLED, 0);
        desk.forecast().await;
        let row = last(&desk).await;
        assert_eq!((row.prediction, row.receipt), (None, None));
        assert!(row.status.starts_with("failed: of 168 hours 168 are not known"), "{}", row.status);
    }

    #[tokio::test]
    async fn a_model_or_features_that_do_not_fit_are_told() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let known = feature::names()[0];
        fs::write(path("features"), format!("{known}\nno_such_feature\n")).expect("it is written");
        fs::write(path("model"), "{}").expect("it is written");
        for (key, name, told) in [
            ("features_file", "features", "line 2 of the features"),
            ("features_file", "none", "No such file"),
            ("model_file", "model", "the model cannot be read"),
        ] {
            let desk = desk(&format!("forecast = {{ enabled = true, {key} = '{}' }}\n", path(name)), 9);
            desk.forecast().await;
            let row = last(&desk).await;
            assert!(row.status.contains(told) && row.prediction.is_none(), "{}", row.status);
        }
    }
}
