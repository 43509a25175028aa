//! What holds of the ledger.

use super::*;
use crate::send::{Answer, Ask, Failure, FailureKind, Row, Subject};
use crate::suite::{Case, Expect, Trial};
use days::account::{Account, Fate};
use days::calendar::{Calendar, Slot};
use days::conductor::{Passed, Why};
use days::guardrail::{Category, Tally, Verdict};
use days::order::{Batch, ByKind, Kind, Order};
use days::profile::Range;
use days::slot_state::SlotState;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A ledger in a directory, and the day that it is about.
pub(crate) struct Book {
    pub(crate) directory: tempfile::TempDir,
    path: PathBuf,
    pub(crate) ledger: Ledger,
    pub(crate) slots: Vec<Slot>,
}

const AT: &str = "2026-03-28T00:15:30Z";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn date() -> Date {
    "2026-03-28".parse().expect("a date")
}

fn planned() -> DayPlanned {
    let day = Calendar::new(TimeZone::UTC, 900).day(date());
    DayPlanned {
        date: day.date,
        zone: "UTC".to_owned(),
        pacing: "target".to_owned(),
        target: Range { min: 3_000, max: 5_000 },
        quota: Some(ByKind { operations: 2_800, guardrails: 1_200 }),
        slots: day.slots,
    }
}

impl Book {
    pub(crate) fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("ledger.sqlite");
        let mut ledger = Ledger::open(&path).expect("it can be made");
        let planned = planned();
        ledger.open_day(&planned).expect("it can be written");
        Self { directory, path, ledger, slots: planned.slots }
    }

    pub(crate) fn begin(&mut self, index: usize, counts: [u32; 2]) -> u64 {
        let slot = self.slots[index];
        self.ledger.begin(&slot, &order(&slot, counts), instant(AT), None).expect("it can be begun")
    }

    pub(crate) fn end(&mut self, index: usize, state: SlotState) -> Result<(), LedgerError> {
        let ending = Ending { state, at: instant(AT), reason: None };
        self.ledger.end(self.slots[index].start, &ending, &[])
    }

    fn day(&self) -> DayTotals {
        self.ledger.day(date()).expect("it can be read").expect("it is there")
    }
}

fn order(slot: &Slot, [operations, guardrails]: [u32; 2]) -> Order {
    let batch = |count| Some(Batch { count, threads: 4, delay: Duration::from_millis(500) });
    let batches = ByKind { operations: batch(operations), guardrails: batch(guardrails) };
    Order { slot: slot.start, profile: "quiet".to_owned(), batches }
}

fn ask(kind: Kind, number: u32) -> Ask {
    let case = Case {
        id: "case-1".to_owned(),
        category: Some(Category::JailbreakContent),
        query: "a test".into(),
        trial: Trial::Ask { expect: Expect::Refusal, markers: Vec::new() },
    };
    let subject = Subject { agent_id: format!("agent-{}", number % 3), ..Subject::default() };
    Ask {
        kind,
        number,
        subject: Arc::new(subject),
        case: (kind == Kind::Guardrails).then(|| Arc::new(case)),
        query: format!("query {}", number % 5).into(),
    }
}

/// A send of a slot: every seventh fails, every fifth is late, every eleventh is dropped.
pub(crate) fn row(slot: &Slot, kind: Kind, number: u32) -> Row {
    let fate = match number {
        number if number % 11 == 10 => Fate::Dropped,
        number if number % 5 == 4 => Fate::Late,
        _ => Fate::Sent,
    };
    let failure = (number % 7 == 6)
        .then(|| Failure { kind: FailureKind::RateLimited, error: "429, and no more".to_owned() });
    let is_made = fate != Fate::Dropped;
    Row {
        slot: slot.start,
        ask: ask(kind, number),
        fate,
        planned: slot.start + Duration::from_millis(number.into()),
        lag: Duration::from_micros(70),
        latency: if is_made { Duration::from_micros(u64::from(number) * 100 + 1) } else { Duration::ZERO },
        tries: 1,
        answer: is_made.then(|| Answer { text: "well".to_owned(), length: 4, failure, ..Answer::default() }),
        verdict: (is_made && kind == Kind::Guardrails).then(|| Verdict::ALL[number as usize % 3]),
    }
}

fn rows(slot: &Slot, kind: Kind, count: u32) -> Vec<Row> {
    (0..count).map(|number| row(slot, kind, number)).collect()
}

