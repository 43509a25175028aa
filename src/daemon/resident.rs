//! The resident world: agent processes under chaos, for as long as the daemon lives, and single requests to them.
//!
//! Runs follow each other, each of an hour unless it is said otherwise and with the next seed, so that none grows
//! for months and each can be played again by `world run`. A keeper sees to that; whoever asks finds the run of
//! the moment at the front door, and waits there while one follows another. A run that does not come up is tried
//! again, less and less often, and cycles fail meanwhile with what is wrong.
//!
//! An operation is a request to one server's service: it takes the way that users' requests take, and every server
//! on it is asked over the bus. Its answer comes when a user's would have come: after the simulated time that
//! it took.

use super::arena::Arena;
use crate::config::Manual;
use crate::director::{self, DirectorError, FrontDoor, Interruptions, ProcessRun};
use crate::event::Finished;
use crate::sre_programs::{Programs, is_program};
use crate::worlds_command;
use daemon::clock::{Alarm, Clock};
use daemon::send::{Answer, Ask, Failure, FailureKind, Subject};
use daemon::subjects::{Subjects, agent_type};
use daemon::suite::attack::Attacker as _;
use daemon::suite::{Case, Trial};
use daemon::target::{Complaint, Lane, Target};
use days::config::Config;
use days::config::settings::ChaosLevel;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use worlds::id::ServerId;
use worlds::plan::{Drill, Level, RunPlan, sres_of};
use worlds::topology::World;
use worlds::traffic::{ProbeEnd, Trouble};

/// How long a run lasts where nothing else is said.
const RUN_TIME: Duration = Duration::from_secs(3_600);

/// For the first run to come up: more than a thousand processes take on a loaded machine.
const START_TIME: Duration = Duration::from_secs(60);

/// From a run that did not come up to the next try; each time twice as long, up to the second.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// For the processes to go when they are told to; then they are made to.
const FAREWELL_TIME: Duration = Duration::from_secs(2);

/// The resident world.
pub(super) struct Resident {
    target: WorldTarget,
    /// How often it was told to end.
    told: watch::Sender<u32>,
    keeper: JoinHandle<()>,
}

/// How the world stands.
#[derive(Clone)]
enum Standing {
    /// A run comes up.
    Opening,
    /// Somebody is at the front door.
    Open(FrontDoor),
    /// No run comes up, and why.
    Shut(String),
}

/// The world, to be asked.
#[derive(Clone)]
pub(super) struct WorldTarget {
    world: Arc<World>,
    standing: watch::Receiver<Standing>,
    clock: Arc<dyn Clock>,
    arena: Arena,
    timeout: Duration,
}

/// One question at a time to it.
pub(super) struct WorldLane {
    target: WorldTarget,
    alarm: Alarm,
}

impl Resident {
    /// Begins to keep the world of a configuration.
    ///
    /// # Errors
    /// When there is no such world.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(super) fn begin(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Complaint> {
        let run = run_of(config)?;
        let world = Arc::clone(&run.world);
        let (standing, seen) = watch::channel(Standing::Opening);
        let (told, hearing) = watch::channel(0);
        let keeper = tokio::spawn(keep(run, standing, Told(hearing)));
        let timeout = Duration::from_secs_f64(config.settings.target.timeout_seconds);
        let target = WorldTarget { world, standing: seen, clock, arena: Arena::new(), timeout };
        Ok(Self { target, told, keeper })
    }

    /// Waits until it answers requests.
    ///
    /// # Errors
    /// When its first run does not come up.
    pub(super) async fn comes_up(&self) -> Result<(), Complaint> {
        let late = || down(&format!("no answer within {} s", START_TIME.as_secs()));
        timeout(START_TIME, self.target.answers()).await.unwrap_or_else(|_| Err(late()))
    }

    /// The world, to be asked.
    pub(super) fn target(&self) -> WorldTarget {
        self.target.clone()
    }

    /// Has it end, with all its processes: after its round at first, and at once if that takes too long.
    pub(super) async fn leave(self) {
        let Self { target, told, mut keeper } = self;
        told.send_replace(1);
        if timeout(FAREWELL_TIME, &mut keeper).await.is_err() {
            told.send_replace(2);
            // What it still waits for is bounded: see the director.
            let _ = keeper.await;
        }
        target.arena.close().await;
    }
}

