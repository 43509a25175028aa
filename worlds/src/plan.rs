//! What is to be run: a world, a seed and the rest of what the command line decided.

use crate::chance::Seed;
use crate::definition::{Definition, SkillName, SreKind};
use crate::id::{AgentId, GroupId, KindId, Name};

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
}

/// How much chaos there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
            name: sre.name.as_str().into(),
            kind: sre.kind,
            skill: (sre.kind == SreKind::Rules).then(|| sre.skill.unwrap_or(SkillName::Mid)),
        })
        .collect();
    if sres.is_empty() {
        sres.push(SrePlan { name: "oncall".into(), kind: SreKind::Rules, skill: Some(SkillName::Mid) });
    }
    sres.sort_by(|one, other| one.name.cmp(&other.name));
    sres
}
