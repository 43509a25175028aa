//! Faults in force, and the incidents that they become.
//!
//! A fault has a life: planned, injected, witnessed (or masked), ended. It is in force from its
//! first round until it is cured, or until its time is over and nothing of it is left: leaked
//! memory and services that were killed keep a fault in force. Every fault of a server that was
//! witnessed is an incident, with its times.

use crate::chaos::{Force, PlannedFault, strength};
use crate::definition::{BusEffect, ChaosKind, FalseMetrics, MessageKind, ProcessEffect};
use crate::id::{AgentId, KindId, ServerId};
use crate::journal::FaultEnd;
use crate::message::{AlertView, Arrivals, Report};
use crate::outcome::{Incident, Resolution};
use crate::process::Process;
use crate::round::Astray;
use crate::topology::World;
use crate::traffic::Doors;
use std::num::NonZeroU32;
use std::ops::Range;

/// A fault of this run. A long run keeps many: it is as small as it can be.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its number, from 1 in the order of injection.
    pub id: u32,
    /// When, what, where.
    pub planned: PlannedFault,
    /// Cut off by it, the target is reached by its backup link.
    pub linked: bool,
    /// When and how it ended.
    pub end: Option<(u32, FaultEnd)>,
    /// Its effect was seen.
    pub witnessed: bool,
    /// Of its effect what hits processes, messages or metrics was.
    pub felt_by_runtime: bool,
    /// Its effect was hidden by another fault at least once.
    hidden: bool,
    /// Rounds in which it was in force and not relieved.
    pub suffered_rounds: u32,
    times: Times,
}

/// Rounds, which count from 1: of none nothing is known.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    detected: Option<NonZeroU32>,
    acknowledged: Option<NonZeroU32>,
    first_action: Option<NonZeroU32>,
    diagnosed: Option<NonZeroU32>,
    /// The last one with the fault in force in which users were served below the objective.
    last_hurt: Option<NonZeroU32>,
}

/// Notes a round as the first one, unless one is noted.
fn note_first(time: &mut Option<NonZeroU32>, round: u32) {
    *time = time.or(NonZeroU32::new(round));
}

/// Effects that add up or multiply may come out this much apart, as a share, by rounding alone.
const ROUNDING: f64 = 1e-9;

/// Whether a round showed a fault's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// No trace of it.
    Nothing,
    /// Another fault stands before it.
    Hidden,
    /// Its effect shows.
    Seen,
}

impl Fault {
    fn new(id: u32, planned: PlannedFault) -> Self {
        Self {
            id,
            planned,
            linked: false,
            end: None,
            witnessed: false,
            felt_by_runtime: false,
            hidden: false,
            suffered_rounds: 0,
            times: Times::default(),
        }
    }

    /// Whether it is in force.
    pub fn in_force(&self) -> bool {
        self.end.is_none()
    }

