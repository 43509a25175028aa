//! `world bench` and `world compare` as their users see them.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use support::running::{is_gone, wait_until};
use support::schema::problems;
use support::{names, world, world_with};

fn json(arguments: &str) -> Value {
    world(arguments).and(&["--json", "-q"]).ends_with(0).json()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("a document")
}

/// One figure of a bench.
fn figure<'b>(bench: &'b Value, cell: usize, sre: &str, metric: &str) -> &'b Value {
    let results = bench["cells"][cell]["results"].as_array().expect("results");
    let result = results.iter().find(|result| result["sre"] == sre);
    &result.unwrap_or_else(|| panic!("no {sre} in {bench}"))["metrics"][metric]
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

// ---- what is measured -------------------------------------------------------------------------

/// Of a single seed, every metric is what `result.json` says of that run.
#[test]
fn a_bench_of_one_seed_says_what_the_run_says() {
    let place = Place::new();
    let program = place.program("rolls-back", &answering(ROLLS_BACK));
    let named = format!("program={program}");
    for (sre, flag) in
        [("mid", "rules:mid"), ("oracle", "oracle"), ("none", "none"), ("program", program.as_str())]
    {
        let bench = world("bench --seeds 1 --first-seed 7 --chaos-level high --sre none --sre rules:mid");
        let bench = bench.and(&["--sre", &named, "--json", "-q"]).ends_with(0).json();
        let run = world("run --inline --seed 7 --chaos-level high --json -q").and(&["--sre", flag]);
        let run = run.ends_with(0).json();
        let sre_of_run = &run["sres"][0];
        let claims = &sre_of_run["diagnosis"];
        let share = |part: &Value, of: &Value| {
            let of = of.as_f64().filter(|of| *of > 0.0);
            of.map_or(Value::Null, |of| Value::from(number(part) / of))
        };
        for (metric, theirs) in [
            ("availability_pct", run["availability_pct"].clone()),
            ("utility", run["utility"].clone()),
            ("score", run["score"].clone()),
            ("mttd_rounds", run["mttd"]["restricted_mean_rounds"].clone()),
            ("mtta_rounds", run["mtta"]["restricted_mean_rounds"].clone()),
            ("mttm_rounds", run["mttm"]["restricted_mean_rounds"].clone()),
            ("mttr_rounds", run["mttr"]["restricted_mean_rounds"].clone()),
            ("remedied_share", run["remedied_share"].clone()),
            ("avoided_share", run["avoided_share"].clone()),
            ("right_entity_share", share(&claims["right_entity"], &claims["claims"])),
            ("right_kind_share", share(&claims["right_kind"], &claims["claims"])),
            ("harm_requests", sre_of_run["harm_requests"].clone()),
            ("unneeded_actions", sre_of_run["unneeded_actions"].clone()),
            ("false_alarms", run["alerts"]["false"].clone()),
            ("passed_share", Value::from(f64::from(u8::from(run["sla"]["met"] == true)))),
            ("lapse_share", if sre == "program" { 0.0.into() } else { Value::Null }),
        ] {
            let ours = &figure(&bench, 0, sre, metric)["estimate"];
            match (ours.as_f64(), theirs.as_f64()) {
                (Some(ours), Some(theirs)) => {
                    assert!((ours - theirs).abs() < 1e-9, "{metric} of {sre}: {ours} {theirs}");
                }
                _ => assert_eq!((ours, &theirs), (&Value::Null, &Value::Null), "{metric} of {sre}"),
            }
        }
    }
}

#[test]
fn skills_are_told_apart_by_200_paired_seeds_at_every_level() {
    let levels = ["low", "medium", "high", "extreme"];
    let flags = levels.map(|level| format!("--chaos-level {level}")).join(" ");
    let bench = json(&format!("bench --seeds 200 --baseline-sre mid {flags}"));
    for (cell, level) in levels.iter().enumerate() {
        for (sre, sign) in [("none", -1.0), ("junior", -1.0), ("senior", 1.0), ("oracle", 1.0)] {
            for metric in ["availability_pct", "score"] {
                let apart = &figure(&bench, cell, sre, metric)["difference"];
                let (by, p) = (number(&apart["estimate"]), number(&apart["p_holm"]));
                assert!(by * sign > 0.0 && p < 0.01, "{metric} of {sre} at {level}: {apart}");
                let ends = [number(&apart["low"]), number(&apart["high"])];
                assert!(ends.iter().all(|end| end * sign > 0.0), "{metric} of {sre} at {level}: {apart}");
            }
        }
    }
    let bench = json("bench --chaos-level off --seeds 20");
    for sre in ["junior", "mid", "senior", "oracle"] {
        let apart = &figure(&bench, 0, sre, "availability_pct")["difference"];
        assert_eq!((number(&apart["estimate"]), number(&apart["p"])), (0.0, 1.0), "{sre} without chaos");
        assert_eq!(figure(&bench, 0, sre, "score")["n"], 0);
    }
}

#[test]
fn whoever_plays_the_same_is_no_different() {
    let bench = json("bench --sre one=rules:senior --sre other=rules:senior --seeds 30");
    for (metric, figure) in bench["cells"][0]["results"][1]["metrics"].as_object().expect("metrics") {
        let apart = &figure["difference"];
        if metric == "lapse_share" {
            assert_eq!(apart, &Value::Null, "they are no programs");
            continue;
        }
        assert_eq!((number(&apart["estimate"]), number(&apart["p"])), (0.0, 1.0), "{metric}");
    }
    assert_eq!(figure(&bench, 0, "one", "score")["difference"], Value::Null, "it is the baseline");
}

