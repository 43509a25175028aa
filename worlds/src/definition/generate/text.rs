//! The world file, as a person would lay it out: what it is, then tier by tier.

use super::fleet::{Fleet, Group, zone_of};
use super::load::{APPLY_COST, Domain, DomainLoad, Graph, Load, NOISE, ROUND_SECONDS, WRITE_SHARE};
use super::{Request, counted};
use crate::definition::CallOn;
use std::fmt::Write as _;

/// Points of compute that make a worker.
const CPU_PER_WORKER: f64 = 50.0;

/// Servers from which each tier has faults of its own. A kind hits one server in a round; so
/// several of a sort can come at once.
const TIER_KINDS_FROM: usize = 24;

/// The types of servers, in the order of [`Fleet::counts`].
const TYPES: [&str; 4] = ["web", "app", "cache", "database"];

/// A kind of fault: what it is called, its chance in a world of six servers, and the rest.
struct Kind {
    name: &'static str,
    description: &'static str,
    probability: f64,
    rounds: u32,
    gradual: bool,
    types: &'static [&'static str],
    effect: &'static str,
    cured_by: &'static str,
}

const KINDS: [Kind; 7] = [
    Kind {
        name: "cpu_spike",
        description: "background work takes the CPU",
        probability: 0.15,
        rounds: 3,
        gradual: true,
        types: &TYPES,
        effect: "cpu_floor = 95.0, capacity_factor = 0.1",
        cured_by: "rollback",
    },
    Kind {
        name: "memory_leak",
        description: "memory grows round by round",
        probability: 0.10,
        rounds: 5,
        gradual: true,
        types: &TYPES,
        effect: "memory_growth = 10.0",
        cured_by: "restart_service, rollback",
    },
    Kind {
        name: "network_partition",
        description: "the server is cut off",
        probability: 0.05,
        rounds: 2,
        gradual: false,
        types: &TYPES,
        effect: "unreachable = true",
        cured_by: "",
    },
    Kind {
        name: "disk_full",
        description: "the disk fills up, writes fail",
        probability: 0.08,
        rounds: 4,
        gradual: false,
        types: &["web", "app", "database"],
        effect: "disk_level = 98.0",
        cured_by: "clear_cache",
    },
    Kind {
        name: "service_crash",
        description: "one of its services goes down",
        probability: 0.12,
        rounds: 1,
        gradual: false,
        types: &TYPES,
        effect: "service_down = true",
        cured_by: "restart_service",
    },
    Kind {
        name: "traffic_surge",
        description: "a flood beside the users' requests",
        probability: 0.10,
        rounds: 3,
        gradual: true,
        types: &["web", "app"],
        effect: "traffic_factor = 10.0",
        cured_by: "",
    },
    Kind {
        name: "database_slowdown",
        description: "queries take five times as long",
        probability: 0.10,
        rounds: 4,
        gradual: true,
        types: &["database"],
        effect: "latency_factor = 5.0",
        cured_by: "rollback",
    },
];

/// The whole file.
pub(super) fn of(request: Request, graph: &Graph, fleet: &Fleet, load: &Load) -> String {
    let counts = fleet.counts();
    let scale = scale(request.servers);
    let kinds = kinds(counts, scale);
    let promotes = fleet.databases.iter().any(|database| database.len() > 1);
    [
        head(request, graph, counts, scale),
        top(request, load),
        services(graph, load),
        servers(graph, fleet, load),
        chaos(&kinds),
        actions(&kinds, promotes),
        people(scale),
    ]
    .concat()
}

/// How many times the faults of a world of six servers: one time more for each doubling. Large fleets
/// break more often than small ones, though a single server of theirs does less often.
fn scale(servers: usize) -> f64 {
    1.0 + libm::log2(servers as f64 / 6.0).max(0.0)
}

