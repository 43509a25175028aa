//! Who does better must come out better: the order of SREs and of levels, over many seeds.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use support::{all_sres, rules, run, systems};
use worlds::definition::{Definition, SkillName};
use worlds::plan::Level;
use worlds::topology::World;

const SEEDS: u64 = 200;

/// For each SRE, availability in percent on each seed.
fn availability(world: &Arc<World>, level: Level) -> Vec<Vec<f64>> {
    all_sres()
        .iter()
        .map(|sre| (0..SEEDS).map(|seed| run(world, seed, level, sre).requests.availability_pct()).collect())
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// How many standard errors of the paired difference the second is above the first.
fn paired_standard_errors(first: &[f64], second: &[f64]) -> f64 {
    let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
    let centre = mean(&differences);
    let squares: f64 = differences.iter().map(|d| (d - centre) * (d - centre)).sum();
    let count = differences.len() as f64;
    centre / (squares / (count - 1.0) / count).sqrt()
}

#[test]
fn skill_is_told_apart_at_every_level_and_every_level_is_harder_than_the_last() {
    let world = Arc::new(World::new("systems", systems()));
    let levels: Vec<Vec<Vec<f64>>> =
        Level::ALL.into_iter().map(|level| availability(&world, level)).collect();
    for (level, sres) in Level::ALL.into_iter().zip(&levels).skip(1) {
        for (lower, names) in ["none < junior", "junior < mid", "mid < senior"].into_iter().enumerate() {
            let apart = paired_standard_errors(&sres[lower], &sres[lower + 1]);
            assert!(apart >= 5.0, "{names} at {level:?}: only {apart:.1} standard errors apart");
        }
        let (senior, oracle) = (mean(&sres[3]), mean(&sres[4]));
        assert!(senior <= oracle, "senior {senior:.2} above the oracle {oracle:.2} at {level:?}");
    }
    for sre in 0..all_sres().len() {
        let means: Vec<f64> = levels.iter().map(|level| mean(&level[sre])).collect();
        assert!(means.is_sorted_by(|easier, harder| easier > harder), "SRE {sre}: {means:?}");
        assert_eq!(means[0], 100.0, "without chaos nothing is lost");
    }
}

/// Without chaos there is nothing to do, and nobody does anything.
#[test]
fn in_a_calm_world_nobody_gains_or_loses() {
    let world = Arc::new(World::new("systems", systems()));
    for sre in all_sres() {
        for seed in 0..20 {
            let outcome = run(&world, seed, Level::Off, &sre);
            assert_eq!((outcome.utility, outcome.actions.requested), (100.0, 0));
        }
    }
}

/// Six servers that nothing tells apart but their position.
fn six_of_a_kind() -> Definition {
    let mut definition = systems();
    definition.services.retain(|name, _| name == "nginx");
    for service in definition.services.values_mut() {
        service.calls.clear();
    }
    let mut web = definition.servers[0].clone();
    web.services = vec!["nginx".into()];
    definition.servers = (1..=6)
        .map(|number| worlds::definition::Server { name: format!("web-{number}"), ..web.clone() })
        .collect();
    definition
}

/// Rounds from onset to resolution, or to the end of the run, by server.
fn rounds_to_resolve(world: &Arc<World>, skill: SkillName, seeds: u64) -> BTreeMap<String, (f64, f64)> {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for seed in 0..seeds {
        let outcome = run(world, seed, Level::High, &rules("oncall", skill));
        for incident in &outcome.incidents {
            let until = incident.resolved_round.unwrap_or(outcome.rounds + 1);
            let (rounds, count) = sums.entry(incident.target.to_string()).or_default();
            *rounds += f64::from(until - incident.onset_round);
            *count += 1.0;
        }
    }
    sums
}

#[test]
fn of_identical_servers_none_is_starved() {
    let world = Arc::new(World::new("six", six_of_a_kind()));
    for skill in [SkillName::Junior, SkillName::Senior] {
        let means: Vec<f64> =
            rounds_to_resolve(&world, skill, 2000).values().map(|(rounds, count)| rounds / count).collect();
        assert_eq!(means.len(), 6);
        let (low, high) =
            means.iter().fold((f64::MAX, 0.0_f64), |(low, high), m| (low.min(*m), high.max(*m)));
        assert!(high / low < 1.1, "{skill:?}: mean rounds to resolve by position {means:?}");
    }
}
