//! Programs that are SREs: with what each of them is run, and who waits for their answers in a run that has
//! no processes of its own. How one is run is [`agents::program`]'s.

use crate::config::RunConfig;
use crate::console;
use crate::own_file::{self, OwnFileError};
use crate::signal::Noted;
use agents::program::log::LogTo;
use agents::program::talk::Attendant;
use agents::program::{Means, Program};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use worlds::definition::SreKind;
use worlds::id::Name;
use worlds::inline::OutsideMinds;
use worlds::message::SreBrief;
use worlds::plan::{RunPlan, SrePlan};

/// What all programs of a run have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    /// For an answer; without it one is waited for.
    pub deadline: Option<Duration>,
    /// Where their logs are kept; to standard error where they are not.
    pub logs: Option<PathBuf>,
}

impl Programs {
    /// Those of a run.
    pub(crate) fn of(config: &RunConfig) -> Self {
        Self { deadline: config.sre_deadline, logs: config.out.clone() }
    }

    /// Where the log of one goes.
    pub(crate) fn log(&self, sre: &str) -> LogTo {
        self.logs.as_ref().map_or(LogTo::StandardError, |dir| LogTo::File(dir.join(log_name(sre))))
    }
}

/// The name of an SRE's log in a recording.
pub(crate) fn log_name(sre: &str) -> String {
    format!("sre-{sre}.log")
}

/// The logs that a run keeps: of the programs that it starts itself.
pub(crate) fn log_names(config: &RunConfig) -> Vec<String> {
    let programs = config.plan.sres.iter().filter(|sre| is_program(sre) && !config.manual.holds(&sre.name));
    programs.map(|sre| log_name(&sre.name)).collect()
}

/// Whether an SRE is a program.
pub(crate) fn is_program(sre: &SrePlan) -> bool {
    sre.kind == SreKind::Exec
}

/// Who waits for the answers of an SRE.
type Attendance = dyn Fn(&Name) -> Box<dyn Attendant> + Send;

/// The minds of a run without processes.
pub(crate) struct Minds {
    /// For an answer.
    pub deadline: Option<Duration>,
    /// Where the log of each goes.
    pub logs: Box<dyn Fn(&str) -> LogTo + Send>,
    /// Who waits for the answers of each.
    pub attendants: Box<Attendance>,
}

impl Minds {
    /// Those of a run, with their logs as it keeps them.
    pub(crate) fn of(config: &RunConfig, noted: Noted) -> Self {
        let programs = Programs::of(config);
        let is_told = Arc::new(AtomicBool::new(false));
        let attendant = move |sre: &Name| -> Box<dyn Attendant> {
            let (sre, noted, is_told) = (sre.clone(), noted.clone(), Arc::clone(&is_told));
            Box::new(Signalled { sre, noted, is_told })
        };
        let logs = Box::new(move |sre: &str| programs.log(sre));
        Self { deadline: config.sre_deadline, logs, attendants: Box::new(attendant) }
    }

    /// The same for a run that repeats another: nothing is written down twice.
    pub(crate) fn of_repetition(config: &RunConfig, noted: Noted) -> Self {
        Self { logs: Box::new(|_| LogTo::Nowhere), ..Self::of(config, noted) }
    }

    /// As a run wants them.
    pub(crate) fn of_plan(self, plan: &RunPlan) -> Result<OutsideMinds, OwnFileError> {
        let sres: Vec<SrePlan> = plan.sres.iter().filter(|sre| is_program(sre)).cloned().collect();
        if sres.is_empty() {
            return Ok(worlds::inline::nobody());
        }
        Ok(self.of_programs(own_file::path()?, sres))
    }

    /// Those of these programs, whose guards are run from the file `world`.
    pub(crate) fn of_programs(self, world: PathBuf, sres: Vec<SrePlan>) -> OutsideMinds {
        Box::new(move |brief: &SreBrief| {
            let plan = sres.iter().find(|sre| sre.name == brief.name);
            let command = plan.and_then(|sre| sre.command.clone());
            // Whoever has none was to be started by hand, and in such a run nobody is.
            let command = command.expect("a program has a command").to_string();
            let log = (self.logs)(&brief.name);
            let means = Means { world: world.clone(), command, deadline: self.deadline, log };
            Box::new(Program::start(&means, brief, (self.attendants)(&brief.name)))
        })
    }
}

/// Waits for an answer until a signal comes, and says so when it takes long, once in a run.
#[derive(Debug)]
struct Signalled {
    sre: Name,
    noted: Noted,
    is_told: Arc<AtomicBool>,
}

impl Attendant for Signalled {
    fn is_over(&self) -> bool {
        self.noted.signal().is_some()
    }

    fn waits(&mut self) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            console::tell_wait(&format!("sre-{}", self.sre));
        }
    }
}
