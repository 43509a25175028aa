//! What a bench leaves on disk, `--out DIR`, and how it goes on from there.
//!
//! ```text
//! DIR/checkpoint.json   what was played so far: sums, from which the same command goes on. Written at
//!                       once, a second apart at least, and when the bench ends
//! DIR/bench.json        what it came to (of `world compare` it is compare.json); written last and at once
//! DIR/bench.csv         the same as a table, a row for each figure
//! ```
//!
//! A checkpoint says what it is of: program, worlds, players, first seed. One of another bench is
//! refused, with what differs. The directory is locked while a bench goes on.

use super::plan::{Identity, Plan};
use super::tally::Tally;
use crate::recording::{self, RecordingError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CHECKPOINT: &str = "checkpoint.json";

/// The version of a checkpoint's shape. Another one is another program's.
const SCHEMA_VERSION: u32 = 1;

/// From one checkpoint to the next, at least: what an interruption without warning may cost.
const PAUSE: Duration = Duration::from_secs(1);

/// Of the time, at most this share is spent on checkpoints, if that means longer pauses.
const SHARE: u32 = 20;

/// Bytes of a checkpoint. The largest bench that a machine can hold has tens of megabytes.
const BYTES_MAX: u64 = 1 << 30;

/// Where a bench is kept.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    /// Holds the lock.
    _lock: File,
    identity: Identity,
    /// When the last checkpoint was written, and how long that took.
    last: Instant,
    took: Duration,
    /// Why nothing can be kept any more.
    trouble: Option<RecordingError>,
}

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    identity: &'a Identity,
    tally: &'a Tally,
}

#[derive(Deserialize)]
struct Read {
    tally: Tally,
}

/// What every version has.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    identity: Value,
}

/// Why a bench cannot be kept where it was to be, or go on from there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("{0}")]
    Directory(#[from] RecordingError),
    #[error("{} belongs to a bench that is going on", dir.display())]
    Busy { dir: PathBuf },
    #[error("{} holds a bench without its checkpoint", dir.display())]
    Unfounded { dir: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no checkpoint: {why}", path.display())]
    Broken { path: PathBuf, why: String },
    #[error("{} is of another bench: {}", path.display(), differences.join("; "))]
    Alien { path: PathBuf, differences: Vec<String> },
    #[error("{} has {there} seeds already, more than the {asked} asked for", path.display())]
    TooFar { path: PathBuf, there: u64, asked: u64 },
}

impl KeepError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Directory(error) => error.hint(),
            Self::Busy { .. } => Some("wait for it, or choose another directory for --out".to_owned()),
            Self::Read { .. } => Some("choose a directory for --out that you can read".to_owned()),
            Self::TooFar { there, .. } => {
                Some(format!("ask for --seeds {there} or more, or choose another directory for --out"))
            }
            Self::Unfounded { .. } | Self::Broken { .. } | Self::Alien { .. } => {
                Some("choose another directory for --out, or remove this one to begin anew".to_owned())
            }
        }
    }
}

impl Keeper {
    /// Claims a directory, which is made if it is not there. Gives what was played already.
    pub(crate) fn open(dir: &Path, document: &str, plan: &Plan) -> Result<(Self, Tally), KeepError> {
        if recording::holds_run(dir) {
            return Err(RecordingError::HoldsRun { dir: dir.to_owned() }.into());
        }
        let made = recording::make(dir)?;
        let opened = Self::claim(dir, document, plan);
        if opened.is_err() {
            recording::unmake(&made);
        }
        opened
    }

    fn claim(dir: &Path, document: &str, plan: &Plan) -> Result<(Self, Tally), KeepError> {
        let lock = lock(dir)?;
        let identity = plan.identity();
        let tally = match read(&dir.join(CHECKPOINT), &identity, plan)? {
            Some(tally) => tally,
            None if dir.join(document).exists() => {
                return Err(KeepError::Unfounded { dir: dir.to_owned() });
            }
            None => Tally::new(plan),
        };
        let (last, took) = (Instant::now(), Duration::ZERO);
        let keeper = Self { dir: dir.to_owned(), _lock: lock, identity, last, took, trouble: None };
        Ok((keeper, tally))
    }

    /// Writes a checkpoint if it is time. What cannot be kept costs the checkpoint and nothing else:
    /// it is told when the bench is over.
    pub(crate) fn look(&mut self, tally: &Tally) {
        if self.last.elapsed() >= PAUSE.max(self.took * SHARE) {
            self.write(tally);
        }
    }

