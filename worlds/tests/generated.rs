//! Generated worlds: whatever is asked for within limits is a valid world that is calm without chaos,
//! spread evenly, and the same each time.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::{rules, unskilled};
use worlds::chance::Key;
use worlds::definition::generate::{Request, generate};
use worlds::definition::{Definition, Role, SkillName, SreKind, parse};
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

/// Sizes and zones: the least of each, those where something changes, and a few between.
const SIZES: [(usize, usize); 24] = [
    (4, 1),
    (5, 1),
    (6, 1),
    (15, 1),
    (16, 1),
    (40, 1),
    (7, 2),
    (8, 2),
    (31, 2),
    (32, 2),
    (10, 3),
    (11, 3),
    (23, 3),
    (24, 3),
    (48, 3),
    (60, 3),
    (100, 3),
    (288, 3),
    (13, 4),
    (150, 5),
    (61, 20),
    (79, 26),
    (416, 26),
    (1000, 3),
];

/// Requests that are drawn besides.
const DRAWN: u64 = 200;

fn text(servers: usize, zones: usize, seed: u64) -> String {
    generate(Request { servers, zones, seed }).unwrap_or_else(|error| panic!("{servers}, {zones}: {error}"))
}

fn definition(servers: usize, zones: usize, seed: u64) -> Definition {
    let label = format!("{servers}-{zones}-{seed}");
    let checked = parse(&label, &text(servers, zones, seed)).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(checked.warnings, [], "{label}");
    checked.definition
}

/// A run with all that was written of it.
fn played(definition: Definition, level: Level, rounds: u32, sre: SrePlan) -> (Inline, Vec<Record>) {
    let world = Arc::new(World::new("generated", definition));
    let plan =
        RunPlan { seed: 1, level, rounds, sres: vec![sre], scripted: Vec::new(), drill: Default::default() };
    let mut inline = Inline::new(world, plan);
    while !inline.is_over() {
        inline.step();
    }
    let records = inline.take_entries().into_iter().map(|entry| entry.record).collect();
    (inline, records)
}

/// The zone in a server's name: `web-a-1`.
fn zone(name: &str) -> &str {
    name.rsplit('-').nth(1).unwrap_or_else(|| panic!("{name} has no zone"))
}

/// Requests of all sorts, as the dice give them.
fn drawn(count: u64) -> impl Iterator<Item = (usize, usize, u64)> {
    let key = Key::derive(1, "requests", "");
    (0..count).map(move |index| {
        let draws = key.draws(index, 0);
        let zones = 1 + draws.pick(0, if draws.happens(1, 0.8) { 5 } else { 26 });
        let least = Request::servers_min(zones);
        // Most of them small, where rounding tells most.
        let more = if draws.happens(2, 0.7) { 40 } else { 500 };
        (least + draws.pick(3, more), zones, draws.pick(4, 1_000_000) as u64)
    })
}

#[test]
fn any_size_is_valid_calm_and_as_large_as_asked_for() {
    let named = SIZES.iter().flat_map(|(servers, zones)| (0..3).map(|seed| (*servers, *zones, seed)));
    for (servers, zones, seed) in named.chain(drawn(DRAWN)) {
        let label = format!("{servers} servers, {zones} zones, seed {seed}");
        let definition = definition(servers, zones, seed);
        assert_eq!(definition.servers.len(), servers, "{label}");
        let (mut inline, records) = played(definition, Level::Off, 6, unskilled(SreKind::None));
        for record in &records {
            if let Record::Server { server, cpu_usage, .. } = record {
                assert!((12.0..30.0).contains(cpu_usage), "{label}: {server} is at {cpu_usage} %");
            }
        }
        let outcome = inline.finish();
        assert_eq!(outcome.requests.good, outcome.requests.total, "{label}");
        assert_eq!(outcome.alerts.opened, 0, "{label}");
    }
}