#[test]
fn what_passes_is_asked_of_each_run() {
    let passed = |flags: &str| {
        let bench =
            world("bench --seeds 25 --sre rules:senior --json -q").and(&flags.split('|').collect::<Vec<_>>());
        let bench = bench.ends_with(0).json();
        let pass = &bench["cells"][0]["results"][0]["pass"];
        (pass["passed"].as_u64().expect("a count"), pass["pass_k"].clone())
    };
    assert_eq!(passed("--pass|availability_pct >= 0").0, 25);
    assert_eq!(passed("--pass|availability_pct > 100").0, 0);
    // What was not observed is not fulfilled.
    assert_eq!(passed("--pass|incidents.99.onset_round > 0").0, 0);
    let some = passed("--pass|availability_pct >= 90|--pass|score >= 50|--k|3,1,30");
    let ks: Vec<u64> =
        some.1.as_array().expect("a list").iter().filter_map(|pass| pass["k"].as_u64()).collect();
    assert_eq!(ks, [1, 3, 30]);
    let (passed, runs) = (some.0 as f64, 25.0);
    let all_of_three = passed * (passed - 1.0) * (passed - 2.0) / (runs * (runs - 1.0) * (runs - 2.0));
    assert!(passed > 3.0 && (number(&some.1[1]["estimate"]) - all_of_three).abs() < 1e-12, "{some:?}");
    assert_eq!(some.1[2]["estimate"], Value::Null, "there are not thirty runs");
}

#[test]
fn a_scenario_is_played_at_its_own_level_and_held_against_its_own_gates() {
    let dir = tempfile::tempdir().expect("a directory");
    let scenario = world("scenarios show cache-loss --toml").ends_with(0).out;
    let hard = dir.path().join("hard.toml");
    let gates = "[gate]\nfail_on = [\"availability_pct < 100\"]\n";
    let text = scenario.split("[gate]").next().expect("a beginning").to_owned() + gates;
    let rest = scenario.split_once("[gate]").map_or("", |(_, rest)| rest);
    let after = rest.find("\n[").map_or("", |at| &rest[at..]);
    fs::write(&hard, text + after).expect("a file");
    let bench = world_with(&["bench", "--scenario", "cache-loss", "--scenario"])
        .and(&[hard.to_str().expect("a path"), "--seeds", "6", "--json", "-q"])
        .ends_with(0)
        .json();
    assert_eq!(bench["cells"][0]["scenario"]["name"], "cache-loss");
    assert_eq!(bench["cells"][1]["scenario"]["name"], "hard");
    let run = world("run --scenario cache-loss --inline --seed 1 --json -q").run().json();
    assert_eq!(bench["cells"][0]["chaos_level"], run["chaos_level"]);
    assert_eq!(bench["cells"][0]["rounds"], run["rounds_planned"]);
    assert_eq!(bench["cells"][0]["scenario"]["hash"], run["scenario"]["hash"]);
    let passed = |cell: usize| bench["cells"][cell]["results"][0]["pass"]["passed"].as_u64();
    assert_eq!(passed(1), Some(0), "nobody serves everything");
    world("bench --scenario cache-loss --rounds 3").refused_with(&["--rounds", "for scenarios to say"]);
}

// ---- the same for everybody -------------------------------------------------------------------

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let bench = |threads: &str| {
        let flags =
            "bench systems single --chaos-level low --chaos-level high --seeds 150 --json -q --threads";
        world(flags).and(&[threads]).ends_with(0).out
    };
    let one = bench("1");
    for threads in ["2", "3", "16"] {
        assert_eq!(bench(threads), one, "{threads} threads");
    }
}

#[test]
fn the_command_that_repeats_a_bench_repeats_it() {
    let first =
        world("bench single --chaos-level high --seeds 12 -n 5 --sre x=rules --sre everything --k 2,1")
            .and(&["--pass", "score > 10", "--baseline-sre", "everything", "--json", "-q"])
            .ends_with(0)
            .json();
    let repeat = first["repeat"].as_str().expect("a command").strip_prefix("world ").expect("the program");
    // The one argument with blanks is quoted for a shell.
    let (before, rest) = repeat.split_once("'score > 10'").expect("the gate, quoted");
    let words: Vec<&str> =
        before.split_whitespace().chain(["score > 10"]).chain(rest.split_whitespace()).collect();
    let again = world_with(&words).and(&["--json", "-q"]).ends_with(0).json();
    assert_eq!(again, first);
}

// ---- kept, interrupted, gone on with ----------------------------------------------------------

const KEPT: [&str; 3] = ["bench.csv", "bench.json", "checkpoint.json"];

fn same_files(one: &Path, other: &Path) {
    for name in KEPT {
        let [one, other] = [one, other].map(|dir| fs::read(dir.join(name)).expect("it was kept"));
        assert!(one == other, "{name} differs");
    }
}

/// A bench that is kept in a directory.
fn kept_in(dir: &Path, flags: &str, seeds: u64) -> support::World {
    let seeds = seeds.to_string();
    world(&format!("bench {flags} -q --seeds")).and(&[&seeds, "--out", dir.to_str().expect("a path")])
}

