//! A rehearsal: days that are lived through in simulated time.
//!
//! Everything but the sending is the daemon's own: the conductor decides, the book plans, orders and writes
//! down, and days are closed and summed up from the ledger. The clock is told the time instead of telling it,
//! and every send succeeds at its instant, so what is told is what the configuration comes to.

use crate::book::{Book, Setup};
use crate::ledger::{DayTotals, Ending, LedgerError};
use crate::send::{Answer, Ask, Row};
use days::account::Fate;
use days::calendar::Slot;
use days::conductor::{Conductor, CycleEnd, Now, Past, Rules, Step};
use days::order::{Batch, Kind, Order};
use days::slot_state::SlotState;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// What every answer takes.
const LATENCY: Duration = Duration::from_millis(1);

/// Sends of days before the one that is lived through are forgotten, so many at a time: a year of them would
/// fill the memory.
const FORGOTTEN_AT_ONCE: u32 = 50_000;

/// Lives through days from a date on, by an empty book, and tells what each came to when it is closed. `until` of the setup ends
/// it before its time, as it ends the daemon. Whoever is told may end it, too.
///
/// # Errors
/// If the ledger cannot be written.
pub fn rehearse(
    setup: &Arc<Setup>,
    book: &mut Book,
    from: Date,
    days: u32,
    mut tell: impl FnMut(DayTotals) -> ControlFlow<()>,
) -> Result<(), LedgerError> {
    let calendar = &setup.calendar;
    let after = from.saturating_add(i64::from(days).days());
    let mut stage = Stage {
        now: Now { wall: first_slot(setup, from), steady: Duration::ZERO },
        conductor: Conductor::new(Rules { until: setup.until, ..setup.rules() }, Past::default()),
        book,
        ask: Ask {
            kind: Kind::Operations,
            number: 0,
            subject: Arc::default(),
            case: None,
            query: "a rehearsed question".into(),
        },
    };
    loop {
        match stage.conductor.next(stage.now, |slot| setup.maintenance(slot)) {
            Step::Pass { slots, how } => stage.book.pass(&slots, &how, stage.now.wall)?,
            Step::Begin { slot, late_by } => stage.carry_out(&slot, late_by)?,
            Step::Close(date) => {
                let totals = stage.book.close(date, stage.now.wall)?;
                stage.book.forget(stage.now.wall, FORGOTTEN_AT_ONCE)?;
                if totals.is_some_and(|totals| tell(totals).is_break()) {
                    return Ok(());
                }
            }
            Step::Wait { until, .. } => stage.wait(until),
            Step::Resume => {}
            Step::End => {
                // The day on which it ends is not closed, and told as far as it has come.
                if let Some(totals) = stage.book.day(calendar.date_of(stage.now.wall))? {
                    let _ = tell(totals);
                }
                return Ok(());
            }
        }
        if calendar.date_of(stage.now.wall) > after {
            return Ok(());
        }
    }
}

fn first_slot(setup: &Setup, from: Date) -> Timestamp {
    let first = setup.calendar.day(from).slots.first().map(|slot| slot.start);
    first.unwrap_or_else(|| first_slot(setup, from.saturating_add(1.day())))
}

/// A daemon without a clock and without a target.
struct Stage<'b> {
    now: Now,
    conductor: Conductor,
    book: &'b mut Book,
    /// What is asked in every send.
    ask: Ask,
}