fn head(request: Request, graph: &Graph, counts: [usize; 4], scale: f64) -> String {
    let Request { servers, zones, seed } = request;
    let [web, app, cache, database] = counts;
    let cached = graph.domains.iter().filter(|domain| domain.hit_ratio.is_some()).count();
    let parts = graph.domains.len();
    let spread = counted(zones);
    format!(
        "\
# A shop of {servers} servers in {spread}, made by
#
#   world worlds generate --servers {servers} --zones {zones} --seed {seed}
#
# The same command gives the same file. It is an ordinary world: edit it as you like.
#
#   users -> web -> {parts} parts of the shop, each an application, a database and perhaps a cache
#
#   {web:>6}  web        nginx and storefront
#   {app:>6}  app        the applications of {parts} parts
#   {cache:>6}  cache      of {cached} of them
#   {database:>6}  database   a primary for each part, and its replicas
#
# A server's name ends in its zone and its number there. `world worlds show FILE --graph` draws who
# calls whom. A round has {scale:.1} times the faults of a world of six servers, and whoever is on call
# may do so much more in a round, and keeps calm with so many more alerts.

"
    )
}

fn top(request: Request, load: &Load) -> String {
    let Request { servers, zones, .. } = request;
    let [low, high] = NOISE;
    let zones = counted(zones);
    format!(
        "\
description = \"A shop of {servers} servers in {zones}\"
rounds = 15
round_seconds = {ROUND_SECONDS:?}
sla_target = 99.9

[traffic]
entry = \"nginx\"
base = {base}.0
noise = [{low:?}, {high:?}]
write_share = {WRITE_SHARE:?}
retry_budget = 0.1
queue_limit_ms = 500.0

[host]
background_cpu = [4.5, 7.5]
memory = [20.0, 40.0]
disk = [30.0, 50.0]
cpu_per_worker = {CPU_PER_WORKER:?}
memory_slow_from = 75.0
memory_slow_factor = 4.0
memory_oom_at = 97.0
disk_full_at = 97.0
supervisor_rounds = 2

[metrics]
cpu_usage = {{ warning = 70.0, critical = 90.0 }}
memory_usage = {{ warning = 75.0, critical = 95.0 }}
error_rate = {{ warning = 1.0, critical = 5.0 }}
latency_p99 = {{ warning = 500.0, critical = 2000.0 }}
disk_usage = {{ warning = 80.0, critical = 95.0 }}

[alerts]
close_ratio = 0.9
telemetry_ttl_rounds = 1

",
        base = load.base,
    )
}

fn services(graph: &Graph, load: &Load) -> String {
    let proxy = load.web_ms / 7.0;
    let mut text = "# ---- services, callers first\n\n".to_owned();
    service(&mut text, "nginx", proxy, 3000.0, 4.0, &[call("storefront", CallOn::All, None)]);
    let shop = calls_of(graph, None);
    service(&mut text, "storefront", load.web_ms - proxy, 3000.0, 8.0, &shop);
    for (index, domain) in graph.domains.iter().enumerate() {
        domain_services(&mut text, graph, index, domain, load.domains[index]);
    }
    text
}

fn domain_services(text: &mut String, graph: &Graph, index: usize, domain: &Domain, load: DomainLoad) {
    let name = domain.name;
    let (database, cache) = (format!("{name}-db"), format!("{name}-cache"));
    let mut calls = calls_of(graph, Some(index));
    if domain.hit_ratio.is_some() {
        calls.push(call(&cache, CallOn::Reads, None));
    }
    if domain.reads > 0.0 {
        calls.push(call(&database, CallOn::Reads, domain.hit_ratio.map(|_| cache.as_str())));
    }
    if domain.writes > 0.0 {
        calls.push(call(&database, CallOn::Writes, None));
    }
    service(text, name, load.app_ms, 2500.0, 16.0, &calls);
    if let Some(hit_ratio) = domain.hit_ratio {
        service(text, &cache, load.cache_ms, 250.0, 2.0, &[]);
        extend(text, &format!("cache = {{ hit_ratio = {hit_ratio:?}, refill = 0.5 }}\n"));
    }
    service(text, &database, load.database_ms, 2000.0, 64.0, &[]);
    extend(text, &format!("replication = {{ apply_cost = {APPLY_COST:?} }}\n"));
}

/// The calls that a domain, or the storefront, makes to domains.
fn calls_of(graph: &Graph, caller: Option<usize>) -> Vec<String> {
    let of = |domain: &Domain| {
        let callers = domain.callers.iter().filter(|known| known.domain == caller);
        callers.map(|known| call(domain.name, known.on, None)).collect::<Vec<_>>()
    };
    graph.domains.iter().flat_map(of).collect()
}

