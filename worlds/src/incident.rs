//! Faults in force, and the incidents that they become.
//!
//! A fault has a life: planned, injected, witnessed (or masked), ended. It is in force from its
//! first round until it is cured, or until its time is over and nothing of it is left: leaked
//! memory and services that were killed keep a fault in force. Every fault that was witnessed is
//! an incident, with its times.

use crate::chaos::{Force, PlannedFault, strength};
use crate::definition::ChaosKind;
use crate::id::{KindId, ServerId};
use crate::journal::FaultEnd;
use crate::message::{AlertView, Arrivals, Report};
use crate::outcome::{Incident, Requests, Resolution};
use crate::topology::World;

/// A fault of this run.
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
    /// Its effect was hidden by another fault at least once.
    hidden: bool,
    /// Rounds in which it was in force and not relieved.
    pub suffered_rounds: u32,
    times: Times,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    detected: Option<u32>,
    acknowledged: Option<u32>,
    first_action: Option<u32>,
    diagnosed: Option<u32>,
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
        let working = self.in_force() && round < self.planned.scheduled_end();
        let kind = self.kind(world);
        working.then(|| Force::of(&kind.effect, strength(kind, self.planned.round, round)))
    }

    /// Whether it cuts its target off now.
    pub fn cuts_off(&self, world: &World, round: u32) -> bool {
        !self.linked && self.force(world, round).is_some_and(|force| force.unreachable)
    }

    /// The service of its target that it holds down now.
    pub fn holds_down(&self, round: u32) -> Option<usize> {
        let working = self.in_force() && round < self.planned.scheduled_end();
        self.planned.service.filter(|_| working).map(usize::from)
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

    /// The incident that it became, when the run is over. `by_round` are users' requests.
    pub fn incident(&self, world: &World, by_round: &[Requests]) -> Incident {
        let onset = self.planned.round;
        let resolved = self.end.map(|(round, _)| round);
        Incident {
            id: self.id,
            kind: self.kind(world).name.as_str().into(),
            target: world.servers[self.planned.target.index()].name.clone(),
            onset_round: onset,
            detected_round: self.times.detected,
            acknowledged_round: self.times.acknowledged,
            first_action_round: self.times.first_action,
            diagnosed_round: self.times.diagnosed,
            mitigated_round: mitigated(onset, resolved, by_round, world.definition.sla_target),
            resolved_round: resolved,
            resolution: match self.end {
                Some((_, FaultEnd::Remedied)) => Resolution::Remedied,
                Some((_, FaultEnd::Expired)) => Resolution::Expired,
                None => Resolution::Open,
            },
        }
    }
}

