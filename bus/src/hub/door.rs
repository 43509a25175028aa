//! The door: everyone who connects is greeted in a task of its own, under a time limit, so that a
//! silent peer delays nobody but itself. Whoever passes arrives at the hub with a seat.

use super::connection::{Connection, ReadError};
use super::register::{Register, SeatId};
use super::{HubLimits, refusal_of};
use crate::frame;
use crate::wire::{Greeting, Hello, Refusal};
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// After a failed accept (most often: no file descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// For writing a refusal: it fits into any socket's buffer, unless the peer never reads.
const REFUSAL_TIME: Duration = Duration::from_millis(100);

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
        let places = Arc::new(Semaphore::new(self.limits.ungreeted_max));
        let mut greetings = JoinSet::new();
        loop {
            // Waits until somebody has greeted or was sent away; the others queue in the socket.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            while greetings.try_join_next().is_some() {}
            match listener.accept().await {
                Ok(stream) => drop(greetings.spawn(self.clone().greet(stream, place))),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn greet(self: Arc<Self>, stream: Stream, place: OwnedSemaphorePermit) {
        let owner = stream.peer_creds().ok();
        let uid = owner.as_ref().and_then(|owner| owner.euid());
        let pid = owner.and_then(|owner| owner.pid()).and_then(|pid| u32::try_from(pid).ok());
        let mut connection = Connection::new(stream);
        let heard = if uid == Some(rustix::process::geteuid().as_raw()) {
            self.hear(&mut connection).await
        } else {
            Err(Turned::Away(Refusal::ForeignUser))
        };
        match heard {
            Ok(seat) => (self.on_arrival)(Arrival { seat, pid: pid.unwrap_or_default(), connection }),
            Err(Turned::Away(why)) => self.turn_away(&mut connection, why).await,
            Err(Turned::HungUp) => self.register().counters.hung_up += 1,
        }
        drop(place);
    }

    /// The whole greeting, up to the welcome.
    async fn hear(&self, connection: &mut Connection) -> Result<SeatId, Turned> {
        let hello = poll_fn(|context| connection.poll_message::<Hello>(context));
        let hello = match timeout(self.limits.greeting_time, hello).await {
            Err(_late) => return Err(Turned::Away(Refusal::Silent)),
            Ok(Err(ReadError::Gone)) => return Err(Turned::HungUp),
            Ok(Err(ReadError::Frame(error))) => return Err(Turned::Away(refusal_of(&error))),
            Ok(Ok(hello)) => hello,
        };
        let (seat, welcome) = self.register().claim(&hello).map_err(Turned::Away)?;
        // A large welcome is written to its end by the first question; a hang-up shows then, too.
        if connection.send_now(&welcome).await.is_err() {
            self.register().reopen(seat);
            return Err(Turned::HungUp);
        }
        Ok(seat)
    }

    async fn turn_away(&self, connection: &mut Connection, why: Refusal) {
        self.register().counters.refused(&why);
        let mut bytes = Vec::new();
        if frame::encode(&Greeting::Refused(why), &mut bytes).is_ok() {
            let sent = async {
                connection.send_now(&bytes).await?;
                poll_fn(|context| connection.poll_flush(context)).await;
                std::io::Result::Ok(())
            };
            // Whoever does not take it goes without.
            let _ = timeout(REFUSAL_TIME, sent).await;
        }
    }
}

/// Why nobody arrived.
enum Turned {
    /// Refused.
    Away(Refusal),
    /// Left by itself.
    HungUp,
}
