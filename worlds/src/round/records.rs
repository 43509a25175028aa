//! What a round writes down: each step as a record of the journal.
//!
//! Records are only made when there is a journal to write them to. They are written when their lines or
//! their hash are wanted, at the latest when the round closes, or when a driver has time for it: see
//! [`Round::catch_up`].

use super::{Entry, JOURNAL_SCHEMA, Round};
use crate::alert::Change;
use crate::change::Pending;
use crate::chaos::Volley;
use crate::definition::MessageKind;
use crate::health;
use crate::id::{ActionId, AgentId, Name, ServerId, SreId};
use crate::journal::{Decided, FaultEnd, Record, SreHeader, figure};
use crate::message::{ActionOutcome, ActionRequest, AlertView, Decision, Diagnosis, Metrics, UnknownNames};
use crate::outcome::Outcome;
use std::ops::Range;

/// Records that are kept before they are written, a few hundred bytes each: more than a round of a
/// thousand servers makes. Larger rounds are written in parts, and so are the incidents of a long run.
const UNWRITTEN_MAX: usize = 4096;

impl Round {
    pub(super) fn write(&mut self, record: impl FnOnce(&Self) -> Record) {
        if self.journal.is_some() {
            let record = record(self);
            self.unwritten.push(record);
            if self.unwritten.len() >= UNWRITTEN_MAX {
                self.catch_up();
            }
        }
    }

    /// Writes and hashes the records made so far. That happens by itself when the round closes; a
    /// driver that has to wait for agents can have most of it done meanwhile.
    pub fn catch_up(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        for record in self.unwritten.drain(..) {
            let line = journal.write(&record);
            if let Some(entries) = &mut self.entries {
                entries.push(Entry { line: line.to_vec(), record });
            }
        }
        journal.catch_up();
    }

    pub(super) fn write_header(&mut self) {
        let sres = |round: &Self| {
            let header = |sre: &crate::plan::SrePlan| SreHeader {
                name: sre.name.clone(),
                kind: sre.kind,
                skill: sre.skill,
            };
            round.plan.sres.iter().map(header).collect()
        };
        self.write(|round| Record::Header {
            schema: JOURNAL_SCHEMA,
            world: round.world.name.clone(),
            world_hash: round.world.hash.clone(),
            seed: round.plan.seed,
            chaos_level: round.plan.level.name().into(),
            rounds: round.plan.rounds,
            sres: sres(round),
        });
    }

    pub(super) fn write_injected(&mut self, position: usize) {
        self.write(|round| {
            let fault = &round.faults.injected()[position];
            let server = fault.planned.target.server().map(|target| &round.world.servers[target.index()]);
            let service = fault.planned.service.zip(server);
            let service = service.map(|(slot, server)| server.services[usize::from(slot)]);
            let stays = fault.kind(&round.world).effect.memory_growth.is_some();
            Record::FaultInjected {
                round: round.number,
                fault: fault.id,
                fault_kind: round.world.catalogue.kinds[fault.planned.kind.index()].clone(),
                target: round.target_name(fault.planned.target),
                service: service.map(|service| round.world.services[service.index()].name.clone()),
                rounds: (!stays).then_some(fault.planned.rounds),
            }
        });
    }

    /// Of faults that come together.
    pub(super) fn write_volleys(&mut self) {
        for place in 0..self.chaos.volleys().len() {
            self.write(|round| {
                let Volley { kind, group, targets, .. } = &round.chaos.volleys()[place];
                let group = group.map(|group| &round.world.groups[group.index()]);
                Record::Volley {
                    round: round.number,
                    fault_kind: round.world.catalogue.kinds[kind.index()].clone(),
                    group: group.map(|group| group.by),
                    name: group.map(|group| group.name.clone()),
                    targets: targets.iter().map(|target| round.server_name(*target)).collect(),
                }
            });
        }
    }

    /// Of a message about a server that is lost, or late.
    pub(super) fn write_astray(
        &mut self,
        message: MessageKind,
        server: ServerId,
        pending: Option<&Pending>,
        arrives_round: Option<u32>,
    ) {
        self.write(|round| Record::MessageAstray {
            round: round.number,
            message,
            server: round.server_name(server),
            sre: pending.map(|pending| round.sre_name(pending.sre)),
            request: pending.map(|pending| pending.request.request),
            arrives_round,
        });
    }

