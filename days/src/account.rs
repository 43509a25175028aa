//! What became of planned sends.
//!
//! Every planned send ends in one of four ways, so for a batch, a cycle and a day
//! `planned = sent + late + dropped + skipped`, to the unit. A retry is part of the send that it repeats.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// How a planned send ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Sent at its instant, give or take the tolerance.
    Sent,
    /// Sent after that, because those before it still held the lanes, or because the sender was held up.
    Late,
    /// Not sent, though it should have been: its cycle ran out of time, or its sender was killed.
    Dropped,
    /// Not sent because somebody decided so: an emergency stop, a stop, a maintenance window.
    Skipped,
}

/// Planned sends, by how they ended: see [`Account::is_balanced`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Sends that were planned.
    pub planned: u64,
    /// Sent at their instants.
    pub sent: u64,
    /// Sent after them.
    pub late: u64,
    /// Not sent, against the plan.
    pub dropped: u64,
    /// Not sent, by decision.
    pub skipped: u64,
    /// Of those that were sent: answered as expected.
    pub succeeded: u64,
    /// Of those that were sent: not so.
    pub failed: u64,
}

impl Account {
    /// Sends that were made, at their instants or after them: what counts towards a day's target.
    pub fn made(&self) -> u64 {
        self.sent + self.late
    }

    /// Planned sends of which nothing is known yet.
    pub fn open(&self) -> u64 {
        self.planned.saturating_sub(self.made() + self.dropped + self.skipped)
    }

    /// Whether every planned send ended in exactly one way, and every one that was made in success or failure.
    pub fn is_balanced(&self) -> bool {
        self.planned == self.made() + self.dropped + self.skipped
            && self.made() == self.succeeded + self.failed
    }

    /// Books sends that were not made.
    pub fn book_unsent(&mut self, fate: Fate, sends: u64) {
        match fate {
            Fate::Dropped => self.dropped += sends,
            Fate::Skipped => self.skipped += sends,
            Fate::Sent | Fate::Late => unreachable!("a send that was made has an outcome: `book_made`"),
        }
    }

    /// Books a send that was made.
    pub fn book_made(&mut self, is_late: bool, has_succeeded: bool) {
        *(if is_late { &mut self.late } else { &mut self.sent }) += 1;
        *(if has_succeeded { &mut self.succeeded } else { &mut self.failed }) += 1;
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.sent += other.sent;
        self.late += other.late;
        self.dropped += other.dropped;
        self.skipped += other.skipped;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_balanced_when_every_planned_send_has_ended() {
        let mut account = Account { planned: 4, ..Account::default() };
        account.book_made(false, true);
        account.book_made(true, false);
        account.book_unsent(Fate::Dropped, 1);
        assert_eq!((account.made(), account.open(), account.is_balanced()), (2, 1, false));
        account.book_unsent(Fate::Skipped, 1);
        assert_eq!((account.open(), account.is_balanced()), (0, true));
    }
}
