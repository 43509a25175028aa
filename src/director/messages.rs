//! What the actors of the director tell each other, pair by pair.
//!
//! ```text
//!   director --- Begin, Interrupt --------------> round owner
//!   bus      --- Arrived, HungUp ---------------> round owner
//!   front door - Probe -------------------------> round owner
//!   round owner <- Exited ----------------------- process keeper
//!   round owner -- Spawn, Strike, Resume, Kill, HowEnded, Leave -> process keeper
//!   round owner -- Tell ------------------------> console, recorder
//!   director ----- GiveBack --------------------> console, recorder
//! ```

use crate::event::Event;
use bus::hub::{Arrival, SeatId};
use bus::token::Token;
use bus::wire::Role;
use ractor::RpcReplyPort;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use worlds::definition::ProcessEffect;
use worlds::id::{Name, ServerId};
use worlds::traffic::ProbeEnd;

/// To the round owner.
pub(super) enum OwnerMessage {
    /// From the director: start the agents, then play.
    Begin,
    /// From the director: end the run after its round.
    Interrupt(i32),
    /// From the bus: an agent has greeted.
    Arrived(Arrival),
    /// From the bus: an agent that was started by hand has hung up.
    HungUp {
        /// Whose agent it was.
        seat: SeatId,
        /// Which of its agents.
        visit: u64,
    },
    /// From the process keeper: a process has ended, or could not be started.
    Exited {
        /// Whose process it was.
        seat: SeatId,
        /// Which of its processes.
        generation: u64,
        /// How it ended, as a fragment: `killed by signal 9`.
        how: String,
    },
    /// From itself: the pause after a process that failed is over.
    TryAgain {
        /// Whose process.
        seat: SeatId,
        /// Which of its processes failed.
        generation: u64,
    },
    /// From itself: a process for which a round waits should have come by now.
    TooLate {
        /// Whose process.
        seat: SeatId,
        /// Which of its processes.
        generation: u64,
    },
    /// From itself: say how the run stands.
    StatusDue,
    /// From itself: play the next round.
    Play,
    /// From whoever stands at the front door: a single request.
    Probe(ProbeOrder),
    /// From itself: agents should have arrived by now, unless others did meanwhile.
    Overdue {
        /// How many had arrived when this was sent.
        arrived: u64,
    },
}

/// A single request to a server. Nobody hears of one that the run's end overtakes.
pub(super) struct ProbeOrder {
    /// To whom.
    pub to: ServerId,
    /// What became of it.
    pub ended: oneshot::Sender<ProbeEnd>,
}

/// To the process keeper.
pub(super) enum KeeperMessage {
    /// Start a process.
    Spawn(Order),
    /// Chaos kills a process, or stops it. Answered with what was seen of that; not at all for a process
    /// that was not started here.
    Strike {
        /// Whose process.
        seat: SeatId,
        /// How.
        effect: ProcessEffect,
        /// What was seen.
        seen: RpcReplyPort<Sighting>,
    },
    /// Have a process go on that chaos stopped. Answered as a strike is.
    Resume(SeatId, RpcReplyPort<Sighting>),
    /// End a process.
    Kill(SeatId),
    /// How did it end? Answered when it has.
    HowEnded(SeatId, RpcReplyPort<String>),
    /// Everybody was told to go: answered when all have.
    Leave(RpcReplyPort<()>),
    /// From itself: who has not gone by now is made to.
    KillAll,
    /// From itself: a process has ended.
    Reaped {
        /// Whose it was.
        seat: SeatId,
        /// Which of its processes.
        generation: u64,
        /// How it ended.
        how: String,
    },
}

/// What was seen of a process from outside, after something was done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// Whether it is what was to be seen.
    pub is_so: bool,
    /// What was seen, as a fragment: `killed by signal 9`.
    pub how: String,
}

/// A process to be started.
#[derive(Debug)]
pub(super) struct Order {
    /// Its seat on the bus.
    pub seat: SeatId,
    /// How many processes the seat had before.
    pub generation: u64,
    /// What it is.
    pub role: Role,
    /// Which one.
    pub name: String,
    /// What lets it in.
    pub token: Token,
    /// For an SRE that is a program: which.
    pub program: Option<Arc<ProgramOrder>>,
}

/// A program that an agent is to run.
#[derive(Debug)]
pub(super) struct ProgramOrder {
    /// What a shell runs.
    pub command: Name,
    /// For an answer.
    pub deadline: Option<Duration>,
    /// Where its log is kept; it goes to the director's standard error otherwise.
    pub log: Option<PathBuf>,
}

/// To the console and to the recorder, who watch the run with a `W`.
pub(super) enum WatchMessage<W> {
    /// From the round owner: this has happened. Answered when the watcher is done with it; before
    /// that nothing more is told.
    Tell {
        /// What has happened, in order.
        events: Arc<[Event]>,
        /// Whether to go on.
        done: RpcReplyPort<ControlFlow<()>>,
    },
    /// From the director: the run is over. Answered after all that was told.
    GiveBack(RpcReplyPort<W>),
}
