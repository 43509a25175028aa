//! The inline way to carry a run: servers and minds in this process, messages as plain calls.
//!
//! For sweeps, reference runs and tests. It gives the same bytes as agents behind a bus, because
//! it carries the same messages between the same state machines.
//!
//! Minds of kind `exec` are none of this crate's: whoever begins the run brings them, as [`Outside`]. One
//! lives as long as a process would: it is dropped when chaos kills it and when its run is finished, and
//! another is made in its place when it is to be there again.

use crate::definition::{ProcessEffect, SreKind};
use crate::id::{AgentId, SreId};
use crate::message::{ActionResult, Decision, Observation, Report, SreBrief};
use crate::outcome::{Outcome, Requests};
use crate::plan::RunPlan;
use crate::process::Reviving;
use crate::round::{Entry, Round};
use crate::server::Server;
use crate::sre::Mind;
use crate::sre::oracle::Oracle;
use crate::sre::study::Study;
use crate::topology::World;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A mind from outside.
pub trait Outside: Debug + Send {
    /// Decides on a round, of which it is shown what telemetry shows, and told what became of its own
    /// actions. It writes over `decision`, an empty one on this round.
    fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision);

    /// Whether its last decision is missing because nobody waited for it any longer.
    fn was_left(&self) -> bool {
        false
    }

    /// Why it never thought, if it did not, by no fault of its own: a run with such a one says nothing of it.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// The run is over, which all are told before any is dismissed. One that is killed is not told.
    fn bid_farewell(&mut self) {}

    /// It comes to an end now, as it likes, since it was told.
    fn dismiss(&mut self) {}
}

/// Where minds from outside come from: called with the brief of each SRE of kind `exec`, before the first
/// round and when one follows another.
pub type OutsideMinds = Box<dyn FnMut(&SreBrief) -> Box<dyn Outside> + Send>;

/// A run with all its agents.
pub struct Inline {
    round: Round,
    servers: Vec<Server>,
    minds: Vec<Agent>,
    outside: OutsideMinds,
    /// Buffers for what is carried.
    reports: Vec<Option<Report>>,
    decisions: Vec<Decision>,
}

#[derive(Debug)]
enum Agent {
    Mind(Mind),
    Oracle(Box<Oracle>),
    Outside(Box<dyn Outside>),
    /// Killed, or of a run that is over.
    Gone,
}

impl Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline")
            .field("round", &self.round)
            .field("minds", &self.minds)
            .finish_non_exhaustive()
    }
}

impl Inline {
    /// A run that is about to begin.
    ///
    /// # Panics
    /// When an SRE of kind `exec` is on call: [`Inline::with`] brings their minds.
    pub fn new(world: Arc<World>, plan: RunPlan) -> Self {
        Self::with(Round::new(world, plan), nobody())
    }

    /// As [`Inline::new`], of a run whose journal nobody reads: there are no entries, only its hash.
    pub fn hashed(world: Arc<World>, plan: RunPlan) -> Self {
        Self::with(Round::hashed(world, plan), nobody())
    }

    /// As [`Inline::new`], of a run that keeps no journal: for whoever wants the outcome alone.
    pub fn unrecorded(world: Arc<World>, plan: RunPlan) -> Self {
        Self::with(Round::unrecorded(world, plan), nobody())
    }

    /// A run that is about to begin, with minds from outside.
    pub fn with(round: Round, mut outside: OutsideMinds) -> Self {
        let servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
        let study = &round.world().study;
        let minds: Vec<Agent> =
            round.sre_briefs().map(|brief| Agent::new(study, &brief, &mut outside)).collect();
        let (reports, decisions) = (vec![None; servers.len()], vec![Decision::default(); minds.len()]);
        Self { round, servers, minds, outside, reports, decisions }
    }

    /// Another run of the same world begins, in the room of this one: with or without a journal, as
    /// this one. Whoever plays thousands saves a tenth of the time.
    pub fn restart(&mut self, plan: RunPlan) {
        self.round.restart(plan);
        for (server, brief) in self.servers.iter_mut().zip(self.round.server_briefs()) {
            *server = Server::new(brief);
        }
        let study = &self.round.world().study;
        let mut briefs = self.round.sre_briefs();
        self.minds.truncate(briefs.len());
        for (agent, brief) in self.minds.iter_mut().zip(&mut briefs) {
            agent.restart(study, &brief, &mut self.outside);
        }
        self.minds.extend(briefs.map(|brief| Agent::new(study, &brief, &mut self.outside)));
        self.decisions.resize(self.minds.len(), Decision::default());
    }

    /// Whether all planned rounds were played.
    pub fn is_over(&self) -> bool {
        self.round.is_over()
    }

    /// Plays one round.
    pub fn step(&mut self) {
        self.round.open();
        self.revive();
        self.strike();
        let ticks = &self.round.opening().ticks;
        for ((server, tick), report) in self.servers.iter_mut().zip(ticks).zip(&mut self.reports) {
            match tick {
                Some(tick) => server.step(tick, report.get_or_insert_default()),
                // Here it is state that stands still, where there are processes it is they.
                None => *report = None,
            }
        }
        self.round.observe(&mut self.reports);
        for (sre, (agent, decision)) in self.minds.iter_mut().zip(&mut self.decisions).enumerate() {
            let sre = SreId::from(sre);
            if self.round.is_present(sre) {
                agent.decide(sre, &self.round, decision);
            } else {
                decision.begin(self.round.number());
            }
        }
        self.round.close(&self.decisions);
    }

