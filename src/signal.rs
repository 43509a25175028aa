//! SIGINT and SIGTERM, for a run with agent processes.
//!
//! The first asks the run to stop after its round, the second ends it at once; from then on, and
//! once the run is over, a signal does what it does to a program that handles none, so that nothing
//! that hangs can keep the program alive. Handlers are installed even where the signals were
//! inherited as ignored, as background jobs of shells inherit them.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a run.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Whether a signal has its default effect again.
    released: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers. Needs a tokio runtime.
    pub(crate) fn install() -> io::Result<Self> {
        let released = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            flag::register_conditional_default(number, Arc::clone(&released))?;
        }
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            released,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> i32 {
        tokio::select! {
            Some(()) = self.interrupt.recv() => SIGINT,
            Some(()) = self.terminate.recv() => SIGTERM,
            else => std::future::pending().await,
        }
    }

    /// Gives the signals their default effect back.
    pub(crate) fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.release();
    }
}
