//! The round owner: carries the messages of one run between the model and the bus.
//!
//! It owns [`Round`] and [`Hub`] and is the only one that does anything with either. A run goes
//! through phases: agents start and greet, at most so many at once; then rounds are played, each as
//! one message to itself, so that signals and arrivals are heard in between; then it ends.
//!
//! ```text
//!   Starting --all here--> Between <--> (a round) --over, interrupted, seen enough--> Over
//!                             |  ^
//!              a lost server  v  |  its successor is here, or will not come
//!             is restarted  Awaiting
//! ```
//!
//! Agents that are started by hand come and go as they like: see [`hands`].

mod hands;

use super::audience::{Audience, Correspondent};
use super::lineup::{Lineup, Sre};
use super::messages::{KeeperMessage, Order, OwnerMessage};
use super::notice_board::NoticeBoard;
use super::process_keeper::{KeeperArguments, ProcessKeeper};
use super::staging::Staging;
use super::{BusStats, DirectorError, ProcessRun, plausible};
use crate::event::{Agent, Event, Finished};
use crate::watchers::{Records, Screen};
use bus::address::RunDirectory;
use bus::hub::{Admits, Arrival, Dropped, Hub, HubLimits, SeatId, UNGREETED_MAX};
use bus::token::Token;
use bus::wire::{Brief, Refusal};
use hands::Hands;
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, MessagingErr, SupervisionEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use worlds::id::{ServerId, SreId};
use worlds::message::{Decision, Report};
use worlds::round::Round;

/// From one arrival to the next while agents start: an agent needs a few milliseconds, so after
/// this long on a loaded machine something is wrong with it.
const ARRIVAL_TIME: Duration = Duration::from_secs(30);

/// For the end of a process whose connection has ended: it is told at once, but in another thread.
const OBITUARY_TIME: Duration = Duration::from_millis(500);

/// How long rounds are played without a look at what else there is to be heard. A message to itself
/// and a turn of the runtime cost as much as a small world's agent; nobody notices this.
const BURST: Duration = Duration::from_millis(2);

/// Processes that follow one that died after its greeting, before the run begins: one may be bad
/// luck, as many as this are not.
const EARLY_SUCCESSORS_MAX: u64 = 3;

/// What a run comes to.
pub(super) type Ending = Result<(Finished, BusStats), DirectorError>;

/// The actor.
pub(super) struct RoundOwner;

/// What it is started with.
pub(super) struct OwnerArguments {
    /// What to run.
    pub run: ProcessRun,
    /// The run's directory.
    pub directory: Arc<RunDirectory>,
    /// The program that agents are started from.
    pub program: PathBuf,
    /// Who shows what happens.
    pub console: Correspondent<Screen>,
    /// Who writes it down.
    pub recorder: Correspondent<Records>,
    /// See [`KeeperArguments::alive`].
    pub alive: mpsc::Sender<Infallible>,
    /// Where the ending goes.
    pub ending: oneshot::Sender<Ending>,
}

/// Where a run stands.
enum Phase {
    /// Agents are being started.
    Starting {
        /// Those that the director starts itself.
        staging: Staging<SeatId, Order>,
        /// All who have not greeted yet.
        awaited: BTreeSet<SeatId>,
        /// Who has greeted and was not told of: that is done in the order of the seats.
        present: BTreeMap<SeatId, Agent>,
    },
    /// A round is over, or none has begun.
    Between,
    /// A round is open, and waits for new processes of servers that were lost.
    Awaiting { awaited: BTreeSet<SeatId>, began: Instant },
    /// The run has ended.
    Over,
}

/// A run.
pub(super) struct State {
    run: ProcessRun,
    directory: Arc<RunDirectory>,
    round: Round,
    hub: Option<Hub>,
    lineup: Lineup,
    /// Traded with the round for those of the round before.
    reports: Vec<Option<Report>>,
    /// One of each SRE.
    decisions: Vec<Decision>,
    hands: Hands,
    keeper: ActorRef<KeeperMessage>,
    audience: Audience,
    board: NoticeBoard,
    myself: ActorRef<OwnerMessage>,
    phase: Phase,
    interrupted_by: Option<i32>,
    /// The watchers have seen enough.
    enough: bool,
    /// Agents that greeted so far.
    arrived: u64,
    /// Tells if nobody arrives for too long.
    clock: Option<JoinHandle<Result<(), MessagingErr<OwnerMessage>>>>,
    respawned: u64,
    ending: Option<oneshot::Sender<Ending>>,
}

