//! The physics of one server: what a host and its services make of a round's requests.
//!
//! All services of a host share its workers; together they are one station of [`crate::queue`].
//! A server knows itself, what reaches it and what holds for it ([`Tick`]). It knows neither other
//! servers nor why its conditions are what they are, and what lies behind a service is folded in
//! later, by [`crate::traffic`].

use crate::arithmetic::{LN_100, nearest};
use crate::definition::Host;
use crate::message::{
    Command, Conditions, HostedService, Machine, Met, Report, ServerBrief, ServiceReport, Tick,
};
use crate::per_service::PerService;
use crate::queue::{self, Waiting};
use std::sync::Arc;

/// A server's state.
#[derive(Clone, Debug)]
pub struct Server {
    machine: Arc<Machine>,
    /// Workers without faults and remedies.
    nominal_workers: f64,
    /// Work that one of them does in a second, in seconds of nominal work.
    speed: f64,
    background_cpu: f64,
    base_memory: f64,
    base_disk: f64,
    /// Points of memory that leaked.
    leaked: f64,
    /// First round in which the services that the kernel killed run again.
    killed_until: u32,
    services: PerService<ServiceState>,
}

#[derive(Clone, Copy, Debug)]
struct ServiceState {
    /// Share of reads that a cache answers now.
    warmth: f64,
    /// Runs in this round.
    up: bool,
}

/// What actions cost the services in this round.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    all: f64,
    writes: f64,
}

/// How fast the host's workers are in this round.
#[derive(Clone, Copy, Debug)]
struct Pace {
    workers: u32,
    /// Work a worker does in a second, in seconds of nominal work, when it is not slowed.
    speed: f64,
    /// How many times longer a request takes a worker than it should.
    slowdown: f64,
}

impl Server {
    /// A server in its initial state, drawn from its own dice.
    pub fn new(brief: ServerBrief) -> Self {
        let ServerBrief { key, machine, .. } = brief;
        let draws = key.draws(0, 0);
        let host = &machine.host;
        let nominal_workers = libm::round(machine.cpu_capacity / host.cpu_per_worker).max(1.0);
        let services = machine
            .services
            .iter()
            .map(|service| ServiceState {
                warmth: service.cache.as_ref().map_or(0.0, |cache| cache.hit_ratio),
                up: true,
            })
            .collect();
        Self {
            nominal_workers,
            speed: machine.cpu_capacity / (host.cpu_per_worker * nominal_workers),
            background_cpu: draws.between(0, host.background_cpu),
            base_memory: draws.between(1, host.memory),
            base_disk: draws.between(2, host.disk),
            leaked: 0.0,
            killed_until: 0,
            services,
            machine,
        }
    }

    /// One round. Writes over `report`.
    pub fn step(&mut self, tick: &Tick, report: &mut Report) {
        let conditions = &tick.conditions;
        let pause = self.obey(&tick.commands);
        self.leaked += conditions.memory_growth;
        for (service, held_down) in self.services.iter_mut().zip(conditions.held_down.iter()) {
            service.up = !held_down && tick.round >= self.killed_until;
        }

        let pace = self.pace(conditions);
        let load = self.load(tick);
        let waiting = self.waiting(load, pace);
        self.serve(&waiting, pace, pause, conditions, &mut report.services);
        let in_flight = self.memory_in_flight(tick, &report.services);
        let memory_pct = (self.base_memory + self.leaked + in_flight).min(100.0);
        let report_leaked = self.age(tick.round, memory_pct);

        report.round = tick.round;
        report.cpu_pct = self.cpu(load, waiting.turned_away, pace, conditions);
        report.memory_pct = memory_pct;
        report.leaked_points = report_leaked;
        report.disk_pct = self.disk(conditions);
        report.killed_until = self.killed_until;
        report.met = Met {
            cpu_floor: conditions.cpu_floor,
            capacity_factor: conditions.capacity_factor,
            memory_growth: conditions.memory_growth,
            latency_factor: conditions.latency_factor,
            latency_added_seconds: conditions.latency_added_seconds,
            error_rate: conditions.error_rate,
        };
        report.exporter.clone_from(&conditions.exporter);
    }

    /// Carries out what actions do inside the host, and adds up what they cost.
    fn obey(&mut self, commands: &[Command]) -> Pause {
        let mut pause = Pause::default();
        for command in commands {
            if command.restarts_services {
                self.killed_until = 0;
            }
            if command.restarts_services || command.frees_leak {
                self.leaked = 0.0;
            }
            self.leaked = (self.leaked - command.frees_memory).max(0.0);
            if command.empties_cache {
                for service in self.services.iter_mut() {
                    service.warmth = 0.0;
                }
            }
            pause.all = (pause.all + command.downtime).min(1.0);
            pause.writes = (pause.writes + command.write_downtime).min(1.0);
        }
        pause
    }

