//! The same seed gives the same bytes: over a bus and inline, today and as stored.
//!
//! CI takes a sample of the seeds; `WORLD_SEEDS=50 cargo test --release --test same_bytes` takes
//! all. `WORLD_BLESS=1` writes the stored hashes anew: only when the model changed, which the
//! CHANGELOG then says. They hold for every build profile and machine.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use support::world;

/// Seeds of the sample.
const SEEDS_IN_CI: u64 = 3;

const LEVELS: [&str; 4] = ["low", "medium", "high", "extreme"];
const SKILLS: [&str; 3] = ["junior", "mid", "senior"];

fn hash(arguments: &str) -> String {
    let ended = world(&format!("run --json -q {arguments}")).ends_with(0);
    let result: serde_json::Value = serde_json::from_str(&ended.out).expect("a result");
    let hash = result["journal_hash"].as_str().expect("a hash").to_owned();
    assert_eq!(hash.len(), 64, "{arguments}");
    hash
}

fn seeds() -> u64 {
    std::env::var("WORLD_SEEDS").map_or(SEEDS_IN_CI, |seeds| seeds.parse().expect("WORLD_SEEDS is a number"))
}

#[test]
fn processes_and_inline_give_the_same_journal() {
    let mut hashes = BTreeMap::new();
    for seed in 0..seeds() {
        for level in LEVELS {
            for skill in SKILLS {
                let arguments = format!("--seed {seed} --chaos-level {level} --skill {skill}");
                let inline = hash(&format!("{arguments} --inline"));
                assert_eq!(hash(&arguments), inline, "{arguments}");
                if let Some(other) = hashes.insert(inline, arguments.clone()) {
                    panic!("two runs have one hash: {other} and {arguments}");
                }
            }
        }
    }
}

/// The worlds that come with the program but for the default one, which all other tests play.
const OTHER_WORLDS: [&str; 5] = ["three-tier", "boutique", "single", "replicated", "fault-lab"];

#[test]
fn every_other_world_gives_the_same_journal_as_processes_and_inline() {
    for world in OTHER_WORLDS {
        let arguments = format!("{world} --seed 5 --chaos-level high --skill senior --rounds 8");
        assert_eq!(hash(&arguments), hash(&format!("{arguments} --inline")), "{world}");
    }
}

/// Two runs of each of them, and one of a generated world, one a line as below.
const GOLDEN_WORLDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden_hashes_of_worlds.txt");

#[test]
fn stored_runs_of_the_other_worlds_keep_their_hashes() {
    let directory = tempfile::tempdir().expect("a directory");
    let generated = directory.path().join("generated.toml");
    let text = world("worlds generate --servers 48 --zones 3 --seed 11").ends_with(0).out;
    std::fs::write(&generated, text).expect("a world file");
    let mut now = String::new();
    for (seed, world) in OTHER_WORLDS.into_iter().enumerate() {
        for (level, sre) in [("medium", "rules:mid"), ("extreme", "rules:senior")] {
            let run = format!("{world} --seed {seed} --chaos-level {level} --sre {sre}");
            now += &format!("{run} = {}\n", hash(&format!("{run} --inline")));
        }
    }
    let run = "--seed 4 --chaos-level high --sre rules:senior";
    now += &format!("generated.toml {run} = {}\n", hash(&format!("{} {run} --inline", generated.display())));
    kept(GOLDEN_WORLDS, 11, &now);
}

/// Twenty runs, one a line: its arguments, and the hash of its journal.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden_hashes.txt");

fn golden_runs() -> Vec<String> {
    let mut runs: Vec<String> = (0..12)
        .map(|run| format!("--seed {run} --chaos-level {} --skill {}", LEVELS[run % 4], SKILLS[run % 3]))
        .collect();
    for (seed, sre) in [(100, "none"), (101, "oracle"), (102, "a=rules:junior --sre b=rules:senior")] {
        runs.push(format!("--seed {seed} --chaos-level high --sre {sre}"));
    }
    runs.push("--seed 200 --chaos-level off".into());
    runs.push(
        "--seed 201 --chaos-level off --fault network_partition@3:api-1 --fault disk_full@5:web-1".into(),
    );
    runs.push("--seed 202 --rounds 100 --chaos-level high".into());
    runs.push("--seed 203 --sla-target 99".into());
    runs.push("--seed 18446744073709551615 --rounds 1".into());
    runs
}

#[test]
fn stored_runs_keep_their_hashes() {
    let now: String = golden_runs()
        .into_iter()
        .map(|run| format!("{run} = {}\n", hash(&format!("{run} --inline"))))
        .collect();
    kept(GOLDEN, 20, &now);
}

/// The lines are those that are stored; on request they are stored anew.
fn kept(file: &str, lines: usize, now: &str) {
    if std::env::var_os("WORLD_BLESS").is_some() {
        std::fs::write(file, now).expect("the stored hashes are written");
    }
    let stored = std::fs::read_to_string(Path::new(file)).expect("the stored hashes");
    assert_eq!((stored.lines().count(), now.lines().count()), (lines, lines));
    for (stored, now) in stored.lines().zip(now.lines()) {
        assert_eq!(stored, now, "the model changed: see the head of this file");
    }
}
