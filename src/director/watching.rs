//! The console and the recorder: actors that tell what happens to people and to the disk.
//!
//! Both are the same actor around different values, those of [`crate::watchers`]. Such a value
//! writes to terminals, pipes and disks, and may be held up there for as long as somebody reads a
//! page; so it does that on a thread for blocking work, and the director hears signals meanwhile.
//!
//! The mailbox is bounded by who writes to it: a [`Correspondent`] tells one batch of events, and
//! the next when that one is answered. So a watcher that is slow slows the rounds down instead of
//! filling the memory, and one that is not lets the next round be played while it writes.

use super::DirectorError;
use super::messages::WatchMessage;
use crate::event::Event;
use crate::watchers::{Records, Screen, Watcher};
use ractor::concurrency::{OneshotReceiver, oneshot};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;
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

/// The round owner's end of what it tells a watcher.
#[derive(Debug)]
pub(super) struct Correspondent<W> {
    actor: ActorRef<WatchMessage<W>>,
    /// The answer to the batch that the watcher may still be busy with.
    unanswered: Option<OneshotReceiver<ControlFlow<()>>>,
}

impl<W: Watcher> Correspondent<W> {
    pub(super) fn new(actor: ActorRef<WatchMessage<W>>) -> Self {
        Self { actor, unanswered: None }
    }

    /// The actor.
    pub(super) fn actor(&self) -> &ActorRef<WatchMessage<W>> {
        &self.actor
    }

    /// Tells what happened, when the watcher is done with what it was told before; gives what it
    /// said to that.
    pub(super) async fn tell(&mut self, events: &Arc<[Event]>) -> Result<ControlFlow<()>, DirectorError> {
        let before = match self.unanswered.take() {
            Some(answer) => answer.await.map_err(|_| DirectorError::Actor("nobody watches".to_owned()))?,
            None => ControlFlow::Continue(()),
        };
        let (done, answer) = oneshot();
        let told = WatchMessage::Tell { events: Arc::clone(events), done: done.into() };
        self.actor.cast(told).map_err(DirectorError::actor)?;
        self.unanswered = Some(answer);
        Ok(before)
    }
}
