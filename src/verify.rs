//! `world verify DIR`: whether a recording is that of a run that came to its end, and as it was written.
//!
//! The journal tells by itself: each `round_closed` and the last record, `run_ended`, hold the hash of
//! all lines before them, so a journal that breaks off has no `run_ended`, and one that was changed no
//! longer adds up. `result.json` is written last, as a whole; its `journal_hash` names the journal. A run
//! that still goes on holds a lock on its journal, which the system takes back however the run ends.

use crate::recording::{self, DRILL, JOURNAL, RESULT};
use serde::Deserialize;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Why a recording cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// There is none.
    #[error("{} holds no recording of a run", dir.display())]
    NoRecording { dir: PathBuf },
    /// A file of it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
}

impl VerifyError {
    fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Read { path: path.to_owned(), source }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoRecording { .. } => {
                Some(format!("name the directory of a `world run --out DIR`, which holds {JOURNAL}"))
            }
            Self::Read { .. } => None,
        }
    }
}

/// What a recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// The run came to its end, and nothing was changed since.
    Complete { rounds: u32, of: u32, journal_hash: String },
    /// The run came to its end, but its result was not written any more.
    WithoutResult { rounds: u32 },
    /// The run was ended from outside, or its disk was full.
    BrokenOff { rounds: u32, of: Option<u32>, cut_bytes: usize },
    /// The run is still going on.
    UnderWay { rounds: u32, of: Option<u32> },
    /// Something is not as it was written.
    Altered { what: String },
}

impl Recorded {
    /// Whether it is what it claims to be.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete { rounds, of, journal_hash } => {
                write!(f, "complete: {rounds} of {of} rounds, journal {journal_hash}")
            }
            Self::WithoutResult { rounds } => {
                write!(f, "broken off: the journal is whole, {rounds} rounds, but there is no {RESULT}")
            }
            Self::BrokenOff { rounds, of, cut_bytes } => {
                write!(f, "broken off: the journal ends after {}", rounds_of(*rounds, *of))?;
                match cut_bytes {
                    0 => Ok(()),
                    bytes => write!(f, ", and its last line is cut off after {bytes} bytes"),
                }
            }
            Self::UnderWay { rounds, of } => write!(f, "under way: {} so far", rounds_of(*rounds, *of)),
            Self::Altered { what } => write!(f, "altered: {what}"),
        }
    }
}

fn rounds_of(rounds: u32, of: Option<u32>) -> String {
    of.map_or_else(|| format!("{rounds} rounds"), |of| format!("{rounds} of {of} rounds"))
}

/// What is said of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// A line for the run, or one for each of a drill.
    pub text: String,
    /// Whether everything is complete.
    pub is_complete: bool,
}

/// Looks at the recording in a directory, or at all of a drill over seeds.
pub(crate) fn told(dir: &Path) -> Result<Told, VerifyError> {
    let seeds = recording::seeds_in(dir);
    if seeds.is_empty() {
        let recorded = verify(dir)?;
        return Ok(Told { text: format!("{recorded}\n"), is_complete: recorded.is_complete() });
    }
    let (mut text, mut is_complete) = (String::new(), dir.join(DRILL).exists());
    if !is_complete {
        text += &format!("broken off, or under way: there is no {DRILL}\n");
    }
    for seed in seeds {
        let recorded = verify(&recording::of_seed(dir, seed))?;
        is_complete &= recorded.is_complete();
        text += &format!("seed {seed}: {recorded}\n");
    }
    Ok(Told { text, is_complete })
}

/// Looks at the recording in a directory.
pub(crate) fn verify(dir: &Path) -> Result<Recorded, VerifyError> {
    let path = dir.join(JOURNAL);
    let file = File::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            VerifyError::NoRecording { dir: dir.to_owned() }
        }
        _ => VerifyError::Read { path: path.clone(), source },
    })?;
    // Where files cannot be locked, nobody is known to write.
    let is_written = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let journal = Journal::read(BufReader::new(&file)).map_err(VerifyError::read(&path))?;
    if is_written {
        return Ok(Recorded::UnderWay { rounds: journal.rounds, of: journal.planned });
    }
    judged(journal, result_in(dir)?)
}

