//! Claims about the hub: agents that keep the rules are served, whatever the others do.
//!
//! Real sockets in a directory of their own. Agents are threads with the blocking client; hostile
//! peers write their bytes themselves.

mod common;

use bus::address::RunDirectory;
use bus::client::{Client, ClientError};
use bus::frame;
use bus::hub::{Admits, Arrival, Counters, Dropped, Hub, HubLimits, SeatId, SeatPlan};
use bus::token::Token;
use bus::wire::*;
use common::*;
use rustix::process::Uid;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use worlds::definition::SkillName;
use worlds::message::Served;

/// Longer than anything takes that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bus in a directory of its own.
struct Bench {
    hub: Hub,
    arrivals: UnboundedReceiver<Arrival>,
    socket: PathBuf,
    /// Dropped in this order, so that the run's directory goes first.
    _run: RunDirectory,
    _base: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(HubLimits::default())
    }

    fn with(limits: HubLimits) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let run = RunDirectory::create(Some(&base.path().join("run"))).expect("an address");
        let (sender, arrivals) = unbounded_channel();
        let on_arrival = Box::new(move |arrival| drop(sender.send(arrival)));
        let hub = Hub::open(&run, token(), limits, on_arrival).expect("a bus");
        Self { hub, arrivals, socket: run.socket(), _run: run, _base: base }
    }

    fn server(&mut self, name: &str) -> SeatId {
        self.seat(name, None, Brief::Server(Box::new(server_brief(name))), Admits::Anyone)
    }

    fn sre(&mut self, name: &str, skill: Option<SkillName>) -> SeatId {
        self.seat(name, skill, Brief::Sre(Box::new(sre_brief(name))), Admits::Anyone)
    }

    fn seat(&mut self, name: &str, skill: Option<SkillName>, brief: Brief, admits: Admits) -> SeatId {
        self.hub.add_seat(SeatPlan { name: name.to_owned(), skill, brief, admits }).expect("a free name")
    }

    async fn arrives(&mut self) -> SeatId {
        let arrival = tokio::time::timeout(PATIENCE, self.arrivals.recv()).await.expect("in time");
        let arrival = arrival.expect("an arrival");
        assert_eq!(arrival.pid, std::process::id());
        let seat = arrival.seat;
        self.hub.admit(arrival);
        seat
    }

    /// An agent on a thread: greets, then does as it is told.
    fn agent<T: Send + 'static>(
        &self,
        hello: Hello,
        then: impl FnOnce(Client, Brief) -> T + Send + 'static,
    ) -> JoinHandle<Result<T, ClientError>> {
        let socket = self.socket.clone();
        std::thread::spawn(move || {
            Client::connect(&socket, &hello).map(|(client, brief)| then(client, brief))
        })
    }

    /// What a greeting is refused for.
    async fn refused(&self, hello: Hello) -> Refusal {
        let agent = self.agent(hello, |_, _| ());
        match join(agent).await {
            Err(ClientError::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Somebody who connects and sends bytes.
    fn peer(&self, bytes: &[u8]) -> UnixStream {
        let mut stream = UnixStream::connect(&self.socket).expect("a listener");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(bytes).expect("written");
        stream
    }

    async fn counted(&self, reached: impl Fn(&Counters) -> bool) -> Counters {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !reached(&self.hub.counters()) {
            assert!(std::time::Instant::now() < deadline, "{:?}", self.hub.counters());
            tokio::task::yield_now().await;
        }
        self.hub.counters()
    }

    async fn tick(&mut self, seats: &[SeatId], limit: Duration) -> Vec<Result<u32, Dropped>> {
        let tick = tick(1);
        let reports = self.hub.ask_servers(seats.iter().map(|seat| (*seat, &tick)), limit).await;
        reports.into_iter().map(|report| report.map(|report| report.round)).collect()
    }
}

async fn join<T: Send + 'static>(agent: JoinHandle<T>) -> T {
    tokio::task::spawn_blocking(|| agent.join().expect("an agent that does not panic")).await.expect("joined")
}

/// A server that reports the rounds it is told until the bus says farewell. Gives their number.
fn serve(mut client: Client, _brief: Brief) -> Result<u32, ClientError> {
    let mut rounds = 0;
    loop {
        match client.receive()? {
            ToServer::Tick(tick) => {
                rounds += 1;
                client.send(&FromAgent::report(&report(tick.round)))?;
            }
            ToServer::Serve(request) => client.send(&FromAgent::served(report(1).serve(&request)))?,
            ToServer::Bye => return Ok(rounds),
            ToServer::Refused(why) => return Err(ClientError::Refused(why)),
        }
    }
}

fn think(mut client: Client, _brief: Brief) -> Result<u32, ClientError> {
    let mut rounds = 0;
    loop {
        match client.receive()? {
            ToSre::Results(_) => {}
            ToSre::Observe(seen) => {
                rounds += 1;
                client.send(&FromAgent::decision(&decision(seen.round)))?;
            }
            ToSre::Bye => return Ok(rounds),
            ToSre::Refused(why) => return Err(ClientError::Refused(why)),
        }
    }
}

fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("a message");
    bytes
}

