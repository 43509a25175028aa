//! `world daemon` under load, through the real binary, against a target in a process of its own that can be
//! stopped and that writes down when it answered what: the witness against whom the daemon's own percentiles are
//! held. Short by default; `WORLD_LONG=1` stops for as long as docs/reliability.md says,
//! `WORLD_FLAT_SECONDS` says for how long memory, descriptors and threads are watched (10; an hour there), and
//! `WORLD_STOPS` how often it is stopped (6; 100 there).

mod support;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use support::daemon::{QUICK, Site, assert_balanced, loads, number};
use support::http_target::Manner;
use support::running::{is_gone, used, wait_until};

// ---- the target -------------------------------------------------------------------------------

/// What tells the process below what to be.
const DIRECTORY: &str = "WORLD_TEST_TARGET_DIRECTORY";
const DELAY: &str = "WORLD_TEST_TARGET_DELAY_MS";

/// The target's process: answers everything after a while, and writes down when.
#[test]
#[ignore = "the target of the others, in a process of its own"]
fn target_process() {
    let directory = PathBuf::from(std::env::var(DIRECTORY).expect("the others say where"));
    let delay: u64 = std::env::var(DELAY).expect("they say how slow").parse().expect("a number");
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let log = Arc::new(Mutex::new(fs::File::create(directory.join("answered")).expect("it is made")));
    let url = format!("http://{}/", listener.local_addr().expect("it has one"));
    fs::write(directory.join("url.new"), url).expect("written");
    fs::rename(directory.join("url.new"), directory.join("url")).expect("renamed");
    for stream in listener.incoming().flatten() {
        let log = Arc::clone(&log);
        std::thread::spawn(move || answer_all(&stream, Duration::from_millis(delay), &log));
    }
}

#[expect(clippy::disallowed_methods, reason = "the daemon's rows have instants by this clock")]
fn answer_all(stream: &TcpStream, delay: Duration, log: &Mutex<fs::File>) {
    stream.set_nodelay(true).expect("a socket");
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(request)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        std::thread::sleep(delay);
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        let asked = request.split('?').nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("");
        // One write, so that no line is torn.
        let line = format!("{asked} {at}\n");
        log.lock().expect("nobody panicked").write_all(line.as_bytes()).expect("written");
        if (&*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwell").is_err() {
            return;
        }
    }
}

struct TargetProcess {
    child: Child,
    directory: tempfile::TempDir,
}

impl TargetProcess {
    fn start(delay_ms: u64) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "target_process", "--ignored", "--nocapture"]);
        command.env(DIRECTORY, directory.path()).env(DELAY, delay_ms.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        Self { child, directory }
    }

    fn url(&self) -> String {
        wait_until("the target", || fs::read_to_string(self.directory.path().join("url")).ok())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// When each request was answered, by its number, in microseconds since 1970.
    fn answered(&self) -> BTreeMap<u64, i64> {
        let text = fs::read_to_string(self.directory.path().join("answered")).expect("it is there");
        let line = |line: &str| {
            let (number, at) = line.split_once(' ')?;
            Some((number.parse().ok()?, at.parse().ok()?))
        };
        text.lines().filter_map(line).collect()
    }
}

impl Drop for TargetProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- the raw log ------------------------------------------------------------------------------

/// A send as the ledger has it.
struct Sent {
    number: u64,
    /// Microseconds since 1970.
    planned: i64,
    /// Microseconds.
    latency: i64,
}

/// Those that were made: sent at their instants, or late.
fn sent(base: &Path) -> Vec<Sent> {
    let ledger = Connection::open(base.join("ledger.sqlite")).expect("a ledger");
    let mut rows = ledger
        .prepare("SELECT number, planned, latency FROM sends WHERE fate <= 1 ORDER BY number")
        .expect("the table");
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Sent { number: row.get(0)?, planned: row.get(1)?, latency: row.get(2)? })
    };
    rows.query_map([], row).expect("rows").map(|row| row.expect("a row")).collect()
}

