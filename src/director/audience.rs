//! Those who are told what happens, as the round owner sees them: the console and the recorder.
//!
//! Telling takes a message to another actor and a thread that may be held up, which costs more than
//! a round does. So what happens in rounds that follow each other at once is gathered while the
//! watchers are busy with what they were told before, up to a limit; and whoever does not follow the
//! rounds is not told of them.

use super::DirectorError;
use super::messages::WatchMessage;
use crate::event::{Event, Interest};
use crate::watchers::{Records, Screen, Watcher};
use ractor::ActorRef;
use ractor::concurrency::{OneshotReceiver, oneshot};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Events that may be gathered: some hundred rounds of a small world. Then the rounds wait.
const GATHERED_MAX: usize = 1024;

/// The console and the recorder.
pub(super) struct Audience {
    pub(super) console: Correspondent<Screen>,
    pub(super) recorder: Correspondent<Records>,
    /// What happened and was not told yet, in order.
    gathered: Vec<Event>,
}

impl Audience {
    pub(super) fn of(console: Correspondent<Screen>, recorder: Correspondent<Records>) -> Self {
        Self { console, recorder, gathered: Vec::new() }
    }

    /// How closely the one who wants to know most follows the run.
    pub(super) fn interest(&self) -> Interest {
        self.console.interest.max(self.recorder.interest)
    }

    /// Takes down what happened, to be told later.
    pub(super) fn gather(&mut self, events: Vec<Event>) {
        let interest = self.interest();
        for event in events.into_iter().filter(|event| event.interest() <= interest) {
            match (self.gathered.last_mut(), event) {
                // How many are here now is all that matters.
                (Some(last @ Event::Starting { .. }), event @ Event::Starting { .. }) => *last = event,
                (_, event) => self.gathered.push(event),
            }
        }
    }

    /// Tells what was gathered, if nobody is busy with what was told before, or it is a lot.
    pub(super) async fn tell_in_time(&mut self) -> Result<ControlFlow<()>, DirectorError> {
        let is_idle = self.console.is_idle() && self.recorder.is_idle();
        if is_idle || self.gathered.len() >= GATHERED_MAX {
            self.tell().await
        } else {
            Ok(ControlFlow::Continue(()))
        }
    }

    /// Tells what was gathered; gives whether somebody said to that before that it is enough.
    pub(super) async fn tell(&mut self) -> Result<ControlFlow<()>, DirectorError> {
        if self.gathered.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let events: Arc<[Event]> = self.gathered.drain(..).collect();
        let flows = [self.console.tell(&events).await?, self.recorder.tell(&events).await?];
        Ok(flows.into_iter().find(ControlFlow::is_break).unwrap_or(ControlFlow::Continue(())))
    }
}

/// The round owner's end of what it tells a watcher.
pub(super) struct Correspondent<W> {
    actor: ActorRef<WatchMessage<W>>,
    /// Batches in which there is nothing of interest to it are not told.
    interest: Interest,
    /// The answer to the batch that the watcher may still be busy with.
    unanswered: Option<OneshotReceiver<ControlFlow<()>>>,
    /// What it said to the last batch that it is done with.
    said: ControlFlow<()>,
}

impl<W: Watcher> Correspondent<W> {
    /// Of a watcher that follows the run so closely.
    pub(super) fn new(actor: ActorRef<WatchMessage<W>>, interest: Interest) -> Self {
        Self { actor, interest, unanswered: None, said: ControlFlow::Continue(()) }
    }

    /// The actor.
    pub(super) fn actor(&self) -> &ActorRef<WatchMessage<W>> {
        &self.actor
    }

    /// Whether the watcher is done with what it was told.
    fn is_idle(&mut self) -> bool {
        if let Some(said) = self.unanswered.as_mut().and_then(|answer| answer.try_recv().ok()) {
            self.said = said;
            self.unanswered = None;
        }
        self.unanswered.is_none()
    }

    /// Tells what happened, when the watcher is done with what it was told before; gives what it
    /// said to that.
    async fn tell(&mut self, events: &Arc<[Event]>) -> Result<ControlFlow<()>, DirectorError> {
        if events.iter().all(|event| event.interest() > self.interest) {
            return Ok(self.said);
        }
        if let Some(answer) = self.unanswered.take() {
            self.said = answer.await.map_err(|_| DirectorError::Actor("nobody watches".to_owned()))?;
        }
        let (done, answer) = oneshot();
        let told = WatchMessage::Tell { events: Arc::clone(events), done: done.into() };
        self.actor.cast(told).map_err(DirectorError::actor)?;
        self.unanswered = Some(answer);
        Ok(self.said)
    }
}

#[cfg(test)]
mod tests {
    use super::super::watching::Watching;
    use super::*;
    use worlds::journal::Record;
    use worlds::outcome::Requests;
    use worlds::round::Entry;

    /// Keeps what it is told.
    struct Fake(Vec<Event>);

    impl Watcher for Fake {
        fn interest(&self) -> Interest {
            Interest::Agents
        }

        fn tell(&mut self, event: &Event) -> ControlFlow<()> {
            self.0.push(event.clone());
            ControlFlow::Break(())
        }
    }

    fn record() -> Event {
        let record = Record::RoundOpened { round: 1, requests: 1000 };
        Event::Entry(Entry { record, line: Vec::new() })
    }

    fn played() -> Event {
        Event::RoundPlayed { requests: Requests::default() }
    }

    fn lost() -> Event {
        Event::Lost { agent: "server-web-1".into(), how: "it left".to_owned(), again: None }
    }

    async fn told(interest: Interest, batches: &[Vec<Event>]) -> (Vec<Event>, ControlFlow<()>) {
        let actor = Watching::spawn(Fake(Vec::new())).await.expect("an actor");
        let mut fake = Correspondent::new(actor.clone(), interest);
        let mut said = ControlFlow::Continue(());
        for batch in batches {
            said = fake.tell(&batch.clone().into()).await.expect("a watcher");
        }
        let given = actor.call(WatchMessage::GiveBack, None).await.expect("a watcher");
        (given.expect("it gives back").0, said)
    }

    #[tokio::test]
    async fn whoever_does_not_follow_the_rounds_is_told_of_agents_alone() {
        let batches = [vec![record()], vec![lost()], vec![record(), record()]];
        let (heard, _) = told(Interest::Agents, &batches).await;
        assert!(matches!(heard[..], [Event::Lost { .. }]), "{heard:?}");
        let batches = [vec![record()], vec![played()], vec![lost()]];
        let (heard, _) = told(Interest::Rounds, &batches).await;
        assert!(matches!(heard[..], [Event::RoundPlayed { .. }, Event::Lost { .. }]), "{heard:?}");
        let batches = [vec![record()], vec![lost()], vec![record(), record()]];
        let (heard, _) = told(Interest::Records, &batches).await;
        // A watcher that has seen enough is told no more of a batch.
        assert!(matches!(heard[..], [Event::Entry(_), Event::Lost { .. }, Event::Entry(_)]), "{heard:?}");
    }

    #[tokio::test]
    async fn what_a_watcher_says_is_heard_with_the_next_batch() {
        assert_eq!(told(Interest::Records, &[vec![record()]]).await.1, ControlFlow::Continue(()));
        assert_eq!(
            told(Interest::Records, &[vec![record()], vec![record()]]).await.1,
            ControlFlow::Break(())
        );
    }
}
