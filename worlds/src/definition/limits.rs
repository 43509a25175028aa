//! How large things of a world may be. Every limit has a name, a unit and a reason; they stand in
//! the JSON Schema as well, so that an editor knows them.

/// Rounds of a run, of a fault, of a cooldown: with the default round, nineteen years. Sums of two
/// stay far inside `u32`.
pub const ROUNDS_MAX: u32 = 10_000_000;

/// Rounds by which a message may be late: what is late is kept until it arrives.
pub const DELAY_ROUNDS_MAX: u32 = 100;

/// Rounds from one server that a fault hits to the next: faults on their way are kept until they come.
pub const APART_ROUNDS_MAX: u32 = 1_000;

/// Servers. Each is a process; far more than one machine carries. They are numbered in 16 bits, and
/// what an SRE is told of so many, with every alert on each, fits a frame of the bus.
pub const SERVERS_MAX: usize = 10_000;

/// Services. They are numbered in 16 bits, and the call graph is walked on loading.
pub const SERVICES_MAX: usize = 1_000;

/// Kinds of faults. Each is rolled once a round.
pub const KINDS_MAX: usize = 1_000;

/// Actions.
pub const ACTIONS_MAX: usize = 1_000;

/// SREs. Each is a process.
pub const SRES_MAX: usize = 100;

/// Characters of a name: a column of the console.
pub const NAME_CHARS_MAX: usize = 40;

/// What a name looks like: it is part of a file name, of a command line and of an agent's name.
pub const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";

/// Characters of a description: a line of the console.
pub const DESCRIPTION_CHARS_MAX: usize = 200;

/// Requests of users in a round, before noise.
pub const REQUESTS_MAX: f64 = 1e8;

/// Requests of a round when all comes together: noise, calls, retries, every flood. They are counted
/// in 32 bits.
pub const REQUESTS_OF_ROUND_MAX: f64 = 4e9;

/// Milliseconds of any time in the file: an hour.
pub const MILLISECONDS_MAX: f64 = 3_600_000.0;

/// The shortest time that is not zero, milliseconds: rates, its inverse, stay finite.
pub const MILLISECONDS_MIN: f64 = 0.001;

/// Memory of a server or a request, MB: 1 PB.
pub const MEMORY_MB_MAX: f64 = 1e9;

/// Points of CPU.
pub const CPU_MAX: f64 = 1e6;

/// Workers of one server: waiting times are summed over them.
pub const WORKERS_MAX: f64 = 1_024.0;

/// How many times more something may become.
pub const FACTOR_MAX: f64 = 1_000.0;

/// How many times more something may become when every kind of fault hits one server at once:
/// factors multiply.
pub const FACTOR_PRODUCT_MAX: f64 = 1e6;

/// The least share of its capacity that a service may be left with.
pub const CAPACITY_FACTOR_MIN: f64 = 0.001;

/// The least share of capacity when every kind of fault hits one server at once.
pub const CAPACITY_FACTOR_PRODUCT_MIN: f64 = 1e-6;

/// What a chaos level may multiply probabilities by: they are capped at 1.
pub const LEVEL_MAX: f64 = 100.0;

/// Calls of one service that one request of a user may come to, over all paths to it, with retries.
pub const CALLS_PER_REQUEST_MAX: f64 = 1_000.0;

/// Actions of one SRE in one round.
pub const ACTIONS_PER_ROUND_MAX: u32 = 1_000;

/// Open critical alerts: five metrics and staleness of every server.
pub const PANIC_THRESHOLD_MAX: u32 = 100_000;
