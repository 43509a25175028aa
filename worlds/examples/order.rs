//! Prints the order of SREs: mean availability at each level, and how many paired standard errors
//! neighbours are apart.
//!
//! ```text
//! cargo run --release -p worlds --example order -- worlds/definitions/systems.toml 400
//! ```

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use worlds::definition::{self, SkillName, SreKind};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

const SRES: [(&str, SreKind, Option<SkillName>); 5] = [
    ("none", SreKind::None, None),
    ("junior", SreKind::Rules, Some(SkillName::Junior)),
    ("mid", SreKind::Rules, Some(SkillName::Mid)),
    ("senior", SreKind::Rules, Some(SkillName::Senior)),
    ("oracle", SreKind::Oracle, None),
];

/// Availability on each seed, percent.
fn availability(world: &Arc<World>, level: Level, sre: &SrePlan, seeds: u64) -> Vec<f64> {
    let plan = |seed| RunPlan {
        seed,
        level,
        rounds: world.definition.rounds,
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

fn standard_errors_apart(lower: &[f64], higher: &[f64]) -> f64 {
    let differences: Vec<f64> = lower.iter().zip(higher).map(|(lower, higher)| higher - lower).collect();
    let centre = mean(&differences);
    let count = differences.len() as f64;
    let squares: f64 = differences.iter().map(|d| (d - centre) * (d - centre)).sum();
    centre / (squares / (count - 1.0) / count).sqrt()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "worlds/definitions/systems.toml".into());
    let seeds = arguments.next().map_or(Ok(200), |seeds| seeds.parse())?;
    let checked = definition::parse(&file, &std::fs::read_to_string(&file)?)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let world = Arc::new(World::new("order", checked.definition));
    let mut out = stdout().lock();
    write!(out, "{:8}", "level")?;
    SRES.iter().try_for_each(|(name, ..)| write!(out, " {name:>8}"))?;
    writeln!(out, "    standard errors between neighbours")?;
    for level in Level::ALL {
        let all: Vec<Vec<f64>> = SRES
            .iter()
            .map(|(_, kind, skill)| {
                let sre = SrePlan { skill: *skill, ..SrePlan::of("oncall", *kind) };
                availability(&world, level, &sre, seeds)
            })
            .collect();
        write!(out, "{:8}", level.name())?;
        all.iter().try_for_each(|values| write!(out, " {:8.2}", mean(values)))?;
        write!(out, "   ")?;
        for pair in all.windows(2) {
            // Without chaos there is no difference, and nothing to measure it by.
            match standard_errors_apart(&pair[0], &pair[1]) {
                apart if apart.is_finite() => write!(out, " {apart:6.1}")?,
                _ => write!(out, " {:>6}", "-")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
