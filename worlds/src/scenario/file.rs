//! The scenario file: what a drill is, as data.
//!
//! [`ScenarioFile`] is the shape of the TOML file, one struct a table, and the source of its JSON Schema.
//! Ranges of single values stand here, as attributes. What was written is held against its world by
//! [`super::Draft::settle`].

use super::limits;
use crate::definition::ChaosKind;
use crate::definition::limits::{KINDS_MAX, NAME_CHARS_MAX, NAME_PATTERN, ROUNDS_MAX, SRES_MAX};
use crate::plan::{Hypothesis, Level, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// What it is, in one line, for people.
    #[schemars(length(max = limits::TITLE_CHARS_MAX))]
    pub title: String,
    /// What happens, and what one learns from it, for people. No SRE is told it.
    #[serde(default)]
    #[schemars(length(max = limits::TEXT_CHARS_MAX))]
    pub summary: String,
    /// Words to find it by.
    #[serde(default)]
    #[schemars(length(max = limits::TAGS_MAX), inner(regex(pattern = NAME_PATTERN), length(max = NAME_CHARS_MAX)))]
    pub tags: Vec<String>,
    /// The world: a built-in one's name, or the path of a file, from where this file is.
    #[schemars(length(max = limits::QUOTATION_CHARS_MAX))]
    pub world: String,
    /// The one seed that it is played on. Write this, or `seeds`, or `seed_count`.
    #[serde(default)]
    #[schemars(range(max = limits::SEED_MAX))]
    pub seed: Option<u64>,
    /// The seeds that it is played on, one run each.
    #[serde(default)]
    #[schemars(length(max = limits::SEEDS_MAX), inner(range(max = limits::SEED_MAX)))]
    pub seeds: Vec<u64>,
    /// On how many seeds it is played: from `first_seed` on, one after another.
    #[serde(default)]
    #[schemars(range(min = 1, max = limits::SEEDS_MAX))]
    pub seed_count: Option<u32>,
    /// The first of `seed_count` seeds; 1 when it is left out.
    #[serde(default)]
    #[schemars(range(max = limits::SEED_MAX))]
    pub first_seed: Option<u64>,
    /// Rounds of a run, those of the warm-up among them.
    #[schemars(range(min = 1, max = ROUNDS_MAX))]
    pub rounds: u32,
    /// Rounds at the start in which nothing hits the world. What it shows then is its steady state; where
    /// that does not hold, the run is invalid.
    #[schemars(range(min = 1, max = limits::WARM_UP_ROUNDS_MAX))]
    pub warm_up: u32,
    /// How much chaos comes by itself after the warm-up, beside what is scripted.
    #[serde(default = "no_chaos")]
    pub chaos_level: Level,
    /// The promised share of good requests, in percent, in place of the world's.
    #[serde(default)]
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub sla_target: Option<f64>,
    /// Who is on call, each as `--sre` has it; the world's when it is left out.
    #[serde(default)]
    #[schemars(length(max = SRES_MAX), inner(length(max = limits::QUOTATION_CHARS_MAX)))]
    pub sres: Vec<String>,
    /// What holds in the warm-up. Without it: the promise is kept, and no alert opens.
    #[serde(default)]
    pub steady_state: SteadyStateTable,
    /// When a run is stopped before its time.
    #[serde(default)]
    pub stop: Option<StopTable>,
    /// Under which conditions a run fails.
    #[serde(default)]
    pub gate: Option<GateTable>,
    /// Kinds of faults beside the world's, as world files have them. SREs find them in their runbook.
    #[serde(default)]
    #[schemars(length(max = KINDS_MAX))]
    pub chaos: Vec<ChaosKind>,
    /// Kinds of faults that an action of the world cures beside those that the world names: by the
    /// action's name.
    #[serde(default)]
    pub cures: BTreeMap<String, Vec<String>>,
    /// Faults that come for certain.
    #[serde(default)]
    #[schemars(length(max = limits::FAULTS_MAX))]
    pub fault: Vec<FaultTable>,
    /// Disturbances that come for certain, and that users do not feel.
    #[serde(default)]
    #[schemars(length(max = limits::FAULTS_MAX))]
    pub noise: Vec<FaultTable>,
    /// The answer key. No SRE is told any of it.
    #[serde(default)]
    pub answer: Option<AnswerTable>,
    /// Where the story was published, for an outage that is retold.
    #[serde(default)]
    #[schemars(length(max = limits::SOURCES_MAX))]
    pub source: Vec<SourceTable>,
}

