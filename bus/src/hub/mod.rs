//! The director's side of the bus: who is connected, and one question to all of them at a time.
//!
//! [`Hub`] is a plain value that its owner asks: [`Hub::ask_servers`] sends a message to each of a set
//! of agents and collects the answers until a deadline, as [`Hub::ask_server`] does with one; so do
//! [`Hub::show_sres`] and [`Hub::decisions`], and between the two their caller can do something else. There is no task
//! and no queue for each agent, because these cost more than the sockets do. Only greetings happen
//! by themselves (see [`Arrival`]); an agent takes part from the moment in which the owner admits it.
//!
//! An agent that is late, gone, malformed or out of its role is told why, dropped and counted; all
//! others go on. Its seat is closed until the owner reopens it.

mod connection;
mod door;
mod lobby;
mod register;
mod stranger;
mod turnstile;

pub use door::{Arrival, OnArrival};
pub use register::{Counters, SeatId};

use crate::address::RunDirectory;
use crate::frame::{self, FrameError};
use crate::token::Token;
use crate::wire::{
    Brief, FromAgent, FromServer, FromSre, GREETING_TIME, Greeting, Refusal, Role, ToServer, ToSre,
};
use connection::{Connection, ReadError, Wait};
use door::Door;
use interprocess::local_socket::ListenerOptions;
use interprocess::local_socket::prelude::*;
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use register::{Register, Seat, SeatState};
use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use worlds::definition::SkillName;
use worlds::message::{ActionResult, Decision, Observation, Report, Serve, Served, Tick};

/// Connections that have not greeted yet; when more come, one of those goes. Each takes a task, a descriptor
/// and a few kilobytes.
pub const UNGREETED_MAX: usize = 64;

/// Connections that wait to be taken in: a quarter of a second's. Whoever comes then sleeps until there
/// is room.
const QUEUED_MAX: i32 = 512;

/// For agents that never answer or never read: far above what a round of the largest world takes.
const NO_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What strangers may take.
#[derive(Clone, Copy, Debug)]
pub struct HubLimits {
    /// From connecting to a whole greeting.
    pub greeting_time: Duration,
    /// Connections that have not greeted yet.
    pub ungreeted_max: usize,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self { greeting_time: GREETING_TIME, ungreeted_max: UNGREETED_MAX }
    }
}

/// Why there is no bus, or no seat.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The socket could not be made.
    #[error("cannot listen on {}: {source}", path.display())]
    Listen {
        /// The socket.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two agents of one role and name.
    #[error("two agents are named {0}")]
    DuplicateName(String),
    /// The world does not fit into the brief.
    #[error("the brief of {agent}: {source}")]
    Brief {
        /// Whose.
        agent: String,
        /// Why.
        source: FrameError,
    },
}

/// Who may take a seat.
#[derive(Clone, Debug)]
pub enum Admits {
    /// Any process that holds the run's token: an agent that is started by hand.
    Anyone,
    /// The process that was handed this token.
    Holder(Token),
}

/// An agent of the run, before it is there.
#[derive(Clone, Debug)]
pub struct SeatPlan {
    /// Its name, without the role.
    pub name: String,
    /// For an SRE with skills, which.
    pub skill: Option<SkillName>,
    /// What it is told when it comes; it says the role, too.
    pub brief: Brief,
    /// Who may take the seat.
    pub admits: Admits,
}

/// Why an agent is no longer there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// It hung up, or never came.
    #[error("the connection ended")]
    Gone,
    /// It broke a rule, and was told which.
    #[error("{0}")]
    For(Refusal),
}

/// The agents of a run, as connections.
#[derive(Debug)]
pub struct Hub {
    door: Arc<Door>,
    keeper: JoinHandle<()>,
    run_token: Token,
    connections: Vec<Option<Connection>>,
    /// What is sent to one agent.
    outbox: Vec<u8>,
    /// What is shown to all SREs.
    shown: Vec<u8>,
}

/// Agents that were to be asked; those whom it reached owe an answer.
#[derive(Debug)]
#[must_use = "agents that were asked have to be heard"]
pub struct Asked(Vec<Question>);

impl Asked {
    /// Parts those who are to be heard otherwise than the rest.
    pub fn part(self, is_other: impl Fn(SeatId) -> bool) -> (Self, Self) {
        let (others, rest) = self.0.into_iter().partition(|(seat, _)| is_other(*seat));
        (Self(others), Self(rest))
    }

    /// Each by itself, with its seat, so that whoever hears one may stop waiting for it.
    pub fn singly(self) -> impl Iterator<Item = (SeatId, Self)> {
        self.0.into_iter().map(|question| (question.0, Self(vec![question])))
    }
}

/// An agent, and whether the question is on its way.
type Question = (SeatId, Result<(), Dropped>);

