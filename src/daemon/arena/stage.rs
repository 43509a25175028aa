//! The stage: a run of a scene by the real director, over a real bus, with the attacker among its agents.
//!
//! All seats are for agents that are started by hand, so no process is: each agent has a thread, and those that
//! are honest are played as `world agent` plays them. The run has no pace, and is over in some milliseconds.

use super::attacker::{self, Told};
use super::plot::{Deed, ONCALL, STANDBY, Scene, WEB_3};
use crate::config::Manual;
use crate::director::{self, Directed, Interruptions, ProcessRun};
use crate::sre_programs::Programs;
use crate::watchers::Watchers;
use agents::Membership;
use bus::address::{RunDirectory, socket_in, token_in};
use bus::hub::Counters;
use bus::token::Token;
use bus::wire::Role;
use rustix::process::Signal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use worlds::definition::{SkillName, SreKind};
use worlds::id::{AgentId, KindId, Name};
use worlds::journal::Record;
use worlds::plan::{Drill, Level, RunPlan, ScriptedFault, SrePlan, Target};
use worlds::topology::World;

/// From the end of a run's time on, for the round in which it stands to end.
const GRACE_TIME: Duration = Duration::from_millis(200);

/// The one fault of the arena's world.
const CPU_SPIKE: KindId = KindId(0);

/// What came of a run.
pub(super) struct Played {
    /// What the attacker was told.
    pub told: Told,
    /// What the world has written down, or why there is nothing.
    pub record: Result<RunRecord, String>,
}

/// What the world has written down of a run.
pub(super) struct RunRecord {
    /// Its journal.
    pub journal: Vec<Record>,
    /// What its hub counted.
    pub counters: Counters,
    /// Whether all rounds were played, and no agent was lost but the attacker's.
    pub is_whole: bool,
}

impl Played {
    /// Whether it went as if there were no attacker, but for what became of that.
    pub(super) fn is_unharmed(&self) -> bool {
        self.record.as_ref().is_ok_and(|record| record.is_whole) && self.told.is_door_kept != Some(false)
    }
}

/// Where a run is found, and what lets agents in.
#[derive(Clone)]
pub(super) struct Place {
    directory: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) token: Token,
    pub(super) scene: Arc<Scene>,
}

/// Plays a scene, with a deed in it; at once over when nobody wants it any more.
pub(super) async fn play(scene: &Scene, deed: &Arc<Deed>, wanted: &watch::Receiver<()>) -> Played {
    let directory = match RunDirectory::create(None) {
        Ok(directory) => directory,
        Err(error) => return Played { told: Told::default(), record: Err(error.to_string()) },
    };
    let scene = Arc::new(scene.clone());
    let run = scene.run();
    let curtain = Curtain { wanted: wanted.clone(), falls: Instant::now() + scene.run_time };
    let (open, opened) = oneshot::channel();
    let found_at = directory.path().to_owned();
    let is_open = |_| {
        // Whoever waits for it is there as long as this is.
        let _ = open.send(());
    };
    let directed = director::host(run.clone(), directory, &curtain, Watchers::of_journal(), is_open);
    let cast = act(found_at, Arc::clone(&scene), Arc::clone(deed), opened);
    let (directed, told) = tokio::join!(directed, cast);
    Played { told, record: record(directed, &run, &scene) }
}

/// Has all agents play their parts, when there is a bus; gives what the attacker was told.
async fn act(directory: PathBuf, scene: Arc<Scene>, deed: Arc<Deed>, opened: oneshot::Receiver<()>) -> Told {
    let nothing = Told::default();
    // A director that did not get so far says why.
    let (Ok(()), Ok(token)) = (opened.await, token_in(&directory)) else { return nothing };
    let place = Place { socket: socket_in(&directory), directory, token, scene };
    let entering = (place.clone(), Arc::clone(&deed));
    let Ok(told) = spawn_blocking(move || attacker::enter(&entering.0, &entering.1)).await else {
        return nothing;
    };
    let mut honest = JoinSet::new();
    for (name, part) in place.honest() {
        let membership = place.membership(&name);
        // How it ended the world knows, too.
        honest.spawn_blocking(move || drop(part(membership)));
    }
    let told = spawn_blocking(move || attacker::play(&place, &deed, told)).await;
    while honest.join_next().await.is_some() {}
    told.unwrap_or(nothing)
}

impl Place {
    /// The honest agents, and what they do.
    fn honest(&self) -> Vec<(String, super::plot::Part)> {
        let servers = self.scene.definition.servers.iter().map(|server| server.name.clone());
        let servers = servers.filter(|name| *name != self.scene.name(WEB_3));
        let servers = servers.map(|name| (name, agents::serve as super::plot::Part));
        servers.chain([(ONCALL.to_owned(), self.scene.oncall_part)]).collect()
    }

    fn membership(&self, name: &str) -> Membership {
        Membership {
            directory: self.directory.clone(),
            name: name.to_owned(),
            skill: None,
            token: self.token.clone(),
            on_joined: |_, _| (),
        }
    }
}

impl Scene {
    /// The run of it.
    fn run(&self) -> ProcessRun {
        let sre = |name: &str, kind, skill| match kind {
            SreKind::Rules => SrePlan::rules(name, skill),
            other => SrePlan::of(name, other),
        };
        let busy = |server: &worlds::id::ServerId| ScriptedFault {
            round: 1,
            kind: CPU_SPIKE,
            target: Target::Agent(AgentId::Server(*server)),
        };
        let plan = RunPlan {
            seed: 1,
            level: Level::Off,
            rounds: self.definition.rounds,
            sres: vec![
                sre(ONCALL, self.oncall, SkillName::Senior),
                sre(STANDBY, self.standby, SkillName::Junior),
            ],
            scripted: self.busy.iter().map(busy).collect(),
            drill: Drill::default(),
        };
        ProcessRun {
            world: Arc::new(World::new("arena", self.definition.clone())),
            plan,
            pace: None,
            worker_threads: 0,
            manual: Manual::Everybody,
            answer_time: self.answer_time,
            programs: Programs { deadline: None, logs: None },
        }
    }
}

/// What the world has written down.
fn record(directed: Directed, run: &ProcessRun, scene: &Scene) -> Result<RunRecord, String> {
    let (finished, here, mut watchers) = directed.map_err(|error| error.to_string())?;
    let journal = watchers.records.take_journal().ok_or("there is no journal of the run")?;
    let attackers = [Role::Server.agent_name(scene.name(WEB_3)), Role::Sre.agent_name(STANDBY)];
    let is_attackers = |agent: &Name| attackers.iter().any(|name| **name == **agent);
    let outcome = &finished.outcome;
    let is_whole = outcome.rounds == run.plan.rounds
        && finished.troubles.is_empty()
        && outcome.lost_agents.iter().all(is_attackers);
    Ok(RunRecord { journal, counters: here.bus.counters, is_whole })
}

/// When a run has to end: nobody wants it any more, or its time is over.
struct Curtain {
    wanted: watch::Receiver<()>,
    falls: Instant,
}

impl Curtain {
    async fn fallen_for(&self, time: Duration) -> i32 {
        let mut wanted = self.wanted.clone();
        tokio::select! {
            // Whoever wants it holds the other end, and says nothing.
            _ = wanted.changed() => {}
            () = sleep_until(self.falls + time) => {}
        }
        Signal::TERM.as_raw()
    }
}

impl Interruptions for Curtain {
    async fn first(&self) -> i32 {
        self.fallen_for(Duration::ZERO).await
    }

    async fn second(&self) -> i32 {
        self.fallen_for(GRACE_TIME).await
    }
}
