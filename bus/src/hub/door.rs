//! The door: everyone who connects is greeted in a task of its own, under a time limit, so that a
//! silent peer delays nobody but itself. Whoever passes arrives at the hub with a seat.
//!
//! People come in no faster than the [`Turnstile`] lets them, and those who do not greet share
//! the places of the [`Lobby`]; so neither a crowd nor a stampede keeps an agent out or the rounds from
//! being played.

use super::connection::{Connection, ReadError, is_shortage};
use super::lobby::{Lobby, Place};
use super::register::{Counters, Register, SeatId};
use super::stranger::Stranger;
use super::turnstile::Turnstile;
use super::{HubLimits, refusal_of};
use crate::wire::{Hello, Refusal};
use interprocess::local_socket::tokio::{Listener, prelude::*};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// After a failed accept (most often: no file descriptors left), before the next: at a hundred times a
/// second nobody notices the trying.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// An agent that greeted and got its seat, for [`super::Hub::admit`].
#[derive(Debug)]
pub struct Arrival {
    /// Its seat.
    pub seat: SeatId,
    /// The process that connected.
    pub pid: u32,
    pub(super) connection: Connection,
}

impl Arrival {
    /// Waits until this agent hangs up, before it is admitted and ever after. It keeps the
    /// connection's end from the agent, so it is for agents that may leave by themselves.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn hang_up(&self) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
        self.connection.hang_up()
    }
}

/// What is called with each arrival. Must not block.
pub type OnArrival = Box<dyn Fn(Arrival) + Send + Sync>;

/// What all greetings share.
pub(super) struct Door {
    register: Mutex<Register>,
    limits: HubLimits,
    on_arrival: OnArrival,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("register", &self.register).finish_non_exhaustive()
    }
}

impl Door {
    pub(super) fn new(register: Register, limits: HubLimits, on_arrival: OnArrival) -> Arc<Self> {
        Arc::new(Self { register: Mutex::new(register), limits, on_arrival })
    }

    /// The register. Whoever panicked while holding it left whole values behind.
    pub(super) fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets in whoever comes, until it is dropped; the greetings under way end with it.
    pub(super) async fn keep(self: Arc<Self>, listener: Listener) {
        let mut lobby = Lobby::of(self.limits.ungreeted_max);
        let mut turnstile = Turnstile::new(Instant::now());
        let mut greetings = JoinSet::new();
        loop {
            // The runtime rounds times up to milliseconds: whoever need not wait must not sleep.
            if let Some(due) = turnstile.next(Instant::now()) {
                sleep_until(due).await;
            }
            while greetings.try_join_next().is_some() {}
            match listener.accept().await {
                Ok(stream) => {
                    let stranger = Stranger::new(stream);
                    let pid = stranger.pid_if_ours();
                    let place = pid.map(|pid| (pid, lobby.enter(pid)));
                    greetings.spawn(self.clone().greet(stranger, place));
                }
                Err(error) => {
                    if is_shortage(&error) {
                        lobby.make_room();
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn greet(self: Arc<Self>, mut stranger: Stranger, place: Option<(u32, Place)>) {
        let Some((pid, place)) = place else {
            return self.turn_away(stranger, Refusal::ForeignUser).await;
        };
        match self.hear(&mut stranger, place).await.and_then(|hello| self.claim(&hello)) {
            Ok((seat, welcome)) => {
                match timeout(self.limits.greeting_time, welcomed(stranger, &welcome)).await {
                    Ok(Ok(connection)) => (self.on_arrival)(Arrival { seat, pid, connection }),
                    Ok(Err(_)) => self.take_back(seat, |counters| &mut counters.hung_up),
                    Err(_late) => self.take_back(seat, |counters| &mut counters.silent),
                }
            }
            Err(Turned::Away(why)) => self.turn_away(stranger, why).await,
            Err(Turned::HungUp) => self.register().counters.hung_up += 1,
        }
    }

    /// What a stranger says, as long as its place is not needed more by others.
    async fn hear(&self, stranger: &mut Stranger, mut place: Place) -> Result<Hello, Turned> {
        let heard = tokio::select! {
            // What has arrived counts, whoever else has come.
            biased;
            heard = timeout(self.limits.greeting_time, stranger.greeting()) => heard,
            () = place.is_needed() => return Err(Turned::Away(Refusal::Crowded)),
        };
        match heard {
            Err(_late) => Err(Turned::Away(Refusal::Silent)),
            Ok(Err(ReadError::Gone)) => Err(Turned::HungUp),
            Ok(Err(ReadError::Frame(error))) => Err(Turned::Away(refusal_of(&error))),
            Ok(Ok(hello)) => Ok(hello),
        }
    }

    fn claim(&self, hello: &Hello) -> Result<(SeatId, Arc<[u8]>), Turned> {
        self.register().claim(hello).map_err(Turned::Away)
    }

    /// Opens a seat again whose agent did not take its welcome.
    fn take_back(&self, seat: SeatId, counter: fn(&mut Counters) -> &mut u64) {
        let mut register = self.register();
        register.reopen(seat);
        *counter(&mut register.counters) += 1;
    }

    async fn turn_away(&self, stranger: Stranger, why: Refusal) {
        self.register().counters.refused(&why);
        stranger.turn_away(why).await;
    }
}

/// The connection of an agent that has its seat, and has been told so to the last byte: an owner may
/// have nothing to ask for long, and a large welcome is more than a socket holds.
async fn welcomed(stranger: Stranger, welcome: &[u8]) -> io::Result<Connection> {
    let mut connection = stranger.settle()?;
    connection.send_soon(welcome);
    connection.flush().await?;
    Ok(connection)
}

/// Why nobody arrived.
enum Turned {
    /// Refused.
    Away(Refusal),
    /// Left by itself.
    HungUp,
}
