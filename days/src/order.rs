//! A cycle's order: what is to be sent in it, by how many lanes, and at which instants.
//!
//! The sends of a batch are planned on the clock before the first of them is made, as those of an open
//! model are: a target that answers slowly moves none of the instants. `threads` and `delay` of a profile
//! say how fast: a thread that makes a call every `delay` makes the same load as a send every
//! `delay / threads`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The two kinds of requests that a cycle makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What users would ask.
    Operations,
    /// What must be refused.
    Guardrails,
}

impl Kind {
    /// Both, in the order in which a cycle makes them.
    pub const ALL: [Kind; 2] = [Kind::Operations, Kind::Guardrails];

    /// The word for it, in configurations, files and the log.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Operations => "operations",
            Kind::Guardrails => "guardrails",
        }
    }
}

/// One value for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByKind<T> {
    /// For operations.
    pub operations: T,
    /// For guardrails.
    pub guardrails: T,
}

impl<T> ByKind<T> {
    /// What a function gives for each kind.
    pub fn of(mut value: impl FnMut(Kind) -> T) -> Self {
        Self { operations: value(Kind::Operations), guardrails: value(Kind::Guardrails) }
    }

    /// The value of a kind.
    pub fn get(&self, kind: Kind) -> &T {
        match kind {
            Kind::Operations => &self.operations,
            Kind::Guardrails => &self.guardrails,
        }
    }

    /// The value of a kind, to be changed.
    pub fn get_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Operations => &mut self.operations,
            Kind::Guardrails => &mut self.guardrails,
        }
    }
}

/// What one cycle sends of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Sends; none makes no batch.
    pub count: u32,
    /// Sends that may be under way at once, at least 1.
    pub threads: u32,
    /// From one send of a thread to its next. With none, everything is planned for the first instant.
    pub delay: Duration,
}

impl Batch {
    /// From the batch's beginning to the planned instant of a send, counted from 0.
    pub fn planned(&self, send: u32) -> Duration {
        // In nanoseconds and in this order, so that nothing is lost to rounding over a long batch.
        let nanos = u128::from(send) * self.delay.as_nanos() / u128::from(self.threads.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// From its beginning to the planned instant of its last send.
    pub fn span(&self) -> Duration {
        self.planned(self.count.saturating_sub(1))
    }
}

/// What the cycle of a slot is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The slot's instant, which names it.
    pub slot: Timestamp,
    /// The profile that holds in it.
    pub profile: String,
    /// What is sent of each kind; `None` where the slot has none of it.
    pub batches: ByKind<Option<Batch>>,
}

impl Order {
    /// Sends of all kinds.
    pub fn count(&self) -> u32 {
        Kind::ALL.iter().filter_map(|kind| self.batches.get(*kind).as_ref()).map(|batch| batch.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_are_planned_as_threads_with_pauses_would_make_them() {
        let batch = Batch { count: 45, threads: 7, delay: Duration::from_millis(500) };
        assert_eq!(batch.planned(0), Duration::ZERO);
        assert_eq!(batch.planned(7), batch.delay);
        assert_eq!(batch.planned(21), 3 * batch.delay);
        assert_eq!(batch.span(), batch.planned(44));
    }

    #[test]
    fn a_long_batch_does_not_drift() {
        let batch = Batch { count: 3_600_000, threads: 64, delay: Duration::from_millis(64) };
        assert_eq!(batch.planned(3_600_000), Duration::from_secs(3_600));
    }
}
