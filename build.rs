//! Notes the commit that the program is built from, for `build.commit` in results.
//!
//! A commit whose sources have been changed since is `-dirty`. Without git, or outside a repository of
//! the program's own, the build goes on and the commit is `unknown`. A packager may set
//! `WORLD_BUILD_COMMIT` instead.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=WORLD_BUILD_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("WORLD_BUILD_COMMIT").is_some() {
        return;
    }
    if !is_own_repository() {
        return;
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        let dirty = if is_dirty() { "-dirty" } else { "" };
        println!("cargo::rustc-env=WORLD_BUILD_COMMIT={commit}{dirty}");
        watch_head();
        watch_sources();
    }
}

/// Whether the repository is that of this program, not one that it was unpacked into.
fn is_own_repository() -> bool {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").and_then(|path| Path::new(&path).canonicalize().ok());
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|path| Path::new(&path).canonicalize().ok());
    manifest.is_some() && manifest == top
}

/// What the program is built from.
const SOURCES: [&str; 12] = [
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "documents",
    "worlds",
    "bus",
    "agents",
    "statistics",
    "days",
    "daemon",
    "scenarios",
];

fn is_dirty() -> bool {
    git(&[&["--no-optional-locks", "status", "--porcelain", "--"], &SOURCES[..]].concat()).is_some()
}

/// Looks again when a source changes.
fn watch_sources() {
    for name in SOURCES.into_iter().filter(|name| Path::new(name).exists()) {
        println!("cargo::rerun-if-changed={name}");
    }
}

/// Builds again when another commit is checked out. A file that does not exist is not watched: it
/// would make every build a new one.
fn watch_head() {
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD".to_owned(), "packed-refs".to_owned()].into_iter().chain(branch) {
        if let Some(file) = git(&["rev-parse", "--git-path", &name]).filter(|file| Path::new(file).exists()) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
