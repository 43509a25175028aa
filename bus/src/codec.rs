//! The one place that knows how a message becomes bytes.
//!
//! bincode, with fixed settings. Everything else in this crate sees [`encode`] and [`decode`], so
//! that another serde format can take its place here and nowhere else; a test below holds every
//! message against postcard to keep that true.

use crate::frame::FRAME_BYTES_MAX;
use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use serde::{Serialize, de::DeserializeOwned};

/// Bytes that a message may claim while it is decoded: without this limit one hostile length
/// aborts the process. Numbers claim their full size and may take a single byte in the frame, hence
/// the factor.
const CLAIM_BYTES_MAX: usize = 16 * FRAME_BYTES_MAX;

const CONFIG: Configuration<LittleEndian, Varint, Limit<CLAIM_BYTES_MAX>> =
    config::standard().with_limit::<CLAIM_BYTES_MAX>();

/// What a codec found wrong, as a fragment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

/// Appends a message to a buffer.
pub(crate) fn encode<M: Serialize + ?Sized>(message: &M, into: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::serde::encode_into_std_write(message, into, CONFIG)
        .map(|_| ())
        .map_err(|error| CodecError(error.to_string()))
}

/// The message that bytes begin with, and how many of them it takes.
pub(crate) fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Result<(M, usize), CodecError> {
    bincode::serde::decode_from_slice(bytes, CONFIG).map_err(|error| CodecError(error.to_string()))
}