/// What stands in a result of its journal.
#[derive(Debug, Deserialize)]
struct ResultOfJournal {
    journal_hash: String,
}

/// `None` when there is no result; an inner `None` when it is none of ours.
fn result_in(dir: &Path) -> Result<Option<Option<ResultOfJournal>>, VerifyError> {
    let path = dir.join(RESULT);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(VerifyError::Read { path, source: error }),
    }
}

fn judged(journal: Journal, result: Option<Option<ResultOfJournal>>) -> Result<Recorded, VerifyError> {
    let altered = |what: String| Ok(Recorded::Altered { what });
    let Journal { rounds, planned, cut_bytes, has_ended, wrong_line, hash } = journal;
    if let Some(line) = wrong_line {
        return altered(format!("line {line} of {JOURNAL} does not follow from those before it"));
    }
    match (has_ended, result) {
        (true, Some(Some(result))) if result.journal_hash == hash => {
            Ok(Recorded::Complete { rounds, of: planned.unwrap_or(rounds), journal_hash: hash })
        }
        (_, Some(None)) => altered(format!("{RESULT} is not the result of a run")),
        (_, Some(Some(_))) => altered(format!("{RESULT} is not that of {JOURNAL}")),
        (true, None) => Ok(Recorded::WithoutResult { rounds }),
        (false, None) => Ok(Recorded::BrokenOff { rounds, of: planned, cut_bytes }),
    }
}

/// What a journal comes to.
#[derive(Debug, Default)]
struct Journal {
    /// Rounds that were closed.
    rounds: u32,
    /// Rounds of the plan.
    planned: Option<u32>,
    /// Bytes of a last line without its end.
    cut_bytes: usize,
    /// Whether the last record is there.
    has_ended: bool,
    /// The first line, from 1, that cannot be one of this journal's.
    wrong_line: Option<usize>,
    hash: String,
}

/// As much of a record as is looked at.
#[derive(Debug, Deserialize)]
struct Line {
    kind: String,
    rounds: Option<u32>,
    hash: Option<String>,
}

