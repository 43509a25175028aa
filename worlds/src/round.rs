//! One run of a world, round by round, without doing any input or output itself.
//!
//! [`Round`] owns chaos, the call graph, the telemetry store, the rules of actions, incidents and
//! the ledger. A driver carries what it gives to the agents and brings back what they answer:
//!
//! ```text
//! loop {  open() -> ticks                servers step their physics   -> reports
//!         observe(reports)
//!         observation(), results(sre)    SREs think                   -> decisions
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

use crate::alert::{self, Alerts, Change};
use crate::chance::Key;
use crate::change::{self, Changes, Pending, Standby, Standing};
use crate::chaos::{self, Chaos};
use crate::definition::{Role, SreKind, Threshold};
use crate::health;
use crate::id::{Name, ServerId, ServiceId, SreId};
use crate::incident::{Faults, Scene};
use crate::journal::{FaultEnd, Journal, Record, SreHeader, figure};
use crate::ledger::Ledger;
use crate::message::{
    ActionOutcome, ActionResult, AlertView, Colleagues, Command, Conditions, Decision, Failure,
    HostedService, Metrics, Observation, Report, ServerBrief, ServerFacts, ServerView, ServiceFacts,
    SreBrief, Tick,
};
use crate::outcome::{FaultCounts, Outcome, Requests};
use crate::plan::{RunPlan, SrePlan};
use crate::sre::oracle::{TrueFault, Truth};
use crate::telemetry::Store;
use crate::topology::World;
use crate::traffic::{Door, Flow, Folded, Quality, Traffic};
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
    /// Reports of the last round.
    reports: Vec<Option<Report>>,
    /// What the servers are told in the round that is open.
    opening: Opening,
    /// What the SREs are told at the end of the round.
    observation: Observation,
    /// Results that each SRE is told with it.
    results: Vec<Vec<ActionResult>>,
    /// Results that each SRE has not been told yet.
    untold: Vec<Vec<ActionResult>>,
    /// SREs whose process is lost.
    lost_sres: Vec<bool>,
    /// Agents that were lost and have a process again from the next round on.
    returning: Vec<Name>,
    /// `None` for a run of which only the outcome is wanted.
    journal: Option<Journal>,
    entries: Vec<Entry>,
}

/// What may be called next.
#[derive(Debug)]
enum Phase {
    Closed,
    Opened(Opened),
    Observed(Requests),
    Finished,
}

/// What a round's opening leaves for its reports.
#[derive(Debug)]
struct Opened {
    doors: Vec<Door>,
    flow: Flow,
    /// Costs of actions in this round: who has to answer for what is lost where.
    costs: Vec<(SreId, ServerId)>,
}

/// A server as the director keeps it.
#[derive(Clone, Copy, Debug)]
struct ServerState {
    role: Option<Role>,
    in_rotation: bool,
    /// Its process is gone.
    lost: bool,
    /// First round in which services that the kernel killed run again.
    killed_until: u32,
}