    /// Of those that ended just now: `places` among them.
    pub(super) fn write_ended(&mut self, places: Range<usize>, how: FaultEnd) {
        for place in places {
            self.write(|round| {
                let fault = round.faults.ended(place);
                Record::FaultEnded {
                    round: round.number,
                    fault: fault.id,
                    fault_kind: round.world.catalogue.kinds[fault.planned.kind.index()].clone(),
                    target: round.target_name(fault.planned.target),
                    how,
                }
            });
        }
    }

    pub(super) fn write_acted(&mut self, pending: &Pending, outcome: ActionOutcome) {
        self.write(|round| Record::ActionActed {
            round: round.number,
            sre: round.sre_name(pending.sre),
            request: pending.request.request,
            action: round.action_name(pending.request.action),
            target: round.server_name(pending.request.target),
            outcome,
        });
    }

    pub(super) fn write_accepted(&mut self, pending: &Pending) {
        self.write(|round| Record::ActionAccepted {
            round: round.number,
            sre: round.sre_name(pending.sre),
            request: pending.request.request,
            action: round.action_name(pending.request.action),
            target: round.server_name(pending.request.target),
            acts_round: pending.acts_round,
        });
    }

    pub(super) fn write_refused(
        &mut self,
        sre: SreId,
        request: &ActionRequest,
        outcome: ActionOutcome,
        unknown: &UnknownNames,
    ) {
        self.write(|round| Record::ActionRefused {
            round: round.number,
            sre: round.sre_name(sre),
            request: request.request,
            action: round.world.names.action(request.action, unknown),
            target: round.world.names.server(request.target, unknown),
            outcome,
        });
    }

    pub(super) fn write_decided(&mut self, sre: SreId, decision: &Decision) {
        self.write(|round| {
            let mut decided = Decided::of(round.sre_name(sre), decision, &round.world.names);
            // Whatever was answered was answered now.
            decided.round = round.number;
            Record::Decided(decided)
        });
    }

    pub(super) fn write_claim(&mut self, sre: SreId, claim: &Diagnosis) {
        self.write(|round| Record::Diagnosed {
            round: round.number,
            sre: round.sre_name(sre),
            alerting: round.server_name(claim.alerting),
            entity: round.server_name(claim.entity),
            cause: claim.cause.map(|cause| round.world.catalogue.kinds[cause.index()].clone()),
        });
    }

    pub(super) fn write_server(&mut self, server: usize, reachable: bool, metrics: Option<&Metrics>) {
        self.write(|round| {
            let state = round.servers[server];
            let health = health::health(round.thresholds, metrics.filter(|_| reachable));
            let shown = metrics.unwrap_or(&SILENT);
            Record::Server {
                round: round.number,
                server: round.world.servers[server].name.clone(),
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
            }
        });
    }

    pub(super) fn write_alert(&mut self, change: Change, alert: &AlertView) {
        let AlertView { id, metric, severity, .. } = *alert;
        self.write(|round| {
            let (alert, value, server) = (id.0, figure(alert.value), round.server_name(alert.server));
            let round = round.number;
            match change {
                Change::Opened => Record::AlertOpened { round, alert, server, metric, severity, value },
                Change::Changed => Record::AlertChanged { round, alert, server, metric, severity, value },
                Change::Closed => Record::AlertClosed { round, alert, server, metric, value },
            }
        });
    }

    /// The last records: what became of faults, of SREs and of the run.
    pub(super) fn write_end(&mut self, outcome: &Outcome) {
        for incident in &outcome.incidents {
            self.write(|_| Record::Incident { incident: incident.clone() });
        }
        for account in &outcome.sres {
            self.write(|_| Record::SreAccount {
                sre: account.name.clone(),
                harm_requests: account.harm_requests,
                unneeded_actions: account.unneeded_actions,
                diagnosis: account.diagnosis,
            });
        }
        let hash = self.journal_hash();
        self.write(|_| Record::RunEnded {
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

    pub(super) fn sre_name(&self, sre: SreId) -> Name {
        self.plan.sres[sre.index()].name.clone()
    }

    /// A server by its own name, an SRE by the one on the bus.
    fn target_name(&self, target: AgentId) -> Name {
        match target {
            AgentId::Server(server) => self.server_name(server),
            AgentId::Sre(_) => self.agent_name(target),
        }
    }

    fn server_name(&self, server: ServerId) -> Name {
        self.world.servers[server.index()].name.clone()
    }

    fn action_name(&self, action: ActionId) -> Name {
        self.world.catalogue.actions[action.index()].clone()
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
