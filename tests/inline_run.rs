//! `world run --inline` as its users see it.

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use support::running::wait_until;
use support::{names, world, world_with};

/// Work of a run that nobody wants to wait for twice more: clock ticks of processor time.
const LONG_WORK: u64 = 200;

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

#[test]
fn the_seed_comes_first_and_the_command_that_repeats_the_run_last() {
    let ended = world("run --inline").ends_with(0);
    let seed = ended.out.lines().next().and_then(|line| line.strip_prefix("Seed ")).expect("the seed");
    let repeat = ended.out.lines().next_back().expect("a line").trim();
    assert!(repeat.starts_with(&format!("world run systems --seed {seed} ")), "{repeat}");
}

#[test]
fn the_command_that_repeats_a_run_repeats_it() {
    let flags = "--chaos-level high -n 7 --skill senior --fault cpu_spike@3:api-1 --sla-target 99.5";
    let first =
        world("run --inline --json -q").and(&flags.split(' ').collect::<Vec<_>>()).ends_with(0).json();
    let repeat = first["repeat"].as_str().expect("a command");
    let again =
        world(repeat.strip_prefix("world ").expect("the program")).and(&["--json", "-q"]).ends_with(0).json();
    assert_eq!(again, first);
}

#[test]
fn one_seed_gives_one_run_byte_for_byte() {
    let tell = || world("run --inline --seed 42 --chaos-level extreme").ends_with(0).out;
    assert_eq!(tell(), tell());
    let hash = |seed: &str| {
        let result = world("run --inline --json -q --seed").and(&[seed]).ends_with(0).json();
        result["journal_hash"].as_str().expect("a hash").to_owned()
    };
    assert_eq!(hash("1"), hash("1"));
    assert_ne!(hash("1"), hash("2"));
}

#[test]
fn watching_a_run_does_not_change_it() {
    let hash = |flags: &str| {
        world(&format!("run --inline --seed 3 --json {flags}")).ends_with(0).json()["journal_hash"].clone()
    };
    let plain = hash("");
    for flags in ["-q", "-v", "--pace 1ms", "--fail-on rounds<1", "--check-determinism"] {
        assert_eq!(hash(flags), plain, "{flags}");
    }
}

#[test]
fn the_story_goes_to_standard_error_beside_json() {
    let ended = world("run --inline --seed 42 --json").ends_with(0);
    assert_eq!(ended.json()["verdict"], "ok");
    assert!(ended.err.starts_with("Seed 42\n"), "{}", ended.err);
    assert!(ended.err.contains("Round 15 of 15"));
}

#[test]
fn quiet_tells_only_the_end() {
    let ended = world("run --inline --seed 42 -q").ends_with(0);
    assert!(!ended.out.contains("Round 1 of"), "{}", ended.out);
    assert!(ended.out.contains("Availability"));
    assert_eq!(ended.err, "");
    assert_eq!(world("run --inline --seed 42 -q --json").ends_with(0).err, "");
}

#[test]
fn nothing_is_coloured_but_on_a_terminal() {
    for flags in ["", "-v", "--plan"] {
        let ended = world(&format!("run --inline --seed 42 --chaos-level high {flags}")).ends_with(0);
        assert!(!ended.out.contains('\u{1b}'), "{flags}");
    }
}

#[test]
fn the_story_fits_eighty_columns() {
    for flags in ["", "-v"] {
        let ended = world(&format!("run --inline --seed 42 --chaos-level extreme {flags}")).ends_with(0);
        let (told, _) = ended.out.split_once("To repeat this run").expect("the command at the end");
        for line in told.lines() {
            assert!(without_notes(line).chars().count() <= 80, "{line}");
        }
    }
}

/// A server's row without the notes that it may go on with.
fn without_notes(line: &str) -> &str {
    let is_note = |note: &str| {
        let count = note.strip_suffix(" services down").or_else(|| note.strip_suffix(" service down"));
        ["cut off", "out of rotation", "now primary", "now replica"].contains(&note)
            || count.is_some_and(|count| count.parse::<u32>().is_ok())
    };
    match line.rsplit_once("   ") {
        Some((row, notes)) if notes.split(", ").all(is_note) => row,
        _ => line,
    }
}

