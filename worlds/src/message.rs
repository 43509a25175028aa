//! What the round and the agents tell each other: ticks and reports, observations and decisions.
//!
//! One exchange of each a round. A server is told what reaches it and what holds for it, and
//! answers what became of it; an SRE is shown telemetry and answers what it thinks and wants. The
//! types are the proof that nobody peeks: nothing that an SRE is handed can hold a fault.
//!
//! ```text
//!  Round --- Tick --------> server        Round --- Observation ---> SRE
//!  Round <-- Report ------- server        Round <-- Decision ------- SRE
//! ```
//!
//! Before the first round each agent is handed its brief: [`ServerBrief`], [`SreBrief`].

use crate::arithmetic::LN_100;
use crate::chance::Key;
use crate::definition::{self, Role, Skill, SreKind, Threshold};
use crate::id::{ActionId, KindId, Name, ServerId, ServiceId};
use crate::per_service::PerService;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

// ---- servers ----------------------------------------------------------------------------------

/// All that a server process knows of the world: itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerBrief {
    /// Its name.
    pub name: Name,
    /// The key of its own dice.
    pub key: Key,
    /// What the world file says of it: the same in every run.
    pub machine: Arc<Machine>,
}

/// A server as the world file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// What all hosts have in common.
    pub host: definition::Host,
    /// Points of compute.
    pub cpu_capacity: f64,
    /// MB of memory.
    pub memory_capacity: f64,
    /// Seconds of a round.
    pub round_seconds: f64,
    /// A request that would wait longer is turned away, seconds.
    pub queue_limit_seconds: f64,
    /// What it runs, in the order in which ticks and reports list services.
    pub services: Vec<HostedService>,
}

/// A service as its host sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedService {
    /// Mean work of a request on one worker, seconds.
    pub work_seconds: f64,
    /// Memory of a request in flight, MB.
    pub memory_mb: f64,
    /// Present for a cache.
    pub cache: Option<definition::Cache>,
    /// Work of applying a replicated write, seconds.
    pub apply_seconds: f64,
}

/// To a server: the round begins; this reaches you, and this holds for you.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// The round, from 1.
    pub round: u32,
    /// What reaches each of its services.
    pub arrivals: PerService<Arrivals>,
    /// What faults and standing remedies make of the host.
    pub conditions: Conditions,
    /// What actions do to it at the start of this round, in order.
    pub commands: Vec<Command>,
}

/// Requests that reach one service of one server in one round. Retries are among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// Users' requests that read.
    pub reads: u32,
    /// Users' requests that write.
    pub writes: u32,
    /// Writes of a primary to be applied here.
    pub applies: u32,
    /// Requests of a flood, which nobody waits for.
    pub flood: u32,
}

impl Arrivals {
    /// Requests of all sorts together.
    pub fn all(&self) -> u32 {
        self.reads + self.writes + self.applies + self.flood
    }
}

/// What holds for a host during a round: effects of faults and of standing remedies, merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Background work takes the CPU to at least this, percent.
    pub cpu_floor: f64,
    /// Share of its speed that a worker keeps.
    pub capacity_factor: f64,
    /// How many times its workers it has (extra instances).
    pub workers_factor: f64,
    /// Points by which memory grows.
    pub memory_growth: f64,
    /// Disk in use is at least this, percent.
    pub disk_level: f64,
    /// How many times the work of a request.
    pub latency_factor: f64,
    /// Seconds that every answer takes longer.
    pub latency_added_seconds: f64,
    /// Share of requests that fail.
    pub error_rate: f64,
    /// For each of its services: held down by a fault.
    pub held_down: PerService<bool>,
    /// What becomes of its metrics before they leave it.
    pub exporter: Exporter,
}

/// What a server's exporter makes of its metrics; nothing, unless a fault is at work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exporter {
    /// It repeats what it sent last.
    pub frozen: bool,
    /// It sends these in place of the true ones.
    pub made_up: Option<Box<definition::FalseMetrics>>,
}

