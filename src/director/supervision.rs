//! Supervision: who is started again when it fails, how soon, how often, and what follows when that
//! is given up. docs/supervision.md shows the tree as a whole.
//!
//! - The process of an agent, before the run begins (supervised by the round owner): another one follows,
//!   after a pause, as [`Restarts`] allows; then the run does not begin.
//! - The successor of a process that chaos took, or that an action replaces (by the round owner): the
//!   same; then its agent is lost and the run is invalid.
//! - The process of an agent, while rounds are played (by the round owner): none. That would be another
//!   run. It is lost until an action restarts it.
//! - The process keeper (by the round owner): none. Its processes end with it, and so does the run.
//! - The console and the recorder (by the round owner): none. What they missed cannot be told again: the
//!   run ends.
//! - The round owner (by the director): none. The run ends, and with it all of the above.

use std::collections::BTreeMap;
use std::time::Duration;

/// From the failure of a process to the start of the next: one may be bad luck, and on an overloaded
/// machine a moment's rest helps. As many in a row as this are neither.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1_500),
];

/// What follows a process that failed before it took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one, after this long.
    Again(Duration),
    /// Nothing: so many were started in vain.
    GiveUp {
        /// Processes in a row.
        tries: usize,
    },
}

/// How often the process of each agent was started in vain.
#[derive(Debug)]
pub(super) struct Restarts<Key>(BTreeMap<Key, usize>);

impl<Key: Ord> Restarts<Key> {
    /// Nothing has failed yet.
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// A process failed before it took part.
    pub(super) fn failed(&mut self, agent: Key) -> Next {
        let failures = self.0.entry(agent).or_default();
        *failures += 1;
        match PAUSES.get(*failures - 1) {
            Some(pause) => Next::Again(*pause),
            None => Next::GiveUp { tries: *failures },
        }
    }

    /// An agent takes part in a round that is played: what was before is forgiven.
    pub(super) fn forgive(&mut self, agent: &Key) {
        self.0.remove(agent);
    }
}

/// How often something was tried, to follow what came of it; nothing for once.
pub(crate) fn in_a_row(tries: usize) -> String {
    if tries > 1 { format!(", {tries} times in a row") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_is_followed_by_a_longer_pause_and_the_last_by_none() {
        let mut restarts = Restarts::new();
        let (seat, other) = (1, 2);
        let pauses: Vec<Next> = (0..PAUSES.len()).map(|_| restarts.failed(seat)).collect();
        let longer = |pair: &[Next]| matches!(pair, [Next::Again(one), Next::Again(two)] if one < two);
        assert!(pauses.windows(2).all(longer), "{pauses:?}");
        assert_eq!(restarts.failed(seat), Next::GiveUp { tries: PAUSES.len() + 1 });
        assert_eq!(restarts.failed(other), Next::Again(PAUSES[0]), "each agent has its own");
    }

    #[test]
    fn what_takes_part_is_forgiven() {
        let mut restarts = Restarts::new();
        restarts.failed(1);
        restarts.forgive(&1);
        assert_eq!(restarts.failed(1), Next::Again(PAUSES[0]));
    }
}