/// What the servers are to be told when a round begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// For each server its tick; `None` while its process is lost.
    pub ticks: Vec<Option<Tick>>,
    /// Lost servers whose process an action of this round restarts: they get a new process, which
    /// starts from its initial state, before the tick is sent.
    pub respawn: Vec<ServerId>,
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
        round.write_header();
        round
    }

    /// As [`Round::new`], of a run that keeps no journal: there are no entries, and its hash is
    /// empty. For whoever wants the outcome alone.
    ///
    /// # Panics
    /// When a scripted fault comes before round 1: there is no such round.
    pub fn unrecorded(world: Arc<World>, plan: RunPlan) -> Self {
        assert!(plan.scripted.iter().all(|fault| fault.round > 0), "rounds count from 1");
        let servers = world.servers.len();
        Self {
            number: 0,
            phase: Phase::Closed,
            traffic: Traffic::new(&world, Key::derive(plan.seed, "traffic", "")),
            chaos: Chaos::new(&world, plan.seed, plan.level, &plan.scripted),
            faults: Faults::new(),
            changes: Changes::new(&world, Key::derive(plan.seed, "actions", "")),
            telemetry: Store::new(servers, world.definition.alerts.telemetry_ttl_rounds),
            alerts: Alerts::new(&world.definition),
            ledger: Ledger::new(servers, plan.sres.len()),
            thresholds: alert::thresholds(&world.definition.metrics),
            servers: world
                .servers
                .iter()
                .map(|server| ServerState {
                    role: server.role,
                    in_rotation: true,
                    lost: false,
                    killed_until: 0,
                })
                .collect(),
            reports: vec![None; servers],
            opening: Opening::default(),
            observation: Observation::default(),
            results: vec![Vec::new(); plan.sres.len()],
            untold: vec![Vec::new(); plan.sres.len()],
            lost_sres: vec![false; plan.sres.len()],
            returning: Vec::new(),
            journal: None,
            entries: Vec::new(),
            world,
            plan,
        }
    }

    /// What each server process is handed before the first round, in order.
    pub fn server_briefs(&self) -> Vec<ServerBrief> {
        (0..self.world.servers.len()).map(|index| self.server_brief(index)).collect()
    }

    /// What each SRE is handed before the first round, in order of their names.
    pub fn sre_briefs(&self) -> Vec<SreBrief> {
        (0..self.plan.sres.len()).map(|index| self.sre_brief(index)).collect()
    }

    /// The number of the round that is open or was closed last; 0 before the first.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether all planned rounds are closed.
    pub fn is_over(&self) -> bool {
        self.number >= self.plan.rounds && matches!(self.phase, Phase::Closed | Phase::Finished)
    }

    // ---- opening ------------------------------------------------------------------------------

    /// Opens the next round.
    pub fn open(&mut self) -> &Opening {
        assert!(matches!(self.phase, Phase::Closed), "a round opens after the last was closed");
        self.number += 1;
        self.changes.tidy(self.number);
        // What a fault did may show for as long as a supervisor needs, and a round more.
        self.faults.forget(self.number, self.world.definition.host.supervisor_rounds + 1);
        let users = self.traffic.users(&self.world, self.number);
        self.write(Record::RoundOpened { round: self.number, requests: u64::from(users) });
        self.write_returned();

        self.expire_faults();
        let mut commands = vec![Vec::new(); self.servers.len()];
        let mut costs = Vec::new();
        let mut respawn = Vec::new();
        for pending in self.changes.due(self.number) {
            self.act(&pending, &mut commands, &mut costs, &mut respawn);
        }
        self.inject_faults();

        let doors = self.doors(&commands, &mut costs);
        let flow = self.traffic.flow(&self.world, self.number, &doors);
        let ticks = self.ticks(&doors, &flow, commands);
        self.phase = Phase::Opened(Opened { doors, flow, costs });
        self.opening = Opening { ticks, respawn };
        &self.opening
    }

    /// What the servers are to be told in the round that was opened last.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    fn expire_faults(&mut self) {
        let ended = self.faults.expire(&self.world, self.number, &self.reports);
        self.write_ended(&ended, FaultEnd::Expired);
    }

    fn inject_faults(&mut self) {
        let planned = self.chaos.faults_of(&self.world, self.number);
        for position in self.faults.inject(planned) {
            let fault = &self.faults.injected()[position];
            let kind = fault.kind(&self.world);
            let server = &self.world.servers[fault.planned.target.index()];
            let service = fault.planned.service.map(|slot| server.services[usize::from(slot)]);
            let stays = kind.effect.memory_growth.is_some();
            let record = Record::FaultInjected {
                round: self.number,
                fault: fault.id,
                fault_kind: kind.name.as_str().into(),
                target: server.name.clone(),
                service: service.map(|service| self.world.services[service.index()].name.clone()),
                rounds: (!stays).then_some(fault.planned.rounds),
            };
            self.write(record);
        }
    }

    /// Carries out an action that was decided earlier.
    fn act(
        &mut self,
        pending: &Pending,
        commands: &mut [Vec<Command>],
        costs: &mut Vec<(SreId, ServerId)>,
        respawn: &mut Vec<ServerId>,
    ) {
        let world = Arc::clone(&self.world);
        let action = &world.definition.actions[pending.request.action.index()];
        let target = pending.request.target;
        let lucky = self.changes.act(&world, pending);
        let revives = self.servers[target.index()].lost && action.remedy.restarts_services;
        let cut_off = self.is_closed(target) && !action.out_of_band && !revives;
        let outcome = match (cut_off, lucky) {
            (true, _) => ActionOutcome::Failed(Failure::Unreachable),
            (false, false) => ActionOutcome::Failed(Failure::Unlucky),
            (false, true) => ActionOutcome::Succeeded,
        };
        let succeeded = outcome == ActionOutcome::Succeeded;
        self.count_action(pending, succeeded);
        self.faults.acted(self.number, target);
        self.write_acted(pending, outcome);
        if cut_off {
            return;
        }
        let standby = self.standby(target);
        let promotes = change::promotes(action, standby);
        let pays = if promotes && succeeded { self.promote(target) } else { target };
        let link = action.remedy.uses_backup_link && standby.link && !promotes;
        let command = change::command(&world, action, succeeded, promotes || link);
        self.charge(pending.sre, pays, command, commands, costs);
        if succeeded {
            self.remedy(pending, link);
            if action.remedy.restarts_services {
                self.servers[target.index()].killed_until = 0;
            }
            if revives {
                self.servers[target.index()].lost = false;
                respawn.push(target);
            }
        }
    }

    fn count_action(&mut self, pending: &Pending, succeeded: bool) {
        if succeeded {
            self.ledger.actions.succeeded += 1;
        } else {
            self.ledger.actions.failed += 1;
        }
        let target = pending.request.target;
        let action = &self.world.definition.actions[pending.request.action.index()];
        let standby = self.standby(target);
        let down = self.reports[target.index()]
            .as_ref()
            .is_some_and(|report| report.services.iter().any(|service| !service.up));
        let needed = self.servers[target.index()].lost
            || (down && action.remedy.restarts_services)
            || self.faults.on(target).any(|fault| {
                let kind = fault.kind(&self.world);
                change::cures(action, &kind.name) || change::relieves(action, &kind.effect, standby)
            });
        if !needed {
            self.ledger.unneeded(pending.sre);
        }
    }

    /// Sends what an action does inside a host on its way, and notes who answers for its cost.
    fn charge(
        &self,
        sre: SreId,
        server: ServerId,
        command: Command,
        commands: &mut [Vec<Command>],
        costs: &mut Vec<(SreId, ServerId)>,
    ) {
        if command == Command::default() {
            return;
        }
        commands[server.index()].push(command);
        if command.downtime > 0.0 || command.write_downtime > 0.0 {
            costs.push((sre, server));
        }
    }

    /// Ends what a successful action cures, and lets stand what it leaves.
    fn remedy(&mut self, pending: &Pending, link: bool) {
        let world = Arc::clone(&self.world);
        let action = &world.definition.actions[pending.request.action.index()];
        let (round, target) = (self.number, pending.request.target);
        let leaked = self.reports[target.index()].as_ref().map_or(0.0, |report| report.leaked_points);
        let cured = self.faults.cure(round, target, |fault| {
            change::cures(action, &fault.kind(&world).name)
                || change::clears_traces(&world, action, fault, round, leaked)
        });
        self.write_ended(&cured, FaultEnd::Remedied);
        if link {
            self.faults.each_in_force(|fault| {
                if fault.planned.target == target && fault.kind(&world).effect.unreachable {
                    fault.linked = true;
                }
            });
        }
        self.changes.stand(&world, pending);
    }

    /// Makes the first replica in rotation the primary in a server's place, which rests until it
    /// is calm. Gives the new primary.
    fn promote(&mut self, target: ServerId) -> ServerId {
        let replica = self.replica_of(target).expect("a promotion was only possible with a replica");
        self.servers[replica.index()].role = Some(Role::Primary);
        let old = &mut self.servers[target.index()];
        old.role = Some(Role::Replica);
        old.in_rotation = false;
        replica
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

    /// The last round whose telemetry is in the store.
    fn last_observed(&self) -> u32 {
        match self.phase {
            Phase::Observed(_) => self.number,
            _ => self.number.saturating_sub(1),
        }
    }

    fn standby(&self, server: ServerId) -> Standby {
        Standby {
            role: self.servers[server.index()].role,
            replica: self.replica_of(server).is_some(),
            link: self.world.definition.servers[server.index()].backup_link,
        }
    }

    /// Whether nothing reaches a server.
    fn is_closed(&self, server: ServerId) -> bool {
        self.servers[server.index()].lost
            || self.faults.on(server).any(|fault| fault.cuts_off(&self.world, self.number))
    }

    /// What decides what reaches each server; limits are among the costs of actions.
    fn doors(&self, commands: &[Vec<Command>], costs: &mut Vec<(SreId, ServerId)>) -> Vec<Door> {
        let mut doors: Vec<Door> = self
            .world
            .servers
            .iter()
            .zip(&self.servers)
            .zip(commands)
            .map(|((node, state), commands)| Door {
                closed: state.lost,
                in_rotation: state.in_rotation,
                cache_emptied: commands.iter().any(|command| command.empties_cache),
                held_down: vec![self.number < state.killed_until; node.services.len()],
                ..Door::open(0, state.role)
            })
            .collect();
        for fault in self.faults.in_force() {
            let door = &mut doors[fault.planned.target.index()];
            door.closed |= fault.cuts_off(&self.world, self.number);
            if let Some(slot) = fault.holds_down(self.number) {
                door.held_down[slot] = true;
            }
            if let Some(force) = fault.force(&self.world, self.number) {
                door.traffic_factor *= force.traffic_factor;
            }
        }
        for relief in self.changes.standing(self.number) {
            if let Standing::Limit(limit) = &relief.what {
                let door = &mut doors[relief.target.index()];
                door.flood_dropped = door.flood_dropped.max(limit.flood_dropped);
                door.users_dropped = door.users_dropped.max(limit.users_dropped);
                costs.push((relief.sre, relief.target));
            }
        }
        doors
    }

    fn conditions(&self, doors: &[Door]) -> Vec<Conditions> {
        let mut all: Vec<Conditions> = doors
            .iter()
            .map(|door| Conditions { held_down: door.held_down.clone(), ..chaos::calm(0) })
            .collect();
        for fault in self.faults.in_force() {
            if let Some(force) = fault.force(&self.world, self.number) {
                force.add_to(&mut all[fault.planned.target.index()]);
            }
        }
        for relief in self.changes.standing(self.number) {
            if let Standing::Capacity(factor) = relief.what {
                let held = &mut all[relief.target.index()].workers_factor;
                *held = held.max(factor);
            }
        }
        all
    }

    fn ticks(&self, doors: &[Door], flow: &Flow, commands: Vec<Vec<Command>>) -> Vec<Option<Tick>> {
        self.conditions(doors)
            .into_iter()
            .zip(&flow.arrivals)
            .zip(commands)
            .zip(&self.servers)
            .map(|(((conditions, arrivals), commands), state)| {
                (!state.lost).then(|| Tick {
                    round: self.number,
                    arrivals: arrivals.clone(),
                    conditions,
                    commands,
                })
            })
            .collect()
    }

    // ---- observing ----------------------------------------------------------------------------

    /// Folds the reports, in the order of the servers: `None` for a server whose process is lost or
    /// missed its deadline. What is left in `reports` are those of the round before, to be written
    /// over.
    pub fn observe(&mut self, reports: &mut Vec<Option<Report>>) {
        let Phase::Opened(mut opened) = std::mem::replace(&mut self.phase, Phase::Finished) else {
            panic!("a round is observed after it was opened");
        };
        assert_eq!(reports.len(), self.servers.len(), "every server has its place among the reports");
        std::mem::swap(&mut self.reports, reports);
        for (state, report) in self.servers.iter_mut().zip(&self.reports) {
            state.killed_until = report.as_ref().map_or(0, |report| report.killed_until);
        }
        self.note_lost_servers(&mut opened.doors);
        let world = Arc::clone(&self.world);
        let folded = self.traffic.fold(&world, &opened.doors, &opened.flow, &self.reports);
        self.count_harm(&opened, folded.requests);
        self.traffic.learn(&world, &opened.doors, &opened.flow, &self.reports);
        self.witness(&opened);
        self.measure(&opened, &folded);
        self.detect();
        self.count_capacity();
        self.phase = Phase::Observed(folded.requests);
        self.show();
    }

    /// What all SREs are told of the round that was observed last.
    pub fn observation(&self) -> &Observation {
        &self.observation
    }

    /// What became of the actions that one SRE asked for, since it was told the last time.
    pub fn results(&self, sre: SreId) -> &[ActionResult] {
        &self.results[sre.index()]
    }

    /// A server without a report is gone from this round on.
    fn note_lost_servers(&mut self, doors: &mut [Door]) {
        for (server, door) in doors.iter_mut().enumerate() {
            if self.reports[server].is_some() || std::mem::replace(&mut self.servers[server].lost, true) {
                continue;
            }
            door.closed = true;
            let agent: Name = format!("server-{}", self.world.servers[server].name).into();
            self.write_lost(agent);
        }
    }

    /// What would have been good without the costs of each SRE's actions. Where several are
    /// answerable for the same loss, they share it.
    fn count_harm(&mut self, opened: &Opened, got: Requests) {
        if opened.costs.is_empty() {
            return;
        }
        let Opened { doors, flow, costs } = opened;
        let without = |servers: &[ServerId]| {
            let good = self.traffic.fold_without_costs(&self.world, doors, flow, &self.reports, servers).good;
            good.saturating_sub(got.good)
        };
        let of = |sre: SreId| -> Vec<ServerId> {
            costs.iter().filter(|(payer, _)| *payer == sre).map(|(_, server)| *server).collect()
        };
        let all: Vec<ServerId> = costs.iter().map(|(_, server)| *server).collect();
        let mut left = without(&all);
        let shares: Vec<(SreId, u64)> = (0..self.plan.sres.len())
            .map(SreId::from)
            .filter(|sre| costs.iter().any(|(payer, _)| payer == sre))
            .map(|sre| {
                let share = without(&of(sre)).min(left);
                left -= share;
                (sre, share)
            })
            .collect();
        for (sre, share) in shares {
            self.ledger.harm(sre, share);
        }
    }

    fn witness(&mut self, opened: &Opened) {
        let closed: Vec<bool> = opened.doors.iter().map(|door| door.closed).collect();
        let scene = Scene { reports: &self.reports, arrivals: &opened.flow.arrivals, closed: &closed };
        for fault in self.faults.witness(&self.world, self.number, &scene) {
            self.write(Record::FaultWitnessed { round: self.number, fault });
        }
        let relieved = self.relieved();
        let mut position = 0;
        self.faults.each_in_force(|fault| {
            fault.suffered_rounds += u32::from(!relieved[position]);
            position += 1;
        });
    }

    /// For each fault in force: whether something that stands now relieves it.
    fn relieved(&self) -> Vec<bool> {
        let fault_is_relieved = |fault: &crate::incident::Fault| {
            let effect = &fault.kind(&self.world).effect;
            let target = fault.planned.target;
            fault.linked
                || !self.servers[target.index()].in_rotation
                || self.changes.standing(self.number).any(|relief| {
                    relief.target == target
                        && match relief.what {
                            Standing::Limit(_) => effect.traffic_factor.is_some(),
                            Standing::Capacity(_) => {
                                effect.traffic_factor.is_some()
                                    || effect.capacity_factor.is_some()
                                    || effect.latency_factor.is_some()
                            }
                        }
                })
        };
        self.faults.in_force().map(fault_is_relieved).collect()
    }

    /// Takes each server's measure: journal, telemetry, alerts, uptime.
    fn measure(&mut self, opened: &Opened, folded: &Folded) {
        for server in 0..self.servers.len() {
            let reachable = !opened.doors[server].closed;
            let metrics = self.reports[server]
                .as_ref()
                .map(|report| metrics(report, folded.servers[server], &opened.flow, server));
            if reachable && metrics.as_ref().is_some_and(|metrics| metrics.services_down == 0) {
                self.ledger.up(server);
            }
            self.write_server(server, reachable, metrics.as_ref());
            if let Some(metrics) = metrics.filter(|_| reachable) {
                self.telemetry.put(server, metrics, self.number);
            }
            self.look_at(server);
        }
        self.bring_back();
    }

    fn look_at(&mut self, server: usize) {
        let mut told: Vec<(Change, AlertView)> = Vec::new();
        let metrics = self.telemetry.fresh(server, self.number);
        let age = self.telemetry.age(server, self.number);
        self.alerts.look(ServerId::from(server), metrics, age, self.number, |change, alert| {
            told.push((change, alert.clone()));
        });
        for (change, alert) in told {
            if change == Change::Opened && !self.faults.explains(&self.world, alert.server) {
                self.ledger.false_alarms += 1;
            }
            self.write_alert(change, &alert);
        }
    }

    /// A server that a failover took out of rotation comes back when no alert is open on it.
    fn bring_back(&mut self) {
        for server in 0..self.servers.len() {
            if !self.servers[server].in_rotation && !self.alerts.on(ServerId::from(server), &[]) {
                self.servers[server].in_rotation = true;
            }
        }
    }

    fn detect(&mut self) {
        self.faults.detect(&self.world, self.number, self.alerts.open());
    }

    fn count_capacity(&mut self) {
        let mut factors = vec![1.0_f64; self.servers.len()];
        for relief in self.changes.standing(self.number) {
            if let Standing::Capacity(factor) = relief.what {
                let held = &mut factors[relief.target.index()];
                *held = held.max(factor);
            }
        }
        for (server, factor) in self.world.definition.servers.iter().zip(factors) {
            self.ledger.capacity_rounds += server.cpu_capacity * (factor - 1.0);
        }
    }

    /// Draws up what SREs are told.
    fn show(&mut self) {
        self.observation = Observation {
            round: self.number,
            servers: (0..self.servers.len()).map(|server| self.view(server)).collect(),
            alerts: self.alerts.open().to_vec(),
            cooldowns: self.changes.cooldowns(&self.world, self.number),
        };
        for (told, untold) in self.results.iter_mut().zip(&mut self.untold) {
            told.clear();
            told.append(untold);
        }
    }

    fn view(&self, server: usize) -> ServerView {
        let state = &self.servers[server];
        ServerView {
            metrics: self.telemetry.metrics(server).cloned(),
            age_rounds: self.telemetry.age(server, self.number),
            stale: self.telemetry.is_stale(server, self.number),
            role: state.role,
            in_rotation: state.in_rotation,
            settling_rounds: self.changes.settling_rounds(&self.world, self.number, ServerId::from(server)),
        }
    }

    /// What the oracle may know, beside the observation. The only door to the truth.
    pub fn truth(&self) -> Truth {
        Truth {
            faults: self
                .faults
                .in_force()
                .map(|fault| TrueFault {
                    kind: fault.planned.kind,
                    target: fault.planned.target,
                    scheduled_end: fault.planned.scheduled_end(),
                    linked: fault.linked,
                })
                .collect(),
        }
    }

    // ---- agents that come back ----------------------------------------------------------------

    /// Between rounds: a lost server has a process again. From the next round on it is there, in
    /// its initial state.
    pub fn return_server(&mut self, server: ServerId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        if std::mem::take(&mut self.servers[server.index()].lost) {
            self.returning.push(format!("server-{}", self.world.servers[server.index()].name).into());
        }
    }

    /// Between rounds: a lost SRE has a process again, which knows nothing of what was before.
    pub fn return_sre(&mut self, sre: SreId) {
        assert!(matches!(self.phase, Phase::Closed), "agents come back between rounds");
        if std::mem::take(&mut self.lost_sres[sre.index()]) {
            self.untold[sre.index()].clear();
            self.returning.push(format!("sre-{}", self.plan.sres[sre.index()].name).into());
        }
    }

    // ---- closing ------------------------------------------------------------------------------

    /// Notes that an SRE's process is lost; its decisions are empty from now on.
    pub fn lose_sre(&mut self, sre: SreId) {
        if !std::mem::replace(&mut self.lost_sres[sre.index()], true) {
            let agent: Name = format!("sre-{}", self.plan.sres[sre.index()].name).into();
            self.write_lost(agent);
        }
    }

    /// Takes the decisions of all SREs, in order (an empty one for whoever is silent), and closes
    /// the round.
    pub fn close(&mut self, decisions: &[Decision]) {
        let Phase::Observed(requests) = self.phase else { panic!("a round is closed after it was observed") };
        for (sre, decision) in decisions.iter().enumerate() {
            self.acknowledge(SreId::from(sre), decision);
            self.take_claims(SreId::from(sre), decision);
        }
        self.take_requests(decisions);
        self.ledger.by_round.push(requests);
        let target = self.world.definition.sla_target;
        let hash = self.journal_hash();
        self.write(Record::RoundClosed {
            round: self.number,
            total: requests.total,
            good: requests.good,
            burn_rate: figure(burn_rate(requests, target)),
            hash,
        });
        self.phase = Phase::Closed;
    }

    fn acknowledge(&mut self, sre: SreId, decision: &Decision) {
        for alert in &decision.acknowledged {
            if self.alerts.acknowledge(*alert) {
                let sre = self.plan.sres[sre.index()].name.clone();
                self.write(Record::AlertAcknowledged { round: self.number, alert: alert.0, sre });
            }
        }
        self.detect();
    }

    fn take_claims(&mut self, sre: SreId, decision: &Decision) {
        let exists = |server: ServerId| server.index() < self.servers.len();
        let kinds = self.world.definition.chaos.len();
        let mut explained = vec![false; self.servers.len()];
        // One explanation for a server that alerts: who names everything knows nothing.
        let claims: Vec<_> = decision
            .diagnoses
            .iter()
            .copied()
            .filter(|claim| exists(claim.alerting) && exists(claim.entity))
            .filter(|claim| claim.cause.is_none_or(|cause| cause.index() < kinds))
            .filter(|claim| self.alerts.on(claim.alerting, &[]))
            .filter(|claim| !std::mem::replace(&mut explained[claim.alerting.index()], true))
            .collect();
        for claim in &claims {
            let right = self.faults.claimed(self.number, claim.entity, claim.cause);
            if !self.ledger.is_new_claim(sre, claim) {
                continue;
            }
            self.ledger.claim(sre, right);
            let cause =
                claim.cause.map(|cause| self.world.definition.chaos[cause.index()].name.as_str().into());
            let record = Record::Diagnosed {
                round: self.number,
                sre: self.plan.sres[sre.index()].name.clone(),
                alerting: self.server_name(claim.alerting),
                entity: self.server_name(claim.entity),
                cause,
            };
            self.write(record);
        }
        self.ledger.remember_claims(sre, &claims);
    }

    fn take_requests(&mut self, decisions: &[Decision]) {
        let requests: Vec<_> = decisions
            .iter()
            .enumerate()
            .flat_map(|(sre, decision)| {
                decision.actions.iter().map(move |request| (SreId::from(sre), *request))
            })
            .collect();
        let standbys: Vec<Standby> =
            (0..self.servers.len()).map(|server| self.standby(ServerId::from(server))).collect();
        let verdicts = self
            .changes
            .ask(&self.world, self.number, &requests, &self.alerts, |server| standbys[server.index()]);
        for ((sre, request), verdict) in requests.into_iter().zip(verdicts) {
            self.ledger.actions.requested += 1;
            let name = self.plan.sres[sre.index()].name.clone();
            let (action, target) = (self.action_name(request.action), self.server_name(request.target));
            let (round, id) = (self.number, request.request);
            match verdict {
                Ok(Pending { acts_round, .. }) => {
                    self.write(Record::ActionAccepted {
                        round,
                        sre: name,
                        request: id,
                        action,
                        target,
                        acts_round,
                    });
                }
                Err(refusal) => {
                    self.ledger.actions.refused += 1;
                    let outcome = ActionOutcome::Refused(refusal);
                    self.tell(sre, &request, outcome);
                    self.write(Record::ActionRefused {
                        round,
                        sre: name,
                        request: id,
                        action,
                        target,
                        outcome,
                    });
                }
            }
        }
    }

    fn tell(&mut self, sre: SreId, request: &crate::message::ActionRequest, outcome: ActionOutcome) {
        self.untold[sre.index()].push(ActionResult {
            request: request.request,
            action: request.action,
            target: request.target,
            outcome,
        });
    }

    // ---- the end ------------------------------------------------------------------------------

    /// Ends the run, whether or not all planned rounds were played: writes the last records
    /// (fetch them with [`Round::take_entries`] afterwards) and gives the outcome.
    pub fn finish(&mut self) -> Outcome {
        assert!(
            matches!(self.phase, Phase::Closed),
            "a run is finished once, after its last round was closed"
        );
        self.phase = Phase::Finished;
        let mut outcome = self.ledger.outcome(&self.world, &self.plan, self.alerts.opened());
        let injected = self.faults.injected();
        outcome.faults = fault_counts(injected);
        outcome.suffered_rounds = injected.iter().map(|fault| fault.suffered_rounds).collect();
        outcome.incidents = injected
            .iter()
            .filter(|fault| fault.witnessed)
            .map(|fault| fault.incident(&self.world, &outcome.by_round))
            .collect();
        for incident in outcome.incidents.clone() {
            self.write(Record::Incident { incident });
        }
        for account in outcome.sres.clone() {
            self.write(Record::SreAccount {
                sre: account.name,
                harm_requests: account.harm_requests,
                unneeded_actions: account.unneeded_actions,
                diagnosis: account.diagnosis,
            });
        }
        self.write_ended_run(&outcome);
        outcome
    }

    /// The records written since the last call, in order.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// The hash of the journal so far; after [`Round::finish`], the name of the run.
    pub fn journal_hash(&self) -> String {
        self.journal.as_ref().map(Journal::hash).unwrap_or_default()
    }

    // ---- briefs -------------------------------------------------------------------------------

    fn server_brief(&self, index: usize) -> ServerBrief {
        let definition = &self.world.definition;
        let server = &definition.servers[index];
        ServerBrief {
            name: self.world.servers[index].name.clone(),
            key: Key::derive(self.plan.seed, "server", &server.name),
            host: definition.host.clone(),
            cpu_capacity: server.cpu_capacity,
            memory_capacity: server.memory_capacity,
            round_seconds: definition.round_seconds,
            queue_limit_seconds: definition.traffic.queue_limit_ms / 1000.0,
            services: server.services.iter().map(|name| hosted(&definition.services[name])).collect(),
        }
    }

    fn sre_brief(&self, index: usize) -> SreBrief {
        let definition = &self.world.definition;
        let sre = &self.plan.sres[index];
        SreBrief {
            name: sre.name.clone(),
            kind: sre.kind,
            skill: sre.skill.map(|skill| definition.skills.of(skill).clone()),
            key: (sre.kind == SreKind::Rules).then(|| Key::derive(self.plan.seed, "sre", &sre.name)),
            colleagues: self.colleagues(index),
            rounds: self.plan.rounds,
            servers: self.world.servers.iter().zip(&definition.servers).map(server_facts).collect(),
            services: self.world.services.iter().map(service_facts).collect(),
            entry: self.world.entry,
            thresholds: self.thresholds,
            kinds: definition.chaos.clone(),
            actions: definition.actions.clone(),
            changes: definition.changes.clone(),
        }
    }

    fn colleagues(&self, index: usize) -> Colleagues {
        let on_call = |sres: &[SrePlan]| {
            let count = sres.iter().filter(|sre| sre.kind == SreKind::Rules).count();
            u16::try_from(count).expect("few SREs are on call")
        };
        Colleagues { position: on_call(&self.plan.sres[..index]), count: on_call(&self.plan.sres).max(1) }
    }

    // ---- records ------------------------------------------------------------------------------

    fn write(&mut self, record: Record) {
        if let Some(journal) = &mut self.journal {
            let line = journal.write(&record).to_vec();
            self.entries.push(Entry { record, line });
        }
    }

    fn write_header(&mut self) {
        let sres = self
            .plan
            .sres
            .iter()
            .map(|sre| SreHeader { name: sre.name.clone(), kind: sre.kind, skill: sre.skill })
            .collect();
        self.write(Record::Header {
            schema: JOURNAL_SCHEMA,
            world: self.world.name.clone(),
            world_hash: self.world.hash.clone(),
            seed: self.plan.seed,
            chaos_level: self.plan.level.name().into(),
            rounds: self.plan.rounds,
            sres,
        });
    }

    fn write_ended(&mut self, positions: &[usize], how: FaultEnd) {
        for position in positions {
            let fault = &self.faults.injected()[*position];
            let record = Record::FaultEnded {
                round: self.number,
                fault: fault.id,
                fault_kind: fault.kind(&self.world).name.as_str().into(),
                target: self.server_name(fault.planned.target),
                how,
            };
            self.write(record);
        }
    }

    fn write_acted(&mut self, pending: &Pending, outcome: ActionOutcome) {
        self.tell(pending.sre, &pending.request, outcome);
        let record = Record::ActionActed {
            round: self.number,
            sre: self.plan.sres[pending.sre.index()].name.clone(),
            request: pending.request.request,
            action: self.action_name(pending.request.action),
            target: self.server_name(pending.request.target),
            outcome,
        };
        self.write(record);
    }

    fn write_lost(&mut self, agent: Name) {
        self.ledger.lost_agents.push(agent.clone());
        self.write(Record::AgentLost { round: self.number, agent });
    }

    fn write_returned(&mut self) {
        for agent in std::mem::take(&mut self.returning) {
            self.write(Record::AgentReturned { round: self.number, agent });
        }
    }

    fn write_server(&mut self, server: usize, reachable: bool, metrics: Option<&Metrics>) {
        let state = self.servers[server];
        let health = health::health(self.thresholds, metrics.filter(|_| reachable));
        let shown = metrics.cloned().unwrap_or(SILENT);
        let record = Record::Server {
            round: self.number,
            server: self.world.servers[server].name.clone(),
            status: health::status(health, reachable && metrics.is_some()),
            health,
            cpu_usage: shown.cpu_usage,
            memory_usage: shown.memory_usage,
            error_rate: shown.error_rate,
            latency_p99: shown.latency_p99,
            disk_usage: shown.disk_usage,
            requests: shown.requests,
            services_down: shown.services_down,
            reachable,
            in_rotation: state.in_rotation,
            role: state.role,
        };
        self.write(record);
    }

    fn write_alert(&mut self, change: Change, alert: &AlertView) {
        let AlertView { id, server, metric, severity, .. } = *alert;
        let (round, alert, value) = (self.number, id.0, figure(alert.value));
        let server = self.server_name(server);
        self.write(match change {
            Change::Opened => Record::AlertOpened { round, alert, server, metric, severity, value },
            Change::Changed => Record::AlertChanged { round, alert, server, metric, severity, value },
            Change::Closed => Record::AlertClosed { round, alert, server, metric, value },
        });
    }

    fn write_ended_run(&mut self, outcome: &Outcome) {
        let hash = self.journal_hash();
        self.write(Record::RunEnded {
            rounds: outcome.rounds,
            total: outcome.requests.total,
            good: outcome.requests.good,
            availability_pct: figure(outcome.requests.availability_pct()),
            sla_target_pct: outcome.sla_target_pct,
            capacity_held: figure(outcome.capacity_held),
            utility: figure(outcome.utility),
            simulated_minutes: figure(f64::from(outcome.rounds) * outcome.round_seconds / 60.0),
            hash,
        });
    }

    fn server_name(&self, server: ServerId) -> Name {
        let known = self.world.servers.get(server.index());
        known.map_or_else(|| format!("#{}", server.0).into(), |server| server.name.clone())
    }

    fn action_name(&self, action: crate::id::ActionId) -> Name {
        let known = self.world.definition.actions.get(action.index());
        known.map_or_else(|| format!("#{}", action.0).into(), |action| action.name.as_str().into())
    }
}

