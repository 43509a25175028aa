//! `world daemon` under load, through the real binary, against a target in a process of its own that can be
//! stopped and that writes down when it answered what: the witness against whom the daemon's own percentiles are
//! held. Short by default; `WORLD_LONG=1` stops for as long as docs/reliability.md says, and
//! `WORLD_FLAT_SECONDS` says for how long memory, descriptors and threads are watched (10; an hour there).

mod support;

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
use support::running::wait_until;

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
}

fn taken(pid: Pid) -> Taken {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    let status = fs::read_to_string(format!("{process}/status")).expect("it lives");
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the system tells");
        line.split_whitespace().next().and_then(|value| value.parse().ok()).expect("a number")
    };
    let descriptors = fs::read_dir(format!("{process}/fd")).expect("it lives").count() as u64;
    Taken { resident: field("VmRSS:"), descriptors, threads: field("Threads:") }
}

#[test]
fn a_thousand_a_second_take_no_more_as_time_goes_on() {
    let seconds: u64 =
        std::env::var("WORLD_FLAT_SECONDS").map_or(10, |seconds| seconds.parse().expect("a number"));
    let target = TargetProcess::start(0);
    let site = Site::with("", "");
    let settings = QUICK.replace("execution_interval_seconds = 1\n", "execution_interval_seconds = 2\n");
    // Twenty lanes, each eighteen milliseconds apart: two thousand in the first 1.8 s of each slot of 2 s.
    site.configure_for(&target.url(), &settings, &loads(2_000, 20, 0.018));
    let daemon = site.run("");
    wait_until("a second cycle", || site.said().contains("Cycle 2").then_some(()));
    let began = Instant::now();
    let mut all = Vec::new();
    let pause = Duration::from_secs(1).min(Duration::from_secs(seconds) / 10);
    while began.elapsed() < Duration::from_secs(seconds) {
        all.push(taken(daemon.pid()));
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
