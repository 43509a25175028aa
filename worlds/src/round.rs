//! One run of a world, round by round, without doing any input or output itself.
//!
//! [`Round`] owns chaos, the call graph, the telemetry store, the rules of actions, incidents and
//! the ledger. A driver carries what it gives to the agents and brings back what they answer:
//!
//! ```text
//! loop {  open() -> ticks      servers step their physics      -> reports
//!         observe(reports)     -> observations   SREs think    -> decisions
//!         close(decisions) }
//! finish() -> Outcome
//! ```
//!
//! The driver never touches the model, so that carrying by plain calls and carrying over a bus
//! give the same bytes.

use crate::id::{ServerId, SreId};
use crate::journal::Record;
use crate::message::{Decision, Observation, Report, ServerBrief, SreBrief, Tick};
use crate::outcome::Outcome;
use crate::plan::RunPlan;
use crate::topology::World;
use std::sync::Arc;

/// One run of a world.
#[derive(Debug)]
pub struct Round {}

/// What the servers are to be told when a round begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// For each server its tick; `None` while its process is lost.
    pub ticks: Vec<Option<Tick>>,
    /// Lost servers whose process an action of this round restarts: they get a new process, which
    /// starts from its initial state, before the tick is sent.
    pub respawn: Vec<ServerId>,
}

/// A record and its line in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What happened.
    pub record: Record,
    /// The line, with its line end.
    pub line: Vec<u8>,
}

impl Round {
    /// A run that is about to begin: the header is written.
    pub fn new(_world: Arc<World>, _plan: RunPlan) -> Self {
        todo!()
    }

    /// What each server process is handed before the first round, in order.
    pub fn server_briefs(&self) -> Vec<ServerBrief> {
        todo!()
    }

    /// What each SRE is handed before the first round, in order of their names.
    pub fn sre_briefs(&self) -> Vec<SreBrief> {
        todo!()
    }

    /// The number of the round that is open or was closed last; 0 before the first.
    pub fn number(&self) -> u32 {
        todo!()
    }

    /// Whether all planned rounds are closed.
    pub fn is_over(&self) -> bool {
        todo!()
    }

    /// Opens the next round.
    pub fn open(&mut self) -> Opening {
        todo!()
    }

    /// Folds the reports: `None` for a server whose process is lost or missed its deadline.
    /// Gives each SRE its observation, in order.
    pub fn observe(&mut self, _reports: &[Option<Report>]) -> Vec<Observation> {
        todo!()
    }

    /// What the oracle may know, beside the observation. The only door to the truth.
    pub fn truth(&self) -> crate::sre::oracle::Truth {
        todo!()
    }

    /// Notes that an SRE's process is lost; its decisions are empty from now on.
    pub fn lose_sre(&mut self, _sre: SreId) {
        todo!()
    }

    /// Takes the decisions of all SREs, in order (an empty one for whoever is silent), and closes
    /// the round.
    pub fn close(&mut self, _decisions: &[Decision]) {
        todo!()
    }

    /// The records written since the last call, in order.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        todo!()
    }

    /// Ends the run, whether or not all planned rounds were played: writes the last records
    /// (fetch them with [`Round::take_entries`] afterwards) and gives the outcome.
    pub fn finish(&mut self) -> Outcome {
        todo!()
    }

    /// The hash of the journal so far; after [`Round::finish`], the name of the run.
    pub fn journal_hash(&self) -> String {
        todo!()
    }
}