impl Exporter {
    /// Whether its metrics are true.
    pub fn is_honest(&self) -> bool {
        !self.frozen && self.made_up.is_none()
    }

    /// Adds made-up metrics; of two for one metric those that came last are told.
    pub fn make_up(&mut self, metrics: &definition::FalseMetrics) {
        let told = self.made_up.get_or_insert_default();
        let definition::FalseMetrics { cpu_usage, memory_usage, error_rate, latency_p99, disk_usage } =
            *metrics;
        told.cpu_usage = cpu_usage.or(told.cpu_usage);
        told.memory_usage = memory_usage.or(told.memory_usage);
        told.error_rate = error_rate.or(told.error_rate);
        told.latency_p99 = latency_p99.or(told.latency_p99);
        told.disk_usage = disk_usage.or(told.disk_usage);
    }
}

/// What an action does to its target when it acts: the parts of a remedy that happen inside a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Services that are down come back, and leaked memory is given back.
    pub restarts_services: bool,
    /// Leaked memory is given back.
    pub frees_leak: bool,
    /// Points of memory given back.
    pub frees_memory: f64,
    /// Caches come back empty.
    pub empties_cache: bool,
    /// Share of the round for which nothing is served.
    pub downtime: f64,
    /// Share of the round for which writes fail.
    pub write_downtime: f64,
}

/// From a server: what became of it in this round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The round that it answers.
    pub round: u32,
    /// CPU in use, percent.
    pub cpu_pct: f64,
    /// Memory in use, percent.
    pub memory_pct: f64,
    /// Of which leaked, points; none after the kernel killed the services.
    pub leaked_points: f64,
    /// Disk in use, percent.
    pub disk_pct: f64,
    /// First round in which services that the kernel killed at the end of this one, or earlier,
    /// run again; 0 when it killed none.
    pub killed_until: u32,
    /// The conditions as it met them: what it can bear witness of.
    pub met: Met,
    /// Each of its services.
    pub services: PerService<ServiceReport>,
    /// What it made of its metrics: a server that lies says so here, where SREs do not read.
    pub exporter: Exporter,
}

/// What of its conditions a server felt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// Background work took the CPU to this, percent.
    pub cpu_floor: f64,
    /// Share of its speed that a worker kept.
    pub capacity_factor: f64,
    /// Points that leaked in this round.
    pub memory_growth: f64,
    /// How many times the work of a request.
    pub latency_factor: f64,
    /// Seconds added to every answer.
    pub latency_added_seconds: f64,
    /// Share of requests made to fail.
    pub error_rate: f64,
}

/// What became of one service of a server in one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Running.
    pub up: bool,
    /// Share of reads answered without error here; what lies behind is not in it.
    pub read_success: f64,
    /// Share of writes answered without error here.
    pub write_success: f64,
    /// Of each share, what the cost of actions took: success would have been this much larger.
    pub read_harm: f64,
    /// As `read_harm`, for writes.
    pub write_harm: f64,
    /// Mean time from arrival to answer, seconds, without what lies behind.
    pub mean_seconds: f64,
    /// Its 99th percentile.
    pub p99_seconds: f64,
    /// Share of reads that a cache answers from memory; 0 for others.
    pub hit_ratio: f64,
}

/// To a server, between two rounds: a single request, of which somebody follows what becomes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Serve {
    /// The number of its probe, which the answer has as well.
    pub probe: u64,
    /// Which of the server's services is asked.
    pub slot: u32,
    /// Whether it writes.
    pub writes: bool,
    /// Draws from 0 to 1: whether it succeeds, how long it takes, whether it is answered from memory.
    pub luck: [f64; 3],
}

