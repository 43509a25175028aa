//! Chaos: which faults come when, and what those in force make of a server.
//!
//! The schedule is a pure function of (world, level, seed, script). Each kind is rolled once a
//! round for the whole world; its target is drawn uniformly from the servers that the world file
//! makes eligible, never from their state; and a kind does not hit a target that it is scheduled
//! to be on already. None of this looks at what SREs did, so the same seed brings the same faults
//! to everybody. Whether and when a fault is cured is kept by [`crate::incident`].

use crate::chance::{Dice, Draws, Key, Seed};
use crate::definition::{ChaosKind, ChaosLevels, Effect};
use crate::id::{KindId, ServerId};
use crate::message::Conditions;
use crate::plan::{Level, ScriptedFault};
use crate::topology::World;

/// A fault that will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// Its first round.
    pub round: u32,
    /// What happens.
    pub kind: KindId,
    /// To which server.
    pub target: ServerId,
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
pub fn schedule(
    world: &World,
    seed: Seed,
    level: Level,
    rounds: u32,
    scripted: &[ScriptedFault],
    mut planned: impl FnMut(),
) -> Vec<PlannedFault> {
    let mut chaos = Chaos::new(world, seed, level, scripted);
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
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
    dice: Vec<Dice>,
    factor: f64,
    /// By round, the next one last.
    scripted: Vec<PlannedFault>,
    busy: Busy,
}

impl Chaos {
    /// Before the first round.
    pub fn new(world: &World, seed: Seed, level: Level, scripted: &[ScriptedFault]) -> Self {
        let mut chaos = Self { dice: Vec::new(), factor: 0.0, scripted: Vec::new(), busy: Busy::new(world) };
        chaos.restart(world, seed, level, scripted);
        chaos
    }

    /// Another run begins.
    pub fn restart(&mut self, world: &World, seed: Seed, level: Level, scripted: &[ScriptedFault]) {
        let definition = &world.definition;
        self.factor = multiplier(&definition.chaos_levels, level);
        let dice = |kind: &ChaosKind| Key::derive(seed, "chaos", &kind.name).dice(0);
        self.dice.clear();
        self.dice.extend(definition.chaos.iter().map(dice));
        let planned = |fault: &ScriptedFault| {
            let draws = self.dice[fault.kind.index()].draws(fault.round);
            plan(world, &draws, fault.round, fault.kind, fault.target)
        };
        self.scripted.clear();
        self.scripted.extend(scripted.iter().map(planned));
        self.scripted.sort_by_key(|fault| std::cmp::Reverse(fault.round));
        self.busy.restart(&self.scripted);
    }

    /// The faults that begin in a round, by kind and target. Rounds are asked for in order.
    pub fn faults_of(&mut self, world: &World, round: u32, faults: &mut Vec<PlannedFault>) {
        faults.clear();
        while let Some(fault) = self.scripted.pop_if(|fault| fault.round <= round) {
            faults.push(fault);
        }
        for (index, kind) in world.definition.chaos.iter().enumerate() {
            let eligible = &world.eligible[index];
            let draws = self.dice[index].draws(round);
            if eligible.is_empty() || !draws.happens(0, (kind.probability * self.factor).min(1.0)) {
                continue;
            }
            let target = eligible[draws.pick(1, eligible.len())];
            let fault = plan(world, &draws, round, KindId::from(index), target);
            if self.busy.book(&fault) {
                faults.push(fault);
            }
        }
        faults.sort_by_key(|fault| (fault.kind, fault.target));
    }
}

fn plan(world: &World, draws: &Draws, round: u32, kind: KindId, target: ServerId) -> PlannedFault {
    let definition = &world.definition.chaos[kind.index()];
    let services = world.servers[target.index()].services.len();
    let service = definition
        .effect
        .service_down
        .then(|| draws.pick(2, services))
        .map(|index| u16::try_from(index).expect("a server runs few services"));
    PlannedFault { round, kind, target, service, rounds: scheduled_rounds(world, definition) }
}

/// When each kind is on each server by schedule.
#[derive(Clone, Debug)]
struct Busy {
    servers: usize,
    /// For each kind and server, faults as (first round, first round after).
    spans: Vec<Vec<(u32, u32)>>,
}

impl Busy {
    fn new(world: &World) -> Self {
        let servers = world.servers.len();
        Self { servers, spans: vec![Vec::new(); servers * world.definition.chaos.len()] }
    }

    /// Only these are scheduled.
    fn restart(&mut self, scripted: &[PlannedFault]) {
        self.spans.iter_mut().for_each(Vec::clear);
        for fault in scripted {
            self.spans_of(fault).push((fault.round, fault.scheduled_end()));
        }
    }

    fn spans_of(&mut self, fault: &PlannedFault) -> &mut Vec<(u32, u32)> {
        &mut self.spans[fault.kind.index() * self.servers + fault.target.index()]
    }

    /// Takes the span of a fault unless it meets one that is taken.
    fn book(&mut self, fault: &PlannedFault) -> bool {
        let (start, end) = (fault.round, fault.scheduled_end());
        let spans = self.spans_of(fault);
        let free = spans.iter().all(|(first, after)| end <= *first || *after <= start);
        if free {
            // Rolled faults come in order of rounds: those that are over need not be kept.
            spans.retain(|(_, after)| *after > start);
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

/// Makes conditions those of a host on which nothing works; what they say of its services stays.
pub fn calm(conditions: &mut Conditions) {
    let held_down = std::mem::take(&mut conditions.held_down);
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
    };
}
