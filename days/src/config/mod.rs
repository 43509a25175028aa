//! The configuration: what a day of load is to be, in JSON or TOML.
//!
//! A file need not say everything. What it says is merged over the defaults, table by table down to the single
//! key: the `max` of a range may be given without its `min`. [`settings`] has the keys, with their units and
//! defaults. The original `simulation_daemon_config.json` is read as it stands, and TOML has the same keys by
//! the same names.
//!
//! [`parse`] tells everything that is wrong in a file, at its place. Nobody reads files here; [`shipped`]
//! holds those that come with the program.

mod check;
pub mod limits;
mod merge;
pub mod schema;
pub mod secret;
pub mod settings;
pub mod shipped;
mod target;
mod url;
mod windows;

use crate::profile::Profile;
use crate::schedule::{Holding, Schedule};
use documents::diagnostic::Diagnostic;
use documents::findings::Findings;
use documents::key_path::KeyPath;
use documents::{Draft, Sort, Syntax};
use jiff::civil::DateTime;
use secret::SecretSource;
use settings::Settings;
use std::net::SocketAddr;

/// Configuration files.
const SORT: Sort =
    Sort { noun: "the configuration", start: None, advice: secret::advice, schema: schema::json_schema };

/// A configuration that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is said, every key with its value.
    pub settings: Settings,
    /// Which profile holds when.
    pub schedule: Schedule,
    /// When the daemon ends for good, by the wall clock of its time zone.
    pub until: Option<DateTime>,
    /// Where the target's credential is.
    pub credential: Option<SecretSource>,
    /// Who is told of cooldowns, missed targets and breaches.
    pub webhook: Option<Address>,
    /// Who is told at each heartbeat that there is one.
    pub ping: Option<Address>,
    /// Where figures are served.
    pub metrics: Option<SocketAddr>,
}

/// A URL, or where it is kept if it is a secret in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The URL.
    Open(String),
    /// Where it is.
    Secret(SecretSource),
}

/// A configuration that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What the file says, over the defaults.
    pub config: Config,
    /// What in it is hardly as it was meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a configuration, JSON or TOML; `file_label` is what diagnostics call the file.
///
/// # Errors
/// Everything that is wrong, in the order of the text.
pub fn parse(file_label: &str, text: &str) -> Result<Checked, Vec<Diagnostic>> {
    let syntax = Syntax::of(file_label, text);
    let mut draft = Draft::shaped(&SORT, syntax, file_label, text)?;
    match serde_json::from_value::<Settings>(merge::over_defaults(draft.value())) {
        Ok(settings) => {
            let mut findings = std::mem::take(&mut draft.findings);
            let config = check::decided(settings, &|path| draft.holds(path), &mut findings);
            draft.findings = findings;
            draft.verdict().map(|warnings| Checked { config, warnings })
        }
        Err(error) => {
            // The shape has mostly said the same with a place and advice.
            if !draft.findings.has_errors() {
                draft.findings.error(KeyPath::root(), error.to_string());
            }
            Err(draft.verdict().err().unwrap_or_default())
        }
    }
}

/// The defaults.
impl Default for Config {
    fn default() -> Self {
        let mut findings = Findings::default();
        let config = check::decided(Settings::default(), &|_| false, &mut findings);
        debug_assert!(findings.into_problems().is_empty(), "the defaults make sense");
        config
    }
}

impl Config {
    /// The profile that holds when the wall clock shows this, and why.
    pub fn holding_at(&self, wall: DateTime) -> Holding<'_> {
        self.schedule.at(wall)
    }

    /// The profile that holds when the wall clock shows this.
    pub fn profile_at(&self, wall: DateTime) -> &Profile {
        self.schedule.at(wall).profile
    }
}
