//! The agent in `docs/bus.md` does what the document says.

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};
use support::running::{Run, wait_until};
use support::skipped;

/// What stands between the first fence of this language and the next fence.
fn code(document: &str, language: &str) -> String {
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("a block of code");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_smallest_agent_of_the_document_plays_a_run() {
    let agent = code(include_str!("../docs/bus.md"), "python");
    if Command::new("python3").arg("--version").output().is_err() {
        return skipped("needs python3", "the agent of docs/bus.md plays a run");
    }
    let arguments = "--seed 42 -n 300 --sre none";
    let mut run = Run::start(&format!("{arguments} --manual=oncall"));
    run.line_with("agent sre");
    let mut python = Command::new("python3");
    python.arg("-").arg(run.directory()).stdin(Stdio::piped());
    let mut python = python.spawn().expect("an interpreter");
    python.stdin.take().expect("its input").write_all(agent.as_bytes()).expect("read");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let status = wait_until("the agent ends", || python.try_wait().expect("a child"));
    assert!(status.success(), "{status}");
    assert_eq!(ended.journal(), Run::start(&format!("{arguments} --inline")).end().journal());
}
