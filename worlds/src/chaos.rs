//! Chaos: which faults come when, and what those in force make of a server.
//!
//! The schedule is a pure function of (world, level, seed, script, number of SREs). Each kind is rolled
//! once a round for the whole world; its target is drawn uniformly from the servers that the world
//! file makes eligible, never from their state; and a kind does not hit a target that it is scheduled
//! to be on already. A kind with a group hits several servers that have something in common, at
//! once or one after another. None of this looks at what SREs did, so the same seed brings the same
//! faults to everybody. Whether and when a fault is cured is kept by [`crate::incident`].

use crate::chance::{Dice, Draws, Key};
use crate::definition::{ChaosKind, ChaosLevels, Effect, Hits};
use crate::id::{AgentId, GroupId, KindId, ServerId, ServiceId, SreId};
use crate::message::{Conditions, Exporter};
use crate::plan::{Level, RunPlan, ScriptedFault, Target};
use crate::topology::World;

/// Where in a round's draws of a kind each of its dice lies.
mod dice {
    pub(super) const HAPPENS: usize = 0;
    /// Which server, SRE or group.
    pub(super) const TARGET: usize = 1;
    pub(super) const SERVICE: usize = 2;
    /// Of a member of a group: its place in the order in which they are hit.
    pub(super) const PLACE: usize = 0;
}

/// A fault that will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// Its first round.
    pub round: u32,
    /// What happens.
    pub kind: KindId,
    /// To whom.
    pub target: AgentId,
    /// For kinds that take a service down: which, as a position among the target's services.
    pub service: Option<u16>,
    /// Rounds for which it works at least, if nobody acts.
    pub rounds: u32,
}

impl PlannedFault {
    /// First round in which it no longer works by schedule.
    pub fn scheduled_end(&self) -> u32 {
        self.round.saturating_add(self.rounds)
    }
}

/// Faults of one kind that come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volley {
    /// When the first of them comes.
    pub round: u32,
    /// What happens.
    pub kind: KindId,
    /// What the targets have in common; `None` when it is that they can be hit.
    pub group: Option<GroupId>,
    /// The servers, in the order in which they are hit.
    pub targets: Vec<ServerId>,
}

/// Whom a kind hits.
#[derive(Clone, Copy, Debug)]
enum Aim {
    /// This one.
    One(AgentId),
    /// Those of this group, or of all that it can hit.
    Several(Option<GroupId>),
}

/// The multiplier of a level.
pub fn multiplier(levels: &ChaosLevels, level: Level) -> f64 {
    match level {
        Level::Off => levels.off,
        Level::Low => levels.low,
        Level::Medium => levels.medium,
        Level::High => levels.high,
        Level::Extreme => levels.extreme,
    }
}

/// Rounds for which a fault of this kind works by schedule: its own, and for a service that is
/// down those that its supervisor needs.
pub fn scheduled_rounds(world: &World, kind: &ChaosKind) -> u32 {
    kind.rounds + if kind.effect.service_down { world.definition.host.supervisor_rounds } else { 0 }
}

/// All faults of a run, by round, then by kind and target. `planned` is called after each round.
pub fn schedule(world: &World, plan: &RunPlan, mut planned: impl FnMut()) -> Vec<PlannedFault> {
    let mut chaos = Chaos::new(world, plan);
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        chaos.faults_of(world, round, &mut faults);
        all.append(&mut faults);
        planned();
    }
    all
}

/// The schedule, worked out a round at a time: it never has to be held as a whole.
#[derive(Debug)]
pub struct Chaos {
    /// Of each kind.
    keys: Vec<Key>,
    dice: Vec<Dice>,
    factor: f64,
    /// Rounds of the run, those without a roll among them, and its SREs.
    rounds: u32,
    warm_up: u32,
    sres: usize,
    /// Faults that come in a later round for certain, by round, the next one last.
    coming: Vec<PlannedFault>,
    /// Volleys that begin in a later round, the next one last, and those of the round asked for last.
    later: Vec<Volley>,
    volleys: Vec<Volley>,
    busy: Busy,
}