/// What is counted beside the batches, counted anew from the rows.
fn recounted(ledger: &Ledger, kind: Kind) -> (Account, BTreeMap<u8, u64>) {
    let mut account = Account::default();
    let mut failures = BTreeMap::new();
    let mut statement =
        ledger.connection.prepare("SELECT fate, failure FROM sends WHERE kind = ?1").expect("it is good SQL");
    let mut found = statement.query([kind as u8]).expect("it can be read");
    while let Some(row) = found.next().expect("it can be read") {
        let (fate, failure): (u8, Option<u8>) =
            (row.get(0).expect("a number"), row.get(1).expect("a number"));
        account.planned += 1;
        match fate {
            0 | 1 => account.book_made(fate == 1, failure.is_none()),
            2 => account.book_unsent(Fate::Dropped, 1),
            _ => account.book_unsent(Fate::Skipped, 1),
        }
        if let Some(failure) = failure {
            *failures.entry(failure).or_default() += 1;
        }
    }
    (account, failures)
}

#[test]
fn an_opened_day_has_all_its_slots_planned() {
    let book = Book::open();
    let day = book.day();
    assert_eq!(day.slots, [(SlotState::Planned, 96)].into());
    assert_eq!((day.target, day.quota), (planned().target, planned().quota));
    assert_eq!(book.ledger.slots(date()).expect("they can be read").len(), 96);
}

#[test]
fn a_day_that_is_opened_anew_keeps_what_has_happened() {
    let mut book = Book::open();
    book.begin(0, [10, 0]);
    book.end(0, SlotState::Done).expect("it can be ended");
    let day = Calendar::new(TimeZone::UTC, 3_600).day(date());
    book.ledger.open_day(&DayPlanned { slots: day.slots, ..planned() }).expect("it can be written");
    assert_eq!(book.day().slots, [(SlotState::Planned, 23), (SlotState::Done, 1)].into());
}

#[test]
fn what_is_counted_is_what_the_rows_come_to() {
    let mut book = Book::open();
    for index in 0..3 {
        book.begin(index, [100, 40]);
        for (kind, count) in [(Kind::Operations, 100), (Kind::Guardrails, 40)] {
            let rows = rows(&book.slots[index], kind, count);
            rows.chunks(33).for_each(|rows| book.ledger.append(rows).expect("they can be written"));
        }
        book.end(index, SlotState::Done).expect("it can be ended");
    }
    let day = book.day();
    for kind in Kind::ALL {
        let account = *day.accounts.get(kind);
        let (recounted, failures) = recounted(&book.ledger, kind);
        assert_eq!(account, recounted, "{kind:?}");
        assert!(account.is_balanced() && account.late > 0 && account.dropped > 0 && account.failed > 0);
        let told: BTreeMap<_, _> =
            day.failures.get(kind).iter().map(|(failure, count)| (*failure as u8, *count)).collect();
        assert_eq!(told, failures);
        assert_eq!(day.latencies.get(kind).len(), account.made());
    }
    let made = book.ledger.made(date()).expect("it can be read");
    assert_eq!(made.operations, day.accounts.operations.made());
    assert_eq!(made.guardrails, day.accounts.guardrails.made());
    let tally = day.tallies[&Category::JailbreakContent];
    assert_eq!(tally.tests(), made.guardrails);
    assert!(tally.blocked > 0 && tally.breached > 0 && tally.undetermined > 0);
}

#[test]
fn rows_are_written_together_or_not_at_all() {
    let mut book = Book::open();
    book.begin(0, [100, 0]);
    let mut rows = rows(&book.slots[0], Kind::Operations, 10);
    // One of a slot that is not under way.
    rows.push(row(&book.slots[1], Kind::Operations, 0));
    assert!(book.ledger.append(&rows).is_err());
    assert_eq!(recounted(&book.ledger, Kind::Operations).0, Account::default());
    rows.pop();
    book.ledger.append(&rows).expect("they can be written");
    assert_eq!(book.day().accounts.operations.sent, 8);
    let sent = book.ledger.sent(Kind::Operations, 0, 100).expect("they can be read");
    assert_eq!(sent.len(), 10, "whom and what they asked is there, too");
}

