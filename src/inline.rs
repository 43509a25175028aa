//! The inline driver: a whole run in this thread, its messages carried by plain calls.
//!
//! It owns what would be processes, and [`Round`] decides everything; so the journal is, byte for
//! byte, that of the process driver. Sweeps, reference runs and determinism checks use it, and
//! `world run --inline`.

use crate::event::{Event, Finished, Watch};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use worlds::definition::SreKind;
use worlds::message::{Decision, Observation, Report, ServerBrief, SreBrief};
use worlds::outcome::Outcome;
use worlds::plan::RunPlan;
use worlds::round::{Opening, Round};
use worlds::server::Server;
use worlds::sre::Mind;
use worlds::sre::oracle::Oracle;
use worlds::topology::World;

/// While it waits for the next round, the driver looks this often whether it should stop.
const INTERRUPT_LATENCY: Duration = Duration::from_millis(20);

/// What may hold a run up or end it.
pub struct Controls<'a> {
    /// From one round's beginning to the next's, at least this long.
    pub pace: Option<Duration>,
    /// The signal on which to stop, once it has come.
    pub interrupt: &'a dyn Fn() -> Option<i32>,
}

impl Controls<'_> {
    /// As fast as it goes, to the end.
    pub const NONE: Controls<'static> = Controls { pace: None, interrupt: &|| None };
}

/// Runs a world to its end; or to the end of the round in which it is interrupted, or in which
/// `watch` has seen enough.
pub fn run(world: &Arc<World>, plan: RunPlan, controls: &Controls<'_>, watch: &mut Watch<'_>) -> Finished {
    let mut round = Round::new(Arc::clone(world), plan);
    let mut agents = Agents::of(&round);
    let mut flow = tell(&mut round, watch);
    let mut interrupted_by = (controls.interrupt)();
    while !round.is_over() && flow.is_continue() && interrupted_by.is_none() {
        let began = Instant::now();
        agents.play(&mut round);
        flow = tell(&mut round, watch);
        interrupted_by = if round.is_over() { None } else { controls.rest(began) };
    }
    let outcome = round.finish();
    if flow.is_continue() {
        // The run is over: nothing is left that a break could stop.
        let _ = tell(&mut round, watch);
    }
    Finished { outcome, journal_hash: round.journal_hash(), interrupted_by }
}

/// Runs a world with nobody watching, for what comes of it.
pub fn outcome(world: &Arc<World>, plan: RunPlan) -> Outcome {
    run(world, plan, &Controls::NONE, &mut |_| ControlFlow::Continue(())).outcome
}

fn tell(round: &mut Round, watch: &mut Watch<'_>) -> ControlFlow<()> {
    round.take_entries().into_iter().try_for_each(|entry| watch(&Event::Entry(entry)))
}

impl Controls<'_> {
    /// Waits until the next round is due; gives the signal that came meanwhile.
    fn rest(&self, began: Instant) -> Option<i32> {
        let due = self.pace.map(|pace| began + pace);
        loop {
            if let Some(signal) = (self.interrupt)() {
                return Some(signal);
            }
            let left = due?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            std::thread::sleep(left.min(INTERRUPT_LATENCY));
        }
    }
}

/// What would be processes.
struct Agents {
    briefs: Vec<ServerBrief>,
    servers: Vec<Server>,
    minds: Vec<OnCall>,
}

/// Who is on call.
enum OnCall {
    Mind(Mind),
    Oracle(Oracle),
}

impl OnCall {
    fn new(brief: SreBrief) -> Self {
        match brief.kind {
            SreKind::Oracle => Self::Oracle(Oracle::new(brief)),
            SreKind::Rules | SreKind::None => Self::Mind(Mind::new(brief)),
        }
    }

    fn decide(&mut self, round: &Round, observation: &Observation) -> Decision {
        match self {
            Self::Mind(mind) => mind.decide(observation),
            Self::Oracle(oracle) => oracle.decide(observation, &round.truth()),
        }
    }
}

impl Agents {
    fn of(round: &Round) -> Self {
        let briefs = round.server_briefs();
        let servers = briefs.iter().cloned().map(Server::new).collect();
        let minds = round.sre_briefs().into_iter().map(OnCall::new).collect();
        Self { briefs, servers, minds }
    }

    fn play(&mut self, round: &mut Round) {
        let opening = round.open();
        let reports = self.step(&opening);
        let observations = round.observe(&reports);
        let decisions: Vec<_> = self
            .minds
            .iter_mut()
            .zip(&observations)
            .map(|(mind, observation)| mind.decide(round, observation))
            .collect();
        round.close(&decisions);
    }

    fn step(&mut self, opening: &Opening) -> Vec<Option<Report>> {
        for server in &opening.respawn {
            self.servers[server.index()] = Server::new(self.briefs[server.index()].clone());
        }
        let step = |(server, tick): (&mut Server, &Option<_>)| tick.as_ref().map(|tick| server.step(tick));
        self.servers.iter_mut().zip(&opening.ticks).map(step).collect()
    }
}
