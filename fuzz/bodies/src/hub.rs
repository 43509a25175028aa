//! Arbitrary peers and an arbitrary owner of a hub.
//!
//! The bytes are read as a sequence of operations: peers connect, greet well or badly, send whole, half or no
//! messages, answer rightly, wrongly, unasked or not at all, do not read, hang up; the owner admits, drops,
//! expels, closes, reopens and asks. Two agents that keep the rules sit among them. After each operation:
//!
//! - both agents are served: each question reaches them and their answers arrive;
//! - nobody sits who has not shown the token of that seat, and nobody arrives at a seat that is not open;
//! - whoever greets rightly for an open seat gets it, however many others there are;
//! - every connection and every dropped agent is counted once;
//! - everybody is told whole messages and nothing after a refusal;
//! - the hub's memory stays below what its limits add up to.
//!
//! What a peer is exactly refused for is told by `greeting`; here it counts that the books balance.

use crate::greeting::at_the_door;
use crate::memory;
use crate::messages::{brief, framed, hello};
use crate::stage::{Peer, Stage, perform};
use bus::frame::{FRAME_BYTES_MAX, Inbox, decode};
use bus::hub::{Admits, Counters, Dropped, HubLimits, SeatId};
use bus::token::Token;
use bus::wire::{FromAgent, GREETING_TIME, Greeting, Hello, PROTOCOL, Refusal, Role, ToServer, ToSre};
use std::time::Duration;
use worlds::message::{ActionResult, Decision, Observation, Report, Tick};

/// Operations of one play: enough for everything to have happened to one peer.
const OPERATIONS_MAX: usize = 60;

/// Connections that are kept at once, beside those of the two agents.
const PEERS_MAX: usize = 12;

/// Connections that may be silent at once: fewer than there are peers.
const UNGREETED_MAX: usize = 4;

/// For an answer. No time passes: whoever has not answered does not.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// What the hub and all peers may take: inboxes and outboxes of everybody at their limits.
const MEMORY_BYTES_MAX: usize = 8 * FRAME_BYTES_MAX;

/// Arrivals of a tick that does not fit a socket's buffer.
const LARGE_TICK: usize = 80_000;

/// A play of these bytes.
pub fn run(bytes: &[u8]) {
    let limits = HubLimits { greeting_time: GREETING_TIME, ungreeted_max: UNGREETED_MAX };
    let script = Script { bytes };
    perform(limits, |stage| async {
        let mut play = Play::begin(stage).await;
        play.all(script).await;
        play.end().await;
    });
}

/// What is left of the input.
struct Script<'a> {
    bytes: &'a [u8],
}

impl Script<'_> {
    /// The next number below a limit, while there is one.
    fn next(&mut self, below: usize) -> Option<usize> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(usize::from(*first) % below)
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        self.next(choices.len()).map(|index| choices[index].clone())
    }
}

/// Whether a seat can be taken, as the owner's operations leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Taken,
    Closed,
}

/// A seat, as the play knows it.
struct Seat {
    id: SeatId,
    role: Role,
    name: &'static str,
    /// The token that opens it at present.
    token: Token,
    state: State,
    /// Whether the token was shown for this seat since it was last opened.
    shown: bool,
}

/// An agent that keeps the rules.
struct Agent {
    id: SeatId,
    role: Role,
    peer: Peer,
}

/// Somebody who may do anything.
struct Guest {
    peer: Peer,
    /// The part of a message that was not sent yet.
    rest: Vec<u8>,
}

/// What happens.
struct Play {
    stage: Stage,
    agents: Vec<Agent>,
    seats: Vec<Seat>,
    /// What opens one of the seats, or did.
    others_token: Token,
    guests: Vec<Guest>,
    /// Rounds asked.
    round: u32,
    /// Everybody who connected.
    connected: u64,
    /// Those of them who arrived.
    arrived: u64,
    /// Those of them who were dropped after the owner had admitted them.
    dropped: u64,
    /// Arrivals that the owner has not admitted.
    waiting: Vec<bus::hub::Arrival>,
    counters: Counters,
    memory: usize,
}