/// From a server: what became of a single request, by the state that the last round left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// The number of the probe that it answers.
    pub probe: u64,
    /// What became of it here; what lies behind is not in it.
    pub end: ServeEnd,
    /// A cache answered from memory.
    pub from_memory: bool,
    /// From its arrival to its answer, without what lies behind.
    pub seconds: f64,
}

/// What becomes of a single request at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServeEnd {
    /// It is answered.
    Answered,
    /// It is answered with an error, or turned away.
    Failed,
    /// The service does not run.
    Down,
}

impl Report {
    /// What becomes of a single request at one of the server's services, in a round that went like this. Before
    /// its first round a server runs none.
    pub fn serve(&self, request: &Serve) -> Served {
        let service = usize::try_from(request.slot).ok().and_then(|slot| self.services.get(slot));
        service.copied().unwrap_or_default().serve(request)
    }
}

impl ServiceReport {
    /// What becomes of a single request in a round that went like this. Shares are chances; the time is
    /// exponential through the 99th percentile, as [`crate::traffic`] takes it.
    fn serve(&self, request: &Serve) -> Served {
        let [success, time, memory] = request.luck;
        let share = if request.writes { self.write_success } else { self.read_success };
        let end = match self.up {
            false => ServeEnd::Down,
            true if success < share => ServeEnd::Answered,
            true => ServeEnd::Failed,
        };
        let seconds = if self.up { self.p99_seconds * -libm::log1p(-time) / LN_100 } else { 0.0 };
        let from_memory = end == ServeEnd::Answered && memory < self.hit_ratio;
        Served { probe: request.probe, end, from_memory, seconds }
    }
}

// ---- SREs -------------------------------------------------------------------------------------

/// All that an SRE knows before the first round: the architecture, the runbook, and itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SreBrief {
    /// Its name.
    pub name: Name,
    /// How it decides.
    pub kind: SreKind,
    /// How well, for the kind `rules`.
    pub skill: Option<Skill>,
    /// The key of its own dice, for the kind `rules`; minds that throw none are given none.
    pub key: Option<Key>,
    /// How many SREs of kind `rules` are on call, and which of them this is, from 0, by name.
    pub colleagues: Colleagues,
    /// Rounds of the run.
    pub rounds: u32,
    /// The last number that a request has; 0 before the first. The successor of an SRE that crashed goes
    /// on from there.
    pub last_request: RequestId,
    /// What is known of the world before the first round: the same in every run.
    pub runbook: Arc<Runbook>,
}

/// The architecture and the runbook of a world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    /// The machines.
    pub servers: Vec<ServerFacts>,
    /// The services.
    pub services: Vec<ServiceFacts>,
    /// Where users' requests enter.
    pub entry: ServiceId,
    /// Thresholds of the metrics, in the order of [`Metric::MEASURED`].
    pub thresholds: [Threshold; 5],
    /// What can go wrong, as a runbook lists it: the catalogue, not what happened.
    pub kinds: Vec<definition::ChaosKind>,
    /// What can be done.
    pub actions: Vec<definition::Action>,
    /// What holds for all actions.
    pub changes: definition::Changes,
    /// Simulated seconds of a round.
    pub round_seconds: f64,
}

/// Who shares the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleagues {
    /// Which of them this is, from 0, by name.
    pub position: u16,
    /// How many they are, at least 1.
    pub count: u16,
}

/// A machine as the architecture shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub kind: Name,
    /// What it runs.
    pub services: Vec<ServiceId>,
    /// Whether a second network path exists.
    pub backup_link: bool,
}

/// A service as the architecture shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Its name.
    pub name: Name,
    /// The services that it calls.
    pub calls: Vec<ServiceId>,
    /// Whether it is a cache.
    pub cache: bool,
}

/// To every SRE: what telemetry shows at the end of a round. It is the same for all of them; what
/// only one of them is told, the [`ActionResult`]s of its own requests, travels beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The round, from 1.
    pub round: u32,
    /// Each server, in the order of the brief.
    pub servers: Vec<ServerView>,
    /// Alerts that are open, oldest first.
    pub alerts: Vec<AlertView>,
    /// What cannot be asked again yet.
    pub cooldowns: Vec<Cooldown>,
}

