//! A writer that is killed again and again, at any moment: nothing that it said was written is lost, nothing
//! is doubled, nothing is torn, in the ledger and in the CSV.
//!
//! The writer is this test's own binary. It lives through cycles: begins one, appends rows of random batch
//! sizes, says so, brings the CSV up to date, ends the cycle. It is killed with SIGKILL after a random number
//! of acknowledgements and some more time; the next one recovers and goes on.

use daemon::csv::Csv;
use daemon::ledger::{DayPlanned, DayTotals, Ending, Ledger};
use daemon::send::{Answer, Ask, Failure, FailureKind, Row, Subject};
use days::account::{Account, Fate};
use days::calendar::{Calendar, Slot};
use days::order::{Batch, ByKind, Kind, Order};
use days::profile::Range;
use days::slot_state::SlotState;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Kills of the test's short form; `WORLD_KILLS` asks for another number.
const KILLS: u64 = 25;

/// Where the writer finds its directory.
const DIRECTORY: &str = "WORLD_KILLS_DIRECTORY";

/// Rows of a cycle; more than a writer usually lives to write.
const ROWS: u32 = 4_000;

/// Slots of the day: a cycle a minute.
const INTERVAL_SECONDS: u32 = 60;

fn date() -> Date {
    "2026-03-28".parse().expect("a date")
}

fn slots() -> Vec<Slot> {
    Calendar::new(TimeZone::UTC, INTERVAL_SECONDS).day(date()).slots
}

fn csv(directory: &Path) -> PathBuf {
    directory.join("operations.csv")
}

fn open(directory: &Path) -> Ledger {
    Ledger::open(&directory.join("ledger.sqlite")).expect("a kill does it no harm")
}

/// Some fail, some are late, some are dropped; texts have what a CSV could stumble over.
fn row(slot: &Slot, number: u32) -> Row {
    let fate = match number % 13 {
        12 => Fate::Dropped,
        11 => Fate::Late,
        _ => Fate::Sent,
    };
    let failure = (number % 7 == 6)
        .then(|| Failure { kind: FailureKind::Timeout, error: format!("no answer,\nnot to {number}") });
    let text = "well, \"this\"\nis what they said ".repeat(number as usize % 9);
    let is_made = fate != Fate::Dropped;
    let subject = Subject { agent_id: format!("agent-{}", number % 90), ..Subject::default() };
    Row {
        slot: slot.start,
        ask: Ask {
            kind: Kind::Operations,
            number,
            subject: Arc::new(subject),
            case: None,
            query: format!("{} {number}", slot.number).into(),
        },
        fate,
        planned: slot.start,
        lag: Duration::ZERO,
        latency: Duration::from_micros(u64::from(number) + 1),
        tries: 1,
        answer: is_made.then(|| Answer {
            length: text.chars().count() as u64,
            text,
            failure,
            ..Answer::default()
        }),
        verdict: None,
    }
}

/// Not a test of its own: the writer, which does nothing unless it is told where.
#[test]
fn writer() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut ledger = open(&directory);
    let mut csv = Csv::new(Kind::Operations, csv(&directory));
    let at = slots()[0].start;
    ledger.recover(at).expect("it can be recovered");
    csv.catch_up(&mut ledger).expect("it can be brought up to date");
    let settled = ledger.past().expect("it can be read").settled;
    let mut chance = ChaCha8Rng::seed_from_u64(settled.len() as u64);
    for slot in slots().iter().filter(|slot| !settled.contains(&slot.start)) {
        live(&mut ledger, &mut csv, slot, &mut chance);
    }
}

fn live(ledger: &mut Ledger, csv: &mut Csv, slot: &Slot, chance: &mut ChaCha8Rng) {
    let batch = Batch { count: ROWS, threads: 1, delay: Duration::ZERO };
    let batches = ByKind { operations: Some(batch), guardrails: None };
    let order = Order { slot: slot.start, profile: "busy".to_owned(), batches };
    ledger.begin(slot, &order, slot.start, None).expect("it can be begun");
    let mut written = 0;
    while written < ROWS {
        let next = ROWS.min(written + chance.random_range(1..400));
        let rows: Vec<Row> = (written..next).map(|number| row(slot, number)).collect();
        ledger.append(&rows).expect("they can be written");
        written = next;
        acknowledge(slot, written);
        csv.catch_up(ledger).expect("it can be brought up to date");
    }
    let ending = Ending { state: SlotState::Done, at: slot.start, reason: None };
    ledger.end(slot.start, &ending, &[]).expect("it can be ended");
}

/// Says that the rows of a slot before this one are written. Past the harness, which would keep it.
fn acknowledge(slot: &Slot, written: u32) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "written {} {written}", slot.number).and_then(|()| out.flush()).expect("somebody listens");
}

/// A writer that is under way.
struct Writer {
    child: Child,
    said: Receiver<(u32, u32)>,
}