/// What the hub says to a peer until it hangs up: its last message, if any.
async fn last_words(mut peer: UnixStream) -> Option<Greeting> {
    let said = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        // A reset after the last word is a hang-up as well.
        let _ = peer.read_to_end(&mut bytes);
        bytes
    });
    let bytes = said.await.expect("read");
    (!bytes.is_empty()).then(|| frame::decode(&bytes[4..]).expect("a greeting"))
}

fn refusal(words: Option<Greeting>) -> Option<Refusal> {
    match words {
        Some(Greeting::Refused(why)) => Some(why),
        _ => None,
    }
}

// ---- agents that keep the rules ---------------------------------------------------------------

#[tokio::test]
async fn agents_that_come_in_any_order_are_asked_in_the_order_of_the_seats() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut bench = Bench::new();
        let names = ["web-1", "web-2", "db-primary"];
        let seats = names.map(|name| bench.server(name));
        let oncall = bench.sre("oncall", Some(SkillName::Mid));
        let sre = bench.agent(hello(Role::Sre, "oncall"), think);
        assert_eq!(bench.arrives().await, oncall);
        let mut agents = Vec::new();
        for index in order {
            agents.push(bench.agent(hello(Role::Server, names[index]), serve));
            assert_eq!(bench.arrives().await, seats[index]);
        }
        for _round in 0..3 {
            assert_eq!(bench.tick(&seats, PATIENCE).await, [Ok(1), Ok(1), Ok(1)]);
            let asked = bench.hub.show_sres(&observation(1), [(oncall, &results()[..])]);
            let decisions = bench.hub.decisions(asked, None).await;
            assert_eq!(decisions, [Ok(decision(1))]);
        }
        let counters = bench.hub.farewell();
        for agent in agents {
            assert_eq!(join(agent).await.expect("welcome").expect("farewell"), 3);
        }
        assert_eq!(join(sre).await.expect("welcome").expect("farewell"), 3);
        let calm = Counters { joined: 4, frames_sent: 12, frames_received: 12, ..Counters::default() };
        assert_eq!(counters, calm);
    }
}

#[tokio::test]
async fn an_agent_is_handed_its_own_brief() {
    let mut bench = Bench::new();
    bench.server("web-1");
    bench.server("web-2");
    let agent = bench.agent(hello(Role::Server, "web-2"), |_, brief| brief);
    bench.arrives().await;
    let brief = join(agent).await.expect("welcome");
    assert_eq!(brief, Brief::Server(Box::new(server_brief("web-2"))));
}

#[tokio::test]
async fn a_brief_that_is_larger_than_the_sockets_buffer_arrives_whole() {
    let mut bench = Bench::new();
    let mut large = server_brief("web-1");
    let machine = Arc::make_mut(&mut large.machine);
    machine.services = vec![machine.services[0].clone(); 30_000];
    let seat = bench.seat("web-1", None, Brief::Server(Box::new(large.clone())), Admits::Anyone);
    let agent =
        bench.agent(hello(Role::Server, "web-1"), |client, brief| (serve(client, brief.clone()), brief));
    bench.arrives().await;
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    bench.hub.farewell();
    let (served, brief) = join(agent).await.expect("welcome");
    assert_eq!(served.expect("farewell"), 1);
    assert!(brief == Brief::Server(Box::new(large)));
}

#[tokio::test]
async fn a_large_brief_arrives_before_anything_is_asked() {
    let mut bench = Bench::new();
    let mut large = server_brief("web-1");
    let machine = Arc::make_mut(&mut large.machine);
    machine.services = vec![machine.services[0].clone(); 30_000];
    bench.seat("web-1", None, Brief::Server(Box::new(large.clone())), Admits::Anyone);
    let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    let early = tokio::time::timeout(Duration::from_millis(50), bench.arrivals.recv()).await;
    assert!(early.is_err(), "who has not taken its brief has not arrived");
    let whole = framed(&Greeting::Welcome(Brief::Server(Box::new(large)))).len();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; whole];
        peer.read_exact(&mut bytes).map(|()| peer)
    });
    bench.arrives().await;
    let _peer = read.await.expect("a thread").expect("the whole brief");
}

#[tokio::test]
async fn a_peer_that_never_reads_its_brief_is_given_up_after_greeting_time() {
    let mut bench =
        Bench::with(HubLimits { greeting_time: Duration::from_millis(50), ..HubLimits::default() });
    let mut large = server_brief("web-1");
    let machine = Arc::make_mut(&mut large.machine);
    machine.services = vec![machine.services[0].clone(); 30_000];
    bench.seat("web-1", None, Brief::Server(Box::new(large)), Admits::Anyone);
    let _deaf = bench.peer(&framed(&hello(Role::Server, "web-1")));
    bench.counted(|counters| counters.silent == 1).await;
    // Its seat is open to others.
    let agent = bench.agent(hello(Role::Server, "web-1"), |_, _| ());
    bench.arrives().await;
    join(agent).await.expect("welcome");
}