/// What is shown of a server that sent nothing.
const SILENT: Metrics = Metrics {
    cpu_usage: 0.0,
    memory_usage: 0.0,
    error_rate: 0.0,
    latency_p99: 0.0,
    disk_usage: 0.0,
    requests: 0,
    services_down: 0,
};

/// A server's telemetry: its own report, and what the fold made of its answers.
fn metrics(report: &Report, quality: Quality, flow: &Flow, server: usize) -> Metrics {
    let arrivals = flow.arrivals[server].iter();
    Metrics {
        cpu_usage: figure(report.cpu_pct),
        memory_usage: figure(report.memory_pct),
        error_rate: figure(100.0 * quality.error_rate),
        latency_p99: figure(1000.0 * quality.p99_seconds),
        disk_usage: figure(report.disk_pct),
        requests: arrivals.map(|a| a.reads + a.writes + a.applies + a.flood).sum(),
        services_down: report.services.iter().map(|service| u32::from(!service.up)).sum(),
    }
}

/// How many times faster than allowed a round spent the error budget; the objective leaves none
/// at 100 %, then any failure burns at the rate of all.
fn burn_rate(requests: Requests, target_pct: f64) -> f64 {
    let bad = 100.0 - requests.availability_pct();
    let allowed = 100.0 - target_pct;
    if allowed > 0.0 { bad / allowed } else { bad }
}