#[test]
fn a_slot_ends_in_one_state_and_stays_there() {
    let mut book = Book::open();
    assert!(matches!(book.end(0, SlotState::Done), Err(LedgerError::Settled { found: "planned", .. })));
    book.begin(0, [1, 0]);
    assert!(matches!(book.end(0, SlotState::Started), Err(LedgerError::Settled { .. })), "that is no end");
    book.end(0, SlotState::Late).expect("it is under way");
    for state in SlotState::ALL {
        assert!(matches!(book.end(0, state), Err(LedgerError::Settled { found: "late", .. })), "{state:?}");
    }
    let slot = book.slots[0];
    let begun = book.ledger.begin(&slot, &order(&slot, [1, 0]), instant(AT), None);
    assert!(matches!(begun, Err(LedgerError::Settled { found: "late", wanted: "started", .. })));
    let passed = book.ledger.pass(&book.slots[..2], &Passed::Missed, instant(AT));
    assert!(matches!(passed, Err(LedgerError::Settled { wanted: "missed", .. })));
    assert_eq!(book.day().slots, [(SlotState::Planned, 95), (SlotState::Late, 1)].into());
}

#[test]
fn slots_without_a_cycle_say_why() {
    let mut book = Book::open();
    let skipped = Passed::Skipped(Why::Maintenance("patches".to_owned()));
    book.ledger.pass(&book.slots[..2], &skipped, instant(AT)).expect("they are planned");
    book.ledger.pass(&book.slots[2..5], &Passed::Missed, instant(AT)).expect("they are planned");
    let slots = book.ledger.slots(date()).expect("they can be read");
    assert_eq!(slots[1].reason.as_deref(), Some("maintenance: patches"));
    let day = book.day();
    assert_eq!(day.slots[&SlotState::Skipped], 2);
    assert_eq!(day.slots[&SlotState::Missed], 3);
}

#[test]
fn what_a_killed_daemon_left_is_ended_and_the_account_holds() {
    let mut book = Book::open();
    book.begin(0, [100, 40]);
    book.ledger.append(&rows(&book.slots[0], Kind::Operations, 30)).expect("they can be written");
    let Book { directory: _directory, path, ledger, slots } = book;
    drop(ledger);
    let mut ledger = Ledger::open(&path).expect("it can be opened");
    assert_eq!(ledger.recover(instant(AT)).expect("it can be written"), [slots[0].start]);
    assert_eq!(ledger.recover(instant(AT)).expect("it can be written"), []);
    let day = ledger.day(date()).expect("it can be read").expect("it is there");
    assert_eq!(day.slots[&SlotState::Interrupted], 1);
    let account = day.accounts.operations;
    assert!(account.is_balanced(), "{account:?}");
    assert_eq!((account.planned, account.made(), account.dropped), (100, 28, 72));
    assert_eq!(day.accounts.guardrails.dropped, 40);
}

#[test]
fn what_was_left_unsent_is_booked_as_it_was_decided() {
    let mut book = Book::open();
    book.begin(0, [10, 4]);
    let ending =
        Ending { state: SlotState::Interrupted, at: instant(AT), reason: Some("emergency stop".to_owned()) };
    let unsent = Unsent { kind: Kind::Operations, fate: Fate::Skipped, count: 7 };
    book.ledger.end(book.slots[0].start, &ending, &[unsent]).expect("it is under way");
    let day = book.day();
    assert_eq!((day.accounts.operations.skipped, day.accounts.operations.dropped), (7, 3));
    assert_eq!(day.accounts.guardrails.dropped, 4);
}

#[test]
fn what_was_written_and_counted_as_unsent_too_is_not_booked_twice() {
    for fate in [Fate::Skipped, Fate::Dropped] {
        let mut book = Book::open();
        book.begin(0, [10, 0]);
        book.ledger.append(&rows(&book.slots[0], Kind::Operations, 8)).expect("they can be written");
        let ending = Ending { state: SlotState::Interrupted, at: instant(AT), reason: None };
        let unsent = Unsent { kind: Kind::Operations, fate, count: 10 };
        book.ledger.end(book.slots[0].start, &ending, &[unsent]).expect("it is under way");
        let account = book.day().accounts.operations;
        assert!(account.is_balanced(), "{account:?}");
        assert_eq!((account.made(), account.dropped + account.skipped), (8, 2));
    }
}

