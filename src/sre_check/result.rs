//! What a check came to, as one document for programs to read: its JSON Schema is `world schema sre-check`.

use super::scene::SceneName;
use crate::result::Build;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this document's shape: raised when a field is renamed, removed or changes its meaning. New
/// fields and new claims do not raise it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "What `world sre check` found out about a program")]
pub(crate) struct SreCheckResult {
    /// Version of this document's shape.
    pub schema: u32,
    /// The program that checked.
    pub build: Build,
    /// What a shell was given to run.
    pub command: String,
    /// Seconds for an answer.
    pub deadline_seconds: f64,
    /// What it says.
    pub verdict: Verdict,
    /// The signal that ended it early.
    pub interrupted_by: Option<i32>,
    /// Each start of the program, in their order.
    pub starts: Vec<Start>,
    /// What it was held against.
    pub claims: Vec<Claim>,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// No claim failed.
    Passed,
    /// One did.
    Failed,
    /// It was interrupted before one did.
    Undecided,
}

impl Verdict {
    /// Of these claims, after this signal.
    pub(crate) fn of(claims: &[Claim], signal: Option<i32>) -> Self {
        let has_failed = claims.iter().any(|claim| claim.status == Status::Failed);
        match (has_failed, signal) {
            (true, _) => Self::Failed,
            (false, Some(_)) => Self::Undecided,
            (false, None) => Self::Passed,
        }
    }
}

/// One start of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Start {
    /// Which.
    pub name: SceneName,
    /// The world that was played.
    pub world: String,
    /// Its rounds.
    pub rounds: u32,
    /// Of these, asked about.
    pub asked: usize,
    /// Of these, answered.
    pub answered: usize,
    /// The slowest answer, seconds; `null` without any.
    pub slowest_seconds: Option<f64>,
}

/// A claim, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Claim {
    /// Its name.
    pub name: ClaimName,
    /// What is claimed of the program.
    pub claim: String,
    /// What came of it.
    pub status: Status,
    /// What was seen; empty where there is nothing to add.
    pub why: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It holds.
    Passed,
    /// It does not, and runs suffer.
    Failed,
    /// It does not, which may be meant.
    Warned,
    /// It could not be looked at.
    NotTried,
}

impl Status {
    /// As people read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Warned => "warned",
            Self::NotTried => "not tried",
        }
    }
}

macro_rules! claims {
    ($($(#[$doc:meta])* $variant:ident $name:literal $claim:literal;)*) => {
        /// What is claimed of a program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum ClaimName {
            $(#[doc = $claim] $variant,)*
        }

        impl ClaimName {
            /// All of them, in the order in which they are told.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name, as the document has it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What is claimed.
            pub(crate) fn claim(self) -> &'static str {
                match self { $(Self::$variant => $claim,)* }
            }
        }
    };
}

claims! {
    Starts "starts" "starts, and reads what it is told";
    Answers "answers" "answers each round in time";
    RightRound "right_round" "answers on the round that it is asked about";
    OneAnswer "one_answer" "answers each round once";
    ValidJson "valid_json" "answers in JSON that keeps to the schema";
    OnlyAnswers "only_answers" "writes nothing else on standard output";
    Limits "limits" "writes no more than is read";
    KnownNames "known_names" "names only what exists";
    QuietRounds "quiet_rounds" "answers when there is no alert";
    NewFields "new_fields" "passes over fields that it does not know";
    Handover "handover" "takes results and problems of an SRE before it";
    LargeWorld "large_world" "answers on 1,000 servers with thousands of alerts";
    WithinRules "within_rules" "asks for nothing that is refused";
    SameAgain "same_again" "decides the same when it is told the same";
    Ends "ends" "ends by itself when its standard input ends";
    LeavesNothing "leaves_nothing" "leaves no process behind";
}

/// The JSON Schema of [`SreCheckResult`].
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(SreCheckResult)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_called_the_same_everywhere() {
        for claim in ClaimName::ALL {
            assert_eq!(serde_json::to_value(claim).expect("a name"), claim.name());
        }
    }
}
