//! Claims about faults that come together: a zone, a service, all of a type, at once or one after
//! another.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::{Drill, Drilled, certain, rules};
use worlds::chaos::{self, PlannedFault};
use worlds::definition::{ChaosKind, Definition, Effect, Group, GroupBy, Spread, parse};
use worlds::definition::{SkillName, SreKind};
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::plan::{Level, RunPlan};
use worlds::topology::World;

const THREE_TIER: &str = include_str!("../definitions/three-tier.toml");

fn definition(text: &str) -> Definition {
    parse("test.toml", text).expect("a world").definition
}

/// A kind that comes in every round of which it may, alone in its world.
fn with_kind(mut definition: Definition, change: impl FnOnce(&mut ChaosKind)) -> Definition {
    let mut kind = definition.chaos[0].clone();
    kind = ChaosKind {
        name: "together".into(),
        probability: 0.5,
        rounds: 2,
        gradual: false,
        types: Vec::new(),
        except_types: Vec::new(),
        effect: Effect { error_rate: Some(0.5), ..Effect::default() },
        ..kind
    };
    change(&mut kind);
    definition.chaos = vec![kind];
    definition
}

fn by(by: GroupBy, name: Option<&str>) -> Option<Group> {
    Some(Group { by, name: name.map(str::to_owned) })
}

fn planned(definition: &Definition, seed: u64, rounds: u32) -> Vec<PlannedFault> {
    let world = World::new("test", definition.clone());
    let plan = RunPlan {
        seed,
        level: Level::Medium,
        rounds,
        sres: Vec::new(),
        scripted: Vec::new(),
        drill: Default::default(),
    };
    chaos::schedule(&world, &plan, || ())
}

/// For each round the servers that are hit from it on.
fn hit(definition: &Definition, seed: u64, rounds: u32) -> BTreeMap<u32, BTreeSet<String>> {
    let mut hit: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for fault in planned(definition, seed, rounds) {
        let server = fault.target.server().expect("servers are hit").index();
        hit.entry(fault.round).or_default().insert(definition.servers[server].name.clone());
    }
    hit
}

fn zone(definition: &Definition, name: &str) -> BTreeSet<String> {
    let servers = definition.servers.iter().filter(|server| server.zone.as_deref() == Some(name));
    servers.map(|server| server.name.clone()).collect()
}

#[test]
fn a_zone_is_hit_as_a_whole_and_each_zone_has_its_turn() {
    let definition = with_kind(definition(THREE_TIER), |kind| kind.group = by(GroupBy::Zone, None));
    let (a, b) = (zone(&definition, "a"), zone(&definition, "b"));
    assert_eq!((a.len(), b.len()), (5, 5));
    let (mut of_a, mut of_b) = (0, 0);
    for seed in 0..40 {
        for servers in hit(&definition, seed, 20).into_values() {
            of_a += u32::from(servers == a);
            of_b += u32::from(servers == b);
            assert!(servers == a || servers == b, "{servers:?}");
        }
    }
    // Some 200 hits of each.
    assert!(of_a > 120 && of_b > 120 && of_a.abs_diff(of_b) < 90, "{of_a} and {of_b}");
}

