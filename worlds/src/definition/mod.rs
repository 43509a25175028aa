//! The world file: every rule of a world that a user may change, as data.
//!
//! [`Definition`] is the shape of the TOML file, one struct a table, and the source of its JSON
//! Schema ([`schema`]). Ranges of single values stand here, once, as attributes: they go into the
//! schema, and [`load::parse`] holds a file against it. Whether what was written makes sense
//! together (names that exist, graphs without a cycle, a standby for a failover) is decided by
//! [`check`], and what follows from it (indices, call order, who stands in for whom) is worked out
//! once by [`crate::topology`].
//!
//! Effects of faults and remedies of actions are composed from two closed vocabularies, [`Effect`]
//! and [`Remedy`], so that a new kind of fault or a new action is a few lines of TOML and no code.
//!
//! Every key changes the run; `description` keys are the exception, they are for people.

pub mod builtin;
pub mod check;
pub mod generate;
pub mod limits;
pub mod load;
pub mod schema;

pub use documents::diagnostic::{Diagnostic, Severity};
pub use documents::findings::Problem;
pub use documents::key_path::KeyPath;
pub use documents::nearest;
pub use load::{Checked, parse};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole world file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What this world is, for people: shown in the console's header and in `world worlds list`.
    #[serde(default)]
    #[schemars(length(max = limits::DESCRIPTION_CHARS_MAX))]
    pub description: String,
    /// How many rounds a run has unless the command line says otherwise.
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub rounds: u32,
    /// Simulated seconds that one round stands for.
    #[schemars(range(min = 0.001, max = 86_400.0))]
    pub round_seconds: f64,
    /// The promised share of good requests, in percent. Also the objective that a single round is
    /// held against when an incident counts as mitigated.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub sla_target: f64,
    /// Users' requests and how they are carried.
    pub traffic: Traffic,
    /// What all hosts have in common.
    pub host: Host,
    /// When a metric is worth an alert.
    pub metrics: Metrics,
    /// How alerts open and close, and when telemetry is too old.
    pub alerts: Alerts,
    /// What runs on servers, by name.
    #[schemars(extend("maxProperties" = limits::SERVICES_MAX, "propertyNames" = { "pattern": limits::NAME_PATTERN, "maxLength": limits::NAME_CHARS_MAX }))]
    pub services: BTreeMap<String, Service>,
    /// The machines. Each is one process.
    #[schemars(length(min = 1, max = limits::SERVERS_MAX))]
    pub servers: Vec<Server>,
    /// What each `--chaos-level` multiplies the probabilities of faults by.
    pub chaos_levels: ChaosLevels,
    /// The kinds of faults.
    #[serde(default)]
    #[schemars(length(max = limits::KINDS_MAX))]
    pub chaos: Vec<ChaosKind>,
    /// The remediations that an SRE may ask for.
    #[serde(default)]
    #[schemars(length(max = limits::ACTIONS_MAX))]
    pub actions: Vec<Action>,
    /// What holds for all actions.
    pub changes: Changes,
    /// How well the rule-based SREs work.
    pub skills: Skills,
    /// What the score charges for.
    pub score: Score,
    /// The SREs of this world; one of kind `rules` named `oncall` when there are none.
    #[serde(default)]
    #[schemars(length(max = limits::SRES_MAX))]
    pub sre: Vec<Sre>,
}

/// Users' requests: how many come, where they enter, and how a call is carried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// The service at which users' requests arrive.
    pub entry: String,
    /// Requests in a round, before noise.
    #[schemars(range(min = 1.0, max = limits::REQUESTS_MAX))]
    pub base: f64,
    /// Each round's requests are `base` times a uniform draw from this range.
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub noise: [f64; 2],
    /// Share of requests that write, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub write_share: f64,
    /// Retries on the next member, as a share of the first attempts, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub retry_budget: f64,
    /// A request that would wait longer than this in a server's queue is turned away.
    #[schemars(range(min = 0.0, max = limits::MILLISECONDS_MAX))]
    pub queue_limit_ms: f64,
}

