//! The configuration as it is written: one struct a table, and the source of the JSON Schema.
//!
//! The original `simulation_daemon_config.json` has the first eight keys, with these names, units and
//! defaults; all others may be added to it, and the same stands in TOML as in JSON. Ranges of single values
//! are here, once, as attributes: they go into the schema, against which files are held. Whether values
//! make sense together is for `check`.

use super::limits;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole configuration, every key with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Minutes from one cycle to the next. Cycles begin where the wall clock shows a multiple of it, counted
    /// from midnight.
    #[schemars(range(min = 1, max = limits::INTERVAL_MINUTES_MAX))]
    pub execution_interval_minutes: u32,
    /// The same in seconds, for cycles that follow each other faster; where it is given it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::DAY_SECONDS))]
    pub execution_interval_seconds: Option<u32>,
    /// Requests of a day, operations and guardrail tests together. A day on which the clock changes has its
    /// share of it.
    pub target_daily_requests: DailyTarget,
    /// When the profile `busy` holds.
    pub busy_hours: BusyHours,
    /// How much a cycle sends, and how fast, by the name of the profile: `busy`, `normal`, `quiet`, and any
    /// others that `windows` name. What is left out of these three keeps its default, what is left out of
    /// others is as in `normal`.
    #[schemars(extend("maxProperties" = limits::PROFILES_MAX))]
    pub load_profiles: BTreeMap<String, ProfileTable>,
    /// How a day's requests are shared between the two kinds.
    pub simulation_mix: Mix,
    /// Where results are written.
    pub output: Output,
    /// Who is asked.
    pub agents: Agents,
    /// What happens when cycles fail.
    pub error_handling: ErrorHandling,
    /// The time zone of days and hours: an IANA name, as `Europe/Berlin`, or `system`.
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub time_zone: String,
    /// Where chance begins: the same seed draws the same counts, threads, delays and queries in the same slots.
    #[schemars(range(max = limits::SEED_MAX))]
    pub seed: u64,
    /// What decides how many requests a cycle makes.
    pub pacing: Pacing,
    /// When the profile `quiet` holds, on every day, outside busy hours.
    pub quiet_hours: Hours,
    /// Times at which a profile of your own holds, or none. A maintenance window comes before all others; of
    /// others that hold at once the first one counts.
    #[schemars(length(max = limits::WINDOWS_MAX))]
    pub windows: Vec<WindowTable>,
    /// Dates that are no weekdays, whatever day they fall on: the busy hours of weekends hold on them.
    #[schemars(length(max = limits::DATES_MAX), inner(length(max = limits::NAME_CHARS_MAX)), transform = of_dates)]
    pub holidays: Vec<String>,
    /// When the daemon ends for good, by the wall clock of `time_zone`: the last date on which it runs, or a
    /// date with a time. Without it there is no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME_CHARS_MAX), extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Seconds that what is in flight has to end by itself when the daemon is stopped.
    #[schemars(range(min = 1, max = limits::WAIT_SECONDS_MAX))]
    pub grace_seconds: u32,
    /// Minutes from one heartbeat in the log to the next.
    #[schemars(range(min = 1, max = limits::INTERVAL_MINUTES_MAX))]
    pub heartbeat_minutes: u32,
    /// Days for which every send is kept in the ledger; days themselves, and the CSV files, are kept for ever.
    /// With 0 sends are, too.
    #[schemars(range(max = limits::RETENTION_DAYS_MAX))]
    pub retention_days: u32,
    /// Seconds after its planned instant from which on a send, or the beginning of a cycle, is late.
    #[schemars(range(min = 0.001, max = limits::TOLERANCE_SECONDS_MAX))]
    pub late_tolerance_seconds: f64,
    /// What is asked.
    pub target: Target,
    /// What operations ask.
    pub operations: Operations,
    /// What guardrail tests ask.
    pub guardrails: Guardrails,
    /// The next day's load, predicted from what was.
    pub forecast: Forecast,
    /// The log.
    pub log: Log,
    /// Who is told of what.
    pub notify: Notify,
    /// Figures for Prometheus.
    pub metrics: Metrics,
}