/// The value that a share of them does not exceed, by nearest rank.
fn percentile(values: &[i64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values[rank.max(1) - 1] as f64 / 1e3
}

fn is_long() -> bool {
    std::env::var_os("WORLD_LONG").is_some()
}

// ---- claims -----------------------------------------------------------------------------------

/// A cycle of so many sends, two hundred a second, during which something happens; then what the daemon
/// tells of it is held against the raw log and against the target.
#[expect(clippy::print_stdout, reason = "a test says what it measured")]
fn held_against_the_witness(count: u32, delay_ms: u64, happens: impl FnOnce(&TargetProcess, Pid)) {
    let target = TargetProcess::start(delay_ms);
    let site = Site::with("", "");
    // Fifty lanes, each a quarter of a second apart.
    site.configure_for(&target.url(), QUICK, &loads(count, 50, 0.25));
    let mut daemon = site.command("once").stdout(Stdio::null()).spawn().expect("it starts");
    wait_until("some requests", || (target.answered().len() >= 60).then_some(()));
    happens(&target, Pid::from_child(&daemon));
    assert!(daemon.wait().expect("it ends").success());

    let summary = site.summary();
    assert_balanced(&summary);
    assert_eq!(number(&summary, "/sends/operations/planned"), u64::from(count));
    let rows = sent(&site.base());
    let made = number(&summary, "/sends/operations/sent") + number(&summary, "/sends/operations/late");
    assert_eq!(rows.len() as u64, made, "each send that was made is a row");

    // Planned instants know of no stop: they are as far apart as the plan has them.
    let apart = Duration::from_millis(250).as_micros() as i64 / 50;
    for pair in rows.windows(2) {
        let steps = pair[1].number as i64 - pair[0].number as i64;
        let off = pair[1].planned - pair[0].planned - steps * apart;
        assert!(off.abs() <= 2, "{off} us off the plan at {}", pair[1].number);
    }

    let told = |name: &str| {
        let value = summary.pointer(&format!("/latency_ms/operations/{name}")).and_then(Value::as_f64);
        value.unwrap_or_else(|| panic!("no {name} in {summary:#}"))
    };
    let by_rows: Vec<i64> = rows.iter().map(|row| row.latency).collect();
    let answered = target.answered();
    let by_witness: Vec<i64> = rows.iter().map(|row| answered[&row.number] - row.planned).collect();
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        let (told, raw, witnessed) =
            (told(name), percentile(&by_rows, share), percentile(&by_witness, share));
        println!("{name}: {told:.3} ms told, {raw:.3} ms by the raw log, {witnessed:.3} ms by the target");
        assert!((told / raw - 1.0).abs() < 0.02, "{name}: {told} ms told, {raw} ms by the raw log");
        // What the way back from the target takes is below a millisecond, and no part of this for short times.
        if witnessed > 100.0 {
            assert!((told / witnessed - 1.0).abs() < 0.02, "{name}: {told} ms, {witnessed} ms by the target");
        }
    }
    assert!(told("p99") > 100.0, "something happened: {summary:#}");
}

fn stop(process: Pid, seconds: u64) {
    kill_process(process, Signal::STOP).expect("it lives");
    std::thread::sleep(Duration::from_secs(seconds));
    kill_process(process, Signal::CONT).expect("it lives");
}

#[test]
fn percentiles_are_true_while_the_target_stands_still() {
    let (count, seconds) = if is_long() { (4_000, 10) } else { (1_000, 2) };
    held_against_the_witness(count, 0, |target, _| stop(target.pid(), seconds));
}

#[test]
fn percentiles_are_true_while_the_daemon_stands_still() {
    let (count, seconds) = if is_long() { (2_000, 3) } else { (1_000, 1) };
    held_against_the_witness(count, 0, |_, daemon| stop(daemon, seconds));
}

#[test]
fn percentiles_are_true_while_the_target_is_slower_than_the_plan() {
    // Fifty lanes at 400 ms make 125 a second of the planned 200.
    held_against_the_witness(if is_long() { 4_000 } else { 800 }, 400, |_, _| ());
}

/// What a process takes of the machine.
#[derive(Clone, Copy, Debug)]
struct Taken {
    /// Memory, KiB.
    resident: u64,
    descriptors: u64,
    threads: u64,
    /// The ledger and what is not yet folded into it (its WAL), KiB.
    ledger: u64,
    wal: u64,
}

fn taken(pid: Pid, base: &Path) -> Taken {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    let status = fs::read_to_string(format!("{process}/status")).expect("it lives");
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the system tells");
        line.split_whitespace().next().and_then(|value| value.parse().ok()).expect("a number")
    };
    let descriptors = fs::read_dir(format!("{process}/fd")).expect("it lives").count() as u64;
    let size = |file: &str| fs::metadata(base.join(file)).map_or(0, |file| file.len() / 1_024);
    Taken {
        resident: field("VmRSS:"),
        descriptors,
        threads: field("Threads:"),
        ledger: size("ledger.sqlite"),
        wal: size("ledger.sqlite-wal"),
    }
}