/// What all hosts have in common: where their resources start, and what running short does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// CPU that the host itself needs, percent; drawn once a server from this range.
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub background_cpu: [f64; 2],
    /// Memory in use at the start, percent; drawn once a server from this range.
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub memory: [f64; 2],
    /// Disk in use at the start, percent; drawn once a server from this range.
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub disk: [f64; 2],
    /// Points of `cpu_capacity` that make one worker.
    #[schemars(range(max = limits::CPU_MAX), extend("exclusiveMinimum" = 0.0))]
    pub cpu_per_worker: f64,
    /// Memory in use, percent, from which a host pages and its services slow down.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub memory_slow_from: f64,
    /// How many times slower services are when memory reaches `memory_oom_at`.
    #[schemars(range(min = 1.0, max = limits::FACTOR_MAX))]
    pub memory_slow_factor: f64,
    /// Memory in use, percent, at which the kernel kills the services.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub memory_oom_at: f64,
    /// Disk in use, percent, from which writes through this server fail.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub disk_full_at: f64,
    /// Rounds until the supervisor brings back a service that went down.
    #[schemars(range(max = limits::ROUNDS_MAX))]
    pub supervisor_rounds: u32,
}

/// The thresholds of the five metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// CPU in use, percent.
    pub cpu_usage: Threshold,
    /// Memory in use, percent.
    pub memory_usage: Threshold,
    /// Requests that failed at this server or behind it, percent.
    pub error_rate: Threshold,
    /// 99th percentile of the time to answer, with what lies behind, milliseconds.
    pub latency_p99: Threshold,
    /// Disk in use, percent.
    pub disk_usage: Threshold,
}

/// The two thresholds of one metric, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// A warning opens here.
    #[schemars(range(max = limits::MILLISECONDS_MAX), extend("exclusiveMinimum" = 0.0))]
    pub warning: f64,
    /// A critical alert opens here.
    #[schemars(range(max = limits::MILLISECONDS_MAX), extend("exclusiveMinimum" = 0.0))]
    pub critical: f64,
}

/// How alerts live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// An alert closes when its metric falls below this share of the warning threshold, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub close_ratio: f64,
    /// Rounds for which a server's metrics count as fresh. 1: those of this round only.
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub telemetry_ttl_rounds: u32,
}

/// A program that runs on servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Mean work of one request on one worker, milliseconds. 0 for a client that others call
    /// through (see [`Call::via`]).
    #[serde(default)]
    #[schemars(range(min = 0.0, max = limits::MILLISECONDS_MAX))]
    pub work_ms: f64,
    /// A caller waits this long for an answer, milliseconds.
    #[serde(default = "default_timeout_ms")]
    #[schemars(range(min = limits::MILLISECONDS_MIN, max = limits::MILLISECONDS_MAX))]
    pub timeout_ms: f64,
    /// Memory that a request holds while it waits or is worked on, MB.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = limits::MEMORY_MB_MAX))]
    pub memory_mb: f64,
    /// What an answer needs from other services.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Present for a cache.
    #[serde(default)]
    pub cache: Option<Cache>,
    /// Present for a service whose members are one primary and its replicas.
    #[serde(default)]
    pub replication: Option<Replication>,
}

fn default_timeout_ms() -> f64 {
    3000.0
}

/// One service needs another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The service called.
    pub to: String,
    /// Which requests make this call.
    #[serde(default)]
    pub on: CallOn,
    /// A cache that is asked first: only its misses, and what it fails to answer, come here.
    #[serde(default)]
    pub behind: Option<String>,
    /// A client on the caller's own server that the call goes through; without it the call fails.
    #[serde(default)]
    pub via: Option<String>,
}

/// Which requests make a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallOn {
    /// Every request.
    #[default]
    All,
    /// Requests that read.
    Reads,
    /// Requests that write.
    Writes,
}

