//! Who calls whom, and how much work a request is.
//!
//! The shop's parts ("domains": orders, catalog, ...) are called by the storefront or by each other,
//! never in a circle. Users come in proportion to the web servers; what a request costs follows from
//! that and from how many servers share the work, so that calm servers of any tier and any size sit
//! between 12 and 30 % CPU.

use super::fleet::{Fleet, Group};
use super::{Dice, Draw};
use crate::definition::CallOn;

/// Requests in a round for each web server, before noise.
const REQUESTS_OF_WEB: usize = 500;

/// Requests of a round are the base times this, and their mean.
pub(super) const NOISE: [f64; 2] = [0.9, 1.3];

/// Share of requests that write.
pub(super) const WRITE_SHARE: f64 = 0.2;

/// Seconds of a round.
pub(super) const ROUND_SECONDS: f64 = 60.0;

/// Applying a write, as a share of the write.
pub(super) const APPLY_COST: f64 = 0.6;

/// Share of their time for which workers are busy in a mean round. The host's own needs of 4.5 to
/// 7.5 % come on top, and rounds differ by 18 %.
const BUSY: f64 = 0.13;

/// The same of a primary: its replicas, which only apply what it writes, should not idle.
const BUSY_PRIMARY: f64 = 0.16;

/// Workers of a web or an application server.
const WORKERS: f64 = 2.0;

/// Milliseconds that the databases of all domains together should take.
const DATABASES_MS: f64 = 55.0;

/// Workers of a database server at most: a large machine.
const DATABASE_WORKERS_MAX: f64 = 96.0;

/// What parts of a shop are called.
const NAMES: [&str; 12] = [
    "catalog",
    "orders",
    "users",
    "payments",
    "search",
    "inventory",
    "pricing",
    "reviews",
    "messages",
    "shipping",
    "billing",
    "sessions",
];

/// Who calls whom.
#[derive(Debug)]
pub(super) struct Graph {
    /// The parts of the shop, callers before those they call.
    pub domains: Vec<Domain>,
}

/// A part of the shop: an application with a database, and perhaps a cache.
#[derive(Debug)]
pub(super) struct Domain {
    /// Its name.
    pub name: &'static str,
    /// Who calls it.
    pub callers: Vec<Caller>,
    /// Calls that one reading request of a user comes to.
    pub reads: f64,
    /// Calls that one writing request of a user comes to.
    pub writes: f64,
    /// Share of reads that its cache answers, where it has one.
    pub hit_ratio: Option<f64>,
    /// How heavy a request is, compared with those of other domains.
    pub weight: f64,
}

/// One who calls a domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// Another domain; the storefront, when it is none.
    pub domain: Option<usize>,
    /// Which requests make the call.
    pub on: CallOn,
}

impl Domain {
    /// Calls that one request of a user comes to, in the mean.
    pub(super) fn calls(&self) -> f64 {
        self.reads * (1.0 - WRITE_SHARE) + self.writes * WRITE_SHARE
    }
}

impl Graph {
    /// A shop of so many parts.
    pub(super) fn draw(domains: usize, dice: &Dice) -> Self {
        let names = names(dice);
        let mut graph = Self { domains: Vec::new() };
        for (index, name) in names.into_iter().take(domains).enumerate() {
            let callers = callers(index, dice);
            let [reads, writes] = graph.calls(&callers);
            // What is only written to has nothing to look up, and what is only read would leave its
            // databases idle behind a cache.
            let mixed = reads > 0.0 && writes > 0.0;
            let cached = mixed && (index == 0 || dice.unit(index, Draw::Cached) < 0.75);
            let hit_ratio = dice.between(index, Draw::HitRatio, [0.85, 0.95]);
            graph.domains.push(Domain {
                name,
                callers,
                reads,
                writes,
                hit_ratio: cached.then_some(two_digits(hit_ratio)),
                weight: dice.between(index, Draw::Weight, [0.7, 1.3]),
            });
        }
        graph
    }

    /// Calls of a reading and of a writing request that come from these callers.
    fn calls(&self, callers: &[Caller]) -> [f64; 2] {
        let of = |caller: &Caller| {
            let domain = caller.domain.map(|index| &self.domains[index]);
            let [reads, writes] = domain.map_or([1.0, 1.0], |domain| [domain.reads, domain.writes]);
            match caller.on {
                CallOn::All => [reads, writes],
                CallOn::Reads => [reads, 0.0],
                CallOn::Writes => [0.0, writes],
            }
        };
        callers.iter().map(of).fold([0.0, 0.0], |sum, calls| [sum[0] + calls[0], sum[1] + calls[1]])
    }
}

