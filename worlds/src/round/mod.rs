//! One run of a world, round by round, without doing any input or output itself.
//!
//! [`Round`] owns chaos, the call graph, the telemetry store, the rules of actions, incidents and
//! the ledger. A driver carries what it gives to the agents and brings back what they answer:
//!
//! ```text
//! loop {  open() -> strikes, ticks       servers step their physics   -> reports
//!         observe(reports)
//!         observation(), results(sre)    SREs think                   -> decisions
//!         (catch_up()                    meanwhile, if they take their time)
//!         close(decisions) }
//! finish() -> Outcome
//! ```
//!
//! The driver never touches the model, so that carrying by plain calls and carrying over a bus
//! give the same bytes.
//!
//! What a driver carries lies in buffers that are kept from round to round: it borrows what is to be
//! sent, and trades the buffer in which it brings reports for the one it brought before.
//!
//! A driver calls the three in turn; calling them out of turn is a bug of the driver and panics.

mod agents;
mod closing;
mod drill;
mod observing;
mod opening;
mod probing;
mod processes;
mod records;

use crate::alert::{self, Alerts, Change};
use crate::chance::Key;
use crate::change::{Changes, Pending, Standby};
use crate::chaos::{Chaos, PlannedFault};
use crate::definition::{BusEffect, MessageKind, Role, SreKind, Threshold};
use crate::id::{AgentId, Name, ServerId, SreId};
use crate::incident::{Fault, Faults};
use crate::journal::{Journal, Record};
use crate::ledger::Ledger;
use crate::message::{
    ActionOutcome, ActionRequest, ActionResult, AlertView, Colleagues, Diagnosis, Observation, Refusal,
    Report, RequestId, ServerBrief, SreBrief, Tick,
};
use crate::outcome::Requests;
use crate::plan::{RunPlan, SrePlan, Target};
use crate::process::{Process, Revival, Strike};
use crate::telemetry::Store;
use crate::topology::{ServerNode, World};
use crate::traffic::{Doors, Flow, Folded, Refolded, Reported, Traffic};
use std::sync::Arc;

/// Version of the journal's records.
pub const JOURNAL_SCHEMA: u32 = 1;

/// One run of a world.
#[derive(Debug)]
pub struct Round {
    world: Arc<World>,
    plan: RunPlan,
    number: u32,
    phase: Phase,
    traffic: Traffic,
    chaos: Chaos,
    faults: Faults,
    changes: Changes,
    telemetry: Store,
    alerts: Alerts,
    ledger: Ledger,
    thresholds: [Threshold; 5],
    /// Each server as the director keeps it.
    servers: Vec<ServerState>,
    /// Their processes.
    server_processes: Vec<Process>,
    /// The SREs' processes.
    sre_processes: Vec<Process>,
    /// Whose process a fault keeps from running.
    away: Vec<AgentId>,
    /// Commands and results that went astray in this round.
    astray: Vec<Astray>,
    /// Servers whose metrics do not arrive in this round, or late.
    muffled: Vec<(ServerId, Passage)>,
    /// Reports of the last round.
    reports: Vec<Option<Report>>,
    /// What decides what reaches the servers in the round that is open.
    doors: Doors,
    /// Its requests on their way down.
    flow: Flow,
    /// What the servers reported of their instances.
    reported: Reported,
    /// What came back up.
    folded: Folded,
    /// Costs of actions in this round: who has to answer for what is lost where.
    costs: Vec<(SreId, ServerId)>,
    /// What the servers are told in the round that is open.
    opening: Opening,
    /// What the SREs are told at the end of the round.
    observation: Observation,
    /// Results that each SRE is told with it.
    results: Vec<Vec<ActionResult>>,
    /// Results that each SRE has not been told yet.
    untold: Vec<Vec<ActionResult>>,
    /// Results that are late, with the round in which they arrive.
    late_results: Vec<(u32, SreId, ActionResult)>,
    /// The highest number that each SRE gave a request.
    last_requests: Vec<u32>,
    /// Agents that were lost and have a process again from the next round on.
    returning: Vec<Name>,
    /// `None` for a run of which only the outcome is wanted.
    journal: Option<Journal>,
    /// `None` for a run of which only the journal's hash is wanted.
    entries: Option<Vec<Entry>>,
    /// Records that are neither in the journal nor among the entries yet.
    unwritten: Vec<Record>,
    scratch: Scratch,
}

/// What may be called next.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Opened,
    Observed(Requests),
    Finished,
}

