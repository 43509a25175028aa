//! Load profiles: how much a cycle may send, and how fast.

use crate::order::ByKind;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A range with both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range<T> {
    /// The least.
    pub min: T,
    /// The most.
    pub max: T,
}

/// What a cycle sends of one kind: each value is drawn from its range, the count only where nothing else
/// decides it (see `pace`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Sends of a batch.
    pub count: Range<u32>,
    /// Sends that may be under way at once.
    pub threads: Range<u32>,
    /// From one send of a thread to its next.
    pub delay: Range<Duration>,
}

/// A profile by its name: `busy`, `normal`, `quiet`, or one of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What a cycle sends of each kind; `None` where it sends nothing of it, as in a maintenance window.
    pub loads: ByKind<Option<Load>>,
}

impl Profile {
    /// One that sends nothing.
    pub fn without_load(name: &str) -> Self {
        Self { name: name.to_owned(), loads: ByKind::default() }
    }
}