#[test]
fn more_seeds_go_on_and_give_the_same_bytes_as_one_bench() {
    let dir = tempfile::tempdir().expect("a directory");
    let [pieces, whole] = ["pieces", "whole"].map(|name| dir.path().join(name));
    let flags = "--chaos-level medium --chaos-level extreme -n 4";
    // Past the 512 seeds from which on they are kept in blocks.
    for seeds in [7, 7, 700, 900] {
        kept_in(&pieces, flags, seeds).ends_with(0);
    }
    kept_in(&whole, flags, 900).ends_with(0);
    assert_eq!(names(&pieces), KEPT);
    same_files(&pieces, &whole);
}

fn begin(dir: &Path, flags: &str) -> Child {
    let mut command = kept_in(dir, flags, 100_000_000).command();
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it is there");
}

fn seeds_kept(dir: &Path) -> u64 {
    let checkpoint = read(&dir.join("checkpoint.json"));
    let cells = checkpoint["tally"]["cells"].as_array().expect("cells");
    cells.iter().filter_map(|cell| cell["seeds"].as_u64()).max().expect("a cell")
}

#[test]
fn an_interrupted_bench_keeps_what_it_has_and_goes_on_as_if_nothing_had_been() {
    let dir = tempfile::tempdir().expect("a directory");
    let [broken, whole] = ["broken", "whole"].map(|name| dir.path().join(name));
    let flags = "--chaos-level medium --chaos-level high -n 1 --sre none";
    let mut child = begin(&broken, flags);
    wait_until("there is a checkpoint", || broken.join("checkpoint.json").exists().then_some(()));
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let bench = read(&broken.join("bench.json"));
    assert_eq!((&bench["verdict"], &bench["interrupted_by"]), (&"interrupted".into(), &2.into()));
    let seeds = seeds_kept(&broken);
    assert!(bench["cells"][0]["seeds"].as_u64().is_some_and(|there| 0 < there && there <= seeds));
    kept_in(&broken, flags, seeds + 10).ends_with(0);
    kept_in(&whole, flags, seeds + 10).ends_with(0);
    same_files(&broken, &whole);
}

/// Whoever wants one that never ends asks for as many seeds as there are.
#[test]
fn a_bench_of_all_seeds_there_are_goes_on_until_it_is_interrupted() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let mut command = kept_in(&out, "systems single -n 1 --sre none", u64::MAX).command();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    wait_until("there is a checkpoint", || {
        assert_eq!(child.try_wait().expect("it is ours"), None, "it ended by itself");
        out.join("checkpoint.json").exists().then_some(())
    });
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn a_killed_bench_goes_on_from_its_checkpoint() {
    let dir = tempfile::tempdir().expect("a directory");
    let [killed, whole] = ["killed", "whole"].map(|name| dir.path().join(name));
    let mut child = begin(&killed, "-n 1 --sre none");
    wait_until("there is a checkpoint", || killed.join("checkpoint.json").exists().then_some(()));
    signal(&child, Signal::KILL);
    child.wait().expect("it ends");
    let seeds = seeds_kept(&killed);
    assert!(seeds > 0);
    kept_in(&killed, "-n 1 --sre none", seeds + 1).ends_with(0);
    kept_in(&whole, "-n 1 --sre none", seeds + 1).ends_with(0);
    same_files(&killed, &whole);
}

#[test]
fn an_interrupted_comparison_is_of_the_same_seeds_in_both_worlds() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let mut command = world("compare single systems -n 1 --sre none -q --seeds 100000000 --out")
        .and(&[out.to_str().expect("a path")])
        .command();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    wait_until("there is a checkpoint", || out.join("checkpoint.json").exists().then_some(()));
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    let comparison = read(&out.join("compare.json"));
    let metrics = &comparison["levels"][0]["results"][0];
    assert_eq!(metrics["a"]["utility"]["n"], metrics["b"]["utility"]["n"]);
    assert!(metrics["b"]["utility"]["difference"]["estimate"].is_number());
}

