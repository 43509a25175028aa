//! One round, and what happened in it.

use super::Truth;
use worlds::definition::{GroupBy, MessageKind};
use worlds::id::Name;
use worlds::journal::{FaultEnd, Record};
use worlds::message::{ActionOutcome, Metric, Severity};
use worlds::outcome::Requests;

/// Things of one sort that are kept of a round: more than anybody reads, and few enough for a world of
/// thousands of servers.
pub(crate) const MOMENTS_OF_A_SORT_MAX: usize = 12;

/// A round with what happened in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    /// The round.
    pub round: u32,
    /// Users' requests of it.
    pub requests: Requests,
    /// What happened, in order.
    pub moments: Vec<Moment>,
    /// Moments of each sort, those that are not kept among them.
    counts: [u32; Sort::ALL.len()],
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Moment {
    /// Faults come together.
    Together { kind: Name, group: Option<(GroupBy, Name)>, targets: usize },
    /// A fault begins.
    FaultBegan { fault: u32, kind: Name, target: Name, service: Option<Name>, rounds: Option<u32> },
    /// A fault is over.
    FaultEnded { fault: u32, kind: Name, target: Name, how: FaultEnd },
    /// A message is late, or lost.
    Astray { message: MessageKind, server: Name, sre: Option<Name>, arrives_round: Option<u32> },
    /// An alert opened, or became worse.
    Alert { server: Name, metric: Metric, severity: Severity, value: f64 },
    /// An SRE said what was wrong.
    Diagnosed { sre: Name, alerting: Name, entity: Name, cause: Option<Name>, truth: Truth },
    /// An SRE's action was accepted.
    Asked { sre: Name, action: Name, target: Name, acts_round: u32 },
    /// An SRE's action was refused.
    Refused { sre: Name, action: Name, target: Name, outcome: ActionOutcome },
    /// An action was carried out.
    Acted { sre: Name, action: Name, target: Name, outcome: ActionOutcome },
    /// A process is gone without chaos having done it.
    AgentLost { agent: Name },
    /// It has a process again.
    AgentReturned { agent: Name },
}

/// What a moment is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Fault,
    Message,
    Alert,
    Diagnosis,
    Action,
    Agent,
}

impl Sort {
    /// In the order in which a round tells them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Agent, Self::Fault, Self::Message, Self::Alert, Self::Diagnosis, Self::Action];

    /// Several of them.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Fault => "faults",
            Self::Message => "messages",
            Self::Alert => "alerts",
            Self::Diagnosis => "diagnoses",
            Self::Action => "actions",
            Self::Agent => "processes",
        }
    }
}

impl Moment {
    /// What it is about.
    pub(crate) fn sort(&self) -> Sort {
        match self {
            Self::Together { .. } | Self::FaultBegan { .. } | Self::FaultEnded { .. } => Sort::Fault,
            Self::Astray { .. } => Sort::Message,
            Self::Alert { .. } => Sort::Alert,
            Self::Diagnosed { .. } => Sort::Diagnosis,
            Self::Asked { .. } | Self::Refused { .. } | Self::Acted { .. } => Sort::Action,
            Self::AgentLost { .. } | Self::AgentReturned { .. } => Sort::Agent,
        }
    }

    /// What a record tells, if a page tells it. `truth` is that of a diagnosis.
    fn of(record: &Record, truth: Option<&Truth>) -> Option<Self> {
        // Most records tell nothing here, and are not worth a copy.
        if !is_told(record) {
            return None;
        }
        Some(match record.clone() {
            Record::Volley { fault_kind, group, name, targets, .. } => {
                Self::Together { kind: fault_kind, group: group.zip(name), targets: targets.len() }
            }
            Record::FaultInjected { fault, fault_kind, target, service, rounds, .. } => {
                Self::FaultBegan { fault, kind: fault_kind, target, service, rounds }
            }
            Record::FaultEnded { fault, fault_kind, target, how, .. } => {
                Self::FaultEnded { fault, kind: fault_kind, target, how }
            }
            Record::MessageAstray { message, server, sre, arrives_round, .. } => {
                Self::Astray { message, server, sre, arrives_round }
            }
            Record::AlertOpened { server, metric, severity, value, .. }
            | Record::AlertChanged { server, metric, severity, value, .. } => {
                Self::Alert { server, metric, severity, value }
            }
            Record::Diagnosed { sre, alerting, entity, cause, .. } => {
                Self::Diagnosed { sre, alerting, entity, cause, truth: truth?.clone() }
            }
            Record::ActionAccepted { sre, action, target, acts_round, .. } => {
                Self::Asked { sre, action, target, acts_round }
            }
            Record::ActionRefused { sre, action, target, outcome, .. } => {
                Self::Refused { sre, action, target, outcome }
            }
            Record::ActionActed { sre, action, target, outcome, .. } => {
                Self::Acted { sre, action, target, outcome }
            }
            Record::AgentLost { agent, .. } => Self::AgentLost { agent },
            Record::AgentReturned { agent, .. } => Self::AgentReturned { agent },
            _ => return None,
        })
    }
}

/// Whether a page tells a record: not metrics that go astray, which they do every round, nor alerts that become
/// better.
fn is_told(record: &Record) -> bool {
    match record {
        Record::MessageAstray { message, .. } => *message != MessageKind::Telemetry,
        Record::AlertChanged { severity, .. } => *severity == Severity::Critical,
        record => matches!(
            record,
            Record::Volley { .. }
                | Record::FaultInjected { .. }
                | Record::FaultEnded { .. }
                | Record::AlertOpened { .. }
                | Record::Diagnosed { .. }
                | Record::ActionAccepted { .. }
                | Record::ActionRefused { .. }
                | Record::ActionActed { .. }
                | Record::AgentLost { .. }
                | Record::AgentReturned { .. }
        ),
    }
}

impl Page {
    /// A round in which nothing happened yet.
    pub(super) fn of(round: u32) -> Self {
        Self { round, ..Self::default() }
    }

    pub(super) fn note(&mut self, record: &Record, truth: Option<&Truth>) {
        let Some(moment) = Moment::of(record, truth) else { return };
        let count = &mut self.counts[moment.sort() as usize];
        *count += 1;
        if *count as usize <= MOMENTS_OF_A_SORT_MAX {
            self.moments.push(moment);
        }
    }

    /// Whether there is anything to tell of it.
    pub(super) fn tells_something(&self) -> bool {
        !self.moments.is_empty() || self.requests.good < self.requests.total
    }

    /// Moments of a sort that are not kept.
    pub(crate) fn left_out(&self, sort: Sort) -> u32 {
        self.counts[sort as usize].saturating_sub(MOMENTS_OF_A_SORT_MAX as u32)
    }
}