impl Actor for RoundOwner {
    type Msg = OwnerMessage;
    type State = State;
    type Arguments = OwnerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<OwnerMessage>,
        given: OwnerArguments,
    ) -> Result<State, ActorProcessingErr> {
        let keeper = KeeperArguments {
            program: given.program.clone(),
            directory: given.directory.path().to_owned(),
            owner: myself.clone(),
            alive: given.alive.clone(),
        };
        let (keeper, _) = Actor::spawn_linked(None, ProcessKeeper, keeper, myself.get_cell()).await?;
        let state = State::open(&myself, given, keeper)?;
        // From here on this hears of their ends.
        state.audience.console.actor().link(myself.get_cell());
        state.audience.recorder.actor().link(myself.get_cell());
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<OwnerMessage>,
        message: OwnerMessage,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let done = match message {
            OwnerMessage::Begin => state.begin(&myself).await,
            OwnerMessage::Interrupt(signal) => state.interrupt(signal).await,
            OwnerMessage::Arrived(arrival) => state.arrived(&myself, arrival).await,
            OwnerMessage::HungUp { seat, visit } => state.hung_up(seat, visit).await,
            OwnerMessage::Exited { seat, generation, how } => {
                state.exited(&myself, seat, generation, how).await
            }
            OwnerMessage::StatusDue => {
                state.board.write();
                Ok(())
            }
            OwnerMessage::Play => state.play(&myself).await,
            OwnerMessage::Overdue { arrived } => state.overdue(&myself, arrived).await,
        };
        if let Err(error) = done {
            state.fail(error);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<OwnerMessage>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // No child is replaced: a run that lost one cannot be told as it was.
        match event {
            SupervisionEvent::ActorFailed(child, error) => {
                state.fail(DirectorError::Actor(format!("{} failed: {error}", state.name_of(&child))));
            }
            // Their ends matter only while there is a run.
            SupervisionEvent::ActorTerminated(child, ..) if !matches!(state.phase, Phase::Over) => {
                state.fail(DirectorError::Actor(format!("{} ended", state.name_of(&child))));
            }
            _ => {}
        }
        Ok(())
    }
}

// ---- from the first agent to the last ---------------------------------------------------------

impl State {
    fn open(
        myself: &ActorRef<OwnerMessage>,
        given: OwnerArguments,
        keeper: ActorRef<KeeperMessage>,
    ) -> Result<Self, DirectorError> {
        let OwnerArguments { run, directory, console, recorder, ending, .. } = given;
        let token = Token::random().map_err(DirectorError::Randomness)?;
        directory.write_token(&token)?;
        let owner = myself.clone();
        // An arrival at an owner that is gone hangs up by being dropped.
        let on_arrival = Box::new(move |arrival| drop(owner.cast(OwnerMessage::Arrived(arrival))));
        let mut hub = Hub::open(&directory, token, HubLimits::default(), on_arrival)?;
        let audience = Audience::of(console, recorder);
        let begin = if audience.follows() { Round::new } else { Round::hashed };
        let round = begin(Arc::clone(&run.world), run.plan.clone());
        let (lineup, orders) = Lineup::take_seats(&mut hub, &run.world, &run.plan, &round, &run.manual)?;
        let awaited = lineup.seats.keys().copied().collect();
        let hands = Hands::of(&lineup);
        let board = NoticeBoard::put_up(Arc::clone(&directory), &run.world, &run.plan, &lineup);
        Ok(Self {
            phase: Phase::Starting {
                staging: Staging::new(UNGREETED_MAX, orders.into_iter().map(|order| (order.seat, order))),
                awaited,
                present: BTreeMap::new(),
            },
            run,
            directory,
            round,
            hub: Some(hub),
            reports: Vec::new(),
            decisions: vec![Decision::default(); lineup.sres.len()],
            lineup,
            hands,
            keeper,
            audience,
            board,
            myself: myself.clone(),
            interrupted_by: None,
            enough: false,
            arrived: 0,
            clock: None,
            respawned: 0,
            ending: Some(ending),
        })
    }

