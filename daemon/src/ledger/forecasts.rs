//! Forecasts: what was predicted of a day, by which model, and how far it was from what came.

use super::rows::{instant_of, micros};
use super::slots::read_date;
use super::{Ledger, LedgerError};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{Row, params};

/// A forecast, or an attempt at one.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastRow {
    /// When it was made.
    pub at: Timestamp,
    /// The day that it is about.
    pub date: Date,
    /// Requests that the day will have; `None` where none could be predicted.
    pub prediction: Option<f64>,
    /// The hash (BLAKE3) of the model, where there was one.
    pub model: Option<String>,
    /// `published`, or why not.
    pub status: String,
    /// What the pacing gave for it: the hash of what was published.
    pub receipt: Option<String>,
    /// What the day came to, when it was over.
    pub actual: Option<u64>,
    /// By which share of that the prediction missed.
    pub error_share: Option<f64>,
}

/// The word for one that is published.
pub const PUBLISHED: &str = "published";

const COLUMNS: &str =
    "SELECT at, date, prediction, model, status, receipt, actual, error_share FROM forecasts";

impl Ledger {
    /// What was made in an hour, or any other time; `None` where no daemon dealt with a slot of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn made_in(&self, from: Timestamp, to: Timestamp) -> Result<Option<u64>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*), coalesce(sum(made), 0) FROM (
                 SELECT start, (SELECT sum(sent + late) FROM batches WHERE slot = start) AS made FROM slots
                 WHERE start >= ?1 AND start < ?2
                     AND state IN ('done', 'late', 'failed', 'interrupted', 'skipped'))",
        )?;
        let (slots, made): (u64, u64) =
            statement.query_row(params![micros(from), micros(to)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((slots > 0).then_some(made))
    }

    /// Writes down a forecast.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_forecast(&mut self, forecast: &ForecastRow) -> Result<(), LedgerError> {
        self.connection.execute(
            "INSERT INTO forecasts (at, date, prediction, model, status, receipt) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (at) DO NOTHING",
            params![
                micros(forecast.at),
                forecast.date.to_string(),
                forecast.prediction,
                forecast.model,
                forecast.status,
                forecast.receipt
            ],
        )?;
        Ok(())
    }

    /// The latest published forecast of a day; `None` where there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn forecast_of(&self, date: Date) -> Result<Option<ForecastRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{COLUMNS} WHERE date = ?1 AND status = '{PUBLISHED}' ORDER BY at DESC LIMIT 1"
        ))?;
        let mut rows = statement.query([date.to_string()])?;
        rows.next()?.map(forecast_row).transpose()
    }

    /// Notes what a day came to beside all that was predicted of it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn score_forecasts(&mut self, date: Date, actual: u64) -> Result<(), LedgerError> {
        self.connection.execute(
            "UPDATE forecasts SET actual = ?2,
                 error_share = CASE WHEN ?2 > 0 THEN abs(prediction - ?2) / ?2 END WHERE date = ?1",
            params![date.to_string(), actual],
        )?;
        Ok(())
    }

    /// The last forecast that was made or tried; `None` where there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_forecast(&self) -> Result<Option<ForecastRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!("{COLUMNS} ORDER BY at DESC LIMIT 1"))?;
        let mut rows = statement.query([])?;
        rows.next()?.map(forecast_row).transpose()
    }
}

fn forecast_row(row: &Row<'_>) -> Result<ForecastRow, LedgerError> {
    Ok(ForecastRow {
        at: instant_of(row.get(0)?)?,
        date: read_date(&row.get::<_, String>(1)?)?,
        prediction: row.get(2)?,
        model: row.get(3)?,
        status: row.get(4)?,
        receipt: row.get(5)?,
        actual: row.get(6)?,
        error_share: row.get(7)?,
    })
}