fn no_chaos() -> Level {
    Level::Off
}

/// What a world in order shows while nothing hits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteadyStateTable {
    /// Users get at least this over the warm-up, in percent; the promise when it is left out.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub availability_pct: Option<f64>,
    /// At most so many alerts open.
    #[serde(default)]
    #[schemars(range(max = limits::ALERTS_MAX))]
    pub alerts: u32,
}

impl From<SteadyStateTable> for Hypothesis {
    fn from(table: SteadyStateTable) -> Self {
        Self { availability_pct: table.availability_pct, alerts: table.alerts }
    }
}

/// Limits of harm at which a run is stopped, and has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopTable {
    /// So much of the error budget of the whole run is spent, in percent.
    #[serde(default)]
    #[schemars(range(max = limits::BUDGET_PCT_MAX), extend("exclusiveMinimum" = 0.0))]
    pub budget_spent_pct: Option<f64>,
    /// A critical alert is open on such a share of the servers, in percent.
    #[serde(default)]
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub blast_radius_pct: Option<f64>,
}

impl From<StopTable> for Stop {
    fn from(table: StopTable) -> Self {
        Self { budget_spent_pct: table.budget_spent_pct, blast_radius_pct: table.blast_radius_pct }
    }
}

/// What a run is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateTable {
    /// A run fails if one of these is true of its result, each as `--fail-on` has it.
    #[schemars(length(min = 1, max = limits::GATES_MAX), inner(length(max = limits::QUOTATION_CHARS_MAX)))]
    pub fail_on: Vec<String>,
}

/// A fault that comes for certain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultTable {
    /// What happens: a kind of the world's, or one of this file.
    pub kind: String,
    /// Its first round, counted from the start of the run. It comes after the warm-up.
    #[schemars(range(min = 1, max = ROUNDS_MAX))]
    pub round: u32,
    /// To whom: a server, a group as in `zone:eu-1`, or an SRE for a kind that hits those.
    pub target: String,
}

/// What was wrong, and what should be done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerTable {
    /// The faults from which the rest follows; none where nothing is wrong.
    #[schemars(length(max = limits::FAULTS_MAX))]
    pub root_causes: Vec<CauseTable>,
    /// The actions that cure or relieve a root cause.
    #[serde(default)]
    #[schemars(length(max = crate::definition::limits::ACTIONS_MAX))]
    pub remedies: Vec<String>,
    /// Actions that look right, and do no good or harm.
    #[serde(default)]
    #[schemars(length(max = crate::definition::limits::ACTIONS_MAX))]
    pub traps: Vec<String>,
    /// How it hangs together, for people.
    #[serde(default)]
    #[schemars(length(max = limits::TEXT_CHARS_MAX))]
    pub explanation: String,
}

/// A root cause: one of the file's faults.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CauseTable {
    /// Its kind.
    pub kind: String,
    /// Its target, as the fault has it.
    pub target: String,
}

/// Where a story was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// What it is called there.
    #[schemars(length(max = limits::TEXT_CHARS_MAX))]
    pub title: String,
    /// Its address.
    #[schemars(length(max = limits::TEXT_CHARS_MAX))]
    pub url: String,
    /// What was taken from it, and what is our choice.
    #[serde(default)]
    #[schemars(length(max = limits::TEXT_CHARS_MAX))]
    pub note: String,
}
