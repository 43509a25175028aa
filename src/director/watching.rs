//! The console and the recorder: actors that tell what happens to people and to the disk.
//!
//! Both are the same actor around different values, those of [`crate::watchers`]. Such a value
//! writes to terminals, pipes and disks, and may be held up there for as long as somebody reads a
//! page; so it does that on a thread for blocking work, and the director hears signals meanwhile.
//!
//! The mailbox is bounded by who writes to it: a [`Correspondent`](super::audience::Correspondent)
//! tells one batch of events, and the next when that one is answered. So a watcher that is slow slows
//! the rounds down instead of filling the memory, and one that is not lets the next rounds be played
//! while it writes.

use super::DirectorError;
use super::messages::WatchMessage;
use crate::event::Event;
use crate::watchers::{Records, Screen, Watcher};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use tokio::task::spawn_blocking;

/// Shows the run to people.
pub(super) type ConsoleActor = Watching<Screen>;

/// Writes the run down.
pub(super) type RecorderActor = Watching<Records>;

/// The actor.
pub(super) struct Watching<W>(PhantomData<fn() -> W>);

impl<W: Watcher> Watching<W> {
    /// An actor around this value, which it gives back at the end.
    pub(super) async fn spawn(watcher: W) -> Result<ActorRef<WatchMessage<W>>, DirectorError> {
        // Whoever is told of its end is linked later.
        let (actor, _) =
            Actor::spawn(None, Self(PhantomData), watcher).await.map_err(DirectorError::actor)?;
        Ok(actor)
    }
}

impl<W: Watcher> Actor for Watching<W> {
    type Msg = WatchMessage<W>;
    /// `None` once it was given back.
    type State = Option<W>;
    type Arguments = W;

    async fn pre_start(
        &self,
        _myself: ActorRef<WatchMessage<W>>,
        watcher: W,
    ) -> Result<Option<W>, ActorProcessingErr> {
        Ok(Some(watcher))
    }

    async fn handle(
        &self,
        myself: ActorRef<WatchMessage<W>>,
        message: WatchMessage<W>,
        state: &mut Option<W>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(watcher) = state.take() else { return Ok(()) };
        // Whoever asked may be gone.
        match message {
            WatchMessage::Tell { events, done } => {
                let (watcher, flow) = spawn_blocking(move || tell(watcher, &events)).await?;
                *state = Some(watcher);
                let _ = done.send(flow);
            }
            WatchMessage::GiveBack(reply) => {
                let _ = reply.send(watcher);
                myself.stop(None);
            }
        }
        Ok(())
    }
}

fn tell<W: Watcher>(mut watcher: W, events: &[Event]) -> (W, ControlFlow<()>) {
    let flow = events.iter().try_for_each(|event| watcher.tell(event));
    (watcher, flow)
}