    /// What a child is.
    fn name_of(&self, child: &ActorCell) -> &'static str {
        match child.get_id() {
            id if id == self.keeper.get_id() => "the process keeper",
            id if id == self.audience.console.actor().get_id() => "the console",
            id if id == self.audience.recorder.actor().get_id() => "the recorder",
            _ => "an actor",
        }
    }

    /// The bus, which is there until the farewell.
    fn hub(&mut self) -> Result<&mut Hub, DirectorError> {
        there(&mut self.hub)
    }

    async fn begin(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        let mut events = self.entries();
        events.extend(self.waiting());
        self.tell(events).await?;
        self.start_more(myself).await
    }

    /// Starts as many agents as may greet at once; plays when nobody is awaited any more.
    async fn start_more(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        let Phase::Starting { staging, awaited, .. } = &mut self.phase else { return Ok(()) };
        while let Some(order) = staging.next() {
            self.keeper.cast(KeeperMessage::Spawn(order)).map_err(DirectorError::actor)?;
        }
        if awaited.is_empty() || self.enough {
            self.phase = Phase::Between;
            return self.go_on(myself, self.next(Instant::now())).await;
        }
        if staging.first_greeting().is_some() {
            self.watch_the_clock(myself);
        }
        Ok(())
    }

    /// Wants to know if nobody arrives for too long from now on.
    fn watch_the_clock(&mut self, myself: &ActorRef<OwnerMessage>) {
        let arrived = self.arrived;
        let clock = myself.send_after(ARRIVAL_TIME, move || OwnerMessage::Overdue { arrived });
        if let Some(earlier) = self.clock.replace(clock) {
            earlier.abort();
        }
    }

    async fn arrived(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        arrival: Arrival,
    ) -> Result<(), DirectorError> {
        self.arrived += 1;
        self.watch(myself, &arrival)?;
        let seat = arrival.seat;
        let agent = self.lineup.seats[&seat].seen(arrival.pid);
        match &mut self.phase {
            Phase::Starting { staging, awaited, present } => {
                staging.greeted(seat);
                awaited.remove(&seat);
                present.insert(seat, agent);
                let (here, of) = (staging.here(), staging.all());
                self.hub()?.admit(arrival);
                self.seat_hand(seat);
                self.note(vec![Event::Starting { here, of }]);
                self.enough |= self.audience.tell_in_time().await?.is_break();
                self.tell_present().await?;
                self.start_more(myself).await
            }
            Phase::Awaiting { awaited, .. } if awaited.contains(&seat) => {
                awaited.remove(&seat);
                self.hub()?.admit(arrival);
                self.tell(vec![Event::Spawned { agent, awaited: None }]).await?;
                self.go_on_when_complete(myself).await
            }
            Phase::Between | Phase::Awaiting { .. } => self.at_the_door(arrival, agent).await,
            Phase::Over => Ok(()),
        }
    }

    /// Tells who is there: in the order of the seats when all are, but at once while people wait
    /// for it who start agents by hand.
    async fn tell_present(&mut self) -> Result<(), DirectorError> {
        let by_hand = self.awaited_hands();
        let Phase::Starting { awaited, present, .. } = &mut self.phase else { return Ok(()) };
        if !awaited.is_empty() && by_hand.is_none() {
            return Ok(());
        }
        let spawned = |(seat, agent)| Event::Spawned {
            agent,
            awaited: by_hand.clone().filter(|_| self.hands.hold(seat)),
        };
        let events = std::mem::take(present).into_iter().map(spawned).collect();
        self.tell(events).await
    }

    /// A process is gone. While a round is played, its connection tells; here it matters only for
    /// those that have not greeted.
    async fn exited(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        generation: u64,
        how: String,
    ) -> Result<(), DirectorError> {
        if self.lineup.seats[&seat].generation != generation {
            return Ok(());
        }
        match &mut self.phase {
            Phase::Starting { staging, .. } if staging.is_greeting(seat) => {
                let agent = self.lineup.seats[&seat].agent.clone();
                Err(DirectorError::NotStarted { agent, how })
            }
            Phase::Starting { .. } => self.start_again(myself, seat, how).await,
            Phase::Awaiting { awaited, .. } if awaited.contains(&seat) => {
                awaited.remove(&seat);
                self.hub()?.close_seat(seat);
                self.go_on_when_complete(myself).await
            }
            _ => Ok(()),
        }
    }

    /// An agent died that had greeted, before the run began: another one takes its seat.
    async fn start_again(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        how: String,
    ) -> Result<(), DirectorError> {
        let agent = self.lineup.seats[&seat].agent.clone();
        if self.lineup.seats[&seat].generation >= EARLY_SUCCESSORS_MAX {
            return Err(DirectorError::NotStarted { agent, how });
        }
        let token = Token::random().map_err(DirectorError::Randomness)?;
        if let Some(brief) = self.brief(seat) {
            self.hub()?.reopen_seat(seat, brief, Admits::Holder(token.clone()))?;
        }
        let order = self.lineup.successor(seat, token);
        let Phase::Starting { staging, awaited, present } = &mut self.phase else { return Ok(()) };
        order.into_iter().for_each(|order| staging.again(seat, order));
        awaited.insert(seat);
        if present.remove(&seat).is_none() {
            self.tell(vec![Event::Left { agent, how, again: None }]).await?;
        }
        self.start_more(myself).await
    }

    async fn overdue(&mut self, myself: &ActorRef<OwnerMessage>, arrived: u64) -> Result<(), DirectorError> {
        if arrived != self.arrived {
            return Ok(());
        }
        match &mut self.phase {
            Phase::Starting { staging, .. } => match staging.first_greeting() {
                Some(seat) => {
                    let agent = self.lineup.seats[&seat].agent.clone();
                    let how = format!("did not greet within {} s", ARRIVAL_TIME.as_secs());
                    Err(DirectorError::NotStarted { agent, how })
                }
                None => Ok(()),
            },
            Phase::Awaiting { awaited, .. } => {
                let missing = std::mem::take(awaited);
                for seat in missing {
                    self.keeper.cast(KeeperMessage::Kill(seat)).map_err(DirectorError::actor)?;
                    self.hub()?.close_seat(seat);
                }
                self.go_on_when_complete(myself).await
            }
            Phase::Between | Phase::Over => Ok(()),
        }
    }

    async fn interrupt(&mut self, signal: i32) -> Result<(), DirectorError> {
        self.interrupted_by = Some(signal);
        match self.phase {
            Phase::Starting { .. } | Phase::Between => self.end().await,
            Phase::Awaiting { .. } | Phase::Over => Ok(()),
        }
    }
}

