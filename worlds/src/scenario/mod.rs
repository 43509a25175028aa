//! Scenarios: a drill declared in a file, so that it can be kept, shared and held against.
//!
//! A scenario names a world, its seeds, the faults that come and when, and what a run of it is held
//! against. [`mod@file`] is the shape of the TOML file, [`Draft`] reads it and [`Draft::settle`] finds it in its
//! world, with everything that is wrong told at its place, as for world files. A [`Scenario`] that was
//! settled gives the plan of a run for each of its seeds.
//!
//! Which world a file names, and what the quotations of the command line in it mean ([`Languages`]), is for
//! the program to say: nothing here reads files, and nothing knows of results.
//!
//! What is for people (title, summary, answer key) goes into no plan, so no SRE can be told it: plans are all
//! that a round is made from. The kinds of faults of a scenario are part of its world, and stand in every
//! SRE's runbook, as all kinds do.

mod check;
pub mod file;
pub mod library;
pub mod limits;
pub mod schema;

use crate::chance::Seed;
use crate::definition::{Definition, Diagnostic};
use crate::id::{ActionId, KindId, ServerId};
use crate::plan::{Drill, Level, RunPlan, ScriptedFault, SrePlan, Target};
use crate::script::{self, ScriptError};
use crate::topology::World;
use documents::{Sort, canonical};
use file::{FaultTable, ScenarioFile, SourceTable};
use serde_json::json;
use std::sync::Arc;

/// Scenario files.
const SORT: Sort = Sort {
    noun: "the scenario file",
    start: Some("start from a copy of `world scenarios show cache-loss`"),
    advice: |_| None,
    schema: schema::json_schema,
};

/// A scenario that was found in its world.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name: the built-in's, or the file's stem.
    pub name: String,
    /// BLAKE3 of what the file says and of its world, in hexadecimal.
    pub hash: String,
    /// What it is, in one line.
    pub title: String,
    /// What happens, and what one learns from it.
    pub summary: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Its world, with the scenario's own kinds of faults and promise.
    pub world: Arc<World>,
    /// Rounds of a run.
    pub rounds: u32,
    /// How much chaos comes by itself.
    pub level: Level,
    /// Who is on call, unless the command line says otherwise.
    pub sres: Vec<SrePlan>,
    /// What is asked of a run beside its faults.
    pub drill: Drill,
    /// Conditions under which a run fails, as `--fail-on` has them.
    pub fail_on: Vec<String>,
    /// Faults that come for certain, in the order of the file.
    pub faults: Vec<ScriptedFault>,
    /// Disturbances that come for certain, in the order of the file.
    pub noise: Vec<ScriptedFault>,
    /// The answer key.
    pub answer: Option<Answer>,
    /// Where the story was published.
    pub sources: Vec<SourceTable>,
    seeds: Vec<Seed>,
    /// As they were written: who stands for an SRE in them depends on who is on call.
    script: Vec<FaultTable>,
}

/// What was wrong, and what should be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The faults from which the rest follows; none where nothing is wrong.
    pub root_causes: Vec<RootCause>,
    /// The actions that cure or relieve a root cause.
    pub remedies: Vec<ActionId>,
    /// Actions that look right, and do no good or harm.
    pub traps: Vec<ActionId>,
    /// How it hangs together.
    pub explanation: String,
}

/// One of the scenario's faults, or several that come at different times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// What happens.
    pub kind: KindId,
    /// To whom.
    pub target: Target,
    /// To whom, as it is written.
    pub written: String,
    /// When it begins, in order.
    pub rounds: Vec<u32>,
}

impl Scenario {
    /// The seeds that it is played on, one run each; there is at least one.
    pub fn seeds(&self) -> &[Seed] {
        &self.seeds
    }

    /// The faults and disturbances of a run with these SREs, who stand in order of their names.
    ///
    /// # Errors
    /// When it hits an SRE by a name that nobody of these has.
    pub fn scripted(&self, sres: &[SrePlan]) -> Result<Vec<ScriptedFault>, ScriptError> {
        let found =
            |it: &FaultTable| script::fault(&self.world, self.rounds, sres, &it.kind, it.round, &it.target);
        let mut faults = self.script.iter().map(found).collect::<Result<Vec<_>, _>>()?;
        faults.sort_unstable();
        Ok(faults)
    }

