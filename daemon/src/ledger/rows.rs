//! Sends: a row for each that has ended, and what is counted of them beside their batches.

use super::{Ledger, LedgerError};
use crate::latencies::Latencies;
use crate::send::{FailureKind, Row, Subject};
use days::account::{Account, Fate};
use days::guardrail::{Category, Tally};
use days::order::Kind;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Names that are remembered, so that they need not be looked up for each send: more than a list of agents
/// has. When there are more, all are forgotten.
const NAMES_MAX: usize = 10_000;

/// Numbers of subjects and queries, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Names {
    subjects: HashMap<Subject, i64>,
    queries: HashMap<String, i64>,
}

/// What the rows of one batch come to.
#[derive(Debug, Default)]
struct Counted {
    account: Account,
    latencies: Latencies,
    failures: BTreeMap<FailureKind, u64>,
    tallies: BTreeMap<Category, Tally>,
}

impl Ledger {
    /// Writes down sends that have ended, of any batches that are under way. When it returns they are kept.
    ///
    /// # Errors
    /// If they cannot be written; then none is.
    pub fn append(&mut self, rows: &[Row]) -> Result<(), LedgerError> {
        let appended = self.append_all(rows);
        if appended.is_err() {
            // Names that were given numbers in it are not there any more.
            self.names = Names::default();
        }
        appended
    }

    fn append_all(&mut self, rows: &[Row]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        let mut batches: BTreeMap<(Timestamp, Kind), Counted> = BTreeMap::new();
        for row in rows {
            self.names.insert(&transaction, row)?;
            batches.entry((row.slot, row.ask.kind)).or_default().count(row);
        }
        for ((slot, kind), counted) in &batches {
            counted.add_to(&transaction, *slot, *kind)?;
        }
        Ok(transaction.commit()?)
    }
}

impl Names {
    fn insert(&mut self, transaction: &Transaction<'_>, row: &Row) -> Result<(), LedgerError> {
        let subject = self.subject(transaction, &row.ask.subject)?;
        let query = self.query(transaction, &row.ask.query)?;
        let answer = row.answer.as_ref();
        let failure = answer.and_then(|answer| answer.failure.as_ref());
        let mut statement = transaction.prepare_cached(
            "INSERT INTO sends (slot, kind, number, fate, planned, lag, latency, tries, subject, query, category,
                 case_id, verdict, status, answer, answer_length, content_filter, failure, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?;
        statement.execute(params![
            micros(row.slot),
            row.ask.kind as u8,
            row.ask.number,
            row.fate as u8,
            micros(row.planned),
            span_micros(row.lag),
            span_micros(row.latency),
            row.tries,
            subject,
            query,
            row.ask.category().map(Category::word),
            row.ask.case.as_ref().map(|case| case.id.as_str()),
            row.verdict.map(|verdict| verdict as u8),
            answer.and_then(|answer| answer.status),
            answer.map(|answer| answer.text.as_str()),
            answer.map(|answer| answer.length),
            answer.map(|answer| answer.content_filter),
            failure.map(|failure| failure.kind as u8),
            failure.map(|failure| failure.error.as_str()),
        ])?;
        Ok(())
    }

    fn subject(&mut self, transaction: &Transaction<'_>, subject: &Subject) -> Result<i64, LedgerError> {
        if let Some(id) = self.subjects.get(subject) {
            return Ok(*id);
        }
        let fields = params![
            subject.agent_id,
            subject.name,
            subject.azure_id,
            subject.version,
            subject.model,
            subject.org_id,
            subject.agent_type
        ];
        let known = transaction
            .prepare_cached(
                "SELECT id FROM subjects WHERE agent_id = ?1 AND name = ?2 AND azure_id = ?3 AND version = ?4
                     AND model = ?5 AND org_id = ?6 AND agent_type = ?7",
            )?
            .query_row(fields, |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                transaction.execute(
                    "INSERT INTO subjects (agent_id, name, azure_id, version, model, org_id, agent_type)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    fields,
                )?;
                transaction.last_insert_rowid()
            }
        };
        remember(&mut self.subjects, subject.clone(), id);
        Ok(id)
    }

