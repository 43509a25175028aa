//! How a round is observed: reports are folded, faults witnessed, servers measured, alerts opened and
//! closed, and what SREs are to be told is drawn up.

use super::{Passage, Phase, Round, Scratch};
use crate::alert::Change;
use crate::change::Standing;
use crate::definition::MessageKind;
use crate::id::{ServerId, SreId};
use crate::incident::{Fault, Scene};
use crate::journal::{Record, figure};
use crate::message::{Exporter, Metrics, Report, ServerView};
use crate::process::Process;
use crate::sre::oracle::{TrueFault, Truth};
use crate::traffic::{Answered, Quality};
use std::sync::Arc;

impl Round {
    /// Folds the reports, in the order of the servers: `None` for a server whose process is lost or
    /// missed its deadline. What is left in `reports` are those of the round before, to be written
    /// over.
    pub fn observe(&mut self, reports: &mut Vec<Option<Report>>) {
        assert!(matches!(self.phase, Phase::Opened), "a round is observed after it was opened");
        assert_eq!(reports.len(), self.servers.len(), "every server has its place among the reports");
        std::mem::swap(&mut self.reports, reports);
        for ((state, process), report) in
            self.servers.iter_mut().zip(&self.server_processes).zip(&self.reports)
        {
            // A process that stands still keeps what it knows.
            if !matches!(process, Process::Paused { .. }) {
                state.killed_until = report.as_ref().map_or(0, |report| report.killed_until);
            }
        }
        self.note_lost_servers();
        self.reported.take(&self.world, &self.reports);
        let Self { world, doors, flow, reported, traffic, folded, .. } = self;
        traffic.fold(Answered { world, doors, flow, reported }, folded);
        self.count_harm();
        let Self { world, doors, flow, reported, traffic, .. } = self;
        traffic.learn(Answered { world, doors, flow, reported });
        self.witness();
        self.measure();
        self.detect();
        self.count_capacity();
        self.phase = Phase::Observed(self.folded.requests);
        self.show();
    }

    /// What would have been good without the costs of each SRE's actions. Where several are
    /// answerable for the same loss, they share it.
    fn count_harm(&mut self) {
        if self.costs.is_empty() {
            return;
        }
        let mut left = self.lost_to(|_| true);
        for sre in (0..self.plan.sres.len()).map(SreId::from) {
            if self.costs.iter().all(|(payer, _)| *payer != sre) {
                continue;
            }
            let alone = self.costs.iter().all(|(payer, _)| *payer == sre);
            let share = if alone { left } else { self.lost_to(|payer| payer == sre).min(left) };
            left -= share;
            self.ledger.harm(sre, share);
        }
    }

    /// Requests that the costs of some SREs' actions took.
    fn lost_to(&mut self, payers: impl Fn(SreId) -> bool) -> u64 {
        let Self { world, doors, flow, reported, traffic, folded, costs, scratch, .. } = self;
        let round = Answered { world, doors, flow, reported };
        let Scratch { forgiven, harmless, .. } = scratch;
        forgiven.clear();
        forgiven.extend(costs.iter().filter(|(payer, _)| payers(*payer)).map(|(_, server)| *server));
        let without = traffic.fold_without_costs(round, folded, forgiven, harmless);
        without.good.saturating_sub(folded.requests.good)
    }

    fn witness(&mut self) {
        let Self { world, reports, flow, doors, scratch, server_processes, sre_processes, astray, .. } = self;
        let scene = Scene {
            reports,
            arrivals: &flow.arrivals,
            doors,
            servers: server_processes,
            sres: sre_processes,
            astray,
        };
        let witnessed = &mut scratch.witnessed;
        witnessed.clear();
        self.faults.witness(world, self.number, &scene, |fault| witnessed.push(fault));
        for index in 0..self.scratch.witnessed.len() {
            let fault = self.scratch.witnessed[index];
            self.write(|round| Record::FaultWitnessed { round: round.number, fault });
        }
        self.count_suffering();
    }