/// Buffers that are empty between any two steps of a round.
#[derive(Debug)]
struct Scratch {
    due: Vec<Pending>,
    planned: Vec<PlannedFault>,
    witnessed: Vec<u32>,
    changes: Vec<(Change, AlertView)>,
    held: Vec<(ServerId, f64)>,
    claims: Vec<Diagnosis>,
    requests: Vec<(SreId, ActionRequest)>,
    standbys: Vec<(ServerId, Standby)>,
    verdicts: Vec<Result<Pending, Refusal>>,
    /// For the harm of actions: servers whose costs do not count, and the fold of the round then.
    forgiven: Vec<ServerId>,
    harmless: Refolded,
}

/// A server as the director keeps it.
#[derive(Clone, Copy, Debug)]
struct ServerState {
    role: Option<Role>,
    in_rotation: bool,
    /// First round in which services that the kernel killed run again.
    killed_until: u32,
}

impl ServerState {
    fn at_first(server: &ServerNode) -> Self {
        Self { role: server.role, in_rotation: true, killed_until: 0 }
    }
}

/// What the servers are to be told when a round begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// For each server its tick; `None` while it has no process that runs.
    pub ticks: Vec<Option<Tick>>,
    /// Whose process runs again from this round on: first of all.
    pub revivals: Vec<Revival>,
    /// Whose process a fault hits: then, and before the ticks are sent.
    pub strikes: Vec<Strike>,
}

/// A command to a server, or the result of one, that did not arrive in the round in which it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Astray {
    /// Which of the two.
    pub kind: MessageKind,
    /// The server.
    pub server: ServerId,
    /// Who asked for the action.
    pub sre: SreId,
    /// By which number.
    pub request: RequestId,
}

/// What becomes of a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Passage {
    Arrives,
    /// By so many rounds.
    Late(u32),
    Lost,
}

/// A record and its line in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What happened.
    pub record: Record,
    /// The line, with its line end.
    pub line: Vec<u8>,
}

impl Round {
    /// A run that is about to begin: the header is written.
    pub fn new(world: Arc<World>, plan: RunPlan) -> Self {
        let mut round = Self::unrecorded(world, plan);
        round.journal = Some(Journal::new());
        round.entries = Some(Vec::new());
        round.write_header();
        round
    }

    /// As [`Round::new`], of a run whose journal nobody reads: there are no entries, only its hash.
    pub fn hashed(world: Arc<World>, plan: RunPlan) -> Self {
        let mut round = Self::unrecorded(world, plan);
        round.journal = Some(Journal::new());
        round.write_header();
        round
    }

    /// As [`Round::new`], of a run that keeps no journal: there are no entries, and its hash is
    /// empty. For whoever wants the outcome alone.
    ///
    /// # Panics
    /// When a scripted fault comes before round 1, or hits an SRE that is not on call: there is none.
    pub fn unrecorded(world: Arc<World>, plan: RunPlan) -> Self {
        assert_script_is_sound(&plan);
        let servers = world.servers.len();
        Self {
            number: 0,
            phase: Phase::Closed,
            traffic: Traffic::new(&world, traffic_key(&plan)),
            chaos: Chaos::new(&world, &plan),
            faults: Faults::new(),
            changes: Changes::new(&world, changes_key(&plan)),
            telemetry: Store::new(servers, world.definition.alerts.telemetry_ttl_rounds),
            alerts: Alerts::new(&world.definition),
            ledger: Ledger::new(servers, plan.sres.len()),
            thresholds: alert::thresholds(&world.definition.metrics),
            servers: world.servers.iter().map(ServerState::at_first).collect(),
            server_processes: vec![Process::Runs; servers],
            sre_processes: vec![Process::Runs; plan.sres.len()],
            away: Vec::new(),
            astray: Vec::new(),
            muffled: Vec::new(),
            reports: vec![None; servers],
            doors: Doors::new(&world),
            flow: Flow::new(&world),
            reported: Reported::new(&world),
            folded: Folded::new(&world),
            costs: Vec::new(),
            opening: Opening { ticks: vec![None; servers], ..Opening::default() },
            observation: Observation::default(),
            results: vec![Vec::new(); plan.sres.len()],
            untold: vec![Vec::new(); plan.sres.len()],
            late_results: Vec::new(),
            last_requests: vec![0; plan.sres.len()],
            returning: Vec::new(),
            journal: None,
            entries: None,
            unwritten: Vec::new(),
            scratch: Scratch::new(&world),
            world,
            plan,
        }
    }