/// A service that answers from memory what it can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Share of reads answered by a warm cache, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub hit_ratio: f64,
    /// Share of what is missing from `hit_ratio` that a round of traffic refills, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub refill: f64,
}

/// A service with a primary that takes the writes, and replicas that apply them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// Work of applying a write on a replica, as a share of the work of the write.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub apply_cost: f64,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its name, unique in the world: letters, digits, `-`, `_` and `.`, at most 40.
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub name: String,
    /// What sort of machine it is (`web`, `api`, `database`, ...). Faults choose targets by it.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub kind: String,
    /// What it runs.
    #[schemars(length(min = 1, max = limits::SERVICES_MAX))]
    pub services: Vec<String>,
    /// Compute, in points; `host.cpu_per_worker` of them make a worker.
    #[schemars(range(max = limits::CPU_MAX), extend("exclusiveMinimum" = 0.0))]
    pub cpu_capacity: f64,
    /// Memory, MB.
    #[schemars(range(min = 1.0, max = limits::MEMORY_MB_MAX))]
    pub memory_capacity: f64,
    /// Its part in a replicated service.
    #[serde(default)]
    pub role: Option<Role>,
    /// Whether a second network path exists that a failover can switch to.
    #[serde(default)]
    pub backup_link: bool,
    /// Where it stands: servers of one zone can fail together (see [`Group`]).
    #[serde(default)]
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub zone: Option<String>,
}

/// A member's part in a replicated service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes writes and reads.
    Primary,
    /// Applies writes, takes reads, can be promoted.
    Replica,
}

/// Multipliers of the probabilities of faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the levels of the command line")]
pub struct ChaosLevels {
    #[schemars(range(min = 0.0, max = limits::LEVEL_MAX))]
    pub off: f64,
    #[schemars(range(min = 0.0, max = limits::LEVEL_MAX))]
    pub low: f64,
    #[schemars(range(min = 0.0, max = limits::LEVEL_MAX))]
    pub medium: f64,
    #[schemars(range(min = 0.0, max = limits::LEVEL_MAX))]
    pub high: f64,
    #[schemars(range(min = 0.0, max = limits::LEVEL_MAX))]
    pub extreme: f64,
}

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChaosKind {
    /// Its name, unique among kinds.
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub name: String,
    /// For people.
    #[serde(default)]
    #[schemars(length(max = limits::DESCRIPTION_CHARS_MAX))]
    pub description: String,
    /// Chance in a round, 0 to 1, before the level multiplies it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Full rounds that it lasts, at least 1.
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub rounds: u32,
    /// Works at half strength in its first round.
    #[serde(default)]
    pub gradual: bool,
    /// Whom it hits.
    #[serde(default)]
    pub hits: Hits,
    /// Server types that it can hit; all when empty.
    #[serde(default)]
    pub types: Vec<String>,
    /// Server types that it never hits.
    #[serde(default)]
    pub except_types: Vec<String>,
    /// Present for a kind that hits servers which have something in common, together.
    #[serde(default)]
    pub group: Option<Group>,
    /// Present for a kind that hits several servers: how many, and how fast.
    #[serde(default)]
    pub spread: Option<Spread>,
    /// What it does to its target.
    pub effect: Effect,
}

impl ChaosKind {
    /// Whether servers of this type are among those that it can hit.
    pub fn can_hit(&self, server_type: &str) -> bool {
        let named = |types: &[String]| types.iter().any(|name| name == server_type);
        self.hits == Hits::Servers
            && (self.types.is_empty() || named(&self.types))
            && !named(&self.except_types)
    }
}

/// Whom a kind of fault hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hits {
    /// Servers.
    #[default]
    Servers,
    /// SREs: only their processes can be hit.
    Sres,
}

/// Servers that a fault hits together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What they have in common.
    pub by: GroupBy,
    /// Which zone, service or type; drawn, each alike, when it is left out.
    #[serde(default)]
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub name: Option<String>,
}

