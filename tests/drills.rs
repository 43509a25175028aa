//! Drills over several seeds: each run is the run that it is alone, and all are judged together.

mod support;

use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::running::Run;
use support::schema::problems;
use support::{names, world, world_with};

fn journals(drill: &Value) -> Vec<String> {
    let runs = drill["runs"].as_array().expect("runs");
    runs.iter().map(|run| run["journal_hash"].as_str().expect("a hash").to_owned()).collect()
}

#[test]
fn each_run_of_a_drill_is_the_run_of_its_seed() {
    let inline = world("run --inline --seed 5 --seeds 3 --json -q").ends_with(0).json();
    let processes = world("run --seed 5 --seeds 3 --json -q").ends_with(0).json();
    let alone = |seed: u64| {
        let result = world(&format!("run --inline --seed {seed} --json -q")).ends_with(0).json();
        result["journal_hash"].as_str().expect("a hash").to_owned()
    };
    assert_eq!(journals(&inline), [alone(5), alone(6), alone(7)]);
    assert_eq!(journals(&processes), journals(&inline));
    assert_eq!((&inline["seeds_planned"], &inline["mode"]), (&Value::from(3), &Value::from("inline")));
}

#[test]
fn a_gate_that_holds_fails_or_is_open_is_told_by_the_exit_code() {
    let drill = |limit: &str, code: i32| {
        let gate = format!("availability_pct < {limit}");
        let drill = world("run --inline --seed 1 --seeds 12 --json -q").and(&["--fail-on", &gate]);
        let drill = drill.ends_with(code).json();
        let gate = drill["gates"][0].clone();
        (drill["verdict"].as_str().expect("a verdict").to_owned(), gate)
    };
    let (verdict, gate) = drill("20", 0);
    assert_eq!((verdict.as_str(), &gate["held"]), ("ok", &Value::Bool(true)));
    let (verdict, gate) = drill("99.99", 1);
    assert_eq!((verdict.as_str(), &gate["held"]), ("gate_failed", &Value::Bool(false)));
    // In the middle of the interval.
    let mean = gate["mean"].as_f64().expect("a mean");
    let (verdict, gate) = drill(&format!("{}", mean + 0.5), 3);
    assert_eq!((verdict.as_str(), &gate["held"]), ("inconclusive", &Value::Null));
    assert!(gate["seeds_needed"].as_u64().expect("a number") > 12, "{gate}");
}

#[test]
fn an_open_gate_says_how_many_seeds_would_do() {
    let mean = world("run --inline --seed 1 --seeds 12 --json -q").ends_with(0).json();
    let mean = mean["metrics"][0]["mean"].as_f64().expect("a mean");
    let gate = format!("availability_pct < {}", mean + 0.5);
    let told = world("run --inline --seed 1 --seeds 12 -q").and(&["--fail-on", &gate]).ends_with(3).out;
    for words in ["undecided", "95 % interval", "seeds would do", "inconclusive"] {
        assert!(told.contains(words), "no `{words}` in:\n{told}");
    }
}

#[test]
fn a_drill_leaves_each_run_and_what_they_came_to() {
    let temp = tempfile::tempdir().expect("a directory");
    let out = temp.path().join("drill");
    let flags = ["--out", out.to_str().expect("text"), "--fail-on", "availability_pct < 99.99"];
    let told = world("run --inline --seed 8 --seeds 6 --json").and(&flags).ends_with(1);
    assert_eq!(
        names(&out).iter().filter(|name| name.starts_with("seed-")).collect::<Vec<_>>(),
        ["seed-10", "seed-11", "seed-12", "seed-13", "seed-8", "seed-9"]
    );
    let kept = fs::read_to_string(out.join("drill.json")).expect("a document");
    assert_eq!(kept, told.out);
    let result: Value =
        serde_json::from_str(&fs::read_to_string(out.join("seed-9/result.json")).expect("a result"))
            .expect("JSON");
    assert_eq!(result["journal_hash"], told.json()["runs"][1]["journal_hash"]);
    // One run is not judged by the gates of all.
    assert_eq!((&result["verdict"], &result["gates"]), (&Value::from("ok"), &Value::Array(Vec::new())));
    let repeat = result["repeat"].as_str().expect("a command");
    assert!(repeat.contains("--seed 9") && !repeat.contains("--seeds"), "{repeat}");
    world("verify").and(&[out.join("seed-9").to_str().expect("text")]).ends_with(0);
}

#[test]
fn a_directory_that_holds_a_drill_or_a_run_is_refused() {
    let temp = tempfile::tempdir().expect("a directory");
    let dir = |name: &str| temp.path().join(name).to_str().expect("text").to_owned();
    world("run --inline --seed 1 --seeds 2 -q --out").and(&[&dir("drill")]).ends_with(0);
    world("run --inline --seed 1 --seeds 2 -q --out").and(&[&dir("drill")]).refused_with(&["already holds"]);
    world("run --inline --seed 1 -q --out").and(&[&dir("drill")]).refused_with(&["already holds"]);
    world("run --inline --seed 1 -q --out").and(&[&dir("run")]).ends_with(0);
    world("run --inline --seed 1 --seeds 2 -q --out").and(&[&dir("run")]).refused_with(&["already holds"]);
}