#[test]
fn a_checkpoint_of_another_bench_is_refused_with_what_differs() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let again = |flags: &str, seeds| kept_in(&out, flags, seeds);
    again("--sre rules:mid -n 3", 5).ends_with(0);
    let before = fs::read(out.join("checkpoint.json")).expect("a checkpoint");
    for (flags, difference) in [
        ("--sre rules:mid -n 4", "cases.0.rounds is 3 there and 4 here"),
        ("--sre rules:mid -n 3 --first-seed 9", "first_seed is 1 there and 9 here"),
        ("--sre rules:mid -n 3 --chaos-level high", r#"cells.0.1 is "medium" there and "high" here"#),
        ("--sre mid=rules:senior -n 3", r#"players.0.skill is "mid" there and "senior" here"#),
        ("--sre rules:mid -n 3 --pass rounds>1", "pass has 0 entries there and 1 here"),
        ("single --sre rules:mid -n 3", r#"cases.0.world.name is "systems" there and "single" here"#),
    ] {
        again(flags, 5).refused_with(&["is of another bench", difference, "--out"]);
    }
    again("--sre rules:mid -n 3", 4).refused_with(&["has 5 seeds already", "--seeds 5 or more"]);
    let text = String::from_utf8(before.clone()).expect("it is text");
    let other = text.replacen(env!("CARGO_PKG_VERSION"), "0.0.1", 1);
    fs::write(out.join("checkpoint.json"), other).expect("it can be written");
    again("--sre rules:mid -n 3", 5).refused_with(&[r#"build.version is "0.0.1" there"#]);
    fs::write(out.join("checkpoint.json"), &before[..before.len() / 2]).expect("it can be written");
    again("--sre rules:mid -n 3", 5).refused_with(&["is no checkpoint", "begin anew"]);
    let without_a_sample =
        text.replacen(r#""players":[{"samples":[{"#, r#""players":[{"samples":[],"x":[{"#, 1);
    assert_ne!(without_a_sample, text);
    fs::write(out.join("checkpoint.json"), without_a_sample).expect("it can be written");
    again("--sre rules:mid -n 3", 5).refused_with(&["is no checkpoint"]);
    fs::remove_file(out.join("checkpoint.json")).expect("it is there");
    again("--sre rules:mid -n 3", 5).refused_with(&["holds a bench without its checkpoint"]);
}

#[test]
fn a_directory_that_is_used_otherwise_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let [run, busy] = ["run", "busy"].map(|name| dir.path().join(name));
    world("run --inline -q -n 1 --out").and(&[run.to_str().expect("a path")]).ends_with(0);
    kept_in(&run, "", 5).refused_with(&["already holds a run"]);
    let mut child = begin(&busy, "-n 1 --sre none");
    wait_until("there is a checkpoint", || busy.join("checkpoint.json").exists().then_some(()));
    kept_in(&busy, "-n 1 --sre none", 100_000_000).refused_with(&["belongs to a bench that is going on"]);
    child.kill().expect("it is there");
    child.wait().expect("it ends");
}

// ---- programs on call -------------------------------------------------------------------------

/// A place for the programs of one test.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().expect("text").to_owned()
    }

    /// A shell program, as `--sre` has it.
    fn program(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("written");
        format!("exec:exec sh {}", self.path(name))
    }
}

/// Answers each round; `before` may answer in its own way, and go on.
fn answering(before: &str) -> String {
    format!(
        "round=0\nwhile IFS= read -r line; do case $line in *'\"observe\"'*) round=$((round + 1)); {before}\n\
         echo \"{{\\\"round\\\":$round}}\";; esac; done\n"
    )
}

/// Acts, whether it helps or not.
const ROLLS_BACK: &str = "echo \"{\\\"round\\\":$round,\\\"actions\\\":[{\\\"action\\\":\\\"rollback\\\",\
                          \\\"target\\\":\\\"api-1\\\"}]}\"; continue";

/// Says nonsense in round 2, and is gone in round 4.
const FAILING: &str = "[ $round = 2 ] && echo no && continue; [ $round = 4 ] && exit 3";

#[test]
fn programs_play_the_same_on_any_number_of_threads() {
    let place = Place::new();
    let acts = place.program("acts", &answering(ROLLS_BACK));
    let fails = place.program("fails", &answering(FAILING));
    let bench = |threads: &str| {
        let bench = world("bench systems single -n 6 --seeds 9 --json -q --threads");
        bench.and(&[threads, "--sre", &acts, "--sre", &fails]).ends_with(0).out
    };
    let one = bench("1");
    for threads in ["2", "7"] {
        assert_eq!(bench(threads), one, "{threads} threads");
    }
}

#[test]
fn a_program_that_does_not_answer_is_told_from_a_bad_one() {
    let place = Place::new();
    let fails = place.program("fails", &answering(FAILING));
    let flags = ["--sre", &fails, "--first-seed", "5", "--seeds", "3", "-n", "6"];
    let bench = world("bench --sre rules:mid").and(&flags).ends_with(0);
    for words in ["Unanswered", "fails      18          12     0          3     9     3           5"] {
        assert!(bench.out.contains(words), "no `{words}` in:\n{}", bench.out);
    }
    let bench = world("bench --sre rules:mid --json -q").and(&flags).ends_with(0);
    let told =
        "fails in systems, medium: 12 of 18 rounds unanswered (3 malformed, 9 dead), the first on seed 5";
    assert!(words_of(&bench.err).contains(told), "{}", bench.err);
    let results = &bench.json()["cells"][0]["results"];
    let lapses = &results[1]["lapses"];
    let counts =
        ["rounds", "late", "malformed", "dead", "runs", "first_seed"].map(|key| lapses[key].as_u64());
    assert_eq!(counts, [18, 0, 3, 9, 3, 5].map(Some));
    assert_eq!(figure(&bench.json(), 0, "fails", "lapse_share")["estimate"], 12.0 / 18.0);
    assert_eq!((&results[0]["lapses"]["dead"], &results[0]["lapses"]["rounds"]), (&0.into(), &18.into()));
    let rows = world("bench --csv -q").and(&flags).ends_with(0).out;
    assert!(rows.contains(",fails,exec,,lapse_share,3,0.6666666666666666,"), "{rows}");
    let comparison = world("compare single replicated -q --json").and(&flags).ends_with(0);
    let sides = &comparison.json()["levels"][0]["results"][0];
    assert_eq!((&sides["lapses_a"]["dead"], &sides["lapses_b"]["dead"]), (&9.into(), &9.into()));
    assert!(
        words_of(&comparison.err).contains("fails in replicated, medium: 12 of 18"),
        "{}",
        comparison.err
    );
}

/// Text without its line breaks.
fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn whoever_never_answers_is_not_measured() {
    let place = Place::new();
    let silent = place.program("silent", "exec sleep 1000");
    for (sre, flags, how) in [
        (silent.as_str(), &["--sre-deadline", "10ms"][..], "late"),
        ("silent=exec:no-such-program-anywhere", &[], "dead"),
    ] {
        let bench = world("bench -n 2 --seeds 2 --json -q --sre").and(&[sre]).and(flags).ends_with(3);
        let told = words_of(&bench.err);
        assert!(told.contains("there was no answer of `silent` in systems, medium"), "{told}");
        let bench = bench.json();
        assert_eq!(bench["verdict"], "invalid");
        assert_eq!(bench["cells"][0]["results"][0]["lapses"][how], 4, "{bench}");
        let seconds = if flags.is_empty() { Value::Null } else { 0.01.into() };
        assert_eq!(bench["sre_deadline_seconds"], seconds);
    }
}

/// A shell that is there and does not find a program is the program's; a system that starts none is not.
#[test]
fn a_program_that_the_system_does_not_start_makes_its_runs_invalid() {
    let place = Place::new();
    let sre = place.program("ok", &answering(":"));
    let mut command = world("bench -n 2 --seeds 2 --json -q --sre rules").and(&["--sre", &sre]).command();
    // There is no shell.
    command.env("PATH", place.dir.path());
    let ended = support::World::of(command).ends_with(3);
    assert!(words_of(&ended.err).contains("2 runs mean nothing"), "{}", ended.err);
    let bench = ended.json();
    let invalid = [0, 1].map(|player| bench["cells"][0]["results"][player]["invalid_runs"].as_u64());
    assert_eq!(invalid, [Some(0), Some(2)]);
}

#[test]
fn the_log_of_a_program_is_kept_beside_the_bench_and_never_shown() {
    let place = Place::new();
    let talks =
        place.program("talks", &answering("echo heard $round >&2; [ $round = 2 ] && echo no && continue"));
    let quiet = place.program("quiet", &answering(":"));
    let flags = ["--sre", &talks, "--sre", &quiet, "-n", "2", "--seeds", "2"];
    let out = place.path("out");
    let kept = world("bench -q --threads 1 --out").and(&[&out]).and(&flags).ends_with(0);
    assert!(!kept.err.contains("heard"), "{}", kept.err);
    assert_eq!(
        names(Path::new(&out)),
        ["bench.csv", "bench.json", "checkpoint.json", "sre-quiet.log", "sre-talks.log"]
    );
    let log = fs::read_to_string(Path::new(&out).join("sre-talks.log")).expect("a log");
    assert_eq!((log.matches("heard 1\nheard 2\n").count(), log.lines().count()), (2, 6), "{log}");
    let shown = world("bench").and(&flags).ends_with(0);
    assert!(!shown.err.contains("heard") && !shown.out.contains("heard"), "{}", shown.err);
    // What cannot be kept is said before anything is played.
    let blocked = place.path("blocked");
    fs::create_dir_all(Path::new(&blocked).join("sre-talks.log")).expect("a directory");
    world("bench --out").and(&[&blocked]).and(&flags).ends_with(2);
}

/// Does as `before` says in its own way when it is started for the so-many-th time, with a child in the
/// background; and answers each round otherwise.
fn hanging_at(place: &Place, start: usize) -> String {
    let text = format!(
        "echo x >> {starts}; if [ -e {hangs} ] && [ $(wc -l < {starts}) = {start} ]; then sleep 1000 &\n\
         echo $$ $! > {up}; wait; fi\n{answering}",
        starts = place.path("starts"),
        hangs = place.path("hangs"),
        up = place.path("up"),
        answering = answering(ROLLS_BACK),
    );
    fs::write(place.path("hangs"), "").expect("written");
    place.program("hangs-at", &text)
}

/// Waits until it hangs, and interrupts it; gives what was said on standard output.
fn interrupt(place: &Place, mut command: std::process::Command) -> String {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let up = wait_until("it hangs", || {
        fs::read_to_string(place.path("up")).ok().filter(|text| text.ends_with('\n'))
    });
    signal(&child, Signal::INT);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    for pid in up.split_whitespace() {
        let pid = Pid::from_raw(pid.parse().expect("a number")).expect("a process");
        wait_until("its processes are gone", || is_gone(pid).then_some(()));
    }
    fs::remove_file(place.path("hangs")).expect("it is there");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn of_no_seed_there_are_no_tables() {
    for command in ["bench", "compare single systems"] {
        let place = Place::new();
        let sre = hanging_at(&place, 1);
        let command = world(&format!("{command} -n 4 --threads 1 --sre")).and(&[&sre]).command();
        let told = interrupt(&place, command);
        assert!(told.contains("No seed was played to its end."), "{told}");
        assert!(!told.contains("Score"), "{told}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_program_and_the_seed_is_played_again() {
    let place = Place::new();
    let sre = hanging_at(&place, 3);
    let [broken, whole] = ["broken", "whole"].map(|name| place.path(name));
    let bench = |out: &str| {
        let flags = ["--sre", &sre, "--seeds", "5", "--out", out];
        world("bench -n 4 -q --threads 1").and(&flags)
    };
    interrupt(&place, bench(&broken).command());
    let bench_of = |out: &str| read(&Path::new(out).join("bench.json"));
    let kept = bench_of(&broken);
    assert_eq!((&kept["verdict"], &kept["cells"][0]["seeds"]), (&"interrupted".into(), &2.into()));
    assert_eq!(kept["cells"][0]["results"][0]["lapses"]["late"], 0, "it was not late but left");
    bench(&broken).ends_with(0);
    bench(&whole).ends_with(0);
    same_files(Path::new(&broken), Path::new(&whole));
    // Another program of that name, or another deadline, is another bench.
    let again = |flags: &[&str]| world("bench -n 4 -q --seeds 5 --out").and(&[&broken]).and(flags);
    again(&["--sre", "hangs-at=exec:other"]).refused_with(&["players.0.command is", "\"other\" here"]);
    again(&["--sre", &sre, "--sre-deadline", "2s"])
        .refused_with(&["sre_deadline is null there and \"2s\" here"]);
}

#[test]
fn a_comparison_with_a_program_that_is_interrupted_is_of_the_same_seeds_in_both_worlds() {
    let place = Place::new();
    // In the second world of the second seed.
    let sre = hanging_at(&place, 4);
    let out = place.path("out");
    let flags = ["--sre", &sre, "--seeds", "5", "--out", &out];
    interrupt(&place, world("compare single systems -n 4 -q --threads 1").and(&flags).command());
    let comparison = read(&Path::new(&out).join("compare.json"));
    let level = &comparison["levels"][0];
    let counts = ["a", "b"].map(|side| level["results"][0][side]["utility"]["n"].as_u64());
    assert_eq!((level["seeds"].as_u64(), counts), (Some(1), [Some(1); 2]));
    world("compare single systems -n 4 -q --threads 1").and(&flags).ends_with(0);
}

#[test]
fn the_command_that_repeats_a_bench_of_programs_repeats_it() {
    let place = Place::new();
    let acts = place.program("acts", &answering(ROLLS_BACK));
    let first = world("bench -n 4 --seeds 3 --sre-deadline 30s --json -q --sre").and(&[&acts]);
    let first = first.ends_with(0).json();
    assert_eq!(support::repeated(&first), first);
}

// ---- how many seeds ---------------------------------------------------------------------------

#[test]
fn seeds_are_added_until_intervals_are_narrow_enough_and_no_further_than_allowed() {
    let bench =
        json("bench --chaos-level low --chaos-level high --sre rules:senior --seeds 20 --until-width 4");
    assert_eq!(bench["until"]["reached"], true, "{}", bench["until"]);
    let width = |cell| {
        let figure = figure(&bench, cell, "senior", "availability_pct");
        number(&figure["high"]) - number(&figure["low"])
    };
    let seeds = |cell: usize| bench["cells"][cell]["seeds"].as_u64().expect("a count");
    assert!(width(0) <= 4.0 && width(1) <= 4.0);
    assert!(seeds(0) < seeds(1), "calmer weather needs fewer seeds: {} {}", seeds(0), seeds(1));
    let wide =
        world("bench --sre rules --seeds 10 --until-width 1 score --max-seeds 30 -q --json").ends_with(3);
    assert_eq!(wide.json()["cells"][0]["seeds"], 30);
    assert!(wide.err.contains("score is still"), "{}", wide.err);
}

#[test]
fn a_bench_until_it_is_narrow_ends_alike_wherever_it_was_interrupted() {
    let dir = tempfile::tempdir().expect("a directory");
    let [pieces, whole] = ["pieces", "whole"].map(|name| dir.path().join(name));
    let flags = "-n 5 --sre rules:senior --until-width 2.5 --max-seeds 2000";
    kept_in(&whole, flags, 20).ends_with(0);
    // Stopped between two steps, as by a signal.
    kept_in(&pieces, "-n 5 --sre rules:senior", 33).ends_with(0);
    kept_in(&pieces, flags, 20).ends_with(0);
    same_files(&pieces, &whole);
}

// ---- an earlier bench -------------------------------------------------------------------------

/// A bench, kept; and the same with one figure of its baseline changed.
fn with_earlier(change: impl FnOnce(&mut Value), flags: &str) -> support::Ended {
    let dir = tempfile::tempdir().expect("a directory");
    let (out, file) = (dir.path().join("out"), dir.path().join("earlier.json"));
    kept_in(&out, "--sre rules:senior --sre rules:mid", 40).ends_with(0);
    let mut earlier = read(&out.join("bench.json"));
    change(&mut earlier);
    fs::write(&file, earlier.to_string()).expect("a file");
    world(&format!("bench --json --seeds 40 {flags}"))
        .and(&["--baseline", file.to_str().expect("a path")])
        .run()
}

const SAME: &str = "--sre rules:senior --sre rules:mid";

fn senior<'b>(bench: &'b mut Value, metric: &str) -> &'b mut Value {
    &mut bench["cells"][0]["results"][0]["metrics"][metric]["estimate"]
}

#[test]
fn a_program_with_another_deadline_is_not_compared_with_its_earlier_self() {
    let place = Place::new();
    let acts = place.program("acts", &answering(ROLLS_BACK));
    let out = place.path("out");
    let bench = |flags: &[&str]| world("bench -n 4 --seeds 3 -q --sre").and(&[&acts]).and(flags);
    bench(&["--out", &out]).ends_with(0);
    let earlier = Path::new(&out).join("bench.json");
    let against = ["--json", "--baseline", earlier.to_str().expect("text")];
    let compared = |ended: support::Ended| ended.json()["regression"]["unmatched"].clone();
    assert_eq!(compared(bench(&against).ends_with(0)), Value::Array(Vec::new()));
    let unmatched = compared(bench(&against).and(&["--sre-deadline", "30s"]).run());
    assert_eq!(unmatched[0], "`acts` had no limit for an answer and has 30 s");
}

#[test]
fn a_bench_that_is_no_worse_than_an_earlier_one_passes() {
    let ended = with_earlier(|_| (), SAME);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let regression = &ended.json()["regression"];
    assert_eq!(regression["unmatched"], Value::Array(Vec::new()));
    let changes = regression["changes"].as_array().expect("changes");
    assert!(changes.len() >= 26 && changes.iter().all(|change| change["difference"] == 0.0));
    // Another first seed is another sample of the same, and what got better fails nothing.
    assert_eq!(with_earlier(|_| (), &format!("{SAME} --first-seed 1000")).code, Some(0));
    let better = with_earlier(|earlier| *senior(earlier, "availability_pct") = 60.0.into(), SAME);
    assert_eq!(better.code, Some(0));
    // What is no gate fails nothing.
    let slower = with_earlier(|earlier| *senior(earlier, "mttr_rounds") = 0.5.into(), SAME);
    assert_eq!(slower.code, Some(0));
}

#[test]
fn a_bench_that_is_worse_than_an_earlier_one_fails() {
    for metric in ["availability_pct", "score"] {
        let raise = |earlier: &mut Value| {
            let raised = number(senior(earlier, metric)) + 30.0;
            *senior(earlier, metric) = raised.into();
        };
        let ended = with_earlier(raise, SAME);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert_eq!(ended.json()["verdict"], "gate_failed");
        let complaint = format!("{metric} of senior in systems, medium, fell from");
        let told = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(&complaint), "{told}");
        let allowed = with_earlier(raise, &format!("{SAME} --max-regression 31"));
        assert_eq!(allowed.code, Some(0), "{}", allowed.err);
    }
    // A fall that may be chance is none.
    let chance = |earlier: &mut Value| {
        let raised = number(senior(earlier, "availability_pct")) + 1.0;
        *senior(earlier, "availability_pct") = raised.into();
    };
    assert_eq!(with_earlier(chance, SAME).code, Some(0));
}

#[test]
fn what_cannot_be_compared_with_an_earlier_bench_is_told_by_exit_code_3() {
    let nothing = |_: &mut Value| ();
    for (ended, why) in [
        (with_earlier(nothing, &format!("{SAME} --chaos-level high")), "has no systems, high"),
        (with_earlier(nothing, &format!("{SAME} single")), "has no single, medium"),
        (with_earlier(nothing, &format!("{SAME} -n 3")), "had 15 rounds and has 3"),
        (with_earlier(nothing, "--sre rules:senior --sre mid=rules:junior"), "has no `mid` like this one"),
        (
            with_earlier(|earlier| earlier["cells"][0]["world"]["hash"] = "other".into(), SAME),
            "its file has changed",
        ),
    ] {
        assert_eq!(ended.code, Some(3), "{why}: {}", ended.err);
        let told = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(why), "no `{why}` in:\n{told}");
    }
    // What is worse outranks what cannot be told.
    let both = with_earlier(
        |earlier| *senior(earlier, "availability_pct") = 99.9.into(),
        &format!("{SAME} --chaos-level medium --chaos-level high"),
    );
    assert_eq!(both.code, Some(1), "{}", both.err);
}

#[test]
fn what_is_no_earlier_bench_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("bench.json");
    let bench = || world("bench --baseline").and(&[file.to_str().expect("a path")]);
    bench().refused_with(&["--baseline: cannot read", "world bench --out DIR"]);
    fs::write(&file, "{}").expect("a file");
    bench().refused_with(&["is no bench.json: missing field"]);
}

