//! What is to be run: a world, a seed and the rest of what the command line decided.

use crate::chance::Seed;
use crate::definition::{Definition, SkillName, SreKind};
use crate::id::{AgentId, GroupId, KindId, Name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything that, together with the world, decides a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// The one number from which all chance flows.
    pub seed: Seed,
    /// Which multiplier of the world's `chaos_levels` holds.
    pub level: Level,
    /// Rounds to play, at least 1.
    pub rounds: u32,
    /// The SREs, by name; names are unique.
    pub sres: Vec<SrePlan>,
    /// Faults that come for certain, beside what chaos rolls.
    pub scripted: Vec<ScriptedFault>,
    /// What a drill asks of the run beside its faults; nothing for a plain run.
    pub drill: Drill,
}

/// What a drill asks of a run beside its faults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drill {
    /// Rounds at the start in which chaos rolls nothing, and the steady state is observed.
    pub warm_up: u32,
    /// What holds in the steady state. Where it does not, the run ends with its warm-up.
    pub hypothesis: Hypothesis,
    /// When the run ends before its time.
    pub stop: Stop,
}

impl Drill {
    /// The same without an early end: for runs that others are compared with.
    pub fn to_its_end(self) -> Self {
        Self { stop: Stop::default(), ..self }
    }
}

/// The steady-state hypothesis: what a world in order shows while nothing hits it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// Users get at least this over the warm-up, percent; `None` for the world's promise.
    pub availability_pct: Option<f64>,
    /// At most so many alerts open.
    pub alerts: u32,
}

/// Limits of harm at which a run is stopped, looked at when a round closes after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stop {
    /// So much of the error budget of all planned rounds is spent, percent.
    pub budget_spent_pct: Option<f64>,
    /// A critical alert is open on such a share of the servers, percent.
    pub blast_radius_pct: Option<f64>,
}

/// How much chaos there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the levels of the command line")]
pub enum Level {
    Off,
    Low,
    Medium,
    High,
    Extreme,
}

impl Level {
    /// All of them, in order.
    pub const ALL: [Level; 5] = [Level::Off, Level::Low, Level::Medium, Level::High, Level::Extreme];

    /// The name on the command line and in world files.
    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Extreme => "extreme",
        }
    }
}

/// An SRE of this run.
#[derive(Clone, Debug, PartialEq)]
pub struct SrePlan {
    /// Its name.
    pub name: Name,
    /// How it decides.
    pub kind: SreKind,
    /// How well; only for the kind `rules`, and always there.
    pub skill: Option<SkillName>,
    /// What a shell runs, for the kind `exec`; `None` where somebody else starts it.
    pub command: Option<Name>,
}

impl SrePlan {
    /// One of a kind that needs nothing but its name.
    pub fn of(name: &str, kind: SreKind) -> Self {
        Self { name: name.into(), kind, skill: None, command: None }
    }

    /// One of kind rules.
    pub fn rules(name: &str, skill: SkillName) -> Self {
        Self { skill: Some(skill), ..Self::of(name, SreKind::Rules) }
    }
}

/// A fault that comes for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScriptedFault {
    /// Its first round.
    pub round: u32,
    /// What happens.
    pub kind: KindId,
    /// To whom.
    pub target: Target,
}

/// Whom a fault that comes for certain hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A server, or an SRE.
    Agent(AgentId),
    /// Those of a group that the kind can hit, as its spread says.
    Group(GroupId),
}

/// The SREs of a world, by name: those that its file lists, or one `oncall` of kind rules.
pub fn sres_of(definition: &Definition) -> Vec<SrePlan> {
    let mut sres: Vec<SrePlan> = definition
        .sre
        .iter()
        .map(|sre| SrePlan {
            skill: (sre.kind == SreKind::Rules).then(|| sre.skill.unwrap_or(SkillName::Mid)),
            ..SrePlan::of(&sre.name, sre.kind)
        })
        .collect();
    if sres.is_empty() {
        sres.push(SrePlan::rules("oncall", SkillName::Mid));
    }
    sres.sort_by(|one, other| one.name.cmp(&other.name));
    sres
}
