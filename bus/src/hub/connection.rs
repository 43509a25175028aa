//! One agent's connection, seen from the hub: frames in and out of a socket.
//!
//! An agent answers within microseconds, sooner than a runtime learns that there is something to
//! read, and often sooner than a processor that has gone to sleep is awake again. So the hub looks
//! for the answer again and again for as long as it may stay awake ([`AWAKE`]), and then waits in the read
//! itself, as agents do, and asks no runtime. But never for longer than [`PATIENCE`], for whoever
//! shares its thread must be heard, too; for an agent that takes longer the runtime waits.

use crate::frame::{self, FrameError, Inbox};
use interprocess::local_socket::prelude::*;
use interprocess::os::unix::uds_local_socket::Stream;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use serde::de::DeserializeOwned;
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::time::sleep;

/// How long a socket is waited for on the spot: many times what an agent needs, and too short for
/// anybody to notice that nobody else was heard meanwhile.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long the answers to one question are waited for awake, all together: what a few agents need to
/// answer, and what sleeping and being woken would cost. To wait so for longer, or as long for each of
/// many, would take a processor from those who are to answer.
const AWAKE: Duration = Duration::from_micros(50);

/// From one look at a socket to the next, while there is no descriptor left to have the runtime wait with.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(10);

/// How the answers to one question are waited for on the spot: awake at first, then asleep, one after
/// another, and not at all any more when somebody was too late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// What is left of [`AWAKE`].
    awake: Duration,
    /// Whether each is waited for as long as [`PATIENCE`] lasts.
    patient: bool,
}

impl Wait {
    /// For a question that was just asked.
    pub(super) fn at_first() -> Self {
        Self { awake: AWAKE, patient: true }
    }

    /// Somebody who is late has used up the patience for those behind.
    pub(super) fn no_longer(&mut self) {
        *self = Self { awake: Duration::ZERO, patient: false };
    }

    /// Looks again and again while there is time to be awake.
    fn look<T, E>(&mut self, mut once: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        if self.awake.is_zero() {
            return Ok(None);
        }
        let began = Instant::now();
        loop {
            let found = once()?;
            let waited = began.elapsed();
            if found.is_some() || waited >= self.awake {
                self.awake = self.awake.saturating_sub(waited);
                return Ok(found);
            }
            std::hint::spin_loop();
        }
    }
}

/// A socket and what has arrived from it, or waits to be sent.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    inbox: Inbox,
    /// What the socket did not take in time: never more than one question.
    unsent: Vec<u8>,
}

/// Why nothing came.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The other side is gone.
    Gone,
    /// It sent what is no frame or no message.
    Frame(FrameError),
}

impl From<FrameError> for ReadError {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}

