//! Processes: what chaos does to those of the agents, and what a driver has to do for it.
//!
//! A fault may kill or stop a process. From then on its agent is left out: a server is told no tick and
//! steps no physics, an SRE decides nothing. When the fault is over, a process that was killed has a
//! successor, in its initial state, and one that was stopped goes on where it stood. The round decides
//! all of that; its driver is told whom to strike and whom to revive, and does so if it has processes.

use crate::definition::ProcessEffect;
use crate::id::AgentId;

/// Whether an agent's process is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Process {
    /// It is.
    #[default]
    Runs,
    /// It is gone, and no fault did it.
    Lost,
    /// A fault killed it.
    Killed {
        /// The fault's number.
        by: u32,
    },
    /// A fault stopped it.
    Paused {
        /// The fault's number.
        by: u32,
    },
}

impl Process {
    /// Whether its agent takes part.
    pub fn runs(self) -> bool {
        self == Process::Runs
    }

    /// The fault that keeps it from running.
    pub fn struck_by(self) -> Option<u32> {
        match self {
            Process::Runs | Process::Lost => None,
            Process::Killed { by } | Process::Paused { by } => Some(by),
        }
    }

    /// What a fault of this number makes of it, if it makes anything.
    pub fn struck(self, by: u32, effect: ProcessEffect) -> Option<Process> {
        match (effect, self) {
            (ProcessEffect::Killed, Process::Runs | Process::Paused { .. }) => Some(Process::Killed { by }),
            (ProcessEffect::Paused, Process::Runs) => Some(Process::Paused { by }),
            (_, Process::Lost | Process::Killed { .. } | Process::Paused { .. }) => None,
        }
    }
}

/// A process is to be there again, before the round's ticks are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revival {
    /// Whose.
    pub agent: AgentId,
    /// How.
    pub how: Reviving,
    /// The fault that had struck it; none for one that was lost.
    pub struck_by: Option<u32>,
}

/// How a process comes to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviving {
    /// A new one takes the place of one that is gone, or stands still; it knows what its brief says.
    Start,
    /// The one that stands still goes on.
    Resume,
}

/// A process is to be struck, after those that are revived are there, and before the round's ticks
/// are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The fault that does it.
    pub fault: u32,
    /// Whose.
    pub agent: AgentId,
    /// How.
    pub effect: ProcessEffect,
}
