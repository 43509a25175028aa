//! The journal: the ordered record of one run, and its hash, which names the run.
//!
//! JSON Lines, one [`Record`] a line, with a `kind` and a fixed order of fields. The BLAKE3 hash of
//! all that was written so far stands in each `round_closed` and in the last record, so that every
//! line is bound to those before it; the hash over everything is the run's. Nothing in it depends
//! on wall time, process ids, the way the run was carried out, or the order in which agents spoke.

mod decided;
mod line;

pub use decided::{Asked, Claimed, Decided};

use crate::arithmetic::round;
use crate::definition::{GroupBy, MessageKind, Role, SkillName, SreKind};
use crate::id::Name;
use crate::message::{ActionOutcome, Metric, RequestId, Severity};
use crate::outcome::{Incident, StopReason};
use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

/// One line of the journal. Rounds count from 1. Figures are rounded to three decimals by
/// [`figure`], so that lines stay readable.
///
/// Every line can be read back but those of incidents, which leave out what follows from the rounds before
/// them: whoever reads a journal finds them whole in the result of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "fields are named after what they hold; units are in the names or in `Metrics`"
)]
pub enum Record {
    /// What was run.
    Header {
        schema: u32,
        world: Name,
        world_hash: String,
        seed: u64,
        chaos_level: Name,
        rounds: u32,
        sres: Vec<SreHeader>,
    },
    /// A round begins, and this many users' requests come.
    RoundOpened { round: u32, requests: u64 },
    /// An action decided earlier was carried out at the start of this round.
    ActionActed {
        round: u32,
        sre: Name,
        request: RequestId,
        action: Name,
        target: Name,
        outcome: ActionOutcome,
    },
    /// Faults come together: those that begin now follow, others later if they come one after another.
    /// `group` and `name` are what the targets have in common, `null` if nothing but that they can be hit.
    Volley { round: u32, fault_kind: Name, group: Option<GroupBy>, name: Option<Name>, targets: Vec<Name> },
    /// A message about a server is late, or lost (`arrives_round` is `null`). Commands and results are
    /// of an SRE's request.
    MessageAstray {
        round: u32,
        message: MessageKind,
        server: Name,
        sre: Option<Name>,
        request: Option<RequestId>,
        arrives_round: Option<u32>,
    },
    /// A fault begins; an SRE that it hits is given as on the bus, `sre-oncall`. `rounds` is how long it
    /// lasts if nobody acts; `null` when it stays until cured.
    FaultInjected {
        round: u32,
        fault: u32,
        fault_kind: Name,
        target: Name,
        service: Option<Name>,
        rounds: Option<u32>,
    },
    /// What became of a server in this round, as it is (telemetry may not show it).
    Server {
        round: u32,
        server: Name,
        status: Status,
        health: u32,
        cpu_usage: f64,
        memory_usage: f64,
        error_rate: f64,
        latency_p99: f64,
        disk_usage: f64,
        requests: u32,
        services_down: u32,
        reachable: bool,
        in_rotation: bool,
        role: Option<Role>,
    },
    /// A metric crossed its threshold.
    AlertOpened { round: u32, alert: u32, server: Name, metric: Metric, severity: Severity, value: f64 },
    /// An open alert became better or worse without closing.
    AlertChanged { round: u32, alert: u32, server: Name, metric: Metric, severity: Severity, value: f64 },
    /// A metric is calm again.
    AlertClosed { round: u32, alert: u32, server: Name, metric: Metric, value: f64 },
    /// An SRE looks after an alert.
    AlertAcknowledged { round: u32, alert: u32, sre: Name },
    /// What an SRE of kind `exec` decided; what follows from it comes below.
    Decided(Decided),
    /// An SRE claims to know what is wrong.
    Diagnosed { round: u32, sre: Name, alerting: Name, entity: Name, cause: Option<Name> },
    /// An SRE's action was accepted; it acts at the start of `acts_round`.
    ActionAccepted { round: u32, sre: Name, request: RequestId, action: Name, target: Name, acts_round: u32 },
    /// An SRE's action was refused. What does not exist is given by its number, as `#7`.
    ActionRefused {
        round: u32,
        sre: Name,
        request: RequestId,
        action: Name,
        target: Name,
        outcome: ActionOutcome,
    },
    /// A fault that telemetry could see for the first time.
    FaultWitnessed { round: u32, fault: u32 },
    /// A fault is over: cured by an action, or by itself.
    FaultEnded { round: u32, fault: u32, fault_kind: Name, target: Name, how: FaultEnd },
    /// An agent's process is gone without chaos having done it; the run is invalid.
    AgentLost { round: u32, agent: Name },
    /// An agent that was lost has a process again, in its initial state, from this round on.
    AgentReturned { round: u32, agent: Name },
    /// A round is over: requests of this round, and the hash of the journal up to here.
    RoundClosed { round: u32, total: u64, good: u64, burn_rate: f64, hash: String },
    /// The warm-up is over: what users got in it, alerts that opened, and whether the world is in order.
    SteadyState { round: u32, total: u64, good: u64, alerts: u32, held: bool },
    /// The run did more harm than its drill allows: this was its last round.
    RunStopped { round: u32, reason: StopReason, value_pct: f64, limit_pct: f64 },
    /// An incident, with all its times, when the run is over.
    #[serde(skip_deserializing)]
    Incident {
        #[serde(serialize_with = "incident_line")]
        incident: Incident,
    },
    /// What an SRE did over the whole run, when the run is over.
    SreAccount {
        sre: Name,
        harm_requests: u64,
        unneeded_actions: u32,
        diagnosis: crate::outcome::DiagnosisCounts,
    },
    /// The run is over.
    RunEnded {
        rounds: u32,
        total: u64,
        good: u64,
        availability_pct: f64,
        sla_target_pct: f64,
        capacity_held: f64,
        utility: f64,
        simulated_minutes: f64,
        hash: String,
    },
}