// ---- two worlds -------------------------------------------------------------------------------

#[test]
fn a_second_replica_saves_users_and_a_world_is_no_better_than_itself() {
    let comparison = json("compare single replicated --sre rules:senior --seeds 40");
    let of = |metric: &str| &comparison["levels"][0]["results"][0]["b"][metric]["difference"];
    let gain = of("availability_pct");
    assert!(number(&gain["low"]) > 5.0 && number(&gain["p_holm"]) < 1e-6, "{gain}");
    let back = json("compare replicated single --sre rules:senior --seeds 40");
    let loss = &back["levels"][0]["results"][0]["b"]["availability_pct"]["difference"];
    assert!((number(&gain["estimate"]) + number(&loss["estimate"])).abs() < 1e-9);
    let same = json("compare systems systems --seeds 20");
    for result in same["levels"][0]["results"].as_array().expect("results") {
        for (metric, figure) in result["b"].as_object().expect("metrics") {
            let apart = &figure["difference"];
            assert!(apart.is_null() || (apart["estimate"] == 0.0 && apart["p"] == 1.0), "{metric}: {apart}");
        }
    }
}

#[test]
fn a_comparison_until_it_is_narrow_looks_at_differences() {
    let comparison = json("compare single replicated --sre rules:senior --seeds 20 --until-width 3.5");
    let gain = &comparison["levels"][0]["results"][0]["b"]["availability_pct"]["difference"];
    assert!(number(&gain["high"]) - number(&gain["low"]) <= 3.5, "{gain}");
    assert_eq!(comparison["until"]["reached"], true);
}