    /// Another run of the same world begins, in the room of this one. Of entries that nobody took
    /// nothing is left.
    ///
    /// # Panics
    /// As [`Round::unrecorded`].
    pub fn restart(&mut self, plan: RunPlan) {
        assert_script_is_sound(&plan);
        // Without `..`: whoever adds a field has to say what becomes of it.
        let Self {
            world,
            plan: place,
            number,
            phase,
            traffic,
            chaos,
            faults,
            changes,
            telemetry,
            alerts,
            ledger,
            thresholds: _,
            servers,
            server_processes,
            sre_processes,
            away,
            astray,
            muffled,
            reports,
            doors: _,
            flow: _,
            reported: _,
            folded,
            costs,
            opening,
            observation,
            results,
            untold,
            late_results,
            last_requests,
            returning,
            journal,
            entries,
            unwritten,
            scratch: _,
        } = self;
        (*number, *phase) = (0, Phase::Closed);
        traffic.restart(traffic_key(&plan));
        chaos.restart(world, &plan);
        faults.restart();
        changes.restart(changes_key(&plan));
        telemetry.restart();
        alerts.restart();
        ledger.restart(plan.sres.len());
        for (state, node) in servers.iter_mut().zip(&world.servers) {
            *state = ServerState::at_first(node);
        }
        server_processes.fill(Process::Runs);
        sre_processes.clear();
        sre_processes.resize(plan.sres.len(), Process::Runs);
        away.clear();
        astray.clear();
        muffled.clear();
        reports.fill(None);
        folded.requests = Requests::default();
        costs.clear();
        opening.ticks.fill(None);
        opening.revivals.clear();
        opening.strikes.clear();
        observation.round = 0;
        observation.servers.clear();
        observation.alerts.clear();
        observation.cooldowns.clear();
        for results in [results, untold] {
            results.iter_mut().for_each(Vec::clear);
            results.resize(plan.sres.len(), Vec::new());
        }
        late_results.clear();
        last_requests.clear();
        last_requests.resize(plan.sres.len(), 0);
        returning.clear();
        unwritten.clear();
        if let Some(entries) = entries {
            entries.clear();
        }
        *place = plan;
        if let Some(journal) = journal {
            journal.restart();
            self.write_header();
        }
    }

    /// What each server process is handed before the first round, in order.
    pub fn server_briefs(&self) -> impl Iterator<Item = ServerBrief> {
        (0..self.world.servers.len()).map(|index| self.server_brief(ServerId::from(index)))
    }

    /// What one server process is handed.
    pub fn server_brief(&self, server: ServerId) -> ServerBrief {
        let name = &self.world.servers[server.index()].name;
        ServerBrief {
            name: name.clone(),
            key: Key::derive(self.plan.seed, "server", name),
            machine: Arc::clone(&self.world.machines[server.index()]),
        }
    }

    /// What each SRE is handed before the first round, in order of their names.
    pub fn sre_briefs(&self) -> impl ExactSizeIterator<Item = SreBrief> {
        (0..self.plan.sres.len()).map(|index| self.sre_brief(SreId::from(index)))
    }

    /// What one SRE is handed.
    pub fn sre_brief(&self, sre: SreId) -> SreBrief {
        let index = sre.index();
        let sre = &self.plan.sres[index];
        SreBrief {
            name: sre.name.clone(),
            kind: sre.kind,
            skill: sre.skill.map(|skill| self.world.definition.skills.of(skill).clone()),
            key: (sre.kind == SreKind::Rules).then(|| Key::derive(self.plan.seed, "sre", &sre.name)),
            colleagues: self.colleagues(index),
            rounds: self.plan.rounds,
            last_request: RequestId(self.last_requests[index]),
            runbook: Arc::clone(&self.world.runbook),
        }
    }

    fn colleagues(&self, index: usize) -> Colleagues {
        let on_call = |sres: &[SrePlan]| {
            let count = sres.iter().filter(|sre| sre.kind == SreKind::Rules).count();
            u16::try_from(count).expect("few SREs are on call")
        };
        Colleagues { position: on_call(&self.plan.sres[..index]), count: on_call(&self.plan.sres).max(1) }
    }

    /// The world that is run.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The number of the round that is open or was closed last; 0 before the first.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether no round is left to play: all planned ones are closed, or the drill ended the run.
    pub fn is_over(&self) -> bool {
        let is_closed = matches!(self.phase, Phase::Closed | Phase::Finished);
        is_closed && (self.number >= self.plan.rounds || self.was_ended_by_drill())
    }

