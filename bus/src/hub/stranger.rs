//! Somebody who has connected and is nobody yet: a socket that must not hold up anybody.
//!
//! Many of them are waited for side by side, so the runtime does that. Once an agent is known, its
//! socket becomes a [`Connection`].

use super::connection::{Connection, ReadError};
use crate::frame::{self, Inbox};
use crate::wire::{ANSWER_BYTES_MAX, GREETING_BYTES_MAX, Greeting, Hello, Refusal};
use interprocess::local_socket::tokio::{Stream as WaitingStream, prelude::*};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// For writing a refusal: it fits into any socket's buffer, unless the peer never reads.
const REFUSAL_TIME: Duration = Duration::from_millis(100);

/// A socket, and what has arrived from it.
pub(super) struct Stranger {
    stream: WaitingStream,
    inbox: Inbox,
}

impl Stranger {
    pub(super) fn new(stream: WaitingStream) -> Self {
        Self { stream, inbox: Inbox::of_frames_up_to(GREETING_BYTES_MAX) }
    }

    /// The process at the other end, if its user is ours.
    pub(super) fn pid_if_ours(&self) -> Option<u32> {
        let owner = self.stream.peer_creds().ok()?;
        let is_ours = owner.euid() == Some(rustix::process::geteuid().as_raw());
        let pid = owner.pid().and_then(|pid| u32::try_from(pid).ok());
        is_ours.then(|| pid.unwrap_or_default())
    }

    /// What it says first.
    pub(super) async fn greeting(&mut self) -> Result<Hello, ReadError> {
        loop {
            if let Some(body) = self.inbox.take()? {
                return Ok(frame::decode(body)?);
            }
            match self.stream.read(self.inbox.space()).await {
                Ok(0) | Err(_) => return Err(ReadError::Gone),
                Ok(bytes) => self.inbox.filled(bytes),
            }
        }
    }

    /// Makes it known.
    pub(super) fn settle(mut self) -> io::Result<Connection> {
        self.inbox.allow(ANSWER_BYTES_MAX);
        let WaitingStream::UdSocket(stream) = self.stream;
        let socket = OwnedFd::try_from(stream)?;
        Connection::new(socket.into(), self.inbox)
    }

    /// Tells it why it has to go; whoever does not take it at once goes without.
    pub(super) async fn turn_away(mut self, why: Refusal) {
        let mut bytes = Vec::new();
        if frame::encode(&Greeting::Refused(why), &mut bytes).is_ok() {
            let _ = timeout(REFUSAL_TIME, self.stream.write_all(&bytes)).await;
        }
    }
}
