//! The worlds that come with the program: each holds what `docs/worlds.md` says of it.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::{all_sres, rules, run, unskilled};
use worlds::chaos;
use worlds::definition::{SkillName, SreKind, builtin, parse};
use worlds::inline::Inline;
use worlds::journal::Record;
use worlds::message::ActionOutcome;
use worlds::outcome::Outcome;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

fn world(name: &str) -> Arc<World> {
    let text = builtin::find(name).unwrap_or_else(|| panic!("{name} is built in")).text;
    let checked = parse(name, text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    Arc::new(World::new(name, checked.definition))
}

fn names() -> impl Iterator<Item = &'static str> {
    builtin::ALL.iter().map(|world| world.name)
}

/// A run with all that was written of it.
fn played(world: &Arc<World>, seed: u64, level: Level, sre: SrePlan) -> (Outcome, Vec<Record>) {
    let rounds = world.definition.rounds;
    let plan =
        RunPlan { seed, level, rounds, sres: vec![sre], scripted: Vec::new(), drill: Default::default() };
    let mut inline = Inline::new(Arc::clone(world), plan);
    while !inline.is_over() {
        inline.step();
    }
    let outcome = inline.finish();
    (outcome, inline.take_entries().into_iter().map(|entry| entry.record).collect())
}

#[test]
fn every_built_in_world_is_valid_without_a_warning() {
    for world in builtin::ALL {
        let checked = parse(world.name, world.text).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(checked.warnings, [], "{}", world.name);
        assert!(!checked.definition.description.is_empty(), "{}", world.name);
    }
}

/// In every round of twenty runs: nobody is turned away, nothing alerts, and every server has
/// something to do and much to spare.
#[test]
fn without_chaos_every_world_is_calm() {
    for name in names() {
        let world = world(name);
        for seed in 0..20 {
            let (outcome, records) = played(&world, seed, Level::Off, unskilled(SreKind::None));
            assert_eq!(outcome.requests.good, outcome.requests.total, "{name}, seed {seed}");
            assert_eq!(outcome.alerts.opened, 0, "{name}, seed {seed}");
            for record in records {
                if let Record::Server { server, cpu_usage, .. } = record {
                    assert!((12.0..30.0).contains(&cpu_usage), "{name}, seed {seed}: {server} {cpu_usage}");
                }
            }
        }
    }
}

/// What a world can do is seen in it: every kind of fault strikes, every action succeeds.
#[test]
fn every_kind_of_fault_and_every_action_of_a_world_has_its_use() {
    for name in names() {
        let world = world(name);
        let (mut struck, mut acted) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..60 {
            let junior = rules("oncall", SkillName::Junior);
            let (outcome, records) = played(&world, seed, Level::High, junior);
            struck.extend(outcome.incidents.iter().map(|incident| incident.kind.to_string()));
            for record in records {
                // What hits an SRE is no incident.
                if let Record::FaultInjected { fault_kind, target, .. } = &record
                    && target.starts_with("sre-")
                {
                    struck.insert(fault_kind.to_string());
                }
                if let Record::ActionActed { action, outcome: ActionOutcome::Succeeded, .. } = record {
                    acted.insert(action.to_string());
                }
            }
        }
        let kinds: BTreeSet<String> = world.definition.chaos.iter().map(|kind| kind.name.clone()).collect();
        let actions: BTreeSet<String> =
            world.definition.actions.iter().map(|action| action.name.clone()).collect();
        assert!(kinds.len() >= 7 && actions.len() == 6, "{name}");
        assert_eq!(struck, kinds, "{name}");
        assert_eq!(acted, actions, "{name}");
    }
}