#[test]
fn a_day_that_is_opened_in_another_zone_has_its_slots_for_itself() {
    let mut book = Book::open();
    let zone = TimeZone::fixed(jiff::tz::offset(9));
    let tomorrow = Calendar::new(zone, 900).day("2026-03-29".parse().expect("a date"));
    let day = DayPlanned { date: tomorrow.date, slots: tomorrow.slots.clone(), ..planned() };
    book.ledger.open_day(&day).expect("it can be written");
    let found = book.ledger.slots(tomorrow.date).expect("they can be read");
    assert_eq!(found.len(), tomorrow.slots.len());
    assert_eq!(book.day().slots, [(SlotState::Planned, 60)].into(), "up to where the other day begins");
}

#[test]
fn who_writes_at_the_same_time_is_waited_for() {
    static IS_WAITING: AtomicBool = AtomicBool::new(false);
    fn wait(_: i32) -> bool {
        IS_WAITING.store(true, Ordering::SeqCst);
        std::thread::yield_now();
        true
    }
    let mut book = Book::open();
    book.begin(0, [10, 0]);
    let other = Connection::open(&book.path).expect("it can be opened");
    other.execute_batch("BEGIN IMMEDIATE; UPDATE days SET pacing = 'profile';").expect("nobody else writes");
    book.ledger.connection.busy_handler(Some(wait)).expect("it can be set");
    std::thread::scope(|scope| {
        let rows = rows(&book.slots[0], Kind::Operations, 10);
        let ledger = &mut book.ledger;
        let appending = scope.spawn(move || ledger.append(&rows));
        while !IS_WAITING.load(Ordering::SeqCst) && !appending.is_finished() {
            std::thread::yield_now();
        }
        other.execute_batch("COMMIT").expect("it can be written");
        appending.join().expect("it does not panic").expect("it is written after the other");
    });
}

#[test]
fn the_past_goes_on_after_the_last_closed_day() {
    let mut book = Book::open();
    for index in [0, 1, 2] {
        book.begin(index, [1, 0]);
        book.end(index, if index == 0 { SlotState::Done } else { SlotState::Failed })
            .expect("it is under way");
    }
    let past = book.ledger.past().expect("it can be read");
    assert_eq!((past.closed, past.failures), (None, 2));
    assert_eq!(past.settled, book.slots[..3].iter().map(|slot| slot.start).collect());
    book.ledger.close_day(date(), instant(AT)).expect("it can be written");
    let past = book.ledger.past().expect("it can be read");
    assert_eq!((past.closed, past.settled.len()), (Some(date()), 0));
    assert!(book.day().is_closed);
}

#[test]
fn cycles_are_numbered_for_as_long_as_the_ledger_lives() {
    let mut book = Book::open();
    assert_eq!(book.begin(0, [1, 0]), 1);
    book.end(0, SlotState::Done).expect("it is under way");
    let Book { directory, path, ledger, slots } = book;
    drop(ledger);
    let ledger = Ledger::open(&path).expect("it can be opened");
    let mut book = Book { directory, path, ledger, slots };
    assert_eq!(book.begin(5, [1, 0]), 2);
    let last = book.ledger.last_cycles(5).expect("they can be read");
    assert_eq!(
        last.iter().map(|slot| slot.cycle).collect::<Vec<_>>(),
        [Some(1)],
        "the other one has not ended"
    );
}

#[test]
fn a_cycle_by_hand_is_none_of_the_slots() {
    let mut book = Book::open();
    let by_hand = Slot { start: instant("2026-03-28T00:20:03Z"), number: 0, ..book.slots[1] };
    let order = order(&by_hand, [3, 0]);
    book.ledger.begin(&by_hand, &order, by_hand.start, None).expect("it can be begun");
    book.ledger.append(&rows(&by_hand, Kind::Operations, 3)).expect("they can be written");
    let ending = Ending { state: SlotState::Done, at: instant(AT), reason: None };
    book.ledger.end(by_hand.start, &ending, &[]).expect("it is under way");
    let day = book.day();
    assert_eq!((day.by_hand, day.slots[&SlotState::Planned]), (1, 96));
    assert_eq!(day.accounts.operations.made(), 3, "what it sent counts");
    assert!(book.ledger.past().expect("it can be read").settled.is_empty());
}

