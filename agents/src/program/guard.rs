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
//! Whoever leaves the group on purpose (`setsid`) is out of its reach.

use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};
use signal_hook::flag;
use std::io::{self, IsTerminal as _, Read as _};
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
    let (mut pipe, mut nothing) = (io::stdin().lock(), [0; 16]);
    loop {
        match pipe.read(&mut nothing) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    // Of one's own group this cannot fail.
    let _ = kill_current_process_group(Signal::KILL);
    Ok(())
}