/// The first run of a configuration.
fn run_of(config: &Config) -> Result<ProcessRun, Complaint> {
    let target = &config.settings.target.world;
    let (name, checked) = worlds_command::load_world(&target.world).map_err(|error| {
        let cure = error.hint().unwrap_or_else(|| "mend it, or name another one".to_owned());
        Complaint::new(format!("the world: {error}"), format!("{cure}; it is named in `target.world.world`."))
    })?;
    let world = Arc::new(World::new(&name, checked.definition));
    let sres = sres_of(&world.definition);
    if let Some(program) = sres.iter().find(|sre| is_program(sre)) {
        let what = format!("the world: its SRE `{}` is a program, and nobody says which", program.name);
        return Err(Complaint::new(what, "Name a world in `target.world.world` whose SREs are no programs."));
    }
    let pace = Duration::from_millis(target.round_ms.into());
    let of_an_hour = RUN_TIME.as_millis().div_ceil(pace.as_millis().max(1));
    let plan = RunPlan {
        seed: target.seed.unwrap_or(config.settings.seed),
        level: level(target.chaos_level),
        rounds: target.rounds.unwrap_or(u32::try_from(of_an_hour).unwrap_or(u32::MAX)),
        sres,
        scripted: Vec::new(),
        drill: Drill::default(),
    };
    Ok(ProcessRun {
        world,
        plan,
        pace: Some(pace),
        worker_threads: 0,
        manual: Manual::Nobody,
        answer_time: director::ANSWER_TIME,
        programs: Programs { deadline: None, logs: None },
    })
}

fn level(level: ChaosLevel) -> Level {
    match level {
        ChaosLevel::Off => Level::Off,
        ChaosLevel::Low => Level::Low,
        ChaosLevel::Medium => Level::Medium,
        ChaosLevel::High => Level::High,
        ChaosLevel::Extreme => Level::Extreme,
    }
}

// ---- keeping it -------------------------------------------------------------------------------

/// How often the world was told to end.
struct Told(watch::Receiver<u32>);

impl Told {
    fn is_over(&self) -> bool {
        *self.0.borrow() > 0
    }

    async fn nth(&self, nth: u32) -> i32 {
        // Whoever would tell it is gone: that is the end, too.
        let _ = self.0.clone().wait_for(|told| *told >= nth).await;
        rustix::process::Signal::TERM.as_raw()
    }
}

impl Interruptions for Told {
    async fn first(&self) -> i32 {
        self.nth(1).await
    }

    async fn second(&self) -> i32 {
        self.nth(2).await
    }
}

/// Plays one run after the other until it is told to end.
async fn keep(mut run: ProcessRun, standing: watch::Sender<Standing>, told: Told) {
    let mut pause = RETRY_PAUSES[0];
    while !told.is_over() {
        let seed = run.plan.seed;
        let open = |door| {
            info!("the world {} comes up, with seed {seed}", run.world.name);
            standing.send_replace(Standing::Open(door));
        };
        match director::keep(run.clone(), &told, open).await {
            Ok((finished, _)) => {
                standing.send_replace(Standing::Opening);
                tell_end(&run, &finished);
                pause = RETRY_PAUSES[0];
            }
            Err(_) if told.is_over() => return,
            Err(error) => {
                warn!("the world {} is down: {error}; tried again in {pause:?}", run.world.name);
                standing.send_replace(Standing::Shut(shut(&error)));
                tokio::select! {
                    () = sleep(pause) => pause = (pause * 2).min(RETRY_PAUSES[1]),
                    _ = told.first() => return,
                }
            }
        }
        run.plan.seed = seed.wrapping_add(1);
    }
}

fn shut(error: &DirectorError) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

fn tell_end(run: &ProcessRun, finished: &Finished) {
    let Finished { outcome, journal_hash, troubles, .. } = finished;
    info!(
        "the world {} with seed {} has ended after {} rounds: availability {:.2} %, {} faults, {} agents lost; \
         journal {journal_hash}",
        run.world.name,
        run.plan.seed,
        outcome.rounds,
        outcome.requests.availability_pct(),
        outcome.faults.injected,
        outcome.lost_agents.len(),
    );
    troubles.iter().for_each(|trouble| warn!("the world {}: {trouble}", run.world.name));
}

// ---- asking it --------------------------------------------------------------------------------

impl WorldTarget {
    /// Its servers: whom operations are sent to.
    pub(super) fn subjects(&self) -> Subjects {
        let subject = |node: &worlds::topology::ServerNode| Subject {
            agent_id: format!("server-{}", node.name),
            name: node.name.to_string(),
            version: self.world.hash.chars().take(12).collect(),
            model: node.kind.to_string(),
            org_id: self.world.name.to_string(),
            agent_type: agent_type(&node.name).to_owned(),
            ..Subject::default()
        };
        Subjects::of(self.world.servers.iter().map(subject))
    }

