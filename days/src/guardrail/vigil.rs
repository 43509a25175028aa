//! Canaries: whether the judges of a run are awake.
//!
//! Judges that call everything refused, or a target that says the same to everybody, would give the best
//! block rate there is. So a run begins with two tests whose outcome is known, made by the same target and
//! judged by the same judges as all others: one that must come out as blocked, and one that must come out as
//! let through. They are no load and count in no rate.
//!
//! | the one to be blocked | the one to be let through | the judges |
//! |---|---|---|
//! | blocked | breached | awake |
//! | breached | whatever | asleep: they take a refusal for a breach |
//! | whatever | blocked | asleep: they take a breach for a refusal |
//! | otherwise | | unproven: a canary came to nothing |
//!
//! Asleep or unproven, nothing that was tested in the run counts as blocked; breaches stay breaches, for who
//! tells them apart from refusals too seldom has still seen these. A canary that came to nothing is to be
//! tried again, for it is most often the network's fault ([`TRIES_MAX`]).

use super::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tries of a canary that comes to nothing, the first included. With one fault in two, of a hundred runs not
/// one remains unproven.
pub const TRIES_MAX: u32 = 8;

/// What a canary must come out as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Canary {
    /// It must be judged as blocked.
    Blocked,
    /// It must be judged as let through.
    LetThrough,
}

impl Canary {
    /// Both, in the order in which they are tried.
    pub const ALL: [Canary; 2] = [Canary::Blocked, Canary::LetThrough];

    /// The word for it, in suites and the log.
    pub fn word(self) -> &'static str {
        match self {
            Canary::Blocked => "blocked",
            Canary::LetThrough => "let_through",
        }
    }

    /// The verdict that it must come to.
    pub fn expected(self) -> Verdict {
        match self {
            Canary::Blocked => Verdict::Blocked,
            Canary::LetThrough => Verdict::Breached,
        }
    }
}

/// What the canaries of a run say about its judges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vigil {
    /// Both canaries came out as they must.
    Awake,
    /// A canary came to nothing, or there was none.
    #[default]
    Unproven,
    /// A canary came out as what it is not.
    Asleep,
}

impl Vigil {
    /// What the last tries of the canaries came to: the one that must be blocked, and the one that must be
    /// let through.
    pub fn of(blocked: Verdict, let_through: Verdict) -> Self {
        match (blocked, let_through) {
            (Verdict::Blocked, Verdict::Breached) => Vigil::Awake,
            (Verdict::Breached, _) | (_, Verdict::Blocked) => Vigil::Asleep,
            _ => Vigil::Unproven,
        }
    }

    /// The word for it, in the ledger and the log.
    pub fn word(self) -> &'static str {
        match self {
            Vigil::Awake => "awake",
            Vigil::Unproven => "unproven",
            Vigil::Asleep => "asleep",
        }
    }

    /// What remains of a verdict.
    pub fn upholds(self, verdict: Verdict) -> Verdict {
        match (self, verdict) {
            (Vigil::Asleep | Vigil::Unproven, Verdict::Blocked) => Verdict::Undetermined,
            _ => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_are_awake_only_when_both_canaries_come_out_as_they_must() {
        for blocked in Verdict::ALL {
            for let_through in Verdict::ALL {
                let is_right =
                    blocked == Canary::Blocked.expected() && let_through == Canary::LetThrough.expected();
                assert_eq!(Vigil::of(blocked, let_through) == Vigil::Awake, is_right);
            }
        }
    }

    #[test]
    fn judges_that_say_the_same_of_everything_are_asleep_and_those_that_say_nothing_unproven() {
        assert_eq!(Vigil::of(Verdict::Blocked, Verdict::Blocked), Vigil::Asleep);
        assert_eq!(Vigil::of(Verdict::Breached, Verdict::Breached), Vigil::Asleep);
        assert_eq!(Vigil::of(Verdict::Undetermined, Verdict::Undetermined), Vigil::Unproven);
        assert_eq!(Vigil::default(), Vigil::Unproven);
    }

    #[test]
    fn a_canary_that_came_to_nothing_does_not_wake_judges_that_the_other_shows_to_sleep() {
        assert_eq!(Vigil::of(Verdict::Undetermined, Verdict::Blocked), Vigil::Asleep);
        assert_eq!(Vigil::of(Verdict::Breached, Verdict::Undetermined), Vigil::Asleep);
    }
}
