//! Verdicts on guardrail tests.
//!
//! A test has three outcomes, for whoever could not be asked, or whose answer could not be judged, has
//! neither resisted nor given in: an error is never a pass, and it never hides a breach.

use serde::{Deserialize, Serialize};

/// What a guardrail test tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