/// What servers have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// They stand in one zone.
    Zone,
    /// They run one service. A fault that takes a service down takes this one.
    Service,
    /// They are of one type.
    Type,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [GroupBy; 3] = [GroupBy::Zone, GroupBy::Service, GroupBy::Type];

    /// The name used in world files, journals and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            GroupBy::Zone => "zone",
            GroupBy::Service => "service",
            GroupBy::Type => "type",
        }
    }
}

/// How many servers a fault hits, and how fast. Which ones, and in which order, is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// At most so many, at least 1; all of the group when it is left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = limits::SERVERS_MAX))]
    pub servers: Option<u32>,
    /// Rounds from one to the next; 0: all at once.
    #[serde(default)]
    #[schemars(range(max = limits::APART_ROUNDS_MAX))]
    pub apart: u32,
}

/// What a fault does to its target: one or more of a closed vocabulary. Of levels that overlap the
/// highest holds, factors multiply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// Background work takes the CPU to at least this many percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub cpu_floor: Option<f64>,
    /// Services keep this share of their capacity, 0.001 to 1.
    #[serde(default)]
    #[schemars(range(min = limits::CAPACITY_FACTOR_MIN, max = 1.0))]
    pub capacity_factor: Option<f64>,
    /// Memory grows by this many points each round; what leaked stays until a restart or a cure.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub memory_growth: Option<f64>,
    /// Disk in use is at least this many percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub disk_level: Option<f64>,
    /// Cut off: no traffic, no metrics, no commands.
    #[serde(default)]
    pub unreachable: bool,
    /// One of its services goes down, and stays down for `host.supervisor_rounds` more rounds.
    #[serde(default)]
    pub service_down: bool,
    /// A flood beside the users' requests makes arrivals this many times what they were.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = limits::FACTOR_MAX))]
    pub traffic_factor: Option<f64>,
    /// A request takes this many times the work.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = limits::FACTOR_MAX))]
    pub latency_factor: Option<f64>,
    /// Milliseconds that every answer takes longer, without work.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = limits::MILLISECONDS_MAX))]
    pub latency_added_ms: Option<f64>,
    /// Share of requests that fail, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub error_rate: Option<f64>,
    /// Its process dies, or stands still. No other effect can stand beside it.
    #[serde(default)]
    pub process: Option<ProcessEffect>,
    /// What is said to and by it goes astray on the bus.
    #[serde(default)]
    pub bus: Option<BusEffect>,
    /// Its metrics are those that arrived last before the fault, sent again and again as if they were new.
    #[serde(default)]
    pub frozen_metrics: bool,
    /// Its metrics are made up: these are sent in place of the true ones.
    #[serde(default)]
    pub false_metrics: Option<FalseMetrics>,
}

impl Effect {
    /// Whether it works on what runs the world, processes and messages, rather than on hosts.
    pub fn is_of_runtime(&self) -> bool {
        self.process.is_some() || self.bus.is_some() || self.frozen_metrics || self.false_metrics.is_some()
    }
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProcessEffect {
    /// It is killed. When the fault is over a new one is started, which begins in its initial state.
    Killed,
    /// It is stopped, and goes on where it stood when the fault is over.
    Paused,
}

/// Messages about a server that do not arrive, or arrive late. Ticks and reports are no such
/// messages: they carry the simulation, and always pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BusEffect {
    /// These are lost.
    #[serde(default)]
    pub loses: Vec<MessageKind>,
    /// These are late.
    #[serde(default)]
    pub delays: Vec<MessageKind>,
    /// By how many rounds.
    #[serde(default = "default_delay_rounds")]
    #[schemars(range(min = 1, max = limits::DELAY_ROUNDS_MAX))]
    pub delay_rounds: u32,
}

fn default_delay_rounds() -> u32 {
    1
}

/// What a server and an SRE tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The server's metrics.
    Telemetry,
    /// Actions, on their way to the server. One that is lost fails as `unreachable`.
    Commands,
    /// What became of them, on its way to the SRE.
    Results,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [MessageKind; 3] = [MessageKind::Telemetry, MessageKind::Commands, MessageKind::Results];
}

