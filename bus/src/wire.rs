//! What travels: the greeting, and what each pair of actors tells each other.
//!
//! | pair | to the agent | from the agent |
//! |---|---|---|
//! | anyone who connects | [`Greeting`] | [`Hello`] |
//! | director and server | [`ToServer`] | [`FromServer`] |
//! | director and SRE | [`ToSre`] | [`FromSre`] |
//!
//! What an agent sends after its greeting says in which role it speaks ([`FromAgent`]), so that a
//! server that tries to command is told from bytes that mean nothing.
//!
//! The bytes have no field names and no lengths of structs: **variants are only ever appended, and
//! any other change counts [`PROTOCOL`] up**. Sequences of things that take no bytes must not
//! travel (their count would be bounded by nothing), and `skip_serializing_if`, `tag`, `untagged`
//! and `flatten` cannot.

use crate::token::Token;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use worlds::definition::SkillName;
use worlds::message::{
    ActionResult, Decision, Observation, Report, Serve, Served, ServerBrief, SreBrief, Tick,
};

/// The version of the messages.
pub const PROTOCOL: u16 = 5;

/// From connecting to a whole [`Hello`]: an agent sends it at once, so whoever needs longer is no
/// agent; long enough for a loaded machine.
pub const GREETING_TIME: Duration = Duration::from_secs(5);

/// Bytes of the frame of a [`Hello`]. With the longest name that a world may give it takes 81, so this
/// leaves room for what it may come to say, and a stranger holds a kilobyte, not a whole frame.
pub const GREETING_BYTES_MAX: usize = 1024;

/// Bytes of the frame of a [`FromAgent`]. The longest is the decision of an SRE on the largest world
/// that acknowledges and explains everything at once, 450 KB.
pub const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// What an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Steps one server's physics.
    Server,
    /// Thinks for one SRE.
    Sre,
}

impl Role {
    /// The word for it: on the command line, and before the `-` of an agent's name.
    pub fn word(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Sre => "sre",
        }
    }

    /// What the agent of this name is called on the bus: `server-web-1`, `sre-oncall`.
    pub fn agent_name(self, name: &str) -> String {
        format!("{}-{name}", self.word())
    }
}

// ---- the greeting -----------------------------------------------------------------------------

/// The first message of whoever connects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// [`PROTOCOL`] of the agent.
    pub protocol: u16,
    /// What it is.
    pub role: Role,
    /// Which one: the name of a server or of an SRE, without the role.
    pub name: String,
    /// For an SRE, the skill that it was asked to have; `None` takes the plan's.
    pub skill: Option<SkillName>,
    /// What lets it in.
    pub token: Token,
}

/// The answer to a [`Hello`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Greeting {
    /// The agent belongs to the run.
    Welcome(Brief),
    /// It does not; the connection ends.
    Refused(Refusal),
}

/// What an agent has to know before the first round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Brief {
    /// For a server.
    Server(Box<ServerBrief>),
    /// For an SRE.
    Sre(Box<SreBrief>),
}

impl Brief {
    /// The role that it is for.
    pub fn role(&self) -> Role {
        match self {
            Brief::Server(_) => Role::Server,
            Brief::Sre(_) => Role::Sre,
        }
    }
}