/// A drill that was killed leaves runs and no document: another one would be mixed with it.
#[test]
fn a_directory_that_holds_a_run_of_some_seed_is_refused_before_anything_is_played() {
    let temp = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(temp.path().join("seed-6")).expect("a directory");
    let dir = temp.path().to_str().expect("text");
    world("run --inline --seed 5 --seeds 3 -q --out").and(&[dir]).refused_with(&["already holds"]);
    world("run --inline --seed 5 -q --out").and(&[dir]).refused_with(&["already holds"]);
    assert_eq!(names(temp.path()), ["seed-6"]);
}

#[test]
fn a_drill_over_one_seed_is_a_drill_and_decides_no_gate() {
    let gates = ["--fail-on", "availability_pct < 1"];
    let drill = world("run --inline --seed 7 --seeds 1 --json -q").and(&gates).ends_with(3).json();
    assert_eq!((&drill["verdict"], &drill["gates"][0]["n"]), (&"inconclusive".into(), &1.into()));
    assert_eq!(drill["runs"].as_array().map(Vec::len), Some(1));
}

/// That all of four runs passed does not say that all will.
#[test]
fn the_share_of_runs_that_pass_has_room_for_those_that_were_not_played() {
    let gates = ["--fail-on", "availability_pct < 1"];
    let drill = world("run --inline --seed 1 --seeds 4 --json -q").and(&gates).ends_with(0).json();
    let metrics = drill["metrics"].as_array().expect("metrics");
    let passed = metrics.iter().find(|metric| metric["metric"] == "passed_share").expect("it");
    assert_eq!((&passed["mean"], &passed["high"]), (&1.0.into(), &1.0.into()));
    assert!(passed["low"].as_f64() < Some(0.7), "{passed}");
    let gates = ["--fail-on", "availability_pct < 85"];
    let drill = world("run --inline --seed 1 --seeds 12 --json -q").and(&gates).run().json();
    let served = |run: &Value| run["availability_pct"].as_f64().expect("a share");
    let runs = drill["runs"].as_array().expect("runs");
    let well = runs.iter().filter(|run| served(run) >= 85.0).count();
    assert!((1..12).contains(&well), "{well}");
    let metrics = drill["metrics"].as_array().expect("metrics");
    let passed = metrics.iter().find(|metric| metric["metric"] == "passed_share").expect("it");
    assert_eq!(passed["mean"], well as f64 / 12.0);
}

/// A score of one seed says little where there was little to win: it is not their mean that counts.
#[test]
fn the_score_of_a_drill_is_what_was_won_of_what_could_be() {
    let drill = world("run --inline --seed 1 --seeds 15 --json -q").ends_with(0).json();
    let (mut won, mut could_be) = (0.0, 0.0);
    for seed in 1..=15 {
        let run = world(&format!("run --inline --seed {seed} --json -q")).ends_with(0).json();
        if run["score"].is_number() {
            let utility = |value: &Value| value["utility"].as_f64().expect("a figure");
            let references = &run["references"];
            won += utility(&run) - utility(&references["none"]);
            could_be += utility(&references["oracle"]) - utility(&references["none"]);
        }
    }
    let metrics = drill["metrics"].as_array().expect("metrics");
    let score = metrics.iter().find(|metric| metric["metric"] == "score").expect("a score");
    let score = score["mean"].as_f64().expect("a figure");
    assert!((score - 100.0 * won / could_be).abs() < 1e-9, "{score}, {won} of {could_be}");
}

/// Answers in the first round and in the third, with nonsense between them, and is gone in the fourth.
const FAILS: &str = "echo begins >&2; read -r greeting; for answer in '{\"round\":1}' no '{\"round\":3}'; do read -r \
                     round; echo \"$answer\"; done; read -r round";

#[test]
fn each_run_of_a_drill_has_a_program_of_its_own_with_its_log_and_what_it_left_unanswered() {
    let temp = tempfile::tempdir().expect("a directory");
    let program = temp.path().join("program");
    fs::write(&program, FAILS).expect("written");
    let sre = format!("exec:exec sh {}", program.display());
    let drill = |out: &str, flags: &[&str]| {
        let out = temp.path().join(out);
        let drill = world("run --seed 5 --seeds 2 -n 4 --json").and(&["--sre", &sre, "--out"]);
        let ended = drill.and(&[out.to_str().expect("text")]).and(flags).ends_with(0);
        for seed in ["seed-5", "seed-6"] {
            let log = fs::read_to_string(out.join(seed).join("sre-oncall.log")).expect("a log");
            let lines: Vec<&str> = log.lines().collect();
            assert_eq!((lines.len(), lines[0]), (3, "begins"), "{log}");
            assert!(lines[1].starts_with("world: round 2: this is no JSON"), "{log}");
        }
        ended
    };
    let inline = drill("inline", &["--inline"]);
    let processes = drill("processes", &[]);
    assert_eq!(journals(&processes.json()), journals(&inline.json()));
    for ended in [inline, processes] {
        let drill = ended.json();
        for run in drill["runs"].as_array().expect("runs") {
            assert_eq!(run["lapses"], serde_json::json!({ "late": 0, "malformed": 1, "dead": 1 }));
        }
        let metrics = drill["metrics"].as_array().expect("metrics");
        let share = metrics.iter().find(|metric| metric["metric"] == "lapse_share").expect("it");
        assert_eq!(share["mean"], 0.5, "{share}");
        let told = "Unanswered    4 decisions (2 malformed, 2 dead), the first on seed 5";
        assert!(ended.err.contains(told), "{}", ended.err);
    }
}

