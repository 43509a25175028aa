//! Frames: how a stream of bytes is cut into messages. No input or output happens here.
//!
//! ```text
//!   length: u32, big-endian   of what follows it
//!   version: u8               of the frame and the codec
//!   message                   as the codec writes it
//! ```
//!
//! Bytes of strangers are read in three steps: the length is checked before anything is made room
//! for, room grows as data arrives, and only a whole frame is decoded. [`Inbox`] takes the first two
//! steps, [`decode`] the third; a decoded message must take up its frame exactly. How long a frame may
//! be depends on who sends it: whoever reads tells the inbox.

use crate::codec::{self, CodecError};
use serde::{Serialize, de::DeserializeOwned};

/// Bytes of a frame after its length. The largest message is the observation of an SRE: up to 70
/// bytes for each server and 20 for each alert. This carries the largest world there may be, with
/// every alert on each of its servers, and leaves room for cooldowns.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The version of frame and codec.
pub const FRAME_VERSION: u8 = 1;

/// Bytes of the length.
const PREFIX_BYTES: usize = 4;

/// Bytes that an inbox makes room for at a time: a usual message arrives in one read.
const READ_STEP_BYTES: usize = 4096;

/// What can be wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than what its sender may send, at most [`FRAME_BYTES_MAX`].
    #[error("a frame of {bytes} bytes, the limit is {limit}")]
    TooLong {
        /// The length that was announced, or that a message would have had.
        bytes: usize,
        /// What it may have.
        limit: usize,
    },
    /// Without even a version.
    #[error("a frame without content")]
    Empty,
    /// Of another version.
    #[error("a frame of version {version}, this is version {FRAME_VERSION}")]
    Version {
        /// The version that was found.
        version: u8,
    },
    /// The codec cannot read it, or cannot write it.
    #[error("not a message: {0}")]
    Codec(#[from] CodecError),
    /// More bytes than the message takes.
    #[error("{bytes} bytes after the end of the message")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// Appends a message to a buffer, as a whole frame. On failure the buffer is as it was.
pub fn encode<M: Serialize + ?Sized>(message: &M, into: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = into.len();
    let done = encode_from(start, message, into);
    if done.is_err() {
        into.truncate(start);
    }
    done
}

fn encode_from<M: Serialize + ?Sized>(
    start: usize,
    message: &M,
    into: &mut Vec<u8>,
) -> Result<(), FrameError> {
    into.extend_from_slice(&[0; PREFIX_BYTES]);
    into.push(FRAME_VERSION);
    codec::encode(message, into)?;
    let bytes = into.len() - start - PREFIX_BYTES;
    let length = u32::try_from(bytes)
        .ok()
        .filter(|_| bytes <= FRAME_BYTES_MAX)
        .ok_or(FrameError::TooLong { bytes, limit: FRAME_BYTES_MAX })?;
    into[start..start + PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The message of a frame whose length is taken off.
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M, FrameError> {
    let (&version, message) = body.split_first().ok_or(FrameError::Empty)?;
    if version != FRAME_VERSION {
        return Err(FrameError::Version { version });
    }
    let (decoded, consumed) = codec::decode(message)?;
    match message.len() - consumed {
        0 => Ok(decoded),
        bytes => Err(FrameError::Trailing { bytes }),
    }
}

/// The bytes that arrived from one peer and were not taken yet, in a buffer that is reused.
///
/// Read into [`Inbox::space`], tell [`Inbox::filled`], and take frames with [`Inbox::take`] until
/// there is none. Whoever does so keeps no more than one frame of the longest kind.
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
    /// Where the bytes that arrived end.
    end: usize,
    /// Bytes that a frame may have after its length.
    limit: usize,
}

impl std::fmt::Debug for Inbox {
    /// What arrived may be a greeting, and that holds a token: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("waiting", &(self.end - self.start)).finish_non_exhaustive()
    }
}

impl Inbox {
    /// An inbox without any bytes, which takes no memory yet, for frames of at most so many.
    pub fn of_frames_up_to(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, limit }
    }

    /// From now on, frames may have so many bytes.
    pub fn allow(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether nothing waits to be taken, not even a part of a frame.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room for what arrives next, never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            let whole_frame = PREFIX_BYTES.saturating_add(self.limit);
            let step = READ_STEP_BYTES.min(whole_frame);
            // Never more than as much again as really arrived, whatever length was announced, and never
            // more than a frame, unless somebody fills without taking.
            let grown = self.end + self.end.max(step);
            self.bytes.resize(grown.min(whole_frame.max(self.end + step)), 0);
        }
        &mut self.bytes[self.end..]
    }

    /// Notes that this many bytes of [`Inbox::space`] hold what arrived.
    ///
    /// # Panics
    /// When that is more than there was space.
    pub fn filled(&mut self, bytes: usize) {
        self.end += bytes;
        assert!(self.end <= self.bytes.len(), "more bytes arrived than there was space for");
    }

    /// Takes the next whole frame, without its length; `None` while it has not arrived whole.
    pub fn take(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let arrived = &self.bytes[self.start..self.end];
        let Some((prefix, rest)) = arrived.split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_be_bytes(*prefix) as usize;
        if bytes > self.limit {
            return Err(FrameError::TooLong { bytes, limit: self.limit });
        }
        if bytes == 0 {
            return Err(FrameError::Empty);
        }
        if rest.len() < bytes {
            return Ok(None);
        }
        self.start += PREFIX_BYTES + bytes;
        Ok(Some(&self.bytes[self.start - bytes..self.start]))
    }
}
