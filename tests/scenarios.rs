//! Scenarios as users meet them: what is listed, shown, checked, proved and played.

mod support;

use std::path::{Path, PathBuf};
use support::{Ended, world, world_with};

/// A scenario of one's own in a file that is gone with its directory.
fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a scenario file");
    path.to_str().expect("a plain path").to_owned()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

const LEAST: &str = "title = \"Mine\"\nworld = \"systems\"\nseeds = [5, 6, 7]\nrounds = 8\nwarm_up = 2\n\
                     [gate]\nfail_on = [\"availability_pct < 1\"]\n\
                     [[fault]]\nkind = \"network_partition\"\nround = 4\ntarget = \"api-1\"\n";

fn recorded(ended: &Ended, out: &Path) -> String {
    std::fs::read_to_string(out.join("journal.jsonl")).unwrap_or_else(|_| panic!("{}", ended.err))
}

// ---- run --------------------------------------------------------------------------------------

#[test]
fn a_run_of_a_scenario_says_so_in_its_result_and_holds_its_gates() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let extra = ["--fail-on", "rounds > 100"];
    let result =
        world(&format!("run --scenario {path} --seed 5 --inline -q --json")).and(&extra).ends_with(0).json();
    assert_eq!(result["scenario"]["name"], "mine");
    assert_eq!(result["scenario"]["title"], "Mine");
    assert_eq!(result["scenario"]["hash"].as_str().map(str::len), Some(64));
    assert_eq!((&result["seed"], &result["rounds"]), (&5.into(), &8.into()));
    assert_eq!(result["steady_state"]["rounds"], 2);
    let gates: Vec<_> = result["gates"].as_array().expect("gates").iter().map(|it| &it["expr"]).collect();
    assert_eq!(gates, ["availability_pct < 1", "rounds > 100"]);
    assert!(result["answer"].is_null(), "it has no key");
    assert!(world("run --inline -q --json --seed 1").ends_with(0).json()["scenario"].is_null());
    let strict = LEAST.replace("availability_pct < 1", "availability_pct < 100");
    let strict = file(directory.path(), "strict.toml", &strict);
    world(&format!("run --scenario {strict} --seed 5 --inline -q --sre none")).ends_with(1);
}

#[test]
fn a_scenario_with_several_seeds_is_a_drill_over_them() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let drill = world(&format!("run --scenario {path} --inline -q --json")).ends_with(0).json();
    let seeds = |drill: &serde_json::Value| {
        let runs = drill["runs"].as_array().expect("runs");
        runs.iter().map(|run| run["seed"].as_u64().expect("a seed")).collect::<Vec<_>>()
    };
    assert_eq!(seeds(&drill), [5, 6, 7]);
    assert_eq!(drill["scenario"]["name"], "mine");
    assert_eq!(
        (&drill["gates"][0]["expr"], &drill["gates"][0]["n"]),
        (&"availability_pct < 1".into(), &3.into())
    );
    let typed = world(&format!("run --scenario {path} --inline -q --json --seed 9 --seeds 2")).ends_with(0);
    assert_eq!(seeds(&typed.json()), [9, 10]);
    // The command of the whole, and that of one of its runs.
    let repeat = drill["repeat"].as_str().expect("a command").to_owned();
    assert_eq!(repeat, format!("world run --scenario {path} --inline"));
    let out = directory.path().join("out");
    let out = out.to_str().expect("a plain path");
    world(&format!("run --scenario {path} --inline -q --out {out}")).ends_with(0);
    let result = std::fs::read_to_string(format!("{out}/seed-6/result.json")).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("JSON");
    assert_eq!(result["repeat"], format!("world run --scenario {path} --seed 6 --inline"));
    assert_eq!(result["journal_hash"], drill["runs"][1]["journal_hash"]);
    for flag in ["--manual", "--check-determinism", "-v"] {
        world(&format!("run --scenario {path} {flag}"))
            .refused_with(&["several seeds", "choose one with --seed"]);
    }
    world(&format!("run --scenario {path} --plan")).ends_with(0);
}

