//! Evidence: what was seen from outside of the faults that hit processes and messages.
//!
//! The model decides that such a fault comes and what follows from it; whether it really came is
//! seen here: in what the system says of a process that was to end or to stand still, and in the
//! messages that the director takes from agents and has for them, counted where it hands them over. A
//! fault that the model says was felt, and of which nothing was seen, did not land, and makes the
//! run invalid. Of one that had nothing to hit nothing is told.

use super::messages::Sighting;
use bus::wire::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;
use worlds::definition::MessageKind;
use worlds::id::{AgentId, ServerId};
use worlds::incident::Fault;
use worlds::journal::FaultEnd;
use worlds::plan::RunPlan;
use worlds::process::Strike;
use worlds::round::{Astray, Round};

/// What was seen so far, by the number of the fault.
#[derive(Debug)]
pub(super) struct Evidence {
    began: Instant,
    seen: BTreeMap<u32, Seen>,
}

/// What was seen of one fault.
#[derive(Clone, Debug, Default)]
struct Seen {
    injected_after_seconds: f64,
    /// First time that something of it was seen.
    witnessed_after_seconds: Option<f64>,
    /// Of a process: what was seen when it was struck.
    struck: Option<Sighting>,
    /// Of a process: what was seen when it ran again.
    revived: Option<String>,
    messages: Messages,
}

/// Messages in which something of a fault was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Messages {
    /// Reports that came, and whose metrics were not passed on in their round.
    pub telemetry: u64,
    /// Commands that were due, and not put into a tick.
    pub commands: u64,
    /// Results of actions that had acted, and that their SRE was not told in that round.
    pub results: u64,
    /// Reports that say their metrics are frozen or made up.
    pub exporter: u64,
}

impl Messages {
    fn all(&self) -> u64 {
        self.telemetry + self.commands + self.results + self.exporter
    }

    fn add(&mut self, others: Self) {
        self.telemetry += others.telemetry;
        self.commands += others.commands;
        self.results += others.results;
        self.exporter += others.exporter;
    }
}

/// The life of a fault that hit processes or messages, as `runtime.json` has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ChaosLife {
    /// Its number, as in the journal.
    pub fault: u32,
    /// What happened.
    pub kind: String,
    /// To whom, as on the bus.
    pub target: String,
    /// When it was to come, and for how long.
    pub scheduled: Scheduled,
    /// Since the run began.
    pub injected_after_seconds: f64,
    /// What was seen of it from outside; `null` for one that did not land.
    pub witness: Option<String>,
    /// Since the run began.
    pub witnessed_after_seconds: Option<f64>,
    /// Messages in which something of it was seen.
    pub messages: Messages,
    /// What was seen of a process that runs again.
    pub revived: Option<String>,
    /// `null` for one that was in force when the run ended.
    pub ended: Option<Ended>,
    /// Whether something of it was seen, or another fault left it nothing to do.
    pub landed: bool,
}

/// The plan of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scheduled {
    /// Its first round.
    pub round: u32,
    /// Rounds for which it works, if nobody acts.
    pub rounds: u32,
}

/// The end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ended {
    /// The first round without it.
    pub round: u32,
    /// How.
    pub how: FaultEnd,
}

