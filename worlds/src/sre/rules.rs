//! The SRE that follows rules: reads symptoms, names a cause, takes the runbook's remedy.
//!
//! Each round it goes through the servers with open alerts, the most urgent first, and for each:
//! acknowledges its alerts, names a cause, and asks for the runbook's action, until its actions of
//! the round are used up. Its skill decides how well it does. With probability 1 - accuracy it
//! takes another cause than the most plausible; with probability 1 - speed its hand is slow; and
//! with more critical alerts open that nobody acknowledged than its panic threshold both are
//! halved and it takes its work in no order. The dice are those of (server, round), its own, and never see a fault.

use crate::chance::{Draws, Key};
use crate::definition::Skill;
use crate::id::{ActionId, KindId, ServerId};
use crate::message::{
    ActionOutcome, ActionRequest, ActionResult, AlertView, Colleagues, Decision, Diagnosis, Observation,
    RequestId, Severity, SreBrief,
};
use crate::sre::symptoms::{self, Cause, Past};
use crate::sre::{impact, runbook};
use std::cmp::Reverse;

/// Where in a round's draws of a server each of its dice lies.
mod dice {
    pub(super) const ACCURACY: usize = 0;
    pub(super) const OTHER_CAUSE: usize = 1;
    pub(super) const SPEED: usize = 2;
    pub(super) const ORDER: usize = 3;
}

/// An SRE that follows rules.
#[derive(Debug)]
pub struct Rules {
    brief: SreBrief,
    skill: Skill,
    key: Key,
    impact: Vec<f64>,
    past: Vec<Past>,
    /// Reliefs that it believes to stand: server, kind, first round without.
    relieved: Vec<(ServerId, KindId, u32)>,
    /// Its actions whose result is not known yet, with the kind that each is meant for.
    open: Vec<(ActionRequest, KindId)>,
    requests: u32,
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
    pub fn new(brief: SreBrief) -> Self {
        let skill = brief.skill.clone().expect("an SRE of rules has a skill");
        let key = brief.key.expect("an SRE of rules has dice");
        Self {
            impact: impact::of_servers(&brief),
            past: vec![Past::default(); brief.servers.len()],
            relieved: Vec::new(),
            open: Vec::new(),
            requests: 0,
            skill,
            key,
            brief,
        }
    }

    /// What it makes of one round, and of what became of its actions; `decision` is empty.
    pub fn decide(&mut self, seen: &Observation, results: &[ActionResult], decision: &mut Decision) {
        self.learn(seen, results);
        let mood = self.mood(seen);
        for server in self.work(seen, mood) {
            if decision.actions.len() >= self.brief.changes.actions_per_round as usize {
                break;
            }
            self.look_after(server, seen, mood, decision);
        }
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
    fn work(&self, seen: &Observation, mood: Mood) -> Vec<ServerId> {
        let mut servers: Vec<ServerId> = seen.alerts.iter().map(|alert| alert.server).collect();
        servers.sort_unstable();
        servers.dedup();
        servers.retain(|server| self.is_mine(*server));
        let urgency = |server: &ServerId| {
            let of = |alert: &&AlertView| alert.server == *server;
            let severity = seen.alerts.iter().filter(of).map(|alert| alert.severity).max();
            let opened = seen.alerts.iter().filter(of).map(|alert| alert.opened_round).min();
            let impact = (1000.0 * self.impact[server.index()]) as u32;
            (Reverse(severity), opened, Reverse(impact))
        };
        let chance = |server: &ServerId| (self.draws(*server, seen.round).unit(dice::ORDER) * 1e9) as u32;
        if mood.panicking {
            servers.sort_by_key(chance);
        } else {
            servers.sort_by_key(|server| (urgency(server), chance(server)));
        }
        servers
    }

    /// Whether a server is this SRE's to look after: colleagues share the servers out, so that they
    /// never ask for the same and each knows what was done to its own.
    fn is_mine(&self, server: ServerId) -> bool {
        let Colleagues { position, count } = self.brief.colleagues;
        server.0 % count == position
    }

    /// One server: acknowledge, diagnose, act.
    fn look_after(&mut self, server: ServerId, seen: &Observation, mood: Mood, decision: &mut Decision) {
        let mine = seen.alerts.iter().filter(|alert| alert.server == server && !alert.acknowledged);
        decision.acknowledged.extend(mine.map(|alert| alert.id));
        if seen.servers[server.index()].settling_rounds > 0 {
            return;
        }
        let draws = self.draws(server, seen.round);
        let Some(cause) = self.diagnose(server, seen, mood, &draws) else { return };
        decision.diagnoses.push(claim(server, cause));
        let Cause::Kind(kind) = cause else { return };
        if self.is_relieved(server, kind, seen.round) {
            return;
        }
        if let Some(action) = runbook::remedy(&self.brief, seen, &self.brief.kinds[kind.index()], server) {
            let late = !draws.happens(dice::SPEED, mood.speed);
            decision.actions.push(self.request(action, server, kind, late));
        }
    }

    /// The most plausible cause, or with bad luck another one.
    fn diagnose(&self, server: ServerId, seen: &Observation, mood: Mood, draws: &Draws) -> Option<Cause> {
        let candidates = symptoms::candidates(&self.brief, seen, &self.past[server.index()], server);
        let best = candidates.first()?.cause;
        if draws.happens(dice::ACCURACY, mood.accuracy) {
            return Some(best);
        }
        let others = &candidates[1..];
        if others.is_empty() {
            return Some(best);
        }
        Some(others[draws.pick(dice::OTHER_CAUSE, others.len())].cause)
    }

    fn request(&mut self, action: ActionId, target: ServerId, kind: KindId, late: bool) -> ActionRequest {
        self.requests += 1;
        let request = ActionRequest { request: RequestId(self.requests), action, target, late };
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
            let rounds = stands(&self.brief, request.action);
            if result.outcome == ActionOutcome::Succeeded && rounds > 0 {
                self.relieved.push((request.target, kind, seen.round + rounds));
            }
        }
        self.relieved.retain(|(_, _, until)| *until > seen.round);
    }

    fn remember(&mut self, seen: &Observation) {
        for (index, (past, view)) in self.past.iter_mut().zip(&seen.servers).enumerate() {
            let alerting = seen.alerts.iter().any(|alert| alert.server.index() == index);
            past.remember(view, alerting);
        }
    }

    fn draws(&self, server: ServerId, round: u32) -> Draws {
        self.key.draws(u64::from(server.0), round)
    }
}

/// Rounds for which an action's relief stands, from the round in which it acted.
fn stands(brief: &SreBrief, action: ActionId) -> u32 {
    let remedy = &brief.actions[action.index()].remedy;
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