#[test]
fn it_can_be_read_while_it_is_written() {
    let mut book = Book::open();
    let looker = Ledger::look(&book.path).expect("it can be read");
    book.begin(0, [10, 0]);
    book.ledger.append(&rows(&book.slots[0], Kind::Operations, 10)).expect("nobody is in the way");
    let seen = looker.day(date()).expect("it can be read").expect("it is there");
    assert_eq!(seen.accounts.operations.sent, 8);
    assert!(looker.connection.execute("DELETE FROM sends", []).is_err(), "who looks cannot write");
}

#[test]
fn figures_of_the_users_own_are_kept_by_day_and_name() {
    let mut book = Book::open();
    for value in [1.5, 2.5] {
        book.ledger.note_metric(date(), "queue depth", value, instant(AT)).expect("it can be written");
    }
    assert_eq!(book.day().metrics, [("queue depth".to_owned(), 2.5)].into());
}

#[test]
fn a_full_store_loses_nothing_and_says_what_to_do() {
    let mut book = Book::open();
    book.begin(0, [1_000_000, 0]);
    book.ledger.append(&rows(&book.slots[0], Kind::Operations, 100)).expect("there is room");
    let pages: i64 =
        book.ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number");
    book.ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", pages + 8, |_| Ok(()))
        .expect("a number");
    let many = rows(&book.slots[0], Kind::Operations, 10_000);
    let error = book.ledger.append(&many).expect_err("there is no room for them");
    assert!(error.hint().expect("there is something to do").contains("make room"), "{error}");
    assert_eq!(recounted(&book.ledger, Kind::Operations).0.planned, 100);
    assert_eq!(book.day().accounts.operations.made(), 91);
    book.ledger
        .connection
        .pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(()))
        .expect("a number");
    book.ledger.append(&many[..100]).expect("there is room again");
    assert_eq!(recounted(&book.ledger, Kind::Operations).0.planned, 200);
}

#[test]
fn an_old_ledger_becomes_a_new_one_with_all_that_it_holds() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("ledger.sqlite");
    let old = Connection::open(&path).expect("it can be made");
    schema::make_version(&old, 1);
    old.execute_batch(
        "INSERT INTO days VALUES ('2026-03-28', 'UTC', 'target', 3000, 5000, 2800, 1200, NULL);
         INSERT INTO slots VALUES (1774656000000000, '2026-03-28', 1, 'done', NULL, 'quiet', 1, 1774656000000000,
             NULL, 1774656030000000);
         INSERT INTO batches VALUES (1774656000000000, 'operations', 2, 500000, 5, 4, 1, 0, 0, 5, 0, NULL);",
    )
    .expect("it is good SQL");
    drop(old);
    let looked = Ledger::look(&path).expect_err("nobody who only looks changes it");
    assert!(looked.to_string().contains("version 1"), "{looked}");
    let mut ledger = Ledger::open(&path).expect("it is brought up to date");
    ledger.note_metric(date(), "new", 1.0, instant(AT)).expect("there is a table for it now");
    let day = ledger.day(date()).expect("it can be read").expect("it is there");
    assert_eq!((day.slots[&SlotState::Done], day.accounts.operations.made()), (1, 5));
}