impl Drop for Hub {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Hub {
    /// Opens the bus in a directory; `on_arrival` is called from within the runtime for each agent
    /// that has greeted.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(
        directory: &RunDirectory,
        run_token: Token,
        limits: HubLimits,
        on_arrival: OnArrival,
    ) -> Result<Self, HubError> {
        let path = directory.socket();
        let listener = listen(&path).map_err(|source| HubError::Listen { path, source })?;
        let door = Door::new(Register::new(run_token.clone()), limits, on_arrival);
        let keeper = tokio::spawn(door.clone().keep(listener));
        Ok(Self { door, keeper, run_token, connections: Vec::new(), outbox: Vec::new(), shown: Vec::new() })
    }

    // ---- seats --------------------------------------------------------------------------------

    /// Adds a seat, open from now on.
    pub fn add_seat(&mut self, plan: SeatPlan) -> Result<SeatId, HubError> {
        let agent = plan.brief.role().agent_name(&plan.name);
        let seat = Seat {
            role: plan.brief.role(),
            name: plan.name,
            skill: plan.skill,
            admits: self.token_for(plan.admits),
            welcome: welcome(&agent, plan.brief)?,
            state: SeatState::Open,
        };
        let id = self.door.register().add(seat).ok_or(HubError::DuplicateName(agent))?;
        self.connections.push(None);
        Ok(id)
    }

    /// Opens the seat of an agent that was lost, for a successor with a brief of its own.
    pub fn reopen_seat(&mut self, id: SeatId, brief: Brief, admits: Admits) -> Result<(), HubError> {
        let admits = self.token_for(admits);
        self.connections[id.0] = None;
        let mut register = self.door.register();
        let seat = register.seat_mut(id);
        seat.welcome = welcome(&seat.role.agent_name(&seat.name), brief)?;
        seat.admits = admits;
        seat.state = SeatState::Open;
        Ok(())
    }

    /// Lets an agent take part that has arrived.
    pub fn admit(&mut self, arrival: Arrival) {
        self.door.register().counters.joined += 1;
        self.connections[arrival.seat.0] = Some(arrival.connection);
    }

    /// Drops an agent that its owner found to break a rule; says why, and counts it.
    pub fn expel(&mut self, id: SeatId, why: Refusal) {
        if let Some(mut connection) = self.connections[id.0].take() {
            self.outbox.clear();
            let role = self.door.register().seat(id).role;
            if encode_refusal(role, &why, &mut self.outbox).is_ok() {
                connection.send_last(&self.outbox);
            }
            self.door.register().counters.refused(&why);
        }
        self.close_seat(id);
    }

    /// Closes a seat that nobody took, or whose agent is gone.
    pub fn close_seat(&mut self, id: SeatId) {
        self.connections[id.0] = None;
        self.door.register().seat_mut(id).state = SeatState::Closed;
    }

    /// Whether an agent takes part.
    pub fn is_connected(&self, id: SeatId) -> bool {
        self.connections[id.0].is_some()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.door.register().counters
    }

    fn token_for(&self, admits: Admits) -> Token {
        match admits {
            Admits::Anyone => self.run_token.clone(),
            Admits::Holder(token) => token,
        }
    }

    // ---- questions ----------------------------------------------------------------------------

    /// Sends each server its tick and collects the reports, in the order of the ticks.
    pub async fn ask_servers<'a>(
        &mut self,
        ticks: impl IntoIterator<Item = (SeatId, &'a Tick)>,
        limit: Duration,
    ) -> Vec<Result<Report, Dropped>> {
        let mut asked = Vec::with_capacity(self.connections.len());
        for (seat, tick) in ticks {
            self.outbox.clear();
            let encoded = frame::encode(&ToServer::Tick(Cow::Borrowed(tick)), &mut self.outbox);
            asked.push((seat, self.ask(seat, encoded)));
        }
        self.answers(Asked(asked), Some(limit), |answer| match answer {
            FromAgent::Server(FromServer::Report(report)) => Ok(report.into_owned()),
            FromAgent::Server(FromServer::Served(_)) => Err(Refusal::OutOfTurn),
            FromAgent::Sre(_) => Err(Refusal::OutOfRole { role: Role::Server }),
        })
        .await
    }

    /// Sends one server a single request, and waits for what became of it.
    pub async fn ask_server(
        &mut self,
        seat: SeatId,
        request: &Serve,
        limit: Duration,
    ) -> Result<Served, Dropped> {
        self.outbox.clear();
        let encoded = frame::encode(&ToServer::Serve(*request), &mut self.outbox);
        let asked = Asked(vec![(seat, self.ask(seat, encoded))]);
        let answers = self.answers(asked, Some(limit), |answer| match answer {
            FromAgent::Server(FromServer::Served(served)) if served.probe == request.probe => Ok(served),
            FromAgent::Server(_) => Err(Refusal::OutOfTurn),
            FromAgent::Sre(_) => Err(Refusal::OutOfRole { role: Role::Server }),
        });
        answers.await.pop().unwrap_or(Err(Dropped::Gone))
    }