fn call(to: &str, on: CallOn, behind: Option<&str>) -> String {
    let on = match on {
        CallOn::All => "",
        CallOn::Reads => ", on = \"reads\"",
        CallOn::Writes => ", on = \"writes\"",
    };
    let behind = behind.map_or(String::new(), |cache| format!(", behind = \"{cache}\""));
    format!("{{ to = \"{to}\"{on}{behind} }}")
}

fn service(text: &mut String, name: &str, work_ms: f64, timeout_ms: f64, memory_mb: f64, calls: &[String]) {
    let _ = writeln!(
        text,
        "[services.{name}]\nwork_ms = {work_ms:.2}\ntimeout_ms = {timeout_ms:?}\nmemory_mb = {memory_mb:?}"
    );
    match calls {
        [] => {}
        [only] => {
            let _ = writeln!(text, "calls = [{only}]");
        }
        several => {
            text.push_str("calls = [\n");
            for call in several {
                let _ = writeln!(text, "    {call},");
            }
            text.push_str("]\n");
        }
    }
    text.push('\n');
}

/// Adds a line to the table that was written last.
fn extend(text: &mut String, line: &str) {
    text.pop();
    text.push_str(line);
    text.push('\n');
}

fn servers(graph: &Graph, fleet: &Fleet, load: &Load) -> String {
    let mut text = String::new();
    let web = Machine { kind: "web", services: "\"nginx\", \"storefront\"", workers: 2.0, memory: 8192 };
    web.write(&mut text, &fleet.web, false);
    for (index, domain) in graph.domains.iter().enumerate() {
        let name = domain.name;
        let quoted = |name: &str| format!("\"{name}\"");
        let app = Machine { kind: "app", services: &quoted(name), workers: 2.0, memory: 16384 };
        app.write(&mut text, &fleet.apps[index], false);
        if let Some(group) = &fleet.caches[index] {
            let services = quoted(&format!("{name}-cache"));
            Machine { kind: "cache", services: &services, workers: 1.0, memory: 16384 }
                .write(&mut text, group, false);
        }
        let workers = load.domains[index].database_workers;
        let memory = 16384 * workers as u32;
        Machine { kind: "database", services: &quoted(&format!("{name}-db")), workers, memory }.write(
            &mut text,
            &fleet.databases[index],
            true,
        );
    }
    text
}

/// What the servers of a group are like.
struct Machine<'a> {
    kind: &'a str,
    services: &'a str,
    workers: f64,
    memory: u32,
}

impl Machine<'_> {
    fn write(&self, text: &mut String, group: &Group, replicated: bool) {
        let Self { kind, services, workers, memory } = self;
        let noun = if group.len() == 1 { "server" } else { "servers" };
        let _ = writeln!(text, "# ---- {}: {} {noun}\n", services.replace('"', ""), group.len());
        for (index, name) in group.servers.iter().enumerate() {
            let _ = writeln!(
                text,
                "[[servers]]\nname = \"{name}\"\nzone = \"{}\"\ntype = \"{kind}\"\nservices = [{services}]\n\
                 cpu_capacity = {:?}\nmemory_capacity = {memory}.0",
                zone_of(name),
                workers * CPU_PER_WORKER
            );
            text.push_str(match (replicated, index, group.len()) {
                (false, ..) => "backup_link = true\n",
                (true, _, 1) => "",
                (true, 0, _) => "role = \"primary\"\n",
                (true, ..) => "role = \"replica\"\n",
            });
            text.push('\n');
        }
    }
}

/// A kind of fault as it is written: its name, its chance, and the rest.
struct Written {
    name: String,
    types: Vec<&'static str>,
    probability: f64,
    kind: &'static Kind,
}

/// The kinds, each for all tiers that it can hit, or in a large world one for each.
fn kinds(counts: [usize; 4], scale: f64) -> Vec<Written> {
    let split = counts.iter().sum::<usize>() >= TIER_KINDS_FROM;
    let count = |tier: &str| {
        let position = TYPES.iter().position(|known| *known == tier);
        position.map_or(0, |position| counts[position])
    };
    let mut written = Vec::new();
    for kind in &KINDS {
        let hit: Vec<&'static str> = kind.types.iter().copied().filter(|tier| count(tier) > 0).collect();
        let all: usize = hit.iter().map(|tier| count(tier)).sum();
        let probability = |servers: usize| {
            let share = kind.probability * scale * servers as f64 / all.max(1) as f64;
            (libm::round(share * 1e4) / 1e4).clamp(1e-4, 1.0)
        };
        if split && hit.len() > 1 {
            written.extend(hit.into_iter().map(|tier| Written {
                name: format!("{}_{tier}", kind.name),
                types: vec![tier],
                probability: probability(count(tier)),
                kind,
            }));
        } else {
            written.push(Written {
                name: kind.name.to_owned(),
                probability: probability(all),
                types: hit,
                kind,
            });
        }
    }
    written
}

