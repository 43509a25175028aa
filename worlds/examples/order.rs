//! Mean availability of each SRE at each level, and how far neighbours are apart.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use std::sync::Arc;
use worlds::definition::{SkillName, SreKind};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, SrePlan};
use worlds::topology::World;

fn main() {
    let file = std::env::args().nth(1).unwrap_or("worlds/definitions/systems.toml".into());
    let seeds: u64 = std::env::args().nth(2).map_or(400, |n| n.parse().unwrap());
    let definition = toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let world = Arc::new(World::new("systems", definition));
    let sres = [
        (SreKind::None, None),
        (SreKind::Rules, Some(SkillName::Junior)),
        (SreKind::Rules, Some(SkillName::Mid)),
        (SreKind::Rules, Some(SkillName::Senior)),
        (SreKind::Oracle, None),
    ];
    println!(
        "{:8} {:>8} {:>8} {:>8} {:>8} {:>8}   paired t of neighbours",
        "level", "none", "junior", "mid", "senior", "oracle"
    );
    for level in Level::ALL {
        let mut all: Vec<Vec<f64>> = Vec::new();
        let mut acts = Vec::new();
        let mut bad = 0;
        for (kind, skill) in sres {
            let mut a = (0, 0, 0, 0, 0, 0);
            all.push(
                (0..seeds)
                    .map(|seed| {
                        let plan = RunPlan {
                            seed,
                            level,
                            rounds: world.definition.rounds,
                            sres: vec![SrePlan { name: "oncall".into(), kind, skill }],
                            scripted: vec![],
                        };
                        let o = Inline::outcome(world.clone(), plan);
                        bad += o.faults.unseen;
                        a.0 += o.actions.requested;
                        a.1 += o.actions.refused;
                        a.2 += o.actions.failed;
                        a.3 += o.actions.succeeded;
                        a.4 += o.sres[0].unneeded_actions;
                        a.5 += o.sres[0].harm_requests;
                        o.utility
                    })
                    .collect(),
            );
            acts.push(a);
        }
        print!("{:8}", level.name());
        for v in &all {
            print!(" {:8.2}", v.iter().sum::<f64>() / v.len() as f64);
        }
        print!("  ");
        for w in all.windows(2) {
            let d: Vec<f64> = w[1].iter().zip(&w[0]).map(|(b, a)| b - a).collect();
            let n = d.len() as f64;
            let m = d.iter().sum::<f64>() / n;
            let sd = (d.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            print!(" {:6.1}", m / (sd / n.sqrt()));
        }
        println!("  unseen {bad}");
        if std::env::var("V").is_ok() {
            for a in acts {
                println!("     req/ref/fail/ok/unneeded/harm {a:?}");
            }
        }
    }
}