    /// What the servers are to be told in the round that was opened last.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What all SREs are told of the round that was observed last.
    pub fn observation(&self) -> &Observation {
        &self.observation
    }

    /// What users got in the round that was observed last.
    pub fn requests(&self) -> Requests {
        self.folded.requests
    }

    /// What became of the actions that one SRE asked for, since it was told the last time.
    pub fn results(&self, sre: SreId) -> &[ActionResult] {
        &self.results[sre.index()]
    }

    /// The faults that were injected so far, in order.
    pub fn faults(&self) -> &[Fault] {
        self.faults.injected()
    }

    /// Those that are at work in this round on what runs the world: on processes and messages.
    pub fn faults_of_runtime(&self) -> impl Iterator<Item = &Fault> {
        let works =
            |fault: &&Fault| fault.works(self.number) && fault.kind(&self.world).effect.is_of_runtime();
        self.faults.in_force().filter(works)
    }

    /// Commands to servers, and results of them, that did not arrive in this round, though they should.
    pub fn astray(&self) -> &[Astray] {
        &self.astray
    }

    /// What the servers said of the round that was observed last.
    pub fn reports(&self) -> &[Option<Report>] {
        &self.reports
    }

    /// The records written since the last call, in order.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        self.catch_up();
        self.entries.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The hash of the journal so far, empty without one; after [`Round::finish`], the name of the run.
    pub fn journal_hash(&mut self) -> String {
        self.catch_up();
        self.journal.as_mut().map(Journal::hash).unwrap_or_default()
    }

    /// The last round whose telemetry is in the store.
    fn last_observed(&self) -> u32 {
        match self.phase {
            Phase::Observed(_) => self.number,
            _ => self.number.saturating_sub(1),
        }
    }

    /// The replica that would be promoted: the first that is in rotation and whose metrics are
    /// fresh. What SREs can know, not the truth.
    fn replica_of(&self, server: ServerId) -> Option<ServerId> {
        self.world.peers(server).find(|peer| {
            let state = &self.servers[peer.index()];
            state.role == Some(Role::Replica)
                && state.in_rotation
                && self.telemetry.fresh(peer.index(), self.last_observed()).is_some()
        })
    }

    fn standby(&self, server: ServerId) -> Standby {
        Standby {
            role: self.servers[server.index()].role,
            replica: self.replica_of(server).is_some(),
            link: self.world.definition.servers[server.index()].backup_link,
        }
    }

    /// Notes what an SRE is to be told of a request.
    fn tell(&mut self, sre: SreId, request: &ActionRequest, outcome: ActionOutcome) {
        self.untold[sre.index()].push(result_of(request, outcome));
    }

    /// What becomes of a message about a server in this round: of several faults the worst counts.
    fn passage(&self, server: ServerId, kind: MessageKind) -> Passage {
        let faults = self.faults.on(server).filter_map(|fault| fault.bus(&self.world, self.number));
        let passage = |bus: &BusEffect| match (bus.loses.contains(&kind), bus.delays.contains(&kind)) {
            (true, _) => Passage::Lost,
            (false, true) => Passage::Late(bus.delay_rounds),
            (false, false) => Passage::Arrives,
        };
        faults.map(passage).max().unwrap_or(Passage::Arrives)
    }
}

fn result_of(request: &ActionRequest, outcome: ActionOutcome) -> ActionResult {
    let ActionRequest { request, action, target, .. } = *request;
    ActionResult { request, action, target, outcome }
}

fn assert_script_is_sound(plan: &RunPlan) {
    for fault in &plan.scripted {
        assert!(fault.round > 0, "rounds count from 1");
        if let Target::Agent(AgentId::Sre(sre)) = fault.target {
            assert!(sre.index() < plan.sres.len(), "only SREs on call can be hit");
        }
    }
}

fn traffic_key(plan: &RunPlan) -> Key {
    Key::derive(plan.seed, "traffic", "")
}

fn changes_key(plan: &RunPlan) -> Key {
    Key::derive(plan.seed, "actions", "")
}

impl Scratch {
    fn new(world: &World) -> Self {
        Self {
            due: Vec::new(),
            planned: Vec::new(),
            witnessed: Vec::new(),
            changes: Vec::new(),
            held: Vec::new(),
            claims: Vec::new(),
            requests: Vec::new(),
            standbys: Vec::new(),
            verdicts: Vec::new(),
            forgiven: Vec::new(),
            harmless: Refolded::new(world),
        }
    }
}
