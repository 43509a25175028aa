//! The script: faults that come for certain, as people write them, found in a world.
//!
//! A command line and a scenario write them alike, so they are looked up in one place: a kind of fault, the
//! round in which it begins, and its target. That is a server; for a kind that hits SREs one of those; or
//! a group, as `zone:eu-1`.

use crate::definition::{GroupBy, Hits, nearest};
use crate::group::Group;
use crate::id::{AgentId, KindId, ServerId, SreId};
use crate::plan::{ScriptedFault, SrePlan, Target};
use crate::topology::World;
use documents::findings::quoted;

/// Why a fault cannot come. Each says which of its three parts is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// There is no such kind.
    #[error("this world has no kind of fault `{kind}`")]
    Kind {
        /// As it was written.
        kind: String,
        /// What to do about it.
        advice: Option<String>,
    },
    /// There is no such target.
    #[error("this world has no {what} `{target}`")]
    Target {
        /// What it should be.
        what: &'static str,
        /// As it was written.
        target: String,
        /// What to do about it.
        advice: Option<String>,
    },
    /// The kind does not hit this target.
    #[error("`{kind}` cannot hit `{target}`")]
    CannotHit {
        /// The kind.
        kind: String,
        /// As it was written.
        target: String,
        /// Whom it hits.
        eligible: String,
    },
    /// There is no such round.
    #[error("the run has rounds 1 to {rounds}")]
    Round {
        /// Rounds of the run.
        rounds: u32,
    },
}

/// Finds a fault in a world, and in a run of so many rounds with these SREs, which stand in order of their
/// names.
///
/// # Errors
/// When it cannot come.
pub fn fault(
    world: &World,
    rounds: u32,
    sres: &[SrePlan],
    kind: &str,
    round: u32,
    target: &str,
) -> Result<ScriptedFault, ScriptError> {
    let kinds = || world.definition.chaos.iter().map(|kind| kind.name.as_str());
    let position = kinds().position(|name| name == kind);
    let kind = position
        .map(KindId::from)
        .ok_or_else(|| ScriptError::Kind { kind: quoted(kind), advice: nearest::advice(kind, kinds()) })?;
    let target = find_target(world, sres, kind, target)?;
    if !(1..=rounds).contains(&round) {
        return Err(ScriptError::Round { rounds });
    }
    Ok(ScriptedFault { round, kind, target })
}

fn find_target(world: &World, sres: &[SrePlan], kind: KindId, target: &str) -> Result<Target, ScriptError> {
    let definition = &world.definition.chaos[kind.index()];
    let unknown = |what, known: Vec<&str>| ScriptError::Target {
        what,
        target: quoted(target),
        advice: nearest::advice(target, known),
    };
    let cannot_hit = || ScriptError::CannotHit {
        kind: definition.name.clone(),
        target: quoted(target),
        eligible: names_of(world, &world.eligible[kind.index()]),
    };
    if definition.hits == Hits::Sres {
        let names: Vec<&str> = sres.iter().map(|sre| &*sre.name).collect();
        let place = names.iter().position(|name| *name == target);
        let place = place.ok_or_else(|| unknown("SRE", names))?;
        return Ok(Target::Agent(AgentId::Sre(SreId::from(place))));
    }
    if let Some((by, name)) = target.split_once(':') {
        let by = GroupBy::ALL.into_iter().find(|known| known.name() == by);
        let group = by.and_then(|by| world.group(by, name)).ok_or_else(|| {
            let typed: Vec<String> = world.groups.iter().map(Group::typed).collect();
            unknown("group", typed.iter().map(String::as_str).collect())
        })?;
        let hits_somebody = world.targets_in(group, kind).next().is_some();
        return hits_somebody.then_some(Target::Group(group)).ok_or_else(cannot_hit);
    }
    let names = || world.servers.iter().map(|server| &*server.name).collect();
    let server = world.server(target).ok_or_else(|| unknown("server", names()))?;
    let is_eligible = world.eligible[kind.index()].contains(&server);
    is_eligible.then_some(Target::Agent(AgentId::Server(server))).ok_or_else(cannot_hit)
}

fn names_of(world: &World, servers: &[ServerId]) -> String {
    let names: Vec<&str> = servers.iter().map(|server| &*world.servers[server.index()].name).collect();
    if names.is_empty() { "no server of this world".to_owned() } else { names.join(", ") }
}

/// Whom a scripted fault hits, as it is written.
pub fn written(target: Target, world: &World, sres: &[SrePlan]) -> String {
    match target {
        Target::Agent(AgentId::Server(server)) => world.servers[server.index()].name.to_string(),
        Target::Agent(AgentId::Sre(sre)) => sres[sre.index()].name.to_string(),
        Target::Group(group) => world.groups[group.index()].typed(),
    }
}

impl ScriptError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Kind { advice, .. } | Self::Target { advice, .. } => advice.clone(),
            Self::CannotHit { eligible, .. } => Some(format!("it can hit {eligible}")),
            Self::Round { .. } => None,
        }
    }
}
