//! What days and cycles came to, as it is read.

use super::rows::{instant_of, micros};
use super::slots::read_date;
use super::{Ledger, LedgerError};
use crate::latencies::Latencies;
use crate::send::FailureKind;
use days::account::Account;
use days::guardrail::{Category, Tally};
use days::order::{ByKind, Kind};
use days::profile::Range;
use days::slot_state::SlotState;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, Row, params};
use std::collections::BTreeMap;

/// An hour as instants are kept.
const HOUR_MICROS: i64 = 3_600_000_000;

/// A day, as far as it has come.
#[derive(Clone, Debug)]
pub struct DayTotals {
    /// The date.
    pub date: Date,
    /// The zone in which it is one; empty where there was no daemon on it.
    pub zone: String,
    /// How it is paced.
    pub pacing: String,
    /// How many requests it is to have, prorated.
    pub target: Range<u64>,
    /// How many of each kind, where that is planned.
    pub quota: Option<ByKind<u64>>,
    /// Whether it is over, and all its slots are settled.
    pub is_closed: bool,
    /// How many slots are in each state.
    pub slots: BTreeMap<SlotState, u64>,
    /// Cycles that had no slot: those by hand.
    pub by_hand: u64,
    /// What became of planned sends.
    pub accounts: ByKind<Account>,
    /// Latencies of what was sent.
    pub latencies: ByKind<Latencies>,
    /// Why sends failed.
    pub failures: ByKind<BTreeMap<FailureKind, u64>>,
    /// What guardrail tests came to.
    pub tallies: BTreeMap<Category, Tally>,
    /// Figures of the user's own.
    pub metrics: BTreeMap<String, f64>,
}

/// What was sent by the cycles of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Where it begins: a whole hour of UTC.
    pub start: Timestamp,
    /// What became of the sends that were planned in it.
    pub accounts: ByKind<Account>,
}

/// A slot, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// Its instant.
    pub start: Timestamp,
    /// Its place in its day, from 1; 0 for a cycle by hand.
    pub number: u32,
    /// How it stands.
    pub state: SlotState,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// Its profile, if it had a cycle.
    pub profile: Option<String>,
    /// The number of its cycle, if it had one.
    pub cycle: Option<u64>,
    /// When that was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What became of its planned sends.
    pub accounts: ByKind<Account>,
}

