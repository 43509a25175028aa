//! What happens in a run, as those who watch it are told: the console and the recording.
//!
//! Both drivers, inline and process, emit the same events; only a process run has agents to spawn
//! and to lose.

use std::ops::ControlFlow;
use std::path::PathBuf;
use worlds::id::Name;
use worlds::outcome::Outcome;
use worlds::round::Entry;

/// Whoever watches a run: told each event as it happens, and free to have seen enough.
pub(crate) type Watch<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// These agents are started by hand; the run waits for them.
    Waiting {
        /// The run's directory, for `--bus`.
        directory: PathBuf,
        /// Their names on the bus.
        agents: Vec<Name>,
    },
    /// An agent's process was started and has greeted the bus.
    Spawned(Agent),
    /// An agent's process is gone, or missed its deadline, without chaos having done it.
    Lost {
        /// Its name on the bus, `server-web-1` or `sre-oncall`.
        agent: Name,
        /// What was seen of its end, as a fragment: `killed by signal 9`.
        how: String,
    },
    /// The world moved on: one record of the journal, with its line.
    Entry(Entry),
}

/// An agent's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agent {
    /// Its name on the bus, `server-web-1` or `sre-oncall`.
    pub name: Name,
    /// What it is: the server's type, or `sre`.
    pub kind: Name,
    /// Its process id.
    pub pid: u32,
}

/// A run that came to its end, early or not.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// What it came to.
    pub outcome: Outcome,
    /// The hash of the journal: the name of the run.
    pub journal_hash: String,
    /// The signal that ended it early.
    pub interrupted_by: Option<i32>,
}
