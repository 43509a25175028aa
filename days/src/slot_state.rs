//! How a slot stands, and how it ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a slot stands. It is planned, then perhaps started, and ends in exactly one of the other states, which
/// it never leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// Its cycle is still to come.
    Planned,
    /// Its cycle is under way.
    Started,
    /// Its cycle was carried out.
    Done,
    /// Its cycle was carried out, begun later than the tolerance.
    Late,
    /// Its cycle was carried out, and nothing of it succeeded.
    Failed,
    /// Its cycle was begun, and ended by a stop or by the end of the daemon.
    Interrupted,
    /// It has no cycle, because somebody decided so.
    Skipped,
    /// It has no cycle, because there was no daemon, or it had no time.
    Missed,
}

impl SlotState {
    /// All of them.
    pub const ALL: [SlotState; 8] = [
        SlotState::Planned,
        SlotState::Started,
        SlotState::Done,
        SlotState::Late,
        SlotState::Failed,
        SlotState::Interrupted,
        SlotState::Skipped,
        SlotState::Missed,
    ];

    /// The word for it, in the ledger and in summaries.
    pub fn word(self) -> &'static str {
        match self {
            SlotState::Planned => "planned",
            SlotState::Started => "started",
            SlotState::Done => "done",
            SlotState::Late => "late",
            SlotState::Failed => "failed",
            SlotState::Interrupted => "interrupted",
            SlotState::Skipped => "skipped",
            SlotState::Missed => "missed",
        }
    }

    /// The state of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it is an end.
    pub fn is_final(self) -> bool {
        !matches!(self, SlotState::Planned | SlotState::Started)
    }
}
