//! The ledger: what a run came to so far, counted as it happens.
//!
//! It only adds up. What counts as good, as harm or as a false alarm is decided where it happens
//! (by [`crate::traffic`] and [`crate::round`]) and said here once.

use crate::id::SreId;
use crate::message::{Diagnosis, Lapse};
use crate::outcome::{
    ActionCounts, AlertCounts, DiagnosisCounts, FaultCounts, LapseCounts, Outcome, Requests, ServerOutcome,
    SreOutcome, SteadyState, Stopped,
};
use crate::plan::RunPlan;
use crate::topology::World;

/// Counts of a run.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Users' requests of all rounds together.
    requests: Requests,
    /// Rounds that were closed.
    rounds: u32,
    /// Sum over rounds of the share of good requests, percent.
    availability_sum_pct: f64,
    /// Actions of all SREs.
    pub actions: ActionCounts,
    /// Alerts without a fault behind them.
    pub false_alarms: u32,
    /// Extra capacity held, in points of compute times rounds.
    pub capacity_rounds: f64,
    /// Processes that were lost.
    pub lost_agents: Vec<crate::id::Name>,
    /// What the warm-up showed, when it is over.
    pub steady_state: Option<SteadyState>,
    /// Why the run is over before its time.
    pub stopped: Option<Stopped>,
    up_rounds: Vec<u32>,
    sres: Vec<SreAccount>,
}

#[derive(Clone, Debug, Default)]
struct SreAccount {
    harm_requests: u64,
    unneeded_actions: u32,
    diagnosis: DiagnosisCounts,
    last_claims: Vec<Diagnosis>,
    lapses: LapseCounts,
}

impl Ledger {
    /// Nothing happened yet.
    pub fn new(servers: usize, sres: usize) -> Self {
        Self {
            requests: Requests::default(),
            rounds: 0,
            availability_sum_pct: 0.0,
            actions: ActionCounts::default(),
            false_alarms: 0,
            capacity_rounds: 0.0,
            lost_agents: Vec::new(),
            steady_state: None,
            stopped: None,
            up_rounds: vec![0; servers],
            sres: vec![SreAccount::default(); sres],
        }
    }

    /// Another run begins, with so many SREs.
    pub fn restart(&mut self, sres: usize) {
        let (mut up_rounds, mut accounts) =
            (std::mem::take(&mut self.up_rounds), std::mem::take(&mut self.sres));
        up_rounds.fill(0);
        accounts.clear();
        accounts.resize(sres, SreAccount::default());
        *self = Self { up_rounds, sres: accounts, ..Self::new(0, 0) };
    }

    /// A round was closed in which users got this.
    pub fn close_round(&mut self, requests: Requests) {
        self.requests.total += requests.total;
        self.requests.good += requests.good;
        self.rounds += 1;
        self.availability_sum_pct += requests.availability_pct();
    }

    /// Users' requests so far.
    pub fn requests(&self) -> Requests {
        self.requests
    }

    /// A server was reachable with all its services running for a round.
    pub fn up(&mut self, server: usize) {
        self.up_rounds[server] += 1;
    }

    /// Requests that would have been good but for an SRE's actions.
    pub fn harm(&mut self, sre: SreId, requests: u64) {
        self.sres[sre.index()].harm_requests += requests;
    }

    /// An action was carried out on a target that had nothing for it to cure or relieve.
    pub fn unneeded(&mut self, sre: SreId) {
        self.sres[sre.index()].unneeded_actions += 1;
    }

    /// An SRE's decision was missing, or is not what it meant.
    pub fn lapse(&mut self, sre: SreId, lapse: Lapse) {
        let LapseCounts { late, malformed, dead } = &mut self.sres[sre.index()].lapses;
        *match lapse {
            Lapse::Late => late,
            Lapse::Malformed => malformed,
            Lapse::Dead => dead,
        } += 1;
    }

    /// Whether an SRE claims this for the first round in a row: only then it is a new claim.
    pub fn is_new_claim(&self, sre: SreId, claim: &Diagnosis) -> bool {
        !self.sres[sre.index()].last_claims.contains(claim)
    }

    /// An SRE's new claim, and whether its place and its kind are right.
    pub fn claim(&mut self, sre: SreId, (right_entity, right_kind): (bool, bool)) {
        let counts = &mut self.sres[sre.index()].diagnosis;
        counts.claims += 1;
        counts.right_entity += u32::from(right_entity);
        counts.right_kind += u32::from(right_kind);
    }

    /// All claims of an SRE in a round.
    pub fn remember_claims(&mut self, sre: SreId, claims: &[Diagnosis]) {
        let last = &mut self.sres[sre.index()].last_claims;
        last.clear();
        last.extend_from_slice(claims);
    }

    /// Extra capacity held, as a share of what the world has over the rounds played.
    pub fn capacity_held(&self, world: &World) -> f64 {
        let own: f64 = world.definition.servers.iter().map(|server| server.cpu_capacity).sum();
        let rounds = f64::from(self.rounds.max(1));
        self.capacity_rounds / (own * rounds)
    }

    /// What it all came to. Faults and incidents are filled in by the caller.
    pub fn outcome(&self, world: &World, plan: &RunPlan, alerts_opened: u32) -> Outcome {
        let (rounds, requests) = (self.rounds, self.requests);
        let mean_of_rounds = self.availability_sum_pct / f64::from(rounds);
        let capacity_held = self.capacity_held(world);
        let servers = world.servers.iter().zip(&self.up_rounds);
        let sres = plan.sres.iter().zip(&self.sres);
        Outcome {
            rounds,
            round_seconds: world.definition.round_seconds,
            requests,
            availability_mean_of_rounds_pct: if rounds > 0 { mean_of_rounds } else { 100.0 },
            sla_target_pct: world.definition.sla_target,
            servers: servers
                .map(|(server, up_rounds)| ServerOutcome {
                    name: server.name.clone(),
                    kind: server.kind.clone(),
                    up_rounds: *up_rounds,
                    rounds,
                })
                .collect(),
            faults: FaultCounts::default(),
            alerts: AlertCounts { opened: alerts_opened, false_alarms: self.false_alarms },
            incidents: Vec::new(),
            actions: self.actions,
            sres: sres
                .map(|(sre, account)| SreOutcome {
                    name: sre.name.clone(),
                    kind: sre.kind,
                    skill: sre.skill,
                    harm_requests: account.harm_requests,
                    unneeded_actions: account.unneeded_actions,
                    diagnosis: account.diagnosis,
                    lapses: account.lapses,
                })
                .collect(),
            suffered_rounds: Vec::new(),
            capacity_held,
            utility: requests.availability_pct() - world.definition.score.capacity_price * capacity_held,
            lost_agents: self.lost_agents.clone(),
            steady_state: self.steady_state,
            stopped: self.stopped,
        }
    }
}
