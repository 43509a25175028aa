//! The SRE that follows rules: reads symptoms, names a cause, takes the runbook's remedy.
//!
//! Each round it goes through the servers with open alerts, the most urgent first, and for each:
//! acknowledges its alerts, names a cause, and asks for the runbook's action, until its actions of
//! the round are used up. Its skill decides how well it does. With probability 1 - accuracy it
//! takes another cause than the most plausible; with probability 1 - speed its hand is slow; and
//! with more critical alerts open that nobody acknowledged than its panic threshold both are
//! halved and it takes its work in no order. The dice are those of (server, round), its own, and never
//! see a fault.

use crate::chance::{Dice, Draws, Key};
use crate::definition::Skill;
use crate::id::{ActionId, KindId, ServerId};
use crate::message::{
    ActionOutcome, ActionRequest, ActionResult, AlertView, Colleagues, Decision, Diagnosis, MetricSet,
    Observation, RequestId, Severity, SreBrief,
};
use crate::sre::runbook;
use crate::sre::study::Study;
use crate::sre::symptoms::{self, Candidate, Cause, Past};
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

/// Where in a round's draws of a server each of its dice lies.
mod dice {
    pub(super) const ACCURACY: usize = 0;
    pub(super) const OTHER_CAUSE: usize = 1;
    pub(super) const SPEED: usize = 2;
    pub(super) const ORDER: usize = 3;
}

const HAS_SKILL: &str = "an SRE of rules has a skill";
const HAS_DICE: &str = "an SRE of rules has dice";

/// An SRE that follows rules.
#[derive(Debug)]
pub struct Rules {
    study: Arc<Study>,
    skill: Skill,
    key: Key,
    /// Of the servers that it looked after before.
    dice: Vec<Option<Box<Dice>>>,
    colleagues: Colleagues,
    past: Vec<Past>,
    /// Reliefs that it believes to stand: server, kind, first round without.
    relieved: Vec<(ServerId, KindId, u32)>,
    /// Its actions whose result is not known yet, with the kind that each is meant for.
    open: Vec<(ActionRequest, KindId)>,
    requests: u32,
    scratch: Scratch,
}

/// Buffers that mean nothing from one round to the next.
#[derive(Debug, Default)]
struct Scratch {
    /// Alerts as (server, position), by server.
    alerts: Vec<(ServerId, usize)>,
    patients: Vec<Patient>,
    candidates: Vec<Candidate>,
    /// For each server whether it alerts.
    alerting: Vec<bool>,
}

/// A server with open alerts.
#[derive(Clone, Debug)]
struct Patient {
    server: ServerId,
    /// Of its worst alert.
    severity: Severity,
    /// Round in which its oldest alert opened.
    opened: u32,
    /// How much hangs on it, in thousandths.
    impact: u32,
    /// The metrics that alert.
    metrics: MetricSet,
    /// Its alerts among [`Scratch::alerts`].
    alerts: Range<usize>,
    draws: Draws,
}

impl Patient {
    /// Severity, age and impact; the most urgent first.
    fn urgency(&self) -> (Reverse<Severity>, u32, Reverse<u32>) {
        (Reverse(self.severity), self.opened, Reverse(self.impact))
    }

    fn chance(&self) -> u32 {
        (self.draws.unit(dice::ORDER) * 1e9) as u32
    }
}

/// Its state of mind in a round.
#[derive(Clone, Copy, Debug)]
struct Mood {
    panicking: bool,
    accuracy: f64,
    speed: f64,
}

impl Rules {
    /// At the start of its shift.
    ///
    /// # Panics
    /// When the brief has no skill or no dice: every run gives both to an SRE of rules.
    pub fn new(study: Arc<Study>, brief: &SreBrief) -> Self {
        let servers = study.runbook.servers.len();
        Self {
            skill: brief.skill.clone().expect(HAS_SKILL),
            key: brief.key.expect(HAS_DICE),
            dice: (0..servers).map(|_| None).collect(),
            colleagues: brief.colleagues,
            past: vec![Past::default(); servers],
            relieved: Vec::new(),
            open: Vec::new(),
            requests: brief.last_request.0,
            scratch: Scratch { alerting: vec![false; servers], ..Scratch::default() },
            study,
        }
    }