impl Default for Settings {
    fn default() -> Self {
        let profiles = [
            ("busy", ProfileTable::busy()),
            ("normal", ProfileTable::normal()),
            ("quiet", ProfileTable::quiet()),
        ];
        Self {
            execution_interval_minutes: 15,
            execution_interval_seconds: None,
            target_daily_requests: DailyTarget { min: 3_000, max: 5_000 },
            busy_hours: BusyHours::default(),
            load_profiles: profiles.map(|(name, profile)| (name.to_owned(), profile)).into(),
            simulation_mix: Mix::default(),
            output: Output::default(),
            agents: Agents::default(),
            error_handling: ErrorHandling::default(),
            time_zone: "system".to_owned(),
            seed: 1,
            pacing: Pacing::Target,
            quiet_hours: Hours { enabled: true, start_hour: 23, end_hour: 6 },
            windows: Vec::new(),
            holidays: Vec::new(),
            until: None,
            grace_seconds: 30,
            heartbeat_minutes: 60,
            retention_days: 90,
            late_tolerance_seconds: 1.0,
            target: Target::default(),
            operations: Operations::default(),
            guardrails: Guardrails::default(),
            forecast: Forecast::default(),
            log: Log::default(),
            notify: Notify::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Settings {
    /// Seconds from one cycle to the next.
    pub fn interval_seconds(&self) -> u32 {
        self.execution_interval_seconds.unwrap_or(self.execution_interval_minutes * 60)
    }
}

/// A file may leave out any of these keys: it is merged over what holds without it.
fn any_left_out(schema: &mut Schema) {
    schema.remove("required");
}

/// A list of texts that are dates, which TOML may write without quotes.
fn of_dates(schema: &mut Schema) {
    if let Some(items) = schema.get_mut("items") {
        items["format"] = "date".into();
    }
}

/// A table of texts that are not endless.
fn of_lines(schema: &mut Schema) {
    if let Some(values) = schema.get_mut("additionalProperties") {
        values["maxLength"] = limits::LINE_CHARS_MAX.into();
    }
}

/// Requests of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct DailyTarget {
    /// The least.
    #[schemars(range(max = limits::DAILY_REQUESTS_MAX))]
    pub min: u64,
    /// The most.
    #[schemars(range(max = limits::DAILY_REQUESTS_MAX))]
    pub max: u64,
}

/// When the profile `busy` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BusyHours {
    /// From Monday to Friday.
    pub weekday: Hours,
    /// On Saturdays, Sundays and holidays.
    pub weekend: Hours,
}

impl Default for BusyHours {
    fn default() -> Self {
        Self {
            weekday: Hours { enabled: true, start_hour: 8, end_hour: 18 },
            weekend: Hours { enabled: true, start_hour: 10, end_hour: 16 },
        }
    }
}

/// Hours of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct Hours {
    /// Whether there are any.
    pub enabled: bool,
    /// The hour at which they begin.
    #[schemars(range(max = 23))]
    pub start_hour: u8,
    /// The hour at which they end: the first that is no longer of them. Where it is before `start_hour`, it is
    /// one of the next day.
    #[schemars(range(max = 24))]
    pub end_hour: u8,
}

/// A load profile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct ProfileTable {
    /// What a cycle sends of operations.
    pub operations: OperationsLoad,
    /// What a cycle sends of guardrail tests.
    pub guardrails: GuardrailsLoad,
}

impl ProfileTable {
    fn of(operations: OperationsLoad, guardrails: GuardrailsLoad) -> Self {
        Self { operations, guardrails }
    }

    /// `busy` by default.
    fn busy() -> Self {
        Self::of(operations((30, 60), (5, 10), (0.3, 0.7)), guardrails((15, 30), (2, 4), (0.8, 1.5)))
    }

    /// `normal` by default.
    fn normal() -> Self {
        Self::of(operations((15, 30), (3, 6), (0.5, 1.0)), guardrails((8, 15), (2, 3), (1.0, 2.0)))
    }

    /// `quiet` by default.
    fn quiet() -> Self {
        Self::of(operations((5, 15), (2, 4), (0.8, 1.5)), guardrails((3, 8), (1, 2), (1.5, 2.5)))
    }
}

fn operations(count: (u32, u32), threads: (u32, u32), delay: (f64, f64)) -> OperationsLoad {
    OperationsLoad {
        num_calls: Counts { min: count.0, max: count.1 },
        threads: Threads { min: threads.0, max: threads.1 },
        delay: Seconds { min: delay.0, max: delay.1 },
    }
}

fn guardrails(count: (u32, u32), threads: (u32, u32), delay: (f64, f64)) -> GuardrailsLoad {
    let OperationsLoad { num_calls: num_tests, threads, delay } = operations(count, threads, delay);
    GuardrailsLoad { num_tests, threads, delay }
}

/// What a cycle sends of operations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct OperationsLoad {
    /// Calls of a cycle. With `pacing = "target"` they say how much a cycle makes beside others.
    pub num_calls: Counts,
    /// Calls that may be under way at once.
    pub threads: Threads,
    /// From one call of a thread to its next.
    pub delay: Seconds,
}

