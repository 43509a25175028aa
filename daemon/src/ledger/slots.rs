//! Days and slots: planned, begun, ended.

use super::rows::{instant_of, micros, span_micros};
use super::{Ledger, LedgerError};
use days::account::Fate;
use days::calendar::Slot;
use days::conductor::{Passed, Past};
use days::order::{ByKind, Kind, Order};
use days::profile::Range;
use days::slot_state::SlotState;
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::BTreeSet;
use std::time::Duration;

/// A day, as it is planned when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPlanned {
    /// The date.
    pub date: Date,
    /// The zone in which it is one.
    pub zone: String,
    /// How it is paced.
    pub pacing: String,
    /// How many requests it is to have, prorated.
    pub target: Range<u64>,
    /// How many of each kind, where that is planned.
    pub quota: Option<ByKind<u64>>,
    /// Its slots.
    pub slots: Vec<Slot>,
}

/// How a cycle ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How its slot is settled.
    pub state: SlotState,
    /// When.
    pub at: Timestamp,
    /// Why, where it did not simply end.
    pub reason: Option<String>,
}

/// Sends of a batch that left no row because nobody came to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Of which kind.
    pub kind: Kind,
    /// Dropped or skipped.
    pub fate: Fate,
    /// How many.
    pub count: u64,
}

/// The number of the next cycle. Only with the condition the index of cycles will do, and not all slots of all
/// years.
pub(super) const NEXT_CYCLE: &str = "SELECT coalesce(max(cycle), 0) + 1 FROM slots WHERE cycle IS NOT NULL";

impl Ledger {
    /// Writes down a day and its slots as planned. What is there of it stays: only slots that are still
    /// planned and no longer in the plan go, with all that are planned for later, and those that are new come.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open_day(&mut self, day: &DayPlanned) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        let date = day.date.to_string();
        let (operations, guardrails) =
            day.quota.map_or((None, None), |quota| (Some(quota.operations), Some(quota.guardrails)));
        transaction.execute(
            "INSERT INTO days (date, zone, pacing, target_min, target_max, operations, guardrails)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (date) DO UPDATE SET zone = ?2, pacing = ?3, target_min = ?4, target_max = ?5,
                 operations = ?6, guardrails = ?7",
            params![date, day.zone, day.pacing, day.target.min, day.target.max, operations, guardrails],
        )?;
        // In another zone the same instants may have been planned for another day.
        let first = day.slots.first().map(|slot| micros(slot.start));
        transaction.execute(
            "DELETE FROM slots WHERE state = 'planned' AND (date = ?1 OR start >= ?2)",
            params![date, first],
        )?;
        for slot in &day.slots {
            insert_planned(&transaction, slot)?;
        }
        Ok(transaction.commit()?)
    }

    /// Settles slots that have no cycle.
    ///
    /// # Errors
    /// If one of them is settled already, or they cannot be written; then none is.
    pub fn pass(&mut self, slots: &[Slot], how: &Passed, at: Timestamp) -> Result<(), LedgerError> {
        let (state, reason) = match how {
            Passed::Missed => (SlotState::Missed, None),
            Passed::Skipped(why) => (SlotState::Skipped, Some(why.to_string())),
        };
        let transaction = self.connection.transaction()?;
        for slot in slots {
            ensure_slot(&transaction, slot)?;
            let ending = Ending { state, at, reason: reason.clone() };
            settle(&transaction, slot.start, SlotState::Planned, &ending)?;
        }
        Ok(transaction.commit()?)
    }

    /// Begins the cycle of a slot: from now on its sends may be written. Gives the cycle's number.
    ///
    /// # Errors
    /// If the slot is begun or settled already, or it cannot be written.
    pub fn begin(
        &mut self,
        slot: &Slot,
        order: &Order,
        at: Timestamp,
        late_by: Option<Duration>,
    ) -> Result<u64, LedgerError> {
        let transaction = self.connection.transaction()?;
        ensure_slot(&transaction, slot)?;
        let found = state_of(&transaction, slot.start)?;
        if found != SlotState::Planned {
            return Err(settled(slot.start, found, SlotState::Started));
        }
        let number: u64 = transaction.query_row(NEXT_CYCLE, [], |row| row.get(0))?;
        transaction.execute(
            "UPDATE slots SET state = 'started', profile = ?2, cycle = ?3, started_at = ?4, late_by = ?5
             WHERE start = ?1",
            params![micros(slot.start), order.profile, number, micros(at), late_by.map(span_micros)],
        )?;
        for kind in Kind::ALL {
            let Some(batch) = order.batches.get(kind) else { continue };
            transaction.execute(
                "INSERT INTO batches (slot, kind, threads, delay, planned) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    micros(slot.start),
                    kind.word(),
                    batch.threads,
                    span_micros(batch.delay),
                    batch.count
                ],
            )?;
        }
        transaction.commit()?;
        Ok(number)
    }

    /// Ends the cycle of a slot. Planned sends of which there is neither a row nor a word in `unsent` are
    /// booked as dropped, so that every planned send has ended.
    ///
    /// # Errors
    /// If the slot is not under way, or it cannot be written.
    pub fn end(&mut self, slot: Timestamp, ending: &Ending, unsent: &[Unsent]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        for unsent in unsent {
            let column = match unsent.fate {
                Fate::Dropped => "dropped",
                Fate::Skipped => "skipped",
                Fate::Sent | Fate::Late => {
                    return Err(LedgerError::Broken("a send that was made, without a row".to_owned()));
                }
            };
            transaction.execute(
                // At most what is open: rows may have been written of which whoever counted did not hear.
                &format!(
                    "UPDATE batches
                     SET {column} = {column} + min(?3, max(planned - sent - late - dropped - skipped, 0))
                     WHERE slot = ?1 AND kind = ?2"
                ),
                params![micros(slot), unsent.kind.word(), unsent.count],
            )?;
        }
        close_batches(&transaction, slot)?;
        settle(&transaction, slot, SlotState::Started, ending)?;
        Ok(transaction.commit()?)
    }

    /// Ends what a daemon that was killed has left under way: gives those slots.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn recover(&mut self, at: Timestamp) -> Result<Vec<Timestamp>, LedgerError> {
        let transaction = self.connection.transaction()?;
        let mut statement =
            transaction.prepare("SELECT start FROM slots WHERE state = 'started' ORDER BY start")?;
        let slots = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        drop(statement);
        let slots = slots.into_iter().map(instant_of).collect::<Result<Vec<_>, _>>()?;
        let ending = Ending {
            state: SlotState::Interrupted,
            at,
            reason: Some("the daemon ended without a word".to_owned()),
        };
        for slot in &slots {
            close_batches(&transaction, *slot)?;
            settle(&transaction, *slot, SlotState::Started, &ending)?;
        }
        transaction.commit()?;
        Ok(slots)
    }

    /// Notes that a day is over. Closing it again changes nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn close_day(&mut self, date: Date, at: Timestamp) -> Result<(), LedgerError> {
        self.connection.execute(
            "UPDATE days SET closed_at = ?2 WHERE date = ?1 AND closed_at IS NULL",
            params![date.to_string(), micros(at)],
        )?;
        Ok(())
    }

    /// What has been done, for whoever decides what is done next.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn past(&self) -> Result<Past, LedgerError> {
        let closed: Option<String> = self
            .connection
            .query_row("SELECT max(date) FROM days WHERE closed_at IS NOT NULL", [], |row| row.get(0))
            .optional()?
            .flatten();
        let closed = closed.map(|date| read_date(&date)).transpose()?;
        let mut statement = self.connection.prepare(
            "SELECT start FROM slots WHERE number > 0 AND state NOT IN ('planned', 'started') AND date > ?1",
        )?;
        let after = closed.map(|date| date.to_string()).unwrap_or_default();
        let starts = statement.query_map([after], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        let settled = starts.into_iter().map(instant_of).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Past { closed, settled, failures: self.failures_in_a_row()? })
    }

    /// Cycles at the end of which nothing had succeeded, counted back from the last one.
    fn failures_in_a_row(&self) -> Result<u32, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT count(*) FROM slots WHERE state = 'failed' AND cycle > coalesce(
                 (SELECT max(cycle) FROM slots WHERE cycle IS NOT NULL AND state IN ('done', 'late')), 0)",
            [],
            |row| row.get(0),
        )?)
    }
}