impl Ledger {
    /// A day, as far as it has come; `None` where nothing is known of it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn day(&self, date: Date) -> Result<Option<DayTotals>, LedgerError> {
        let text = date.to_string();
        let mut statement = self.connection.prepare_cached(
            "SELECT zone, pacing, target_min, target_max, operations, guardrails, closed_at IS NOT NULL
             FROM days WHERE date = ?1",
        )?;
        let of_row = |row: &Row<'_>| {
            let (operations, guardrails): (Option<u64>, Option<u64>) = (row.get(4)?, row.get(5)?);
            Ok(DayTotals {
                date,
                zone: row.get(0)?,
                pacing: row.get(1)?,
                target: Range { min: row.get(2)?, max: row.get(3)? },
                quota: operations
                    .zip(guardrails)
                    .map(|(operations, guardrails)| ByKind { operations, guardrails }),
                is_closed: row.get(6)?,
                slots: BTreeMap::new(),
                by_hand: 0,
                accounts: ByKind::default(),
                latencies: ByKind::default(),
                failures: ByKind::default(),
                tallies: BTreeMap::new(),
                metrics: BTreeMap::new(),
            })
        };
        let Some(mut totals) = statement.query_row([&text], of_row).optional()? else { return Ok(None) };
        self.count_slots(&text, &mut totals)?;
        self.add_batches(&text, &mut totals)?;
        self.add_failures(&text, &mut totals)?;
        self.add_tallies(&text, &mut totals)?;
        self.add_metrics(&text, &mut totals)?;
        Ok(Some(totals))
    }

    /// Sends that were made on a day.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn made(&self, date: Date) -> Result<ByKind<u64>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT batches.kind, sum(sent + late) FROM slots JOIN batches ON batches.slot = slots.start
             WHERE slots.date = ?1 GROUP BY batches.kind",
        )?;
        let mut made = ByKind::default();
        let mut rows = statement.query([date.to_string()])?;
        while let Some(row) = rows.next()? {
            *made.get_mut(kind_of(&row.get::<_, String>(0)?)?) = row.get(1)?;
        }
        Ok(made)
    }

    /// Hours of UTC in which cycles were begun, from one instant on and before another, in order. An hour
    /// without any is not among them: nothing was measured in it.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn hourly(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Hour>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT slot - slot % ?3 AS hour, kind, sum(planned), sum(sent), sum(late), sum(dropped), sum(skipped),
                 sum(succeeded), sum(failed)
             FROM batches WHERE slot >= ?1 AND slot < ?2 GROUP BY hour, kind ORDER BY hour",
        )?;
        let mut rows = statement.query(params![micros(from), micros(to), HOUR_MICROS])?;
        let mut hours: Vec<Hour> = Vec::new();
        while let Some(row) = rows.next()? {
            let start = instant_of(row.get(0)?)?;
            if hours.last().is_none_or(|hour| hour.start != start) {
                hours.push(Hour { start, accounts: ByKind::default() });
            }
            if let Some(hour) = hours.last_mut() {
                *hour.accounts.get_mut(kind_of(&row.get::<_, String>(1)?)?) = account_of(row, 2)?;
            }
        }
        Ok(hours)
    }

    /// The slots of a day, those by hand among them, in order.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn slots(&self, date: Date) -> Result<Vec<SlotRow>, LedgerError> {
        self.slot_rows("date = ?1 ORDER BY start", &date.to_string())
    }

    /// The last cycles that have ended, at most so many, the latest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn last_cycles(&self, count: u32) -> Result<Vec<SlotRow>, LedgerError> {
        self.slot_rows(
            "cycle IS NOT NULL AND ended_at IS NOT NULL ORDER BY cycle DESC LIMIT ?1",
            &count.to_string(),
        )
    }

    /// Notes a figure of the user's own; one of the same name and day is replaced.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_metric(
        &mut self,
        date: Date,
        name: &str,
        value: f64,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.connection.execute(
            "INSERT INTO metrics (date, name, value, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (date, name) DO UPDATE SET value = ?3, at = ?4",
            params![date.to_string(), name, value, micros(at)],
        )?;
        Ok(())
    }

    /// The days of which something is known, in order.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn days(&self) -> Result<Vec<Date>, LedgerError> {
        let mut statement = self.connection.prepare("SELECT date FROM days ORDER BY date")?;
        let dates = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        dates.iter().map(|date| read_date(date)).collect()
    }

    fn slot_rows(&self, which: &str, parameter: &str) -> Result<Vec<SlotRow>, LedgerError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT start, number, state, reason, profile, cycle, started_at, ended_at FROM slots WHERE {which}"
        ))?;
        let mut rows = statement.query([parameter])?;
        let mut slots = Vec::new();
        while let Some(row) = rows.next()? {
            let instant = |index| row.get::<_, Option<i64>>(index)?.map(instant_of).transpose();
            let word: String = row.get(2)?;
            let start = instant_of(row.get(0)?)?;
            slots.push(SlotRow {
                start,
                number: row.get(1)?,
                state: state_of(&word)?,
                reason: row.get(3)?,
                profile: row.get(4)?,
                cycle: row.get(5)?,
                started_at: instant(6)?,
                ended_at: instant(7)?,
                accounts: self.accounts(start)?,
            });
        }
        Ok(slots)
    }

    fn accounts(&self, slot: Timestamp) -> Result<ByKind<Account>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, planned, sent, late, dropped, skipped, succeeded, failed FROM batches WHERE slot = ?1",
        )?;
        let mut accounts = ByKind::default();
        let mut rows = statement.query([micros(slot)])?;
        while let Some(row) = rows.next()? {
            *accounts.get_mut(kind_of(&row.get::<_, String>(0)?)?) = account_of(row, 1)?;
        }
        Ok(accounts)
    }

    fn count_slots(&self, date: &str, totals: &mut DayTotals) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT state, sum(number > 0), sum(number = 0) FROM slots WHERE date = ?1 GROUP BY state",
        )?;
        let mut rows = statement.query([date])?;
        while let Some(row) = rows.next()? {
            let (slots, by_hand): (u64, u64) = (row.get(1)?, row.get(2)?);
            if slots > 0 {
                totals.slots.insert(state_of(&row.get::<_, String>(0)?)?, slots);
            }
            totals.by_hand += by_hand;
        }
        Ok(())
    }

    fn add_batches(&self, date: &str, totals: &mut DayTotals) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, planned, sent, late, dropped, skipped, succeeded, failed, latencies
             FROM slots JOIN batches ON batches.slot = slots.start WHERE slots.date = ?1",
        )?;
        let mut rows = statement.query([date])?;
        while let Some(row) = rows.next()? {
            let kind = kind_of(&row.get::<_, String>(0)?)?;
            *totals.accounts.get_mut(kind) += account_of(row, 1)?;
            if let Some(bytes) = row.get_ref(8)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
                totals.latencies.get_mut(kind).add(&Latencies::of_bytes(bytes)?);
            }
        }
        Ok(())
    }

    fn add_failures(&self, date: &str, totals: &mut DayTotals) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT failures.kind, failure, sum(count) FROM slots JOIN failures ON failures.slot = slots.start
             WHERE slots.date = ?1 GROUP BY failures.kind, failure",
        )?;
        let mut rows = statement.query([date])?;
        while let Some(row) = rows.next()? {
            let kind = kind_of(&row.get::<_, String>(0)?)?;
            let word: String = row.get(1)?;
            let failure = FailureKind::ALL.into_iter().find(|failure| failure.word() == word);
            let failure = failure.ok_or_else(|| unknown(&word, "a failure"))?;
            totals.failures.get_mut(kind).insert(failure, row.get(2)?);
        }
        Ok(())
    }

    fn add_tallies(&self, date: &str, totals: &mut DayTotals) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT category, sum(blocked), sum(breached), sum(undetermined)
             FROM slots JOIN verdicts ON verdicts.slot = slots.start WHERE slots.date = ?1 GROUP BY category",
        )?;
        let mut rows = statement.query([date])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(0)?;
            let category = Category::ALL.into_iter().find(|category| category.word() == word);
            let category = category.ok_or_else(|| unknown(&word, "a category"))?;
            let tally = Tally { blocked: row.get(1)?, breached: row.get(2)?, undetermined: row.get(3)? };
            totals.tallies.insert(category, tally);
        }
        Ok(())
    }

    fn add_metrics(&self, date: &str, totals: &mut DayTotals) -> Result<(), LedgerError> {
        let mut statement =
            self.connection.prepare_cached("SELECT name, value FROM metrics WHERE date = ?1")?;
        let metrics = statement.query_map([date], |row| Ok((row.get(0)?, row.get(1)?)))?;
        totals.metrics = metrics.collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn unknown(word: &str, for_what: &str) -> LedgerError {
    LedgerError::Broken(format!("`{word}` for {for_what}"))
}

fn kind_of(word: &str) -> Result<Kind, LedgerError> {
    Kind::ALL.into_iter().find(|kind| kind.word() == word).ok_or_else(|| unknown(word, "a kind of request"))
}

fn state_of(word: &str) -> Result<SlotState, LedgerError> {
    SlotState::of_word(word).ok_or_else(|| unknown(word, "a slot's state"))
}

fn account_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Account> {
    Ok(Account {
        planned: row.get(first)?,
        sent: row.get(first + 1)?,
        late: row.get(first + 2)?,
        dropped: row.get(first + 3)?,
        skipped: row.get(first + 4)?,
        succeeded: row.get(first + 5)?,
        failed: row.get(first + 6)?,
    })
}
