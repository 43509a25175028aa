//! Notes the commit that the program is built from, for `build.commit` in results.
//!
//! Without git, or outside a repository, the build goes on and the commit is `unknown`. A packager
//! may set `WORLD_BUILD_COMMIT` instead.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=WORLD_BUILD_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("WORLD_BUILD_COMMIT").is_some() {
        return;
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo::rustc-env=WORLD_BUILD_COMMIT={commit}");
        watch_head();
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
