//! A connection to a bus, from which anything may be said: frames as they should be, and bytes that are none.
//!
//! Whoever is honest has [`bus::client`], which lets nobody say what is no message.

use bus::frame::{self, FRAME_BYTES_MAX, Inbox};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A connection.
pub(super) struct Wire {
    stream: UnixStream,
    inbox: Inbox,
}

impl Wire {
    /// Connects; whoever is heard or spoken to has so long for each piece.
    pub(super) fn open(socket: &Path, patience: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self { stream, inbox: Inbox::of_frames_up_to(FRAME_BYTES_MAX) })
    }

    /// Says these bytes; gives whether they were taken, all of them.
    pub(super) fn say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next message; `None` if there is none in time, the other side has hung up, or what came is no
    /// message of this kind.
    pub(super) fn hear<M: DeserializeOwned>(&mut self) -> Option<M> {
        loop {
            if let Some(body) = self.inbox.take().ok()? {
                return frame::decode(body).ok();
            }
            match self.stream.read(self.inbox.space()) {
                Ok(0) => return None,
                Ok(bytes) => self.inbox.filled(bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

/// A message as the bytes of a frame.
pub(super) fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("what agents say is far shorter than a frame may be");
    bytes
}