#[test]
fn only_notes_may_go_beyond_eighty_columns() {
    assert_eq!(without_notes("  db  CRIT  cpu  95 %   cut off, 2 services down"), "  db  CRIT  cpu  95 %");
    for line in
        ["  INJECTED   database_slowdown on db-primary", "  db   what is down now", "  db   -1 service down"]
    {
        assert_eq!(without_notes(line), line);
    }
}

#[test]
fn a_recording_holds_journal_and_the_same_result() {
    let dir = tempfile::tempdir().expect("a directory");
    let ended = world("run --inline --seed 42 --json -q --out runs/first").inside(dir.path()).ends_with(0);
    let run = dir.path().join("runs/first");
    assert_eq!(
        names(&run),
        [
            "journal.jsonl",
            "junit.xml",
            "postmortem.md",
            "report.html",
            "result.json",
            "runtime.json",
            "summary.md"
        ]
    );
    assert_eq!(read(&run.join("result.json")), ended.out);
    let journal = read(&run.join("journal.jsonl"));
    let records: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(records.first().expect("a header")["kind"], "header");
    assert_eq!(records.last().expect("an end")["kind"], "run_ended");
    let of_kind = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
    assert_eq!(of_kind("round_closed"), 15);
    assert_eq!(of_kind("incident"), ended.json()["incidents"].as_array().expect("a list").len());
}

#[test]
fn gates_decide_the_exit_code() {
    let run = || world("run --inline --seed 42 -q --json --fail-on");
    let held = run().and(&["availability_pct < 1"]).ends_with(0).json();
    assert_eq!(held["gates"][0]["held"], true);
    let failed = run().and(&["availability_pct<100", "--fail-on", "score<-1000"]).ends_with(1).json();
    assert_eq!(failed["verdict"], "gate_failed");
    assert_eq!(failed["gates"][0]["held"], false);
    assert_eq!(failed["gates"][0]["expr"], "availability_pct<100");
    assert_eq!(failed["gates"][1]["held"], true);
    let undecided = run().and(&["incidents[500].resolved_round > 3"]).ends_with(3).json();
    assert_eq!(undecided["verdict"], "inconclusive");
    assert_eq!(undecided["gates"][0]["value"], Value::Null);
}

#[test]
fn a_missed_promise_alone_fails_nothing() {
    let ended = world("run --inline --seed 42 --chaos-level extreme").ends_with(0);
    assert!(ended.out.contains("SLA MISSED by "), "{}", ended.out);
}

#[test]
fn a_calm_world_keeps_its_promise_and_leaves_nothing_to_win() {
    let ended = world("run --inline --seed 42 --chaos-level off").ends_with(0);
    assert!(ended.out.contains("SLA MET"), "{}", ended.out);
    let result = world("run --inline --seed 42 --chaos-level off --json -q").ends_with(0).json();
    assert_eq!(result["score"], Value::Null);
    assert_eq!(result["incidents"], Value::Array(Vec::new()));
    assert_eq!(result["mttr"]["mean_rounds"], Value::Null);
}

#[test]
fn the_references_score_nothing_and_everything() {
    let score = |sre: &str| {
        let result = world("run --inline --seed 42 --json -q --sre").and(&[sre]).ends_with(0).json();
        (result["score"].as_f64(), result["avoided_share"].as_f64())
    };
    assert_eq!(score("none"), (Some(0.0), Some(0.0)));
    assert_eq!(score("oracle").0, Some(100.0));
}