    /// Its kind.
    pub fn kind<'w>(&self, world: &'w World) -> &'w ChaosKind {
        &world.definition.chaos[self.planned.kind.index()]
    }

    /// What it does in a round: nothing more once its time is over, though it may still be in
    /// force by what it left behind.
    pub fn force(&self, world: &World, round: u32) -> Option<Force> {
        let kind = self.kind(world);
        self.works(round).then(|| Force::of(&kind.effect, strength(kind, self.planned.round, round)))
    }

    /// Whether its time is not over.
    pub fn works(&self, round: u32) -> bool {
        self.in_force() && round < self.planned.scheduled_end()
    }

    /// Arrivals at its target, in times of what they would be without it.
    pub fn traffic_factor(&self, world: &World, round: u32) -> f64 {
        let floods = self.kind(world).effect.traffic_factor.is_some();
        let force = if floods { self.force(world, round) } else { None };
        force.map_or(1.0, |force| force.traffic_factor)
    }

    /// Whether it cuts its target off now.
    pub fn cuts_off(&self, world: &World, round: u32) -> bool {
        !self.linked && self.kind(world).effect.unreachable && self.works(round)
    }

    /// What it does to its target's process now.
    pub fn process(&self, world: &World, round: u32) -> Option<ProcessEffect> {
        self.kind(world).effect.process.filter(|_| self.works(round))
    }

    /// What it makes of messages about its target now.
    pub fn bus<'w>(&self, world: &'w World, round: u32) -> Option<&'w BusEffect> {
        let bus = self.kind(world).effect.bus.as_ref();
        bus.filter(|_| !self.linked && self.works(round))
    }

    /// The service of its target that it holds down now.
    pub fn holds_down(&self, round: u32) -> Option<usize> {
        self.planned.service.filter(|_| self.works(round)).map(usize::from)
    }

    /// Something of it was seen, or hidden.
    fn note(&mut self, sight: Sight) -> bool {
        self.hidden |= sight == Sight::Hidden;
        let first = sight == Sight::Seen && !self.witnessed;
        self.witnessed |= first;
        first
    }

    /// Hidden from its first round to its last.
    pub fn is_masked(&self) -> bool {
        !self.witnessed && self.hidden
    }

    /// The incident that it became, when the run is over after so many rounds. What hits an SRE cannot be
    /// seen by telemetry, and is none.
    pub fn incident(&self, world: &World, rounds: u32) -> Option<Incident> {
        let target = self.planned.target.server().filter(|_| self.witnessed)?;
        let Times { detected, acknowledged, first_action, diagnosed, last_hurt } = self.times;
        let resolved = self.end.map(|(round, _)| round);
        Some(Incident {
            id: self.id,
            kind: world.catalogue.kinds[self.planned.kind.index()].clone(),
            target: world.servers[target.index()].name.clone(),
            onset_round: self.planned.round,
            detected_round: detected.map(NonZeroU32::get),
            acknowledged_round: acknowledged.map(NonZeroU32::get),
            first_action_round: first_action.map(NonZeroU32::get),
            diagnosed_round: diagnosed.map(NonZeroU32::get),
            mitigated_round: mitigated(last_hurt, resolved, rounds),
            hurt_users: last_hurt.is_some(),
            resolved_round: resolved,
            resolution: match self.end {
                Some((_, FaultEnd::Remedied)) => Resolution::Remedied,
                Some((_, FaultEnd::Expired)) => Resolution::Expired,
                None => Resolution::Open,
            },
        })
    }
}

/// First round from which users' success keeps to the objective until the resolution; `None` if it
/// always did, or if it did not at the end of a run with the incident open.
fn mitigated(last_hurt: Option<NonZeroU32>, resolved: Option<u32>, rounds: u32) -> Option<u32> {
    let next = last_hurt?.get() + 1;
    (next <= rounds || resolved.is_some()).then_some(next)
}

/// All faults of a run.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Those that were injected, in order; number `n` is at `n - 1`.
    injected: Vec<Fault>,
    /// Positions of those in force.
    in_force: Vec<usize>,
    /// Positions of those that ended a few rounds ago at most: what they did may still show.
    ended: Vec<usize>,
}

impl Faults {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another run begins.
    pub fn restart(&mut self) {
        self.injected.clear();
        self.in_force.clear();
        self.ended.clear();
    }

    /// All that were injected.
    pub fn injected(&self) -> &[Fault] {
        &self.injected
    }

    /// Those in force, in the order of injection.
    pub fn in_force(&self) -> impl Iterator<Item = &Fault> {
        self.in_force.iter().map(|position| &self.injected[*position])
    }

    /// Those in force on a server.
    pub fn on(&self, server: ServerId) -> impl Iterator<Item = &Fault> {
        self.in_force().filter(move |fault| fault.planned.target.is_server(server))
    }

    /// For each in force, its own account.
    pub fn each_in_force(&mut self, mut visit: impl FnMut(&mut Fault)) {
        for position in &self.in_force {
            visit(&mut self.injected[*position]);
        }
    }

    /// Injects the faults that begin in a round; gives their positions among the injected.
    pub fn inject(&mut self, planned: &[PlannedFault]) -> Range<usize> {
        let first = self.injected.len();
        for planned in planned {
            let id = u32::try_from(self.injected.len() + 1).expect("faults are counted in 32 bits");
            self.in_force.push(self.injected.len());
            self.injected.push(Fault::new(id, *planned));
        }
        first..self.injected.len()
    }

    /// One of those that ended a few rounds ago at most.
    pub fn ended(&self, place: usize) -> &Fault {
        &self.injected[self.ended[place]]
    }

