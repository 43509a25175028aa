//! How large things of a scenario may be. They stand in the JSON Schema as well, so that an editor knows
//! them.

/// Characters of a title: a line of the console, behind the scenario's name.
pub const TITLE_CHARS_MAX: usize = 100;

/// Characters of a longer text, for people: a page of them.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// Tags.
pub const TAGS_MAX: usize = 16;

/// Seeds of a scenario. Every one is a run, and each seed that is listed a line of the file.
pub const SEEDS_MAX: usize = 10_000;

/// The largest seed: it is exact in every reader of TOML and of JSON.
pub const SEED_MAX: u64 = 1 << 53;

/// Rounds before the first fault.
pub const WARM_UP_ROUNDS_MAX: u32 = 10_000;

/// Faults that come for certain, and as many disturbances.
pub const FAULTS_MAX: usize = 1_000;

/// Gates.
pub const GATES_MAX: usize = 100;

/// Characters of a quotation of the command line: a gate, an SRE.
pub const QUOTATION_CHARS_MAX: usize = 1_000;

/// Alerts that may be open in a world in order: more than the largest world can open.
pub const ALERTS_MAX: u32 = 100_000;

/// How many error budgets may be spent before a run is stopped, percent.
pub const BUDGET_PCT_MAX: f64 = 1e9;

/// Sources.
pub const SOURCES_MAX: usize = 20;
