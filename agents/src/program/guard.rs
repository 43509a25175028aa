//! The guard: a tiny process that leads the group of a program and ends with whoever started it.
//!
//! A program may start others, and those others again, and none of them need hear when the run is over or
//! its director is killed. They have one thing in common, their process group; and the guard, its leader,
//! holds one end of a pipe whose other end only the starter has. However the starter ends, the pipe ends with
//! it, and the guard kills its whole group, itself included. The group's number is the guard's own, and it is
//! not given to anybody else while one of the group is there.
//!
//! ```text
//!   starter ── pipe ──> guard ─┐
//!      └─ stdin, stdout ─> sh -c COMMAND, and all that it starts: one group
//! ```
//!
//! Some leave the group: `timeout` does, and what a shell with job control starts. They are found by their
//! parents ([`super::kin`]), for which the guard is told the program's number on that pipe. Whoever leaves the
//! group and is orphaned, as daemons do on purpose, is out of reach.

use super::kin::{Kin, handle, has_ended, kill};
use super::running::members;
use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};
use signal_hook::flag;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Signals that a program may send to its own group, meaning itself (`kill 0`), or have sent to it by a terminal
/// that it reads.
const NOT_MEANT: [i32; 11] =
    [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU];

/// Why a guard does not stand.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Its group is somebody else's, whom it must not kill.
    #[error("a guard leads a process group of its own, and is started by `world` alone")]
    NotLeader,
    /// The system took no signal handler.
    #[error("cannot handle signals: {0}")]
    Signals(io::Error),
}

/// Waits until standard input ends, and then kills the group, this process included.
pub fn guard() -> Result<(), GuardError> {
    if getpgrp() != getpid() || io::stdin().is_terminal() {
        return Err(GuardError::NotLeader);
    }
    for signal in NOT_MEANT {
        // A handler that notes what nobody asks for: the guard goes on.
        flag::register(signal, Arc::new(AtomicBool::new(false))).map_err(GuardError::Signals)?;
    }
    let mut pipe = io::stdin().lock();
    let mut line = String::new();
    // Calls that a signal interrupts are repeated by these.
    let _ = pipe.read_line(&mut line);
    let program = line.trim().parse().ok().and_then(|pid| Some((pid, handle(pid)?)));
    let _ = pipe.read_to_end(&mut Vec::new());
    let me = std::process::id();
    let group = members(me).into_iter().filter(|(pid, _)| *pid != me);
    let group = group.filter_map(|(pid, _)| i32::try_from(pid).ok());
    // Of one that has ended the number may be another's.
    let program = program.filter(|(_, handle)| !has_ended(handle));
    // All are known before any is killed: with their parents goes the way to find them.
    let kin = Kin::of(group.chain(program.iter().map(|(pid, _)| *pid)));
    kin.kill();
    if let Some((_, handle)) = program {
        kill(&handle);
    }
    // Of one's own group this cannot fail.
    let _ = kill_current_process_group(Signal::KILL);
    Ok(())
}