#[test]
fn what_is_no_ledger_or_a_newer_one_is_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("ledger.sqlite");
    let refused = |told: &str| {
        let before = fs::read(&path).expect("it can be read");
        for opened in [Ledger::open(&path), Ledger::look(&path)] {
            let error = opened.expect_err("it is refused");
            assert!(error.to_string().contains(told), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
        assert!(fs::read(&path).expect("it can be read") == before, "it was written to");
    };
    fs::write(&path, "not a store at all, but long enough to have a head of its own".repeat(20))
        .expect("it is written");
    refused("is no ledger");
    fs::remove_file(&path).expect("it can be removed");
    let foreign = Connection::open(&path).expect("it can be made");
    foreign.execute_batch("CREATE TABLE recipes (name TEXT)").expect("it is good SQL");
    drop(foreign);
    refused("is no ledger");
    fs::remove_file(&path).expect("it can be removed");
    let newer = Connection::open(&path).expect("it can be made");
    schema::make_version(&newer, 2);
    newer.pragma_update(None, "user_version", 99).expect("it can be written");
    drop(newer);
    refused("has version 99");
}

#[test]
fn numbers_in_sends_mean_what_they_always_meant() {
    assert_eq!(Kind::ALL.map(|kind| kind as u8), [0, 1]);
    assert_eq!([Fate::Sent, Fate::Late, Fate::Dropped, Fate::Skipped].map(|fate| fate as u8), [0, 1, 2, 3]);
    assert_eq!(Verdict::ALL.map(|verdict| verdict as u8), [0, 1, 2]);
    assert_eq!(FailureKind::ALL.map(|failure| failure as u8), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let words = FailureKind::ALL.map(FailureKind::word).join(" ");
    assert_eq!(words, "connect timeout broken rate_limited unavailable status empty malformed unexpected");
    assert_eq!(Tally::default().tests(), 0);
}

#[test]
fn hours_tell_what_was_sent_in_them_and_leave_out_what_was_not_measured() {
    let mut book = Book::open();
    // Two cycles in the first hour, one in the third.
    for index in [0, 3, 8] {
        book.begin(index, [10, 4]);
        book.ledger.append(&rows(&book.slots[index], Kind::Operations, 10)).expect("they can be written");
        book.end(index, SlotState::Done).expect("it is under way");
    }
    let hours = book.ledger.hourly(book.slots[0].start, book.slots[95].start).expect("they can be read");
    let told: Vec<_> = hours.iter().map(|hour| (hour.start, hour.accounts.operations.made())).collect();
    assert_eq!(told, [(book.slots[0].start, 20), (book.slots[8].start, 10)]);
    assert_eq!(hours[0].accounts.guardrails.dropped, 8);
    let none = book.ledger.hourly(book.slots[4].start, book.slots[8].start).expect("they can be read");
    assert_eq!(none, []);
}

#[test]
fn what_is_forgotten_is_gone_from_the_disk_and_still_counted() {
    let mut book = Book::open();
    book.begin(0, [5_000, 0]);
    book.begin(95, [10, 0]);
    book.ledger.append(&rows(&book.slots[0], Kind::Operations, 5_000)).expect("they can be written");
    book.ledger.append(&rows(&book.slots[95], Kind::Operations, 10)).expect("they can be written");
    let before = book.day().accounts;
    let pages = |book: &Book| -> u32 {
        book.ledger.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number")
    };
    let many = pages(&book);
    let limit = book.slots[90].start;
    // Nothing that the CSV does not hold yet.
    let exported = Exported { last_send: 1_500, ..Exported::default() };
    book.ledger.note_exported(Kind::Operations, &exported).expect("it can be written");
    let mut forgotten = Vec::new();
    while forgotten.last() != Some(&0) {
        forgotten.push(book.ledger.forget(limit, 1_000).expect("they can be removed"));
    }
    assert_eq!(forgotten, [1_000, 500, 0]);
    let exported = Exported { last_send: 5_010, ..exported };
    book.ledger.note_exported(Kind::Operations, &exported).expect("it can be written");
    while book.ledger.forget(limit, 1_000).expect("they can be removed") > 0 {}
    assert_eq!(recounted(&book.ledger, Kind::Operations).0.planned, 10, "what is younger stays");
    assert_eq!(book.day().accounts, before);
    assert!(pages(&book) < many / 2, "{} of {many} pages are left", pages(&book));
}

#[test]
fn what_was_not_blocked_is_found_again() {
    let mut book = Book::open();
    book.begin(0, [0, 40]);
    book.ledger.append(&rows(&book.slots[0], Kind::Guardrails, 40)).expect("they can be written");
    let since = book.slots[0].start + Duration::from_millis(20);
    let found = book.ledger.not_blocked(since, 100).expect("they can be read");
    let numbers: Vec<u32> = found.iter().map(|sent| sent.number).collect();
    let expected = (20..40).rev().filter(|number| number % 3 != 0 && number % 11 != 10).collect::<Vec<u32>>();
    assert_eq!(numbers, expected);
    assert!(found.iter().all(|sent| sent.verdict != Some(Verdict::Blocked) && sent.case.is_some()));
    assert_eq!(book.ledger.not_blocked(since, 3).expect("they can be read").len(), 3);
}

#[test]
fn the_number_of_a_cycle_is_found_without_a_look_at_all_slots() {
    let ledger = Ledger::in_memory().expect("there is memory");
    let plan = format!("EXPLAIN QUERY PLAN {}", slots::NEXT_CYCLE);
    let detail: String = ledger.connection.query_row(&plan, [], |row| row.get(3)).expect("a plan");
    assert!(detail.contains("USING COVERING INDEX cycles"), "{detail}");
}
