//! How many servers of what, and in which zone.
//!
//! Of a large world a quarter or so is web servers, a good half application servers, a tenth caches
//! and the rest databases. Every tier is in every zone; zones differ by one server at most.

use super::load::Graph;
use super::{Request, split};

/// Parts of the shop at most. One request of a user comes to all of them, one after another: more
/// would make it slow rather than the world large.
const DOMAINS_MAX: usize = 12;

/// Servers of a zone that make room for one more part of the shop.
const SERVERS_OF_DOMAIN: usize = 8;

/// Members of a database at most, a primary and fifteen replicas: each replica applies every write.
const DATABASE_MEMBERS_MAX: usize = 16;

/// Shares of web, application, cache and database servers.
const SHARES: [f64; 4] = [0.27, 0.45, 0.09, 0.19];

/// How many parts the shop has.
pub(super) fn domains(servers: usize, zones: usize) -> usize {
    (servers / (SERVERS_OF_DOMAIN * zones)).clamp(1, DOMAINS_MAX)
}

/// The servers.
#[derive(Debug)]
pub(super) struct Fleet {
    /// What users' requests arrive at.
    pub web: Group,
    /// For each part of the shop its application servers.
    pub apps: Vec<Group>,
    /// For each part of the shop its caches, where it has some.
    pub caches: Vec<Option<Group>>,
    /// For each part of the shop its database servers, the primary first.
    pub databases: Vec<Group>,
}

/// Servers that run the same.
#[derive(Debug)]
pub(super) struct Group {
    /// Their names.
    pub servers: Vec<String>,
}

impl Group {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.servers.len()
    }
}

impl Fleet {
    /// Of a request that can be met.
    pub(super) fn of(request: Request, graph: &Graph) -> Self {
        let Request { servers, zones, .. } = request;
        let domains = graph.domains.len();
        let cached = graph.domains.iter().filter(|domain| domain.hit_ratio.is_some()).count();
        let database_least = if zones == 1 && servers > Request::servers_min(1) { 2 } else { zones };
        let least = [zones, zones * domains, cached, database_least * domains];
        let databases_most = DATABASE_MEMBERS_MAX.max(database_least) * domains;
        let [web, app, cache, database] = tiers(servers, least, databases_most);

        let weights: Vec<f64> = graph.domains.iter().map(|domain| domain.weight * domain.calls()).collect();
        let mut apps = split(app, &weights, zones).into_iter();
        let mut caches = split(cache, &vec![1.0; cached], 1).into_iter();
        let mut databases = split(database, &vec![1.0; domains], database_least).into_iter();
        let mut next = Placing { zones, placed: 0 };
        let mut group = |name: &str, count: Option<usize>| next.group(name, count.unwrap_or_default());
        let web = group("web", Some(web));
        let mut fleet = Self { web, apps: Vec::new(), caches: Vec::new(), databases: Vec::new() };
        for domain in &graph.domains {
            let name = domain.name;
            fleet.apps.push(group(name, apps.next()));
            let cache = domain.hit_ratio.map(|_| group(&format!("{name}-cache"), caches.next()));
            fleet.caches.push(cache);
            fleet.databases.push(group(&format!("{name}-db"), databases.next()));
        }
        fleet
    }

    /// Servers of each tier: web, application, cache, database.
    pub(super) fn counts(&self) -> [usize; 4] {
        let sum = |groups: &[Group]| groups.iter().map(Group::len).sum();
        let caches = self.caches.iter().flatten().map(Group::len).sum();
        [self.web.len(), sum(&self.apps), caches, sum(&self.databases)]
    }
}

/// Gives each tier its least, and what is left to those that are furthest from their share.
fn tiers(servers: usize, least: [usize; 4], databases_most: usize) -> [usize; 4] {
    let mut wanted = SHARES.map(|share| share * servers as f64);
    wanted[3] = wanted[3].min(databases_most as f64);
    let short: Vec<f64> =
        wanted.iter().zip(least).map(|(wanted, least)| (wanted - least as f64).max(0.0)).collect();
    let spare = split(servers.saturating_sub(least.iter().sum()), &short, 0);
    let mut counts = least;
    for (count, spare) in counts.iter_mut().zip(spare) {
        *count += spare;
    }
    // By rounding up, the databases may have passed their most.
    let over = counts[3].saturating_sub(databases_most);
    counts[3] -= over;
    counts[1] += over;
    counts
}

/// Puts servers into zones, one after the other.
struct Placing {
    zones: usize,
    placed: usize,
}

impl Placing {
    fn group(&mut self, name: &str, count: usize) -> Group {
        let mut numbers = vec![0_usize; self.zones];
        let servers = (0..count).map(|_| {
            let zone = self.placed % self.zones;
            self.placed += 1;
            numbers[zone] += 1;
            format!("{name}-{}-{}", letter(zone), numbers[zone])
        });
        let servers = servers.collect();
        Group { servers }
    }
}

/// The zone of a server: its name ends in zone and number.
pub(super) fn zone_of(name: &str) -> &str {
    name.rsplit('-').nth(1).unwrap_or_default()
}

/// The letter of a zone.
pub(super) fn letter(zone: usize) -> char {
    char::from(b'a' + u8::try_from(zone % 26).unwrap_or_default())
}
