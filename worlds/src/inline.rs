//! The inline way to carry a run: servers and minds in this process, messages as plain calls.
//!
//! For sweeps, reference runs and tests. It gives the same bytes as agents behind a bus, because
//! it carries the same messages between the same state machines.

use crate::definition::SreKind;
use crate::id::{AgentId, SreId};
use crate::message::{Decision, Report, SreBrief};
use crate::outcome::{Outcome, Requests};
use crate::plan::RunPlan;
use crate::process::Reviving;
use crate::round::{Entry, Round};
use crate::server::Server;
use crate::sre::Mind;
use crate::sre::oracle::Oracle;
use crate::sre::study::Study;
use crate::topology::World;
use std::sync::Arc;

/// A run with all its agents.
#[derive(Debug)]
pub struct Inline {
    round: Round,
    servers: Vec<Server>,
    minds: Vec<Agent>,
    /// Buffers for what is carried.
    reports: Vec<Option<Report>>,
    decisions: Vec<Decision>,
}

#[derive(Debug)]
enum Agent {
    Mind(Mind),
    Oracle(Box<Oracle>),
}

impl Inline {
    /// A run that is about to begin.
    pub fn new(world: Arc<World>, plan: RunPlan) -> Self {
        Self::carry(Round::new(world, plan))
    }

    /// As [`Inline::new`], of a run whose journal nobody reads: there are no entries, only its hash.
    pub fn hashed(world: Arc<World>, plan: RunPlan) -> Self {
        Self::carry(Round::hashed(world, plan))
    }

    /// As [`Inline::new`], of a run that keeps no journal: for whoever wants the outcome alone.
    pub fn unrecorded(world: Arc<World>, plan: RunPlan) -> Self {
        Self::carry(Round::unrecorded(world, plan))
    }

    fn carry(round: Round) -> Self {
        let servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
        let study = &round.world().study;
        let minds: Vec<Agent> = round.sre_briefs().map(|brief| Agent::new(study, &brief)).collect();
        let (reports, decisions) = (vec![None; servers.len()], vec![Decision::default(); minds.len()]);
        Self { round, servers, minds, reports, decisions }
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
            agent.restart(study, &brief);
        }
        self.minds.extend(briefs.map(|brief| Agent::new(study, &brief)));
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
                    self.minds[sre.index()].restart(study, &self.round.sre_brief(sre));
                }
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
        self.round.finish()
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
    fn new(study: &Arc<Study>, brief: &SreBrief) -> Self {
        match brief.kind {
            SreKind::Oracle => Agent::Oracle(Box::new(Oracle::new(Arc::clone(study), brief.last_request))),
            _ => Agent::Mind(Mind::after(Arc::clone(study), brief)),
        }
    }

    fn restart(&mut self, study: &Arc<Study>, brief: &SreBrief) {
        match (&mut *self, brief.kind) {
            (_, SreKind::Oracle) | (Agent::Oracle(_), _) => *self = Self::new(study, brief),
            (Agent::Mind(mind), _) => mind.restart(study, brief),
        }
    }

    fn decide(&mut self, sre: SreId, round: &Round, decision: &mut Decision) {
        match self {
            Agent::Mind(mind) => mind.decide(round.observation(), round.results(sre), decision),
            Agent::Oracle(oracle) => oracle.decide(round.observation(), &round.truth(), decision),
        }
    }
}
