//! Hostile peers at the bus of a real run: each is told why it has to go, or is dropped, and is counted; the
//! director's memory stays bounded; and the run ends as if nobody had come.
//!
//! The SRE of each run is a thread of the test that thinks what `world agent sre` thinks. It takes its
//! time over each round while peers do what they do, so that they do it while rounds are played, and
//! is fast when they are done.

mod support;

use bus::address::{socket_in, token_in};
use bus::client::{Client, ClientError};
use bus::frame;
use bus::token::Token;
use bus::wire::{Brief, FromAgent, Greeting, Hello, PROTOCOL, Refusal, Role, ToServer, ToSre};
use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use support::running::{PATIENCE, Run, make_private, wait_until};
use support::{skipped, world};
use worlds::id::{ActionId, ServerId};
use worlds::message::{
    ActionOutcome, ActionRequest, ActionResult, Decision, Refusal as OfAction, Report, RequestId,
    ServiceReport,
};
use worlds::sre::Mind;

/// Rounds of a run: so many that none is over before its peers are done.
const ROUNDS: &str = "1000";

/// What the SRE takes over a round while there are hostile peers.
const ROUND_TIME: Duration = Duration::from_millis(100);

/// What the director may come to take while it is attacked, in KiB beyond what it has taken: 64 strangers
/// with a kilobyte and a task each, connections that were hung up on and are not closed yet, and what an
/// allocator keeps.
const MEMORY_KIB_MAX: u64 = 8 * 1024;

// ---- a run under attack -----------------------------------------------------------------------

/// A run, and those of its agents that are in the hands of the test.
struct Attacked {
    run: Run,
    directory: PathBuf,
    out: PathBuf,
    sre: Option<JoinHandle<Vec<ActionResult>>>,
    /// Told of each round in which the SRE is asked.
    plays: (Sender<()>, Receiver<()>),
    /// Dropped when the SRE need not take its time any more.
    ongoing: Option<Sender<()>>,
    /// The most that the director had taken before anybody attacked it, if that is known.
    memory_kib: Option<u64>,
    _kept: tempfile::TempDir,
}

/// What became of it.
struct Aftermath {
    code: Option<i32>,
    result: Value,
    /// What the side file says under `bus`.
    bus: Value,
    /// What the SRE was told of its own actions.
    results: Vec<ActionResult>,
}

impl Attacked {
    /// A run that plays, with an SRE that keeps the rules.
    fn start() -> Self {
        let mut attacked = Self::open("oncall").with_sre(Mind::decide);
        attacked.rounds_go_by(1);
        attacked.memory_kib = Some(attacked.peak_memory_kib());
        attacked
    }

    /// A run that waits for these agents.
    fn open(manual: &str) -> Self {
        let kept = tempfile::tempdir().expect("a directory");
        let out = kept.path().join("run");
        let run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
            command.args(["--seed", "42", "-q", "-n", ROUNDS, "--out"]).arg(&out);
            command.arg(format!("--manual={manual}"));
        });
        let directory = run.directory();
        let (plays, ongoing, memory_kib) = (channel(), None, None);
        Self { run, directory, out, sre: None, plays, ongoing, memory_kib, _kept: kept }
    }

    fn with_sre(mut self, decide: Deciding) -> Self {
        let (ongoing, is_ongoing) = channel();
        let (directory, playing) = (self.directory.clone(), self.plays.0.clone());
        self.sre = Some(std::thread::spawn(move || think(&directory, decide, &playing, &is_ongoing)));
        self.ongoing = Some(ongoing);
        self
    }

    fn rounds_go_by(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.plays.1.recv_timeout(PATIENCE).expect("rounds are played");
        }
    }

    /// The most that the director ever took.
    fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.run.child.id()));
        let status = status.expect("the director runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        peak.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn peer(&self) -> UnixStream {
        connect(&self.directory)
    }

    fn token(&self) -> Token {
        token_in(&self.directory).expect("the token")
    }

    /// Somebody who says this, and what it is told until it is hung up on.
    fn told(&self, bytes: &[u8]) -> Option<Refusal> {
        let mut peer = self.peer();
        // It may be hung up on before it has said all.
        let _ = peer.write_all(bytes);
        told(peer)
    }

    fn told_for(&self, hello: &Hello) -> Option<Refusal> {
        self.told(&framed(hello))
    }

    /// A server that is awaited, in a hostile hand.
    fn server(&self, name: &str) -> Client {
        join(&self.directory, &hello(Role::Server, name, self.token())).0
    }

    /// Lets the run come to its end.
    fn end(mut self) -> Aftermath {
        if let Some(before) = self.memory_kib {
            let grown = self.peak_memory_kib() - before;
            assert!(grown < MEMORY_KIB_MAX, "the director took {grown} KiB more");
        }
        drop(self.ongoing.take());
        let code = self.run.wait().code();
        let sre = self.sre.take().map(|sre| sre.join().expect("an SRE that does not panic"));
        let results = sre.unwrap_or_default();
        self.run.assert_nothing_left();
        let document = |name: &str| -> Value {
            let text = std::fs::read_to_string(self.out.join(name)).expect("a recording");
            serde_json::from_str(&text).expect("a document")
        };
        Aftermath {
            code,
            result: document("result.json"),
            bus: document("runtime.json")["bus"].clone(),
            results,
        }
    }
}