    fn write(&mut self, tally: &Tally) {
        if self.trouble.is_some() {
            return;
        }
        let began = Instant::now();
        let written = Written { schema: SCHEMA_VERSION, identity: &self.identity, tally };
        let path = self.dir.join(CHECKPOINT);
        let kept = match serde_json::to_vec(&written) {
            Ok(text) => recording::write_at_once(&path, &text),
            Err(error) => Err(RecordingError::Write { path, source: error.into() }),
        };
        self.trouble = kept.err();
        (self.last, self.took) = (Instant::now(), began.elapsed());
    }

    /// Writes the last checkpoint and the documents.
    pub(crate) fn finish(mut self, tally: &Tally, documents: &[(&str, &[u8])]) -> Result<(), RecordingError> {
        self.write(tally);
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        documents.iter().try_for_each(|(name, text)| recording::write_at_once(&self.dir.join(name), text))
    }
}

fn lock(dir: &Path) -> Result<File, KeepError> {
    let unreadable = |source| KeepError::Read { path: dir.to_owned(), source };
    let file = File::open(dir).map_err(unreadable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(KeepError::Busy { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unreadable(source)),
    }
}

/// What a checkpoint holds, if there is one.
fn read(path: &Path, identity: &Identity, plan: &Plan) -> Result<Option<Tally>, KeepError> {
    let unreadable = |source| KeepError::Read { path: path.to_owned(), source };
    let broken = |why: String| KeepError::Broken { path: path.to_owned(), why };
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(file) if file.len() > BYTES_MAX => return Err(broken(format!("it has over {BYTES_MAX} bytes"))),
        Ok(_) => fs::read(path).map_err(unreadable)?,
    };
    let head: Head = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    let ours = serde_json::to_value(identity).unwrap_or_default();
    let differences = differences(&head, &ours);
    if !differences.is_empty() {
        return Err(KeepError::Alien { path: path.to_owned(), differences });
    }
    let Read { tally } = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    if !tally.fits(plan) {
        return Err(broken("its sums are not of such a bench".to_owned()));
    }
    let there = tally.cells.iter().map(|cell| cell.seeds).max().unwrap_or_default();
    let asked = plan.until.map_or(plan.seeds, |until| until.seeds_max);
    if there > asked {
        return Err(KeepError::TooFar { path: path.to_owned(), there, asked });
    }
    Ok(Some(tally))
}

/// What in a checkpoint's identity is not this bench's, for people.
fn differences(there: &Head, ours: &Value) -> Vec<String> {
    if there.schema != SCHEMA_VERSION {
        return vec![format!("its shape is version {}, not {SCHEMA_VERSION}", there.schema)];
    }
    let mut differences = Vec::new();
    compare("", &there.identity, ours, &mut differences);
    differences
}

/// More than these differences are not worth telling.
const DIFFERENCES_MAX: usize = 4;

fn compare(place: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    match (theirs, ours) {
        _ if theirs == ours || differences.len() >= DIFFERENCES_MAX => {}
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, ours) in ours {
                compare(&below(key), theirs.get(key).unwrap_or(&Value::Null), ours, differences);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (position, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare(&below(&position.to_string()), theirs, ours, differences);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            differences.push(format!("{place} has {} entries there and {} here", theirs.len(), ours.len()));
        }
        _ => differences.push(format!("{place} is {theirs} there and {ours} here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(theirs: &Value, ours: &Value) -> Vec<String> {
        differences(&Head { schema: SCHEMA_VERSION, identity: theirs.clone() }, ours)
    }

    #[test]
    fn what_differs_is_told_with_its_place() {
        let ours = json!({ "first_seed": 1, "players": [{ "name": "mid" }], "pass": ["a", "b"] });
        let theirs = json!({ "first_seed": 2, "players": [{ "name": "low" }], "pass": ["a"] });
        let differences = told(&theirs, &ours);
        assert!(differences.contains(&"first_seed is 2 there and 1 here".to_owned()), "{differences:?}");
        assert!(differences.contains(&r#"players.0.name is "low" there and "mid" here"#.to_owned()));
        assert!(differences.contains(&"pass has 1 entries there and 2 here".to_owned()));
        assert_eq!(told(&ours, &ours), Vec::<String>::new());
    }

    #[test]
    fn another_shape_is_told_before_anything_in_it() {
        let there = Head { schema: 9, identity: Value::Null };
        assert_eq!(differences(&there, &json!({ "first_seed": 1 })), ["its shape is version 9, not 1"]);
    }
}