fn chaos(kinds: &[Written]) -> String {
    let mut text = "\
# ---- chaos: each kind is rolled once a round

[chaos_levels]
off = 0.0
low = 0.5
medium = 1.0
high = 2.0
extreme = 3.0

"
    .to_owned();
    for Written { name, types, probability, kind } in kinds {
        let _ = writeln!(
            text,
            "[[chaos]]\nname = \"{name}\"\ndescription = \"{}\"\nprobability = {probability:?}\nrounds = {}",
            kind.description, kind.rounds
        );
        if kind.gradual {
            text.push_str("gradual = true\n");
        }
        let _ = writeln!(text, "types = [{}]\neffect = {{ {} }}\n", quoted(types.iter()), kind.effect);
    }
    text
}

fn quoted<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn actions(kinds: &[Written], promotes: bool) -> String {
    let cured_by = |action: &str| {
        let cured = kinds.iter().filter(|written| written.kind.cured_by.contains(action));
        let names: Vec<String> = cured.map(|written| format!("\"{}\"", written.name)).collect();
        if names.len() <= 3 {
            return format!("[{}]", names.join(", "));
        }
        // Inside of an inline table, where newer TOML alone allows line breaks, an array may have them.
        format!("[\n    {},\n]", names.join(",\n    "))
    };
    let (failover, remedy) = if promotes {
        (
            "promote the replica, or switch to the backup link",
            "promotes_replica = true, uses_backup_link = true",
        )
    } else {
        ("switch to the backup link", "uses_backup_link = true")
    };
    format!(
        "\
# ---- actions

[[actions]]
name = \"restart_service\"
description = \"restart the services of a server\"
success_rate = 0.9
cooldown = 2
remedy = {{ cures = {restart}, restarts_services = true }}
cost = {{ downtime = 0.01, empties_cache = true }}

[[actions]]
name = \"scale_up\"
description = \"more instances on the same host\"
success_rate = 0.95
cooldown = 3
alerts = [\"cpu_usage\", \"latency_p99\"]
remedy = {{ adds_capacity = {{ factor = 2.0, delay = 1, rounds = 4 }} }}

[[actions]]
name = \"failover\"
description = \"{failover}\"
success_rate = 0.85
cooldown = 1
out_of_band = true
remedy = {{ {remedy} }}
cost = {{ write_downtime = 0.02 }}

[[actions]]
name = \"clear_cache\"
description = \"free disk and memory\"
success_rate = 0.98
cooldown = 1
remedy = {{ cures = {clear}, frees_memory = 20.0 }}
cost = {{ empties_cache = true }}

[[actions]]
name = \"rate_limit\"
description = \"drop the flood at the door\"
success_rate = 0.95
cooldown = 1
remedy = {{ limits_traffic = {{ flood_dropped = 0.95, users_dropped = 0.002, rounds = 2 }} }}

[[actions]]
name = \"rollback\"
description = \"return to the previous version\"
success_rate = 0.8
cooldown = 5
remedy = {{ cures = {rollback} }}
cost = {{ downtime = 0.01 }}

",
        restart = cured_by("restart_service"),
        clear = cured_by("clear_cache"),
        rollback = cured_by("rollback"),
    )
}

fn people(scale: f64) -> String {
    let times = |count: f64| libm::round(count * scale) as u32;
    format!(
        "\
[changes]
actions_per_round = {}
pause_rounds = 1

[skills]
junior = {{ accuracy = 0.6, speed = 0.5, panic_threshold = {} }}
mid = {{ accuracy = 0.8, speed = 0.7, panic_threshold = {} }}
senior = {{ accuracy = 0.95, speed = 0.9, panic_threshold = {} }}

[score]
capacity_price = 3.0
",
        times(2.0),
        times(2.0),
        times(4.0),
        times(8.0),
    )
}
