//! A hub with its owner and those who connect, all in one thread, under a clock that stands still
//! until everybody waits: what happens depends on the input alone.

use crate::messages::brief;
use bus::address::RunDirectory;
use bus::hub::{Admits, Arrival, Hub, HubLimits, SeatId, SeatPlan};
use bus::token::Token;
use bus::wire::Role;
use std::future::Future;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Steps of the clock in which whatever can happen happens: each ends when everybody waits, and what is
/// then read or written may have others act in the next.
const STEPS: u32 = 4;

/// A step of the clock: far below every limit of the hub.
const STEP: Duration = Duration::from_millis(1);

/// The hub and what belongs to it.
pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) arrivals: UnboundedReceiver<Arrival>,
    pub(crate) run_token: Token,
    pub(crate) limits: HubLimits,
    socket: PathBuf,
    /// Dropped in this order: the run's directory, the one that it is in.
    _run: RunDirectory,
    _base: tempfile::TempDir,
}

/// Runs what is played on a stage.
pub(crate) fn perform<Play: Future<Output = ()>>(limits: HubLimits, play: impl FnOnce(Stage) -> Play) {
    let runtime: Runtime =
        Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async { play(Stage::new(limits)).await });
}

impl Stage {
    fn new(limits: HubLimits) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let run = RunDirectory::create(Some(&base.path().join("run"))).expect("an address");
        let (sender, arrivals) = unbounded_channel();
        let on_arrival = Box::new(move |arrival| drop(sender.send(arrival)));
        let run_token = Token::random().expect("randomness");
        let hub = Hub::open(&run, run_token.clone(), limits, on_arrival).expect("a bus");
        Self { hub, arrivals, run_token, limits, socket: run.socket(), _run: run, _base: base }
    }

    pub(crate) fn add_seat(&mut self, role: Role, name: &str, admits: Admits) -> SeatId {
        let plan = SeatPlan { name: name.to_owned(), skill: None, brief: brief(role), admits };
        self.hub.add_seat(plan).expect("a free name")
    }

    /// Somebody who connects.
    pub(crate) fn connect(&self) -> Peer {
        let stream = UnixStream::connect(&self.socket).expect("a listener");
        stream.set_nonblocking(true).expect("a socket");
        Peer { stream, said: Vec::new(), ended: false }
    }

    /// Lets everything happen that can.
    pub(crate) async fn settle(&self) {
        for _ in 0..STEPS {
            tokio::time::sleep(STEP).await;
        }
    }

    /// Lets the time go by in which a stranger has to greet.
    pub(crate) async fn greeting_time_passes(&self) {
        tokio::time::sleep(self.limits.greeting_time).await;
        self.settle().await;
    }
}

/// The other end of a connection.
pub(crate) struct Peer {
    stream: UnixStream,
    /// What it was told so far.
    said: Vec<u8>,
    /// Whether the hub has hung up.
    pub(crate) ended: bool,
}

impl Peer {
    /// Sends what the socket takes; gives how much that was.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It was hung up on.
                Err(_) => break,
            }
        }
        sent
    }

    /// Takes what there is to be read; gives all that was ever said.
    pub(crate) fn read(&mut self) -> &[u8] {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(read) => {
                    self.said.extend_from_slice(&buffer[..read]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.ended = true,
            }
            return &self.said;
        }
    }
}