    /// Ends those of which nothing is left; gives their places among the [`Faults::ended`]. `reports`
    /// and `servers` are those of the round before.
    pub fn expire(
        &mut self,
        world: &World,
        round: u32,
        reports: &[Option<Report>],
        servers: &[Process],
    ) -> Range<usize> {
        self.end_where(round, FaultEnd::Expired, |fault| {
            round >= fault.planned.scheduled_end() && !leaves_traces(world, fault, reports, servers)
        })
    }

    /// Cures those on a target that `cures` names; gives their places among the [`Faults::ended`].
    pub fn cure(&mut self, round: u32, target: ServerId, cures: impl Fn(&Fault) -> bool) -> Range<usize> {
        self.end_where(round, FaultEnd::Remedied, |fault| {
            fault.planned.target.is_server(target) && cures(fault)
        })
    }

    /// Ends what stops a process that is no more: it has nothing left to stop. Gives their places among
    /// the [`Faults::ended`].
    pub fn end_pauses(&mut self, world: &World, round: u32, target: AgentId) -> Range<usize> {
        let places = self.end_where(round, FaultEnd::Expired, |fault| {
            fault.planned.target == target && fault.kind(world).effect.process == Some(ProcessEffect::Paused)
        });
        for place in places.clone() {
            self.injected[self.ended[place]].note(Sight::Hidden);
        }
        places
    }

    fn end_where(&mut self, round: u32, how: FaultEnd, over: impl Fn(&Fault) -> bool) -> Range<usize> {
        let (injected, ended) = (&mut self.injected, &mut self.ended);
        let before = ended.len();
        self.in_force.retain(|position| {
            let fault = &mut injected[*position];
            let over = over(fault);
            if over {
                fault.end = Some((round, how));
                ended.push(*position);
            }
            !over
        });
        before..ended.len()
    }

    /// Forgets those that ended before the last `grace` rounds: they explain nothing any more.
    pub fn forget(&mut self, round: u32, grace: u32) {
        let injected = &self.injected;
        self.ended.retain(|position| injected[*position].end.is_some_and(|(end, _)| end + grace >= round));
    }

    /// Looks for traces of those in force; tells the numbers of those witnessed for the first time.
    pub fn witness(&mut self, world: &World, round: u32, scene: &Scene<'_>, mut first: impl FnMut(u32)) {
        for place in 0..self.in_force.len() {
            let position = self.in_force[place];
            let fault = &self.injected[position];
            if !fault.works(round) {
                continue;
            }
            let of_runtime = self.sight_of_runtime(world, round, fault, scene);
            let sight = self.sight_of_host(world, round, fault, scene).max(of_runtime);
            let fault = &mut self.injected[position];
            fault.felt_by_runtime |= of_runtime == Sight::Seen;
            if fault.note(sight) {
                first(fault.id);
            }
        }
    }

    /// The plainest sight of what hits processes, messages and metrics.
    fn sight_of_runtime(&self, world: &World, round: u32, fault: &Fault, scene: &Scene<'_>) -> Sight {
        let effect = &fault.kind(world).effect;
        if fault.process(world, round).is_some() {
            // One that hits a process which is gone already has nothing to do.
            let struck = scene.process(fault.planned.target).struck_by() == Some(fault.id);
            return if struck { Sight::Seen } else { Sight::Hidden };
        }
        let Some(server) = fault.planned.target.server() else { return Sight::Nothing };
        // With its process gone or stopped there is nobody to see.
        let Some(report) = &scene.reports[server.index()] else { return Sight::Hidden };
        let mut plainest = Sight::Nothing;
        let mut see = |sight: Sight| plainest = plainest.max(sight);
        if let Some(bus) = &effect.bus {
            // By another link everything arrives.
            see(if fault.linked { Sight::Hidden } else { scene.went_astray(bus, server) });
        }
        if effect.frozen_metrics {
            see(seen(report.exporter.frozen));
        }
        if let Some(mine) = &effect.false_metrics {
            see(report.exporter.made_up.as_ref().map_or(Sight::Nothing, |told| shown_by(told, mine)));
        }
        plainest
    }

