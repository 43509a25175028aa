//! What `deploy/release` relies on. That it builds a program which runs alone is tried by `deploy/release
//! --check`, which `.ci/run` does: a build takes longer than a test may.

mod support;

use std::process::Command;
use support::World;

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}`")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}` after `{before}`")).0
}

#[test]
fn a_change_in_any_crate_of_the_program_marks_its_commit_as_dirty() {
    let manifest = include_str!("../Cargo.toml");
    let sources = between(include_str!("../build.rs"), "const SOURCES", "];");
    let members = between(manifest, "members = [", "]").split(", ").map(|member| member.trim_matches('"'));
    // The fuzzers' bodies are run by tests only.
    let linked: Vec<_> = members.filter(|member| !member.starts_with("fuzz/")).collect();
    assert!(linked.len() >= 3, "{linked:?}");
    for member in linked {
        assert!(sources.contains(&format!("\"{member}\"")), "{member} is not in build.rs: {sources}");
    }
}

#[test]
fn a_release_that_is_asked_for_in_wrong_words_is_refused_and_its_help_names_the_right_ones() {
    let release = |argument: &str| {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/release"));
        command.arg(argument);
        World::of(command)
    };
    release("--chekc").refused_with(&["--chekc", "--check", "--out DIR"]);
    let help = release("--help").ends_with(0).out;
    for part in ["deploy/release --check", "deploy/release --out DIR", "Exit codes"] {
        assert!(help.contains(part), "no `{part}` in:\n{help}");
    }
}