    fn query(&mut self, transaction: &Transaction<'_>, text: &str) -> Result<i64, LedgerError> {
        if let Some(id) = self.queries.get(text) {
            return Ok(*id);
        }
        let known = transaction
            .prepare_cached("SELECT id FROM queries WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                transaction.execute("INSERT INTO queries (text) VALUES (?1)", [text])?;
                transaction.last_insert_rowid()
            }
        };
        remember(&mut self.queries, text.to_owned(), id);
        Ok(id)
    }
}

fn remember<K: std::hash::Hash + Eq>(names: &mut HashMap<K, i64>, name: K, id: i64) {
    if names.len() >= NAMES_MAX {
        names.clear();
    }
    names.insert(name, id);
}

impl Counted {
    fn count(&mut self, row: &Row) {
        match row.fate {
            Fate::Sent | Fate::Late => {
                let failure = row.answer.as_ref().and_then(|answer| answer.failure.as_ref());
                self.account.book_made(row.fate == Fate::Late, failure.is_none());
                self.latencies.count(row.latency);
                if let Some(failure) = failure {
                    *self.failures.entry(failure.kind).or_default() += 1;
                }
            }
            unsent => self.account.book_unsent(unsent, 1),
        }
        if let (Some(category), Some(verdict)) = (row.ask.category(), row.verdict) {
            self.tallies.entry(category).or_default().count(verdict);
        }
    }

    fn add_to(&self, transaction: &Transaction<'_>, slot: Timestamp, kind: Kind) -> Result<(), LedgerError> {
        let key = (micros(slot), kind.word());
        let latencies: Option<Option<Vec<u8>>> = transaction
            .prepare_cached("SELECT latencies FROM batches WHERE slot = ?1 AND kind = ?2")?
            .query_row(key, |row| row.get(0))
            .optional()?;
        let Some(latencies) = latencies else {
            return Err(LedgerError::Broken(format!("{} of {slot} without a batch", kind.word())));
        };
        let mut all = latencies.as_deref().map(Latencies::of_bytes).transpose()?.unwrap_or_default();
        all.add(&self.latencies);
        let account = &self.account;
        transaction
            .prepare_cached(
                "UPDATE batches SET sent = sent + ?3, late = late + ?4, dropped = dropped + ?5,
                     skipped = skipped + ?6, succeeded = succeeded + ?7, failed = failed + ?8, latencies = ?9
                 WHERE slot = ?1 AND kind = ?2",
            )?
            .execute(params![
                key.0,
                key.1,
                account.sent,
                account.late,
                account.dropped,
                account.skipped,
                account.succeeded,
                account.failed,
                all.to_bytes()
            ])?;
        self.add_failures(transaction, key)?;
        self.add_tallies(transaction, key.0)
    }

    fn add_failures(&self, transaction: &Transaction<'_>, key: (i64, &str)) -> Result<(), LedgerError> {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO failures (slot, kind, failure, count) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (slot, kind, failure) DO UPDATE SET count = count + ?4",
        )?;
        for (failure, count) in &self.failures {
            statement.execute(params![key.0, key.1, failure.word(), count])?;
        }
        Ok(())
    }

    fn add_tallies(&self, transaction: &Transaction<'_>, slot: i64) -> Result<(), LedgerError> {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO verdicts (slot, category, blocked, breached, undetermined) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (slot, category) DO UPDATE SET blocked = blocked + ?3, breached = breached + ?4,
                 undetermined = undetermined + ?5",
        )?;
        for (category, tally) in &self.tallies {
            statement.execute(params![
                slot,
                category.word(),
                tally.blocked,
                tally.breached,
                tally.undetermined
            ])?;
        }
        Ok(())
    }
}

/// An instant as it is kept.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.as_microsecond()
}

/// An instant as it was kept.
pub(super) fn instant_of(micros: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_microsecond(micros).map_err(|_| LedgerError::Broken(format!("{micros} for an instant")))
}

/// A span as it is kept.
pub(super) fn span_micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