/// What a cycle sends of guardrail tests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct GuardrailsLoad {
    /// Tests of a cycle. With `pacing = "target"` they say how much a cycle makes beside others.
    pub num_tests: Counts,
    /// Tests that may be under way at once.
    pub threads: Threads,
    /// From one test of a thread to its next.
    pub delay: Seconds,
}

/// A range of counts, from which each cycle draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct Counts {
    /// The least.
    #[schemars(range(max = limits::COUNT_MAX))]
    pub min: u32,
    /// The most.
    #[schemars(range(max = limits::COUNT_MAX))]
    pub max: u32,
}

/// A range of threads, from which each cycle draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct Threads {
    /// The least.
    #[schemars(range(min = 1, max = limits::THREADS_MAX))]
    pub min: u32,
    /// The most.
    #[schemars(range(min = 1, max = limits::THREADS_MAX))]
    pub max: u32,
}

/// A range of seconds, from which each cycle draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = any_left_out)]
pub struct Seconds {
    /// The least.
    #[schemars(range(min = 0.0, max = limits::DELAY_SECONDS_MAX))]
    pub min: f64,
    /// The most.
    #[schemars(range(min = 0.0, max = limits::DELAY_SECONDS_MAX))]
    pub max: f64,
}

/// How a day's requests are shared between the two kinds: as their weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Weight of operations; 0 for none.
    #[schemars(range(max = limits::WEIGHT_MAX))]
    pub operations_weight: u32,
    /// Weight of guardrail tests; 0 for none.
    #[schemars(range(max = limits::WEIGHT_MAX))]
    pub guardrails_weight: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { operations_weight: 70, guardrails_weight: 30 }
    }
}

/// Where results are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The directory of everything; one daemon has it for itself. A relative path begins where the daemon is
    /// started.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub base_dir: String,
    /// A row for each operation, in `base_dir`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub operations_csv: String,
    /// A row for each guardrail test, in `base_dir`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub guardrails_csv: String,
    /// The log, in `base_dir`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub log_file: String,
    /// The directory of daily summaries, in `base_dir`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub daily_summary_dir: String,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            base_dir: "daemon_results".to_owned(),
            operations_csv: "continuous_operations_metrics.csv".to_owned(),
            guardrails_csv: "continuous_guardrail_results.csv".to_owned(),
            log_file: "simulation_daemon.log".to_owned(),
            daily_summary_dir: "daily_summaries".to_owned(),
        }
    }
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Agents {
    /// A CSV file of agents, with the columns agent_id, name, azure_id, version, model and org_id. Targets of
    /// the kinds `http` and `chat` ask each of them; the world has agents of its own. A relative path begins
    /// where the daemon is started.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub csv_path: String,
}

impl Default for Agents {
    fn default() -> Self {
        Self { csv_path: "created_agents_results.csv".to_owned() }
    }
}

/// What happens when cycles fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorHandling {
    /// Failed cycles in a row that lead to a cooldown.
    #[schemars(range(min = 1, max = limits::FAILURES_MAX))]
    pub max_consecutive_failures: u32,
    /// Minutes that a cooldown lasts.
    #[schemars(range(max = limits::INTERVAL_MINUTES_MAX))]
    pub failure_cooldown_minutes: u32,
    /// Whether a send that was refused with 429 or 503 is tried again, after the time that the target asks
    /// for, three times in all.
    pub retry_on_rate_limit: bool,
}

impl Default for ErrorHandling {
    fn default() -> Self {
        Self { max_consecutive_failures: 5, failure_cooldown_minutes: 10, retry_on_rate_limit: true }
    }
}

/// What decides how many requests a cycle makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// The day's target: profiles say how it is spread over the day, and each cycle makes its share of both
    /// kinds.
    Target,
    /// The profile alone, to the letter: each cycle draws one kind by the mix, and its count from the range.
    Profile,
}

/// A time at which a profile of your own holds, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowTable {
    /// What the window is called, in the log and by `explain`.
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub name: String,
    /// The profile that holds in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub profile: Option<String>,
    /// Whether nothing is sent in it: its slots are skipped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub maintenance: bool,
    /// The days on which it begins, by name. A day counts that is named here, in `dates` or in `month_days`;
    /// where none of the three is given all days do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub days: Vec<DayName>,
    /// The dates on which it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::DATES_MAX), inner(length(max = limits::NAME_CHARS_MAX)), transform = of_dates)]
    pub dates: Vec<String>,
    /// The days of the month on which it begins: from its beginning, 1 for the first, or from its end, -1 for
    /// the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 62), inner(range(min = -31, max = 31)))]
    pub month_days: Vec<i8>,
    /// The time at which it begins, as `12:30`; without it at midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    pub from: Option<String>,
    /// The time at which it ends, as `13:15`: the first minute that is no longer of it. Where it is before
    /// `from`, it is one of the next day. Without it at the next midnight, `24:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    pub to: Option<String>,
}