#[tokio::test]
async fn an_agent_that_is_expelled_sees_the_end_while_somebody_watches_it() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    let arrival = bench.arrivals.recv().await.expect("an arrival");
    let hang_up = arrival.hang_up().expect("a socket");
    bench.hub.admit(arrival);
    bench.hub.expel(seat, Refusal::Late);
    let read = tokio::task::spawn_blocking(move || peer.read_to_end(&mut Vec::new()).map(|_| peer));
    let _peer = read.await.expect("a thread").expect("the end of the bus");
    tokio::time::timeout(PATIENCE, hang_up).await.expect("the watch ends, too");
}

#[tokio::test]
async fn while_an_agent_takes_its_time_others_on_the_thread_are_heard() {
    let mut bench = Bench::new();
    let seats = [bench.server("slow"), bench.server("good")];
    let mut slow = bench.peer(&framed(&hello(Role::Server, "slow")));
    bench.arrives().await;
    let good = bench.agent(hello(Role::Server, "good"), serve);
    bench.arrives().await;
    // The other half of the answer waits for a task that runs on the thread of the hub.
    let answer = framed(&FromAgent::report(&report(1)));
    let (first, second) = answer.split_at(answer.len() / 2);
    slow.write_all(first).expect("sent");
    let second = second.to_owned();
    tokio::spawn(async move { slow.write_all(&second).map(|()| slow) });
    assert_eq!(bench.tick(&seats, PATIENCE).await, [Ok(1), Ok(1)]);
    bench.hub.farewell();
    assert_eq!(join(good).await.expect("welcome").expect("farewell"), 1);
}

#[tokio::test]
async fn an_agent_notices_that_the_bus_is_gone() {
    let mut bench = Bench::new();
    bench.server("web-1");
    let agent = bench.agent(hello(Role::Server, "web-1"), serve);
    bench.arrives().await;
    drop(bench);
    assert!(matches!(join(agent).await.expect("welcome"), Err(ClientError::Ended)));
}

#[tokio::test]
async fn a_lost_agents_successor_is_handed_a_fresh_brief() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let agent = bench.agent(hello(Role::Server, "web-1"), |_, _| ());
    bench.arrives().await;
    join(agent).await.expect("welcome");
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Err(Dropped::Gone)]);
    assert_eq!(bench.hub.counters().gone, 1);
    let name = "web-1".to_owned();
    assert_eq!(bench.refused(hello(Role::Server, "web-1")).await, Refusal::NotAwaited { name });

    let mut fresh = server_brief("web-1");
    Arc::make_mut(&mut fresh.machine).cpu_capacity = 50.0;
    let own = Token::random().expect("randomness");
    let brief = Brief::Server(Box::new(fresh));
    bench.hub.reopen_seat(seat, brief.clone(), Admits::Holder(own.clone())).expect("a brief");
    let successor = Hello { token: own, ..hello(Role::Server, "web-1") };
    let agent = bench.agent(successor, |client, brief| (serve(client, brief.clone()), brief));
    bench.arrives().await;
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    bench.hub.farewell();
    assert_eq!(join(agent).await.expect("welcome").1, brief);
}

#[tokio::test]
async fn a_hang_up_is_told_at_once_and_answers_are_not() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let agent = bench.agent(hello(Role::Server, "web-1"), move |mut client, _| {
        let ToServer::Tick(tick) = client.receive().expect("a tick") else { panic!("no tick") };
        client.send(&FromAgent::report(&report(tick.round))).expect("sent");
        // It stays until the test lets it go.
        let _ = left.recv();
    });
    let arrival = bench.arrivals.recv().await.expect("an arrival");
    let mut hang_up = std::pin::pin!(arrival.hang_up().expect("a socket"));
    bench.hub.admit(arrival);
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    let early = tokio::time::timeout(Duration::from_millis(50), &mut hang_up).await;
    assert!(early.is_err(), "an answer is no hang-up");
    drop(leave);
    tokio::time::timeout(PATIENCE, hang_up).await.expect("it hung up");
    join(agent).await.expect("welcome");
}

// ---- greetings that are refused ---------------------------------------------------------------

#[tokio::test]
async fn a_wrong_token_opens_no_seat_whether_or_not_the_name_exists() {
    let mut bench = Bench::new();
    bench.server("web-1");
    for name in ["web-1", "web-9"] {
        let stranger = Hello { token: Token::random().expect("randomness"), ..hello(Role::Server, name) };
        assert_eq!(bench.refused(stranger).await, Refusal::Token);
    }
    assert_eq!(bench.hub.counters().wrong_token, 2);
}

#[tokio::test]
async fn a_taken_name_is_refused_and_its_holder_stays() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let agent = bench.agent(hello(Role::Server, "web-1"), serve);
    bench.arrives().await;
    let name = "web-1".to_owned();
    assert_eq!(bench.refused(hello(Role::Server, "web-1")).await, Refusal::NameTaken { name });
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    bench.hub.farewell();
    assert_eq!(join(agent).await.expect("welcome").expect("farewell"), 1);
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_nearest_of_its_role() {
    let mut bench = Bench::new();
    bench.server("web-1");
    bench.sre("oncall", None);
    let unknown = |role, name: &str, nearest: Option<&str>| Refusal::UnknownName {
        role,
        name: name.to_owned(),
        nearest: nearest.map(str::to_owned),
    };
    let refused = bench.refused(hello(Role::Server, "wbe-1")).await;
    assert_eq!(refused, unknown(Role::Server, "wbe-1", Some("web-1")));
    let refused = bench.refused(hello(Role::Sre, "web-1")).await;
    assert_eq!(refused, unknown(Role::Sre, "web-1", None));
    let refused = bench.refused(hello(Role::Server, &"w".repeat(300))).await;
    assert_eq!(refused, Refusal::Malformed);
}