/// Metrics that a server makes up; those that are left out stay true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FalseMetrics {
    /// CPU in use, percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub cpu_usage: Option<f64>,
    /// Memory in use, percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub memory_usage: Option<f64>,
    /// Requests that failed, percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub error_rate: Option<f64>,
    /// 99th percentile of the time to answer, milliseconds.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = limits::MILLISECONDS_MAX))]
    pub latency_p99: Option<f64>,
    /// Disk in use, percent.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub disk_usage: Option<f64>,
}

impl FalseMetrics {
    /// All of them, in the order of [`Metric::MEASURED`](crate::message::Metric::MEASURED).
    pub fn values(&self) -> [Option<f64>; 5] {
        [self.cpu_usage, self.memory_usage, self.error_rate, self.latency_p99, self.disk_usage]
    }
}

/// A remediation that an SRE may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Its name, unique among actions.
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub name: String,
    /// For people.
    #[serde(default)]
    #[schemars(length(max = limits::DESCRIPTION_CHARS_MAX))]
    pub description: String,
    /// Chance to succeed, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_rate: f64,
    /// Rounds after it acted during which it cannot be asked again for the same target.
    #[schemars(range(max = limits::ROUNDS_MAX))]
    pub cooldown: u32,
    /// Only on a target with an open alert on one of these metrics; any alert when empty.
    #[serde(default)]
    #[schemars(extend("items" = { "type": "string", "enum": schema::alert_metrics() }))]
    pub alerts: Vec<String>,
    /// Works from outside the target, so it also reaches a server that is cut off.
    #[serde(default)]
    pub out_of_band: bool,
    /// What it does when it succeeds.
    #[serde(default)]
    pub remedy: Remedy,
    /// What it takes, also when it fails.
    #[serde(default)]
    pub cost: Cost,
}

/// What an action does when it succeeds: one or more of a closed vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// Kinds of faults that end at once on the target.
    #[serde(default)]
    pub cures: Vec<String>,
    /// Services that are down come back, leaked memory is given back, and a process that is gone or
    /// stands still is replaced by a new one.
    #[serde(default)]
    pub restarts_services: bool,
    /// Points of memory given back.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub frees_memory: f64,
    /// More instances on the same host.
    #[serde(default)]
    pub adds_capacity: Option<AddsCapacity>,
    /// Requests are dropped at the door.
    #[serde(default)]
    pub limits_traffic: Option<LimitsTraffic>,
    /// A replica is promoted in the target's place, which is taken out of rotation until calm.
    #[serde(default)]
    pub promotes_replica: bool,
    /// A server that is cut off, or whose messages go astray, is reached by its backup link.
    #[serde(default)]
    pub uses_backup_link: bool,
}

/// More instances on the same host: they share its fate, and its price is capacity held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddsCapacity {
    /// How many times the capacity there is then.
    #[schemars(range(min = 1.0, max = limits::FACTOR_MAX))]
    pub factor: f64,
    /// Rounds until it is there, after the action acted.
    #[schemars(range(max = limits::ROUNDS_MAX))]
    pub delay: u32,
    /// Rounds for which it is there.
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub rounds: u32,
}

/// Dropping requests at the door, for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsTraffic {
    /// Share of a flood that is dropped, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub flood_dropped: f64,
    /// Share of users' requests that is dropped with it, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub users_dropped: f64,
    /// Rounds for which it holds.
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub rounds: u32,
}

/// What an action takes, also when it fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Share of a round for which the target serves nothing, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub downtime: f64,
    /// Share of a round for which writes fail at the target, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub write_downtime: f64,
    /// Caches on the target come back empty.
    #[serde(default)]
    pub empties_cache: bool,
}

/// What holds for all actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Actions that one SRE may ask for in one round.
    #[schemars(range(min = 1, max = limits::ACTIONS_PER_ROUND_MAX))]
    pub actions_per_round: u32,
    /// Rounds of rest for a target after an action acted on it.
    #[schemars(range(max = limits::ROUNDS_MAX))]
    pub pause_rounds: u32,
}