    /// Shows SREs the same observation, and each of them the results of its own actions. What
    /// their sockets do not take at once is sent when they are heard: see [`Hub::decisions`]. Whoever has
    /// decided before it was shown anything is not heard: of what SREs may do, nothing is to follow from a decision
    /// on what its SRE cannot have seen. (A server's report is of nothing but itself, and servers are many: of
    /// them only what has arrived with the answer before is found unasked.)
    pub fn show_sres<'a>(
        &mut self,
        observation: &Observation,
        sres: impl IntoIterator<Item = (SeatId, &'a [ActionResult])>,
    ) -> Asked {
        let mut shown = std::mem::take(&mut self.shown);
        shown.clear();
        let encoded = frame::encode(&ToSre::Observe(Cow::Borrowed(observation)), &mut shown);
        let mut asked = Vec::new();
        for (seat, results) in sres {
            self.outbox.clear();
            let encoded = encoded.clone().and_then(|()| match results {
                [] => Ok(()),
                results => frame::encode(&ToSre::Results(Cow::Borrowed(results)), &mut self.outbox),
            });
            self.outbox.extend_from_slice(&shown);
            let is_early = self.connections[seat.0].as_ref().is_some_and(Connection::has_spoken);
            let question =
                if is_early { Err(Dropped::For(Refusal::OutOfTurn)) } else { self.ask(seat, encoded) };
            asked.push((seat, question));
        }
        self.shown = shown;
        Asked(asked)
    }

    /// Collects the decisions of SREs that were shown something, in their order. Without a limit they
    /// may take their time: one may be a person. Whoever stops waiting drops this, and nothing is lost but the
    /// answers that it would have given: whom they came from must not be asked again.
    pub async fn decisions(
        &mut self,
        asked: Asked,
        limit: Option<Duration>,
    ) -> Vec<Result<Decision, Dropped>> {
        self.answers(asked, limit, |answer| match answer {
            FromAgent::Sre(FromSre::Decide(decision)) => Ok(decision.into_owned()),
            FromAgent::Server(_) => Err(Refusal::OutOfRole { role: Role::Sre }),
        })
        .await
    }

    /// Sends what is in the outbox, as much as the socket takes in time. Tells whether there will be
    /// an answer.
    fn ask(&mut self, id: SeatId, encoded: Result<(), FrameError>) -> Result<(), Dropped> {
        let connection = self.connections[id.0].as_mut().ok_or(Dropped::Gone)?;
        if encoded.is_err() {
            return Err(Dropped::For(Refusal::TooLong));
        }
        if connection.has_more() {
            return Err(Dropped::For(Refusal::OutOfTurn));
        }
        if connection.has_unsent() {
            return Err(Dropped::For(Refusal::Late));
        }
        connection.send(&self.outbox).map_err(|_| Dropped::Gone)
    }

