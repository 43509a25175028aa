//! The director's side of the bus: who is connected, and one question to all of them at a time.
//!
//! [`Hub`] is a plain value that its owner asks: [`Hub::ask_servers`] and [`Hub::ask_sres`] send a
//! message to each of a set of agents and collect the answers until a deadline. There is no task
//! and no queue for each agent, because these cost more than the sockets do. Only greetings happen
//! by themselves (see [`Arrival`]); an agent takes part from the moment in which the owner admits it.
//!
//! An agent that is late, gone, malformed or out of its role is told why, dropped and counted; all
//! others go on. Its seat is closed until the owner reopens it.

mod connection;
mod door;
mod register;

pub use door::{Arrival, OnArrival};
pub use register::{Counters, SeatId};

use crate::address::RunDirectory;
use crate::frame::{self, FrameError};
use crate::token::Token;
use crate::wire::{
    Brief, FromAgent, FromServer, FromSre, GREETING_TIME, Greeting, Refusal, Role, ToServer, ToSre,
};
use connection::{Connection, ReadError};
use door::Door;
use interprocess::local_socket::ListenerOptions;
use interprocess::local_socket::prelude::*;
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use register::{Register, Seat, SeatState};
use serde::Serialize;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};
use worlds::definition::SkillName;
use worlds::message::{ActionResult, Decision, Observation, Report, Tick};