#[test]
fn a_drill_is_verified_run_by_run() {
    let temp = tempfile::tempdir().expect("a directory");
    let out = temp.path().join("drill");
    let dir = out.to_str().expect("text").to_owned();
    world("run --inline --seed 9 --seeds 3 -q --out").and(&[&dir]).ends_with(0);
    let told = world("verify").and(&[&dir]).ends_with(0).out;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    for (line, seed) in lines.iter().zip(["seed 9: complete", "seed 10: complete", "seed 11: complete"]) {
        assert!(line.starts_with(seed), "{told}");
    }
    fs::remove_file(out.join("seed-10/result.json")).expect("it was there");
    assert!(world("verify").and(&[&dir]).ends_with(3).out.contains("seed 10: broken off"));
    fs::remove_file(out.join("drill.json")).expect("it was there");
    assert!(world("verify").and(&[&dir]).ends_with(3).out.contains("there is no drill.json"));
}

#[test]
fn a_signal_ends_a_drill_and_what_was_played_is_kept() {
    let temp = tempfile::tempdir().expect("a directory");
    let out = temp.path().join("drill");
    let flags = format!("--inline --seed 1 --seeds 500 --pace 5ms --out {}", out.display());
    let mut run = Run::start(&flags);
    run.line_with("           2 ");
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.text);
    assert!(ended.text.contains("interrupted") && ended.text.contains("of 500 seeds"), "{}", ended.text);
    let drill = read(&out.join("drill.json"));
    assert_eq!((&drill["verdict"], &drill["interrupted_by"]), (&Value::from("interrupted"), &Value::from(2)));
    let played = drill["runs"].as_array().expect("runs").len();
    assert!((2..500).contains(&played), "{played}");
    // Nothing was begun after the signal.
    let begun = names(&out).iter().filter(|name| name.starts_with("seed-")).count();
    assert!(begun <= played + 1, "{:?}", names(&out));
    // A run that was cut short is not among those that count.
    assert!(drill["runs"].as_array().expect("runs").iter().all(|run| run["verdict"] == "ok"), "{drill}");
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a document")).expect("JSON")
}

#[test]
fn the_document_keeps_to_its_schema_and_the_command_repeats_it() {
    let schema = world("schema drill").ends_with(0).json();
    let gates = ["--fail-on", "mttr.mean_rounds > 99", "--fail-on", "incidents.50.onset_round > 3"];
    // Few have 51 incidents: the second gate has no value.
    let drill = world("run --inline --seed 3 --seeds 4 --json -q").and(&gates).ends_with(3).json();
    let problems = problems(&schema, &drill);
    assert!(problems.is_empty(), "{problems:#?}");
    let repeat = drill["repeat"].as_str().expect("a command");
    assert!(repeat.contains("--seed 3 --seeds 4") && repeat.contains("'mttr.mean_rounds > 99'"), "{repeat}");
    assert_eq!(support::repeated(&drill), drill);
}

#[test]
fn seeds_that_make_no_sense_are_refused() {
    for flags in ["--seeds 0", "--seeds -1", "--seeds many", "--seeds 100001"] {
        world("run --inline").and(&flags.split(' ').collect::<Vec<_>>()).refused_with(&["1 to 100000 seeds"]);
    }
    world_with(&["run", "--inline", "--seed", "18446744073709551615", "--seeds", "2"])
        .refused_with(&["not so many seeds"]);
    for other in ["--plan", "--manual", "--check-determinism", "-v"] {
        world("run --seeds 2").and(&[other]).refused_with(&["cannot be used with"]);
    }
}

#[test]
fn a_drill_is_told_seed_by_seed_and_then_as_a_whole() {
    let told = world("run --inline --seed 1 --seeds 3 --fail-on score<-9999").ends_with(0).out;
    assert!(told.starts_with("3 seeds, 1 to 3\n"), "{told}");
    for words in
        ["           1 ", "           3 ", "Availability, %", "score<-9999", "held", "Verdict       ok"]
    {
        assert!(told.contains(words), "no `{words}` in:\n{told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80 || line.starts_with("  world run")), "{told}");
}
