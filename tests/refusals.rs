//! What the command line refuses: exit code 2, nothing on standard output, nothing left behind, and
//! on standard error what happened, where, and what to do.

mod support;

use std::fs;
use support::{names, world, world_with};

#[test]
fn an_unknown_world_names_the_nearest() {
    world("run systms --inline").refused_with(&["error:", "`systms`", "did you mean `systems`?"]);
}

#[test]
fn a_world_file_that_is_not_there_is_told_by_its_path() {
    world("run ./nowhere.toml --inline").refused_with(&["./nowhere.toml"]);
}

#[test]
fn a_world_file_with_a_typo_is_told_with_line_and_nearest_key() {
    let dir = tempfile::tempdir().expect("a directory");
    let systems = world("worlds show systems").ends_with(0).out;
    fs::write(dir.path().join("mine.toml"), systems.replacen("round_seconds", "round_secnds", 1))
        .expect("a file");
    world("run mine.toml --inline").inside(dir.path()).refused_with(&[
        "mine.toml:",
        "round_secnds",
        "did you mean `round_seconds`?",
    ]);
}

#[test]
fn misspelt_flags_and_values_name_the_nearest() {
    world("run --chaos-levl high").refused_with(&["--chaos-level"]);
    world("run --chaos-level hihg").refused_with(&["high"]);
    world("run --skill seniour").refused_with(&["senior"]);
    world("runn").refused_with(&["'run'"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    for flags in [
        "-n 0",
        "-n -1",
        "-n many",
        "-n 99999999999",
        "--seed -1",
        "--seed 18446744073709551616",
        "--sla-target 0",
        "--sla-target 101",
        "--sla-target nan",
        "--pace 5",
        "--pace 1fortnight",
        "--pace -1s",
    ] {
        world("run --inline").and(&flags.split(' ').collect::<Vec<_>>()).refused_with(&["error:"]);
    }
}

#[test]
fn a_gate_on_an_unknown_field_names_the_nearest_before_anything_runs() {
    world("run --inline --fail-on availabilty_pct<99")
        .refused_with(&["no field `availabilty_pct`", "did you mean `availability_pct`?"]);
}

#[test]
fn a_broken_gate_is_shown_with_its_place() {
    world_with(&["run", "--inline", "--fail-on", "score = 3"]).refused_with(&[
        "expected an operator",
        "score = 3\n          ^",
        "<=",
    ]);
    world_with(&["run", "--inline", "--fail-on", ""]).refused_with(&["expected a field"]);
    world_with(&["run", "--inline", "--fail-on", "verdict == 1"])
        .refused_with(&["`verdict` is not a number"]);
}

#[test]
fn sres_that_make_no_sense_are_refused() {
    world("run --inline --sre rulez").refused_with(&["did you mean `rules`?"]);
    world("run --inline --sre rules --sre none").refused_with(&["two SREs named `oncall`"]);
    world("run --inline --sre none --skill mid").refused_with(&["--skill mid is for nobody"]);
}

#[test]
fn scripted_faults_that_make_no_sense_are_refused() {
    world("run --inline --fault cpu_spik@1:web-1").refused_with(&["did you mean `cpu_spike`?"]);
    world("run --inline --fault cpu_spike@1:wbe-1").refused_with(&["did you mean `web-1`?"]);
    world("run --inline --fault cpu_spike@99:web-1").refused_with(&["rounds 1 to 15"]);
    world("run --inline --fault database_slowdown@1:web-1").refused_with(&["it can hit db-primary"]);
}

#[test]
fn flags_that_exclude_each_other_are_refused() {
    world("run --inline --manual").refused_with(&["--manual"]);
    world("run --inline --bus /tmp/x").refused_with(&["--bus"]);
    world("run -q -v").refused_with(&["--verbose"]);
    world("run --plan --out x").refused_with(&["--out"]);
}

#[test]
fn a_directory_that_holds_a_run_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("result.json"), "old").expect("a file");
    world("run --inline --out .").inside(dir.path()).refused_with(&["already holds a run"]);
    assert_eq!(names(dir.path()), ["result.json"]);
    assert_eq!(fs::read_to_string(dir.path().join("result.json")).expect("a file"), "old");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_and_nothing_is_left_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("file"), "").expect("a file");
    world("run --inline --out file/run").inside(dir.path()).refused_with(&["cannot write to file/run"]);
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn nothing_is_recorded_when_a_flag_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    world("run --inline --out kept --fail-on scroe<1").inside(dir.path()).refused_with(&["`score`"]);
    assert!(names(dir.path()).is_empty());
}