// ---- documents and tables ---------------------------------------------------------------------

#[test]
fn documents_keep_to_their_schemas() {
    let earlier = with_earlier(|_| (), SAME).json();
    let until = world("bench --seeds 2 --until-width 0.1 --max-seeds 3 --json -q").ends_with(3).json();
    let schema = world("schema bench").ends_with(0).json();
    for bench in [
        earlier,
        until,
        json("bench --scenario cache-loss --seeds 1"),
        json("bench --chaos-level off --seeds 3"),
        world("bench --sre exec:cat --sre-deadline 9s --seeds 1 -n 1 --json -q").ends_with(3).json(),
    ] {
        let problems = problems(&schema, &bench);
        assert!(problems.is_empty(), "{problems:#?}");
    }
    let schema = world("schema compare").ends_with(0).json();
    let problems = problems(&schema, &json("compare single replicated --seeds 3"));
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_table_for_programs_has_a_row_for_each_figure() {
    let bench = world("bench systems single --chaos-level low --chaos-level off --seeds 8 --k 1,2 --csv -q");
    let rows: Vec<Vec<String>> =
        bench.ends_with(0).out.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), 1 + 4 * 5 * (16 + 2));
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let place = |name: &str| rows[0].iter().position(|field| field == name).expect("a column");
    let (metric, estimate) = (place("metric"), place("estimate"));
    let perfect = rows.iter().filter(|row| row[metric] == "availability_pct" && row[estimate] == "100");
    assert_eq!(perfect.count(), 2 * 5, "without chaos nothing is lost");
    let comparison = world("compare single replicated --seeds 4 --csv -q").ends_with(0).out;
    assert_eq!(comparison.lines().count(), 1 + 5 * 16);
}