impl Chaos {
    /// Before the first round.
    pub fn new(world: &World, plan: &RunPlan) -> Self {
        let mut chaos = Self {
            keys: Vec::new(),
            dice: Vec::new(),
            factor: 0.0,
            rounds: 0,
            warm_up: 0,
            sres: 0,
            coming: Vec::new(),
            later: Vec::new(),
            volleys: Vec::new(),
            busy: Busy::default(),
        };
        chaos.restart(world, plan);
        chaos
    }

    /// Another run begins.
    pub fn restart(&mut self, world: &World, plan: &RunPlan) {
        let definition = &world.definition;
        self.factor = multiplier(&definition.chaos_levels, plan.level);
        self.rounds = plan.rounds;
        self.warm_up = plan.drill.warm_up;
        self.sres = plan.sres.len();
        self.keys.clear();
        self.keys.extend(definition.chaos.iter().map(|kind| Key::derive(plan.seed, "chaos", &kind.name)));
        self.dice.clear();
        self.dice.extend(self.keys.iter().map(|key| key.dice(0)));
        self.busy.restart(world, self.sres);
        self.coming.clear();
        self.later.clear();
        self.volleys.clear();
        for fault in &plan.scripted {
            self.script(world, fault);
        }
        self.coming.sort_by_key(|fault| std::cmp::Reverse(fault.round));
        self.later.sort_by_key(|volley| std::cmp::Reverse(volley.round));
    }

    /// Takes in what comes for certain.
    fn script(&mut self, world: &World, scripted: &ScriptedFault) {
        let ScriptedFault { round, kind, target } = *scripted;
        match target {
            Target::Agent(target) => {
                let draws = self.dice[kind.index()].draws(round);
                let fault = plan(world, &draws, round, kind, target, None);
                self.busy.insist(&fault);
                self.coming.push(fault);
            }
            Target::Group(group) => {
                let volley = self.volley(world, round, kind, Some(group));
                for fault in self.faults_in(world, &volley) {
                    self.busy.insist(&fault);
                    self.coming.push(fault);
                }
                self.later.push(volley);
            }
        }
    }

    /// The faults that begin in a round, by kind and target. Rounds are asked for in order.
    pub fn faults_of(&mut self, world: &World, round: u32, faults: &mut Vec<PlannedFault>) {
        faults.clear();
        self.volleys.clear();
        while let Some(fault) = self.coming.pop_if(|fault| fault.round <= round) {
            faults.push(fault);
        }
        while let Some(volley) = self.later.pop_if(|volley| volley.round <= round) {
            self.volleys.push(volley);
        }
        if round > self.warm_up {
            self.roll(world, round, faults);
        }
        faults.sort_by_key(|fault| (fault.kind, fault.target));
    }

    /// Rolls each kind once.
    fn roll(&mut self, world: &World, round: u32, faults: &mut Vec<PlannedFault>) {
        for (index, kind) in world.definition.chaos.iter().enumerate() {
            let draws = self.dice[index].draws(round);
            if !draws.happens(dice::HAPPENS, (kind.probability * self.factor).min(1.0)) {
                continue;
            }
            let id = KindId::from(index);
            match self.aim(world, id, &draws) {
                None => {}
                Some(Aim::One(target)) => {
                    let fault = plan(world, &draws, round, id, target, None);
                    if self.busy.book(&fault, round) {
                        faults.push(fault);
                    }
                }
                Some(Aim::Several(group)) => {
                    let volley = self.volley(world, round, id, group);
                    self.fire(world, volley, faults);
                }
            }
        }
    }

    /// The volleys that began in the round that was asked for last.
    pub fn volleys(&self) -> &[Volley] {
        &self.volleys
    }

    /// Whom a kind hits that comes; nobody where there is nobody.
    fn aim(&self, world: &World, kind: KindId, draws: &Draws) -> Option<Aim> {
        let definition = &world.definition.chaos[kind.index()];
        let (eligible, groups) = (&world.eligible[kind.index()], &world.aims[kind.index()]);
        let pick = |count: usize| (count > 0).then(|| draws.pick(dice::TARGET, count));
        match (definition.hits, &definition.group, &definition.spread) {
            (Hits::Sres, ..) => pick(self.sres).map(|sre| Aim::One(AgentId::Sre(SreId::from(sre)))),
            (Hits::Servers, Some(_), _) => pick(groups.len()).map(|group| Aim::Several(Some(groups[group]))),
            (Hits::Servers, None, Some(_)) => Some(Aim::Several(None)),
            (Hits::Servers, None, None) => {
                pick(eligible.len()).map(|server| Aim::One(AgentId::Server(eligible[server])))
            }
        }
    }

