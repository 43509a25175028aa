//! Belonging to a run: joining it, and what an agent leaves behind when the director is gone.

use bus::address::{remove_if_dead, socket_in};
use bus::client::{Client, ClientError};
use bus::token::Token;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Refusal, Role};
use serde::de::DeserializeOwned;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use worlds::definition::SkillName;
use worlds::id::Name;

/// What an agent needs to join a run.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The run's directory.
    pub directory: PathBuf,
    /// Which agent it is, without the role.
    pub name: String,
    /// For an SRE, the skill that it insists on.
    pub skill: Option<SkillName>,
    /// What lets it in.
    pub token: Token,
    /// Called when it has joined, with its name on the bus and the run's directory.
    pub on_joined: fn(&str, &Path),
}

/// Why an agent ended otherwise than by the director's farewell.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It never belonged to the run.
    #[error("cannot join the world in {}: {source}", directory.display())]
    Join {
        /// The run's directory.
        directory: PathBuf,
        /// Why.
        source: ClientError,
    },
    /// The director dropped it.
    #[error("dropped from the run: {0}")]
    Dropped(Refusal),
    /// The director is gone without a farewell.
    #[error("the world ended without a farewell")]
    DirectorGone,
    /// The connection failed otherwise.
    #[error("{0}")]
    Bus(ClientError),
    /// The run has a program for this SRE, and none was named.
    #[error("in this run `{name}` is a program: say which with --exec COMMAND")]
    NoProgram {
        /// The SRE.
        name: Name,
    },
    /// The program could not be started.
    #[error("{0}")]
    NotStarted(String),
    /// The connection cannot be watched.
    #[error("cannot watch the bus: {0}")]
    Watch(io::Error),
    /// The director sent another agent's brief.
    #[error("the director sent the brief of another role")]
    WrongBrief,
}

impl Membership {
    /// Joins the run.
    pub(crate) fn join(self, role: Role) -> Result<(Member, Brief), AgentError> {
        let Self { directory, name, skill, token, on_joined } = self;
        let hello = Hello { protocol: PROTOCOL, role, name, skill, token };
        match Client::connect(&socket_in(&directory), &hello) {
            Ok((client, brief)) => {
                on_joined(&role.agent_name(&hello.name), &directory);
                Ok((Member { client, directory }, brief))
            }
            Err(source) => Err(AgentError::Join { directory, source }),
        }
    }
}

/// An agent that belongs to a run.
#[derive(Debug)]
pub(crate) struct Member {
    client: Client,
    directory: PathBuf,
}

impl Member {
    /// Waits for what the director says next.
    pub(crate) fn hear<M: DeserializeOwned>(&mut self) -> Result<M, AgentError> {
        self.client.receive().map_err(|error| self.ended(error))
    }

    /// Answers.
    pub(crate) fn say(&mut self, answer: &FromAgent) -> Result<(), AgentError> {
        self.client.send(answer).map_err(|error| self.ended(error))
    }

    /// Whether nothing has come yet that was not heard.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.client.is_caught_up()
    }

    /// A second descriptor of the connection, to be told of what comes.
    pub(crate) fn watch(&self) -> Result<OwnedFd, AgentError> {
        self.client.watch().map_err(AgentError::Watch)
    }

    /// Where the director is gone, its run is tidied up by whoever leaves first.
    fn ended(&self, error: ClientError) -> AgentError {
        match error {
            ClientError::Ended => {
                remove_if_dead(&self.directory);
                AgentError::DirectorGone
            }
            other => AgentError::Bus(other),
        }
    }
}