/// Days by their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum DayName {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
    /// From Monday to Friday, holidays left out.
    Weekdays,
    /// Saturdays and Sundays.
    Weekends,
    /// The dates of `holidays`.
    Holidays,
    /// All days.
    All,
}

/// What is asked. Only the table of its own kind may be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// What sort of target it is.
    pub kind: TargetKind,
    /// Seconds that one try of a send may take, from its beginning to the end of its answer.
    #[schemars(range(min = 0.01, max = limits::TIMEOUT_SECONDS_MAX))]
    pub timeout_seconds: f64,
    /// Whether the target may be on another machine, if its owner agrees. For the kinds `http` and `chat`.
    pub allow_beyond_loopback: bool,
    /// Requests in a second to a target on another machine that are never exceeded, whatever profiles ask for.
    #[schemars(range(max = limits::REQUESTS_PER_SECOND_MAX), extend("exclusiveMinimum" = 0.0))]
    pub requests_per_second_max: f64,
    /// Where the credential is: `env:NAME` for an environment variable, `file:PATH` for a file. It never stands
    /// here itself. For the kinds `http` and `chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub credential: Option<String>,
    /// The header that carries the credential: `authorization` as `Bearer ...`, any other, as `api-key`, alone.
    /// Without it `api-key` for the chats of Azure, and `authorization` else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub credential_header: Option<String>,
    /// A file of certificates (PEM) that are trusted instead of the system's. For the kinds `http` and `chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub ca_file: Option<String>,
    /// The resident world, for the kind `world`.
    pub world: WorldTarget,
    /// The endpoint, for the kind `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpTarget>,
    /// The endpoint, for the kind `chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatTarget>,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            kind: TargetKind::World,
            timeout_seconds: 60.0,
            allow_beyond_loopback: false,
            requests_per_second_max: 10.0,
            credential: None,
            credential_header: None,
            ca_file: None,
            world: WorldTarget::default(),
            http: None,
            chat: None,
        }
    }
}

/// Sorts of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A resident world of agent processes: operations are requests to its servers, over the bus.
    World,
    /// Any HTTP endpoint.
    Http,
    /// A chat endpoint that is compatible with OpenAI's.
    Chat,
}

impl TargetKind {
    /// The word for it, which is the name of its table as well.
    pub fn word(self) -> &'static str {
        match self {
            TargetKind::World => "world",
            TargetKind::Http => "http",
            TargetKind::Chat => "chat",
        }
    }
}

/// The resident world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorldTarget {
    /// The name of a built-in world, or the path of a world file.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub world: String,
    /// How much chaos comes to it.
    pub chaos_level: ChaosLevel,
    /// Milliseconds from one round to the next.
    #[schemars(range(min = 1, max = limits::ROUND_MS_MAX))]
    pub round_ms: u32,
    /// Rounds of a run, which the next one follows with the next seed; without it as many as an hour has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::ROUNDS_MAX))]
    pub rounds: Option<u32>,
    /// Where the world's own chance begins; without it at `seed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::SEED_MAX))]
    pub seed: Option<u64>,
}

impl Default for WorldTarget {
    fn default() -> Self {
        Self {
            world: "systems".to_owned(),
            chaos_level: ChaosLevel::Medium,
            round_ms: 1_000,
            rounds: None,
            seed: None,
        }
    }
}

/// How much chaos comes to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum ChaosLevel {
    Off,
    Low,
    Medium,
    High,
    Extreme,
}

impl ChaosLevel {
    /// The word for it, which world files and the command line have as well.
    pub fn word(self) -> &'static str {
        match self {
            ChaosLevel::Off => "off",
            ChaosLevel::Low => "low",
            ChaosLevel::Medium => "medium",
            ChaosLevel::High => "high",
            ChaosLevel::Extreme => "extreme",
        }
    }
}

