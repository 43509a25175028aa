//! Which daemon: its configuration, and where it keeps its files.

use super::cli::Which;
use crate::console;
use crate::stdio::Stdio;
use crate::user_file::{self, FileError};
use daemon::book::Setup;
use days::config::{self, Config, shipped};
use documents::diagnostic::Diagnostic;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use std::io;
use std::path::{Path, PathBuf};

/// The ledger's name in the base directory.
const LEDGER_FILE: &str = "ledger.sqlite";

/// A configuration, and where its daemon keeps its files.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The configuration, as it was named.
    pub name: String,
    /// What it says, and what follows from it.
    pub setup: Setup,
    /// The directory.
    pub base: PathBuf,
    /// What in it is hardly as it was meant.
    pub warnings: Vec<Diagnostic>,
}

impl Place {
    /// The ledger.
    pub(super) fn ledger(&self) -> PathBuf {
        self.base.join(LEDGER_FILE)
    }

    /// Tells what is hardly as it was meant.
    pub(super) fn warn(&self, stdio: &mut Stdio) -> io::Result<()> {
        let lines: Vec<_> =
            self.warnings.iter().map(|warning| console::warning_line(&warning.to_string())).collect();
        stdio.err.print(&lines)
    }

    /// The log.
    pub(super) fn log(&self) -> PathBuf {
        self.base.join(&self.setup.config.settings.output.log_file)
    }
}

/// Why there is no good configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Its file cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// What it says makes no sense.
    #[error("{}", lines(.0))]
    Wrong(Vec<Diagnostic>),
    /// The machine knows no time zone.
    #[error("the time zone `{0}` is not known on this machine")]
    Zone(String),
}

fn lines(wrong: &[Diagnostic]) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl SettingsError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint().or_else(|| {
                error.is_elsewhere().then(|| "`default` and `test` come with the program".to_owned())
            }),
            Self::Wrong(_) => None,
            Self::Zone(_) => {
                Some("set `time_zone` to one like Europe/Berlin, or TZ of the environment".to_owned())
            }
        }
    }
}

/// Reads the configuration that is named.
pub(super) fn place(which: &Which) -> Result<Place, super::DaemonError> {
    let (label, text) = match which.config.as_str() {
        "default" => (which.config.clone(), shipped::DEFAULT_JSON.to_owned()),
        "test" => (which.config.clone(), shipped::TEST_JSON.to_owned()),
        path => {
            let file = user_file::read("a configuration", path).map_err(SettingsError::from)?;
            (file.label, file.text)
        }
    };
    let checked = config::parse(&label, &text).map_err(SettingsError::Wrong)?;
    let setup = setup(checked.config)?;
    let base = match &which.base_dir {
        Some(base) => base.clone(),
        None => PathBuf::from(&setup.config.settings.output.base_dir),
    };
    Ok(Place { name: label, setup, base: absolute(&base), warnings: checked.warnings })
}

fn setup(config: Config) -> Result<Setup, SettingsError> {
    let zone = config.settings.time_zone.clone();
    Setup::of(config).ok_or(SettingsError::Zone(zone))
}

/// The directory of this process is not that of one that is started in the background, or later.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// When a time is that somebody typed: with an offset or `Z`, or by the wall clock of the daemon's zone. A date
/// alone is the last day: its end.
pub(super) fn instant(text: &str, setup: &Setup) -> Result<Timestamp, super::DaemonError> {
    let wrong = || super::DaemonError::Time(text.to_owned());
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let wall = match text.parse::<Date>() {
        Ok(date) if !text.contains([':', 'T']) => date.tomorrow().map_err(|_| wrong())?.at(0, 0, 0, 0),
        _ => text.parse::<DateTime>().map_err(|_| wrong())?,
    };
    wall.to_zoned(setup.calendar.zone().clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}