/// In a world that is not in order before anything hits it there is nothing to be learnt.
#[test]
fn a_run_whose_steady_state_does_not_hold_is_invalid_and_one_at_its_limit_of_harm_fails() {
    let directory = directory();
    let text = LEAST
        .replace("[gate]", "[steady_state]\navailability_pct = 99.0\n[stop]\nbudget_spent_pct = 100\n[gate]");
    let path = file(directory.path(), "mine.toml", &text);
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json --sre none")).ends_with(1);
    let result = result.json();
    assert_eq!(result["stopped"]["reason"], "budget_spent");
    assert!(result["rounds"].as_u64() < Some(8), "{result}");
    // A world that loses requests while nothing hits it: its servers are too slow for its users.
    let systems = world("worlds show systems").ends_with(0).out;
    let slow = systems.replacen("base = 1000.0", "base = 9000.0", 1);
    assert_ne!(slow, systems);
    file(directory.path(), "slow.toml", &slow);
    let text = LEAST.replace("\"systems\"", "\"slow.toml\"");
    let path = file(directory.path(), "slow-mine.toml", &text);
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json")).ends_with(3).json();
    assert_eq!((&result["verdict"], &result["rounds"]), (&"invalid".into(), &2.into()));
    let drill = world(&format!("run --scenario {path} --inline -q --json")).ends_with(3).json();
    assert_eq!(drill["verdict"], "invalid");
}

#[test]
fn the_command_that_repeats_a_scenario_repeats_it() {
    for flags in ["", "--seed 99 --skill junior", "--sre night=none"] {
        let typed = format!("run --scenario cache-loss --inline -q --json {flags}");
        let first = world(&typed).ends_with(0).json();
        let repeat = first["repeat"].as_str().expect("a command");
        let again = repeat.strip_prefix("world ").expect("a command of the program");
        let second = world(&format!("{again} -q --json")).ends_with(0).json();
        assert_eq!(first, second, "{repeat}");
    }
}

#[test]
fn what_the_scenario_decides_is_refused_on_the_command_line() {
    for (flag, named) in [
        ("systems", "the world is for the scenario `cache-loss` to say"),
        ("--rounds 3", "--rounds is for"),
        ("--chaos-level high", "--chaos-level is for"),
        ("--fault cpu_spike@5:web-1", "--fault is for"),
        ("--sla-target 99", "--sla-target is for"),
    ] {
        let tip = "world scenarios show cache-loss > mine.toml";
        world(&format!("run {flag} --scenario cache-loss")).refused_with(&[named, tip]);
    }
}

