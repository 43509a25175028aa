//! A recording, read back: the journal into a [`Chronicle`], and the result.
//!
//! What is read was written by a run that came to its end, and nobody changed it since: hashes tell. A report of
//! anything else would look as true.

use super::Chronicle;
use crate::drill::result::DrillResult;
use crate::recording::{JOURNAL, RESULT};
use crate::result::RunResult;
use crate::verify::{self, VerifyError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use worlds::journal::Record;

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// No recording to look at.
    #[error("{0}")]
    Verify(#[from] VerifyError),
    /// One that is not complete.
    #[error("the recording in {} is not complete: {what}", dir.display())]
    Incomplete { dir: PathBuf, what: String },
    /// A file of it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The result is of another version.
    #[error("cannot make sense of {}: {source}", path.display())]
    Result { path: PathBuf, source: serde_json::Error },
    /// The journal is of another version.
    #[error("cannot make sense of line {line} of {}: {source}", path.display())]
    Line { path: PathBuf, line: usize, source: serde_json::Error },
}

impl ReadError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Verify(error) => error.hint(),
            Self::Incomplete { .. } => Some(
                "reports are made of runs that came to their end; `world run` with the command in its \
                 console output repeats the run"
                    .to_owned(),
            ),
            Self::Read { .. } => None,
            Self::Result { .. } | Self::Line { .. } => Some(
                "it was recorded by another version of `world`: make the report with that one".to_owned(),
            ),
        }
    }
}

/// Reads the recording in a directory.
pub(crate) fn read(dir: &Path) -> Result<(Chronicle, RunResult), ReadError> {
    let recorded = verify::verify(dir)?;
    if !recorded.is_complete() {
        return Err(ReadError::Incomplete { dir: dir.to_owned(), what: recorded.to_string() });
    }
    Ok((chronicle(&dir.join(JOURNAL))?, parsed(&dir.join(RESULT))?))
}

/// Reads what a drill came to.
pub(crate) fn drill(path: &Path) -> Result<DrillResult, ReadError> {
    parsed(path)
}

fn parsed<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let bytes = std::fs::read(path).map_err(|source| ReadError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| ReadError::Result { path: path.to_owned(), source })
}

/// The kind of a record, before all of it is looked at.
#[derive(Deserialize)]
struct Kind<'l> {
    #[serde(borrow)]
    kind: &'l str,
}

/// Incidents stand in the result, and more of them.
const INCIDENT: &str = "incident";

fn chronicle(path: &Path) -> Result<Chronicle, ReadError> {
    let unreadable = |source| ReadError::Read { path: path.to_owned(), source };
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut chronicle, mut text) = (Chronicle::new(), Vec::new());
    for line in 1.. {
        text.clear();
        if lines.read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
            break;
        }
        let senseless = |source| ReadError::Line { path: path.to_owned(), line, source };
        let Kind { kind } = serde_json::from_slice(&text).map_err(senseless)?;
        if kind != INCIDENT {
            let record: Record = serde_json::from_slice(&text).map_err(senseless)?;
            chronicle.take(&record);
        }
    }
    Ok(chronicle)
}
