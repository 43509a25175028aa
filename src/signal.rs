//! SIGINT, SIGTERM and SIGHUP, from a run's first moment to the program's last.
//!
//! The first asks the run to end after its round, or is only noted when the rounds are over; either
//! way the result is written. The second ends the program at once: as if there were no handler, or,
//! while somebody attends to it because there are processes to end first, when those are gone. From
//! the third on nothing holds a signal back, so that nothing that hangs can keep the program alive.
//!
//! A signal is noted in its handler, so that whatever it interrupted sees it before going on; a
//! thread draws the consequences. Handlers are installed even where the signals were inherited as
//! ignored, as background jobs of shells inherit them; but for SIGHUP, which `nohup` has ignored so that
//! a run outlives its terminal.
//!
//! A file that may not grow further is an error of writing like a full disk, and not a signal that ends
//! the program.

use crate::director::Interruptions;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{flag, iterator, low_level};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::watch;

/// The signals that end a run.
#[derive(Debug)]
pub(crate) struct Signals {
    /// The latest that came, as its handler noted it; 0 before any.
    noted: Arc<AtomicUsize>,
    heard: watch::Sender<Heard>,
}

/// What the thread has heard.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    count: u32,
    latest: i32,
    /// Whether somebody sees to the second.
    attended: bool,
}

impl Heard {
    /// How many are not yet deadly.
    fn spared(self) -> u32 {
        if self.attended { 2 } else { 1 }
    }
}

impl Signals {
    /// Installs the handlers, once for a process.
    pub(crate) fn install() -> io::Result<Self> {
        let noted = Arc::new(AtomicUsize::new(0));
        let ending: Vec<i32> = match is_ignored(SIGHUP) {
            true => vec![SIGINT, SIGTERM],
            false => vec![SIGINT, SIGTERM, SIGHUP],
        };
        for number in &ending {
            flag::register_usize(*number, Arc::clone(&noted), number.unsigned_abs() as usize)?;
        }
        // With a handler, whatever it does, the write that went too far fails and says why.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        let mut coming = iterator::Signals::new(ending)?;
        let heard = watch::Sender::new(Heard::default());
        let hearing = heard.clone();
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || coming.forever().for_each(|signal| hear(&hearing, signal)))?;
        Ok(Self { noted, heard })
    }

    /// The latest signal that came.
    pub(crate) fn signal(&self) -> Option<i32> {
        signal_in(&self.noted)
    }

    /// The same for whoever outlives this value.
    pub(crate) fn noted(&self) -> Noted {
        Noted(Arc::clone(&self.noted))
    }

    /// Promises to see to the second signal.
    pub(crate) fn attend(&self) -> Attention<'_> {
        self.heard.send_modify(|heard| heard.attended = true);
        Attention(self)
    }
}

/// What signals have come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted(Arc<AtomicUsize>);

impl Noted {
    /// The latest.
    pub(crate) fn signal(&self) -> Option<i32> {
        signal_in(&self.0)
    }
}

fn signal_in(noted: &AtomicUsize) -> Option<i32> {
    match noted.load(Ordering::Relaxed) {
        0 => None,
        signal => i32::try_from(signal).ok(),
    }
}

/// Whether this process has ignored a signal from its beginning.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

fn hear(heard: &watch::Sender<Heard>, signal: i32) {
    let mut is_deadly = false;
    heard.send_modify(|heard| {
        heard.count += 1;
        heard.latest = signal;
        is_deadly = heard.count > heard.spared();
    });
    if is_deadly {
        // This returns only where the signal has no default effect, which these have.
        let _ = low_level::emulate_default_handler(signal);
    }
}

/// While this is there, the second signal is seen to by whoever holds it.
#[derive(Debug)]
pub(crate) struct Attention<'a>(&'a Signals);

impl Attention<'_> {
    /// Ends it; gives the second signal, if that came before.
    pub(crate) fn end(self) -> Option<i32> {
        self.release();
        let heard = *self.0.heard.borrow();
        (heard.count >= 2).then_some(heard.latest)
    }

    async fn nth(&self, nth: u32) -> i32 {
        let mut hearing = self.0.heard.subscribe();
        let latest = hearing.wait_for(|heard| heard.count >= nth).await.ok().map(|heard| heard.latest);
        match latest {
            Some(signal) => signal,
            // The sender is gone; it is borrowed here, so it is not.
            None => std::future::pending().await,
        }
    }

    fn release(&self) {
        self.0.heard.send_modify(|heard| heard.attended = false);
    }
}

impl Interruptions for Attention<'_> {
    async fn first(&self) -> i32 {
        self.nth(1).await
    }

    async fn second(&self) -> i32 {
        self.nth(2).await
    }
}

impl Drop for Attention<'_> {
    fn drop(&mut self) {
        self.release();
    }
}