#[tokio::test]
async fn a_seat_for_a_process_of_the_director_is_not_for_any_hand() {
    let mut bench = Bench::new();
    let own = Token::random().expect("randomness");
    let brief = Brief::Server(Box::new(server_brief("web-1")));
    bench.seat("web-1", None, brief, Admits::Holder(own.clone()));
    let name = "web-1".to_owned();
    assert_eq!(bench.refused(hello(Role::Server, "web-1")).await, Refusal::NotByHand { name });
    let child = Hello { token: own, ..hello(Role::Server, "web-1") };
    let agent = bench.agent(child, |_, _| ());
    bench.arrives().await;
    // Whoever tries by hand is told how it could be left to hands, not that somebody was first.
    let name = "web-1".to_owned();
    assert_eq!(bench.refused(hello(Role::Server, "web-1")).await, Refusal::NotByHand { name });
    join(agent).await.expect("welcome");
}

#[tokio::test]
async fn a_skill_that_is_not_the_plans_is_refused() {
    let mut bench = Bench::new();
    bench.sre("oncall", Some(SkillName::Senior));
    let junior = Hello { skill: Some(SkillName::Junior), ..hello(Role::Sre, "oncall") };
    let refused = bench.refused(junior).await;
    assert_eq!(refused, Refusal::Skill { planned: Some(SkillName::Senior) });
    let senior = Hello { skill: Some(SkillName::Senior), ..hello(Role::Sre, "oncall") };
    let agent = bench.agent(senior, |_, _| ());
    bench.arrives().await;
    join(agent).await.expect("welcome");
}

#[tokio::test]
async fn another_protocol_is_refused() {
    let mut bench = Bench::new();
    bench.server("web-1");
    let other = Hello { protocol: PROTOCOL + 1, ..hello(Role::Server, "web-1") };
    assert_eq!(bench.refused(other).await, Refusal::Protocol { ours: PROTOCOL });
}

// ---- peers that are no agents -----------------------------------------------------------------

#[tokio::test]
async fn bytes_that_are_no_greeting_are_refused_with_the_reason() {
    let bench = Bench::new();
    let mut other_version = framed(&hello(Role::Server, "web-1"));
    other_version[4] = 77;
    let mut trailing = framed(&hello(Role::Server, "web-1"));
    trailing[3] += 1;
    trailing.push(0);
    let above = u32::try_from(frame::FRAME_BYTES_MAX + 1).expect("a length").to_be_bytes();
    let cases: [(&str, &[u8], Refusal); 6] = [
        ("4 GiB announced", &[0xff; 4], Refusal::TooLong),
        ("one byte above the limit", &above, Refusal::TooLong),
        ("an empty frame", &[0; 4], Refusal::Malformed),
        ("garbage", &[0, 0, 0, 3, 1, 0xfe, 0xff], Refusal::Malformed),
        ("another version", &other_version, Refusal::Protocol { ours: PROTOCOL }),
        ("bytes after the greeting", &trailing, Refusal::Malformed),
    ];
    for (name, bytes, expected) in cases {
        let peer = bench.peer(bytes);
        assert_eq!(refusal(last_words(peer).await), Some(expected), "{name}");
    }
    let counters = bench.hub.counters();
    assert_eq!((counters.too_long, counters.malformed, counters.other_protocol), (2, 3, 1));
}

#[tokio::test]
async fn silent_peers_and_half_greetings_are_dropped_at_greeting_time_and_hold_up_nobody() {
    let limits = HubLimits { greeting_time: Duration::from_millis(100), ..HubLimits::default() };
    let mut bench = Bench::with(limits);
    let seat = bench.server("web-1");
    let half = framed(&hello(Role::Server, "web-1"));
    let silent: Vec<UnixStream> = (0..4).map(|_| bench.peer(&[])).collect();
    let halves: Vec<UnixStream> = (0..4).map(|_| bench.peer(&half[..half.len() - 1])).collect();
    let agent = bench.agent(hello(Role::Server, "web-1"), serve);
    assert_eq!(bench.arrives().await, seat);
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    for peer in silent.into_iter().chain(halves) {
        assert_eq!(refusal(last_words(peer).await), Some(Refusal::Silent));
    }
    assert_eq!(bench.hub.farewell().silent, 8);
    join(agent).await.expect("welcome").expect("farewell");
}

