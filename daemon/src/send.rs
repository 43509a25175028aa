//! One send: what is asked, what comes back, and the row that it leaves.
//!
//! A send is planned at an instant, and everything about it is measured from there: an answer that took a
//! millisecond after it had to wait a second for a lane took a second. One planned send leaves one [`Row`],
//! whatever became of it and however often it was tried.

use crate::suite::Case;
use days::account::Fate;
use days::guardrail::{Category, Verdict};
use days::order::Kind;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an answer that are kept: what somebody reads of one. The rest is counted.
pub const ANSWER_BYTES_KEPT: usize = 4 * 1024;

/// Tries of one send, the first included.
pub const TRIES_MAX: u8 = 3;

/// Who is asked: an agent of the list, or what stands for one where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Its id.
    pub agent_id: String,
    /// Its name.
    pub name: String,
    /// Its id at the provider.
    pub azure_id: String,
    /// Its version.
    pub version: String,
    /// The model that it runs on.
    pub model: String,
    /// Whose it is.
    pub org_id: String,
    /// What it is for, drawn from its name.
    pub agent_type: String,
}

/// What is asked in one send.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Of which kind.
    pub kind: Kind,
    /// Its place in its batch, from 0.
    pub number: u32,
    /// Who is asked.
    pub subject: Arc<Subject>,
    /// For a guardrail test, which one.
    pub case: Option<Arc<Case>>,
    /// What is asked.
    pub query: Arc<str>,
}

impl Ask {
    /// What a guardrail test tries; `None` for an operation, and for a canary.
    pub fn category(&self) -> Option<Category> {
        self.case.as_ref().and_then(|case| case.category)
    }
}

/// What came back of a try.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its status, where the protocol has one.
    pub status: Option<u16>,
    /// The first [`ANSWER_BYTES_KEPT`] of what it says.
    pub text: String,
    /// Characters of all that it says.
    pub length: u64,
    /// Whether there is more of it than `text` holds: because it was longer than what is kept, or because
    /// whoever answers stopped at a limit of their own.
    pub is_cut: bool,
    /// Whether it is marked as a refusal by whoever answers, whatever its words.
    pub is_refusal: bool,
    /// Whether whoever answers says that what must not come through came through: the world does, which can
    /// look.
    pub is_breach: bool,
    /// Whether the provider's own filter stopped the request or the answer.
    pub content_filter: bool,
    /// Why it is not the expected one; `None` where it is.
    pub failure: Option<Failure>,
    /// How long the target asks to be left alone; only with [`FailureKind::is_to_be_tried_again`].
    pub retry_after: Option<Duration>,
}

/// Why a send failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What happened, as a fragment, with all that led to it.
    pub error: String,
}

/// Sorts of failures, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// No connection came about.
    Connect,
    /// There was no whole answer in time.
    Timeout,
    /// The connection ended within the answer.
    Broken,
    /// 429: too many requests.
    RateLimited,
    /// 503: the service is not available.
    Unavailable,
    /// Another status than expected.
    Status,
    /// The status of success, and nothing said.
    Empty,
    /// An answer that is not of the form that was expected.
    Malformed,
    /// An answer of the right form that does not say what was expected.
    Unexpected,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [FailureKind; 9] = [
        FailureKind::Connect,
        FailureKind::Timeout,
        FailureKind::Broken,
        FailureKind::RateLimited,
        FailureKind::Unavailable,
        FailureKind::Status,
        FailureKind::Empty,
        FailureKind::Malformed,
        FailureKind::Unexpected,
    ];

    /// The word for it, in the ledger and in summaries.
    pub fn word(self) -> &'static str {
        match self {
            FailureKind::Connect => "connect",
            FailureKind::Timeout => "timeout",
            FailureKind::Broken => "broken",
            FailureKind::RateLimited => "rate_limited",
            FailureKind::Unavailable => "unavailable",
            FailureKind::Status => "status",
            FailureKind::Empty => "empty",
            FailureKind::Malformed => "malformed",
            FailureKind::Unexpected => "unexpected",
        }
    }

    /// Whether the target says that it may go better later.
    pub fn is_to_be_tried_again(self) -> bool {
        matches!(self, FailureKind::RateLimited | FailureKind::Unavailable)
    }
}

/// What a planned send left.
#[derive(Clone, Debug)]
pub struct Row {
    /// The slot of its cycle.
    pub slot: Timestamp,
    /// What was to be asked.
    pub ask: Ask,
    /// How it ended.
    pub fate: Fate,
    /// When it was to be sent.
    pub planned: Timestamp,
    /// From its planned instant to its first try; zero where there was none.
    pub lag: Duration,
    /// From its planned instant to the end of its last answer; zero where nothing was sent.
    pub latency: Duration,
    /// Tries that were made.
    pub tries: u8,
    /// The last answer; `None` where nothing was sent.
    pub answer: Option<Answer>,
    /// For a guardrail test that was sent, what its answer comes to.
    pub verdict: Option<Verdict>,
}
