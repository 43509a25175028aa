//! How a run stands, as its director says it in the run's directory and `world ps` reads it.

use crate::event::{Agent, Event};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use worlds::definition::ProcessEffect;
use worlds::id::Name;

/// How a run stands. What the system knows better, such as memory, is not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunStatus {
    #[serde(flatten)]
    pub facts: RunFacts,
    pub agents: Vec<AgentStatus>,
}

/// What is said of a run, in its status and by `world ps` alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RunFacts {
    /// Which world.
    pub world: WorldStatus,
    /// The number from which all chance flows.
    pub seed: u64,
    /// `processes`.
    pub mode: String,
    /// What it does.
    pub phase: Phase,
    /// The round that was begun last; 0 before the first.
    pub round: u32,
    /// Rounds of the run.
    pub rounds: u32,
    /// When it started, seconds since 1970 (UTC).
    pub started_unix_seconds: u64,
}

/// Which world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WorldStatus {
    /// Its name, or the path of its file.
    pub name: String,
    /// The hash of its definition.
    pub hash: String,
}

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Agents are being started, or waited for.
    Starting,
    /// Rounds are played.
    Running,
}

/// An agent, as the run sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentStatus {
    /// Its name on the bus.
    pub name: Name,
    /// The server's type, or `sre`.
    pub kind: Name,
    pub by_hand: bool,
    pub presence: Presence,
    /// Its latest process.
    pub pid: Option<u32>,
}

/// Whether an agent is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Presence {
    /// It has not joined yet.
    Awaited,
    /// It takes part.
    Here,
    /// It is gone.
    Lost,
    /// A fault killed its process; another one follows.
    Killed,
    /// It has joined again, and takes part from a later round on.
    Returning,
}

impl RunStatus {
    /// What is said of it in a few words: `systems, seed 23, round 4 of 15`.
    pub(crate) fn in_short(&self) -> String {
        let RunFacts { world, seed, phase, round, rounds, .. } = &self.facts;
        let round = match phase {
            Phase::Starting => "starting".to_owned(),
            Phase::Running => format!("round {round} of {rounds}"),
        };
        format!("{}, seed {seed}, {round}", world.name)
    }

    /// How the run in a directory stands; `None` when it has not said so yet.
    pub(crate) fn read(directory: &std::path::Path) -> Option<Self> {
        serde_json::from_slice(&bus::address::status_in(directory)?).ok()
    }
}

/// The status of a run, kept up to date with what happens.
#[derive(Debug)]
pub(crate) struct Standing {
    status: RunStatus,
    positions: BTreeMap<Name, usize>,
}

impl Standing {
    /// That of a run which is about to begin.
    pub(crate) fn new(status: RunStatus) -> Self {
        let named = status.agents.iter().enumerate().map(|(index, agent)| (agent.name.clone(), index));
        Self { positions: named.collect(), status }
    }

    /// The status now.
    pub(crate) fn status(&self) -> &RunStatus {
        &self.status
    }

    /// Takes in what happened.
    pub(crate) fn tell(&mut self, event: &Event) {
        match event {
            Event::Waiting { .. } | Event::Starting { .. } | Event::Thinking { .. } => {}
            Event::Spawned { agent, .. } => self.joined(agent, Presence::Here),
            Event::Returned { agent, .. } => self.joined(agent, Presence::Returning),
            Event::Left { agent, .. } => self.gone(agent, Presence::Awaited),
            Event::Lost { agent, .. } | Event::GivenUp { agent, .. } => self.gone(agent, Presence::Lost),
            Event::Struck { agent, effect: ProcessEffect::Killed, .. } => self.gone(agent, Presence::Killed),
            // What stands still is there; the system tells that it does.
            Event::Struck { effect: ProcessEffect::Paused, .. } => {}
            // Where nobody reads the journal there is none to be told of.
            Event::RoundPlayed { .. } | Event::Entry(_) => {}
        }
    }

    /// A round begins.
    pub(crate) fn opened(&mut self, round: u32) {
        self.status.facts.round = round;
        self.status.facts.phase = Phase::Running;
    }

    /// An agent takes part again.
    pub(crate) fn let_in(&mut self, agent: &Name) {
        if let Some(agent) = self.agent(agent) {
            agent.presence = Presence::Here;
        }
    }

    fn joined(&mut self, agent: &Agent, presence: Presence) {
        if let Some(known) = self.agent(&agent.name) {
            known.pid = Some(agent.pid);
            known.presence = presence;
        }
    }

    fn gone(&mut self, agent: &Name, presence: Presence) {
        if let Some(known) = self.agent(agent) {
            known.pid = None;
            known.presence = presence;
        }
    }

    fn agent(&mut self, name: &Name) -> Option<&mut AgentStatus> {
        self.status.agents.get_mut(*self.positions.get(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        let agent = AgentStatus {
            name: "server-web-1".into(),
            kind: "web".into(),
            by_hand: true,
            presence: Presence::Awaited,
            pid: None,
        };
        let facts = RunFacts {
            world: WorldStatus { name: "systems".to_owned(), hash: String::new() },
            seed: 23,
            mode: "processes".to_owned(),
            phase: Phase::Starting,
            round: 0,
            rounds: 15,
            started_unix_seconds: 0,
        };
        Standing::new(RunStatus { facts, agents: vec![agent] })
    }

    #[test]
    fn a_status_is_read_back_as_it_was_written() {
        let mut status = standing().status().clone();
        status.facts.seed = u64::MAX;
        let written = serde_json::to_vec(&status).expect("it can be written");
        assert_eq!(serde_json::from_slice::<RunStatus>(&written).expect("it can be read"), status);
    }

    #[test]
    fn an_agent_is_followed_from_its_first_joining_to_its_return() {
        let mut standing = standing();
        let agent = |pid| Agent { name: "server-web-1".into(), kind: "web".into(), pid };
        let name: Name = "server-web-1".into();
        let lost = Event::Lost { agent: name.clone(), how: String::new(), again: None };
        for (event, presence, pid) in [
            (Event::Spawned { agent: agent(7), awaited: None }, Presence::Here, Some(7)),
            (lost, Presence::Lost, None),
            (Event::Returned { agent: agent(8), round: 3 }, Presence::Returning, Some(8)),
        ] {
            standing.tell(&event);
            let agent = &standing.status().agents[0];
            assert_eq!((agent.presence, agent.pid), (presence, pid), "{event:?}");
        }
        standing.let_in(&name);
        assert_eq!(standing.status().agents[0].presence, Presence::Here);
    }

    #[test]
    fn the_round_is_the_one_that_was_begun_last() {
        let mut standing = standing();
        assert_eq!(standing.status().in_short(), "systems, seed 23, starting");
        standing.opened(4);
        assert_eq!(standing.status().in_short(), "systems, seed 23, round 4 of 15");
    }
}