impl Writer {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("it has a path"))
            .args(["--exact", "writer", "--nocapture"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be started");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (tell, said) = channel();
        std::thread::spawn(move || {
            // The first word shares its line with the harness's own.
            for line in out.lines().map_while(Result::ok) {
                let Some((_, words)) = line.split_once("written ") else { continue };
                let Some((slot, written)) = words.split_once(' ') else { continue };
                let Ok(acknowledged) = slot.parse().and_then(|slot| Ok((slot, written.parse()?))) else {
                    continue;
                };
                let _ = tell.send(acknowledged);
            }
        });
        Self { child, said }
    }

    /// Kills it after so many acknowledgements and so much more; gives all that it acknowledged.
    fn kill(mut self, after: u32, and: Duration) -> Vec<(u32, u32)> {
        let mut acknowledged: Vec<_> = self.said.iter().take(after as usize).collect();
        // Nobody says when: that is the point. What comes meanwhile was acknowledged as well.
        let end = std::time::Instant::now() + and;
        while let Ok(said) = self.said.recv_timeout(end.saturating_duration_since(std::time::Instant::now()))
        {
            acknowledged.push(said);
        }
        self.child.kill().expect("it is there");
        let status = self.child.wait().expect("it can be waited for");
        assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
        acknowledged.extend(self.said.iter());
        acknowledged
    }
}

#[test]
fn nothing_acknowledged_is_lost_doubled_or_torn_by_kills() {
    let kills = std::env::var("WORLD_KILLS").ok().map_or(KILLS, |kills| kills.parse().expect("a number"));
    let seed = std::env::var("WORLD_SEED").ok().map_or(20_260_328, |seed| seed.parse().expect("a number"));
    println!("{kills} kills, seed {seed}");
    let directory = tempfile::tempdir().expect("a directory can be made");
    let planned = DayPlanned {
        date: date(),
        zone: "UTC".to_owned(),
        pacing: "profile".to_owned(),
        target: Range { min: 0, max: 0 },
        quota: None,
        slots: slots(),
    };
    open(directory.path()).open_day(&planned).expect("it can be written");
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut acknowledged = BTreeMap::new();
    for kill in 0..kills {
        // A third of them while it starts: it is in the midst of recovering, or has just begun.
        let after = if kill % 3 == 0 { 0 } else { chance.random_range(1..20) };
        let and = Duration::from_micros(chance.random_range(0..20_000));
        for (slot, written) in Writer::start(directory.path()).kill(after, and) {
            acknowledged.insert(slot, written);
        }
    }
    let mut ledger = open(directory.path());
    let at = slots()[0].start;
    ledger.recover(at).expect("it can be recovered");
    let mut csv_file = Csv::new(Kind::Operations, csv(directory.path()));
    csv_file.catch_up(&mut ledger).expect("it can be brought up to date");
    let written = check_ledger(&ledger, &acknowledged);
    check_csv(&ledger, directory.path());
    println!(
        "{} slots, {} rows acknowledged, {written} sent",
        acknowledged.len(),
        acknowledged.values().sum::<u32>()
    );
    assert!(acknowledged.len() as u64 >= kills / 3, "it was not given the time to write");
}

/// What is there of each slot is a whole beginning of its rows, at least what was acknowledged; and what is
/// counted is what is there. Gives the number of sends that were made.
fn check_ledger(ledger: &Ledger, acknowledged: &BTreeMap<u32, u32>) -> u64 {
    let day: DayTotals = ledger.day(date()).expect("it can be read").expect("it is there");
    let sent = ledger.sent(Kind::Operations, 0, i64::MAX).expect("it can be read");
    let mut numbers: BTreeMap<Timestamp, BTreeSet<u32>> = BTreeMap::new();
    for sent in &sent {
        assert!(numbers.entry(sent.slot).or_default().insert(sent.number), "doubled: {sent:?}");
    }
    let mut all = Account::default();
    for slot in ledger.slots(date()).expect("they can be read") {
        let written = acknowledged.get(&slot.number).copied().unwrap_or_default();
        let there = numbers.remove(&slot.start).unwrap_or_default();
        let upper = there.last().map_or(0, |last| last + 1).max(written);
        let this = slots()[slot.number as usize - 1];
        let made = |number: &u32| row(&this, *number).answer.is_some();
        assert_eq!(there, (0..upper).filter(made).collect(), "slot {}", slot.number);
        assert_ne!(slot.state, SlotState::Started);
        let account = slot.accounts.operations;
        assert!(account.is_balanced(), "slot {}: {account:?}", slot.number);
        assert_eq!(account.made(), there.len() as u64, "slot {}", slot.number);
        let failed = there.iter().filter(|number| *number % 7 == 6).count();
        assert_eq!(account.failed, failed as u64);
        all += account;
    }
    assert_eq!(numbers.len(), 0, "rows of no slot");
    assert_eq!(day.accounts.operations, all);
    assert_eq!(day.latencies.operations.len(), all.made());
    assert_eq!(day.failures.operations.values().sum::<u64>(), all.failed);
    all.made()
}

/// The CSV has a line for each send that was made, in the ledger's order, and each is whole.
fn check_csv(ledger: &Ledger, directory: &Path) {
    let text = fs::read_to_string(csv(directory)).expect("it can be read");
    let sent = ledger.sent(Kind::Operations, 0, i64::MAX).expect("it can be read");
    assert_eq!(text.lines().count(), 1 + sent.len());
    assert!(text.ends_with('\n'));
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    for (record, sent) in reader.records().zip(&sent) {
        let record = record.expect("it is whole");
        assert_eq!(record.len(), 14);
        assert_eq!(record[7], sent.query);
        assert_eq!(record[9], sent.answer.replace('\n', "\\n"));
        assert_eq!(&record[12] == "True", sent.failure.is_none());
    }
    let failed = sent.iter().filter(|sent| sent.failure.is_some()).count();
    assert_eq!(text.lines().filter(|line| line.contains(",False,")).count(), failed);
}
