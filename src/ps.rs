//! `world ps`: the worlds that are running, and their agents.
//!
//! What a run knows (round, who is there) its director has written down in the run's directory, a
//! few times a second at most; what the system knows (whether processes run, how much memory they
//! take) is asked from the system now. So it costs a run nothing to be looked at, and one whose
//! director is stopped is listed all the same.

use crate::cli::PsArgs;
use crate::proc;
use crate::status::{AgentStatus, Presence, RunFacts, RunStatus};
use crate::wall_clock;
use bus::address::{self, AddressError, Running};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::PathBuf;

/// The version of this document's shape: raised when a field is renamed, removed or changes its
/// meaning. New fields do not raise it.
const SCHEMA_VERSION: u32 = 1;

/// A world that is running.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RunningWorld {
    /// Version of this document's shape.
    pub schema: u32,
    /// The last part of the directory's path.
    pub id: String,
    /// The run's directory, for `--bus`.
    pub directory: PathBuf,
    /// The process that runs the world.
    pub director: Director,
    /// What the run says of itself; null in the instant before it has said anything.
    #[serde(flatten)]
    pub run: Option<Run>,
}

/// The process that runs a world.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Director {
    /// Its process id.
    pub pid: Option<u32>,
    /// `running` or `stopped`; `lost` when it is gone just now.
    pub state: AgentState,
    /// Its memory: proportional set size, KiB.
    pub pss_kib: Option<u64>,
}

/// What a run says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Run {
    /// What its director has written down.
    #[serde(flatten)]
    pub facts: RunFacts,
    /// Servers in the order of the world, then SREs.
    pub agents: Vec<RunningAgent>,
}

/// An agent of a world.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RunningAgent {
    /// Its name on the bus, `server-web-1` or `sre-oncall`.
    pub name: String,
    /// The server's type, or `sre`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is started by hand.
    pub by_hand: bool,
    /// Its process; null when there is none.
    pub pid: Option<u32>,
    /// What it does.
    pub state: AgentState,
    /// Its memory: proportional set size, KiB.
    pub pss_kib: Option<u64>,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AgentState {
    /// It takes part.
    Running,
    /// It takes part, and its process is stopped: it will be late.
    Stopped,
    /// The run starts it.
    Starting,
    /// Somebody is to start it by hand.
    Awaited,
    /// Its process is gone.
    Lost,
    /// A fault killed its process; another one follows.
    Killed,
    /// It has joined again, and takes part from the next round on.
    Returning,
}

impl AgentState {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Awaited => "awaited",
            Self::Lost => "lost",
            Self::Killed => "killed",
            Self::Returning => "returning",
        }
    }

    fn of_process(pid: Option<u32>) -> Self {
        match pid.map(proc::state) {
            Some(proc::State::Running) => Self::Running,
            Some(proc::State::Stopped) => Self::Stopped,
            Some(proc::State::Gone) | None => Self::Lost,
        }
    }
}

/// The worlds that are running: those of this user, or that in the directory that was named.
pub(crate) fn worlds(args: &PsArgs) -> Result<Vec<RunningWorld>, AddressError> {
    let running = match &args.bus {
        Some(directory) => address::running_in(directory)?.into_iter().collect(),
        None => address::running(),
    };
    let mut worlds: Vec<_> = running.into_iter().map(world).collect();
    let started = |world: &RunningWorld| world.run.as_ref().map(|run| run.facts.started_unix_seconds);
    worlds.sort_by_key(started);
    Ok(worlds)
}

/// The published JSON Schema of `world ps --json`.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Vec<RunningWorld>)
}

/// How long ago that was, seconds.
pub(crate) fn seconds_since(unix_seconds: u64) -> u64 {
    wall_clock::unix_seconds().saturating_sub(unix_seconds)
}

fn world(running: Running) -> RunningWorld {
    let director = Director {
        pid: running.director,
        state: AgentState::of_process(running.director),
        pss_kib: running.director.and_then(proc::pss_kib),
    };
    let id = running.path.file_name().map(|name| name.to_string_lossy().into_owned());
    RunningWorld {
        schema: SCHEMA_VERSION,
        id: id.unwrap_or_default(),
        run: RunStatus::read(&running.path).map(run),
        directory: running.path,
        director,
    }
}

fn run(status: RunStatus) -> Run {
    Run { facts: status.facts, agents: status.agents.into_iter().map(agent).collect() }
}

fn agent(status: AgentStatus) -> RunningAgent {
    let state = match (status.presence, status.by_hand) {
        (Presence::Here, _) => AgentState::of_process(status.pid),
        (Presence::Awaited, false) => AgentState::Starting,
        (Presence::Awaited, true) => AgentState::Awaited,
        (Presence::Lost, _) => AgentState::Lost,
        (Presence::Killed, _) => AgentState::Killed,
        (Presence::Returning, _) => AgentState::Returning,
    };
    let pid = status.pid.filter(|_| state != AgentState::Lost);
    RunningAgent {
        name: status.name.to_string(),
        kind: status.kind.to_string(),
        by_hand: status.by_hand,
        pid,
        state,
        pss_kib: pid.and_then(proc::pss_kib),
    }
}