impl Evidence {
    /// Nothing happened yet.
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), seen: BTreeMap::new() }
    }

    /// The faults that begin in the round that was opened.
    pub(super) fn injected(&mut self, round: &Round) {
        let begin = round.faults().iter().rev().take_while(|fault| fault.planned.round == round.number());
        for fault in begin.filter(|fault| fault.kind(round.world()).effect.is_of_runtime()) {
            let after = self.now();
            self.seen_of(fault.id, after);
        }
    }

    /// What was seen of a process that was struck.
    pub(super) fn struck(&mut self, strike: Strike, sighting: Sighting) {
        let after = self.now();
        let seen = self.seen_of(strike.fault, after);
        seen.witnessed_after_seconds = sighting.is_so.then_some(after);
        seen.struck = Some(sighting);
    }

    /// A process runs again that this fault had struck.
    pub(super) fn revived(&mut self, fault: Option<u32>, how: String) {
        if let Some(fault) = fault {
            let after = self.now();
            self.seen_of(fault, after).revived = Some(how);
        }
    }

    /// Looks through the messages of a round that was observed.
    pub(super) fn look(&mut self, round: &Round) {
        for fault in round.faults_of_runtime() {
            let Some(server) = fault.planned.target.server() else { continue };
            let messages = messages_about(round, fault, server);
            let after = self.now();
            let seen = self.seen_of(fault.id, after);
            seen.messages.add(messages);
            if messages.all() > 0 {
                seen.witnessed_after_seconds.get_or_insert(after);
            }
        }
    }

    /// Seconds since the run began.
    fn now(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e6
    }

    fn seen_of(&mut self, fault: u32, after: f64) -> &mut Seen {
        self.seen.entry(fault).or_insert_with(|| Seen { injected_after_seconds: after, ..Seen::default() })
    }

    /// The lives of all faults that hit processes and messages.
    pub(super) fn lives(&self, round: &Round, plan: &RunPlan) -> Vec<ChaosLife> {
        let of_runtime = |fault: &&Fault| fault.kind(round.world()).effect.is_of_runtime();
        round.faults().iter().filter(of_runtime).map(|fault| self.life(round, plan, fault)).collect()
    }

    fn life(&self, round: &Round, plan: &RunPlan, fault: &Fault) -> ChaosLife {
        let all = self.seen.get(&fault.id).cloned().unwrap_or_default();
        // What another fault did in its place is not its own.
        let felt = fault.felt_by_runtime;
        let seen = if felt {
            all
        } else {
            Seen { injected_after_seconds: all.injected_after_seconds, ..Seen::default() }
        };
        let witness = seen.witness();
        let target = match fault.planned.target {
            AgentId::Server(server) => Role::Server.agent_name(&round.world().servers[server.index()].name),
            AgentId::Sre(sre) => Role::Sre.agent_name(&plan.sres[sre.index()].name),
        };
        ChaosLife {
            fault: fault.id,
            kind: round.world().catalogue.kinds[fault.planned.kind.index()].to_string(),
            target,
            scheduled: Scheduled { round: fault.planned.round, rounds: fault.planned.rounds },
            injected_after_seconds: seen.injected_after_seconds,
            landed: !felt || witness.is_some(),
            witness,
            witnessed_after_seconds: seen.witnessed_after_seconds,
            messages: seen.messages,
            revived: seen.revived,
            ended: fault.end.map(|(round, how)| Ended { round, how }),
        }
    }
}

impl Seen {
    /// In words, if anything was seen.
    fn witness(&self) -> Option<String> {
        let struck = self.struck.as_ref().filter(|sighting| sighting.is_so).map(|it| it.how.clone());
        let Messages { telemetry, commands, results, exporter } = self.messages;
        let counted = [
            (telemetry, "reports whose metrics were not passed on"),
            (commands, "commands that were not sent"),
            (results, "results that were not told"),
            (exporter, "reports of untrue metrics"),
        ];
        let messages = counted.into_iter().filter(|(count, _)| *count > 0);
        let all: Vec<String> =
            struck.into_iter().chain(messages.map(|(n, what)| format!("{n} {what}"))).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl ChaosLife {
    /// What is wrong with the run, if this did not land.
    pub(super) fn complaint(&self) -> Option<String> {
        let ChaosLife { kind, target, scheduled, .. } = self;
        (!self.landed).then(|| format!("{kind} on {target} in round {} did not land", scheduled.round))
    }
}

/// In how many messages of this round something of a fault was seen.
fn messages_about(round: &Round, fault: &Fault, server: ServerId) -> Messages {
    let report = round.reports()[server.index()].as_ref();
    let bus = fault.bus(round.world(), round.number());
    let touches = |kind| bus.is_some_and(|bus| bus.loses.contains(&kind) || bus.delays.contains(&kind));
    let is_unheard = report.is_some() && round.observation().servers[server.index()].age_rounds > 0;
    let untold = |astray: &&Astray| !round.results(astray.sre).iter().any(|it| it.request == astray.request);
    let astray = |kind| round.astray().iter().filter(move |it| it.kind == kind && it.server == server);
    let count = |kind, of: usize| if touches(kind) { of as u64 } else { 0 };
    let effect = &fault.kind(round.world()).effect;
    let tampers = effect.frozen_metrics || effect.false_metrics.is_some();
    Messages {
        telemetry: count(MessageKind::Telemetry, usize::from(is_unheard)),
        commands: count(MessageKind::Commands, astray(MessageKind::Commands).count()),
        results: count(MessageKind::Results, astray(MessageKind::Results).filter(untold).count()),
        exporter: u64::from(tampers && report.is_some_and(|report| !report.exporter.is_honest())),
    }
}
