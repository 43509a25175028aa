//! The physics of one server: what a host and its services make of a round's requests.
//!
//! All services of a host share its workers; together they are one station of [`crate::queue`].
//! A server knows itself, what reaches it and what holds for it ([`Tick`]). It knows neither other
//! servers nor why its conditions are what they are, and what lies behind a service is folded in
//! later, by [`crate::traffic`].

use crate::definition::{Cache, Host};
use crate::message::{Command, Conditions, HostedService, Met, Report, ServerBrief, ServiceReport, Tick};
use crate::queue::{self, Waiting};

/// ln 100: the 99th percentile of an exponential time, in means.
const P99_OF_EXPONENTIAL: f64 = 4.605_170_185_988_091;

/// A server's state.
#[derive(Clone, Debug)]
pub struct Server {
    brief: ServerBrief,
    background_cpu: f64,
    base_memory: f64,
    base_disk: f64,
    /// Points of memory that leaked.
    leaked: f64,
    /// First round in which the services that the kernel killed run again.
    killed_until: u32,
    services: Vec<ServiceState>,
}

#[derive(Clone, Copy, Debug)]
struct ServiceState {
    /// Share of reads that a cache answers now.
    warmth: f64,
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
        let draws = brief.key.draws(0, 0);
        let services = brief
            .services
            .iter()
            .map(|service| ServiceState {
                warmth: service.cache.as_ref().map_or(0.0, |cache| cache.hit_ratio),
            })
            .collect();
        Self {
            background_cpu: draws.between(0, brief.host.background_cpu),
            base_memory: draws.between(1, brief.host.memory),
            base_disk: draws.between(2, brief.host.disk),
            leaked: 0.0,
            killed_until: 0,
            services,
            brief,
        }
    }

    /// One round. Writes over `report`.
    pub fn step(&mut self, tick: &Tick, report: &mut Report) {
        let conditions = &tick.conditions;
        let pause = self.obey(&tick.commands);
        self.leaked += conditions.memory_growth;
        let up: Vec<bool> =
            conditions.held_down.iter().map(|held| !held && tick.round >= self.killed_until).collect();

        let pace = self.pace(conditions);
        let load = self.load(tick, &up);
        let waiting = self.waiting(load, pace);
        report.services.clear();
        report.services.extend(
            (0..self.services.len())
                .map(|index| self.serve(index, up[index], &waiting, pace, pause, conditions)),
        );
        let in_flight = self.memory_in_flight(tick, &up, &report.services);
        let memory_pct = (self.base_memory + self.leaked + in_flight).min(100.0);
        let report_leaked = self.age(tick.round, memory_pct, &up);

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
                for service in &mut self.services {
                    service.warmth = 0.0;
                }
            }
            pause.all = (pause.all + command.downtime).min(1.0);
            pause.writes = (pause.writes + command.write_downtime).min(1.0);
        }
        pause
    }

    fn pace(&self, conditions: &Conditions) -> Pace {
        let Host { memory_slow_from, memory_slow_factor, memory_oom_at, cpu_per_worker, .. } =
            self.brief.host;
        let nominal = libm::round(self.brief.cpu_capacity / cpu_per_worker).max(1.0);
        let workers = libm::round(nominal * conditions.workers_factor).max(1.0);
        let speed = self.brief.cpu_capacity / (cpu_per_worker * nominal);
        let memory = self.base_memory + self.leaked;
        let pressure = ((memory - memory_slow_from) / (memory_oom_at - memory_slow_from)).clamp(0.0, 1.0);
        let paging = 1.0 + (memory_slow_factor - 1.0) * pressure;
        Pace {
            workers: workers as u32,
            speed,
            slowdown: paging * conditions.latency_factor / conditions.capacity_factor,
        }
    }

    /// What reaches the services that run.
    fn load(&self, tick: &Tick, up: &[bool]) -> Load {
        let mut load = Load::default();
        for ((service, arrivals), up) in self.brief.services.iter().zip(&tick.arrivals).zip(up) {
            if !up {
                continue;
            }
            let requests = f64::from(arrivals.reads) + f64::from(arrivals.writes) + f64::from(arrivals.flood);
            let applies = f64::from(arrivals.applies);
            load.arrivals += (requests + applies) / self.brief.round_seconds;
            load.work += (requests * service.work_seconds + applies * service.apply_seconds)
                / self.brief.round_seconds;
        }
        load
    }

    fn waiting(&self, load: Load, pace: Pace) -> Waiting {
        if load.arrivals <= 0.0 {
            return Waiting::default();
        }
        let service_seconds = load.work / load.arrivals * pace.slowdown / pace.speed;
        queue::waiting(load.arrivals, service_seconds, pace.workers, self.brief.queue_limit_seconds)
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

    fn serve(
        &self,
        index: usize,
        up: bool,
        waiting: &Waiting,
        pace: Pace,
        pause: Pause,
        conditions: &Conditions,
    ) -> ServiceReport {
        if !up {
            return ServiceReport::default();
        }
        let HostedService { work_seconds, .. } = self.brief.services[index];
        let service_seconds = work_seconds * pace.slowdown / pace.speed;
        let without_cost = (1.0 - waiting.turned_away) * (1.0 - conditions.error_rate);
        let writable = if self.disk(conditions) >= self.brief.host.disk_full_at { 0.0 } else { without_cost };
        let read_success = without_cost * (1.0 - pause.all);
        let write_success = writable * (1.0 - pause.all) * (1.0 - pause.writes);
        ServiceReport {
            up,
            read_success,
            write_success,
            read_harm: without_cost - read_success,
            write_harm: writable - write_success,
            mean_seconds: waiting.mean_seconds + service_seconds + conditions.latency_added_seconds,
            p99_seconds: (waiting.mean_seconds + service_seconds * P99_OF_EXPONENTIAL)
                .max(waiting.p99_seconds + service_seconds)
                + conditions.latency_added_seconds,
            hit_ratio: self.services[index].warmth,
        }
    }

    /// Percent of memory that requests hold while they wait or are worked on (Little's law).
    fn memory_in_flight(&self, tick: &Tick, up: &[bool], services: &[ServiceReport]) -> f64 {
        let megabytes: f64 = self
            .brief
            .services
            .iter()
            .zip(&tick.arrivals)
            .zip(services)
            .zip(up)
            .filter(|(_, up)| **up)
            .map(|(((service, arrivals), report), _)| {
                let requests =
                    f64::from(arrivals.reads) + f64::from(arrivals.writes) + f64::from(arrivals.flood);
                requests / self.brief.round_seconds
                    * report.read_success.min(1.0)
                    * report.mean_seconds
                    * service.memory_mb
            })
            .sum();
        100.0 * megabytes / self.brief.memory_capacity
    }

    /// What the round leaves behind: caches refill, and the kernel kills what uses too much
    /// memory. Gives the points that are still leaked afterwards.
    fn age(&mut self, round: u32, memory_pct: f64, up: &[bool]) -> f64 {
        for ((state, service), up) in self.services.iter_mut().zip(&self.brief.services).zip(up) {
            state.warmth = warmth_after(*state, service.cache.as_ref(), *up);
        }
        if memory_pct >= self.brief.host.memory_oom_at {
            self.leaked = 0.0;
            self.killed_until = round + 1 + self.brief.host.supervisor_rounds;
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

/// A cache refills while it runs, and loses everything when it stops.
fn warmth_after(state: ServiceState, cache: Option<&Cache>, up: bool) -> f64 {
    match cache {
        Some(cache) if up => state.warmth + (cache.hit_ratio - state.warmth) * cache.refill,
        _ => 0.0,
    }
}