pub(super) fn read_date(text: &str) -> Result<Date, LedgerError> {
    text.parse().map_err(|_| LedgerError::Broken(format!("`{text}` for a date")))
}

fn settled(slot: Timestamp, found: SlotState, wanted: SlotState) -> LedgerError {
    LedgerError::Settled { slot, found: found.word(), wanted: wanted.word() }
}

fn insert_planned(transaction: &Transaction<'_>, slot: &Slot) -> Result<(), LedgerError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO slots (start, date, number, state) VALUES (?1, ?2, ?3, 'planned')
         ON CONFLICT (start) DO NOTHING",
    )?;
    statement.execute(params![micros(slot.start), slot.date().to_string(), slot.number])?;
    Ok(())
}

/// A slot of a day that was never opened, because there was no daemon, or one by hand, is planned when it is
/// dealt with.
fn ensure_slot(transaction: &Transaction<'_>, slot: &Slot) -> Result<(), LedgerError> {
    transaction.execute(
        "INSERT INTO days (date, zone, pacing, target_min, target_max) VALUES (?1, '', '', 0, 0)
         ON CONFLICT (date) DO NOTHING",
        [slot.date().to_string()],
    )?;
    insert_planned(transaction, slot)
}

fn state_of(transaction: &Transaction<'_>, slot: Timestamp) -> Result<SlotState, LedgerError> {
    let mut statement = transaction.prepare_cached("SELECT state FROM slots WHERE start = ?1")?;
    let word: Option<String> = statement.query_row([micros(slot)], |row| row.get(0)).optional()?;
    let word = word.ok_or_else(|| LedgerError::Broken(format!("no slot of {slot}")))?;
    SlotState::of_word(&word).ok_or_else(|| LedgerError::Broken(format!("`{word}` for a slot's state")))
}

/// Leads a slot from where it must be to its end.
fn settle(
    transaction: &Transaction<'_>,
    slot: Timestamp,
    from: SlotState,
    ending: &Ending,
) -> Result<(), LedgerError> {
    let found = state_of(transaction, slot)?;
    if found != from || !ending.state.is_final() {
        return Err(settled(slot, found, ending.state));
    }
    let mut statement = transaction
        .prepare_cached("UPDATE slots SET state = ?2, reason = ?3, ended_at = ?4 WHERE start = ?1")?;
    statement.execute(params![micros(slot), ending.state.word(), ending.reason, micros(ending.at)])?;
    Ok(())
}

/// Books planned sends that nobody has heard of as dropped.
fn close_batches(transaction: &Transaction<'_>, slot: Timestamp) -> Result<(), LedgerError> {
    transaction.execute(
        "UPDATE batches SET dropped = planned - sent - late - skipped WHERE slot = ?1",
        [micros(slot)],
    )?;
    Ok(())
}