#[tokio::test]
async fn when_all_places_are_taken_by_silent_peers_the_oldest_goes_at_once_and_agents_come_in() {
    // Nobody is late in this test.
    let limits = HubLimits { greeting_time: 100 * PATIENCE, ungreeted_max: 4 };
    let mut bench = Bench::with(limits);
    let seat = bench.server("web-1");
    let half = framed(&hello(Role::Server, "web-1"));
    let mut silent: Vec<UnixStream> = (0..4).map(|_| bench.peer(&half[..7])).collect();
    let agent = bench.agent(hello(Role::Server, "web-1"), serve);
    assert_eq!(bench.arrives().await, seat);
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    // One of the four went for the agent; here is another stranger.
    silent.push(bench.peer(&[]));
    bench.counted(|counters| counters.crowded >= 1).await;
    assert_eq!(refusal(last_words(silent.remove(0)).await), Some(Refusal::Crowded));
    assert_eq!(bench.hub.farewell().silent, 0);
    join(agent).await.expect("welcome").expect("farewell");
}

#[tokio::test]
async fn whoever_has_greeted_when_its_turn_comes_is_heard_however_crowded_it_is() {
    let mut bench = Bench::with(HubLimits { ungreeted_max: 0, ..HubLimits::default() });
    let seat = bench.server("web-1");
    let peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    assert_eq!(bench.arrives().await, seat);
    assert_eq!(bench.hub.counters().crowded, 0);
    drop(peer);
}

/// Processes can be many, so here each agent is in the crowd's own process: the worst there is.
#[tokio::test]
async fn agents_come_in_within_the_greeting_time_while_a_crowd_comes_and_comes_again() {
    let mut bench = Bench::new();
    let seats: Vec<SeatId> = (0..8).map(|number| bench.server(&format!("web-{number}"))).collect();
    let over = Arc::new(AtomicBool::new(false));
    let crowd: Vec<JoinHandle<u64>> = (0..3)
        .map(|_| {
            let (over, socket) = (over.clone(), bench.socket.clone());
            std::thread::spawn(move || {
                let (mut came, mut silent) = (0, VecDeque::new());
                while !over.load(Ordering::Relaxed) {
                    silent.push_back(UnixStream::connect(&socket).expect("a listener"));
                    came += 1;
                    if silent.len() > 80 {
                        // The oldest comes again as soon as it is sent away.
                        let _ = silent.pop_front().map(|mut peer| peer.read_to_end(&mut Vec::new()));
                    }
                }
                came
            })
        })
        .collect();
    bench.counted(|counters| counters.crowded > 100).await;
    let agents: Vec<_> = (0..seats.len())
        .map(|number| {
            let began = Instant::now();
            bench.agent(hello(Role::Server, &format!("web-{number}")), move |client, brief| {
                let waited = began.elapsed();
                serve(client, brief).map(|_| waited)
            })
        })
        .collect();
    for _ in &agents {
        bench.arrives().await;
    }
    assert!(bench.tick(&seats, PATIENCE).await.iter().all(|answer| *answer == Ok(1)));
    over.store(true, Ordering::Relaxed);
    let mut came = 0;
    for peer in crowd {
        came += join(peer).await;
    }
    let counters = bench.hub.farewell();
    assert!(counters.crowded > 100 && counters.crowded < came, "{counters:?} of {came}");
    for agent in agents {
        let waited = join(agent).await.expect("welcome").expect("farewell");
        assert!(waited < GREETING_TIME, "{waited:?}");
    }
}

#[tokio::test]
async fn who_sends_much_before_a_greeting_is_turned_away_for_its_first_frame() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let text = framed(&"x".repeat(GREETING_BYTES_MAX));
    let long = bench.peer(&text);
    assert_eq!(refusal(last_words(long).await), Some(Refusal::TooLong));
    // As long as a greeting may be, and longer than what anybody says in one.
    let zeros =
        [&(GREETING_BYTES_MAX as u32).to_be_bytes()[..], &[1], &[0xff; GREETING_BYTES_MAX - 1]].concat();
    let full = bench.peer(&zeros);
    assert_eq!(refusal(last_words(full).await), Some(Refusal::Malformed));
    let flood: Vec<JoinHandle<usize>> = (0..8)
        .map(|_| {
            let socket = bench.socket.clone();
            std::thread::spawn(move || {
                let mut stream = UnixStream::connect(socket).expect("a listener");
                // Until it is hung up on.
                (0..10_000).take_while(|_| stream.write_all(&[0x41; 4096]).is_ok()).count()
            })
        })
        .collect();
    let agent = bench.agent(hello(Role::Server, "web-1"), serve);
    bench.arrives().await;
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    for peer in flood {
        let sent = join(peer).await;
        assert!(sent < 200, "{sent} times 4 KiB were taken");
    }
    assert_eq!((bench.hub.counters().too_long, bench.hub.counters().malformed), (9, 1));
    bench.hub.farewell();
    join(agent).await.expect("welcome").expect("farewell");
}

#[tokio::test]
async fn a_peer_of_another_user_is_turned_away_though_its_token_is_right() {
    if !rustix::process::geteuid().is_root() {
        // Where the harness does not keep it to itself.
        writeln!(std::io::stderr(), "SKIPPED, only root may act as another user: it is turned away")
            .expect("standard error");
        return;
    }
    let mut bench = Bench::new();
    bench.server("web-1");
    open_to_everyone(&bench.socket);
    let socket = bench.socket.clone();
    let stranger = std::thread::spawn(move || {
        let nobody = Uid::from_raw(65_534);
        // Of this thread alone.
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root can be anybody");
        let mut stream = UnixStream::connect(socket).expect("a listener");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // The door does not wait for a greeting.
        let _ = stream.write_all(&framed(&hello(Role::Server, "web-1")));
        stream
    });
    let stream = join(stranger).await;
    assert_eq!(refusal(last_words(stream).await), Some(Refusal::ForeignUser));
    assert_eq!(bench.hub.counters().foreign_user, 1);
    let agent = bench.agent(hello(Role::Server, "web-1"), |_, _| ());
    bench.arrives().await;
    join(agent).await.expect("welcome");
}