/// An incident as the journal has it: it does not repeat what follows from the rounds before it.
fn incident_line<S: Serializer>(incident: &Incident, serializer: S) -> Result<S::Ok, S::Error> {
    let mut line = serializer.serialize_struct("Incident", 11)?;
    line.serialize_field("id", &incident.id)?;
    line.serialize_field("kind", &incident.kind)?;
    line.serialize_field("target", &incident.target)?;
    line.serialize_field("onset_round", &incident.onset_round)?;
    line.serialize_field("detected_round", &incident.detected_round)?;
    line.serialize_field("acknowledged_round", &incident.acknowledged_round)?;
    line.serialize_field("first_action_round", &incident.first_action_round)?;
    line.serialize_field("diagnosed_round", &incident.diagnosed_round)?;
    line.serialize_field("mitigated_round", &incident.mitigated_round)?;
    line.serialize_field("resolved_round", &incident.resolved_round)?;
    line.serialize_field("resolution", &incident.resolution)?;
    line.end()
}

/// An SRE in the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in the world file")]
pub struct SreHeader {
    pub name: Name,
    #[serde(rename = "type")]
    pub kind: SreKind,
    pub skill: Option<SkillName>,
}

/// How a server looks on the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Health above 80.
    Ok,
    /// Health above 50.
    Warn,
    /// Health 50 or less.
    Crit,
    /// Cut off, or its process is gone: health 0.
    Down,
}

/// How a fault ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FaultEnd {
    /// An action cured it.
    Remedied,
    /// Its time was over, or a supervisor or the kernel ended it.
    Expired,
}

/// A figure as journals show it: three decimals.
pub fn figure(value: f64) -> f64 {
    round(value * 1000.0) / 1000.0
}

/// Lines are hashed together, some or all of a round's at a time, and at the latest when there are so
/// many bytes of them: hashing is fastest in large pieces, and these stay in the processor's cache.
const UNHASHED_BYTES_MAX: usize = 64 * 1024;

/// Writes records down and keeps the hash.
#[derive(Debug, Default)]
pub struct Journal {
    hasher: blake3::Hasher,
    /// Lines that were written and are not hashed yet.
    unhashed: Vec<u8>,
}

impl Journal {
    /// A journal in which nothing is written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes one record: the returned line, with its line end, is what a file should hold next.
    pub fn write(&mut self, record: &Record) -> &[u8] {
        if self.unhashed.len() > UNHASHED_BYTES_MAX {
            self.catch_up();
        }
        let start = self.unhashed.len();
        if !line::write(record, &mut self.unhashed) {
            serde_json::to_writer(&mut self.unhashed, record)
                .expect("a record has only string keys and finite figures");
        }
        self.unhashed.push(b'\n');
        &self.unhashed[start..]
    }

    /// Another run begins: nothing is written.
    pub fn restart(&mut self) {
        self.hasher.reset();
        self.unhashed.clear();
    }

    /// Hashes what was written and is not hashed yet.
    pub fn catch_up(&mut self) {
        self.hasher.update(&self.unhashed);
        self.unhashed.clear();
    }

    /// The hash of everything written so far, in lower-case hexadecimal.
    pub fn hash(&mut self) -> String {
        self.catch_up();
        self.hasher.finalize().to_hex().to_string()
    }
}
