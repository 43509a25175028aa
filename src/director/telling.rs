//! From the director's thread to the thread that watches: events, a batch at a time.
//!
//! Whoever watches writes to terminals, pipes and disks, and may be held up there for as long as
//! somebody reads a page; the director must hear signals meanwhile. One batch may wait: a watcher
//! that is slow slows the rounds down instead of filling the memory.

use crate::event::{Event, Watch};
use tokio::sync::mpsc;

/// Batches that may wait for the watcher.
const BATCHES_MAX: usize = 1;

/// The director's end.
#[derive(Clone, Debug)]
pub(super) struct Teller(mpsc::Sender<Vec<Event>>);

/// The watcher's end.
#[derive(Debug)]
pub(super) struct Listener(mpsc::Receiver<Vec<Event>>);

/// The watcher has seen enough.
#[derive(Debug)]
pub(super) struct Enough;

pub(super) fn channel() -> (Teller, Listener) {
    let (sender, receiver) = mpsc::channel(BATCHES_MAX);
    (Teller(sender), Listener(receiver))
}

impl Teller {
    /// Tells what happened, when the watcher has room for it.
    pub(super) async fn tell(&self, events: Vec<Event>) -> Result<(), Enough> {
        if events.is_empty() { Ok(()) } else { self.0.send(events).await.map_err(|_| Enough) }
    }
}

impl Listener {
    /// Watches until the director has nothing more to tell, or the watcher has seen enough.
    pub(super) fn listen(mut self, watch: &mut Watch<'_>) {
        while let Some(events) = self.0.blocking_recv() {
            if events.iter().try_for_each(&mut *watch).is_break() {
                return;
            }
        }
    }
}