#[test]
fn who_is_on_call_is_for_the_command_line_as_well() {
    let kinds = |flags: &str| {
        let result =
            world(&format!("run --scenario cache-loss --inline -q --json {flags}")).ends_with(0).json();
        result["sres"]
            .as_array()
            .expect("SREs")
            .iter()
            .map(|sre| format!("{} {} {}", sre["name"], sre["kind"], sre["skill"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(""), ["\"oncall\" \"rules\" \"senior\""]);
    assert_eq!(kinds("--skill junior"), ["\"oncall\" \"rules\" \"junior\""]);
    assert_eq!(kinds("--sre a=none --sre b=rules"), ["\"a\" \"none\" null", "\"b\" \"rules\" \"mid\""]);
}

/// A fault that hits an SRE names it: somebody has to have that name.
#[test]
fn an_sre_that_the_scenario_hits_has_to_be_on_call() {
    let directory = directory();
    let text = LEAST
        .replace("systems", "fault-lab")
        .replace("network_partition", "sre_crash")
        .replace("api-1", "oncall");
    let path = file(directory.path(), "mine.toml", &text);
    world(&format!("run --scenario {path} --inline -q")).ends_with(0);
    world(&format!("run --scenario {path} --inline -q --sre night=rules")).refused_with(&[
        "the scenario `mine` hits SREs",
        "no SRE `oncall`",
        "--sre oncall=rules",
    ]);
}

#[test]
fn the_console_tells_which_scenario_it_is_and_not_what_will_come() {
    let directory = directory();
    let path = file(directory.path(), "mine.toml", LEAST);
    let told = world(&format!("run --scenario {path} --seed 5 --inline")).ends_with(0).out;
    let opening = told.split("Round 1 of").next().expect("an opening");
    for part in ["Seed 5", "Scenario      mine: Mine", "3; this run is on number 1", "Warm-up       2 rounds"]
    {
        assert!(opening.contains(part), "{part}: {opening}");
    }
    for part in ["network_partition", "api-1", "scripted"] {
        assert!(!opening.contains(part), "{part}: {opening}");
    }
    let planned = world(&format!("run --scenario {path} --plan")).ends_with(0).out;
    assert!(planned.contains("network_partition  api-1"), "{planned}");
}

#[test]
fn a_scenario_that_is_not_there_or_no_good_is_refused_with_its_places() {
    let directory = directory();
    world("run --scenario cache-lost")
        .refused_with(&["no scenario `cache-lost`", "did you mean `cache-loss`?"]);
    world("run --scenario ./none.toml").refused_with(&["there is no file `./none.toml`"]);
    let text = LEAST.replace("api-1", "api1").replace("warm_up = 2", "warm_up = 4");
    let path = file(directory.path(), "wrong.toml", &text);
    world(&format!("run --scenario {path}")).refused_with(&[
        &format!("{path}:10:1: round 4 is in the warm-up"),
        &format!("{path}:11:1: this world has no server `api1`: did you mean `api-1`?"),
    ]);
    let gate = file(directory.path(), "gate.toml", &LEAST.replace("availability_pct", "availabilty_pct"));
    let field = "`availabilty_pct < 1`: result.json has no field `availabilty_pct`: did you mean";
    world(&format!("run --scenario {gate}")).refused_with(&[&format!("{gate}:7:12: {field}")]);
    let sre = file(directory.path(), "sre.toml", &LEAST.replace("[gate]", "sres = [\"rulez\"]\n[gate]"));
    let kind = "`rulez`: there is no kind `rulez`: did you mean `rules`?";
    world(&format!("run --scenario {sre}")).refused_with(&[&format!("{sre}:6:9: {kind}")]);
}

#[test]
fn the_world_of_a_scenario_lies_beside_its_file() {
    let directory = directory();
    let systems = world("worlds show systems").ends_with(0).out;
    file(directory.path(), "own.toml", &systems);
    let path = file(directory.path(), "mine.toml", &LEAST.replace("\"systems\"", "\"own.toml\""));
    let result = world(&format!("run --scenario {path} --seed 5 --inline -q --json")).ends_with(0).json();
    assert_eq!(result["world"]["name"], "own");
    // Also from where it is, and where it is not.
    let here = world_with(&["run", "--scenario", "mine.toml", "--seed=5", "--inline", "-q", "--json"]);
    let here = here.inside(directory.path()).ends_with(0).json();
    assert_eq!(
        (&here["scenario"]["hash"], &here["journal_hash"]),
        (&result["scenario"]["hash"], &result["journal_hash"])
    );
    std::fs::remove_file(directory.path().join("own.toml")).expect("it was there");
    world(&format!("run --scenario {path}"))
        .refused_with(&[&format!("{path}:2:1: there is no file"), "own.toml"]);
}

#[test]
fn a_scenario_gives_the_same_journal_inline_and_with_processes() {
    let directory = directory();
    let mine = file(directory.path(), "mine.toml", LEAST);
    for name in ["cache-loss", mine.as_str()] {
        let mut journals = Vec::new();
        for (mode, flag) in [("inline", "--inline"), ("processes", "--sre=oncall=rules")] {
            let out: PathBuf = directory.path().join(format!("{}-{mode}", journals.len() + name.len()));
            let out_flag = out.to_str().expect("a plain path").to_owned();
            let mut command =
                world_with(&["run", "--scenario", name, "--seed=5", "-q", "--out", &out_flag, flag]);
            if mode == "inline" {
                command = command.and(&["--sre=oncall=rules"]);
            }
            let ended = command.run();
            journals.push(recorded(&ended, &out));
        }
        assert_eq!(journals[0], journals[1], "{name}");
    }
}
