//! Claims about worlds of hundreds of servers, each a process.

mod support;

use std::path::Path;
use std::process::Command;
use support::{Ended, World, large_world, names, world};

/// The program under limits of the shell's.
fn limited(limits: &str, arguments: &str, directory: &Path) -> Ended {
    let mut command = Command::new("sh");
    let script = format!("{limits}; exec {} {arguments}", env!("CARGO_BIN_EXE_world"));
    command.args(["-c", &script]).current_dir(directory).env("XDG_RUNTIME_DIR", directory);
    World::of(command).run()
}

#[test]
fn hundreds_of_processes_play_the_same_run_as_none() {
    let place = tempfile::tempdir().expect("a directory");
    std::fs::write(place.path().join("large.toml"), large_world(200)).expect("a file");
    let run = "run ./large.toml --json --quiet --rounds 3 --seed 42";
    let processes = world(&format!("{run} --bus bus")).inside(place.path()).ends_with(0).json();
    let inline = world(&format!("{run} --inline")).inside(place.path()).ends_with(0).json();
    assert_eq!(processes["lost_agents"].as_array().map(Vec::len), Some(0));
    assert_eq!(processes["journal_hash"], inline["journal_hash"]);
    assert_eq!(names(place.path()), ["large.toml"], "the run's directory is gone");
}

#[test]
fn a_run_that_takes_more_files_than_allowed_is_refused_before_anything_is_there() {
    let place = tempfile::tempdir().expect("a directory");
    let ended = limited("ulimit -n 140", "run --quiet --bus bus --out recording", place.path());
    assert_eq!(ended.code, Some(2), "{}\n{}", ended.out, ended.err);
    assert!(ended.err.contains("7 agents take 149 open files, and this user may have 140"), "{}", ended.err);
    assert!(ended.err.contains("tip: ") && ended.err.contains("--inline"), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert_eq!(names(place.path()), Vec::<String>::new());
    let inline = limited("ulimit -n 140", "run --quiet --inline", place.path());
    assert_eq!(inline.code, Some(0), "{}", inline.err);
}

#[test]
fn a_low_soft_limit_of_files_is_raised_as_far_as_a_run_needs() {
    let place = tempfile::tempdir().expect("a directory");
    let ended = limited("ulimit -Sn 16", "run --quiet --bus bus", place.path());
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
}
