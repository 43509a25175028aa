//! Sends as they are read again, and how far the files that are drawn from them have come.

use super::rows::{instant_of, micros};
use super::{Ledger, LedgerError};
use crate::send::{FailureKind, Subject};
use days::account::Fate;
use days::guardrail::Verdict;
use days::order::Kind;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use std::time::Duration;

/// A send that was made, as it was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its place among all sends, in the order in which they ended.
    pub id: i64,
    /// The slot of its cycle.
    pub slot: Timestamp,
    /// Its place in its batch, from 0.
    pub number: u32,
    /// How it ended: it was sent, or sent late.
    pub fate: Fate,
    /// When it was to be sent.
    pub planned: Timestamp,
    /// From then to the end of its last answer.
    pub latency: Duration,
    /// Tries that were made.
    pub tries: u8,
    /// Who was asked.
    pub subject: Subject,
    /// What was asked.
    pub query: String,
    /// For a guardrail test, the word for what it tried.
    pub category: Option<String>,
    /// For a guardrail test, which one.
    pub case: Option<String>,
    /// For a guardrail test, what it came to.
    pub verdict: Option<Verdict>,
    /// The status of the last answer, where the protocol has one.
    pub status: Option<u16>,
    /// What it said, as far as it is kept.
    pub answer: String,
    /// Characters of all that it said.
    pub answer_length: u64,
    /// Whether the provider's own filter stopped the request or the answer.
    pub content_filter: bool,
    /// Why the send failed; `None` where it succeeded.
    pub failure: Option<FailureKind>,
    /// The failure in words.
    pub error: Option<String>,
}

/// How far a file that is drawn from the sends of a kind has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The last send that was looked at for it.
    pub last_send: i64,
    /// Its length when that was done.
    pub file_bytes: u64,
    /// What it is recognised by.
    pub file_mark: String,
}

/// What is read of a send, and from where.
const COLUMNS: &str =
    "SELECT sends.id, slot, number, fate, planned, latency, tries, agent_id, name, azure_id,
        subjects.version, model, org_id, agent_type, queries.text, category, case_id, verdict, status, answer,
        answer_length, content_filter, failure, error
    FROM sends JOIN subjects ON subjects.id = subject JOIN queries ON queries.id = query";

impl Ledger {
    /// The last send that was written; 0 where there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_send(&self) -> Result<i64, LedgerError> {
        let mut statement = self.connection.prepare_cached("SELECT coalesce(max(id), 0) FROM sends")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Sends of a kind that were made, after one and up to another, in the order in which they ended.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn sent(&self, kind: Kind, after: i64, up_to: i64) -> Result<Vec<Sent>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{COLUMNS} WHERE sends.id > ?1 AND sends.id <= ?2 AND kind = ?3 AND fate <= ?4 ORDER BY sends.id"
        ))?;
        let mut rows = statement.query(params![after, up_to, kind as u8, Fate::Late as u8])?;
        let mut sent = Vec::new();
        while let Some(row) = rows.next()? {
            sent.push(sent_of(row)?);
        }
        Ok(sent)
    }

    /// Guardrail tests planned since an instant that were not blocked, at most so many, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn not_blocked(&self, since: Timestamp, most: u32) -> Result<Vec<Sent>, LedgerError> {
        self.judged("verdict > 0", since, most)
    }

    /// The same of all that have a verdict.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn tests(&self, since: Timestamp, most: u32) -> Result<Vec<Sent>, LedgerError> {
        self.judged("verdict IS NOT NULL", since, most)
    }

    fn judged(&self, which: &str, since: Timestamp, most: u32) -> Result<Vec<Sent>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{COLUMNS} WHERE {which} AND planned >= ?1 ORDER BY planned DESC, sends.id DESC LIMIT ?2"
        ))?;
        let mut rows = statement.query(params![micros(since), most])?;
        let mut sent = Vec::new();
        while let Some(row) = rows.next()? {
            sent.push(sent_of(row)?);
        }
        Ok(sent)
    }

    /// How far the file of a kind has come; `None` where there was none yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn exported(&self, kind: Kind) -> Result<Option<Exported>, LedgerError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT last_send, file_bytes, file_mark FROM exports WHERE kind = ?1")?;
        let of_row = |row: &Row<'_>| {
            Ok(Exported { last_send: row.get(0)?, file_bytes: row.get(1)?, file_mark: row.get(2)? })
        };
        Ok(statement.query_row([kind.word()], of_row).optional()?)
    }

    /// Notes how far the file of a kind has come.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_exported(&mut self, kind: Kind, exported: &Exported) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO exports (kind, last_send, file_bytes, file_mark) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (kind) DO UPDATE SET last_send = ?2, file_bytes = ?3, file_mark = ?4",
        )?;
        statement.execute(params![
            kind.word(),
            exported.last_send,
            exported.file_bytes,
            exported.file_mark
        ])?;
        Ok(())
    }
}

fn sent_of(row: &Row<'_>) -> Result<Sent, LedgerError> {
    let fate = if row.get::<_, u8>(3)? == Fate::Sent as u8 { Fate::Sent } else { Fate::Late };
    Ok(Sent {
        id: row.get(0)?,
        slot: instant_of(row.get(1)?)?,
        number: row.get(2)?,
        fate,
        planned: instant_of(row.get(4)?)?,
        latency: Duration::from_micros(row.get(5)?),
        tries: row.get(6)?,
        subject: Subject {
            agent_id: row.get(7)?,
            name: row.get(8)?,
            azure_id: row.get(9)?,
            version: row.get(10)?,
            model: row.get(11)?,
            org_id: row.get(12)?,
            agent_type: row.get(13)?,
        },
        query: row.get(14)?,
        category: row.get(15)?,
        case: row.get(16)?,
        verdict: numbered(&Verdict::ALL, row.get(17)?, "a verdict")?,
        status: row.get(18)?,
        answer: row.get::<_, Option<String>>(19)?.unwrap_or_default(),
        answer_length: row.get::<_, Option<u64>>(20)?.unwrap_or_default(),
        content_filter: row.get::<_, Option<bool>>(21)?.unwrap_or_default(),
        failure: numbered(&FailureKind::ALL, row.get(22)?, "a failure")?,
        error: row.get(23)?,
    })
}

/// What a number stands for.
fn numbered<T: Copy>(all: &[T], number: Option<u8>, for_what: &str) -> Result<Option<T>, LedgerError> {
    let Some(number) = number else { return Ok(None) };
    let broken = || LedgerError::Broken(format!("{number} for {for_what}"));
    all.get(usize::from(number)).copied().map(Some).ok_or_else(broken)
}