impl Connection {
    /// Around a socket, from which this has arrived already.
    pub(super) fn new(stream: Stream, inbox: Inbox) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_recv_timeout(Some(PATIENCE))?;
        stream.set_send_timeout(Some(PATIENCE))?;
        Ok(Self { stream, inbox, unsent: Vec::new() })
    }

    /// Waits until the peer hangs up; whatever it sends meanwhile wakes nobody.
    pub(super) fn hang_up(&self) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        // The end of a connection is told beside whatever one asks for; here, for urgent data, which
        // no agent sends: one that does is as good as gone.
        let watched = self.watched()?;
        Ok(async move {
            // An error is the runtime's end.
            let _ = watched.ready(Interest::PRIORITY).await;
        })
    }

    /// Whether something arrived that nobody asked for.
    pub(super) fn has_more(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Whether something has arrived or lies in the socket that nobody asked for. To look there takes a call of the
    /// system, most of a microsecond.
    pub(super) fn has_spoken(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        // The end of a connection is found when an answer is waited for.
        self.has_more() || matches!(recv(self.stream.as_fd(), &mut [0_u8], flags), Ok((_, 1..)))
    }

    /// Sends what the socket takes in time; the rest waits for [`Connection::flush`].
    ///
    /// # Panics
    /// When something waits already: nobody is asked who has not taken the question before.
    pub(super) fn send(&mut self, question: &[u8]) -> io::Result<()> {
        assert!(self.unsent.is_empty(), "one question at a time");
        let sent = self.write(question, SendFlags::NOSIGNAL)?;
        self.unsent.extend_from_slice(&question[sent..]);
        Ok(())
    }

    /// Has this sent by [`Connection::flush`].
    pub(super) fn send_soon(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Sends this, the last, if the socket takes it at once and nothing is half sent.
    pub(super) fn send_last(&mut self, words: &[u8]) {
        if self.unsent.is_empty() {
            // Whoever does not take it sees the end instead.
            let _ = self.write(words, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
        }
    }

    /// Whether something is still to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends what waits, at the pace of the peer. Nothing waits any more for one that is gone.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let flushed = self.flush_all().await;
        if flushed.is_err() {
            self.unsent.clear();
        }
        flushed
    }

    async fn flush_all(&mut self) -> io::Result<()> {
        loop {
            let sent = self.write(&self.unsent, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                return Ok(());
            }
            self.is(Interest::WRITABLE).await?;
        }
    }

    /// Writes as much as the socket takes, in time or with flags that let a write not wait; gives how
    /// much that was.
    fn write(&self, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match send(self.stream.as_fd(), &bytes[sent..], flags) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => sent += bytes,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }

    /// The next message, if it comes while it is waited for on the spot.
    pub(super) fn receive_soon<M: DeserializeOwned>(
        &mut self,
        wait: &mut Wait,
    ) -> Result<Option<M>, ReadError> {
        match wait.look(|| self.read(RecvFlags::DONTWAIT))? {
            None if wait.patient => self.read(RecvFlags::empty()),
            None => self.read(RecvFlags::DONTWAIT),
            found => Ok(found),
        }
    }

    /// The next message, if it is there, or with flags that let a read wait, comes in time.
    fn read<M: DeserializeOwned>(&mut self, flags: RecvFlags) -> Result<Option<M>, ReadError> {
        loop {
            if let Some(body) = self.inbox.take()? {
                return Ok(Some(frame::decode(body)?));
            }
            match recv(self.stream.as_fd(), self.inbox.space(), flags) {
                Ok((_, 0)) => return Err(ReadError::Gone),
                Ok((_, bytes)) => self.inbox.filled(bytes),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(_) => return Err(ReadError::Gone),
            }
        }
    }

    /// The next message, however long it takes.
    pub(super) async fn receive<M: DeserializeOwned>(&mut self) -> Result<M, ReadError> {
        loop {
            if let Some(message) = self.read(RecvFlags::DONTWAIT)? {
                return Ok(message);
            }
            self.is(Interest::READABLE).await.map_err(|_| ReadError::Gone)?;
        }
    }

    /// Has the runtime wait until the socket is readable or writable; or only for a while, where the system
    /// has nothing left to wait with. That is not the agent's doing.
    async fn is(&self, interest: Interest) -> io::Result<()> {
        match self.watched() {
            Ok(watched) => watched.ready(interest).await.map(drop),
            Err(error) if is_shortage(&error) => {
                sleep(SHORTAGE_PAUSE).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// A second descriptor of the socket, for the runtime to wait for events on. Nothing is read or
    /// written there, so it does not matter that the socket is one that blocks; the runtime only
    /// takes others.
    fn watched(&self) -> io::Result<UnixStream> {
        self.stream.set_nonblocking(true)?;
        let second = self.stream.as_fd().try_clone_to_owned();
        let watched = second.and_then(|second| UnixStream::from_std(second.into()));
        self.stream.set_nonblocking(false)?;
        watched
    }
}

/// Whether the system has no descriptor or no memory left for it.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::NOSPC];
    Errno::from_io_error(error).is_some_and(|error| shortages.contains(&error))
}

impl Drop for Connection {
    /// Whoever watches the connection has a descriptor of its own: without this the peer would not
    /// see the end before that one is closed, and that one is closed when the peer goes.
    fn drop(&mut self) {
        // A peer that is gone needs no end.
        let _ = shutdown(self.stream.as_fd(), Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_stays_awake_for_what_does_not_come() {
        let mut wait = Wait::at_first();
        assert_eq!(wait.look(|| Ok::<_, ()>(None::<u8>)), Ok(None));
        // And not for anybody else who is asked at the same time.
        assert_eq!(wait.look(|| -> Result<Option<u8>, ()> { panic!("a look") }), Ok(None));
    }

    #[test]
    fn what_comes_while_one_is_awake_is_found() {
        let mut looks = 0;
        let mut wait = Wait { awake: Duration::MAX, patient: true };
        let found = wait.look(|| {
            looks += 1;
            Ok::<_, ()>((looks == 3).then_some(looks))
        });
        assert_eq!(found, Ok(Some(3)));
        assert!(wait.awake < Duration::MAX, "the time is one for all");
    }
}
