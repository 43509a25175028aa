//! How many sends a second the ledger acknowledges, beside the same store written to as plainly as can be.
//!
//! `cargo bench -p daemon --bench ledger`. Both write the same rows in the same batches to files on the same
//! disk, and sync each batch; the plain loop has one table with the same columns, and counts nothing. The CSV
//! is measured beside them.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use daemon::csv::Csv;
use daemon::ledger::{DayPlanned, Ledger};
use daemon::send::{Answer, Ask, Row, Subject};
use days::account::Fate;
use days::calendar::{Calendar, Slot};
use days::order::{Batch, ByKind, Kind, Order};
use days::profile::Range;
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of a transaction: a second of a thousand sends.
const BATCH: u32 = 1_000;

/// Rows of a run.
const ROWS: u32 = 200_000;

/// Runs of each, by turns; the best of each is told, for the disk is not ours alone.
const RUNS: usize = 5;

fn main() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let [mut ours, mut plain, mut with_csv] = [0.0_f64; 3];
    for run in 0..RUNS {
        let path = |name: &str| directory.path().join(format!("{name}-{run}"));
        ours = ours.max(per_second(|| write_ledger(&path("ours"), None)));
        plain = plain.max(per_second(|| write_plainly(&path("plain"))));
        with_csv = with_csv.max(per_second(|| write_ledger(&path("both"), Some(&path("csv")))));
    }
    println!("ledger            {ours:>9.0} rows/s");
    println!("plain inserts     {plain:>9.0} rows/s, of which the ledger makes {:.2}", ours / plain);
    println!("ledger and CSV    {with_csv:>9.0} rows/s");
}

fn per_second(write: impl FnOnce() -> Duration) -> f64 {
    f64::from(ROWS) / write().as_secs_f64()
}

fn rows(slot: &Slot, subjects: &[Arc<Subject>], from: u32) -> Vec<Row> {
    let row = |number: u32| Row {
        slot: slot.start,
        ask: Ask {
            kind: Kind::Operations,
            number,
            subject: Arc::clone(&subjects[number as usize % subjects.len()]),
            case: None,
            query: format!("what is the state of server {}?", number % 50).into(),
        },
        fate: Fate::Sent,
        planned: slot.start + Duration::from_millis(number.into()),
        lag: Duration::from_micros(70),
        latency: Duration::from_micros(u64::from(number.wrapping_mul(2_654_435_761) % 200_000)),
        tries: 1,
        answer: Some(Answer {
            status: Some(200),
            text: "All is well: cpu 17 %, memory 40 %, nothing to do.".to_owned(),
            length: 50,
            ..Answer::default()
        }),
        verdict: None,
    };
    (from..from + BATCH).map(row).collect()
}

fn subjects() -> Vec<Arc<Subject>> {
    let subject = |number| Subject { agent_id: format!("agent-{number}"), ..Subject::default() };
    (0..100).map(|number| Arc::new(subject(number))).collect()
}

/// The day of all runs.
fn slots() -> Vec<Slot> {
    let date = "2026-03-28".parse().expect("a date");
    Calendar::new(TimeZone::UTC, 900).day(date).slots
}

fn write_ledger(path: &Path, csv: Option<&Path>) -> Duration {
    let mut ledger = Ledger::open(path).expect("it can be made");
    let slots = slots();
    let (slot, subjects) = (slots[0], subjects());
    let day = DayPlanned {
        date: slot.date(),
        zone: "UTC".to_owned(),
        pacing: "profile".to_owned(),
        target: Range { min: 0, max: 0 },
        quota: None,
        slots,
    };
    ledger.open_day(&day).expect("it can be written");
    let batch = Batch { count: ROWS, threads: 1, delay: Duration::ZERO };
    let batches = ByKind { operations: Some(batch), guardrails: None };
    let order = Order { slot: slot.start, profile: "busy".to_owned(), batches };
    ledger.begin(&slot, &order, slot.start, None).expect("it can be begun");
    let mut csv = csv.map(|path| Csv::new(Kind::Operations, path.to_owned()));
    let mut spent = Duration::ZERO;
    for from in (0..ROWS).step_by(BATCH as usize) {
        let rows = rows(&slot, &subjects, from);
        let start = Instant::now();
        ledger.append(&rows).expect("they can be written");
        if let Some(csv) = &mut csv {
            csv.catch_up(&mut ledger).expect("it can be written");
        }
        spent += start.elapsed();
    }
    spent
}

fn write_plainly(path: &Path) -> Duration {
    let mut connection = Connection::open(path).expect("it can be made");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE sends (id INTEGER PRIMARY KEY, slot, kind, number, fate, planned, lag, latency, tries,
                 subject, query, category, case_id, verdict, status, answer, answer_length, content_filter,
                 failure, error);",
        )
        .expect("it is good SQL");
    let slot = slots()[0];
    let subjects = subjects();
    let mut spent = Duration::ZERO;
    for from in (0..ROWS).step_by(BATCH as usize) {
        let rows = rows(&slot, &subjects, from);
        let start = Instant::now();
        insert(&mut connection, &rows);
        spent += start.elapsed();
    }
    spent
}

fn insert(connection: &mut Connection, rows: &[Row]) {
    let transaction = connection.transaction().expect("nobody else writes");
    {
        let mut statement = transaction
            .prepare_cached(
                "INSERT INTO sends (slot, kind, number, fate, planned, lag, latency, tries, subject, query, status,
                     answer, answer_length, content_filter)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )
            .expect("it is good SQL");
        for row in rows {
            let answer = row.answer.as_ref().expect("all were sent");
            statement
                .execute(params![
                    row.slot.as_microsecond(),
                    row.ask.kind as u8,
                    row.ask.number,
                    row.fate as u8,
                    row.planned.as_microsecond(),
                    row.lag.as_micros() as i64,
                    row.latency.as_micros() as i64,
                    row.tries,
                    row.ask.number % 100,
                    row.ask.number % 50,
                    answer.status,
                    answer.text,
                    answer.length,
                    answer.content_filter,
                ])
                .expect("it can be written");
        }
    }
    transaction.commit().expect("it can be written");
}