fn fault_counts(injected: &[crate::incident::Fault]) -> FaultCounts {
    let count = |which: fn(&crate::incident::Fault) -> bool| {
        u32::try_from(injected.iter().filter(|fault| which(fault)).count()).expect("faults fit 32 bits")
    };
    let (witnessed, masked) = (count(|fault| fault.witnessed), count(|fault| fault.is_masked()));
    let injected = count(|_| true);
    FaultCounts { injected, witnessed, masked, unseen: injected - witnessed - masked }
}

fn hosted(service: &crate::definition::Service) -> HostedService {
    let work_seconds = service.work_ms / 1000.0;
    HostedService {
        work_seconds,
        memory_mb: service.memory_mb,
        cache: service.cache.clone(),
        apply_seconds: service.replication.as_ref().map_or(0.0, |r| work_seconds * r.apply_cost),
    }
}

fn server_facts((node, server): (&crate::topology::ServerNode, &crate::definition::Server)) -> ServerFacts {
    ServerFacts {
        name: node.name.clone(),
        kind: node.kind.clone(),
        services: node.services.clone(),
        backup_link: server.backup_link,
    }
}

fn service_facts(node: &crate::topology::ServiceNode) -> ServiceFacts {
    let mut calls: Vec<ServiceId> = node.calls.iter().map(|edge| edge.to).collect();
    calls.dedup();
    ServiceFacts { name: node.name.clone(), calls, cache: node.cache }
}
