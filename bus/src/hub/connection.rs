//! One agent's connection, seen from the hub: frames in and out of a socket that must not wait.

use crate::frame::{self, FrameError, Inbox};
use interprocess::local_socket::tokio::Stream;
use serde::de::DeserializeOwned;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWrite as _, Interest, ReadBuf};
use tokio::net::UnixStream;

/// A socket and what has arrived from it, or waits to be sent.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    inbox: Inbox,
    /// What the socket did not take at once.
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

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, inbox: Inbox::new(), unsent: Vec::new() }
    }

    /// Waits until the peer hangs up; whatever it sends meanwhile wakes nobody.
    pub(super) fn hang_up(&self) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let Stream::UdSocket(socket) = &self.stream;
        // A socket of its own, for who waits for answers must not wait for this. The end of a
        // connection is told beside whatever one asks for; here, for urgent data, which no local
        // socket has.
        let socket: OwnedFd = socket.as_fd().try_clone_to_owned()?;
        let watched = UnixStream::from_std(socket.into())?;
        Ok(async move {
            // An error is the runtime's end.
            let _ = watched.ready(Interest::PRIORITY).await;
        })
    }

    /// Whether something arrived that nobody asked for.
    pub(super) fn has_more(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Sends what the socket takes at once; the rest waits for [`Connection::poll_flush`].
    pub(super) async fn send_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        if self.unsent.is_empty() {
            poll_fn(|context| Poll::Ready(self.write_some(context, bytes, &mut sent))).await?;
        }
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    /// Writes until all is written or the socket is full.
    fn write_some(&mut self, context: &mut Context<'_>, bytes: &[u8], sent: &mut usize) -> io::Result<()> {
        while *sent < bytes.len() {
            match Pin::new(&mut self.stream).poll_write(context, &bytes[*sent..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(bytes)) => *sent += bytes,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Whether something is still to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends what waits. A peer that is gone counts as done: reading from it tells.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let unsent = std::mem::take(&mut self.unsent);
        let mut sent = 0;
        if self.write_some(context, &unsent, &mut sent).is_err() || sent == unsent.len() {
            return Poll::Ready(());
        }
        self.unsent = unsent;
        self.unsent.drain(..sent);
        Poll::Pending
    }

    /// The next message.
    pub(super) fn poll_message<M: DeserializeOwned>(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<M, ReadError>> {
        loop {
            match self.inbox.take() {
                Ok(Some(body)) => return Poll::Ready(frame::decode(body).map_err(ReadError::Frame)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(ReadError::Frame(error))),
            }
            let mut space = ReadBuf::new(self.inbox.space());
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut space));
            let bytes = space.filled().len();
            if read.is_err() || bytes == 0 {
                return Poll::Ready(Err(ReadError::Gone));
            }
            self.inbox.filled(bytes);
        }
    }
}