    /// The plainest sight of what hits hosts and their services.
    fn sight_of_host(&self, world: &World, round: u32, fault: &Fault, scene: &Scene<'_>) -> Sight {
        let Some(server) = fault.planned.target.server() else { return Sight::Nothing };
        let target = server.index();
        let Some(force) = fault.force(world, round) else { return Sight::Nothing };
        let Some(report) = &scene.reports[target] else { return Sight::Hidden };
        let others = |figure: fn(&Force) -> f64| {
            self.on(server)
                .filter(|other| other.id != fault.id)
                .filter_map(|other| other.force(world, round))
                .map(|force| figure(&force))
                .fold(0.0, f64::max)
        };
        let highest = |mine: f64, met: f64, other: f64| {
            if other > mine { Sight::Hidden } else { at_least(met, mine) }
        };
        let effect = &fault.kind(world).effect;
        let mut plainest = Sight::Nothing;
        let mut see = |sight: Sight| plainest = plainest.max(sight);
        if effect.cpu_floor.is_some() {
            see(highest(force.cpu_floor, report.cpu_pct, others(|other| other.cpu_floor)));
        }
        if effect.capacity_factor.is_some() {
            see(at_least(force.capacity_factor, report.met.capacity_factor));
        }
        if effect.memory_growth.is_some() {
            see(at_least(report.met.memory_growth, force.memory_growth));
        }
        if effect.disk_level.is_some() {
            see(highest(force.disk_level, report.disk_pct, others(|other| other.disk_level)));
        }
        if effect.unreachable {
            see(seen(scene.doors.servers[target].closed || fault.linked));
        }
        if let Some(slot) = fault.planned.service {
            see(seen(!report.services[usize::from(slot)].up));
        }
        if effect.traffic_factor.is_some() {
            // A flood is kept from a server that is cut off, down, limited or never called.
            let mut instances = world.servers[target].instances.iter();
            let flooded = instances.any(|instance| scene.arrivals[*instance].flood > 0);
            see(if flooded { Sight::Seen } else { Sight::Hidden });
        }
        if effect.latency_factor.is_some() {
            see(at_least(report.met.latency_factor, force.latency_factor));
        }
        if effect.latency_added_ms.is_some() {
            see(at_least(report.met.latency_added_seconds, force.latency_added_seconds));
        }
        if effect.error_rate.is_some() {
            see(at_least(report.met.error_rate, force.error_rate));
        }
        plainest
    }

    /// Looks at the open alerts: a fault is detected by one that opened or worsened since its
    /// onset, on its target or on a server that its harm reaches.
    pub fn detect(&mut self, world: &World, round: u32, alerts: &[AlertView]) {
        self.each_in_force(|fault| {
            let Times { detected, acknowledged, .. } = &mut fault.times;
            if detected.is_some() && acknowledged.is_some() {
                return;
            }
            let Some(target) = fault.planned.target.server() else { return };
            let onset = fault.planned.round;
            let mine = alerts.iter().filter(|alert| {
                alert.since_round >= onset && (alert.server == target || world.reaches(target, alert.server))
            });
            for alert in mine {
                note_first(detected, round);
                if alert.acknowledged {
                    note_first(acknowledged, round);
                }
            }
        });
    }

    /// Users were served below the objective in a round.
    pub fn users_were_hurt(&mut self, round: u32) {
        self.each_in_force(|fault| fault.times.last_hurt = NonZeroU32::new(round));
    }

    /// An action acted on a target.
    pub fn acted(&mut self, round: u32, target: ServerId) {
        self.each_in_force(|fault| {
            if fault.planned.target.is_server(target) {
                note_first(&mut fault.times.first_action, round);
            }
        });
    }

    /// Somebody claims to know what is wrong. Says whether a fault in force is on that server, and
    /// whether one of them is of that kind.
    pub fn claimed(&mut self, round: u32, entity: ServerId, cause: Option<KindId>) -> (bool, bool) {
        let mut right = (false, false);
        self.each_in_force(|fault| {
            if fault.planned.target.is_server(entity) {
                right.0 = true;
                if Some(fault.planned.kind) == cause {
                    right.1 = true;
                    note_first(&mut fault.times.diagnosed, round);
                }
            }
        });
        right
    }

