//! Telling somebody outside: a webhook for what needs a person, and a ping for whoever waits for one.
//!
//! The **webhook** is sent JSON (POST) when cycles fail until a cooldown, when a day misses its target, when a
//! guardrail test was let through, and when the emergency stop is enabled; and again when that is over. The same
//! is told once ([`repeats`]). Messages wait in a bounded queue for a task of their own: telling never waits,
//! and what does not fit is told to the log. A message that is not taken is tried again, ever more
//! slowly, and given up after [`TRIES_MAX`] tries; the receiver may get it twice, and knows it by its `id`.
//!
//! The **ping** (POST, JSON) is sent at each heartbeat and carries the last completed cycle. While progress is
//! overdue there is none: silence is what the other side listens for. A ping that is not taken is not repeated,
//! for the next one says more.
//!
//! URLs may be secrets, so neither their paths nor their queries are told to the log.

mod courier;
pub mod message;
pub mod repeats;

pub use courier::{Courier, TRIES_MAX};

use crate::clock::Clock;
use crate::crew::foreman::Notice;
use crate::heartbeat::Beat;
use crate::target::{Complaint, Reach, SecretSource};
use days::config::{Address, Config};
use message::{Message, Sender};
use repeats::Repeats;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

/// Notices that wait to be told. They come a few an hour.
const WAITING_MAX: usize = 64;

/// How those are reached who tell outside. It never waits.
#[derive(Clone, Debug)]
pub struct Herald {
    notices: Option<mpsc::Sender<Notice>>,
    beats: Option<watch::Sender<Option<Beat>>>,
}

/// What is under way. Whoever drops it gives up what was not told yet.
#[derive(Debug)]
pub struct Errands {
    tasks: JoinSet<()>,
    clock: Arc<dyn Clock>,
}

impl Herald {
    /// As a configuration says, in a Tokio runtime. `sender` is what the daemon calls itself.
    ///
    /// # Errors
    /// When a URL cannot be read, or may not be asked.
    pub fn of(
        config: &Config,
        sender: &Sender,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Self, Errands), Complaint> {
        let beyond_loopback = config.settings.notify.allow_beyond_loopback;
        let reach = Reach { beyond_loopback, ..Reach::default() };
        let courier = |address: &Option<Address>| {
            address.as_ref().map(|address| courier(address, &reach, clock)).transpose()
        };
        Ok(Self::by(courier(&config.webhook)?, courier(&config.ping)?, sender, clock))
    }

    /// By these.
    pub fn by(
        webhook: Option<Courier>,
        ping: Option<Courier>,
        sender: &Sender,
        clock: &Arc<dyn Clock>,
    ) -> (Self, Errands) {
        let mut tasks = JoinSet::new();
        let notices = webhook.map(|courier| {
            let (notices, waiting) = mpsc::channel(WAITING_MAX);
            tasks.spawn(tell(courier, waiting, sender.clone(), Arc::clone(clock)));
            notices
        });
        let beats = ping.map(|courier| {
            let (beats, next) = watch::channel(None);
            tasks.spawn(ping_at(courier, next, sender.clone()));
            beats
        });
        (Self { notices, beats }, Errands { tasks, clock: Arc::clone(clock) })
    }

    /// For a notice.
    pub fn tell(&self, notice: Notice) {
        if let Some(notices) = &self.notices
            && let Err(error) = notices.try_send(notice)
        {
            warn!("not told outside, where {WAITING_MAX} notices wait already: {:?}", error.into_inner());
        }
    }

    /// For a heartbeat.
    pub fn ping(&self, beat: &Beat) {
        if let Some(beats) = &self.beats {
            beats.send_replace(Some(beat.clone()));
        }
    }
}

impl Errands {
    /// Waits until all is told, or given up because this takes too long. Every herald must be gone.
    pub async fn finish(mut self, patience: Duration) {
        let over = self.clock.until_steady(self.clock.steady() + patience);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = over => warn!("what was to be told outside is given up"),
        }
    }
}

fn courier(address: &Address, reach: &Reach, clock: &Arc<dyn Clock>) -> Result<Courier, Complaint> {
    match address {
        Address::Open(url) => Courier::to(url, reach, clock),
        Address::Secret(source) => Courier::to(SecretSource::from(source).read()?.reveal(), reach, clock),
    }
}

/// Tells notices, one after another, until there is nobody who gives any.
async fn tell(
    mut courier: Courier,
    mut waiting: mpsc::Receiver<Notice>,
    sender: Sender,
    clock: Arc<dyn Clock>,
) {
    let (mut repeats, mut told) = (Repeats::default(), 0_u64);
    loop {
        let due = repeats.due();
        let notice = tokio::select! {
            notice = waiting.recv() => match notice {
                Some(notice) => repeats.take(notice, clock.steady()),
                None => break,
            },
            () = until(due, &*clock) => repeats.over(clock.steady()),
        };
        if let Some(notice) = notice {
            told += 1;
            deliver(&mut courier, &Message::of(&notice, &sender, told, clock.wall())).await;
        }
    }
    // What was only counted is told before the end.
    if let Some(notice) = repeats.rest() {
        deliver(&mut courier, &Message::of(&notice, &sender, told + 1, clock.wall())).await;
    }
}

async fn until(instant: Option<Duration>, clock: &dyn Clock) {
    match instant {
        Some(instant) => clock.until_steady(instant).await,
        None => std::future::pending().await,
    }
}

async fn deliver(courier: &mut Courier, message: &Message) {
    match courier.deliver(message).await {
        Ok(()) => debug!("told {:?}: {}", courier.endpoint(), message.text),
        Err(failure) => {
            let (endpoint, error) = (courier.endpoint(), failure.error);
            warn!("{endpoint:?} could not be told ({error}): {}", message.text);
        }
    }
}

/// Pings at each beat that is not one of a daemon that stands still.
async fn ping_at(mut courier: Courier, mut beats: watch::Receiver<Option<Beat>>, sender: Sender) {
    while beats.changed().await.is_ok() {
        let Some(beat) = beats.borrow_and_update().clone() else { continue };
        if beat.overdue.is_some() {
            warn!("{:?} is not pinged: there is no progress", courier.endpoint());
        } else if let Err(failure) = courier.post(&message::Ping::of(&beat, &sender)).await {
            warn!("{:?} could not be pinged: {}", courier.endpoint(), failure.error);
        }
    }
}

#[cfg(test)]
mod tests;