/// Connections that have not greeted yet; more wait in the socket's queue. Each takes a task and a
/// few kilobytes.
pub const UNGREETED_MAX: usize = 64;

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
    outbox: Vec<u8>,
}

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
        Ok(Self { door, keeper, run_token, connections: Vec::new(), outbox: Vec::new() })
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
    pub async fn expel(&mut self, id: SeatId, why: Refusal) {
        if let Some(mut connection) = self.connections[id.0].take() {
            self.outbox.clear();
            let role = self.door.register().seat(id).role;
            if encode_refusal(role, &why, &mut self.outbox).is_ok() {
                // Whoever does not take it at once goes without.
                let _ = connection.send_now(&self.outbox).await;
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
    pub async fn ask_servers(
        &mut self,
        ticks: impl IntoIterator<Item = (SeatId, Tick)>,
        limit: Duration,
    ) -> Vec<Result<Report, Dropped>> {
        let ticks = ticks.into_iter().map(|(seat, tick)| (seat, ToServer::Tick(tick)));
        self.ask(Role::Server, ticks, Some(limit), |answer| match answer {
            FromAgent::Server(FromServer::Report(report)) => Some(report),
            FromAgent::Sre(_) => None,
        })
        .await
    }

    /// Shows each SRE its observation and collects the decisions, in the order of the observations.
    /// Without a limit the SREs may take their time: one may be a person.
    pub async fn ask_sres(
        &mut self,
        observations: impl IntoIterator<Item = (SeatId, Observation, Vec<ActionResult>)>,
        limit: Option<Duration>,
    ) -> Vec<Result<Decision, Dropped>> {
        let shown = observations
            .into_iter()
            .map(|(seat, observation, results)| (seat, ToSre::Observe(observation, results)));
        self.ask(Role::Sre, shown, limit, |answer| match answer {
            FromAgent::Sre(FromSre::Decide(decision)) => Some(decision),
            FromAgent::Server(_) => None,
        })
        .await
    }

    async fn ask<Question: Serialize, Answer>(
        &mut self,
        role: Role,
        questions: impl Iterator<Item = (SeatId, Question)>,
        limit: Option<Duration>,
        understood: impl Fn(FromAgent) -> Option<Answer>,
    ) -> Vec<Result<Answer, Dropped>> {
        let deadline = Instant::now() + limit.unwrap_or(NO_DEADLINE);
        let asked = self.send_all(questions).await;
        // Without cooperative yielding: an answer that is there must be seen however many there are.
        let answers = tokio::task::unconstrained(self.collect(&asked, deadline)).await;
        let mut results = Vec::with_capacity(asked.len());
        let mut received = 0;
        for ((id, _), answer) in asked.into_iter().zip(answers) {
            received += u64::from(answer.is_ok());
            let out_of_role = Dropped::For(Refusal::OutOfRole { role });
            let answer = answer.and_then(|answer| understood(answer).ok_or(out_of_role));
            if let Err(why) = &answer {
                self.drop_agent(id, why.clone()).await;
            }
            results.push(answer);
        }
        self.door.register().counters.frames_received += received;
        results
    }

    /// Sends as much as the sockets take at once. For each agent, whether it may answer.
    async fn send_all<Question: Serialize>(
        &mut self,
        questions: impl Iterator<Item = (SeatId, Question)>,
    ) -> Vec<(SeatId, Result<(), Dropped>)> {
        let mut asked = Vec::with_capacity(self.connections.len());
        for (id, question) in questions {
            self.outbox.clear();
            let sent = match frame::encode(&question, &mut self.outbox) {
                Ok(()) => self.send(id).await,
                Err(_) => Err(Dropped::For(Refusal::TooLong)),
            };
            asked.push((id, sent));
        }
        self.door.register().counters.frames_sent +=
            asked.iter().filter(|(_, sent)| sent.is_ok()).count() as u64;
        asked
    }

    /// Sends what is in the outbox.
    async fn send(&mut self, id: SeatId) -> Result<(), Dropped> {
        let connection = self.connections[id.0].as_mut().ok_or(Dropped::Gone)?;
        if connection.has_more() {
            return Err(Dropped::For(Refusal::OutOfTurn));
        }
        connection.send_now(&self.outbox).await.map_err(|_| Dropped::Gone)
    }

    /// Waits for the answers, in order: those behind are kept by their sockets meanwhile.
    async fn collect(
        &mut self,
        asked: &[(SeatId, Result<(), Dropped>)],
        deadline: Instant,
    ) -> Vec<Result<FromAgent, Dropped>> {
        let mut alarm = pin!(sleep_until(deadline));
        self.flush(alarm.as_mut()).await;
        let mut answers = Vec::with_capacity(asked.len());
        for (id, sent) in asked {
            answers.push(match (sent, &mut self.connections[id.0]) {
                (Ok(()), Some(connection)) => answer_of(connection, alarm.as_mut()).await,
                (Ok(()), None) => Err(Dropped::Gone),
                (Err(why), _) => Err(why.clone()),
            });
        }
        answers
    }

    /// Writes what sockets did not take at once, to all of them side by side.
    async fn flush(&mut self, mut alarm: std::pin::Pin<&mut Sleep>) {
        let mut slow: Vec<&mut Connection> =
            self.connections.iter_mut().flatten().filter(|connection| connection.has_unsent()).collect();
        poll_fn(|context| {
            slow.retain_mut(|connection| connection.poll_flush(context).is_pending());
            if slow.is_empty() { Poll::Ready(()) } else { alarm.as_mut().poll(context) }
        })
        .await;
    }

    async fn drop_agent(&mut self, id: SeatId, why: Dropped) {
        match why {
            Dropped::For(why) => self.expel(id, why).await,
            Dropped::Gone => {
                if self.connections[id.0].is_some() {
                    self.door.register().counters.gone += 1;
                }
                self.close_seat(id);
            }
        }
    }

    /// Says farewell to everyone and closes the bus.
    pub async fn farewell(mut self) -> Counters {
        for index in 0..self.connections.len() {
            let Some(mut connection) = self.connections[index].take() else { continue };
            let role = self.door.register().seat(SeatId(index)).role;
            self.outbox.clear();
            if encode_bye(role, &mut self.outbox).is_ok() {
                // An agent that does not take it sees the end of the bus instead.
                let _ = connection.send_now(&self.outbox).await;
            }
        }
        self.counters()
    }
}

fn listen(path: &std::path::Path) -> io::Result<interprocess::local_socket::tokio::Listener> {
    let name = path.as_os_str().to_fs_name::<interprocess::local_socket::GenericFilePath>()?;
    // The run directory removes the socket; a listener that did might remove another's.
    ListenerOptions::new().name(name).mode(0o600).reclaim_name(false).create_tokio()
}

fn welcome(agent: &str, brief: Brief) -> Result<Arc<[u8]>, HubError> {
    let mut bytes = Vec::new();
    match frame::encode(&Greeting::Welcome(brief), &mut bytes) {
        Ok(()) => Ok(bytes.into()),
        Err(source) => Err(HubError::Brief { agent: agent.to_owned(), source }),
    }
}

async fn answer_of(
    connection: &mut Connection,
    mut alarm: std::pin::Pin<&mut Sleep>,
) -> Result<FromAgent, Dropped> {
    poll_fn(|context| {
        if let Poll::Ready(read) = connection.poll_message(context) {
            return Poll::Ready(read.map_err(|error| match error {
                ReadError::Gone => Dropped::Gone,
                ReadError::Frame(error) => Dropped::For(refusal_of(&error)),
            }));
        }
        alarm.as_mut().poll(context).map(|()| Err(Dropped::For(Refusal::Late)))
    })
    .await
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