#[test]
fn a_thousand_a_second_take_no_more_as_time_goes_on() {
    let seconds: u64 =
        std::env::var("WORLD_FLAT_SECONDS").map_or(10, |seconds| seconds.parse().expect("a number"));
    let target = TargetProcess::start(0);
    let site = Site::with("", "");
    // Some cycles, whatever the time; in an hour no more than the ledger of a day is made for.
    let slot: u32 = if seconds < 60 { 2 } else { 20 };
    let settings = QUICK.replace("interval_seconds = 1\n", &format!("interval_seconds = {slot}\n"));
    // Twenty lanes, each eighteen milliseconds apart: a thousand for each second, in nine tenths of the slot.
    site.configure_for(&target.url(), &settings, &loads(1_000 * slot, 20, 0.018));
    let daemon = site.run("");
    wait_until("a second cycle", || site.said().contains("Cycle 2").then_some(()));
    let began = Instant::now();
    let mut all = Vec::new();
    let pause = Duration::from_secs(1).min(Duration::from_secs(seconds) / 10);
    while began.elapsed() < Duration::from_secs(seconds) {
        all.push(taken(daemon.pid(), &site.base()));
        // An hour in which nothing succeeds any more need not be waited for.
        assert_eq!(failures_in_a_row(&site.base()), 0, "{}", site.said());
        std::thread::sleep(pause);
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    let summary = site.summary();
    assert_balanced(&summary);
    let of = |what: &str| number(&summary, &format!("/sends/operations/{what}"));
    println!(
        "{} planned, {} sent, {} late, {} dropped, {} skipped, {} failed",
        of("planned"),
        of("sent"),
        of("late"),
        of("dropped"),
        of("skipped"),
        of("failed")
    );
    assert!(of("sent") + of("late") >= seconds * 800, "there was load: {summary:#}");

    // What comes at first: connections, buffers, pages of the ledger.
    let settled = &all[all.len() / 2..];
    let range = |of: fn(&Taken) -> u64, all: &[Taken]| {
        let values = || all.iter().map(of);
        (values().min().unwrap_or_default(), values().max().unwrap_or_default())
    };
    for (what, of) in [
        ("KiB of memory", (|taken| taken.resident) as fn(&Taken) -> u64),
        ("descriptors", |taken| taken.descriptors),
        ("threads", |taken| taken.threads),
        ("KiB of the ledger", |taken| taken.ledger),
        ("KiB of its WAL", |taken| taken.wal),
    ] {
        let (before, after) = (range(of, &all[..all.len() / 2]), range(of, settled));
        println!(
            "{what}: {} to {} in the first half, {} to {} in the second",
            before.0, before.1, after.0, after.1
        );
    }
    let middle = all[all.len() / 2].resident;
    let (_, most) = range(|taken| taken.resident, settled);
    assert!(most < middle + middle / 4 + 4_096, "{middle} KiB at half time, {most} KiB later");
    let (least, most) = range(|taken| taken.descriptors, settled);
    assert!(most <= least + 20, "{least} to {most} descriptors: lanes may come and go, and nothing else");
    let (least, most) = range(|taken| taken.threads, settled);
    // The runtime ends threads that were idle.
    assert!(most <= least + 4, "{least} to {most} threads");
    // It is folded into the ledger from 4 MiB on.
    let (_, most) = range(|taken| taken.wal, settled);
    assert!(most < 8_192, "{most} KiB of WAL");
    let (rows, written) = (of("sent") + of("late"), settled.last().map_or(0, |taken| taken.ledger));
    // It grows by as much as its WAL holds.
    assert!(written < 8_192 + rows / 4, "{written} KiB of the ledger for {rows} sends");
}

/// As the daemon says itself.
fn failures_in_a_row(base: &Path) -> u64 {
    let board = fs::read(base.join("daemon_status.json")).expect("it is there");
    number(&serde_json::from_slice(&board).expect("JSON"), "/failures_in_a_row")
}

#[test]
fn a_daemon_that_waits_takes_next_to_nothing() {
    // Cycles are a quarter of an hour apart, as by default.
    let site = Site::with(&QUICK.replace("execution_interval_seconds = 1\n", ""), &loads(3, 3, 0.0));
    let daemon = site.run("");
    site.wait_for_line("next: ");
    let (before, began) = (used(daemon.pid()), Instant::now());
    // Time has to pass: that is what is measured.
    std::thread::sleep(Duration::from_secs(if is_long() { 60 } else { 5 }));
    let share = (used(daemon.pid()) - before).as_secs_f64() / began.elapsed().as_secs_f64();
    let taken = taken(daemon.pid(), &site.base());
    println!("{:.2} % of a processor, {taken:?}", share * 100.0);
    assert!(share < 0.01, "{share} of a processor");
    assert!(taken.resident < 50 * 1_024, "{taken:?}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
}

/// Processes of a session; a daemon in the background leads its own.
fn session(leader: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").expect("it is mounted");
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?));
    let leads = |pid: &Pid| {
        // It may end between the two. After the name: the state, the parent, the group, the session.
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        let session = stat.rsplit(") ").next().and_then(|after| after.split(' ').nth(3)?.parse().ok());
        session == Some(leader.as_raw_nonzero().get())
    };
    pids.filter(leads).filter(|pid| !is_gone(*pid)).collect()
}

