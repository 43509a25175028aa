//! The agent's side of the bus: connect, greet, then answer what is asked, one frame at a time.
//!
//! Blocking, without any runtime: an agent has nothing to do but wait for the next question, and a
//! runtime is what costs most in a small process. Buffers are kept and reused.

use crate::frame::{self, FRAME_BYTES_MAX, FrameError, Inbox};
use crate::wire::{Brief, GREETING_TIME, Greeting, Hello, Refusal};
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, Stream};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// From the greeting to the answer: a director that starts a thousand agents answers each in its
/// turn, one that needs longer than this hangs.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Before an agent comes again that found a crowd: the crowd's own places change hands meanwhile.
const CROWD_PAUSE: Duration = Duration::from_millis(10);

/// Why an agent cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("cannot connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whoever listens is another user; it was told nothing.
    #[error("{} belongs to another user", path.display())]
    Foreign {
        /// The socket.
        path: PathBuf,
    },
    /// The director refuses the agent, or drops it.
    #[error(transparent)]
    Refused(Refusal),
    /// The director sent what cannot be understood.
    #[error("the director sent {0}")]
    Frame(#[from] FrameError),
    /// The director did not answer the greeting.
    #[error("no answer to the greeting within {} seconds", ANSWER_TIME.as_secs())]
    Silent,
    /// The bus ended without a farewell: the director is gone.
    #[error("the bus ended without a farewell")]
    Ended,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(io::Error),
}

/// A connection to the director.
pub struct Client {
    stream: Stream,
    inbox: Inbox,
    outbox: Vec<u8>,
}

impl std::fmt::Debug for Client {
    /// What was sent first is a greeting, and that holds a token: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the bus at `socket` and greets. Blocks until welcome or refused; comes again for as
    /// long as a greeting may take when there is a crowd of others.
    pub fn connect(socket: &Path, hello: &Hello) -> Result<(Self, Brief), ClientError> {
        let began = Instant::now();
        loop {
            match Self::connect_once(socket, hello) {
                Err(ClientError::Refused(Refusal::Crowded)) if began.elapsed() < GREETING_TIME => {
                    std::thread::sleep(CROWD_PAUSE);
                }
                done => return done,
            }
        }
    }

    fn connect_once(socket: &Path, hello: &Hello) -> Result<(Self, Brief), ClientError> {
        let (stream, inbox) = (open(socket)?, Inbox::of_frames_up_to(FRAME_BYTES_MAX));
        let mut client = Self { stream, inbox, outbox: Vec::new() };
        client.stream.set_recv_timeout(Some(ANSWER_TIME)).map_err(ClientError::Io)?;
        // A director that refuses may have hung up already; its reason is still there to be read.
        let sent = client.send(hello);
        let brief = match client.receive()? {
            Greeting::Welcome(brief) => brief,
            Greeting::Refused(why) => return Err(ClientError::Refused(why)),
        };
        sent?;
        client.stream.set_recv_timeout(None).map_err(ClientError::Io)?;
        Ok((client, brief))
    }

    /// Whether nothing has arrived that [`Client::receive`] did not give yet, not even a part of it.
    pub fn is_caught_up(&self) -> bool {
        self.inbox.is_empty()
    }

    /// A second descriptor of the connection: it can be read when something comes, and is to be read by
    /// nobody. What has arrived already ([`Client::is_caught_up`]) does not come again.
    pub fn watch(&self) -> io::Result<OwnedFd> {
        let Stream::UdSocket(socket) = &self.stream;
        socket.as_fd().try_clone_to_owned()
    }

    /// Sends one message.
    pub fn send<M: Serialize>(&mut self, message: &M) -> Result<(), ClientError> {
        self.outbox.clear();
        frame::encode(message, &mut self.outbox)?;
        self.stream.write_all(&self.outbox).map_err(ended_or_failed)
    }

    /// Waits for the next message.
    pub fn receive<M: DeserializeOwned>(&mut self) -> Result<M, ClientError> {
        loop {
            if let Some(body) = self.inbox.take()? {
                return Ok(frame::decode(body)?);
            }
            match self.stream.read(self.inbox.space()) {
                Ok(0) => return Err(ClientError::Ended),
                Ok(bytes) => self.inbox.filled(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ended_or_failed(error)),
            }
        }
    }
}

fn open(socket: &Path) -> Result<Stream, ClientError> {
    let failed = |source| ClientError::Connect { path: socket.to_owned(), source };
    let name = socket.as_os_str().to_fs_name::<GenericFilePath>().map_err(failed)?;
    let stream = Stream::connect(name).map_err(failed)?;
    let owner = stream.peer_creds().map_err(ClientError::Io)?.euid();
    if owner == Some(rustix::process::geteuid().as_raw()) {
        Ok(stream)
    } else {
        Err(ClientError::Foreign { path: socket.to_owned() })
    }
}

/// What a failed read or write means: most often, that the other side is gone.
fn ended_or_failed(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => ClientError::Ended,
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Silent,
        _ => ClientError::Io(error),
    }
}
