//! Drills in other people's pipelines: the action for GitHub and the job for GitLab, read as these read them,
//! with their shell run on the real program.
//!
//! What a runner does around that shell is played by [`github`] and [`gitlab`], as far as these two files use
//! it. Needs `bash`, `tar` and `sha256sum`, as the pipelines do; tests say so where they are left out.

#[path = "../support/mod.rs"]
mod support;

mod github;
mod gitlab;
mod yaml;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::skipped;

/// Text that does something wherever a shell reads it as its own.
const HOSTILE: [&str; 5] =
    ["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "\"; touch pwned; \"", "x\n; touch pwned; #"];

/// Whether the pipelines' own needs are met here; says aloud if not.
fn can_be_played(claim: &str) -> bool {
    for (program, argument) in [("bash", "--version"), ("tar", "--version"), ("sha256sum", "--version")] {
        if !Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success()) {
            skipped(&format!("needs {program}"), claim);
            return false;
        }
    }
    true
}

/// The checksum of a file.
fn sha256_of(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().next().expect("a checksum").to_owned()
}

/// An archive as `deploy/release` packs it, with the program of these tests, and its checksum.
fn archive(dir: &Path) -> (PathBuf, String) {
    let inside = dir.join("world-0.0.0-test");
    fs::create_dir_all(&inside).expect("a directory");
    fs::copy(env!("CARGO_BIN_EXE_world"), inside.join("world")).expect("a copy of the program");
    let archive = dir.join("world.tar.gz");
    let packed =
        Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(dir).arg("world-0.0.0-test").status();
    assert!(packed.expect("tar").success());
    let sha256 = sha256_of(&archive);
    (archive, sha256)
}

/// Puts a script into a directory of programs, where it stands for the real one.
fn stand_in(dir: &Path, name: &str, script: &str) {
    fs::create_dir_all(dir).expect("a directory");
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its mode");
}

/// `PATH` with a directory before all others.
fn path_with(dir: &Path) -> String {
    format!("{}:{}", dir.display(), std::env::var("PATH").expect("a PATH"))
}