/// First round from which users' success keeps to the objective until the resolution; `None` if it
/// always did, or if it did not at the end of a run with the incident open.
fn mitigated(onset: u32, resolved: Option<u32>, by_round: &[Requests], objective_pct: f64) -> Option<u32> {
    let after = resolved.unwrap_or(u32::try_from(by_round.len()).unwrap_or(u32::MAX - 1) + 1);
    let hurt = |round: &u32| {
        by_round.get(*round as usize - 1).is_some_and(|requests| requests.availability_pct() < objective_pct)
    };
    let last_hurt = (onset..after).rfind(hurt)?;
    let next = last_hurt + 1;
    (next < after || resolved.is_some()).then_some(next)
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
        self.in_force().filter(move |fault| fault.planned.target == server)
    }

    /// For each in force, its own account.
    pub fn each_in_force(&mut self, mut visit: impl FnMut(&mut Fault)) {
        for position in &self.in_force {
            visit(&mut self.injected[*position]);
        }
    }

    /// Injects the faults that begin in a round; gives their positions among the injected.
    pub fn inject(&mut self, planned: Vec<PlannedFault>) -> std::ops::Range<usize> {
        let first = self.injected.len();
        for planned in planned {
            let id = u32::try_from(self.injected.len() + 1).expect("faults are counted in 32 bits");
            self.in_force.push(self.injected.len());
            self.injected.push(Fault::new(id, planned));
        }
        first..self.injected.len()
    }

    /// Ends those of which nothing is left. `reports` are those of the round before.
    pub fn expire(&mut self, world: &World, round: u32, reports: &[Option<Report>]) -> Vec<usize> {
        self.end_where(round, FaultEnd::Expired, |fault| {
            round >= fault.planned.scheduled_end() && !leaves_traces(world, fault, reports)
        })
    }

    /// Cures those on a target that `cures` names.
    pub fn cure(&mut self, round: u32, target: ServerId, cures: impl Fn(&Fault) -> bool) -> Vec<usize> {
        self.end_where(round, FaultEnd::Remedied, |fault| fault.planned.target == target && cures(fault))
    }

    fn end_where(&mut self, round: u32, how: FaultEnd, over: impl Fn(&Fault) -> bool) -> Vec<usize> {
        let injected = &mut self.injected;
        let mut ended = Vec::new();
        self.in_force.retain(|position| {
            let fault = &mut injected[*position];
            let over = over(fault);
            if over {
                fault.end = Some((round, how));
                ended.push(*position);
            }
            !over
        });
        self.ended.extend(&ended);
        ended
    }

    /// Forgets those that ended before the last `grace` rounds: they explain nothing any more.
    pub fn forget(&mut self, round: u32, grace: u32) {
        let injected = &self.injected;
        self.ended.retain(|position| injected[*position].end.is_some_and(|(end, _)| end + grace >= round));
    }

    /// Looks for traces of those in force; gives the numbers of those witnessed for the first time.
    pub fn witness(&mut self, world: &World, round: u32, scene: &Scene<'_>) -> Vec<u32> {
        let sights: Vec<Sight> =
            self.in_force().map(|fault| self.sight(world, round, fault, scene)).collect();
        let mut first = Vec::new();
        for (position, sight) in self.in_force.iter().zip(sights) {
            let fault = &mut self.injected[*position];
            if fault.note(sight) {
                first.push(fault.id);
            }
        }
        first
    }

    /// The plainest sight of any part of a fault's effect.
    fn sight(&self, world: &World, round: u32, fault: &Fault, scene: &Scene<'_>) -> Sight {
        let target = fault.planned.target.index();
        let Some(force) = fault.force(world, round) else { return Sight::Nothing };
        // With its process gone there is nobody to see; the run is invalid for that already.
        let Some(report) = &scene.reports[target] else { return Sight::Hidden };
        let others = |figure: fn(&Force) -> f64| {
            self.on(fault.planned.target)
                .filter(|other| other.id != fault.id)
                .filter_map(|other| other.force(world, round))
                .map(|force| figure(&force))
                .fold(0.0, f64::max)
        };
        let highest = |mine: f64, met: f64, other: f64| {
            if other > mine { Sight::Hidden } else { at_least(met, mine) }
        };
        let effect = &fault.kind(world).effect;
        let flood: u32 = scene.arrivals[target].iter().map(|arrivals| arrivals.flood).sum();
        let mut sights = Vec::new();
        if effect.cpu_floor.is_some() {
            sights.push(highest(force.cpu_floor, report.cpu_pct, others(|other| other.cpu_floor)));
        }
        if effect.capacity_factor.is_some() {
            sights.push(at_least(force.capacity_factor, report.met.capacity_factor));
        }
        if effect.memory_growth.is_some() {
            sights.push(at_least(report.met.memory_growth, force.memory_growth));
        }
        if effect.disk_level.is_some() {
            sights.push(highest(force.disk_level, report.disk_pct, others(|other| other.disk_level)));
        }
        if effect.unreachable {
            sights.push(seen(scene.closed[target] || fault.linked));
        }
        if let Some(slot) = fault.planned.service {
            sights.push(seen(!report.services[usize::from(slot)].up));
        }
        if effect.traffic_factor.is_some() {
            // A flood is kept from a server that is cut off, down, limited or never called.
            sights.push(if flood > 0 { Sight::Seen } else { Sight::Hidden });
        }
        if effect.latency_factor.is_some() {
            sights.push(at_least(report.met.latency_factor, force.latency_factor));
        }
        if effect.latency_added_ms.is_some() {
            sights.push(at_least(report.met.latency_added_seconds, force.latency_added_seconds));
        }
        if effect.error_rate.is_some() {
            sights.push(at_least(report.met.error_rate, force.error_rate));
        }
        sights.into_iter().max().unwrap_or(Sight::Nothing)
    }

    /// Looks at the open alerts: a fault is detected by one that opened or worsened since its
    /// onset, on its target or on a server that its harm reaches.
    pub fn detect(&mut self, world: &World, round: u32, alerts: &[AlertView]) {
        self.each_in_force(|fault| {
            let (target, onset) = (fault.planned.target, fault.planned.round);
            let mine = alerts.iter().filter(|alert| {
                alert.since_round >= onset
                    && (alert.server == target || world.reach.includes(target, alert.server))
            });
            for alert in mine {
                fault.times.detected.get_or_insert(round);
                if alert.acknowledged {
                    fault.times.acknowledged.get_or_insert(round);
                }
            }
        });
    }

    /// An action acted on a target.
    pub fn acted(&mut self, round: u32, target: ServerId) {
        self.each_in_force(|fault| {
            if fault.planned.target == target {
                fault.times.first_action.get_or_insert(round);
            }
        });
    }

    /// Somebody claims to know what is wrong. Says whether a fault in force is on that server, and
    /// whether one of them is of that kind.
    pub fn claimed(&mut self, round: u32, entity: ServerId, cause: Option<KindId>) -> (bool, bool) {
        let mut right = (false, false);
        self.each_in_force(|fault| {
            if fault.planned.target == entity {
                right.0 = true;
                if Some(fault.planned.kind) == cause {
                    right.1 = true;
                    fault.times.diagnosed.get_or_insert(round);
                }
            }
        });
        right
    }

    /// Whether an alert on a server has a fault behind it: one in force, or one that ended and is
    /// not forgotten yet, on it or on a server whose harm reaches it.
    pub fn explains(&self, world: &World, server: ServerId) -> bool {
        self.in_force.iter().chain(&self.ended).any(|position| {
            let target = self.injected[*position].planned.target;
            target == server || world.reach.includes(target, server)
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
fn leaves_traces(world: &World, fault: &Fault, reports: &[Option<Report>]) -> bool {
    let leaks = fault.kind(world).effect.memory_growth.is_some();
    let report = reports[fault.planned.target.index()].as_ref();
    leaks
        && report.is_some_and(|report| {
            report.leaked_points > 0.0 || report.services.iter().any(|service| !service.up)
        })
}

/// What is there to be seen in a round.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The servers' own reports.
    pub reports: &'a [Option<Report>],
    /// What arrived at them.
    pub arrivals: &'a [Vec<Arrivals>],
    /// Which of them are cut off.
    pub closed: &'a [bool],
}