/// A server as telemetry shows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerView {
    /// The last metrics that arrived; `None` before any did.
    pub metrics: Option<Metrics>,
    /// Rounds since they arrived; 0: this round's.
    pub age_rounds: u32,
    /// Whether they are too old to be trusted.
    pub stale: bool,
    /// Its part in a replicated service now.
    pub role: Option<Role>,
    /// Whether the balancer may send it traffic (a failover takes a server out until it is calm).
    pub in_rotation: bool,
    /// Rounds for which it takes no further action, because one is under way or just acted.
    pub settling_rounds: u32,
}

/// What a server's telemetry holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// CPU in use, percent.
    pub cpu_usage: f64,
    /// Memory in use, percent.
    pub memory_usage: f64,
    /// Requests that failed here or behind, percent.
    pub error_rate: f64,
    /// 99th percentile of the time to answer, with what lies behind, milliseconds.
    pub latency_p99: f64,
    /// Disk in use, percent.
    pub disk_usage: f64,
    /// Requests of the round that reached it, all services together.
    pub requests: u32,
    /// Its services that are down.
    pub services_down: u32,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// CPU in use, percent.
    CpuUsage,
    /// Memory in use, percent.
    MemoryUsage,
    /// Requests that failed, percent.
    ErrorRate,
    /// 99th percentile of the time to answer, milliseconds.
    LatencyP99,
    /// Disk in use, percent.
    DiskUsage,
    /// Services that are down, a count; always critical.
    ServicesDown,
    /// Rounds since metrics arrived; always critical.
    Staleness,
}

impl Metric {
    /// Those with thresholds in the world file, in its order.
    pub const MEASURED: [Metric; 5] =
        [Metric::CpuUsage, Metric::MemoryUsage, Metric::ErrorRate, Metric::LatencyP99, Metric::DiskUsage];

    /// All of them.
    pub const ALL: [Metric; 7] = [
        Metric::CpuUsage,
        Metric::MemoryUsage,
        Metric::ErrorRate,
        Metric::LatencyP99,
        Metric::DiskUsage,
        Metric::ServicesDown,
        Metric::Staleness,
    ];

    /// Whether it is about the host itself rather than about its answers.
    pub fn is_local(self) -> bool {
        !matches!(self, Metric::ErrorRate | Metric::LatencyP99)
    }

    /// The name used in world files and journals.
    pub fn name(self) -> &'static str {
        match self {
            Metric::CpuUsage => "cpu_usage",
            Metric::MemoryUsage => "memory_usage",
            Metric::ErrorRate => "error_rate",
            Metric::LatencyP99 => "latency_p99",
            Metric::DiskUsage => "disk_usage",
            Metric::ServicesDown => "services_down",
            Metric::Staleness => "staleness",
        }
    }
}

/// Some of the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricSet(u8);