    /// Whether an alert on a server has a fault behind it: one in force, or one that ended and is
    /// not forgotten yet, on it or on a server whose harm reaches it.
    pub fn explains(&self, world: &World, server: ServerId) -> bool {
        self.in_force.iter().chain(&self.ended).any(|position| {
            let target = self.injected[*position].planned.target.server();
            target.is_some_and(|target| target == server || world.reaches(target, server))
        })
    }
}

fn at_least(met: f64, mine: f64) -> Sight {
    seen(met >= mine * (1.0 - ROUNDING))
}

fn seen(shows: bool) -> Sight {
    if shows { Sight::Seen } else { Sight::Nothing }
}

/// What a fault whose time is over still does: memory that it leaked, services that the kernel
/// killed for it.
fn leaves_traces(world: &World, fault: &Fault, reports: &[Option<Report>], servers: &[Process]) -> bool {
    let Some(target) = fault.planned.target.server().map(ServerId::index) else { return false };
    if fault.kind(world).effect.memory_growth.is_none() {
        return false;
    }
    // A process that stands still keeps what leaked.
    matches!(servers[target], Process::Paused { .. })
        || reports[target].as_ref().is_some_and(|report| {
            report.leaked_points > 0.0 || report.services.iter().any(|service| !service.up)
        })
}

/// What is there to be seen in a round.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The servers' own reports.
    pub reports: &'a [Option<Report>],
    /// What arrived at each instance.
    pub arrivals: &'a [Arrivals],
    /// Which of them are cut off.
    pub doors: &'a Doors,
    /// The servers' processes.
    pub servers: &'a [Process],
    /// The SREs' processes.
    pub sres: &'a [Process],
    /// Commands and results that went astray in this round.
    pub astray: &'a [Astray],
}

impl Scene<'_> {
    fn process(&self, agent: AgentId) -> Process {
        match agent {
            AgentId::Server(server) => self.servers[server.index()],
            AgentId::Sre(sre) => self.sres[sre.index()],
        }
    }

    /// Whether something that a bus fault keeps from arriving was on its way at all.
    fn went_astray(&self, bus: &BusEffect, server: ServerId) -> Sight {
        let is_there = |kind: &MessageKind| match kind {
            // A report is there, so there were metrics; a server that is cut off sends none.
            MessageKind::Telemetry => !self.doors.servers[server.index()].closed,
            other => self.astray.iter().any(|it| it.kind == *other && it.server == server),
        };
        if bus.loses.iter().chain(&bus.delays).any(is_there) { Sight::Seen } else { Sight::Hidden }
    }
}

/// Whether made-up metrics are told, or others in their place.
fn shown_by(told: &FalseMetrics, mine: &FalseMetrics) -> Sight {
    let pairs = told.values().into_iter().zip(mine.values());
    let is_told = pairs.filter_map(|(told, mine)| Some(told == Some(mine?))).any(|told| told);
    if is_told { Sight::Seen } else { Sight::Hidden }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_hurt(round: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(round)
    }

    #[test]
    fn an_incident_that_never_hurt_anybody_needs_no_mitigation() {
        assert_eq!(mitigated(None, Some(7), 10), None);
    }

    #[test]
    fn it_is_mitigated_in_the_round_after_the_last_that_hurt() {
        assert_eq!(mitigated(last_hurt(4), Some(7), 10), Some(5));
        assert_eq!(mitigated(last_hurt(4), None, 10), Some(5));
    }

    #[test]
    fn one_that_hurts_to_the_end_of_the_run_is_mitigated_by_its_resolution_alone() {
        assert_eq!(mitigated(last_hurt(10), None, 10), None);
        assert_eq!(mitigated(last_hurt(10), Some(11), 10), Some(11));
    }

    #[test]
    fn users_who_are_hurt_after_the_end_are_not_hurt_by_it() {
        let planned = PlannedFault {
            round: 1,
            kind: KindId(0),
            target: AgentId::Server(ServerId(0)),
            service: None,
            rounds: 2,
        };
        let mut faults = Faults::new();
        faults.inject(&[planned]);
        faults.users_were_hurt(1);
        faults.cure(2, ServerId(0), |_| true);
        faults.users_were_hurt(2);
        assert_eq!(faults.injected()[0].times.last_hurt, last_hurt(1));
    }
}
