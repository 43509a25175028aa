//! The wall clock, for telling people since when a run is going on. Nothing of a run follows from it, and
//! durations are taken by the steady clock; so Clippy bans it everywhere else.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 (UTC), as this machine has it just now; 0 before that.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