impl Play {
    async fn begin(mut stage: Stage) -> Self {
        let (mut seats, others_token) = (Vec::new(), fresh_token());
        for (role, name) in [(Role::Server, "a"), (Role::Server, "b"), (Role::Server, "c"), (Role::Sre, "s")]
        {
            let token = if name == "b" { others_token.clone() } else { stage.run_token.clone() };
            let id = stage.add_seat(role, name, Admits::Holder(token.clone()));
            seats.push(Seat { id, role, name, token, state: State::Open, shown: false });
        }
        let mut play = Self {
            stage,
            agents: Vec::new(),
            seats,
            others_token,
            guests: Vec::new(),
            round: 0,
            connected: 0,
            arrived: 0,
            dropped: 0,
            waiting: Vec::new(),
            counters: Counters::default(),
            memory: 0,
        };
        for (role, name) in [(Role::Server, "good-server"), (Role::Sre, "good-sre")] {
            play.seat_agent(role, name).await;
        }
        play.memory = memory::in_use();
        play
    }

    async fn seat_agent(&mut self, role: Role, name: &str) {
        let token = fresh_token();
        let id = self.stage.add_seat(role, name, Admits::Holder(token.clone()));
        let mut peer = self.connect();
        peer.send(&framed(&hello(role, name, &token)));
        self.stage.settle().await;
        let arrival = self.stage.arrivals.try_recv().expect("an agent that keeps the rules");
        self.arrived += 1;
        self.stage.hub.admit(arrival);
        self.agents.push(Agent { id, role, peer });
    }

    fn connect(&mut self) -> Peer {
        self.connected += 1;
        self.stage.connect()
    }

    async fn all(&mut self, mut script: Script<'_>) {
        for _ in 0..OPERATIONS_MAX {
            if self.operation(&mut script).await.is_none() {
                return;
            }
            self.settle().await;
            self.check();
        }
    }

    /// One operation; `None` when the script is over.
    async fn operation(&mut self, script: &mut Script<'_>) -> Option<()> {
        match script.next(20)? {
            0 => self.come(Vec::new()),
            1 => {
                let greeting = self.any_greeting(script)?;
                self.come(greeting);
            }
            2 => self.join(script).await?,
            3 => self.say(script, Self::any_greeting)?,
            4 => self.say(script, Self::any_answer)?,
            5 => self.say(script, Self::any_bytes)?,
            6 => self.say_half(script)?,
            7 => self.say_rest(script)?,
            8 => self.flood(script)?,
            9 => self.hang_up(script)?,
            10 => self.listen(script)?,
            11 | 18 => self.admit(script)?,
            12 => self.waiting.clear(),
            13 => self.expel(script)?,
            14 => self.close(script)?,
            15 => self.reopen(script)?,
            16 => self.ask_servers(script.next(2)? == 1).await,
            17 => self.ask_sres().await,
            _ => self.stage.greeting_time_passes().await,
        }
        Some(())
    }

    // ---- what peers do ------------------------------------------------------------------------

    fn come(&mut self, bytes: Vec<u8>) {
        if self.guests.len() == PEERS_MAX {
            self.guests.remove(0);
        }
        let mut peer = self.connect();
        peer.send(&bytes);
        self.guests.push(Guest { peer, rest: Vec::new() });
    }

    /// Greets as an agent should, for any seat: whoever does so gets an open one.
    async fn join(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = script.next(self.seats.len())?;
        let seat = &mut self.seats[index];
        seat.shown = true;
        let was_open = seat.state == State::Open;
        let greeting = framed(&hello(seat.role, seat.name, &seat.token));
        let before = self.arrived;
        self.come(greeting);
        self.settle().await;
        assert_eq!(self.arrived - before, u64::from(was_open), "an open seat is for whoever greets rightly");
        Some(())
    }

    fn any_greeting(&mut self, script: &mut Script<'_>) -> Option<Vec<u8>> {
        let role = script.one_of(&[Role::Server, Role::Sre])?;
        let name = script.one_of(&["a", "b", "c", "s", "d", "good-server", "good-sre", ""])?;
        let seat = self.seats.iter_mut().find(|seat| (seat.role, seat.name) == (role, name));
        let its_own = seat.as_ref().map(|seat| seat.token.clone());
        let run_token = &self.stage.run_token;
        let token = match script.next(6)? {
            0 => fresh_token(),
            1 => run_token.clone(),
            2 => self.others_token.clone(),
            _ => its_own.unwrap_or_else(|| run_token.clone()),
        };
        let good = hello(role, name, &token);
        let greeting = match script.next(6)? {
            0 => Hello { protocol: PROTOCOL + 1, ..good },
            1 => Hello { skill: Some(worlds::definition::SkillName::Mid), ..good },
            2 => Hello { name: "x".repeat(300), ..good },
            _ => good,
        };
        if let Some(seat) = seat {
            seat.shown |= seat.token.matches(&token);
        }
        Some(framed(&greeting))
    }

