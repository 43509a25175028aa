//! `world report DIR`: reports made again, from what a run or a drill left on disk.
//!
//! They are the same bytes as those that were written when it ended. Whoever wrote something into a post-mortem
//! would lose it, so files that are there are replaced only when that is asked for.

use super::reader::{self, ReadError};
use super::{FILES, KeepError, Reports};
use crate::drill::result::DrillResult;
use crate::recording;
use crate::recording::DRILL;
use std::path::{Path, PathBuf};

/// Why reports were not made again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgainError {
    /// Somebody may want what is there.
    #[error("{} is there already", path.display())]
    Taken { path: PathBuf },
    /// There is nothing to make them from.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// They cannot be written.
    #[error("{0}")]
    Keep(#[from] KeepError),
}

impl AgainError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { .. } => Some("`--force` replaces the reports that are there".to_owned()),
            Self::Read(error) => error.hint(),
            Self::Keep(_) => None,
        }
    }
}

/// Makes the reports of a run, or those of a drill and of each of its runs. Gives the files of the run, or
/// the drill's own; `step` is called after each run.
pub(crate) fn make(dir: &Path, force: bool) -> Result<Vec<PathBuf>, AgainError> {
    if !dir.join(DRILL).exists() {
        let free = if force { Ok(()) } else { is_free(dir) };
        return free.and_then(|()| of_run(dir));
    }
    let result = reader::drill(&dir.join(DRILL))?;
    let dirs: Vec<_> = result.runs.iter().map(|run| recording::of_seed(dir, run.seed)).collect();
    if !force {
        is_free(dir)?;
        dirs.iter().try_for_each(|dir| is_free(dir))?;
    }
    dirs.iter().try_for_each(|dir| of_run(dir).map(drop))?;
    of_drill(dir, &result)
}

fn is_free(dir: &Path) -> Result<(), AgainError> {
    let taken = FILES.iter().map(|name| dir.join(name)).find(|path| path.exists());
    taken.map_or(Ok(()), |path| Err(AgainError::Taken { path }))
}

fn of_run(dir: &Path) -> Result<Vec<PathBuf>, AgainError> {
    let (chronicle, result) = reader::read(dir)?;
    keep(&Reports::of(&chronicle, &result), dir)
}

fn of_drill(dir: &Path, result: &DrillResult) -> Result<Vec<PathBuf>, AgainError> {
    keep(&Reports::of_drill(result), dir)
}

fn keep(reports: &Reports, dir: &Path) -> Result<Vec<PathBuf>, AgainError> {
    reports.keep(dir)?;
    Ok(reports.names().map(|name| dir.join(name)).collect())
}
