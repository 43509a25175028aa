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
//! How a round goes is in [`rounds`], what becomes of processes that fail before they take part in
//! [`restarts`]; agents that are started by hand come and go as they like: see [`hands`]. Between two rounds
//! single requests may be served: see [`probes`].

mod hands;
mod probes;
mod restarts;
mod rounds;

use super::audience::{Audience, Correspondent};
use super::evidence::{ChaosLife, Evidence};
use super::lineup::Lineup;
use super::messages::{KeeperMessage, Order, OwnerMessage};
use super::notice_board::NoticeBoard;
use super::process_keeper::{KeeperArguments, ProcessKeeper};
use super::staging::Staging;
use super::supervision::Restarts;
use super::{BusStats, DirectorError, OfThisMachine, ProcessRun};
use crate::event::{Agent, Event, Finished, Interest};
use crate::sre_programs::is_program;
use crate::watchers::{Records, Screen};
use bus::address::RunDirectory;
use bus::hub::{Arrival, Hub, HubLimits, SeatId, UNGREETED_MAX};
use bus::token::Token;
use hands::Hands;
use probes::Probes;
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, MessagingErr, SupervisionEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use worlds::message::{Decision, Report};
use worlds::round::Round;

/// From one arrival to the next while agents start: an agent needs a few milliseconds, so after
/// this long on a loaded machine something is wrong with it.
const ARRIVAL_TIME: Duration = Duration::from_secs(30);

/// What a run comes to.
pub(super) type Ending = Result<(Finished, OfThisMachine), DirectorError>;

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
    /// Tells of the signal that ends the run, also while this waits for somebody.
    pub interrupted: watch::Receiver<Option<i32>>,
}

/// Successors for which a round waits, each with the fault that struck its predecessor.
type Awaited = BTreeMap<SeatId, Option<u32>>;

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
    Awaiting { awaited: Awaited, began: Instant },
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
    probes: Probes,
    keeper: ActorRef<KeeperMessage>,
    audience: Audience,
    board: NoticeBoard,
    myself: ActorRef<OwnerMessage>,
    phase: Phase,
    interrupted: watch::Receiver<Option<i32>>,
    interrupted_by: Option<i32>,
    /// A signal ended the wait for somebody's answer.
    wait_cut: bool,
    /// A word was said about whom the run waits for.
    long_wait_told: bool,
    /// The watchers have seen enough.
    enough: bool,
    /// Agents that greeted so far.
    arrived: u64,
    /// Tells if nobody arrives for too long.
    clock: Option<JoinHandle<Result<(), MessagingErr<OwnerMessage>>>>,
    respawned: u64,
    evidence: Evidence,
    restarts: Restarts<SeatId>,
    /// What makes the run invalid, beside what the model knows.
    troubles: Vec<String>,
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
            has_programs: given.run.plan.sres.iter().any(is_program),
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
            OwnerMessage::TryAgain { seat, generation } => state.try_again(&myself, seat, generation).await,
            OwnerMessage::TooLate { seat, generation } => state.too_late(&myself, seat, generation).await,
            OwnerMessage::StatusDue => {
                state.board.write();
                Ok(())
            }
            OwnerMessage::Play => state.play(&myself).await,
            OwnerMessage::Probe(order) => state.take_probe(order).await,
            OwnerMessage::Overdue { arrived } => state.overdue(arrived),
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
        let OwnerArguments { run, directory, console, recorder, ending, interrupted, .. } = given;
        let token = Token::random().map_err(DirectorError::Randomness)?;
        directory.write_token(&token)?;
        let owner = myself.clone();
        // An arrival at an owner that is gone hangs up by being dropped.
        let on_arrival = Box::new(move |arrival| drop(owner.cast(OwnerMessage::Arrived(arrival))));
        let mut hub = Hub::open(&directory, token, HubLimits::default(), on_arrival)?;
        let audience = Audience::of(console, recorder);
        let begin = if audience.interest() >= Interest::Records { Round::new } else { Round::hashed };
        let round = begin(Arc::clone(&run.world), run.plan.clone());
        let (lineup, orders) = Lineup::take_seats(&mut hub, &run, &round)?;
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
            probes: Probes::default(),
            keeper,
            audience,
            board,
            myself: myself.clone(),
            interrupted,
            interrupted_by: None,
            wait_cut: false,
            long_wait_told: false,
            enough: false,
            arrived: 0,
            clock: None,
            respawned: 0,
            evidence: Evidence::new(),
            restarts: Restarts::new(),
            troubles: Vec::new(),
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
            self.restarts = Restarts::new();
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
        let seat = arrival.seat;
        if !self.watch(myself, &arrival) {
            // Nobody would tell when it goes. Whoever started it can try again.
            drop(arrival);
            return self.open_again(seat);
        }
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
            Phase::Awaiting { awaited, .. } if awaited.contains_key(&seat) => {
                let struck_by = awaited.remove(&seat).flatten();
                self.evidence.revived(struck_by, "a new process joined".to_owned());
                self.restarts.forgive(&seat);
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

    /// Nobody arrived for too long while agents were to start.
    fn overdue(&self, arrived: u64) -> Result<(), DirectorError> {
        let Phase::Starting { staging, .. } = &self.phase else { return Ok(()) };
        match staging.first_greeting() {
            Some(seat) if arrived == self.arrived => {
                let agent = self.lineup.seats[&seat].agent.clone();
                let how = format!("did not greet within {} s", ARRIVAL_TIME.as_secs());
                Err(DirectorError::NotStarted { agent, how, tries: 1 })
            }
            _ => Ok(()),
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

// ---- the end ----------------------------------------------------------------------------------

impl State {
    /// Finishes the run, says farewell, and waits until every process has gone.
    async fn end(&mut self) -> Result<(), DirectorError> {
        self.phase = Phase::Over;
        let outcome = self.round.finish();
        let entries = self.entries();
        self.tell(entries).await?;
        let mut hub =
            self.hub.take().ok_or_else(|| DirectorError::Actor("the run ended twice".to_owned()))?;
        // Those who wait for a round that does not open hear the farewell, too.
        self.hands.take_waiting().into_iter().for_each(|arrival| hub.admit(arrival));
        let counters = hub.farewell();
        // The keeper makes those go who do not go by themselves.
        let left = self.keeper.call(KeeperMessage::Leave, None).await;
        left.map_err(DirectorError::actor)?;
        let journal_hash = self.round.journal_hash();
        // A signal that came during the last round ended nothing early, unless somebody was still to answer.
        let interrupted_by = self.interrupted_by.filter(|_| !self.round.is_over() || self.wait_cut);
        let chaos = self.evidence.lives(&self.round, &self.run.plan);
        let mut troubles = std::mem::take(&mut self.troubles);
        troubles.extend(chaos.iter().filter_map(ChaosLife::complaint));
        let finished = Finished { outcome, journal_hash, interrupted_by, troubles };
        let bus = BusStats { counters, respawned: self.respawned };
        self.conclude(Ok((finished, OfThisMachine { bus, chaos })));
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
