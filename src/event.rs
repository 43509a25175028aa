//! What happens in a run, as those who watch it are told: the console and the recording.
//!
//! Both drivers, inline and process, emit the same events; only a process run has agents to spawn
//! and to lose.

use crate::by_hand::Invitation;
use std::ops::ControlFlow;
use worlds::definition::ProcessEffect;
use worlds::id::Name;
use worlds::outcome::{Outcome, Requests};
use worlds::round::Entry;

/// Whoever watches a run: told each event as it happens, and free to have seen enough.
pub(crate) type Watch<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// These agents are started by hand; the run waits for them.
    Waiting {
        /// Their names on the bus.
        agents: Vec<Name>,
        /// How they are started.
        invitation: Invitation,
    },
    /// The director starts processes, and this many of them have greeted the bus.
    Starting {
        /// How many are here.
        here: usize,
        /// How many there are to be.
        of: usize,
    },
    /// An agent's process was started and has greeted the bus.
    Spawned {
        /// The agent.
        agent: Agent,
        /// Who is still awaited of those that are started by hand; `None` when nobody is waited
        /// for.
        awaited: Option<Vec<Name>>,
    },
    /// An agent's process is gone before the run began; another one is awaited.
    Left {
        /// Its name on the bus.
        agent: Name,
        /// What was seen of its end, as a fragment.
        how: String,
        /// The command that starts it again; `None` when the director does.
        again: Option<String>,
    },
    /// An agent's process is gone, or missed its deadline, without chaos having done it.
    Lost {
        /// Its name on the bus, `server-web-1` or `sre-oncall`.
        agent: Name,
        /// What was seen of its end, as a fragment: `killed by signal 9`.
        how: String,
        /// For an agent that was started by hand: the command that brings it back.
        again: Option<String>,
    },
    /// Chaos has hit an agent's process.
    Struck {
        /// Its name on the bus.
        agent: Name,
        /// How.
        effect: ProcessEffect,
        /// What was seen of it, as a fragment: `killed by signal 9`.
        how: String,
    },
    /// The process of an agent could not be started again: nobody tries any more.
    GivenUp {
        /// Its name on the bus.
        agent: Name,
        /// What was seen of the last one's end, as a fragment.
        how: String,
        /// Processes that were started for it in vain.
        tries: usize,
    },
    /// An agent that was lost has joined again.
    Returned {
        /// The agent.
        agent: Agent,
        /// The round from which on it takes part.
        round: u32,
    },
    /// A round waits for the answer of an agent that may take the time it likes; told once.
    Thinking {
        /// Its name on the bus.
        agent: Name,
    },
    /// A round was played to its end.
    RoundPlayed {
        /// What users got in it.
        requests: Requests,
    },
    /// The world moved on: one record of the journal, with its line.
    Entry(Entry),
}

/// How closely somebody follows a run; whoever wants more is told of the rest, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    /// Who comes and goes.
    Agents,
    /// That rounds are played.
    Rounds,
    /// What happens in them: records are made only for this.
    Records,
}

impl Event {
    /// Whether it is about agents that people start by hand, or need to look after: they are told whatever
    /// happens.
    pub(crate) fn is_about_hands(&self) -> bool {
        match self {
            Event::Waiting { .. } | Event::Left { .. } | Event::GivenUp { .. } | Event::Returned { .. } => {
                true
            }
            Event::Spawned { awaited, .. } => awaited.is_some(),
            Event::Lost { again, .. } => again.is_some(),
            Event::Starting { .. }
            | Event::Struck { .. }
            | Event::Thinking { .. }
            | Event::RoundPlayed { .. }
            | Event::Entry(_) => false,
        }
    }

    /// The least interest of those who want to be told of it.
    pub(crate) fn interest(&self) -> Interest {
        match self {
            Event::Entry(_) => Interest::Records,
            Event::RoundPlayed { .. } => Interest::Rounds,
            _ => Interest::Agents,
        }
    }
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
    /// What makes the run invalid beside what the model knows: faults of which nothing was seen from
    /// outside, processes that could not be started.
    pub troubles: Vec<String>,
}