impl Journal {
    fn read(mut lines: impl io::BufRead) -> io::Result<Self> {
        let (mut journal, mut hasher) = (Self::default(), blake3::Hasher::new());
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.last() != Some(&b'\n') {
                journal.cut_bytes = line.len();
                journal.has_ended = false;
                break;
            }
            if !journal.takes(&line, &hasher) {
                journal.wrong_line = Some(number);
                break;
            }
            hasher.update(&line);
        }
        journal.hash = hasher.finalize().to_hex().to_string();
        Ok(journal)
    }

    /// Takes a line in; whether it can be the next after those that were hashed.
    fn takes(&mut self, line: &[u8], before: &blake3::Hasher) -> bool {
        let Ok(record) = serde_json::from_slice::<Line>(line) else { return false };
        let is_first = self.planned.is_none();
        // Nothing comes after the end, and only the first line is a header.
        if self.has_ended || is_first != (record.kind == "header") {
            return false;
        }
        match &*record.kind {
            "header" => self.planned = record.rounds,
            "round_closed" => self.rounds += 1,
            "run_ended" => self.has_ended = true,
            _ => {}
        }
        record.hash.is_none_or(|hash| hash == before.finalize().to_hex().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A journal of two rounds, as it is written.
    fn journal() -> String {
        let mut text = String::new();
        let mut add = |record: &dyn Fn(&str) -> String| {
            let line = record(blake3::hash(text.as_bytes()).to_hex().as_str());
            text += &line;
            text.push('\n');
        };
        add(&|_| r#"{"kind":"header","rounds":2}"#.to_owned());
        for round in 1..=2 {
            add(&|_| format!(r#"{{"kind":"round_opened","round":{round}}}"#));
            add(&|hash| format!(r#"{{"kind":"round_closed","round":{round},"hash":"{hash}"}}"#));
        }
        add(&|hash| format!(r#"{{"kind":"run_ended","rounds":2,"hash":"{hash}"}}"#));
        text
    }

    fn verified(journal: &str, result: Option<&str>) -> Recorded {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(JOURNAL), journal).expect("written");
        if let Some(result) = result {
            fs::write(dir.path().join(RESULT), result).expect("written");
        }
        verify(dir.path()).expect("a recording")
    }

    fn result_of(journal: &str) -> String {
        format!(r#"{{"journal_hash":"{}"}}"#, blake3::hash(journal.as_bytes()).to_hex())
    }

    #[test]
    fn a_whole_journal_with_its_result_is_complete() {
        let journal = journal();
        let found = verified(&journal, Some(&result_of(&journal)));
        assert!(matches!(found, Recorded::Complete { rounds: 2, of: 2, .. }), "{found}");
    }

    #[test]
    fn a_journal_that_is_cut_anywhere_is_broken_off_and_told_where() {
        let journal = journal();
        for bytes in 0..journal.len() {
            let found = verified(&journal[..bytes], None);
            let Recorded::BrokenOff { rounds, cut_bytes, .. } = found else { panic!("{bytes}: {found}") };
            let whole = &journal[..bytes - cut_bytes];
            assert!(whole.is_empty() || whole.ends_with('\n'), "{bytes}: {found}");
            assert_eq!(rounds as usize, whole.matches("round_closed").count(), "{bytes}: {found}");
        }
        assert_eq!(verified(&journal, None), Recorded::WithoutResult { rounds: 2 });
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let journal = journal();
        let result = result_of(&journal);
        let changed = [
            journal.replacen("\"round\":1", "\"round\":7", 1),
            journal.replacen("{\"kind\":\"round_opened\",\"round\":2}\n", "", 1),
            journal.replacen("run_ended", "run_edned", 1),
            format!("{journal}{{\"kind\":\"round_opened\",\"round\":3}}\n"),
            journal.lines().rev().map(|line| format!("{line}\n")).collect(),
            format!("\n{journal}"),
        ];
        for changed in changed {
            let found = verified(&changed, Some(&result));
            assert!(matches!(found, Recorded::Altered { .. }), "{found}\n{changed}");
        }
        for other in ["", "{}", r#"{"journal_hash":"0"}"#] {
            let found = verified(&journal, Some(other));
            assert!(matches!(found, Recorded::Altered { .. }), "{found}\n{other}");
        }
        // A result whose journal was cut off is not what that run came to.
        let found = verified(&journal[..journal.len() - 9], Some(&result));
        assert!(matches!(found, Recorded::Altered { .. }), "{found}");
    }

    #[test]
    fn a_journal_that_is_still_written_is_under_way() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(JOURNAL), &journal()[..60]).expect("written");
        let writer = File::open(dir.path().join(JOURNAL)).expect("a journal");
        writer.lock().expect("nobody else has it");
        let found = verify(dir.path()).expect("a recording");
        assert!(matches!(found, Recorded::UnderWay { rounds: 0, of: Some(2) }), "{found}");
        drop(writer);
        let found = verify(dir.path()).expect("a recording");
        assert!(matches!(found, Recorded::BrokenOff { .. }), "{found}");
    }

    #[test]
    fn where_there_is_no_journal_there_is_no_recording() {
        let dir = tempfile::tempdir().expect("a directory");
        for dir in [dir.path(), &dir.path().join("missing")] {
            assert!(matches!(verify(dir), Err(VerifyError::NoRecording { .. })), "{}", dir.display());
        }
    }
}