/// An HTTP endpoint. In the path of `url` and in `body` `{query}` stands for what is asked, and `{agent_id}`,
/// `{agent_name}`, `{model}` and `{org_id}` for who is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTarget {
    /// Its URL, `http://` or `https://`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub url: String,
    /// The method.
    #[serde(default = "get")]
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub method: String,
    /// Headers by their names. Credentials are no headers: see `credential`.
    #[serde(default)]
    #[schemars(extend("maxProperties" = limits::HEADERS_MAX), transform = of_lines)]
    pub headers: BTreeMap<String, String>,
    /// The body; without it there is none.
    #[serde(default)]
    #[schemars(length(max = limits::BODY_CHARS_MAX))]
    pub body: String,
    /// The statuses of success; without it those from 200 to 299.
    #[serde(default)]
    #[schemars(length(max = limits::STATUSES_MAX), inner(range(min = 100, max = 599)))]
    pub expected_status: Vec<u16>,
    /// What an answer must hold to be a success; without it any answer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub expected_text: Option<String>,
    /// Whether an answer without a body is a success.
    #[serde(default)]
    pub may_be_empty: bool,
}

fn get() -> String {
    "GET".to_owned()
}

/// A chat endpoint that is compatible with OpenAI's, or with Azure's form of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatTarget {
    /// Where it is, without what the form of its protocol adds: `http://127.0.0.1:8080/v1`,
    /// `https://NAME.openai.azure.com`.
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub url: String,
    /// The form of its protocol.
    #[serde(default)]
    pub api: ChatApi,
    /// The version of Azure's protocol; without it the one that the program knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub api_version: Option<String>,
    /// The model that is asked, or Azure's deployment; without it that of each agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub model: Option<String>,
    /// What is said to the model before each query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::BODY_CHARS_MAX))]
    pub system: Option<String>,
    /// Tokens of an answer, at the most; without it as the endpoint has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TOKENS_MAX))]
    pub max_tokens: Option<u32>,
    /// How freely the model chooses its words; without it as the endpoint has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f64>,
}

/// Forms of the chat protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatApi {
    /// OpenAI's, which most servers speak.
    #[default]
    Openai,
    /// Azure's.
    Azure,
}

/// What operations ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Queries, of which each operation draws one. Where neither they nor a file are given there are built-in
    /// ones.
    #[schemars(length(max = limits::QUERIES_MAX), inner(length(max = limits::LINE_CHARS_MAX)))]
    pub queries: Vec<String>,
    /// A file of further queries, one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub queries_file: Option<String>,
}

/// What guardrail tests ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guardrails {
    /// Suites of tests: names of built-in ones, or paths of files. With none those that fit the target's kind.
    #[schemars(length(max = limits::SUITES_MAX), inner(length(max = limits::LINE_CHARS_MAX)))]
    pub suites: Vec<String>,
}

/// The next day's load, predicted from what was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Forecast {
    /// Whether it is made, and published to the pacing.
    pub enabled: bool,
    /// Seconds from one forecast to the next.
    #[schemars(range(min = 60, max = 86_400))]
    pub interval_seconds: u32,
    /// Hours of the past that are looked at.
    #[schemars(range(min = 24, max = 8_784))]
    pub window_hours: u32,
    /// Seconds that fetching them may take.
    #[schemars(range(min = 1, max = limits::WAIT_SECONDS_MAX))]
    pub fetch_timeout_seconds: u32,
    /// A file that names the model's features, one a line, in their order; without it the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub features_file: Option<String>,
    /// A file of the fitted model; without it the daemon fits one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub model_file: Option<String>,
}

impl Default for Forecast {
    fn default() -> Self {
        Self {
            enabled: false,
            interval_seconds: 3_600,
            window_hours: 168,
            fetch_timeout_seconds: 30,
            features_file: None,
            model_file: None,
        }
    }
}

/// The log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Bytes after which a new file is begun.
    #[schemars(range(min = 10_000, max = limits::LOG_BYTES_MAX))]
    pub max_bytes: u64,
    /// Older files that are kept.
    #[schemars(range(min = 1, max = limits::LOGS_KEPT_MAX))]
    pub keep: u32,
    /// From which level on lines go to the console.
    pub console_level: LogLevel,
    /// From which level on lines go to the file.
    pub file_level: LogLevel,
}

impl Default for Log {
    fn default() -> Self {
        Self { max_bytes: 50_000_000, keep: 5, console_level: LogLevel::Info, file_level: LogLevel::Debug }
    }
}

/// How much is told, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Who is told of what. A URL that is a secret in itself is written as `env:NAME` or `file:PATH`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// Is sent JSON on a cooldown, a missed target and a breach; without it nobody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub webhook_url: Option<String>,
    /// Is asked at each heartbeat with the last completed cycle, so that somebody outside notices when that
    /// ends; without it nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LINE_CHARS_MAX))]
    pub ping_url: Option<String>,
    /// Whether they may be on another machine.
    pub allow_beyond_loopback: bool,
}

/// Figures for Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The address for `/metrics` and `/healthz`, on this machine: `127.0.0.1:9464`. Without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME_CHARS_MAX))]
    pub listen: Option<String>,
}