/// Why a peer is not, or no longer, part of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// It speaks another version.
    #[error("this world speaks protocol {ours}, the agent another one: use the same `world` for both")]
    Protocol {
        /// What the director speaks.
        ours: u16,
    },
    /// It belongs to another user.
    #[error("the agent belongs to another user")]
    ForeignUser,
    /// It sent a frame above the limit.
    #[error("a frame above {GREETING_BYTES_MAX} bytes for a greeting, {ANSWER_BYTES_MAX} for an answer")]
    TooLong,
    /// It sent what is no message.
    #[error("what was sent is no message")]
    Malformed,
    /// It did not greet in time.
    #[error("no greeting within {} seconds", GREETING_TIME.as_secs())]
    Silent,
    /// Its token is wrong.
    #[error("the token is not this run's")]
    Token,
    /// Nobody of this role and name belongs to the world.
    #[error("this world has no {} named `{name}`{}", role.word(), meant(nearest))]
    UnknownName {
        /// The role asked for.
        role: Role,
        /// The name asked for.
        name: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// Another process has this name.
    #[error("the name `{name}` is taken: another process runs it")]
    NameTaken {
        /// The name asked for.
        name: String,
    },
    /// The director starts this agent itself.
    #[error("the run starts `{name}` itself; `world run --manual={name}` leaves it to you")]
    NotByHand {
        /// The name asked for.
        name: String,
    },
    /// The agent of this name was lost, and nothing brought it back.
    #[error("`{name}` was lost in this run and is not awaited")]
    NotAwaited {
        /// The name asked for.
        name: String,
    },
    /// The plan gives this SRE another skill.
    #[error("the run has this SRE at skill {}", skill_word(*planned))]
    Skill {
        /// The skill in the plan; `None` when this SRE has none.
        planned: Option<SkillName>,
    },
    /// It did not answer in time.
    #[error("no answer within the round's deadline")]
    Late,
    /// It said what its role may not say.
    #[error("a {} may not say this", role.word())]
    OutOfRole {
        /// The role in which it greeted.
        role: Role,
    },
    /// It spoke without having been asked, or answered another round.
    #[error("an answer to what was not asked")]
    OutOfTurn,
    /// It had not greeted when too many others came who had not either. Whoever means to greet comes
    /// again.
    #[error("too many connect and do not greet")]
    Crowded,
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn skill_word(skill: Option<SkillName>) -> &'static str {
    match skill {
        Some(SkillName::Junior) => "junior",
        Some(SkillName::Mid) => "mid",
        Some(SkillName::Senior) => "senior",
        None => "none",
    }
}

// ---- director and server ----------------------------------------------------------------------
//
// What is sent once a round is borrowed from whoever has it, and owned by whoever receives it.

/// To a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToServer<'a> {
    /// The round begins; asks for a [`FromServer::Report`].
    Tick(Cow<'a, Tick>),
    /// The run is over.
    Bye,
    /// The server is dropped from the run.
    Refused(Refusal),
    /// A single request between two rounds; asks for a [`FromServer::Served`].
    Serve(Serve),
}

/// From a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a report is what comes, and a box would cost it an allocation"
)]
pub enum FromServer<'a> {
    /// What became of it in the round.
    Report(Cow<'a, Report>),
    /// What became of a single request.
    Served(Served),
}

// ---- director and SRE -------------------------------------------------------------------------

/// To an SRE. What is for all of them and what is for one of them travels in frames of their own, so
/// that the first are written down once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToSre<'a> {
    /// The round ends; asks for a [`FromSre::Decide`].
    Observe(Cow<'a, Observation>),
    /// The run is over.
    Bye,
    /// The SRE is dropped from the run.
    Refused(Refusal),
    /// What became of its own actions; comes before the observation of the same round, and only if
    /// there is something.
    Results(Cow<'a, [ActionResult]>),
}

/// From an SRE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromSre<'a> {
    /// What it thinks and wants: at most 1,000 actions, a diagnosis for each server and an
    /// acknowledgement for each metric of each server.
    Decide(Cow<'a, Decision>),
}

// ---- either -----------------------------------------------------------------------------------

/// From an agent, in the role that it claims to speak in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromAgent<'a> {
    /// As a server.
    Server(FromServer<'a>),
    /// As an SRE.
    Sre(FromSre<'a>),
}

impl<'a> FromAgent<'a> {
    /// A server's report.
    pub fn report(report: &'a Report) -> Self {
        Self::Server(FromServer::Report(Cow::Borrowed(report)))
    }

    /// What became of a single request.
    pub fn served(served: Served) -> Self {
        Self::Server(FromServer::Served(served))
    }

    /// An SRE's decision.
    pub fn decision(decision: &'a Decision) -> Self {
        Self::Sre(FromSre::Decide(Cow::Borrowed(decision)))
    }

    /// The role that it claims to speak in.
    pub fn role(&self) -> Role {
        match self {
            FromAgent::Server(_) => Role::Server,
            FromAgent::Sre(_) => Role::Sre,
        }
    }
}