/// The bus, which is there until the farewell.
fn there(hub: &mut Option<Hub>) -> Result<&mut Hub, DirectorError> {
    hub.as_mut().ok_or_else(|| DirectorError::Actor("the bus is closed".to_owned()))
}

// ---- rounds -----------------------------------------------------------------------------------

impl State {
    /// Plays rounds, until they have to wait for something or others have to be heard.
    async fn play(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        let burst = Instant::now() + BURST;
        while matches!(self.phase, Phase::Between) {
            let began = Instant::now();
            let awaited = self.open_round()?;
            if !awaited.is_empty() {
                self.phase = Phase::Awaiting { awaited, began };
                self.watch_the_clock(myself);
                return self.tell(Vec::new()).await;
            }
            self.exchange().await?;
            match self.next(began) {
                Next::AtOnce if Instant::now() < burst => {}
                next => return self.go_on(myself, next).await,
            }
        }
        Ok(())
    }

    /// Opens a round; gives the agents that have to come before it goes on.
    fn open_round(&mut self) -> Result<BTreeSet<SeatId>, DirectorError> {
        self.let_return()?;
        let servers = self.round.open().respawn.clone();
        self.board.opened(&self.myself, self.round.number());
        self.respawn(&servers)
    }

    /// Starts a new process for each of these servers, with a fresh brief.
    fn respawn(&mut self, servers: &[ServerId]) -> Result<BTreeSet<SeatId>, DirectorError> {
        let mut awaited = BTreeSet::new();
        for server in servers {
            let seat = self.lineup.servers[server.index()];
            if self.hands.hold(seat) {
                // Whoever started it brings it back; until then it is missed again.
                continue;
            }
            let token = Token::random().map_err(DirectorError::Randomness)?;
            let brief = Brief::Server(Box::new(self.round.server_brief(*server)));
            self.hub()?.reopen_seat(seat, brief, Admits::Holder(token.clone()))?;
            if let Some(order) = self.lineup.successor(seat, token) {
                self.keeper.cast(KeeperMessage::Spawn(order)).map_err(DirectorError::actor)?;
                self.respawned += 1;
                awaited.insert(seat);
            }
        }
        Ok(awaited)
    }

