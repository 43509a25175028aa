//! How large things of a configuration may be. They stand in the JSON Schema as well, so that an editor knows
//! them.

/// Longest time from one cycle to the next, minutes: a day.
pub const INTERVAL_MINUTES_MAX: u32 = 1_440;

/// Seconds of a day.
pub const DAY_SECONDS: u32 = 86_400;

/// Requests of a day: a thousand each second, and some.
pub const DAILY_REQUESTS_MAX: u64 = 100_000_000;

/// Sends of a batch.
pub const COUNT_MAX: u32 = 10_000_000;

/// Sends that may be under way at once: each holds a connection.
pub const THREADS_MAX: u32 = 1_024;

/// Longest pause of a thread, seconds.
pub const DELAY_SECONDS_MAX: f64 = 3_600.0;

/// A weight of the mix: shares to the thousandth of a percent.
pub const WEIGHT_MAX: u32 = 100_000;

/// The largest seed: it is exact in every reader of TOML and of JSON.
pub const SEED_MAX: u64 = 1 << 53;

/// Failures in a row before a cooldown.
pub const FAILURES_MAX: u32 = 1_000;

/// Longest grace time and fetch, seconds.
pub const WAIT_SECONDS_MAX: u32 = 3_600;

/// Longest time for one send, seconds.
pub const TIMEOUT_SECONDS_MAX: f64 = 3_600.0;

/// Latest that a send still counts as made at its instant, seconds.
pub const TOLERANCE_SECONDS_MAX: f64 = 60.0;

/// Longest that sends are kept, days: ten years and some.
pub const RETENTION_DAYS_MAX: u32 = 3_700;

/// Load profiles.
pub const PROFILES_MAX: usize = 64;

/// Windows: as many are compared with each other.
pub const WINDOWS_MAX: usize = 64;

/// Dates of a list: ten years of holidays.
pub const DATES_MAX: usize = 400;

/// Characters of a name: of a profile, of a window.
pub const NAME_CHARS_MAX: usize = 40;

/// Characters of one line of text: a path, a URL, a query.
pub const LINE_CHARS_MAX: usize = 4_096;

/// Characters of the body of a request.
pub const BODY_CHARS_MAX: usize = 100_000;

/// Queries that stand in the configuration itself; more of them go into a file.
pub const QUERIES_MAX: usize = 1_000;

/// Headers of a request.
pub const HEADERS_MAX: usize = 64;

/// Statuses that may be expected.
pub const STATUSES_MAX: usize = 64;

/// Guardrail suites.
pub const SUITES_MAX: usize = 64;

/// Requests in a second to a target on another machine: more is a load test of somebody else's machine, for
/// which there are other tools.
pub const REQUESTS_PER_SECOND_MAX: f64 = 100.0;

/// Tokens of an answer.
pub const TOKENS_MAX: u32 = 1_000_000;

/// Longest round of the resident world, milliseconds.
pub const ROUND_MS_MAX: u32 = 3_600_000;

/// Rounds of a run of the resident world: what a world may have.
pub const ROUNDS_MAX: u32 = 10_000_000;

/// Largest log file: 10 GB.
pub const LOG_BYTES_MAX: u64 = 10_000_000_000;

/// Log files that are kept.
pub const LOGS_KEPT_MAX: u32 = 1_000;