impl Aftermath {
    /// The run is the one that it would have been without anybody else.
    fn undisturbed(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.result);
        assert_eq!(self.result["lost_agents"].as_array().map(Vec::len), Some(0));
        assert_eq!(self.result["journal_hash"], hash_without_processes());
        assert_eq!(self.count("joined"), 7);
        self
    }

    /// The run has lost this agent and played on, and says so.
    fn has_lost(self, agent: &str) -> Self {
        assert_eq!(self.code, Some(3), "{}", self.result);
        assert_eq!(self.result["lost_agents"], serde_json::json!([agent]));
        assert_eq!(self.result["rounds"].to_string(), ROUNDS);
        self
    }

    fn count(&self, counter: &str) -> u64 {
        self.bus[counter].as_u64().unwrap_or_else(|| panic!("no {counter} in {}", self.bus))
    }

    /// These peers were turned away or dropped, and no others.
    fn counted(&self, expected: &[(&str, u64)]) {
        let aside = ["joined", "frames_sent", "frames_received", "respawned"];
        let counters = self.bus.as_object().expect("counters").keys();
        let found: Vec<(&str, u64)> = counters
            .filter(|counter| !aside.contains(&counter.as_str()))
            .map(|counter| (counter.as_str(), self.count(counter)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let mut sorted = found;
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
    }
}

/// The hash of the same run without processes.
fn hash_without_processes() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let inline = world(&format!("run --seed 42 -q -n {ROUNDS} --inline --json")).ends_with(0).json();
        inline["journal_hash"].as_str().expect("a hash").to_owned()
    })
}

/// How an SRE decides.
type Deciding = fn(&mut Mind, &worlds::message::Observation, &[ActionResult], &mut Decision);

/// The SRE; gives what it was told of its own actions.
fn think(
    directory: &Path,
    decide: Deciding,
    playing: &Sender<()>,
    ongoing: &Receiver<()>,
) -> Vec<ActionResult> {
    let hello = hello(Role::Sre, "oncall", token_in(directory).expect("the token"));
    let (mut client, brief) = join(directory, &hello);
    let Brief::Sre(brief) = brief else { panic!("another's brief") };
    let (mut mind, mut results, mut all_results) = (Mind::new(&brief), Vec::new(), Vec::new());
    loop {
        match client.receive().expect("a bus that does not break") {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(seen) => {
                // A test that does not wait for it has its own way to know.
                let _ = playing.send(());
                let _ = ongoing.recv_timeout(ROUND_TIME);
                let mut decision = Decision::default();
                decide(&mut mind, &seen, &results, &mut decision);
                all_results.append(&mut results);
                client.send(&FromAgent::decision(&decision)).expect("sent");
            }
            ToSre::Bye => return all_results,
            ToSre::Refused(why) => panic!("{why}"),
        }
    }
}