#[test]
fn zones_are_even_and_every_database_is_in_as_many_as_it_has_members() {
    for (servers, zones) in SIZES {
        let definition = definition(servers, zones, 3);
        let mut by_zone: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_group: BTreeMap<&[String], Vec<&str>> = BTreeMap::new();
        for server in &definition.servers {
            *by_zone.entry(zone(&server.name)).or_default() += 1;
            by_group.entry(&server.services).or_default().push(zone(&server.name));
        }
        assert_eq!(by_zone.len(), zones);
        let (least, most) = (by_zone.values().min(), by_zone.values().max());
        assert!(most <= least.map(|least| least + 1).as_ref(), "{servers}, {zones}: {by_zone:?}");
        for (services, of) in by_group {
            let distinct: BTreeSet<&str> = of.iter().copied().collect();
            assert_eq!(distinct.len(), of.len().min(zones), "{servers}, {zones}: {services:?} in {of:?}");
        }
    }
}

#[test]
fn tiers_keep_their_shares_in_large_worlds() {
    let definition = definition(1000, 3, 5);
    let count = |kind: &str| definition.servers.iter().filter(|server| server.kind == kind).count();
    let counts = [count("web"), count("app"), count("cache"), count("database")];
    assert!((250..300).contains(&counts[0]) && (400..500).contains(&counts[1]), "{counts:?}");
    assert!((70..110).contains(&counts[2]) && (170..200).contains(&counts[3]), "{counts:?}");
    let primaries = definition.servers.iter().filter(|server| server.role == Some(Role::Primary)).count();
    let databases = definition.services.values().filter(|service| service.replication.is_some()).count();
    assert_eq!(primaries, databases);
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_others_give_others() {
    let first = text(60, 3, 7);
    assert_eq!(first, text(60, 3, 7));
    for (servers, zones, seed) in [(61, 3, 7), (60, 4, 7), (60, 3, 8)] {
        let other = definition(servers, zones, seed);
        assert_ne!(other, definition(60, 3, 7), "{servers}, {zones}, {seed}");
    }
    // Stored: what was generated once is generated again, on every machine.
    assert_eq!(blake3::hash(first.as_bytes()).to_hex().as_str(), SIXTY_SERVERS);
}

/// BLAKE3 of 60 servers in 3 zones, seed 7. A change of the generator changes it; the changelog says so.
const SIXTY_SERVERS: &str = "6baf65f50c669c64644bd441c24d5ece666230891edbb967f3abf2faefd948dd";

#[test]
fn the_first_line_of_commands_makes_the_file_again() {
    let text = text(60, 3, 7);
    assert!(text.contains("#   world worlds generate --servers 60 --zones 3 --seed 7\n"), "{text}");
}

/// Several things are wrong at once in a large world, and somebody can do something about it.
#[test]
fn a_large_world_is_interesting() {
    let definition = definition(200, 3, 1);
    let senior = rules("oncall", SkillName::Senior);
    let (mut inline, records) = played(definition, Level::Medium, 15, senior);
    let began = |round: u32| {
        let begun = records
            .iter()
            .filter(|record| matches!(record, Record::FaultInjected { round: at, .. } if *at == round));
        begun.count()
    };
    let most = (1..=15).map(began).max().unwrap_or_default();
    assert!(most >= 5, "at most {most} faults begin in a round");
    let outcome = inline.finish();
    assert!(outcome.actions.succeeded >= 30, "{:?}", outcome.actions);
    assert!(outcome.faults.injected >= 45, "{:?}", outcome.faults);
}

/// Nothing in loading grows with the square: ten thousand servers load in a blink, with little memory.
#[test]
fn the_largest_world_loads_and_runs() {
    let definition = definition(10_000, 26, 0);
    let (mut inline, _) = played(definition, Level::Extreme, 2, unskilled(SreKind::None));
    assert!(inline.finish().requests.total > 1_000_000);
}