    /// Waits until a request is answered, or it is known that none will be.
    async fn answers(&self) -> Result<(), Complaint> {
        let mut standing = self.standing.clone();
        loop {
            let now = standing.borrow_and_update().clone();
            match now {
                Standing::Open(door) if door.probe(ServerId::from(0)).await.is_some() => return Ok(()),
                Standing::Shut(why) => return Err(down(&why)),
                Standing::Open(_) | Standing::Opening => {}
            }
            if standing.changed().await.is_err() {
                return Err(down("nobody keeps it any more"));
            }
        }
    }
}

fn down(why: &str) -> Complaint {
    Complaint::new(
        format!("the resident world is down: {why}"),
        "It is tried again by itself; `world run` with the same world tells more.",
    )
}

impl Target for WorldTarget {
    type Lane = WorldLane;

    fn lane(&self) -> WorldLane {
        WorldLane { target: self.clone(), alarm: Alarm::by(Arc::clone(&self.clock)) }
    }

    async fn validate(&self) -> Result<(), Complaint> {
        match &*self.standing.borrow() {
            Standing::Shut(why) => Err(down(why)),
            Standing::Open(_) | Standing::Opening => Ok(()),
        }
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl Lane for WorldLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        if let Some(case) = &ask.case {
            return self.try_case(case, deadline).await;
        }
        let Self { target, alarm } = self;
        let Some(to) = target.world.server(&ask.subject.name) else {
            let error = format!("the world has no server `{}`", ask.subject.name);
            return failed(FailureKind::Unexpected, error);
        };
        let answered = pin!(target.answer(to));
        let late = || failed(FailureKind::Timeout, "no answer in time".to_owned());
        alarm.race(deadline, answered).await.unwrap_or_else(late)
    }
}

impl WorldLane {
    /// Carries out a test of a suite. A world is attacked in its arena, whether or not the resident one stands.
    async fn try_case(&mut self, case: &Case, deadline: Duration) -> Answer {
        let Trial::Attack(attack) = case.trial else {
            return failed(FailureKind::Unexpected, "the world answers no questions in words".to_owned());
        };
        let Self { target, alarm } = self;
        let seen = pin!(target.arena.attack(attack));
        let late = || failed(FailureKind::Timeout, "the attack was not over in time".to_owned());
        alarm.race(deadline, seen).await.map_or_else(late, Answer::from)
    }
}

impl WorldTarget {
    /// Sends a request to whoever is at the front door, and gives what became of it when a user would have known.
    async fn answer(&mut self, to: ServerId) -> Answer {
        loop {
            let sent = self.clock.steady();
            let now = self.standing.borrow_and_update().clone();
            match now {
                Standing::Open(door) => {
                    if let Some(end) = door.probe(to).await {
                        let known = sent + Duration::from_secs_f64(end.seconds);
                        self.clock.until_steady(known).await;
                        return told(&self.world, to, &end);
                    }
                    // The run has ended before, and another one follows.
                }
                Standing::Opening => {}
                Standing::Shut(why) => return failed(FailureKind::Connect, why),
            }
            if self.standing.changed().await.is_err() {
                return failed(FailureKind::Connect, "nobody keeps the world any more".to_owned());
            }
        }
    }
}

/// The answer that a user sees.
fn told(world: &World, to: ServerId, end: &ProbeEnd) -> Answer {
    let name = |server: ServerId| &world.servers[server.index()].name;
    let what = if end.wrote { "write" } else { "read" };
    let Some(failure) = end.failure else {
        let text = format!("a {what} answered by {} in {:.1} ms", name(to), end.seconds * 1e3);
        return Answer { length: text.chars().count() as u64, text, ..Answer::default() };
    };
    let (kind, how) = match failure.trouble {
        Trouble::Silence => (FailureKind::Timeout, "does not answer"),
        Trouble::Late => (FailureKind::Timeout, "answered too late"),
        Trouble::Down => (FailureKind::Connect, "is down"),
        Trouble::Dropped => (FailureKind::Connect, "drops requests at its door"),
        Trouble::NoClient => (FailureKind::Connect, "cannot reach what it calls"),
        Trouble::Error => (FailureKind::Status, "answered with an error"),
    };
    failed(kind, format!("a {what} to {}: {} {how}", name(to), name(failure.server)))
}

fn failed(kind: FailureKind, error: String) -> Answer {
    Answer { failure: Some(Failure { kind, error }), ..Answer::default() }
}
