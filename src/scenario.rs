//! Where scenarios come from: a built-in one by its name, a file by its path, each with its world.
//!
//! A scenario file quotes the command line: `--sre` and `--fail-on` say there what they say here, since the
//! same code reads them ([`CommandLine`]).

use crate::config;
use crate::gate::Gate;
use crate::user_file::{self, FileError, UserFile};
use crate::worlds_command::{self, LoadError, told};
use std::path::Path;
use thiserror::Error;
use worlds::definition::{Checked, Diagnostic};
use worlds::plan::SrePlan;
use worlds::scenario::{Draft, Languages, Misquoted, Settled, library};

/// Why there is no scenario to play.
#[derive(Debug, Error)]
pub(crate) enum ScenarioError {
    /// No built-in scenario has this name.
    #[error("there is no scenario `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// There is no such file, or none that can be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// The file, or that of its world, does not make sense.
    #[error("{}", told(.0))]
    Invalid(Vec<Diagnostic>),
}

impl ScenarioError {
    /// What to do about it, where something can be said.
    pub(crate) fn hint(&self) -> Option<String> {
        let listed = "`world scenarios list` tells those that come with the program";
        match self {
            Self::Unknown { name } if Path::new(name).exists() => {
                Some(format!("what lies here is named with its path: ./{name}"))
            }
            Self::Unknown { name } => Some(match library::nearest(name) {
                Some(near) => format!("did you mean `{near}`? {listed}"),
                None => format!("{listed}; a file of your own is named with `/` or `.toml`"),
            }),
            Self::File(error) if error.is_elsewhere() => Some(listed.to_owned()),
            Self::File(error) => error.hint(),
            Self::Invalid(_) => None,
        }
    }
}

/// Loads a scenario and its world: a file where the name holds `/` or ends in `.toml`, else a built-in one.
pub(crate) fn load(name_or_path: &str) -> Result<Settled, ScenarioError> {
    let source = source_of(name_or_path)?;
    let draft = Draft::read(&source.name, &source.label, &source.text).map_err(ScenarioError::Invalid)?;
    let world = beside(&draft.file().world, name_or_path);
    match worlds_command::load_world(&world) {
        Ok((name, Checked { definition, warnings })) => {
            let mut settled =
                draft.settle(&name, &definition, &CommandLine).map_err(ScenarioError::Invalid)?;
            settled.warnings.splice(..0, warnings);
            Ok(settled)
        }
        // What is wrong with the world stands in its own file.
        Err(LoadError::Invalid(diagnostics)) => Err(ScenarioError::Invalid(diagnostics)),
        Err(error) => Err(ScenarioError::Invalid(draft.without_world(error.to_string(), error.hint()))),
    }
}

/// The file of a scenario, as it is.
pub(crate) fn source_of(name_or_path: &str) -> Result<UserFile, ScenarioError> {
    if user_file::is_path(name_or_path) {
        return Ok(user_file::read("a scenario file", name_or_path)?);
    }
    let unknown = || ScenarioError::Unknown { name: name_or_path.to_owned() };
    let scenario = library::find(name_or_path).ok_or_else(unknown)?;
    let (name, label) = (scenario.name.to_owned(), format!("{}.toml", scenario.name));
    Ok(UserFile { name, label, text: scenario.text.to_owned() })
}

/// A scenario's world: a path leads from where the scenario's file is.
fn beside(world: &str, scenario: &str) -> String {
    let directory = Path::new(scenario).parent().filter(|_| user_file::is_path(scenario));
    match directory {
        Some(directory) if user_file::is_path(world) => {
            // A bare file name has an empty parent, and a path has to look like one.
            let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            let world = world.strip_prefix("./").unwrap_or(world);
            directory.join(world).to_string_lossy().into_owned()
        }
        _ => world.to_owned(),
    }
}

/// What the quotations in a scenario file mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandLine;

impl Languages for CommandLine {
    fn sres(&self, given: &[String]) -> Result<Vec<SrePlan>, Misquoted> {
        config::quoted_sres(given)
    }

    fn gate(&self, condition: &str) -> Result<(), Misquoted> {
        let misquoted = |error: crate::gate::GateError| Misquoted {
            position: 0,
            message: format!("`{condition}`: {}", error.message),
            hint: error.hint,
        };
        Gate::parse(condition).map(|_| ()).map_err(misquoted)
    }
}
