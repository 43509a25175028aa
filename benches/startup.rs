//! How long a whole drill takes, from the shell's point of view.
//!
//! Six servers and an SRE as processes of their own, fifteen rounds, the two reference runs of the
//! score, and the end of it all. Compared with what it costs to start and end seven processes that
//! do nothing: one after the other, of a program without any dependencies (this one), and of `world`
//! itself.
//!
//! Then a step of a pipeline: a scenario over twenty seeds, judged together, with everything that it
//! writes. Cold is with the program out of the system's cache, as on a machine that has just unpacked
//! it elsewhere; what it asks of the disk is then the machine's to answer.

mod measure;

use measure::{Comparison, Outcome};
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Makes this program end at once.
const NOTHING: &str = "do-nothing";

/// Six servers and an SRE.
const PROCESSES: usize = 7;

/// Turns: each takes some seventy milliseconds.
const TURNS: usize = 240;

/// Turns of a pipeline's step: each takes about a second.
const STEP_TURNS: usize = 20;

const WORLD: &str = env!("CARGO_BIN_EXE_world");

fn main() -> Outcome<()> {
    if std::env::args().nth(1).is_some_and(|argument| argument == NOTHING) {
        return Ok(());
    }
    let this = std::env::current_exe()?;
    let runs = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir()?;
    let mut comparison = Comparison::of([
        "7 processes that do nothing",
        "7 x `world agent --help`",
        "world run --quiet --inline",
        "world run --quiet",
    ]);
    comparison.take(
        TURNS,
        &mut [
            &mut || milliseconds(|| one_after_the_other(|| Command::new(&this), &[NOTHING])),
            &mut || milliseconds(|| one_after_the_other(|| Command::new(WORLD), &["agent", "--help"])),
            &mut || milliseconds(|| drill(runs.path(), &["--inline"])),
            &mut || milliseconds(|| drill(runs.path(), &[])),
        ],
    )?;
    comparison.print("from start to end, six servers, fifteen rounds", "ms");
    steps(runs.path())
}

fn steps(runs: &Path) -> Outcome<()> {
    let mut comparison = Comparison::of(["warm", "cold", "warm, --inline", "cold, --inline"]);
    comparison.take(
        STEP_TURNS,
        &mut [
            &mut || step(runs, &[]),
            &mut || forget_program().and_then(|()| step(runs, &[])),
            &mut || step(runs, &["--inline"]),
            &mut || forget_program().and_then(|()| step(runs, &["--inline"])),
        ],
    )?;
    comparison.print("a pipeline's step, twenty seeds of a scenario, --out", "ms");
    Ok(())
}

/// Milliseconds that a pipeline's step takes.
fn step(runs: &Path, flags: &[&str]) -> Outcome<f64> {
    let out = tempfile::tempdir_in(runs)?;
    let mut command = Command::new(WORLD);
    command.args(["run", "--scenario", "cache-loss", "--seeds", "20", "--out"]).arg(out.path()).args(flags);
    command.env("XDG_RUNTIME_DIR", runs);
    milliseconds(|| succeed(command))
}

/// Puts the program out of the system's cache: nobody runs it now.
fn forget_program() -> Outcome<()> {
    let program = File::open(WORLD)?;
    // What is not on the disk yet cannot be forgotten.
    program.sync_all()?;
    Ok(fadvise(&program, 0, None, Advice::DontNeed)?)
}

fn milliseconds(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let began = Instant::now();
    work()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

fn one_after_the_other(program: impl Fn() -> Command, arguments: &[&str]) -> Outcome<()> {
    for _ in 0..PROCESSES {
        let mut command = program();
        command.args(arguments);
        succeed(command)?;
    }
    Ok(())
}

/// A run whose own directory lies below `runs`, so that runs of the user's are left alone.
fn drill(runs: &Path, flags: &[&str]) -> Outcome<()> {
    let mut command = Command::new(WORLD);
    command.args(["run", "--quiet", "--seed", "42"]).args(flags).env("XDG_RUNTIME_DIR", runs);
    succeed(command)
}

fn succeed(mut command: Command) -> Outcome<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}