    /// The servers that a root cause hits: of a group those that its kind can hit.
    pub fn servers_hit(&self, cause: &RootCause) -> Vec<ServerId> {
        check::servers_hit(&self.world, cause.kind, cause.target)
    }

    /// Whether an action cures or relieves a root cause, by the catalogue of its world.
    pub fn helps(&self, action: ActionId, cause: &RootCause) -> bool {
        check::helps(&self.world, action, cause)
    }

    /// The plan of a run on a seed with these SREs, who stand in order of their names.
    ///
    /// # Errors
    /// When it hits an SRE by a name that nobody of these has.
    pub fn plan(&self, seed: Seed, sres: Vec<SrePlan>) -> Result<RunPlan, ScriptError> {
        let scripted = self.scripted(&sres)?;
        let Self { level, rounds, drill, .. } = *self;
        Ok(RunPlan { seed, level, rounds, sres, scripted, drill })
    }
}

/// The languages of the command line that a scenario file quotes.
pub trait Languages {
    /// Who is on call, in order of their names.
    ///
    /// # Errors
    /// The first that is not said well.
    fn sres(&self, given: &[String]) -> Result<Vec<SrePlan>, Misquoted>;

    /// Whether this is a condition on a result.
    ///
    /// # Errors
    /// When it is not; its position is of no importance.
    fn gate(&self, condition: &str) -> Result<(), Misquoted>;
}

/// A quotation that is not good in its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misquoted {
    /// Which of several, from 0.
    pub position: usize,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A scenario file that has its shape, and is yet to be found in its world.
pub struct Draft<'t> {
    name: &'t str,
    file: ScenarioFile,
    draft: documents::Draft<'t>,
}

/// A scenario that makes sense.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What the file says.
    pub scenario: Scenario,
    /// What in it is hardly as it was meant.
    pub warnings: Vec<Diagnostic>,
}

impl<'t> Draft<'t> {
    /// Reads a scenario file. `name` is the scenario's, `file_label` what diagnostics call the file.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text, when it has not the shape of one.
    pub fn read(name: &'t str, file_label: &'t str, text: &'t str) -> Result<Self, Vec<Diagnostic>> {
        let (mut draft, file) = documents::Draft::read::<ScenarioFile>(&SORT, file_label, text)?;
        check::alone(&file, &mut draft);
        Ok(Self { name, file, draft })
    }

    /// What the file says.
    pub fn file(&self) -> &ScenarioFile {
        &self.file
    }

    /// There is no such world: everything that is wrong beside that.
    pub fn without_world(mut self, message: String, hint: Option<String>) -> Vec<Diagnostic> {
        self.draft.findings.error_with(documents::key_path::KeyPath::top("world"), message, || hint);
        self.draft.verdict().err().unwrap_or_default()
    }

    /// Finds the scenario in its world, which has this name and definition.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn settle(
        self,
        world_name: &str,
        definition: &Definition,
        languages: &dyn Languages,
    ) -> Result<Settled, Vec<Diagnostic>> {
        let Self { name, file, mut draft } = self;
        let found = check::in_world(&file, world_name, definition, languages, &mut draft.findings);
        let warnings = draft.verdict()?;
        let found = found.expect("without an error everything was found");
        let hash = canonical::hash(&json!({
            // Where the world lies is of no importance, what it says is.
            "scenario": ScenarioFile { world: String::new(), ..file.clone() },
            "world": found.world.hash,
        }));
        let seeds = check::seeds(&file);
        let drill = Drill {
            warm_up: file.warm_up,
            hypothesis: file.steady_state.into(),
            stop: file.stop.unwrap_or_default().into(),
        };
        let scenario = Scenario {
            name: name.to_owned(),
            hash,
            title: file.title,
            summary: file.summary,
            tags: file.tags,
            world: found.world,
            rounds: file.rounds,
            level: file.chaos_level,
            sres: found.sres,
            drill,
            fail_on: file.gate.unwrap_or_default().fail_on,
            faults: found.faults,
            noise: found.noise,
            answer: found.answer,
            sources: file.source,
            seeds,
            script: file.fault.into_iter().chain(file.noise).collect(),
        };
        Ok(Settled { scenario, warnings })
    }
}