    /// Another shift, in another run of the same world.
    ///
    /// # Panics
    /// As [`Rules::new`].
    pub fn restart(&mut self, brief: &SreBrief) {
        self.skill = brief.skill.clone().expect(HAS_SKILL);
        self.key = brief.key.expect(HAS_DICE);
        self.dice.fill_with(|| None);
        self.colleagues = brief.colleagues;
        self.past.fill(Past::default());
        self.relieved.clear();
        self.open.clear();
        self.requests = brief.last_request.0;
    }

    /// What it makes of one round, and of what became of its actions; `decision` is empty.
    pub fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        self.learn(seen, results);
        let mood = self.mood(seen);
        let mut patients = std::mem::take(&mut self.scratch.patients);
        self.find_work(seen, mood, &mut patients);
        for patient in &patients {
            if decision.actions.len() >= self.study.runbook.changes.actions_per_round as usize {
                break;
            }
            self.look_after(patient, seen, mood, decision);
        }
        self.scratch.patients = patients;
        self.remember(seen);
    }

    fn mood(&self, seen: &Observation) -> Mood {
        let unattended = |alert: &&AlertView| alert.severity == Severity::Critical && !alert.acknowledged;
        let critical = seen.alerts.iter().filter(unattended).count();
        let panicking = critical > self.skill.panic_threshold as usize;
        let share = if panicking { 0.5 } else { 1.0 };
        Mood { panicking, accuracy: self.skill.accuracy * share, speed: self.skill.speed * share }
    }

    /// The servers with open alerts, in the order in which it takes them: severity, age, impact,
    /// and then chance, so that of equal servers none always comes last.
    fn find_work(&mut self, seen: &Observation, mood: Mood, patients: &mut Vec<Patient>) {
        let mut alerts = std::mem::take(&mut self.scratch.alerts);
        alerts.clear();
        alerts.extend(seen.alerts.iter().enumerate().map(|(position, alert)| (alert.server, position)));
        alerts.sort_unstable();
        patients.clear();
        let mut start = 0;
        for group in alerts.chunk_by(|(one, _), (other, _)| one == other) {
            let range = start..start + group.len();
            start = range.end;
            if self.is_mine(group[0].0) {
                patients.push(self.patient(seen, group, range));
            }
        }
        if mood.panicking {
            patients.sort_by_key(Patient::chance);
        } else {
            patients.sort_by_key(|patient| (patient.urgency(), patient.chance()));
        }
        self.scratch.alerts = alerts;
    }

    fn patient(&mut self, seen: &Observation, group: &[(ServerId, usize)], alerts: Range<usize>) -> Patient {
        let (server, first) = group[0];
        let mut patient = Patient {
            server,
            severity: Severity::Warning,
            opened: seen.alerts[first].opened_round,
            impact: (1000.0 * self.study.impact[server.index()]) as u32,
            metrics: MetricSet::default(),
            alerts,
            draws: self.draws(server, seen.round),
        };
        for (_, position) in group {
            let alert = &seen.alerts[*position];
            patient.severity = patient.severity.max(alert.severity);
            patient.opened = patient.opened.min(alert.opened_round);
            patient.metrics.insert(alert.metric);
        }
        patient
    }

    fn draws(&mut self, server: ServerId, round: u32) -> Draws {
        let key = &self.key;
        let dice = &mut self.dice[server.index()];
        dice.get_or_insert_with(|| Box::new(key.dice(u64::from(server.0)))).draws(round)
    }

    /// Whether a server is this SRE's to look after: colleagues share the servers out, so that they
    /// never ask for the same and each knows what was done to its own.
    fn is_mine(&self, server: ServerId) -> bool {
        let Colleagues { position, count } = self.colleagues;
        server.0 % count == position
    }

    /// One server: acknowledge, diagnose, act.
    fn look_after(&mut self, patient: &Patient, seen: &Observation, mood: Mood, decision: &mut Decision) {
        let server = patient.server;
        let alerts = self.scratch.alerts[patient.alerts.clone()].iter();
        let unattended = alerts.map(|(_, position)| &seen.alerts[*position]).filter(|it| !it.acknowledged);
        decision.acknowledged.extend(unattended.map(|alert| alert.id));
        if seen.servers[server.index()].settling_rounds > 0 {
            return;
        }
        let Some(cause) = self.diagnose(patient, seen, mood) else { return };
        decision.diagnoses.push(claim(server, cause));
        let Cause::Kind(kind) = cause else { return };
        if self.is_relieved(server, kind, seen.round) {
            return;
        }
        if let Some(action) = runbook::remedy(&self.study, seen, patient.metrics, kind, server) {
            let late = !patient.draws.happens(dice::SPEED, mood.speed);
            decision.actions.push(self.request(action, server, kind, late));
        }
    }

    /// The most plausible cause, or with bad luck another one.
    fn diagnose(&mut self, patient: &Patient, seen: &Observation, mood: Mood) -> Option<Cause> {
        let Self { study, past, scratch: Scratch { candidates, .. }, .. } = self;
        let past = &past[patient.server.index()];
        symptoms::candidates(study, seen, past, patient.server, patient.metrics, candidates);
        let best = symptoms::best(candidates)?;
        if candidates.len() < 2 || patient.draws.happens(dice::ACCURACY, mood.accuracy) {
            return Some(best);
        }
        let others = symptoms::others(candidates);
        Some(others[patient.draws.pick(dice::OTHER_CAUSE, others.len())].cause)
    }

    fn request(&mut self, action: ActionId, target: ServerId, kind: KindId, late: bool) -> ActionRequest {
        self.requests += 1;
        let request = ActionRequest { request: RequestId(self.requests), action, target, late };
        // What was asked of this target before has come to its end, told or not.
        self.open.retain(|(open, _)| open.target != target);
        self.open.push((request, kind));
        request
    }

    fn is_relieved(&self, server: ServerId, kind: KindId, round: u32) -> bool {
        self.relieved.iter().any(|(on, of, until)| *on == server && *of == kind && *until > round + 1)
    }

    /// Takes in what became of its actions: a relief that succeeded need not be asked for again
    /// while it stands.
    fn learn(&mut self, seen: &Observation, results: &[ActionResult]) {
        for result in results {
            let Some(position) = self.open.iter().position(|(open, _)| open.request == result.request) else {
                continue;
            };
            let (request, kind) = self.open.swap_remove(position);
            let rounds = stands(&self.study, request.action);
            if result.outcome == ActionOutcome::Succeeded && rounds > 0 {
                self.relieved.push((request.target, kind, seen.round + rounds));
            }
        }
        self.relieved.retain(|(_, _, until)| *until > seen.round);
    }

    fn remember(&mut self, seen: &Observation) {
        let alerting = &mut self.scratch.alerting;
        alerting.fill(false);
        for alert in &seen.alerts {
            alerting[alert.server.index()] = true;
        }
        for ((past, view), alerting) in self.past.iter_mut().zip(&seen.servers).zip(alerting) {
            past.remember(view, *alerting);
        }
    }
}

/// Rounds for which an action's relief stands, from the round in which it acted.
fn stands(study: &Study, action: ActionId) -> u32 {
    let remedy = &study.runbook.actions[action.index()].remedy;
    let capacity = remedy.adds_capacity.as_ref().map_or(0, |capacity| capacity.delay + capacity.rounds);
    let limit = remedy.limits_traffic.as_ref().map_or(0, |limit| limit.rounds);
    capacity.max(limit)
}

fn claim(alerting: ServerId, cause: Cause) -> Diagnosis {
    match cause {
        Cause::Kind(kind) => Diagnosis { alerting, entity: alerting, cause: Some(kind) },
        Cause::Elsewhere(entity) => Diagnosis { alerting, entity, cause: None },
    }
}