    /// Whoever would get a new process begins anew.
    fn revive(&mut self) {
        for revival in &self.round.opening().revivals {
            match (revival.how, revival.agent) {
                (Reviving::Resume, _) => {}
                (Reviving::Start, AgentId::Server(server)) => {
                    self.servers[server.index()] = Server::new(self.round.server_brief(server));
                }
                (Reviving::Start, AgentId::Sre(sre)) => {
                    let study = &self.round.world().study;
                    let brief = self.round.sre_brief(sre);
                    self.minds[sre.index()].restart(study, &brief, &mut self.outside);
                }
            }
        }
    }

    /// Whoever has a process of its own loses it. Of others it is only that they are not asked.
    fn strike(&mut self) {
        for strike in &self.round.opening().strikes {
            if let (AgentId::Sre(sre), ProcessEffect::Killed) = (strike.agent, strike.effect) {
                self.minds[sre.index()].leave();
            }
        }
    }

    /// What users got in the round that was played last.
    pub fn requests(&self) -> Requests {
        self.round.requests()
    }

    /// The records written since the last call, in order.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        self.round.take_entries()
    }

    /// Ends the run, played to its end or not; fetch the last entries afterwards.
    pub fn finish(&mut self) -> Outcome {
        self.outside_minds().for_each(|mind| mind.bid_farewell());
        self.outside_minds().for_each(|mind| mind.dismiss());
        self.minds.iter_mut().for_each(Agent::leave);
        self.round.finish()
    }

    /// Whether a decision of the round that was played last is missing because nobody waited for it.
    pub fn was_left(&mut self) -> bool {
        self.outside_minds().any(|mind| mind.was_left())
    }

    /// What kept minds from outside from thinking at all, by no fault of theirs; to be asked before the end.
    pub fn troubles(&mut self) -> Vec<String> {
        self.outside_minds().filter_map(|mind| mind.trouble()).collect()
    }

    fn outside_minds(&mut self) -> impl Iterator<Item = &mut Box<dyn Outside>> {
        self.minds.iter_mut().filter_map(|agent| match agent {
            Agent::Outside(mind) => Some(mind),
            _ => None,
        })
    }

    /// The hash of the journal so far.
    pub fn journal_hash(&mut self) -> String {
        self.round.journal_hash()
    }

    /// Plays all rounds that are left, and ends the run.
    pub fn play(&mut self) -> Outcome {
        while !self.is_over() {
            self.step();
        }
        self.finish()
    }

    /// The same, as long as `go_on`, asked before each round, says so; `None` when it stopped that.
    pub fn play_while(&mut self, mut go_on: impl FnMut() -> bool) -> Option<Outcome> {
        while !self.is_over() {
            if !go_on() {
                return None;
            }
            self.step();
        }
        Some(self.finish())
    }

    /// Plays a run without a journal: for whoever wants one outcome alone.
    pub fn outcome(world: Arc<World>, plan: RunPlan) -> Outcome {
        Self::unrecorded(world, plan).play()
    }
}

impl Agent {
    fn new(study: &Arc<Study>, brief: &SreBrief, outside: &mut OutsideMinds) -> Self {
        match brief.kind {
            SreKind::Oracle => Agent::Oracle(Box::new(Oracle::new(Arc::clone(study), brief.last_request))),
            SreKind::Exec => Agent::Outside(outside(brief)),
            _ => Agent::Mind(Mind::after(Arc::clone(study), brief)),
        }
    }

    fn restart(&mut self, study: &Arc<Study>, brief: &SreBrief, outside: &mut OutsideMinds) {
        match (&mut *self, brief.kind) {
            (Agent::Mind(mind), kind) if !matches!(kind, SreKind::Oracle | SreKind::Exec) => {
                mind.restart(study, brief);
            }
            _ => {
                // One after the other: nobody has two processes.
                self.leave();
                *self = Self::new(study, brief, outside);
            }
        }
    }

    /// Ends what is more than a value.
    fn leave(&mut self) {
        if let Agent::Outside(_) = self {
            *self = Agent::Gone;
        }
    }

    fn decide(&mut self, sre: SreId, round: &Round, decision: &mut Decision) {
        match self {
            Agent::Mind(mind) => mind.decide(round.observation(), round.results(sre), decision),
            Agent::Oracle(oracle) => oracle.decide(round.observation(), &round.truth(), decision),
            Agent::Outside(mind) => {
                decision.begin(round.number());
                mind.decide(round.observation(), round.results(sre), decision);
            }
            Agent::Gone => decision.begin(round.number()),
        }
    }
}

/// Where no mind comes from: for runs without SREs of kind `exec`.
pub fn nobody() -> OutsideMinds {
    Box::new(|brief| panic!("nobody brought a mind for `{}`", brief.name))
}