    fn any_answer(&mut self, script: &mut Script<'_>) -> Option<Vec<u8>> {
        let round = self.round + u32::try_from(script.next(3)?).ok()?;
        let (report, decision) =
            (Report { round, ..Report::default() }, Decision { round, ..Decision::default() });
        Some(match script.next(2)? {
            0 => framed(&FromAgent::report(&report)),
            _ => framed(&FromAgent::decision(&decision)),
        })
    }

    fn any_bytes(&mut self, script: &mut Script<'_>) -> Option<Vec<u8>> {
        let length = script.next(24)?.min(script.bytes.len());
        let (bytes, rest) = script.bytes.split_at(length);
        script.bytes = rest;
        Some(bytes.to_owned())
    }

    fn guest(&mut self, script: &mut Script<'_>) -> Option<usize> {
        let index = script.next(PEERS_MAX)?;
        Some(if self.guests.is_empty() { 0 } else { index % self.guests.len() })
    }

    fn say(
        &mut self,
        script: &mut Script<'_>,
        what: fn(&mut Self, &mut Script<'_>) -> Option<Vec<u8>>,
    ) -> Option<()> {
        let (index, bytes) = (self.guest(script)?, what(self, script)?);
        if let Some(guest) = self.guests.get_mut(index) {
            guest.peer.send(&bytes);
        }
        Some(())
    }

    fn say_half(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = self.guest(script)?;
        let bytes = match script.next(2)? {
            0 => self.any_greeting(script)?,
            _ => self.any_answer(script)?,
        };
        let (first, rest) = bytes.split_at(script.next(bytes.len())?);
        if let Some(guest) = self.guests.get_mut(index) {
            guest.peer.send(first);
            guest.rest = rest.to_owned();
        }
        Some(())
    }

    fn say_rest(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = self.guest(script)?;
        if let Some(guest) = self.guests.get_mut(index) {
            guest.peer.send(&std::mem::take(&mut guest.rest));
        }
        Some(())
    }

    /// As much as a socket takes: zeros, garbage, right answers, or a frame as long as it may be.
    fn flood(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = self.guest(script)?;
        let bytes = match script.next(4)? {
            0 => vec![0; 4096],
            1 => vec![0xff; 4096],
            2 => self.any_answer(script)?.repeat(50),
            _ => [&[0, 7, 0xff, 0xff, 1][..], &[0; 4096]].concat(),
        };
        if let Some(guest) = self.guests.get_mut(index) {
            while guest.peer.send(&bytes) == bytes.len() {}
        }
        Some(())
    }

    fn hang_up(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = self.guest(script)?;
        if index < self.guests.len() {
            self.guests.remove(index);
        }
        Some(())
    }

    fn listen(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = self.guest(script)?;
        if let Some(guest) = self.guests.get_mut(index) {
            understand(guest.peer.read());
        }
        Some(())
    }

    // ---- what the owner does ------------------------------------------------------------------

    fn admit(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = script.next(self.seats.len())?;
        if !self.waiting.is_empty() {
            let arrival = self.waiting.remove(index % self.waiting.len());
            let id = arrival.seat;
            // Whoever sat there goes without a word: the owner says so by admitting another.
            self.stage.hub.admit(arrival);
            assert!(self.stage.hub.is_connected(id));
        }
        Some(())
    }

    fn expel(&mut self, script: &mut Script<'_>) -> Option<()> {
        let index = script.next(self.seats.len())?;
        let why = script.one_of(&[Refusal::Malformed, Refusal::OutOfTurn, Refusal::Late])?;
        let id = self.seats[index].id;
        self.dropped += u64::from(self.stage.hub.is_connected(id));
        self.stage.hub.expel(id, why);
        self.seats[index].state = State::Closed;
        Some(())
    }

    fn close(&mut self, script: &mut Script<'_>) -> Option<()> {
        let seat = &mut self.seats[script.next(4)?];
        self.stage.hub.close_seat(seat.id);
        seat.state = State::Closed;
        Some(())
    }

    fn reopen(&mut self, script: &mut Script<'_>) -> Option<()> {
        let seat = &mut self.seats[script.next(4)?];
        let admits = match script.next(2)? {
            0 => Admits::Anyone,
            _ => Admits::Holder(fresh_token()),
        };
        seat.token = match &admits {
            Admits::Anyone => self.stage.run_token.clone(),
            Admits::Holder(token) => token.clone(),
        };
        self.stage.hub.reopen_seat(seat.id, brief(seat.role), admits).expect("a short brief");
        // Whoever had arrived for it comes too late.
        self.waiting.retain(|arrival| arrival.seat != seat.id);
        (seat.state, seat.shown) = (State::Open, false);
        Some(())
    }

    async fn ask_servers(&mut self, large: bool) {
        self.round += 1;
        let mut tick = Tick { round: self.round, ..Tick::default() };
        tick.arrivals = std::iter::repeat_n(Default::default(), if large { LARGE_TICK } else { 1 }).collect();
        let report = Report { round: self.round, ..Report::default() };
        // Its answer is there at once.
        self.agent_says(Role::Server, &framed(&FromAgent::report(&report)));
        let asked = self.asked(Role::Server);
        // Only those who read get to know of a large tick.
        let agent = asked[0];
        let small = Tick { round: self.round, ..Tick::default() };
        let ticks = asked.iter().map(|id| (*id, if *id == agent { &small } else { &tick }));
        let were = self.connected_among(&asked);
        let answers = self.stage.hub.ask_servers(ticks, ANSWER_TIME).await;
        let heard = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(!large || heard <= 1, "nobody but the agent has taken the question");
        self.heard(&asked, &were, answers.into_iter().map(|answer| answer.map(|report| report.round)));
    }

    async fn ask_sres(&mut self) {
        self.round += 1;
        let decision = Decision { round: self.round, ..Decision::default() };
        let asked = self.asked(Role::Sre);
        let were = self.connected_among(&asked);
        let seen = Observation { round: self.round, ..Observation::default() };
        let no_results: &[ActionResult] = &[];
        let shown = self.stage.hub.show_sres(&seen, asked.iter().map(|id| (*id, no_results)));
        // No sooner: an SRE that has decided before is dropped.
        self.agent_says(Role::Sre, &framed(&FromAgent::decision(&decision)));
        let answers = self.stage.hub.decisions(shown, Some(ANSWER_TIME)).await;
        self.heard(&asked, &were, answers.into_iter().map(|answer| answer.map(|decision| decision.round)));
    }

    /// The good agent of a role answers.
    fn agent_says(&mut self, role: Role, answer: &[u8]) {
        let agent = self.agents.iter_mut().find(|agent| agent.role == role).expect("one of each");
        assert_eq!(agent.peer.send(answer), answer.len(), "its answers are taken");
    }

    /// Whom a question of this round is for, the good agent first.
    fn asked(&self, role: Role) -> Vec<SeatId> {
        let agent = self.agents.iter().find(|agent| agent.role == role).expect("one of each");
        let others = self.seats.iter().filter(|seat| seat.role == role).map(|seat| seat.id);
        [agent.id].into_iter().chain(others).collect()
    }

    fn connected_among(&self, asked: &[SeatId]) -> Vec<bool> {
        asked.iter().map(|id| self.stage.hub.is_connected(*id)).collect()
    }

    /// Books the answers, and who was dropped.
    fn heard(
        &mut self,
        asked: &[SeatId],
        were: &[bool],
        answers: impl Iterator<Item = Result<u32, Dropped>>,
    ) {
        for (index, ((id, was), answer)) in asked.iter().zip(were).zip(answers).enumerate() {
            if index == 0 {
                assert_eq!(answer, Ok(self.round), "an agent that keeps the rules is served");
            }
            assert_eq!(self.stage.hub.is_connected(*id), answer.is_ok(), "{answer:?}");
            if *was && answer.is_err() {
                self.dropped += 1;
                self.state_of(*id, State::Closed);
            }
            assert!(*was || answer == Err(Dropped::Gone), "{answer:?} of nobody");
        }
        for agent in &mut self.agents {
            understand(agent.peer.read());
            assert!(!agent.peer.ended, "an agent that keeps the rules stays");
        }
    }

    fn state_of(&mut self, id: SeatId, state: State) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.id == id) {
            seat.state = state;
        }
    }

    // ---- what must hold -----------------------------------------------------------------------

    /// Lets happen what can, and takes in who arrives.
    async fn settle(&mut self) {
        self.stage.settle().await;
        while let Ok(arrival) = self.stage.arrivals.try_recv() {
            self.arrived += 1;
            let seat = self.seats.iter_mut().find(|seat| seat.id == arrival.seat).expect("a seat for guests");
            assert_eq!(seat.state, State::Open, "{} was not to be had", seat.name);
            assert!(seat.shown, "nobody has shown the token of {}", seat.name);
            seat.state = State::Taken;
            self.waiting.push(arrival);
        }
    }

    fn check(&mut self) {
        let counters = self.stage.hub.counters();
        let turned_away = dropped(&counters).checked_sub(self.dropped).expect("each is counted once");
        let greeting = self.connected.checked_sub(self.arrived + turned_away);
        let greeting = greeting.expect("nobody is counted twice");
        // Those who were silent when others came are gone.
        assert!(greeting <= UNGREETED_MAX as u64, "{greeting} are greeting: {counters:?}");
        assert!(counters.joined <= self.arrived);
        assert!(counters.frames_received <= counters.frames_sent);
        assert!(dropped(&counters) >= dropped(&self.counters), "what was counted stays counted");
        self.counters = counters;
        let grown = memory::in_use().saturating_sub(self.memory);
        assert!(grown < MEMORY_BYTES_MAX, "{grown} bytes more than at first");
    }

    /// Everybody leaves, and the books are balanced.
    async fn end(mut self) {
        self.check();
        for guest in &mut self.guests {
            understand(guest.peer.read());
        }
        self.guests.clear();
        self.settle().await;
        let counters = self.stage.hub.counters();
        assert_eq!(dropped(&counters), self.connected - self.arrived + self.dropped, "{counters:?}");
        let Self { stage, mut agents, .. } = self;
        stage.hub.farewell();
        for agent in &mut agents {
            let said = understand(agent.peer.read());
            assert!(agent.peer.ended, "the bus is closed");
            assert!(said.is_some_and(|last| last == framed(&ToServer::Bye)), "and says farewell");
        }
    }
}