impl Stage<'_> {
    fn carry_out(&mut self, slot: &Slot, late_by: Option<Duration>) -> Result<(), LedgerError> {
        let begun = self.book.begin(slot, late_by, self.now.wall)?;
        let rows = self.rows(slot, &begun.order);
        self.book.append(&rows)?;
        let batches = Kind::ALL.iter().filter_map(|kind| begun.order.batches.get(*kind).as_ref());
        let took = batches.map(Batch::span).max().unwrap_or_default() + LATENCY;
        self.pass_time(took);
        let state = if late_by.is_some() { SlotState::Late } else { SlotState::Done };
        self.book.end(slot.start, &Ending { state, at: self.now.wall, reason: None }, &[])?;
        self.conductor.cycle_ended(self.now, CycleEnd::Succeeded);
        Ok(())
    }

    fn rows(&self, slot: &Slot, order: &Order) -> Vec<Row> {
        let of_kind = |kind: Kind| {
            let batch = *order.batches.get(kind);
            let send = move |number| Row {
                slot: slot.start,
                ask: Ask { kind, number, ..self.ask.clone() },
                fate: Fate::Sent,
                planned: self.now.wall + batch.map_or(Duration::ZERO, |batch| batch.planned(number)),
                lag: Duration::ZERO,
                latency: LATENCY,
                tries: 1,
                answer: Some(Answer::default()),
                verdict: None,
            };
            (0..batch.map_or(0, |batch| batch.count)).map(send)
        };
        Kind::ALL.into_iter().flat_map(of_kind).collect()
    }

    fn wait(&mut self, until: Timestamp) {
        self.pass_time(Duration::try_from(until.duration_since(self.now.wall)).unwrap_or_default());
    }

    fn pass_time(&mut self, time: Duration) {
        self.now.wall += time;
        self.now.steady += time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use days::config;
    use std::collections::BTreeMap;

    fn setup(text: &str) -> Arc<Setup> {
        let config = config::parse("test.toml", text).expect("it makes sense").config;
        Arc::new(Setup::of(config).expect("the machine knows the zone"))
    }

    fn lived(text: &str, from: &str, days: u32) -> Vec<DayTotals> {
        let mut told = Vec::new();
        let (ledger, setup) = (Ledger::in_memory().expect("there is memory"), setup(text));
        let mut book = Book::of(ledger, Arc::clone(&setup), None);
        let tell = |totals| {
            told.push(totals);
            ControlFlow::Continue(())
        };
        rehearse(&setup, &mut book, from.parse().expect("a date"), days, tell).expect("it can be written");
        told
    }

    #[test]
    fn each_day_meets_its_target_and_has_all_its_slots_done() {
        let days = lived("time_zone = 'Europe/Berlin'", "2026-03-27", 5);
        let told: Vec<_> = days
            .iter()
            .map(|day| (day.date.to_string(), day.slots[&SlotState::Done], day.accounts.operations.made()))
            .collect();
        let whole = |date: &str| (date.to_owned(), 96, 2_800);
        let short = ("2026-03-29".to_owned(), 92, 2_684);
        assert_eq!(
            told,
            [whole("2026-03-27"), whole("2026-03-28"), short, whole("2026-03-30"), whole("2026-03-31")]
        );
        for day in &days {
            assert_eq!(Some(day.accounts.guardrails.made()), day.quota.map(|quota| quota.guardrails));
            assert!(day.is_closed && day.accounts.operations.is_balanced());
            assert_eq!(day.slots.len(), 1, "{:?}", day.slots);
        }
    }

    #[test]
    fn maintenance_is_skipped_and_made_up_for() {
        let text = "time_zone = 'UTC'\n\
                    windows = [{ name = 'patches', maintenance = true, from = '02:00', to = '03:00' }]";
        let days = lived(text, "2026-03-02", 1);
        let slots = BTreeMap::from([(SlotState::Done, 92), (SlotState::Skipped, 4)]);
        assert_eq!((&days[0].slots, days[0].accounts.operations.made()), (&slots, 2_800));
    }

    #[test]
    fn a_planned_end_ends_it() {
        let days = lived("time_zone = 'UTC'\nuntil = '2026-03-03T12:00'", "2026-03-02", 10);
        assert_eq!(days.len(), 2);
        assert_eq!((days[1].slots[&SlotState::Done], days[1].is_closed), (48, false));
    }
}