impl MetricSet {
    /// These.
    pub const fn of(metrics: &[Metric]) -> Self {
        let (mut set, mut index) = (0, 0);
        while index < metrics.len() {
            set |= Self::bit(metrics[index]);
            index += 1;
        }
        Self(set)
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it has this one.
    pub fn contains(self, metric: Metric) -> bool {
        self.0 & Self::bit(metric) != 0
    }

    /// Whether it has one of those.
    pub fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Adds one.
    pub fn insert(&mut self, metric: Metric) {
        self.0 |= Self::bit(metric);
    }

    /// Takes one away.
    pub fn remove(&mut self, metric: Metric) {
        self.0 &= !Self::bit(metric);
    }

    const fn bit(metric: Metric) -> u8 {
        1 << metric as u8
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<M: IntoIterator<Item = Metric>>(metrics: M) -> Self {
        let mut set = Self::default();
        metrics.into_iter().for_each(|metric| set.insert(metric));
        set
    }
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Users are, or soon will be, hurt.
    Critical,
}

/// An alert's number, from 1 in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertId(pub u32);

/// An open alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertView {
    /// Its number.
    pub id: AlertId,
    /// The server that it is about.
    pub server: ServerId,
    /// What crossed its threshold.
    pub metric: Metric,
    /// How bad it is now.
    pub severity: Severity,
    /// The value now, in the metric's unit.
    pub value: f64,
    /// When it opened.
    pub opened_round: u32,
    /// When it opened or last became worse.
    pub since_round: u32,
    /// Whether an SRE acknowledged it.
    pub acknowledged: bool,
}

/// A number that an SRE gives its request, so that it knows the answer when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionResult {
    /// The request that it answers.
    pub request: RequestId,
    /// What was asked for.
    pub action: ActionId,
    /// Of which server.
    pub target: ServerId,
    /// What came of it.
    pub outcome: ActionOutcome,
}

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// Not carried out, at no cost.
    Refused(Refusal),
    /// Carried out in vain, at full cost.
    Failed(Failure),
    /// Carried out.
    Succeeded,
}

/// Why an action was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such action or server.
    Unknown,
    /// The SRE asked for more than `changes.actions_per_round`.
    TooMany,
    /// The target has no open alert, or none of those that the action needs.
    NoAlert,
    /// An action on the target is under way or just acted.
    Settling,
    /// Another action on the same target was asked for in the same round.
    Conflict,
    /// Too soon after the same action on the same target.
    Cooldown,
    /// A failover without a replica to promote or a backup link to switch to.
    NoStandby,
}

/// Why an action came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The dice: its success rate is below 1.
    Unlucky,
    /// The target was cut off when it should have acted, or its process was gone.
    Unreachable,
}

/// An action that cannot be asked for again yet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cooldown {
    /// The action.
    pub action: ActionId,
    /// Of this server.
    pub target: ServerId,
    /// Rounds left; 1: from the next round on.
    pub rounds_left: u32,
}

/// From an SRE: what it thinks and wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The round that it answers.
    pub round: u32,
    /// Alerts that somebody looks after now.
    pub acknowledged: Vec<AlertId>,
    /// What it holds to be wrong, and where.
    pub diagnoses: Vec<Diagnosis>,
    /// What it wants done.
    pub actions: Vec<ActionRequest>,
    /// Why there is less in it than its SRE may have meant; `None` for those that answer.
    pub lapse: Option<Lapse>,
    /// What the SRE says of its reasons, for people: see [`Decision::say`].
    pub note: String,
    /// Names of what does not exist, which numbers beyond those of servers, kinds and actions stand for.
    pub unknown: UnknownNames,
}

/// Characters of a note: as much as somebody reads of one round.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// Diagnoses of a decision: what a server's alerts come from is explained once.
pub const DIAGNOSES_PER_SERVER_MAX: usize = 1;

/// Acknowledgements of a decision: each metric of a server has one alert at a time.
pub const ALERTS_PER_SERVER_MAX: usize = Metric::ALL.len();

/// Whether there can be so many acknowledgements, diagnoses and actions to decide on a world of so many servers.
pub fn are_within_reason([acknowledged, diagnoses, actions]: [usize; 3], servers: usize) -> bool {
    acknowledged <= ALERTS_PER_SERVER_MAX * servers
        && diagnoses <= DIAGNOSES_PER_SERVER_MAX * servers
        && actions <= definition::limits::ACTIONS_PER_ROUND_MAX as usize
}

impl Decision {
    /// Makes it an empty decision on a round; what room it had it keeps.
    pub fn begin(&mut self, round: u32) {
        self.round = round;
        self.acknowledged.clear();
        self.diagnoses.clear();
        self.actions.clear();
        self.lapse = None;
        self.note.clear();
        self.unknown.0.clear();
    }