    async fn go_on_when_complete(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        match std::mem::replace(&mut self.phase, Phase::Between) {
            Phase::Awaiting { awaited, began } if awaited.is_empty() => {
                self.exchange().await?;
                self.go_on(myself, self.next(began)).await
            }
            other => {
                self.phase = other;
                Ok(())
            }
        }
    }

    /// The two barriers of a round, and its end.
    async fn exchange(&mut self) -> Result<(), DirectorError> {
        self.phase = Phase::Between;
        let mut events = Vec::new();
        self.ask_servers(&mut events).await?;
        self.round.observe(&mut self.reports);
        self.ask_sres(&mut events).await?;
        self.round.close(&self.decisions);
        events.extend(self.entries());
        self.note(events);
        self.enough |= self.audience.tell_in_time().await?.is_break();
        Ok(())
    }

    /// Collects the reports of all servers; `None` from those that are lost.
    async fn ask_servers(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        let number = self.round.number();
        let Self { round, hub, lineup, reports, .. } = self;
        let told = lineup.servers.iter().zip(&round.opening().ticks);
        let asked = told.filter_map(|(seat, tick)| Some((*seat, tick.as_ref()?)));
        let answers = there(hub)?.ask_servers(asked.clone(), self.run.answer_time).await;
        let mut lost = Vec::new();
        let mut answers = asked.zip(answers).map(|((seat, tick), answer)| {
            let services = plausible::services(tick);
            let sound = |report: Report| match plausible::report(&report, number, services) {
                Ok(()) => Ok(report),
                Err(why) => Err(Dropped::For(why)),
            };
            answer.and_then(sound).map_err(|why| lost.push((seat, why))).ok()
        });
        reports.clear();
        reports.extend(round.opening().ticks.iter().map(|tick| tick.as_ref().and_then(|_| answers.next()?)));
        drop(answers);
        for (seat, why) in lost {
            self.lose(seat, why, events).await?;
        }
        Ok(())
    }

    /// Collects the decisions of all SREs; empty ones from those that are lost.
    async fn ask_sres(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        for (sre, seat) in self.sres_that_left() {
            self.round.lose_sre(sre);
            self.lose(seat, Dropped::Gone, events).await?;
        }
        let number = self.round.number();
        let Self { round, hub, lineup, decisions, .. } = self;
        let hub = there(hub)?;
        let mut asked = Vec::new();
        for (index, (sre, decision)) in lineup.sres.iter_mut().zip(&mut *decisions).enumerate() {
            decision.begin(number);
            match sre {
                Sre::Oracle(oracle) => oracle.decide(round.observation(), &round.truth(), decision),
                Sre::Process(seat) if hub.is_connected(*seat) => asked.push((SreId::from(index), *seat)),
                Sre::Process(_) => {}
            }
        }
        let shown = asked.iter().map(|(sre, seat)| (*seat, round.results(*sre)));
        let answers = hub.ask_sres(round.observation(), shown, Some(self.run.answer_time)).await;
        for ((sre, seat), answer) in asked.into_iter().zip(answers) {
            let sound = |decision: Decision| match plausible::decision(&decision, number) {
                Ok(()) => Ok(decision),
                Err(why) => Err(Dropped::For(why)),
            };
            match answer.and_then(sound) {
                Ok(decision) => self.decisions[sre.index()] = decision,
                Err(why) => {
                    self.round.lose_sre(sre);
                    self.lose(seat, why, events).await?;
                }
            }
        }
        Ok(())
    }