fn hello(role: Role, name: &str, token: Token) -> Hello {
    Hello { protocol: PROTOCOL, role, name: name.to_owned(), skill: None, token }
}

fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("a message");
    bytes
}

/// An agent that is welcome, as soon as the bus is open.
fn join(directory: &Path, hello: &Hello) -> (Client, Brief) {
    wait_until("the bus is open", || match Client::connect(&socket_in(directory), hello) {
        Err(ClientError::Connect { .. }) => None,
        joined => Some(joined.expect("welcome")),
    })
}

fn connect(directory: &Path) -> UnixStream {
    let stream = wait_until("the bus is open", || UnixStream::connect(socket_in(directory)).ok());
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// What a peer is told until it is hung up on.
fn told(mut peer: UnixStream) -> Option<Refusal> {
    let mut said = Vec::new();
    match peer.read_to_end(&mut said) {
        // What it had to say was not read: that is a hang-up as well.
        Ok(_) | Err(_) if !said.is_empty() => {}
        Ok(_) => return None,
        Err(error) => panic!("nobody hung up: {error}"),
    }
    match frame::decode(&said[4..]).expect("one whole frame") {
        Greeting::Refused(why) => Some(why),
        Greeting::Welcome(_) => panic!("welcome"),
    }
}

/// What an agent is told when it is dropped.
fn told_as_server(client: &mut Client) -> Option<Refusal> {
    loop {
        match client.receive() {
            Ok(ToServer::Refused(why)) => return Some(why),
            Ok(_) => {}
            Err(ClientError::Ended) => return None,
            Err(error) => panic!("{error}"),
        }
    }
}

// ---- strangers --------------------------------------------------------------------------------

#[test]
fn a_silent_peer_is_told_so_when_the_greeting_time_is_over() {
    let attacked = Attacked::start();
    assert_eq!(attacked.told(&[]), Some(Refusal::Silent));
    attacked.end().undisturbed().counted(&[("silent", 1)]);
}

#[test]
fn half_a_frame_is_no_greeting() {
    let attacked = Attacked::start();
    let greeting = framed(&hello(Role::Server, "web-1", attacked.token()));
    assert_eq!(attacked.told(&greeting[..greeting.len() / 2]), Some(Refusal::Silent));
    attacked.end().undisturbed().counted(&[("silent", 1)]);
}

#[test]
fn a_length_of_four_gibibytes_is_refused_at_once() {
    let attacked = Attacked::start();
    for _ in 0..100 {
        assert_eq!(attacked.told(&[0xff; 4]), Some(Refusal::TooLong));
    }
    attacked.end().undisturbed().counted(&[("too_long", 100)]);
}

#[test]
fn garbage_is_refused() {
    let attacked = Attacked::start();
    assert_eq!(attacked.told(b"GET / HTTP/1.1\r\n\r\n"), Some(Refusal::TooLong));
    assert_eq!(attacked.told(&[0, 0, 0, 0]), Some(Refusal::Malformed));
    assert_eq!(attacked.told(&[0, 0, 0, 6, 1, 9, 9, 9, 9, 9]), Some(Refusal::Malformed));
    attacked.end().undisturbed().counted(&[("malformed", 2), ("too_long", 1)]);
}

#[test]
fn another_version_is_refused() {
    let attacked = Attacked::start();
    let good = hello(Role::Server, "web-1", attacked.token());
    let mut other_frame = framed(&good);
    other_frame[4] += 1;
    let ours = Some(Refusal::Protocol { ours: PROTOCOL });
    assert_eq!(attacked.told(&other_frame), ours);
    assert_eq!(attacked.told_for(&Hello { protocol: PROTOCOL + 1, ..good }), ours);
    attacked.end().undisturbed().counted(&[("other_protocol", 2)]);
}

#[test]
fn a_wrong_token_is_refused() {
    let attacked = Attacked::start();
    for name in ["web-1", "nobody"] {
        let stranger = hello(Role::Server, name, Token::random().expect("randomness"));
        assert_eq!(attacked.told_for(&stranger), Some(Refusal::Token));
    }
    attacked.end().undisturbed().counted(&[("wrong_token", 2)]);
}

#[test]
fn another_user_is_refused() {
    if !geteuid().is_root() {
        return skipped("needs root", "another user at the bus of a run is refused and counted");
    }
    let attacked = Attacked::start();
    let greeting = framed(&hello(Role::Server, "web-1", attacked.token()));
    let closed: Vec<&Path> = attacked.directory.ancestors().take(3).collect();
    for path in &closed {
        std::fs::set_permissions(path, Permissions::from_mode(0o711)).expect("its mode");
    }
    let socket = socket_in(&attacked.directory);
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("its mode");
    let directory = attacked.directory.clone();
    let stranger = std::thread::spawn(move || {
        let nobody = Uid::from_raw(65_534);
        // Of this thread alone.
        set_thread_res_uid(nobody, nobody, nobody).expect("root may become anybody");
        let mut peer = connect(&directory);
        // It may be refused before it has said anything.
        let _ = peer.write_all(&greeting);
        told(peer)
    });
    assert_eq!(stranger.join().expect("a stranger"), Some(Refusal::ForeignUser));
    closed.iter().for_each(|path| make_private(path));
    attacked.end().undisturbed().counted(&[("foreign_user", 1)]);
}

#[test]
fn a_taken_name_stays_with_who_has_it() {
    let attacked = Attacked::start();
    let taken = hello(Role::Sre, "oncall", attacked.token());
    assert_eq!(attacked.told_for(&taken), Some(Refusal::NameTaken { name: "oncall".to_owned() }));
    let started = hello(Role::Server, "web-1", attacked.token());
    assert_eq!(attacked.told_for(&started), Some(Refusal::NotByHand { name: "web-1".to_owned() }));
    attacked.end().undisturbed().counted(&[("no_seat", 2)]);
}

#[test]
fn a_flood_before_a_greeting_is_cut_off_at_its_first_frame() {
    let attacked = Attacked::start();
    let peers: Vec<JoinHandle<()>> = (0..8_u8)
        .map(|number| {
            let directory = attacked.directory.clone();
            std::thread::spawn(move || {
                for _ in 0..25 {
                    let mut peer = connect(&directory);
                    let sent = (0..4_096).take_while(|_| peer.write_all(&[number; 4096]).is_ok()).count();
                    assert!(sent < 4_096, "16 MiB were taken");
                }
            })
        })
        .collect();
    peers.into_iter().for_each(|peer| peer.join().expect("it is hung up on"));
    // A frame without content, or one that is too long.
    attacked.end().undisturbed().counted(&[("malformed", 25), ("too_long", 175)]);
}

#[test]
fn ten_thousand_connects_and_hang_ups_are_counted_and_forgotten() {
    let attacked = Attacked::start();
    for _ in 0..10_000 {
        drop(attacked.peer());
    }
    // The queue is first in, first out: whoever is answered was the last.
    assert_eq!(attacked.told(&[0xff; 4]), Some(Refusal::TooLong));
    attacked.end().undisturbed().counted(&[("hung_up", 10_000), ("too_long", 1)]);
}

#[test]
fn a_crowd_that_is_silent_and_comes_again_for_ever_keeps_no_agent_out() {
    let attacked = Attacked::open("oncall");
    let over = Arc::new(AtomicBool::new(false));
    let crowd: Vec<JoinHandle<()>> = (0..3)
        .map(|_| {
            let (over, directory) = (over.clone(), attacked.directory.clone());
            std::thread::spawn(move || {
                let mut silent = VecDeque::new();
                while !over.load(Ordering::Relaxed) {
                    silent.push_back(connect(&directory));
                    if silent.len() > 80 {
                        // The oldest comes again as soon as it is sent away.
                        assert_eq!(silent.pop_front().and_then(told), Some(Refusal::Crowded));
                    }
                }
            })
        })
        .collect();
    // The agents of the run are on their way while the crowd is; its SRE comes last of all.
    let mut attacked = attacked.with_sre(Mind::decide);
    attacked.rounds_go_by(20);
    over.store(true, Ordering::Relaxed);
    crowd.into_iter().for_each(|peer| peer.join().expect("a crowd"));
    let aftermath = attacked.end().undisturbed();
    assert!(aftermath.count("crowded") > 100, "{}", aftermath.bus);
    assert_eq!(aftermath.count("respawned"), 0);
}

// ---- agents in hostile hands ------------------------------------------------------------------

#[test]
fn a_server_that_commands_is_dropped() {
    let attacked = Attacked::open("web-1,oncall").with_sre(Mind::decide);
    let mut server = attacked.server("web-1");
    let _: ToServer = server.receive().expect("a tick");
    server.send(&FromAgent::decision(&Decision { round: 1, ..Decision::default() })).expect("sent");
    let why = told_as_server(&mut server);
    assert_eq!(why, Some(Refusal::OutOfRole { role: Role::Server }));
    attacked.end().has_lost("server-web-1").counted(&[("out_of_role", 1)]);
}

#[test]
fn an_sre_that_reports_metrics_is_dropped() {
    let attacked = Attacked::open("oncall");
    let hello = hello(Role::Sre, "oncall", attacked.token());
    let (mut sre, _) = join(&attacked.directory, &hello);
    let _: ToSre = sre.receive().expect("an observation");
    sre.send(&FromAgent::report(&Report { round: 1, ..Report::default() })).expect("sent");
    let why: ToSre = sre.receive().expect("the reason");
    assert_eq!(why, ToSre::Refused(Refusal::OutOfRole { role: Role::Sre }));
    attacked.end().has_lost("sre-oncall").counted(&[("out_of_role", 1)]);
}

#[test]
fn an_action_for_an_unknown_target_is_refused_and_the_sre_told() {
    let ask_for_the_unknown: Deciding = |_, seen, _, decision| {
        decision.begin(seen.round);
        let (request, action) = (RequestId(seen.round), ActionId(0));
        decision.actions.push(ActionRequest { request, action, target: ServerId(999), late: false });
        decision.actions.push(ActionRequest {
            request,
            action: ActionId(999),
            target: ServerId(0),
            late: false,
        });
    };
    let aftermath = Attacked::open("oncall").with_sre(ask_for_the_unknown).end();
    assert_eq!(aftermath.code, Some(0), "{}", aftermath.result);
    assert_eq!(aftermath.result["lost_agents"].as_array().map(Vec::len), Some(0));
    assert!(aftermath.results.len() > 1_000, "{} results", aftermath.results.len());
    let unknown = ActionOutcome::Refused(OfAction::Unknown);
    assert!(aftermath.results.iter().all(|result| result.outcome == unknown));
    assert_eq!(aftermath.result["actions"]["refused"].to_string(), "2000");
    aftermath.counted(&[]);
}

#[test]
fn an_agent_that_floods_is_dropped() {
    let attacked = Attacked::open("web-1,oncall").with_sre(Mind::decide);
    let mut server = attacked.server("web-1");
    let ToServer::Tick(tick) = server.receive().expect("a tick") else { panic!("no tick") };
    let services = tick.arrivals.iter().map(|_| ServiceReport { up: true, ..ServiceReport::default() });
    let report = Report { round: tick.round, services: services.collect(), ..Report::default() };
    // The first is its answer. It goes on until it is hung up on: not even the socket takes so much.
    let sent = (0..100_000).take_while(|_| server.send(&FromAgent::report(&report)).is_ok()).count();
    assert!(sent < 100_000, "all was taken");
    assert_eq!(told_as_server(&mut server), Some(Refusal::OutOfTurn));
    attacked.end().has_lost("server-web-1").counted(&[("out_of_turn", 1)]);
}

#[test]
fn an_agent_that_never_reads_is_late() {
    let attacked = Attacked::open("web-1,oncall").with_sre(Mind::decide);
    let mut deaf = attacked.peer();
    deaf.write_all(&framed(&hello(Role::Server, "web-1", attacked.token()))).expect("sent");
    let aftermath = attacked.end().has_lost("server-web-1");
    aftermath.counted(&[("late", 1)]);
    drop(deaf);
}