    /// The answers to what was asked, in its order; parts with those who broke a rule.
    async fn answers<Answer>(
        &mut self,
        Asked(asked): Asked,
        limit: Option<Duration>,
        understood: impl Fn(FromAgent<'static>) -> Result<Answer, Refusal>,
    ) -> Vec<Result<Answer, Dropped>> {
        // Without cooperative yielding: an answer that is there must be seen however many there are.
        let (mut sent, mut received) = (0, 0);
        let arrived = |answer| {
            received += 1;
            understood(answer).map_err(Dropped::For)
        };
        let answers = tokio::task::unconstrained(self.collect(&asked, limit, arrived)).await;
        for ((id, question), answer) in asked.iter().zip(&answers) {
            sent += u64::from(question.is_ok());
            if let Err(why) = answer {
                self.drop_agent(*id, why.clone());
            }
        }
        let mut register = self.door.register();
        register.counters.frames_sent += sent;
        register.counters.frames_received += received;
        answers
    }

    /// Waits for the answers, in order: those behind are kept by their sockets meanwhile.
    async fn collect<Answer>(
        &mut self,
        asked: &[Question],
        limit: Option<Duration>,
        mut arrived: impl FnMut(FromAgent<'static>) -> Result<Answer, Dropped>,
    ) -> Vec<Result<Answer, Dropped>> {
        let deadline = Instant::now() + limit.unwrap_or(NO_DEADLINE);
        self.flush(deadline).await;
        let mut wait = Wait::at_first();
        let mut answers = Vec::with_capacity(asked.len());
        for (id, sent) in asked {
            answers.push(match (sent, &mut self.connections[id.0]) {
                // It cannot answer what it has not taken; and what is unsent must not pile up.
                (Ok(()), Some(connection)) if connection.has_unsent() => Err(Dropped::For(Refusal::Late)),
                (Ok(()), Some(connection)) => match connection.receive_soon(&mut wait) {
                    Ok(Some(answer)) => arrived(answer),
                    Ok(None) => {
                        wait.no_longer();
                        answer_by(deadline, connection).await.and_then(&mut arrived)
                    }
                    Err(error) => Err(dropped(error)),
                },
                (Ok(()), None) => Err(Dropped::Gone),
                (Err(why), _) => Err(why.clone()),
            });
        }
        answers
    }

    /// Writes what sockets did not take in time, to all of them side by side.
    async fn flush(&mut self, deadline: Instant) {
        let slow = self.connections.iter_mut().flatten().filter(|connection| connection.has_unsent());
        let mut flushes: Vec<_> = slow.map(|connection| Box::pin(connection.flush())).collect();
        if flushes.is_empty() {
            return;
        }
        let flushed = poll_fn(|context| {
            flushes.retain_mut(|flush| flush.as_mut().poll(context).is_pending());
            if flushes.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        // Those who did not take it all by then are late; reading tells of those who are gone.
        let _ = timeout_at(deadline, flushed).await;
    }

    fn drop_agent(&mut self, id: SeatId, why: Dropped) {
        match why {
            Dropped::For(why) => self.expel(id, why),
            // A seat that nobody had stays as its owner left it: it may be open to a successor.
            Dropped::Gone if self.connections[id.0].is_none() => {}
            Dropped::Gone => {
                self.door.register().counters.gone += 1;
                self.close_seat(id);
            }
        }
    }

    /// Says farewell to everyone and closes the bus.
    pub fn farewell(mut self) -> Counters {
        for index in 0..self.connections.len() {
            let Some(mut connection) = self.connections[index].take() else { continue };
            let role = self.door.register().seat(SeatId(index)).role;
            self.outbox.clear();
            if encode_bye(role, &mut self.outbox).is_ok() {
                connection.send_last(&self.outbox);
            }
        }
        self.counters()
    }
}

fn listen(path: &std::path::Path) -> io::Result<interprocess::local_socket::tokio::Listener> {
    let name = path.as_os_str().to_fs_name::<interprocess::local_socket::GenericFilePath>()?;
    // The run directory removes the socket; a listener that did might remove another's.
    let listener = ListenerOptions::new().name(name).mode(0o600).reclaim_name(false).create_tokio()?;
    let interprocess::local_socket::tokio::Listener::UdSocket(socket) = &listener;
    rustix::net::listen(socket.as_fd(), QUEUED_MAX)?;
    Ok(listener)
}

fn welcome(agent: &str, brief: Brief) -> Result<Arc<[u8]>, HubError> {
    let mut bytes = Vec::new();
    match frame::encode(&Greeting::Welcome(brief), &mut bytes) {
        Ok(()) => Ok(bytes.into()),
        Err(source) => Err(HubError::Brief { agent: agent.to_owned(), source }),
    }
}

/// The answer of an agent that takes its time.
async fn answer_by(deadline: Instant, connection: &mut Connection) -> Result<FromAgent<'static>, Dropped> {
    match timeout_at(deadline, connection.receive()).await {
        Ok(answer) => answer.map_err(dropped),
        Err(_late) => Err(Dropped::For(Refusal::Late)),
    }
}

/// What becomes of an agent from which nothing can be read.
fn dropped(error: ReadError) -> Dropped {
    match error {
        ReadError::Gone => Dropped::Gone,
        ReadError::Frame(error) => Dropped::For(refusal_of(&error)),
    }
}

/// What a peer is told that sent such a frame.
fn refusal_of(error: &FrameError) -> Refusal {
    match error {
        FrameError::TooLong { .. } => Refusal::TooLong,
        FrameError::Version { .. } => Refusal::Protocol { ours: crate::wire::PROTOCOL },
        FrameError::Empty | FrameError::Codec(_) | FrameError::Trailing { .. } => Refusal::Malformed,
    }
}

fn encode_refusal(role: Role, why: &Refusal, into: &mut Vec<u8>) -> Result<(), FrameError> {
    match role {
        Role::Server => frame::encode(&ToServer::Refused(why.clone()), into),
        Role::Sre => frame::encode(&ToSre::Refused(why.clone()), into),
    }
}

fn encode_bye(role: Role, into: &mut Vec<u8>) -> Result<(), FrameError> {
    match role {
        Role::Server => frame::encode(&ToServer::Bye, into),
        Role::Sre => frame::encode(&ToSre::Bye, into),
    }
}