    /// Parts with an agent that is gone or broke a rule; its process does not survive that.
    async fn lose(
        &mut self,
        seat: SeatId,
        why: Dropped,
        events: &mut Vec<Event>,
    ) -> Result<(), DirectorError> {
        let hub = self.hub()?;
        if let (true, Dropped::For(why)) = (hub.is_connected(seat), &why) {
            hub.expel(seat, why.clone());
        }
        let broken_rule = match &why {
            Dropped::Gone => None,
            Dropped::For(Refusal::Late) => Some(format!("no answer within {:?}", self.run.answer_time)),
            Dropped::For(_) => Some(why.to_string()),
        };
        if self.hands.hold(seat) {
            events.extend(self.lose_hand(seat, broken_rule)?);
            return Ok(());
        }
        let how = match broken_rule {
            Some(how) => how,
            None => self.how_ended(seat).await.unwrap_or_else(|| why.to_string()),
        };
        self.keeper.cast(KeeperMessage::Kill(seat)).map_err(DirectorError::actor)?;
        events.push(Event::Lost { agent: self.lineup.seats[&seat].agent.clone(), how, again: None });
        Ok(())
    }

    async fn how_ended(&self, seat: SeatId) -> Option<String> {
        let asked = self.keeper.call(|reply| KeeperMessage::HowEnded(seat, reply), Some(OBITUARY_TIME)).await;
        asked.ok()?.success_or(()).ok()
    }

    /// What follows a round that began then.
    fn next(&self, began: Instant) -> Next {
        if self.round.is_over() || self.interrupted_by.is_some() || self.enough {
            return Next::End;
        }
        let due = self.run.pace.filter(|_| self.round.number() > 0).map(|pace| began + pace);
        match due.map(|due| due.saturating_duration_since(Instant::now())) {
            Some(rest) if !rest.is_zero() => Next::After(rest),
            _ => Next::AtOnce,
        }
    }

    /// Has the next round played when it is due, after whatever else there is to be heard; or ends.
    async fn go_on(&mut self, myself: &ActorRef<OwnerMessage>, next: Next) -> Result<(), DirectorError> {
        match next {
            Next::End => return self.end().await,
            Next::After(rest) => {
                self.tell(Vec::new()).await?;
                drop(myself.send_after(rest, || OwnerMessage::Play));
            }
            Next::AtOnce => myself.cast(OwnerMessage::Play).map_err(DirectorError::actor)?,
        }
        Ok(())
    }
}

/// What follows a round.
enum Next {
    /// Another, at once.
    AtOnce,
    /// Another, when some time has passed.
    After(Duration),
    /// Nothing.
    End,
}

// ---- the end ----------------------------------------------------------------------------------

impl State {
    /// Finishes the run, says farewell, and waits until every process has gone.
    async fn end(&mut self) -> Result<(), DirectorError> {
        self.phase = Phase::Over;
        let outcome = self.round.finish();
        let entries = self.entries();
        self.tell(entries).await?;
        let hub = self.hub.take().ok_or_else(|| DirectorError::Actor("the run ended twice".to_owned()))?;
        let counters = hub.farewell();
        // The keeper makes those go who do not go by themselves.
        let left = self.keeper.call(KeeperMessage::Leave, None).await;
        left.map_err(DirectorError::actor)?;
        let journal_hash = self.round.journal_hash();
        // A signal that came during the last round ended nothing early.
        let interrupted_by = self.interrupted_by.filter(|_| !self.round.is_over());
        let finished = Finished { outcome, journal_hash, interrupted_by };
        self.conclude(Ok((finished, BusStats { counters, respawned: self.respawned })));
        Ok(())
    }

    fn fail(&mut self, error: DirectorError) {
        self.phase = Phase::Over;
        self.conclude(Err(error));
    }

    fn conclude(&mut self, ending: Ending) {
        if let Some(to) = self.ending.take() {
            // A director that is gone needs no ending.
            let _ = to.send(ending);
        }
    }

    fn entries(&mut self) -> Vec<Event> {
        self.round.take_entries().into_iter().map(Event::Entry).collect()
    }

    /// Tells what happened, before the run may come to wait for something else.
    async fn tell(&mut self, events: Vec<Event>) -> Result<(), DirectorError> {
        self.note(events);
        self.enough |= self.audience.tell().await?.is_break();
        Ok(())
    }

    /// Takes down what happened, to be told in time.
    fn note(&mut self, events: Vec<Event>) {
        if !events.is_empty() {
            self.board.tell(&self.myself, &events);
            self.audience.gather(events);
        }
    }
}