#[test]
fn the_plan_is_what_then_happens() {
    let plan = world("run --inline --seed 42 --plan --json --fault disk_full@2:api-1").ends_with(0).json();
    let dir = tempfile::tempdir().expect("a directory");
    world("run --inline --seed 42 -q --out run --fault disk_full@2:api-1").inside(dir.path()).ends_with(0);
    let journal = read(&dir.path().join("run/journal.jsonl"));
    let injected: Vec<_> = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a record"))
        .filter(|record| record["kind"] == "fault_injected")
        .map(|record| (record["round"].clone(), record["fault_kind"].clone(), record["target"].clone()))
        .collect();
    let planned: Vec<_> = plan["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| (fault["round"].clone(), fault["kind"].clone(), fault["target"].clone()))
        .collect();
    assert_eq!(planned, injected);
}

#[test]
fn a_plan_runs_nothing() {
    let ended = world("run --seed 42 --plan").ends_with(0);
    assert!(ended.out.starts_with("Seed 42\n"), "{}", ended.out);
    assert!(ended.out.contains("cpu_spike"));
    assert!(!ended.out.contains("Availability"));
}

#[test]
fn a_run_that_is_the_same_twice_says_so() {
    let ended = world("run --inline --seed 42 -q --check-determinism").ends_with(0);
    assert!(ended.out.contains("Run twice: the same "), "{}", ended.out);
}

#[test]
fn several_sres_share_the_work_and_have_no_score_of_their_own() {
    let flags = ["run", "--inline", "--seed=42", "--json", "-q", "--sre=b=rules:senior", "--sre=a=none"];
    let result = world_with(&flags).ends_with(0).json();
    let names: Vec<_> =
        result["sres"].as_array().expect("a list").iter().map(|sre| sre["name"].clone()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(result["sres"][1]["score"], Value::Null);
    assert!(result["score"].is_number());
}

#[test]
fn another_promise_is_held_instead_of_the_worlds() {
    let result = world("run --inline --seed 42 --json -q --sla-target 50").ends_with(0).json();
    assert_eq!(result["sla"]["target_pct"], 50.0);
    assert_eq!(result["sla"]["met"], true);
}

#[test]
fn a_closed_pipe_is_a_clean_end() {
    let mut child = world("run --inline --seed 42 -n 100000")
        .command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(line, "Seed 42\n");
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_recording_is_completed_though_nobody_reads_the_story() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = world("run --inline --seed 42 -n 500 --out run")
        .inside(dir.path())
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(read(&dir.path().join("run/result.json")).contains("\"rounds\": 500"));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let status = world("run --inline --seed 42").command().stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it ends").code(), Some(4));
}

/// A run that is sent a signal after its first round: its exit code, what it told afterwards, and its
/// result.
fn signalled(signal: &str) -> (Option<i32>, Vec<String>, Value) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = world("run --inline --seed 42 --pace 10s --out run")
        .inside(dir.path())
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let told = lines.any(|line| line.is_ok_and(|line| line.contains("Round ")));
    assert!(told, "the first round was told");
    let killed = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let rest = lines.map_while(Result::ok).collect();
    let code = child.wait().expect("it ends").code();
    let result = serde_json::from_str(&read(&dir.path().join("run/result.json"))).expect("a result");
    (code, rest, result)
}

#[test]
fn a_signal_ends_a_run_with_what_was_played() {
    let (code, rest, result) = signalled("-TERM");
    assert_eq!(code, Some(143));
    assert!(rest.iter().any(|line| line.contains("signal 15 ended it after 1 of 15 rounds")), "{rest:?}");
    assert_eq!((&result["verdict"], &result["rounds"]), (&Value::from("interrupted"), &Value::from(1)));
}

#[test]
fn a_terminal_that_is_closed_leaves_a_result() {
    let (code, _, result) = signalled("-HUP");
    assert_eq!(code, Some(129));
    assert_eq!((&result["verdict"], &result["rounds"]), (&Value::from("interrupted"), &Value::from(1)));
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_signal() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited =
        format!("ulimit -f 4; exec {} run --inline -q --seed 42 --out run", env!("CARGO_BIN_EXE_world"));
    let ended = std::process::Command::new("sh")
        .args(["-c", &limited])
        .current_dir(dir.path())
        .output()
        .expect("a shell");
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("File too large"), "{ended:?}");
}

/// Processor time that a process of this test has used, in clock ticks.
fn work(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process of this test");
    let behind_the_name = stat.rsplit(')').next().expect("a name in parentheses");
    behind_the_name.split_whitespace().nth(11).and_then(|ticks| ticks.parse().ok()).expect("utime")
}

