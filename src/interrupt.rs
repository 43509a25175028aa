//! SIGINT and SIGTERM, for a run in this thread: the first asks it to stop after its round, the
//! second ends the program as if there were no handler.
//!
//! The handlers are installed even where the signals were inherited as ignored, as background jobs
//! of shells inherit them.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a signal asked the run to stop.
#[derive(Debug)]
pub(crate) struct Interrupt {
    /// The signal that came; 0 before any.
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Installs the handlers, once for a process.
    pub(crate) fn install() -> io::Result<Self> {
        let came = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM] {
            // In this order: when the first comes, nothing has come yet.
            flag::register_conditional_default(number, Arc::clone(&came))?;
            flag::register(number, Arc::clone(&came))?;
            flag::register_usize(number, Arc::clone(&signal), number.unsigned_abs() as usize)?;
        }
        Ok(Self { signal })
    }

    /// The signal that asked the run to stop.
    pub(crate) fn signal(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}
