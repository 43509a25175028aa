//! Evidence: what was seen from outside of the faults that hit processes and messages.
//!
//! The model decides that such a fault comes and what follows from it; whether it really came is
//! seen here, in what does not come from the model: how the system says that a process ended or that
//! it stands still, and what is in the frames that were sent and received. A fault that the model
//! says was felt, and of which nothing was seen, did not land, and makes the run invalid.

use super::messages::Sighting;
use bus::wire::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Instant;
use worlds::definition::MessageKind;
use worlds::id::{AgentId, ServerId, SreId};
use worlds::incident::Fault;
use worlds::journal::FaultEnd;
use worlds::plan::RunPlan;
use worlds::process::{Revival, Strike};
use worlds::round::Round;

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
    frames: Frames,
}

/// Frames in which something of a fault was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Frames {
    /// Observations without the metrics of a round from a server whose report had come.
    pub telemetry: u64,
    /// Ticks, sent or due, without a command that was to be in them.
    pub commands: u64,
    /// Observations without the result of an action that had acted.
    pub results: u64,
    /// Reports that say their metrics are frozen or made up.
    pub exporter: u64,
}

impl Frames {
    fn all(&self) -> u64 {
        self.telemetry + self.commands + self.results + self.exporter
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
    /// Frames in which something of it was seen.
    pub frames: Frames,
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

    /// A process was struck. Without a sighting there was none that could be looked at.
    pub(super) fn struck(&mut self, strike: Strike, sighting: Option<Sighting>) {
        let after = self.now();
        let seen = self.seen_of(strike.fault, after);
        seen.witnessed_after_seconds = sighting.as_ref().filter(|it| it.is_so).map(|_| after);
        seen.struck = Some(sighting.unwrap_or_else(|| Sighting {
            is_so: false,
            how: "there was no process of this run to be struck".to_owned(),
        }));
    }

    /// A process runs again that a fault had struck.
    pub(super) fn revived(&mut self, round: &Round, revival: Revival, how: String) {
        let struck =
            |fault: &&Fault| fault.planned.target == revival.agent && self.seen.contains_key(&fault.id);
        if let Some(fault) = round.faults().iter().rev().find(struck) {
            let after = self.now();
            self.seen_of(fault.id, after).revived = Some(how);
        }
    }

    /// Looks through what was sent and received in a round that was observed.
    pub(super) fn look(&mut self, round: &Round) {
        for fault in round.faults_of_runtime() {
            let Some(server) = fault.planned.target.server() else { continue };
            let frames = frames_about(round, fault, server);
            let after = self.now();
            let seen = self.seen_of(fault.id, after);
            seen.frames.telemetry += frames.telemetry;
            seen.frames.commands += frames.commands;
            seen.frames.results += frames.results;
            seen.frames.exporter += frames.exporter;
            if frames.all() > 0 {
                seen.witnessed_after_seconds.get_or_insert(after);
            }
        }
    }

    /// A fault begins to hit.
    pub(super) fn injected(&mut self, fault: u32) {
        let after = self.now();
        self.seen_of(fault, after);
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
        let seen = self.seen.get(&fault.id).cloned().unwrap_or_default();
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
            landed: !fault.witnessed || witness.is_some(),
            witness,
            witnessed_after_seconds: seen.witnessed_after_seconds,
            frames: seen.frames,
            revived: seen.revived,
            ended: fault.end.map(|(round, how)| Ended { round, how }),
        }
    }
}

impl Seen {
    /// In words, if anything was seen.
    fn witness(&self) -> Option<String> {
        let struck = self.struck.as_ref().filter(|sighting| sighting.is_so).map(|it| it.how.clone());
        let Frames { telemetry, commands, results, exporter } = self.frames;
        let counted = [
            (telemetry, "observations without its metrics"),
            (commands, "ticks without a command"),
            (results, "observations without a result"),
            (exporter, "reports of untrue metrics"),
        ];
        let frames = counted.into_iter().filter(|(count, _)| *count > 0);
        let all: Vec<String> =
            struck.into_iter().chain(frames.map(|(n, what)| format!("{n} {what}"))).collect();
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

/// In how many frames of this round something of a fault was seen.
fn frames_about(round: &Round, fault: &Fault, server: ServerId) -> Frames {
    let report = round.reports()[server.index()].as_ref();
    let bus = fault.bus(round.world(), round.number());
    let touches = |kind| bus.is_some_and(|bus| bus.loses.contains(&kind) || bus.delays.contains(&kind));
    let astray = |kind| {
        let gone = round.astray().iter().filter(|other| **other == (server, kind));
        if touches(kind) { gone.count() as u64 } else { 0 }
    };
    let is_untold = report.is_some() && round.observation().servers[server.index()].age_rounds > 0;
    let tick = round.opening().ticks[server.index()].as_ref();
    let has_no_command = tick.is_none_or(|tick| tick.commands.is_empty());
    let sres = (0..round.sre_briefs().len()).map(SreId::from);
    let mut results = sres.flat_map(|sre| round.results(sre));
    let has_no_result = results.all(|result| result.target != server);
    let effect = &fault.kind(round.world()).effect;
    let tampers = effect.frozen_metrics || effect.false_metrics.is_some();
    Frames {
        telemetry: u64::from(touches(MessageKind::Telemetry) && is_untold),
        commands: if has_no_command { astray(MessageKind::Commands) } else { 0 },
        results: if has_no_result { astray(MessageKind::Results) } else { 0 },
        exporter: u64::from(tampers && report.is_some_and(|report| !report.exporter.is_honest())),
    }
}
