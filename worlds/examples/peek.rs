#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use std::sync::Arc;
use worlds::definition::{SkillName, SreKind};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;
fn main() {
    let definition =
        toml::from_str(&std::fs::read_to_string("worlds/definitions/systems.toml").unwrap()).unwrap();
    let world = Arc::new(World::new("systems", definition));
    let a: Vec<String> = std::env::args().collect();
    let level = Level::ALL.into_iter().find(|l| l.name() == a[2]).unwrap();
    let plan = RunPlan {
        seed: a[1].parse().unwrap(),
        level,
        rounds: 15,
        sres: vec![SrePlan { name: "oncall".into(), kind: SreKind::Rules, skill: Some(SkillName::Senior) }],
        scripted: vec![],
    };
    let mut run = Inline::new(world, plan);
    while !run.is_over() {
        run.step();
    }
    let o = run.finish();
    for e in run.take_entries() {
        print!("{}", String::from_utf8(e.line).unwrap());
    }
    println!("{o:#?}");
}