/// A daemon in the background, which outlives no test that fails.
struct Background(Pid);

impl Drop for Background {
    fn drop(&mut self) {
        if std::thread::panicking() && !is_gone(self.0) {
            let _ = kill_process(self.0, Signal::KILL);
        }
    }
}

#[test]
fn the_stop_command_ends_it_in_time_whatever_it_does_and_the_target_does_not() {
    let stops: u32 = std::env::var("WORLD_STOPS").map_or(6, |stops| stops.parse().expect("a number"));
    // Half a second of load, and a wait until the next second.
    let site = Site::with(QUICK, &loads(400, 8, 0.01));
    let mut dice = ChaCha8Rng::seed_from_u64(stops.into());
    let mut longest = Duration::ZERO;
    for stop in 0..stops {
        site.target.behave(Manner::Well);
        site.world("start").ends_with(0);
        let pid = number(&site.status(), "/pid");
        let pid = Pid::from_raw(i32::try_from(pid).expect("a PID")).expect("a PID");
        let _daemon = Background(pid);
        assert!(session(pid).contains(&pid), "it leads a session");
        let moment = Duration::from_micros(dice.random_range(0..1_500_000));
        std::thread::sleep(moment);
        // Now and then what is in flight is never answered.
        site.target.behave(if stop % 6 == 5 { Manner::Never } else { Manner::Well });
        let asked = Instant::now();
        site.world("stop").ends_with(0);
        let took = asked.elapsed();
        longest = longest.max(took);
        assert!(took < Duration::from_secs(10), "the grace time: {took:?}, {moment:?} after its start");
        assert_eq!(session(pid), [], "no process is left");
        site.world("status").ends_with(3);

        let summary = site.summary();
        let date = summary["date"].as_str().expect("a date");
        let written = site.base().join(format!("daily_summaries/summary_{date}.json"));
        let written: Value =
            serde_json::from_slice(&fs::read(written).expect("it is written")).expect("JSON");
        assert_eq!(written, summary, "the final summary is written, {moment:?} after its start");
        assert_balanced(&summary);
        let rows = site.operations().len();
        assert_eq!(rows as u64, number(&summary, "/total_operations"));
        assert!(rows <= site.target.count(), "nothing is told that was not sent");
    }
    println!("{stops} stops, the longest took {longest:?}");
}

/// The most memory that a rehearsal of so many days takes, KiB.
fn rehearsed(days: u32) -> u64 {
    let site = Site::with("", "");
    let mut command = site.command(&format!("rehearse --from 2026-03-01 --days {days}"));
    let mut rehearsal = command.stdout(Stdio::null()).spawn().expect("it starts");
    let mut most = 0;
    while rehearsal.try_wait().expect("it can be asked").is_none() {
        // It may end between the two.
        let status = fs::read_to_string(format!("/proc/{}/status", rehearsal.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    most
}

#[test]
fn thirty_days_take_no_more_memory_than_three() {
    let (three, thirty) = (rehearsed(3), rehearsed(30));
    println!("{three} KiB for 3 days, {thirty} KiB for 30");
    assert!(three > 0 && thirty < three + 4_096, "{three} KiB for 3 days, {thirty} KiB for 30");
}

#[test]
fn default_days_meet_their_target_also_those_on_which_the_clock_changes() {
    // In short both changes of the clock, with some days around each.
    let spans: &[(&str, usize)] =
        if is_long() { &[("2026-01-01", 400)] } else { &[("2026-03-26", 6), ("2026-10-22", 6)] };
    let mut slots_of_days = BTreeMap::new();
    for (from, days) in spans {
        let site = Site::with("", "");
        fs::write(site.config(), "time_zone = 'Europe/Berlin'\n").expect("written");
        let ended = site.world(&format!("rehearse --from {from} --days {days} --json")).ends_with(0);
        let rehearsed = ended.json();
        let rehearsed = rehearsed.as_array().expect("an array of days");
        assert_eq!(rehearsed.len(), *days);
        for day in rehearsed {
            assert_balanced(day);
            let slots = number(day, "/slots/done");
            *slots_of_days.entry(slots).or_insert(0) += 1;
            // Within a hundredth of its share of four thousand.
            let (requests, aim) = (number(day, "/total_requests") as f64, 4_000.0 * slots as f64 / 96.0);
            assert!((requests / aim - 1.0).abs() <= 0.01, "{requests} of {aim}: {day:#}");
        }
    }
    let ordinary = spans.iter().map(|(_, days)| days).sum::<usize>() - 2;
    assert_eq!(slots_of_days, BTreeMap::from([(92, 1), (96, ordinary), (100, 1)]));
}