/// All who were turned away or dropped.
fn dropped(counters: &Counters) -> u64 {
    at_the_door(counters) + counters.gone + counters.late + counters.out_of_role + counters.out_of_turn
}

/// Reads what somebody was told: a greeting, then questions, nothing after a refusal. Gives the last
/// message.
fn understand(said: &[u8]) -> Option<Vec<u8>> {
    let mut inbox = Inbox::of_frames_up_to(FRAME_BYTES_MAX);
    let (mut greeted, mut refused, mut last, mut rest) = (false, false, None, said);
    while !rest.is_empty() {
        let space = inbox.space();
        let taken = space.len().min(rest.len());
        space[..taken].copy_from_slice(&rest[..taken]);
        inbox.filled(taken);
        rest = &rest[taken..];
        while let Some(body) = inbox.take().expect("whole frames") {
            assert!(!refused, "something was said after a refusal");
            refused = if greeted { is_refusal(body) } else { is_refused_greeting(body) };
            greeted = true;
            last = Some([&(body.len() as u32).to_be_bytes()[..], body].concat());
        }
    }
    last
}

fn is_refused_greeting(body: &[u8]) -> bool {
    matches!(decode::<Greeting>(body).expect("a greeting first"), Greeting::Refused(_))
}

/// Whether this is the end for whoever is told. Which role it has is not looked at: what is not said to a
/// server is said to an SRE.
fn is_refusal(body: &[u8]) -> bool {
    match (decode::<ToServer<'_>>(body), decode::<ToSre<'_>>(body)) {
        (Ok(ToServer::Refused(_)), _) | (_, Ok(ToSre::Refused(_))) => true,
        (Err(one), Err(other)) => panic!("neither {one} nor {other}"),
        _ => false,
    }
}

fn fresh_token() -> Token {
    Token::random().expect("randomness")
}