    /// Says something of its reasons: as much as is read, and on a line of one's own only what is meant to be.
    pub fn say(&mut self, note: &str) {
        self.note.clear();
        let shown = |letter: char| if is_noise(letter) && letter != '\n' { ' ' } else { letter };
        self.note.extend(note.chars().take(NOTE_CHARS_MAX).map(shown));
    }

    /// Whether it holds no more than there can be to decide on a world of so many servers.
    pub fn is_within_reason(&self, servers: usize) -> bool {
        let sizes = [self.acknowledged.len(), self.diagnoses.len(), self.actions.len()];
        are_within_reason(sizes, servers)
    }

    /// Whether what it says in words keeps to the limits of [`Decision::say`] and [`UnknownNames::keep`].
    pub fn is_well_put(&self) -> bool {
        let is_of = |text: &str, chars: usize| text.chars().nth(chars).is_none();
        is_of(&self.note, NOTE_CHARS_MAX)
            && !self.note.contains(|letter: char| is_noise(letter) && letter != '\n')
            && self.unknown.0.len() <= UNKNOWN_NAMES_MAX
            && self
                .unknown
                .0
                .iter()
                .all(|name| is_of(name, UNKNOWN_NAME_CHARS_MAX) && !name.contains(is_noise))
    }
}

/// What could move the cursor of a terminal, hide what stands beside it, or have it read in another order:
/// control characters, and those that only format (Unicode's categories Cc, Zl, Zp and most of Cf).
pub fn is_noise(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(letter, '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        || (u32::from(letter) & 0xfffe) == 0xfffe
}

/// Why a decision is empty, or holds less than was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// There was no answer in time, or nobody waited for it any longer.
    Late,
    /// What was said is no answer to this round.
    Malformed,
    /// Whoever should have answered is no longer there.
    Dead,
}

impl Lapse {
    /// The name used in journals.
    pub fn name(self) -> &'static str {
        match self {
            Lapse::Late => "late",
            Lapse::Malformed => "malformed",
            Lapse::Dead => "dead",
        }
    }
}

/// Names that were given and mean nothing, kept to be told as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownNames(Vec<String>);

/// Names that are kept of one decision: whoever gets more wrong than that is told of these.
pub const UNKNOWN_NAMES_MAX: usize = 64;

/// Characters that are kept of one: too many for it to be a name.
pub const UNKNOWN_NAME_CHARS_MAX: usize = definition::limits::NAME_CHARS_MAX + 1;

impl UnknownNames {
    /// Keeps a name; gives its position among them, or `None` where there is no room.
    pub fn keep(&mut self, name: &str) -> Option<usize> {
        let shown = |letter: char| if is_noise(letter) { char::REPLACEMENT_CHARACTER } else { letter };
        let name: String = name.chars().take(UNKNOWN_NAME_CHARS_MAX).map(shown).collect();
        let known = self.0.iter().position(|known| *known == name);
        known.or_else(|| {
            let has_room = self.0.len() < UNKNOWN_NAMES_MAX;
            has_room.then(|| {
                self.0.push(name);
                self.0.len() - 1
            })
        })
    }

    /// The name at a position.
    pub fn get(&self, position: usize) -> Option<&str> {
        self.0.get(position).map(String::as_str)
    }
}

/// A claim: this is what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The server whose alerts are explained.
    pub alerting: ServerId,
    /// The server at fault; another one when the cause is elsewhere.
    pub entity: ServerId,
    /// The kind of fault; `None` for "elsewhere", when the claim is only the place.
    pub cause: Option<KindId>,
}

/// A wish to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// The SRE's own number for it.
    pub request: RequestId,
    /// What to do.
    pub action: ActionId,
    /// With which server.
    pub target: ServerId,
    /// A slow hand: acts one round later than it could.
    pub late: bool,
}
