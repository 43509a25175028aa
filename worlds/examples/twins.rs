//! Compares two worlds seed by seed: what users were served in one and in the other, with nobody on
//! call, with a rule-based SRE of skill mid, and with the oracle.
//!
//! ```text
//! cargo run --release -p worlds --example twins -- worlds/definitions/single.toml worlds/definitions/replicated.toml 400
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use worlds::definition::{self, SkillName, SreKind};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

const SRES: [(&str, SreKind, Option<SkillName>); 3] = [
    ("none", SreKind::None, None),
    ("mid", SreKind::Rules, Some(SkillName::Mid)),
    ("oracle", SreKind::Oracle, None),
];

fn world(file: &str) -> Result<Arc<World>, Box<dyn Error>> {
    let checked = definition::parse(file, &std::fs::read_to_string(file)?)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(Arc::new(World::new("twin", checked.definition)))
}

/// Availability on each seed, percent.
fn availability(world: &Arc<World>, level: Level, sre: &SrePlan, seeds: u64) -> Vec<f64> {
    let rounds = world.definition.rounds;
    let plan = |seed| RunPlan {
        seed,
        level,
        rounds,
        sres: vec![sre.clone()],
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut run = Inline::unrecorded(Arc::clone(world), plan(0));
    let mut played = |seed| {
        run.restart(plan(seed));
        run.play().requests.availability_pct()
    };
    (0..seeds).map(&mut played).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut file = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let first = world(&file("worlds/definitions/single.toml"))?;
    let second = world(&file("worlds/definitions/replicated.toml"))?;
    let seeds: u64 = file("400").parse()?;
    let mut out = stdout().lock();
    writeln!(out, "level    on call     first   second   difference  seeds better  worse")?;
    for level in Level::ALL {
        for (name, kind, skill) in SRES {
            let sre = SrePlan { skill, ..SrePlan::of("oncall", kind) };
            let ones = availability(&first, level, &sre, seeds);
            let twos = availability(&second, level, &sre, seeds);
            let better = ones.iter().zip(&twos).filter(|(one, two)| two > one).count();
            let worse = ones.iter().zip(&twos).filter(|(one, two)| two < one).count();
            let (one, two) = (mean(&ones), mean(&twos));
            writeln!(
                out,
                "{:8} {name:8} {one:8.2} {two:8.2} {:12.2} {better:13} {worse:6}",
                level.name(),
                two - one
            )?;
        }
    }
    Ok(())
}
