//! What is asked, and how: targets and their lanes.
//!
//! A [`Target`] is what a configuration names. Its [`Lane`]s are what a sender asks by, each of them one
//! question at a time: a connection, mostly. The modules here are the targets that are reached by HTTP; the
//! resident world is one of the program's.
//!
//! Three rules hold for all that is reached by a network. What lies beyond loopback is asked only where the
//! configuration allows it, and then at no more than a rate ([`RateCap`]). Redirects are not followed: whoever
//! answers is who was named. Credentials come from the environment or from a file, and are shown to nobody
//! but the target ([`Secret`]).

mod cap;
mod chat;
mod configured;
mod connection;
mod endpoint;
mod http;
mod reply;
#[cfg(test)]
pub(crate) mod scripted;
mod secret;
mod template;

pub use cap::{RATE_DEFAULT, RATE_MAX, RateCap};
pub use chat::{API_VERSION_DEFAULT, Api, ChatLane, ChatSettings, ChatTarget};
pub use connection::Connection;
pub use endpoint::{Endpoint, Reach};
pub use http::{Expectation, HttpLane, HttpSettings, HttpTarget};
pub use reply::{BODY_BYTES_MAX, Reply};
pub use secret::{Secret, SecretHeader, SecretSource};
pub use template::{Escape, Template};

use crate::send::{Answer, Ask};
use std::time::Duration;

/// From a try to the end of its answer, where nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Something that can be asked.
pub trait Target: Send + Sync + 'static {
    /// What it is asked by.
    type Lane: Lane;

    /// Another lane. It connects when it is first asked by.
    fn lane(&self) -> Self::Lane;

    /// Whether it can be asked at all, as far as can be told without asking: names, files, credentials. It is
    /// called in every cycle; lanes that are made after it have what it read.
    fn validate(&self) -> impl Future<Output = Result<(), Complaint>> + Send;

    /// From a try to the end of its answer, at the most.
    fn timeout(&self) -> Duration {
        TIMEOUT_DEFAULT
    }

    /// The most that it may be asked, if there is such a limit.
    fn cap(&self) -> Option<&RateCap> {
        None
    }
}

/// One of those ways by which a target is asked, one question at a time.
pub trait Lane: Send + 'static {
    /// Asks once, and waits for the answer until an instant of the steady clock. What goes wrong is part of
    /// the answer. Whoever drops this leaves a lane that can be asked by again.
    fn ask(&mut self, ask: &Ask, deadline: Duration) -> impl Future<Output = Answer> + Send;
}

/// What is wrong with a target or its settings, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Complaint {
    /// What is wrong, as a fragment.
    pub what: String,
    /// What mends it, as a sentence.
    pub cure: String,
}

impl Complaint {
    /// Says both.
    pub fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), cure: cure.into() }
    }
}