fn names(dice: &Dice) -> Vec<&'static str> {
    let mut order: Vec<usize> = (0..NAMES.len()).collect();
    order.sort_by(|one, other| dice.unit(*one, Draw::Name).total_cmp(&dice.unit(*other, Draw::Name)));
    order.into_iter().map(|index| NAMES[index]).collect()
}

/// The storefront or an earlier domain; for some an earlier domain besides, when it reads. Only what
/// the storefront calls is called by some requests and not by others: further down, nothing might be
/// left to call for.
fn callers(index: usize, dice: &Dice) -> Vec<Caller> {
    let earlier = |what: Draw| (index > 0).then(|| dice.pick(index, what, index));
    let deep = index > 0 && dice.unit(index, Draw::Caller) < 0.5;
    if !deep {
        let class = dice.unit(index, Draw::Class);
        let on = match index {
            0 => CallOn::All,
            _ if class < 0.2 => CallOn::Reads,
            _ if class < 0.3 => CallOn::Writes,
            _ => CallOn::All,
        };
        return vec![Caller { domain: None, on }];
    }
    let first = Caller { domain: earlier(Draw::WhichCaller), on: CallOn::All };
    let second = earlier(Draw::SecondCaller).map(|other| Caller { domain: Some(other), on: CallOn::Reads });
    let second = second.filter(|second| second.domain != first.domain && index % 3 == 2);
    [first].into_iter().chain(second).collect()
}

/// How much work there is, and what does it.
#[derive(Debug)]
pub(super) struct Load {
    /// Requests of users in a round, before noise.
    pub base: usize,
    /// Milliseconds of work at a web server, proxy and storefront together.
    pub web_ms: f64,
    /// For each domain what its parts take.
    pub domains: Vec<DomainLoad>,
}

/// What the parts of a domain take.
#[derive(Clone, Copy, Debug)]
pub(super) struct DomainLoad {
    /// Milliseconds of a request at an application server.
    pub app_ms: f64,
    /// Milliseconds of a look-up at a cache.
    pub cache_ms: f64,
    /// Milliseconds of a query or a write at a database.
    pub database_ms: f64,
    /// Workers of each of its database servers.
    pub database_workers: f64,
}

impl Load {
    /// What a fleet can do without being busy.
    pub(super) fn of(fleet: &Fleet, graph: &Graph) -> Self {
        let base = REQUESTS_OF_WEB * fleet.web.len();
        let users = base as f64 * (NOISE[0] + NOISE[1]) / 2.0 / ROUND_SECONDS;
        let database_ms = DATABASES_MS / graph.domains.len() as f64;
        let of_domain = |(index, domain): (usize, &Domain)| {
            let reads = users * (1.0 - WRITE_SHARE) * domain.reads;
            let writes = users * WRITE_SHARE * domain.writes;
            let cache = fleet.caches[index].as_ref();
            let missed = reads * (1.0 - domain.hit_ratio.unwrap_or(0.0));
            let primary = writes + missed / fleet.databases[index].len() as f64;
            let database_workers = (database_ms / 1000.0 * primary / BUSY_PRIMARY).ceil();
            let database_workers = database_workers.clamp(1.0, DATABASE_WORKERS_MAX);
            DomainLoad {
                app_ms: milliseconds(BUSY * WORKERS * servers(&fleet.apps[index]), reads + writes),
                cache_ms: cache.map_or(0.0, |cache| milliseconds(BUSY * servers(cache), reads)),
                database_ms: milliseconds(BUSY_PRIMARY * database_workers, primary),
                database_workers,
            }
        };
        Self {
            base,
            web_ms: milliseconds(BUSY * WORKERS * servers(&fleet.web), users),
            domains: graph.domains.iter().enumerate().map(of_domain).collect(),
        }
    }
}

fn servers(group: &Group) -> f64 {
    group.len() as f64
}

/// The work of one of `rate` requests a second that keeps so many workers busy, in milliseconds; at
/// least a hundredth.
fn milliseconds(busy_workers: f64, rate: f64) -> f64 {
    two_digits(1000.0 * busy_workers / rate).max(0.01)
}

fn two_digits(figure: f64) -> f64 {
    libm::round(figure * 100.0) / 100.0
}