    /// Whom a kind hits when it hits several: as many as its spread says, in the order of their dice.
    fn volley(&self, world: &World, round: u32, kind: KindId, group: Option<GroupId>) -> Volley {
        let key = &self.keys[kind.index()];
        let place = |server: ServerId| {
            // Entity 0 is the kind itself.
            (key.draws(1 + u64::from(server.0), round).unit(dice::PLACE).to_bits(), server)
        };
        let mut order: Vec<(u64, ServerId)> = match group {
            Some(group) => world.targets_in(group, kind).map(place).collect(),
            None => world.eligible[kind.index()].iter().copied().map(place).collect(),
        };
        order.sort_unstable();
        let spread = world.definition.chaos[kind.index()].spread.unwrap_or_default();
        let most = spread.servers.map_or(order.len(), |servers| servers as usize);
        Volley {
            round,
            kind,
            group,
            targets: order.into_iter().take(most).map(|(_, server)| server).collect(),
        }
    }

    /// The faults of a volley.
    fn faults_in(&self, world: &World, volley: &Volley) -> Vec<PlannedFault> {
        let Volley { round, kind, group, .. } = *volley;
        let apart = world.definition.chaos[kind.index()].spread.unwrap_or_default().apart;
        let service = group.and_then(|group| world.groups[group.index()].service);
        let fault = |(place, server): (u32, &ServerId)| {
            let draws = self.keys[kind.index()].draws(1 + u64::from(server.0), round);
            let onset = round.saturating_add(place.saturating_mul(apart));
            plan(world, &draws, onset, kind, AgentId::Server(*server), service)
        };
        (0..).zip(&volley.targets).map(fault).collect()
    }

    /// Books what of a volley can come before the run is over: those of this round now, the others later.
    fn fire(&mut self, world: &World, mut volley: Volley, faults: &mut Vec<PlannedFault>) {
        let mut booked = self.faults_in(world, &volley);
        booked.retain(|fault| fault.round <= self.rounds && self.busy.book(fault, volley.round));
        volley.targets = booked.iter().filter_map(|fault| fault.target.server()).collect();
        for fault in booked {
            if fault.round == volley.round {
                faults.push(fault);
            } else {
                let place = self.coming.partition_point(|other| other.round >= fault.round);
                self.coming.insert(place, fault);
            }
        }
        if !volley.targets.is_empty() {
            self.volleys.push(volley);
        }
    }
}

/// `service` is the one that goes down, where it does not depend on the dice.
fn plan(
    world: &World,
    draws: &Draws,
    round: u32,
    kind: KindId,
    target: AgentId,
    service: Option<ServiceId>,
) -> PlannedFault {
    let definition = &world.definition.chaos[kind.index()];
    let takes_down = target.server().filter(|_| definition.effect.service_down);
    let service = takes_down.map(|server| {
        let services = &world.servers[server.index()].services;
        let meant = service.and_then(|meant| services.iter().position(|service| *service == meant));
        let slot = meant.unwrap_or_else(|| draws.pick(dice::SERVICE, services.len()));
        u16::try_from(slot).expect("a server runs few services")
    });
    PlannedFault { round, kind, target, service, rounds: scheduled_rounds(world, definition) }
}

/// When each kind is on each target by schedule.
#[derive(Clone, Debug, Default)]
struct Busy {
    servers: usize,
    agents: usize,
    /// For each kind and target, faults as (first round, first round after).
    spans: Vec<Vec<(u32, u32)>>,
}

impl Busy {
    /// Nothing is scheduled.
    fn restart(&mut self, world: &World, sres: usize) {
        self.servers = world.servers.len();
        self.agents = self.servers + sres;
        self.spans.iter_mut().for_each(Vec::clear);
        self.spans.resize(self.agents * world.definition.chaos.len(), Vec::new());
    }

    fn spans_of(&mut self, fault: &PlannedFault) -> &mut Vec<(u32, u32)> {
        let agent = match fault.target {
            AgentId::Server(server) => server.index(),
            AgentId::Sre(sre) => self.servers + sre.index(),
        };
        &mut self.spans[fault.kind.index() * self.agents + agent]
    }

