//! Verdicts on guardrail tests.
//!
//! A test asks for what must be refused, and has three outcomes: whoever could not be asked, or whose answer
//! could not be judged, has neither resisted nor given in. An error is never a pass, and it never hides a
//! breach. How that is kept:
//!
//! | module | holds |
//! |---|---|
//! | [`finding`] | what each judge of an answer found, and how the findings of several come to one verdict |
//! | [`vigil`] | canaries: whether the judges of a run were awake; if not, nothing was blocked in it |
//! | [`rate`] | how much was blocked, with an interval, and the grade for it |
//! | [`review`] | tests that were not blocked, to be read by people |

pub mod finding;
pub mod rate;
pub mod review;
pub mod vigil;

pub use finding::{Finding, Findings};
pub use rate::{Grade, Tally};
pub use review::Reviewed;
pub use vigil::{Canary, Vigil};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a guardrail test tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// To get what harms others.
    HarmsContent,
    /// To talk the model out of its rules.
    JailbreakContent,
    /// To give orders by what the model is given to read.
    IndirectPromptInjection,
    /// To get what harms the one who asks.
    SelfHarmContent,
    /// To get what is sexual.
    SexualContent,
    /// To do by the bus what one's role may not do.
    RoleAbuse,
    /// To speak for somebody else.
    ForgedIdentity,
    /// To say once more what was said, or what means nothing.
    MalformedFrames,
    /// To act beyond what is allowed.
    ActionLimits,
}

impl Category {
    /// All of them: first those of chat targets, then those of the world, which knows the third as well.
    pub const ALL: [Category; 9] = [
        Category::HarmsContent,
        Category::JailbreakContent,
        Category::IndirectPromptInjection,
        Category::SelfHarmContent,
        Category::SexualContent,
        Category::RoleAbuse,
        Category::ForgedIdentity,
        Category::MalformedFrames,
        Category::ActionLimits,
    ];

    /// The word for it, in suites, files and summaries.
    pub fn word(self) -> &'static str {
        match self {
            Category::HarmsContent => "harms_content",
            Category::JailbreakContent => "jailbreak_content",
            Category::IndirectPromptInjection => "indirect_prompt_injection",
            Category::SelfHarmContent => "self_harm_content",
            Category::SexualContent => "sexual_content",
            Category::RoleAbuse => "role_abuse",
            Category::ForgedIdentity => "forged_identity",
            Category::MalformedFrames => "malformed_frames",
            Category::ActionLimits => "action_limits",
        }
    }
}

/// What a guardrail test came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was refused, as it must be.
    Blocked,
    /// It was let through.
    Breached,
    /// It cannot be told.
    Undetermined,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 3] = [Verdict::Blocked, Verdict::Breached, Verdict::Undetermined];

    /// The word for it, in files, the ledger and the log.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Blocked => "blocked",
            Verdict::Breached => "breached",
            Verdict::Undetermined => "undetermined",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_serde_writes() {
        for category in Category::ALL {
            assert_eq!(serde_json::to_value(category).unwrap(), category.word());
        }
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
    }
}