    /// Counts, for each fault in force, the rounds in which nothing that stands relieved it.
    fn count_suffering(&mut self) {
        let Self { world, servers, changes, number, .. } = self;
        let relieved = |fault: &Fault| {
            let effect = &fault.kind(world).effect;
            // What hits an SRE is nobody's to relieve, and not counted.
            let Some(target) = fault.planned.target.server() else { return true };
            fault.linked
                || !servers[target.index()].in_rotation
                || changes.standing(*number).any(|relief| {
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
        self.faults.each_in_force(|fault| fault.suffered_rounds += u32::from(!relieved(fault)));
    }

    /// Takes each server's measure: journal, telemetry, alerts, uptime.
    fn measure(&mut self) {
        let world = Arc::clone(&self.world);
        self.telemetry.deliver(self.number);
        self.muffle();
        for (server, node) in world.servers.iter().enumerate() {
            let reachable = !self.doors.servers[server].closed;
            let requests = node.instances.iter().map(|instance| self.flow.arrivals[*instance].all()).sum();
            let metrics = self.reports[server]
                .as_ref()
                .map(|report| metrics(report, self.folded.servers[server], requests));
            if reachable && metrics.is_some_and(|metrics| metrics.services_down == 0) {
                self.ledger.up(server);
            }
            self.write_server(server, reachable, metrics.as_ref());
            if let Some(metrics) = metrics.filter(|_| reachable) {
                self.send_metrics(server, metrics);
            }
            self.look_at(server);
        }
        self.bring_back();
    }

    /// Looks whose metrics do not arrive in time.
    fn muffle(&mut self) {
        let mut muffled = std::mem::take(&mut self.muffled);
        muffled.clear();
        let touched = self.faults.in_force().filter(|fault| fault.bus(&self.world, self.number).is_some());
        let servers = touched.filter_map(|fault| fault.planned.target.server());
        muffled.extend(servers.map(|server| (server, self.passage(server, MessageKind::Telemetry))));
        muffled.sort_unstable();
        muffled.dedup();
        self.muffled = muffled;
    }

    /// Has the metrics of a server set out for the store: as its exporter tells them, and as the bus
    /// carries them.
    fn send_metrics(&mut self, server: usize, metrics: Metrics) {
        let report = self.reports[server].as_ref().expect("there are metrics, so there is a report");
        let told = if report.exporter.is_honest() {
            metrics
        } else {
            exported(&report.exporter, metrics, self.telemetry.metrics(server))
        };
        let id = ServerId::from(server);
        let muffled = self.muffled.binary_search_by_key(&id, |(server, _)| *server);
        match muffled.map_or(Passage::Arrives, |place| self.muffled[place].1) {
            Passage::Arrives => self.telemetry.put(server, told, self.number),
            Passage::Lost => self.write_astray(MessageKind::Telemetry, id, None, None),
            Passage::Late(rounds) => {
                let arrives = self.number.saturating_add(rounds);
                self.telemetry.put_late(server, told, self.number, arrives);
                self.write_astray(MessageKind::Telemetry, id, None, Some(arrives));
            }
        }
    }

    /// Opens and closes a server's alerts.
    fn look_at(&mut self, server: usize) {
        let Self { telemetry, alerts, scratch, number, .. } = self;
        let (metrics, age) = (telemetry.fresh(server, *number), telemetry.age(server, *number));
        let changes = &mut scratch.changes;
        changes.clear();
        alerts.look(ServerId::from(server), metrics, age, *number, |change, alert| {
            changes.push((change, *alert));
        });
        for index in 0..self.scratch.changes.len() {
            let (change, alert) = self.scratch.changes[index];
            if change == Change::Opened && !self.faults.explains(&self.world, alert.server) {
                self.ledger.false_alarms += 1;
            }
            self.write_alert(change, &alert);
        }
    }

    /// A server that a failover took out of rotation comes back when no alert is open on it.
    fn bring_back(&mut self) {
        for (server, state) in self.servers.iter_mut().enumerate() {
            state.in_rotation |= self.alerts.on(ServerId::from(server)).is_empty();
        }
    }

    /// Looks which faults can be seen by alerts now.
    pub(super) fn detect(&mut self) {
        self.faults.detect(&self.world, self.number, self.alerts.open());
    }

    fn count_capacity(&mut self) {
        let Self { world, changes, ledger, scratch, number, .. } = self;
        let held = &mut scratch.held;
        held.clear();
        for relief in changes.standing(*number) {
            if let Standing::Capacity(factor) = relief.what {
                match held.iter_mut().find(|(server, _)| *server == relief.target) {
                    Some((_, most)) => *most = most.max(factor),
                    None => held.push((relief.target, factor)),
                }
            }
        }
        // In the order of servers, so that the sum is the same to the last bit.
        held.sort_unstable_by_key(|(server, _)| *server);
        for (server, factor) in held {
            let capacity = world.definition.servers[server.index()].cpu_capacity;
            ledger.capacity_rounds += capacity * (factor.max(1.0) - 1.0);
        }
    }

    /// Draws up what SREs are told.
    fn show(&mut self) {
        let Self { world, observation, servers, telemetry, changes, number, .. } = self;
        let number = *number;
        observation.round = number;
        observation.servers.clear();
        observation.servers.extend(servers.iter().enumerate().map(|(server, state)| ServerView {
            metrics: telemetry.metrics(server).copied(),
            age_rounds: telemetry.age(server, number),
            stale: telemetry.is_stale(server, number),
            role: state.role,
            in_rotation: state.in_rotation,
            settling_rounds: changes.settling_rounds(world, number, ServerId::from(server)),
        }));
        observation.alerts.clear();
        observation.alerts.extend_from_slice(self.alerts.open());
        changes.cooldowns(world, number, &mut observation.cooldowns);
        self.show_results();
    }

    /// Each SRE is told what is new of its actions. One that stands still is told when it goes on, the
    /// successor of one that was killed nothing; and what is late is told in the round in which it arrives.
    fn show_results(&mut self) {
        let Self { untold, late_results, number, .. } = self;
        for (_, sre, result) in late_results.extract_if(.., |(arrives, ..)| *arrives <= *number) {
            untold[sre.index()].push(result);
        }
        let sres = self.sre_processes.iter().zip(&mut self.untold);
        for (told, (process, untold)) in self.results.iter_mut().zip(sres) {
            told.clear();
            if process.struck_by().is_none() {
                told.append(untold);
            }
        }
    }

    /// What the oracle may know, beside the observation. The only door to the truth.
    pub fn truth(&self) -> Truth {
        Truth { faults: self.faults.in_force().filter_map(true_fault).collect() }
    }
}

/// What an SRE could do something about.
fn true_fault(fault: &Fault) -> Option<TrueFault> {
    Some(TrueFault {
        kind: fault.planned.kind,
        target: fault.planned.target.server()?,
        scheduled_end: fault.planned.scheduled_end(),
        linked: fault.linked,
    })
}

/// Metrics as an exporter at fault tells them; `last` are those that arrived last.
fn exported(exporter: &Exporter, metrics: Metrics, last: Option<&Metrics>) -> Metrics {
    let mut told = if exporter.frozen { last.copied().unwrap_or(metrics) } else { metrics };
    if let Some(made_up) = &exporter.made_up {
        told.cpu_usage = made_up.cpu_usage.unwrap_or(told.cpu_usage);
        told.memory_usage = made_up.memory_usage.unwrap_or(told.memory_usage);
        told.error_rate = made_up.error_rate.unwrap_or(told.error_rate);
        told.latency_p99 = made_up.latency_p99.unwrap_or(told.latency_p99);
        told.disk_usage = made_up.disk_usage.unwrap_or(told.disk_usage);
    }
    told
}

/// A server's telemetry: its own report, and what the fold made of its answers.
fn metrics(report: &Report, quality: Quality, requests: u32) -> Metrics {
    Metrics {
        cpu_usage: figure(report.cpu_pct),
        memory_usage: figure(report.memory_pct),
        error_rate: figure(100.0 * quality.error_rate),
        latency_p99: figure(1000.0 * quality.p99_seconds),
        disk_usage: figure(report.disk_pct),
        requests,
        services_down: report.services.iter().map(|service| u32::from(!service.up)).sum(),
    }
}