#[test]
fn tables_fit_the_width_and_say_what_they_are_about() {
    let flags = "bench --scenario cache-loss systems --seeds 60 --chaos-level extreme --sre rules:senior";
    let bench = world(flags).and(&["--sre", "acknowledge_all"]).ends_with(0);
    let told = bench.out.split("To repeat it:").next().expect("tables");
    for line in told.lines() {
        assert!(line.chars().count() <= 80, "{} columns:\n{line}", line.chars().count());
    }
    for words in
        ["Seeds 1 to 60", "systems, extreme chaos, 15 rounds, 60 seeds", "cache-loss, ", "senior", "pass^8"]
    {
        assert!(told.contains(words), "no `{words}` in:\n{told}");
    }
    let comparison = world("compare single replicated --seeds 20").ends_with(0).out;
    for line in comparison.split("To repeat it:").next().expect("tables").lines() {
        assert!(line.chars().count() <= 80, "{} columns:\n{line}", line.chars().count());
    }
    assert!(comparison.contains("replicated less single"), "{comparison}");
}

#[test]
fn tables_go_to_standard_error_beside_documents_and_nowhere_when_quiet() {
    let beside = world("bench --seeds 3 --json").ends_with(0);
    assert!(beside.json()["cells"].is_array() && beside.err.contains("Availability"), "{}", beside.err);
    let quiet = world("bench --seeds 3 -q").ends_with(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn flags_that_do_not_fit_are_refused_with_what_to_do() {
    for (flags, words) in [
        ("--sre rules:senoir", &["no skill `senoir`", "senior"][..]),
        ("--sre rulse", &["no kind `rulse`", "rules"]),
        ("--sre rules --sre rules", &["two contestants are named `mid`", "--sre old=rules:mid"]),
        ("--sre oracle=none", &["`oracle` is the name of the reference"]),
        ("--sre mine=exec", &["--sre mine=exec: which program?", "exec:python3 my_sre.py"]),
        ("--sre exec:", &["which program?"]),
        ("--sre exec:./a.py --sre exec:b/a", &["two contestants are named `a`", "give each a name"]),
        ("--sre none=exec:./a", &["`none` is the name of the reference"]),
        ("--sre rules --sre-deadline 2s", &["--sre-deadline is for nobody"]),
        ("--baseline-sre mad", &["no contestant `mad`", "mid"]),
        ("--until-width 0", &["`0` is no width", "as in --until-width 0.5"]),
        ("--until-width 1 scor", &["no metric `scor`", "did you mean `score`"]),
        ("--until-width 1 --seeds 50 --max-seeds 20", &["--max-seeds 20 is less than --seeds 50"]),
        ("--max-seeds 20", &["--until-width"]),
        ("--max-regression 1", &["--baseline"]),
        ("--pass availabilty_pct>9", &["--pass: result.json has no field", "availability_pct"]),
        ("--seeds 0", &["a whole number from 1 on"]),
        ("--seeds -4", &["a whole number from 1 on"]),
        ("--k 0", &["a whole number from 1 on"]),
        ("--first-seed 18446744073709551615 --seeds 2", &["there are not 2 seeds"]),
        ("--chaos-level low --chaos-level low", &["the level `low` is there twice"]),
        ("single single", &["`single` is there twice"]),
        ("sytems", &["there is no world `sytems`", "systems"]),
        ("--scenario cash-loss", &["there is no scenario `cash-loss`", "cache-loss"]),
        ("--json --csv", &["cannot be used with"]),
        ("--threads 0", &["--threads"]),
    ] {
        world(&format!("bench {flags}")).refused_with(words);
    }
    world("compare single").refused_with(&["<B>"]);
    world("compare single replicatd").refused_with(&["there is no world `replicatd`", "replicated"]);
}

/// The most memory that a bench takes, KiB.
fn peak_kib(seeds: u64) -> Option<u64> {
    let mut command = world(&format!("bench -n 1 -q --seeds {seeds}")).command();
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    wait_until("the bench ends", || {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:").map(str::to_owned));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib);
        child.try_wait().expect("it is ours")
    });
    peak
}

/// Ten times the seeds, from where on they are kept in blocks: `benches/bench.rs` goes to a million.
#[test]
fn more_seeds_take_no_more_memory() {
    let (Some(some), Some(many)) = (peak_kib(2_000), peak_kib(20_000)) else {
        return support::skipped("no /proc tells of memory", "more seeds take no more memory");
    };
    assert!(many < some + some / 10, "{some} KiB for 2,000 seeds, {many} KiB for 20,000");
}