/// What keeps other users from a socket, undone: its mode, and those of the directories above it.
fn open_to_everyone(socket: &Path) {
    std::fs::set_permissions(socket, Permissions::from_mode(0o666)).expect("its mode");
    for directory in socket.ancestors().skip(1).take(2) {
        std::fs::set_permissions(directory, Permissions::from_mode(0o711)).expect("its mode");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_before_greeting_is_counted_and_forgotten() {
    let bench = Bench::new();
    drop(bench.peer(&[0, 0]));
    assert_eq!(bench.counted(|counters| counters.hung_up == 1).await.joined, 0);
}

// ---- agents that break the rules --------------------------------------------------------------

/// Two servers: one that behaves as given, and one that keeps the rules and must not notice.
async fn beside_a_good_one(
    limit: Duration,
    bad: impl FnOnce(Client, Brief) -> Option<Refusal> + Send + 'static,
) -> (Result<u32, Dropped>, Option<Refusal>, Counters) {
    let mut bench = Bench::new();
    let seats = [bench.server("bad"), bench.server("good")];
    let bad = bench.agent(hello(Role::Server, "bad"), bad);
    bench.arrives().await;
    let good = bench.agent(hello(Role::Server, "good"), serve);
    bench.arrives().await;
    let mut first = bench.tick(&seats, limit).await;
    assert_eq!(first.pop(), Some(Ok(1)));
    assert!(!bench.hub.is_connected(seats[0]));
    let second = bench.tick(&seats[1..], PATIENCE).await;
    assert_eq!(second, [Ok(1)]);
    let counters = bench.hub.farewell();
    assert_eq!(join(good).await.expect("welcome").expect("farewell"), 2);
    let told = join(bad).await.expect("welcome");
    (first.pop().expect("an answer"), told, counters)
}

/// What the director says when it drops the agent.
fn told(client: &mut Client) -> Option<Refusal> {
    loop {
        match client.receive() {
            Ok(ToServer::Refused(why)) => return Some(why),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[tokio::test]
async fn a_server_that_decides_is_dropped() {
    let (answer, told, counters) = beside_a_good_one(PATIENCE, |mut client, _| {
        let _: ToServer = client.receive().expect("a tick");
        client.send(&FromAgent::decision(&decision(1))).expect("sent");
        told(&mut client)
    })
    .await;
    let why = Refusal::OutOfRole { role: Role::Server };
    assert_eq!((answer, told), (Err(Dropped::For(why.clone())), Some(why)));
    assert_eq!(counters.out_of_role, 1);
}

#[tokio::test]
async fn an_sre_that_reports_metrics_is_dropped() {
    let mut bench = Bench::new();
    let seat = bench.sre("oncall", None);
    let agent = bench.agent(hello(Role::Sre, "oncall"), |mut client, _| {
        let _: ToSre = client.receive().expect("an observation");
        client.send(&FromAgent::report(&report(1))).expect("sent");
        client.receive::<ToSre>().expect("the reason")
    });
    bench.arrives().await;
    let asked = bench.hub.show_sres(&observation(1), [(seat, &[][..])]);
    let answers = bench.hub.decisions(asked, Some(PATIENCE)).await;
    let why = Refusal::OutOfRole { role: Role::Sre };
    assert_eq!(answers, [Err(Dropped::For(why.clone()))]);
    assert_eq!(join(agent).await.expect("welcome"), ToSre::Refused(why));
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_dropped_at_the_deadline() {
    let limit = Duration::from_millis(200);
    let (answer, told, counters) = beside_a_good_one(limit, |mut client, _| told(&mut client)).await;
    assert_eq!((answer, told), (Err(Dropped::For(Refusal::Late)), Some(Refusal::Late)));
    assert_eq!(counters.late, 1);
}

#[tokio::test]
async fn an_agent_that_sends_what_is_no_answer_is_dropped() {
    let (answer, told, counters) = beside_a_good_one(PATIENCE, |mut client, _| {
        client.send(&[0xff_u8; 8]).expect("sent");
        told(&mut client)
    })
    .await;
    assert_eq!((answer, told), (Err(Dropped::For(Refusal::Malformed)), Some(Refusal::Malformed)));
    assert_eq!(counters.malformed, 1);
}

#[tokio::test]
async fn an_agent_that_hangs_up_is_gone() {
    let (answer, _, counters) = beside_a_good_one(PATIENCE, |_, _| None).await;
    assert_eq!(answer, Err(Dropped::Gone));
    assert_eq!(counters.gone, 1);
}

#[tokio::test]
async fn an_agent_that_speaks_unasked_is_dropped_with_the_next_question() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    bench.arrives().await;
    let reports = [report(1), report(2)];
    let frames: Vec<u8> = reports.iter().flat_map(|report| framed(&FromAgent::report(report))).collect();
    peer.write_all(&frames).expect("sent");
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    let answers = bench.tick(&[seat], PATIENCE).await;
    assert_eq!(answers, [Err(Dropped::For(Refusal::OutOfTurn))]);
    assert_eq!(bench.hub.counters().out_of_turn, 1);
    let mut said = Vec::new();
    peer.read_to_end(&mut said).expect("a hang-up");
    assert!(said.ends_with(&framed(&ToServer::Refused(Refusal::OutOfTurn))));
}

#[tokio::test]
async fn an_sre_that_decides_before_it_is_shown_the_round_is_dropped() {
    let mut bench = Bench::new();
    let seat = bench.sre("oncall", None);
    let mut peer = bench.peer(&framed(&hello(Role::Sre, "oncall")));
    bench.arrives().await;
    // It knows which round comes, and its answer lies in the socket alone.
    peer.write_all(&framed(&FromAgent::decision(&decision(1)))).expect("sent");
    let asked = bench.hub.show_sres(&observation(1), [(seat, &[][..])]);
    let answers = bench.hub.decisions(asked, Some(PATIENCE)).await;
    assert_eq!(answers, [Err(Dropped::For(Refusal::OutOfTurn))]);
    assert_eq!(bench.hub.counters().out_of_turn, 1);
    let mut said = Vec::new();
    // A reset after the last word is a hang-up as well.
    let _ = peer.read_to_end(&mut said);
    assert!(said.ends_with(&framed(&ToSre::Refused(Refusal::OutOfTurn))));
}

#[tokio::test]
async fn one_server_is_asked_between_two_rounds() {
    let mut bench = Bench::new();
    let seats = [bench.server("web-1"), bench.server("web-2")];
    let mut agents = Vec::new();
    for name in ["web-1", "web-2"] {
        agents.push(bench.agent(hello(Role::Server, name), serve));
        bench.arrives().await;
    }
    assert_eq!(bench.tick(&seats, PATIENCE).await, [Ok(1), Ok(1)]);
    for number in 0..3 {
        let request = request(number);
        let served = bench.hub.ask_server(seats[1], &request, PATIENCE).await;
        assert_eq!(served, Ok(report(1).serve(&request)));
    }
    assert_eq!(bench.tick(&seats, PATIENCE).await, [Ok(1), Ok(1)]);
    bench.hub.farewell();
    for agent in agents {
        assert_eq!(join(agent).await.expect("welcome").expect("farewell"), 2, "rounds");
    }
}

#[tokio::test]
async fn a_server_that_answers_something_else_than_it_was_asked_is_dropped() {
    let another = Served { probe: 8, ..report(1).serve(&request(7)) };
    let instead = [
        (framed(&FromAgent::report(&report(1))), Refusal::OutOfTurn),
        (framed(&FromAgent::served(another)), Refusal::OutOfTurn),
        (framed(&FromAgent::decision(&decision(1))), Refusal::OutOfRole { role: Role::Server }),
    ];
    for (answer, why) in instead {
        let mut bench = Bench::new();
        let seat = bench.server("web-1");
        let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
        bench.arrives().await;
        peer.write_all(&answer).expect("sent");
        let served = bench.hub.ask_server(seat, &request(7), PATIENCE).await;
        assert_eq!(served, Err(Dropped::For(why)));
        assert!(!bench.hub.is_connected(seat));
    }
    // A single request's answer is no report either.
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    bench.arrives().await;
    peer.write_all(&framed(&FromAgent::served(report(1).serve(&request(7))))).expect("sent");
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Err(Dropped::For(Refusal::OutOfTurn))]);
}

#[tokio::test]
async fn an_agent_that_never_reads_holds_up_nobody() {
    let mut bench = Bench::new();
    let seats = [bench.server("deaf"), bench.server("good")];
    // A stream that nobody reads from, and ticks larger than its buffer.
    let deaf = bench.peer(&framed(&hello(Role::Server, "deaf")));
    bench.arrives().await;
    let good = bench.agent(hello(Role::Server, "good"), serve);
    bench.arrives().await;
    let mut large = tick(1);
    large.arrivals = std::iter::repeat_n(large.arrivals[0], 80_000).collect();
    let ticks = seats.map(|seat| (seat, &large));
    let answers = bench.hub.ask_servers(ticks, Duration::from_millis(300)).await;
    assert_eq!(answers[0], Err(Dropped::For(Refusal::Late)));
    assert_eq!(answers[1].as_ref().map(|report| report.round), Ok(1));
    bench.hub.farewell();
    assert_eq!(join(good).await.expect("welcome").expect("farewell"), 1);
    drop(deaf);
}

#[tokio::test]
async fn an_agent_that_answers_without_ever_reading_is_late_and_nothing_piles_up_for_it() {
    let mut bench = Bench::new();
    let seats = [bench.server("deaf"), bench.server("good")];
    let mut deaf = bench.peer(&framed(&hello(Role::Server, "deaf")));
    bench.arrives().await;
    let good = bench.agent(hello(Role::Server, "good"), serve);
    bench.arrives().await;
    let mut large = tick(1);
    large.arrivals = std::iter::repeat_n(large.arrivals[0], 80_000).collect();
    // It knows what it will be asked, and has the answer there in time.
    deaf.write_all(&framed(&FromAgent::report(&report(1)))).expect("sent");
    let ticks = seats.map(|seat| (seat, &large));
    let answers = bench.hub.ask_servers(ticks, Duration::from_millis(100)).await;
    assert_eq!(answers[0], Err(Dropped::For(Refusal::Late)));
    assert_eq!(answers[1].as_ref().map(|report| report.round), Ok(1));
    assert_eq!(bench.hub.counters().late, 1);
    bench.hub.farewell();
    join(good).await.expect("welcome").expect("farewell");
}

#[tokio::test]
async fn an_agent_that_reads_drop_by_drop_does_not_keep_others_on_the_thread_from_being_heard() {
    let mut bench = Bench::new();
    let mut large = server_brief("slow");
    let machine = Arc::make_mut(&mut large.machine);
    machine.services = vec![machine.services[0].clone(); 100_000];
    bench.seat("slow", None, Brief::Server(Box::new(large)), Admits::Anyone);
    let seat = bench.server("good");
    let mut slow = bench.peer(&framed(&hello(Role::Server, "slow")));
    let over = Arc::new(AtomicBool::new(false));
    let reader = {
        let over = over.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while !over.load(Ordering::Relaxed) && slow.read(&mut bytes).is_ok_and(|read| read > 0) {}
        })
    };
    let good = bench.agent(hello(Role::Server, "good"), serve);
    assert_eq!(bench.arrives().await, seat);
    for _ in 0..100 {
        assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
    }
    over.store(true, Ordering::Relaxed);
    bench.hub.farewell();
    assert_eq!(join(good).await.expect("welcome").expect("farewell"), 100);
    join(reader).await;
}

#[tokio::test]
async fn an_agent_that_floods_is_dropped_with_the_next_question_and_takes_no_more_than_a_frame() {
    let mut bench = Bench::new();
    let seats = [bench.server("flood"), bench.server("good")];
    let mut flood = bench.peer(&framed(&hello(Role::Server, "flood")));
    bench.arrives().await;
    let good = bench.agent(hello(Role::Server, "good"), serve);
    bench.arrives().await;
    let flood = std::thread::spawn(move || {
        let answers = framed(&FromAgent::report(&report(1))).repeat(100);
        // Until it is hung up on.
        while flood.write_all(&answers).is_ok() {}
    });
    let mut answers = bench.tick(&seats, PATIENCE).await;
    assert_eq!(answers.pop(), Some(Ok(1)));
    if answers.pop() == Some(Ok(1)) {
        assert_eq!(bench.tick(&seats, PATIENCE).await, [Err(Dropped::For(Refusal::OutOfTurn)), Ok(1)]);
    }
    assert_eq!(bench.hub.counters().out_of_turn, 1);
    bench.hub.farewell();
    join(good).await.expect("welcome").expect("farewell");
    join(flood).await;
}

#[tokio::test]
async fn an_answer_may_be_longer_than_a_greeting() {
    let mut bench = Bench::new();
    let seat = bench.server("web-1");
    let mut peer = bench.peer(&framed(&hello(Role::Server, "web-1")));
    bench.arrives().await;
    let mut long = report(1);
    long.services = std::iter::repeat_n(long.services[0], 100).collect();
    let answer = framed(&FromAgent::report(&long));
    assert!(answer.len() > 2 * GREETING_BYTES_MAX, "{} bytes", answer.len());
    peer.write_all(&answer).expect("sent");
    assert_eq!(bench.tick(&[seat], PATIENCE).await, [Ok(1)]);
}

#[tokio::test]
async fn an_answer_above_its_limit_is_refused_before_it_arrives() {
    let (answer, told, counters) = beside_a_good_one(PATIENCE, |mut client, _| {
        client.send(&"x".repeat(ANSWER_BYTES_MAX)).expect_err("it is hung up on before it is done");
        told(&mut client)
    })
    .await;
    assert_eq!((answer, told), (Err(Dropped::For(Refusal::TooLong)), Some(Refusal::TooLong)));
    assert_eq!(counters.too_long, 1);
}

// ---- the address ------------------------------------------------------------------------------

#[tokio::test]
async fn only_its_user_can_connect() {
    let bench = Bench::new();
    let mode = std::fs::metadata(&bench.socket).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn the_socket_of_a_dead_director_does_not_stand_in_the_way() {
    let base = tempfile::tempdir().expect("a directory");
    let at = base.path().join("run");
    let open = |run: &RunDirectory| Hub::open(run, token(), HubLimits::default(), Box::new(drop));
    let run = RunDirectory::create(Some(&at)).expect("an address");
    let hub = open(&run).expect("a bus");
    // As a kill leaves it: the files are there, the lock is free.
    std::fs::rename(&at, base.path().join("kept")).expect("renamed");
    drop((hub, run));
    std::fs::rename(base.path().join("kept"), &at).expect("renamed back");
    assert!(at.join("bus.sock").exists());
    let run = RunDirectory::create(Some(&at)).expect("a free address");
    open(&run).expect("a bus");
}