    fn pace(&self, conditions: &Conditions) -> Pace {
        let Host { memory_slow_from, memory_slow_factor, memory_oom_at, .. } = self.machine.host;
        let workers = nearest(self.nominal_workers * conditions.workers_factor).max(1);
        let memory = self.base_memory + self.leaked;
        let paging = if memory > memory_slow_from {
            let pressure = ((memory - memory_slow_from) / (memory_oom_at - memory_slow_from)).min(1.0);
            1.0 + (memory_slow_factor - 1.0) * pressure
        } else {
            1.0
        };
        Pace {
            workers,
            speed: self.speed,
            slowdown: paging * conditions.latency_factor / conditions.capacity_factor,
        }
    }

    /// What reaches the services that run.
    fn load(&self, tick: &Tick) -> Load {
        let round_seconds = self.machine.round_seconds;
        let mut load = Load::default();
        for (index, service) in self.machine.services.iter().enumerate() {
            if !self.services[index].up {
                continue;
            }
            let arrivals = &tick.arrivals[index];
            let requests = f64::from(arrivals.reads) + f64::from(arrivals.writes) + f64::from(arrivals.flood);
            let applies = f64::from(arrivals.applies);
            load.arrivals += (requests + applies) / round_seconds;
            load.work += (requests * service.work_seconds + applies * service.apply_seconds) / round_seconds;
        }
        load
    }

    fn waiting(&self, load: Load, pace: Pace) -> Waiting {
        if load.arrivals <= 0.0 {
            return Waiting::default();
        }
        let service_seconds = load.work / load.arrivals * pace.slowdown / pace.speed;
        queue::waiting(load.arrivals, service_seconds, pace.workers, self.machine.queue_limit_seconds)
    }

    /// Percent of the host's compute in use: the host's own needs, the services' work that was not
    /// turned away, and what a fault keeps busy.
    fn cpu(&self, load: Load, turned_away: f64, pace: Pace, conditions: &Conditions) -> f64 {
        // A fault that takes capacity away does not make the remaining work any larger.
        let own_slowdown = pace.slowdown * conditions.capacity_factor;
        let busy = load.work * own_slowdown * (1.0 - turned_away) / (f64::from(pace.workers) * pace.speed);
        (self.background_cpu + 100.0 * busy).max(conditions.cpu_floor).min(100.0)
    }

    fn disk(&self, conditions: &Conditions) -> f64 {
        self.base_disk.max(conditions.disk_level)
    }

    /// What comes of each service.
    fn serve(
        &self,
        waiting: &Waiting,
        pace: Pace,
        pause: Pause,
        conditions: &Conditions,
        reports: &mut PerService<ServiceReport>,
    ) {
        let without_cost = (1.0 - waiting.turned_away) * (1.0 - conditions.error_rate);
        let writable =
            if self.disk(conditions) >= self.machine.host.disk_full_at { 0.0 } else { without_cost };
        let read_success = without_cost * (1.0 - pause.all);
        let write_success = writable * (1.0 - pause.all) * (1.0 - pause.writes);
        let report = |(service, state): (&HostedService, &ServiceState)| {
            if !state.up {
                return ServiceReport::default();
            }
            let service_seconds = service.work_seconds * pace.slowdown / pace.speed;
            ServiceReport {
                up: true,
                read_success,
                write_success,
                read_harm: without_cost - read_success,
                write_harm: writable - write_success,
                mean_seconds: waiting.mean_seconds + service_seconds + conditions.latency_added_seconds,
                p99_seconds: (waiting.mean_seconds + service_seconds * LN_100)
                    .max(waiting.p99_seconds + service_seconds)
                    + conditions.latency_added_seconds,
                hit_ratio: state.warmth,
            }
        };
        reports.refill(self.machine.services.iter().zip(self.services.iter()).map(report));
    }

    /// Percent of memory that requests hold while they wait or are worked on (Little's law).
    fn memory_in_flight(&self, tick: &Tick, services: &[ServiceReport]) -> f64 {
        let mut megabytes = 0.0;
        for (index, service) in self.machine.services.iter().enumerate() {
            let (report, arrivals) = (&services[index], &tick.arrivals[index]);
            if report.up {
                let requests =
                    f64::from(arrivals.reads) + f64::from(arrivals.writes) + f64::from(arrivals.flood);
                megabytes += requests / self.machine.round_seconds
                    * report.read_success.min(1.0)
                    * report.mean_seconds
                    * service.memory_mb;
            }
        }
        100.0 * megabytes / self.machine.memory_capacity
    }

    /// What the round leaves behind: caches refill, and the kernel kills what uses too much
    /// memory. Gives the points that are still leaked afterwards.
    fn age(&mut self, round: u32, memory_pct: f64) -> f64 {
        for (state, service) in self.services.iter_mut().zip(&self.machine.services) {
            // A cache refills while it runs, and loses everything when it stops.
            state.warmth = match &service.cache {
                Some(cache) if state.up => state.warmth + (cache.hit_ratio - state.warmth) * cache.refill,
                _ => 0.0,
            };
        }
        if memory_pct >= self.machine.host.memory_oom_at {
            self.leaked = 0.0;
            self.killed_until = round + 1 + self.machine.host.supervisor_rounds;
        }
        self.leaked
    }
}

/// Requests that reach a host, and the work in them, both a second.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    arrivals: f64,
    /// Seconds of nominal work.
    work: f64,
}
