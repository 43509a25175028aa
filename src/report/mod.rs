//! Reports of a run: for a pipeline, for whoever reviews a change, for whoever wants to know what happened.
//!
//! | file | for |
//! |---|---|
//! | `junit.xml` | CI systems that show tests: [`junit`] |
//! | `summary.md` | pull requests and job summaries: [`markdown`] |
//! | `report.html` | people with a browser: [`html`] |
//! | `postmortem.md` | the meeting after: [`postmortem`] |
//!
//! Each is a pure function of an [`Account`]: what happened round by round ([`chronicle`]), gathered while the run
//! goes on, and what it came to ([`RunResult`]). Both can be read back from a recording ([`reader`]), so reports
//! can be made again, and are the same bytes. Nothing in them depends on wall time or on this machine.
//!
//! A drill over several seeds has reports of its own beside those of its runs ([`drill`]).
//!
//! Names come from users' files. Whatever is written into HTML or XML is escaped by the templates, whatever goes
//! into Markdown by [`markdown::text`]. What is too much to read is left out, and how much that is is said: a
//! report has a size that the length of the run and the number of servers cannot move far.

mod account;
pub(crate) mod again;
pub(crate) mod chronicle;
mod drill;
mod findings;
mod html;
mod junit;
mod markdown;
mod moment;
mod postmortem;
pub(crate) mod reader;

pub(crate) use account::Account;
pub(crate) use chronicle::Chronicle;

use crate::console;
use crate::drill::result::DrillResult;
use crate::recording::{self, RecordingError};
use crate::result::RunResult;
use crate::stdio;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// The file for CI systems that show tests.
pub(crate) const JUNIT: &str = "junit.xml";
/// The file for pull requests and job summaries.
pub(crate) const SUMMARY: &str = "summary.md";
/// The file for people with a browser.
pub(crate) const PAGE: &str = "report.html";
/// The file for the meeting after.
pub(crate) const POSTMORTEM: &str = "postmortem.md";

/// All of them.
pub(crate) const FILES: [&str; 4] = [JUNIT, SUMMARY, PAGE, POSTMORTEM];

/// The variable that names the file to which GitHub's runners, and those that follow them, want summaries added.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A report that could not be written. The recording beside it is whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}; the recording is complete, the reports are not")]
pub(crate) struct KeepError(#[from] RecordingError);

/// The reports of one run, or of one drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reports {
    /// Names of files, and what they hold.
    files: Vec<(&'static str, String)>,
}

impl Reports {
    /// Those of a run.
    pub(crate) fn of(chronicle: &Chronicle, result: &RunResult) -> Self {
        let account = Account { chronicle, result };
        Self {
            files: vec![
                (JUNIT, junit::document(&account)),
                (SUMMARY, markdown::summary(&account)),
                (PAGE, html::page(&account)),
                (POSTMORTEM, postmortem::document(&account)),
            ],
        }
    }

    /// Those of a drill; each of its runs has its own.
    pub(crate) fn of_drill(result: &DrillResult) -> Self {
        Self { files: drill::files(result) }
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.files.iter().map(|(name, _)| *name)
    }

    /// Writes them into a directory: each at once, and all that can be written. Tells what was the first that
    /// could not.
    pub(crate) fn keep(&self, dir: &Path) -> Result<(), KeepError> {
        let write = |(name, text): &(&str, String)| {
            recording::write_at_once(&dir.join(name), text.as_bytes()).map_err(KeepError)
        };
        // All are tried before one is told.
        self.files.iter().map(write).collect::<Vec<_>>().into_iter().collect()
    }

    /// Adds the summary to those of other steps, where a job asks for that. One that cannot be added is told on
    /// standard error and harms nothing: it stands in the directory, too.
    pub(crate) fn tell_job(&self) {
        let Some(path) = std::env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()) else { return };
        let summary = self.files.iter().find(|(name, _)| *name == SUMMARY);
        let added = summary.map_or(Ok(()), |(_, summary)| append(Path::new(&path), summary));
        if let Err(error) = added {
            let path = Path::new(&path).display();
            let said = format!("cannot add the summary to {path}, which {STEP_SUMMARY} names: {error}");
            // Where standard error is closed there is nobody to warn.
            let _ = stdio::standard_error().print(&[console::warning_line(&said)]);
        }
    }
}

fn append(path: &Path, summary: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{summary}\n").as_bytes())
}