#[test]
fn a_signal_ends_a_long_run_soon_and_its_references_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = world("run --inline --seed 42 -n 10000000 -q --json")
        .inside(dir.path())
        .command()
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // So many rounds that its references take longer than anybody waits.
    wait_until("it has worked for long", || {
        assert_eq!(child.try_wait().expect("a child"), None);
        (work(child.id()) >= LONG_WORK).then_some(())
    });
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(130));
    let result: Value = serde_json::from_slice(&ended.stdout).expect("a document");
    assert_eq!((&result["verdict"], &result["score"]), (&Value::from("interrupted"), &Value::Null));
    let reasons = result["reasons"].to_string();
    assert!(reasons.contains("signal 2 ended the reference runs, so there is no score"), "{reasons}");
    assert_eq!(result["references"], Value::Null);
}

#[test]
fn help_has_examples_and_goes_to_standard_output() {
    for (arguments, example) in
        [("--help", "world run --chaos-level high"), ("run --help", "--fail-on 'availability_pct")]
    {
        let ended = world(arguments).ends_with(0);
        assert!(ended.out.contains(example), "{}", ended.out);
        assert_eq!(ended.err, "");
    }
}

#[test]
fn shells_and_man_know_the_flags() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(world("completions").and(&[shell]).ends_with(0).out.contains("chaos-level"), "{shell}");
    }
    assert!(world("man").ends_with(0).out.contains(r"\-\-chaos\-level"));
}

#[test]
fn worlds_are_listed_shown_checked_and_described() {
    assert!(world("worlds list").ends_with(0).out.contains("systems"));
    assert!(world("worlds validate systems").ends_with(0).out.contains("ok"));
    assert!(world("worlds show systems").ends_with(0).out.contains("[[servers]]"));
    assert_eq!(
        world("worlds schema").ends_with(0).json()["title"],
        "A world of the flight simulator `world`"
    );
}

#[test]
fn a_world_of_ones_own_runs_by_its_path() {
    let dir = tempfile::tempdir().expect("a directory");
    let systems = world("worlds show systems").ends_with(0).out;
    fs::write(dir.path().join("mine.toml"), systems.replacen("rounds = 15", "rounds = 3", 1))
        .expect("a file");
    let result = world("run mine.toml --inline --json -q --seed 1").inside(dir.path()).ends_with(0).json();
    assert_eq!((&result["world"]["name"], &result["rounds"]), (&Value::from("mine"), &Value::from(3)));
}

// ---- much of something ------------------------------------------------------------------------

#[test]
fn many_incidents_are_told_by_kind_and_each_on_demand() {
    let run = |flags: &str| {
        world(&format!("run --inline --seed 42 -n 200 --chaos-level extreme {flags}")).ends_with(0).out
    };
    let rows = |text: &str| {
        let (_, end) = text.split_once("── Result ").expect("an end");
        end.lines().filter(|line| line.contains("cpu_spike")).count()
    };
    assert_eq!(rows(&run("")), 1);
    let incidents =
        world("run --inline --seed 42 -n 200 --chaos-level extreme --json -q").ends_with(0).json();
    let incidents = incidents["incidents"].as_array().expect("a list").iter();
    let spikes = incidents.filter(|incident| incident["kind"] == "cpu_spike").count();
    assert!(spikes > 24, "{spikes}");
    assert_eq!(rows(&run("-v")), spikes);
}

#[test]
fn a_large_world_is_told_by_tiers_and_each_server_on_demand() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("large.toml"), support::large_world(60)).expect("a file");
    let run = |flags: &str| {
        let command = format!("run large.toml --inline --seed 42 -n 3 {flags}");
        world(&command).inside(dir.path()).ends_with(0).out
    };
    let (told, all) = (run(""), run("-v"));
    assert!(told.lines().count() < 120, "{told}");
    assert!(told.contains("  web            20"), "{told}");
    assert!(all.lines().filter(|line| line.starts_with("  web-20 ")).count() > 3, "{all}");
    for line in told.lines().take_while(|line| !line.contains("To repeat")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
