//! Programs on call: each run has a process of its own, as in `world run --inline`.
//!
//! What a program says on standard error goes to `DIR/sre-NAME.log` with `--out DIR`, all its runs to one
//! file; else nowhere, for a terminal has the progress bar. A signal ends the wait for an answer. A run whose
//! wait was ended that way says nothing about the program, and is played again when the bench goes on.

use super::plan::Plan;
use super::work::Word;
use crate::own_file;
use crate::program::Failure;
use crate::recording::RecordingError;
use crate::signal::Noted;
use crate::sre_programs::{self, Minds};
use agents::program::log::LogTo;
use agents::program::talk::Attendant;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use worlds::id::Name;
use worlds::inline::OutsideMinds;
use worlds::plan::RunPlan;

/// What programs are run with.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The file of this program, whose guard ends the others' processes.
    world: PathBuf,
    /// Where their logs are kept.
    logs: Option<PathBuf>,
    /// What ends a wait.
    noted: Noted,
}

impl Programs {
    /// For a plan, with their logs in a directory that is there. `None` when nobody is a program.
    pub(crate) fn of(plan: &Plan, out: Option<&Path>, noted: Noted) -> Result<Option<Self>, Failure> {
        if plan.programs().next().is_none() {
            return Ok(None);
        }
        let programs = Self { world: own_file::path()?, logs: out.map(Path::to_owned), noted };
        for player in plan.programs() {
            programs.claim_log(&plan.players[player].name)?;
        }
        Ok(Some(programs))
    }

    /// Makes sure that a log can be written, before anything is played.
    fn claim_log(&self, player: &str) -> Result<(), Failure> {
        let Some(path) = self.log(player) else { return Ok(()) };
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        opened.map(drop).map_err(|source| Failure::Unrecordable(RecordingError::Write { path, source }))
    }

    fn log(&self, player: &str) -> Option<PathBuf> {
        self.logs.as_ref().map(|dir| dir.join(sre_programs::log_name(player)))
    }

    /// Whether a signal has come: then no answer is waited for any longer.
    pub(crate) fn is_over(&self) -> bool {
        self.noted.signal().is_some()
    }

    /// The minds of a player's run. It is told to `tell` when an answer takes long.
    pub(crate) fn minds(
        &self,
        plan: &Plan,
        player: usize,
        run: &RunPlan,
        tell: &Sender<Word>,
    ) -> OutsideMinds {
        let log = self.log(&plan.players[player].name);
        let log = log.map_or(LogTo::Nowhere, LogTo::File);
        let (noted, tell) = (self.noted.clone(), tell.clone());
        let attendant = move |_: &Name| -> Box<dyn Attendant> {
            Box::new(Waiting { player, noted: noted.clone(), tell: tell.clone() })
        };
        let minds = Minds {
            deadline: plan.sre_deadline,
            logs: Box::new(move |_| log.clone()),
            attendants: Box::new(attendant),
        };
        minds.of_programs(self.world.clone(), run.sres.clone())
    }
}

/// Waits for an answer until a signal comes.
#[derive(Debug)]
struct Waiting {
    player: usize,
    noted: Noted,
    tell: Sender<Word>,
}

impl Attendant for Waiting {
    fn is_over(&self) -> bool {
        self.noted.signal().is_some()
    }

    fn waits(&mut self) {
        // Whoever put the bench together is gone only when all is over.
        let _ = self.tell.send(Word::Waits { player: self.player });
    }
}