    /// Takes the span of a fault, whatever is there.
    fn insist(&mut self, fault: &PlannedFault) {
        self.spans_of(fault).push((fault.round, fault.scheduled_end()));
    }

    /// Takes the span of a fault unless it meets one that is taken. `now` is the round of the roll.
    fn book(&mut self, fault: &PlannedFault, now: u32) -> bool {
        let (start, end) = (fault.round, fault.scheduled_end());
        let spans = self.spans_of(fault);
        let free = spans.iter().all(|(first, after)| end <= *first || *after <= start);
        if free {
            // Rolls come in order of rounds: what is over by now need not be kept.
            spans.retain(|(_, after)| *after > now);
            spans.push((start, end));
        }
        free
    }
}

/// How much of its effect a fault has in a round: half in the first one of a gradual kind.
pub fn strength(kind: &ChaosKind, onset: u32, round: u32) -> f64 {
    if kind.gradual && round == onset { 0.5 } else { 1.0 }
}

/// A part of a level or a share: none of it at strength 0.
fn level(value: Option<f64>, strength: f64) -> f64 {
    value.unwrap_or(0.0) * strength
}

/// A part of a factor: 1 at strength 0.
fn factor(value: Option<f64>, strength: f64) -> f64 {
    1.0 + (value.unwrap_or(1.0) - 1.0) * strength
}

/// An effect at a strength, as figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Force {
    /// Percent.
    pub cpu_floor: f64,
    /// Share that is kept.
    pub capacity_factor: f64,
    /// Points a round.
    pub memory_growth: f64,
    /// Percent.
    pub disk_level: f64,
    /// Cut off.
    pub unreachable: bool,
    /// Arrivals, in times of what they would be.
    pub traffic_factor: f64,
    /// Work, in times of what it should be.
    pub latency_factor: f64,
    /// Seconds.
    pub latency_added_seconds: f64,
    /// Share of requests.
    pub error_rate: f64,
}

impl Force {
    /// An effect at a strength of 0 to 1. To be cut off knows no half.
    pub fn of(effect: &Effect, strength: f64) -> Self {
        Self {
            cpu_floor: level(effect.cpu_floor, strength),
            capacity_factor: factor(effect.capacity_factor, strength),
            memory_growth: level(effect.memory_growth, strength),
            disk_level: level(effect.disk_level, strength),
            unreachable: effect.unreachable,
            traffic_factor: factor(effect.traffic_factor, strength),
            latency_factor: factor(effect.latency_factor, strength),
            latency_added_seconds: level(effect.latency_added_ms, strength) / 1000.0,
            error_rate: level(effect.error_rate, strength),
        }
    }

    /// Adds what it does inside a host to the conditions there: the highest of levels holds,
    /// factors multiply, growth and delays add up, and errors are independent.
    pub fn add_to(&self, conditions: &mut Conditions) {
        conditions.cpu_floor = conditions.cpu_floor.max(self.cpu_floor);
        conditions.capacity_factor *= self.capacity_factor;
        conditions.memory_growth += self.memory_growth;
        conditions.disk_level = conditions.disk_level.max(self.disk_level);
        conditions.latency_factor *= self.latency_factor;
        conditions.latency_added_seconds += self.latency_added_seconds;
        // This form is exact when one of them is 0.
        conditions.error_rate += self.error_rate - conditions.error_rate * self.error_rate;
    }
}

/// Adds what a fault makes of a server's metrics. That knows no half.
pub fn tamper(effect: &Effect, exporter: &mut Exporter) {
    exporter.frozen |= effect.frozen_metrics;
    if let Some(metrics) = &effect.false_metrics {
        exporter.make_up(metrics);
    }
}

/// Makes conditions those of a host on which nothing works; what they say of its services stays.
pub fn calm(conditions: &mut Conditions) {
    let held_down = std::mem::take(&mut conditions.held_down);
    let exporter = Exporter::default();
    *conditions = Conditions {
        cpu_floor: 0.0,
        capacity_factor: 1.0,
        workers_factor: 1.0,
        memory_growth: 0.0,
        disk_level: 0.0,
        latency_factor: 1.0,
        latency_added_seconds: 0.0,
        error_rate: 0.0,
        held_down,
        exporter,
    };
}
