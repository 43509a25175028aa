//! Frames of any bytes, in any cuts, as any message.
//!
//! The first byte says how long the pieces are in which the others arrive, the second how long a frame may
//! be. Claims: nothing panics; the same frames come out however the bytes are cut; an inbox makes no
//! more room than for one frame and no more than twice what arrived; what can be decoded is the same after
//! being written and read again.

use bus::frame::{FrameError, Inbox, decode, encode};
use bus::wire::{FromAgent, Greeting, Hello, ToServer, ToSre};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Bytes of a frame's length.
const PREFIX_BYTES: usize = 4;

/// Bytes that an inbox may make room for before anything arrived.
const FIRST_ROOM_BYTES: usize = 4096;

/// Frames of these bytes.
pub fn run(bytes: &[u8]) {
    let [step, limit, bytes @ ..] = bytes else { return };
    let limit = 1 << (limit % 16);
    let (whole, cut) =
        (frames(bytes, bytes.len().max(1), limit), frames(bytes, usize::from(*step) + 1, limit));
    assert_eq!(whole, cut, "cut into pieces of {step} + 1");
    for body in &whole.0 {
        any_message(body);
    }
}

/// All frames that come out of these bytes, and what ends them.
fn frames(bytes: &[u8], step: usize, limit: usize) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let (mut inbox, mut frames, mut arrived) = (Inbox::of_frames_up_to(limit), Vec::new(), 0);
    for mut piece in bytes.chunks(step) {
        while !piece.is_empty() {
            let space = inbox.space();
            let room = (2 * arrived).max(FIRST_ROOM_BYTES).min(limit + PREFIX_BYTES);
            assert!(space.len() <= room, "room for {} after {arrived}", space.len());
            let taken = space.len().min(piece.len());
            space[..taken].copy_from_slice(&piece[..taken]);
            inbox.filled(taken);
            arrived += taken;
            piece = &piece[taken..];
            loop {
                match inbox.take() {
                    Ok(Some(body)) => frames.push(body.to_owned()),
                    Ok(None) => break,
                    Err(error) => return (frames, Some(error)),
                }
            }
        }
    }
    (frames, None)
}

fn any_message(body: &[u8]) {
    survives::<Hello>(body);
    survives::<Greeting>(body);
    survives::<FromAgent<'static>>(body);
    survives::<ToServer<'static>>(body);
    survives::<ToSre<'static>>(body);
}

/// Whatever can be read can be written, and is then read as the same.
fn survives<Message: Serialize + DeserializeOwned + Debug>(body: &[u8]) {
    let Ok(message) = decode::<Message>(body) else { return };
    let mut written = Vec::new();
    encode(&message, &mut written).expect("what was read can be written");
    let again = decode::<Message>(&written[PREFIX_BYTES..]).expect("what was written can be read");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}