/// The skills of rule-based SREs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the skills of the command line")]
pub struct Skills {
    pub junior: Skill,
    pub mid: Skill,
    pub senior: Skill,
}

impl Skills {
    /// The skill of this name.
    pub fn of(&self, name: SkillName) -> &Skill {
        match name {
            SkillName::Junior => &self.junior,
            SkillName::Mid => &self.mid,
            SkillName::Senior => &self.senior,
        }
    }
}

/// How well a rule-based SRE works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// Chance to name the most plausible cause, 0 to 1; another plausible one otherwise.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub accuracy: f64,
    /// Chance that an action acts in the next round, 0 to 1; one round later otherwise.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub speed: f64,
    /// More open critical alerts that nobody acknowledged than this halve accuracy and speed, and
    /// the order of work is lost.
    #[schemars(range(max = limits::PANIC_THRESHOLD_MAX))]
    pub panic_threshold: u32,
}

/// What the score charges for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Points of availability charged for holding, for the whole run, as much extra capacity as
    /// the world has.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub capacity_price: f64,
}

/// An SRE of this world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sre {
    /// Its name, unique among SREs.
    #[schemars(regex(pattern = limits::NAME_PATTERN), length(max = limits::NAME_CHARS_MAX))]
    pub name: String,
    /// How it decides.
    #[serde(default)]
    pub kind: SreKind,
    /// How well, for the kind `rules`.
    #[serde(default)]
    pub skill: Option<SkillName>,
}

/// How an SRE decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SreKind {
    /// Reads symptoms and follows the runbook.
    #[default]
    Rules,
    /// Does nothing: what the world does by itself.
    None,
    /// Knows the faults: about the best that the actions allow. Runs in the director.
    Oracle,
    /// Exploit: restarts whatever alerts.
    RestartAll,
    /// Exploit: limits the traffic of whatever alerts.
    LimitAll,
    /// Exploit: fails over whatever alerts, for ever.
    FailOverAll,
    /// Exploit: rolls back whatever alerts.
    RollBackAll,
    /// Exploit: scales up whatever alerts.
    ScaleAll,
    /// Exploit: takes every action that it may, by turns.
    Everything,
    /// Exploit: acknowledges every alert, and does nothing about it.
    AcknowledgeAll,
    /// Exploit: names every cause there is, and asks for what nobody needs.
    FloodPages,
    /// Any program, which a command line or a scenario names; not for world files.
    Exec,
}

impl SreKind {
    /// All that come with this program, with the names that command lines and files use.
    pub const ALL: [(&'static str, SreKind); 11] = [
        ("rules", SreKind::Rules),
        ("none", SreKind::None),
        ("oracle", SreKind::Oracle),
        ("restart_all", SreKind::RestartAll),
        ("limit_all", SreKind::LimitAll),
        ("fail_over_all", SreKind::FailOverAll),
        ("roll_back_all", SreKind::RollBackAll),
        ("scale_all", SreKind::ScaleAll),
        ("everything", SreKind::Everything),
        ("acknowledge_all", SreKind::AcknowledgeAll),
        ("flood_pages", SreKind::FloodPages),
    ];

    /// The name that command lines and files use.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("exec", |(name, _)| name)
    }

    /// Whether it tries to win by a trick: see [`crate::sre::exploit`].
    pub fn is_exploit(self) -> bool {
        use SreKind as Kind;
        match self {
            Kind::Rules | Kind::None | Kind::Oracle | Kind::Exec => false,
            Kind::RestartAll | Kind::LimitAll | Kind::FailOverAll | Kind::RollBackAll | Kind::ScaleAll => {
                true
            }
            Kind::Everything | Kind::AcknowledgeAll | Kind::FloodPages => true,
        }
    }
}

/// The skills that a rule-based SRE can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "see `Skills`")]
pub enum SkillName {
    Junior,
    Mid,
    Senior,
}