/// Mean availability over seeds, percent.
fn availability(world: &Arc<World>, level: Level, sre: &SrePlan, seeds: u64) -> Vec<f64> {
    (0..seeds).map(|seed| run(world, seed, level, sre).requests.availability_pct()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `systems` has a test of its own, at all levels.
#[test]
fn skill_is_told_apart_in_the_other_worlds_at_medium_and_high() {
    for name in names().filter(|name| *name != "systems") {
        let world = world(name);
        for level in [Level::Medium, Level::High] {
            let all = all_sres().map(|sre| availability(&world, level, &sre, 200));
            for (pair, who) in all.windows(2).zip(["junior", "mid", "senior", "oracle"]) {
                let differences: Vec<f64> =
                    pair[0].iter().zip(&pair[1]).map(|(lower, higher)| higher - lower).collect();
                let centre = mean(&differences);
                let squares: f64 = differences.iter().map(|d| (d - centre) * (d - centre)).sum();
                let error = (squares / 199.0 / 200.0).sqrt();
                assert!(
                    centre > 3.0 * error,
                    "{name} at {level:?}: {who} is {centre:.2} above the one below, {error:.2} apart"
                );
            }
        }
    }
}

/// A fault, by the tier that it hits, with the first round after it.
fn faults(world: &World, seed: u64, level: Level) -> BTreeMap<(u32, String, String), u32> {
    let rounds = world.definition.rounds;
    let plan =
        RunPlan { seed, level, rounds, sres: Vec::new(), scripted: Vec::new(), drill: Default::default() };
    let planned = chaos::schedule(world, &plan, || ());
    let tiered = planned.iter().map(|fault| {
        let kind = world.definition.chaos[fault.kind.index()].name.clone();
        let server = fault.target.server().expect("only servers are hit in these worlds");
        let tier = world.servers[server.index()].kind.to_string();
        ((fault.round, kind, tier), fault.scheduled_end())
    });
    tiered.collect()
}

/// The point of the pair: chaos is the same, so that what differs is the second server. A roll is lost
/// where the same kind is on the same server already; apart from that, both meet every fault.
#[test]
fn single_and_replicated_meet_the_same_users_and_faults() {
    let (single, replicated) = (world("single"), world("replicated"));
    let (one, two) = (&single.definition, &replicated.definition);
    assert_eq!(one.traffic, two.traffic);
    assert_eq!(one.services, two.services);
    assert_eq!(one.chaos, two.chaos);
    assert_eq!(two.servers.len(), 2 * one.servers.len());
    let (mut shared, mut alone) = (0, 0);
    for seed in 0..200 {
        for level in [Level::Low, Level::Medium, Level::High] {
            let (ones, twos) = (faults(&single, seed, level), faults(&replicated, seed, level));
            for (mine, others) in [(&ones, &twos), (&twos, &ones)] {
                for fault in mine.keys().filter(|fault| !others.contains_key(fault)) {
                    let (round, kind, tier) = fault;
                    let on_already = others.iter().any(|((from, other, hit), until)| {
                        (other, hit) == (kind, tier) && from < round && round < until
                    });
                    assert!(on_already, "seed {seed}, {level:?}: {fault:?} is missing in {others:?}");
                    alone += 1;
                }
            }
            shared += ones.keys().filter(|fault| twos.contains_key(fault)).count();
        }
    }
    assert!(alone * 8 < shared, "{shared} faults are shared, {alone} are not");
}

/// What `docs/worlds.md` claims: with a second server nobody on call beats the best there is with one.
#[test]
fn a_second_replica_is_worth_more_than_the_best_person_on_call() {
    let (single, replicated) = (world("single"), world("replicated"));
    let (nobody, oracle) = (unskilled(SreKind::None), unskilled(SreKind::Oracle));
    for level in [Level::Low, Level::Medium, Level::High, Level::Extreme] {
        let alone = mean(&availability(&single, level, &oracle, 200));
        let doubled = mean(&availability(&replicated, level, &nobody, 200));
        assert!(doubled > alone + 5.0, "{level:?}: {alone:.2} with one, {doubled:.2} with two");
    }
}
