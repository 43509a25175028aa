//! Daily summaries: a file for each day, drawn from the ledger.
//!
//! A summary is written anew whenever it is asked for, whole or not at all, so the one of a day that is under
//! way says how far it has come, and one that was removed comes back.

use crate::latencies::Latencies;
use crate::ledger::{DayTotals, Ledger, LedgerError};
use crate::output;
use days::order::{ByKind, Kind};
use days::summary::{Block, Percentiles, Summary};
use jiff::civil::Date;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a summary cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file cannot be written.
    #[error("the summary {} cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file of a day's summary.
pub fn path(directory: &Path, date: Date) -> PathBuf {
    directory.join(format!("summary_{date}.json"))
}

/// Writes the summary of a day, and gives it; `None` where nothing is known of the day.
///
/// # Errors
/// If the ledger cannot be read or the file not written; one that was there stays then.
pub fn write(ledger: &Ledger, directory: &Path, date: Date) -> Result<Option<Summary>, SummaryError> {
    let Some(day) = ledger.day(date)? else { return Ok(None) };
    let summary = of_day(day);
    let path = path(directory, date);
    let written = serde_json::to_string_pretty(&summary)
        .map_err(io::Error::from)
        .and_then(|text| output::replace(&path, format!("{text}\n").as_bytes()));
    written.map_err(|source| SummaryError::File { path, source })?;
    Ok(Some(summary))
}

/// The summary of what was counted of a day.
pub fn of_day(day: DayTotals) -> Summary {
    let failures = |kind: Kind| {
        day.failures.get(kind).iter().map(|(failure, count)| (failure.word().to_owned(), *count)).collect()
    };
    let latency_ms = ByKind::of(|kind| percentiles(day.latencies.get(kind)));
    let [operations, guardrails] = [day.accounts.operations.made(), day.accounts.guardrails.made()];
    Summary {
        date: day.date,
        total_operations: operations,
        total_guardrails: guardrails,
        total_requests: operations + guardrails,
        target_min: day.target.min,
        target_max: day.target.max,
        target_met: operations + guardrails >= day.target.min,
        complete: day.is_closed,
        failures: ByKind::of(failures),
        zone: day.zone,
        pacing: day.pacing,
        quota: day.quota,
        slots: day.slots.into_iter().map(|(state, slots)| (state.word().to_owned(), slots)).collect(),
        cycles_by_hand: day.by_hand,
        sends: day.accounts,
        latency_ms,
        guardrails: day
            .tallies
            .into_iter()
            .map(|(category, tally)| (category.word().to_owned(), Block::from(tally)))
            .collect(),
        metrics: day.metrics,
    }
}

fn percentiles(latencies: &Latencies) -> Option<Percentiles> {
    let at = |share| latencies.quantile(share).map(millis);
    Some(Percentiles {
        p50: at(0.50)?,
        p90: at(0.90)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
        max: latencies.max().map(millis)?,
    })
}

fn millis(latency: Duration) -> f64 {
    latency.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{Book, date, row};
    use days::profile::Range;
    use days::slot_state::SlotState;
    use std::fs;

    fn book() -> Book {
        let mut book = Book::open();
        book.begin(0, [100, 40]);
        for (kind, count) in [(Kind::Operations, 100), (Kind::Guardrails, 40)] {
            let rows: Vec<_> = (0..count).map(|number| row(&book.slots[0], kind, number)).collect();
            book.ledger.append(&rows).expect("they can be written");
        }
        book.end(0, SlotState::Done).expect("it is under way");
        book
    }

    #[test]
    fn the_file_says_what_the_ledger_holds() {
        let book = book();
        let directory = book.directory.path().join("daily_summaries");
        let summary =
            write(&book.ledger, &directory, date()).expect("it can be written").expect("it is known");
        let text = fs::read_to_string(directory.join("summary_2026-03-28.json")).expect("it can be read");
        assert_eq!(serde_json::from_str::<Summary>(&text).expect("it can be read"), summary);
        assert_eq!((summary.total_operations, summary.total_guardrails), (91, 37));
        assert_eq!(summary.sends.operations.dropped, 9);
        assert_eq!(summary.failures.operations.values().sum::<u64>(), summary.sends.operations.failed);
        assert_eq!(summary.slots, [("planned".to_owned(), 95), ("done".to_owned(), 1)].into());
        assert_eq!(summary.guardrails["jailbreak_content"].blocked, 13);
        let latency = summary.latency_ms.operations.expect("something was sent");
        // Number n took n / 10 ms, and every eleventh was dropped.
        assert!((latency.p50 - 4.901).abs() < 0.005 && (latency.max - 9.901).abs() < 0.01, "{latency:?}");
        assert!(!summary.complete);
    }

    #[test]
    fn the_documented_fields_come_first_and_say_what_was_documented() {
        let day = book().ledger.day(date()).expect("it can be read").expect("it is known");
        let json = serde_json::to_string(&of_day(day)).expect("it can be written");
        let documented = "{\"date\":\"2026-03-28\",\"total_operations\":91,\"total_guardrails\":37,\
            \"total_requests\":128,\"target_min\":3000,\"target_max\":5000,\"target_met\":false,";
        assert!(json.starts_with(documented), "{json}");
    }

    #[test]
    fn the_target_is_met_from_its_least_on() {
        let day = book().ledger.day(date()).expect("it can be read").expect("it is known");
        let met = |min, max| of_day(DayTotals { target: Range { min, max }, ..day.clone() }).target_met;
        assert_eq!([met(127, 5_000), met(128, 5_000), met(129, 5_000)], [true, true, false]);
        assert!(met(10, 20), "more than the most is not too little");
    }

    #[test]
    fn a_day_is_summed_up_as_often_as_one_asks() {
        let mut book = book();
        let directory = book.directory.path().join("daily_summaries");
        write(&book.ledger, &directory, date()).expect("it can be written");
        book.ledger.close_day(date(), book.slots[95].start).expect("it can be written");
        let summary =
            write(&book.ledger, &directory, date()).expect("it can be written").expect("it is known");
        assert!(summary.complete);
        assert_eq!(fs::read_dir(&directory).expect("it can be read").count(), 1);
        let unknown = "2020-01-01".parse().expect("a date");
        assert_eq!(write(&book.ledger, &directory, unknown).expect("there is nothing to write"), None);
    }
}