#[test]
fn a_named_group_is_hit_alone_and_types_still_choose_among_it() {
    let hit_by = |change: fn(&mut ChaosKind)| -> BTreeSet<String> {
        let definition = with_kind(definition(THREE_TIER), change);
        (0..20).flat_map(|seed| hit(&definition, seed, 20)).flat_map(|(_, servers)| servers).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(hit_by(|kind| kind.group = by(GroupBy::Type, Some("database"))), set(&["db-a", "db-b"]));
    assert_eq!(
        hit_by(|kind| kind.group = by(GroupBy::Service, Some("node"))),
        set(&["app-a-1", "app-a-2", "app-b-1", "app-b-2"])
    );
    let web_of_b = |kind: &mut ChaosKind| {
        kind.group = by(GroupBy::Zone, Some("b"));
        kind.types = vec!["web".to_owned()];
    };
    assert_eq!(hit_by(web_of_b), set(&["web-b-1", "web-b-2"]));
}

#[test]
fn a_spread_says_how_many_and_each_server_is_as_likely() {
    let spread = Some(Spread { servers: Some(3), apart: 0 });
    let definition = with_kind(definition(THREE_TIER), |kind| (kind.spread, kind.rounds) = (spread, 1));
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..200 {
        for servers in hit(&definition, seed, 10).into_values() {
            assert_eq!(servers.len(), 3);
            servers.into_iter().for_each(|server| *times.entry(server).or_default() += 1);
        }
    }
    // Some 1,000 hits of three among ten servers.
    assert_eq!(times.len(), 10);
    assert!(times.values().all(|times| (240..360).contains(times)), "{times:?}");
}

/// A volley of four, two rounds apart, takes six rounds; what it cannot hit because it still does is
/// left out.
#[test]
fn one_follows_another_as_far_apart_as_the_spread_says() {
    let group = by(GroupBy::Type, Some("web"));
    let spread = Some(Spread { servers: None, apart: 2 });
    let definition = with_kind(definition(THREE_TIER), |kind| {
        (kind.group, kind.spread, kind.probability) = (group, spread, 0.05);
    });
    let volleys = volleys(&definition, 20, 40);
    let whole = volleys.iter().filter(|(_, targets)| targets.len() == 4).count();
    assert!(whole >= 10, "{volleys:?}");
    for seed in 0..20 {
        let planned = planned(&definition, seed, 40);
        let rounds: Vec<u32> = planned.iter().map(|fault| fault.round).collect();
        assert!(rounds.is_sorted());
        for fault in &planned {
            let again = planned.iter().filter(|it| it.target == fault.target && it.round != fault.round);
            assert!(again.clone().all(|it| it.round.abs_diff(fault.round) >= 2), "twice on one: {planned:?}");
        }
    }
    let alone = drill("together", 3, "type:web", spread);
    let onsets: Vec<u32> = alone.outcome.incidents.iter().map(|incident| incident.onset_round).collect();
    assert_eq!(onsets, [3, 5]);
}

#[test]
fn a_kind_is_never_twice_on_one_server_also_of_volleys_that_take_long() {
    let group = by(GroupBy::Type, Some("web"));
    let spread = Some(Spread { servers: Some(3), apart: 4 });
    let definition = with_kind(definition(THREE_TIER), |kind| {
        (kind.group, kind.spread, kind.rounds, kind.probability) = (group, spread, 6, 0.3);
    });
    for seed in 0..100 {
        let planned = planned(&definition, seed, 60);
        for (index, fault) in planned.iter().enumerate() {
            let meets = |other: &PlannedFault| {
                other.target == fault.target
                    && other.round < fault.scheduled_end()
                    && fault.round < other.scheduled_end()
            };
            assert!(!planned[index + 1..].iter().any(meets), "seed {seed}: {planned:?}");
        }
    }
}

/// The last of a long volley would come after the end of the run: nobody is told of those.
#[test]
fn a_volley_is_told_of_as_far_as_it_comes() {
    let spread = Some(Spread { servers: None, apart: 3 });
    let definition =
        with_kind(definition(THREE_TIER), |kind| (kind.spread, kind.probability) = (spread, 0.1));
    let told: usize = volleys(&definition, 10, 12).iter().map(|(_, targets)| targets.len()).sum();
    let came: usize = (0..10).map(|seed| planned(&definition, seed, 12).len()).sum();
    assert!(came > 10 && told == came, "{told} were told of, {came} came");
}

/// Volleys as the journal tells them.
fn volleys(definition: &Definition, seeds: u64, rounds: u32) -> Vec<(u32, Vec<String>)> {
    let world = Arc::new(World::new("test", definition.clone()));
    let mut volleys = Vec::new();
    for seed in 0..seeds {
        let sres = vec![support::unskilled(SreKind::None)];
        let plan = RunPlan {
            seed,
            level: Level::Medium,
            rounds,
            sres,
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let mut run = Inline::new(Arc::clone(&world), plan);
        run.play();
        volleys.extend(run.take_entries().into_iter().filter_map(|entry| match entry.record {
            Record::Volley { round, targets, .. } => {
                Some((round, targets.iter().map(|name| name.to_string()).collect()))
            }
            _ => None,
        }));
    }
    volleys
}

/// One scripted volley in the default world, of zones by their names.
fn drill(kind: &str, round: u32, target: &str, spread: Option<Spread>) -> Drilled {
    let zoned = |definition: &mut Definition| {
        for server in &mut definition.servers {
            server.zone = Some(if server.name.ends_with("-1") { "one" } else { "two" }.to_owned());
        }
        definition.chaos.last_mut().expect("the kind").spread = spread;
    };
    let effect = Effect { error_rate: Some(0.5), ..Effect::default() };
    Drill::of(certain()).with_kind(kind, 2, effect).with(zoned).fault(kind, round, target).play()
}

#[test]
fn a_scripted_fault_hits_a_group_of_any_sort() {
    let hit = |target| -> Vec<String> {
        let drilled = drill("together", 3, target, None);
        drilled.outcome.incidents.iter().map(|incident| incident.target.to_string()).collect()
    };
    assert_eq!(hit("zone:one"), ["web-1", "api-1", "cache-1"]);
    assert_eq!(hit("service:postgresql"), ["db-primary", "db-replica"]);
    assert_eq!(hit("type:cache"), ["cache-1"]);
}

#[test]
fn the_journal_tells_what_those_that_are_hit_have_in_common() {
    let drilled = drill("together", 3, "zone:one", None);
    assert!(drilled.wrote(|record| matches!(record,
        Record::Volley { round: 3, group: Some(GroupBy::Zone), name: Some(name), targets, .. }
            if &**name == "one" && targets.len() == 3)));
}

#[test]
fn a_service_that_a_group_names_is_the_one_that_goes_down() {
    let down = Effect { service_down: true, ..Effect::default() };
    let drilled =
        Drill::of(certain()).with_kind("release", 1, down).fault("release", 3, "service:app-frontend").play();
    let services = drilled.entries.iter().filter_map(|entry| match &entry.record {
        Record::FaultInjected { service, .. } => service.as_ref().map(|service| service.to_string()),
        _ => None,
    });
    assert_eq!(services.collect::<Vec<_>>(), ["app-frontend", "app-frontend"]);
}

/// What SREs do moves no fault, whatever it hits.
#[test]
fn everybody_meets_the_same_faults_also_those_that_come_together() {
    let lab = Arc::new(World::new("fault-lab", definition(include_str!("../definitions/fault-lab.toml"))));
    let injected = |seed, sre| -> Vec<Record> {
        let plan = RunPlan {
            seed,
            level: Level::High,
            rounds: 30,
            sres: vec![sre],
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let mut run = Inline::new(Arc::clone(&lab), plan);
        run.play();
        let records = run.take_entries().into_iter().map(|entry| entry.record);
        records.filter(|it| matches!(it, Record::FaultInjected { .. } | Record::Volley { .. })).collect()
    };
    for seed in 0..20 {
        let nobody = injected(seed, support::unskilled(SreKind::None));
        assert!(!nobody.is_empty());
        for skill in [SkillName::Junior, SkillName::Senior] {
            assert_eq!(injected(seed, rules("oncall", skill)), nobody, "seed {seed}");
        }
        assert_eq!(injected(seed, support::unskilled(SreKind::Oracle)), nobody, "seed {seed}");
    }
}
