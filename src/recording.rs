//! What a run leaves on disk, `--out DIR`.
//!
//! ```text
//! DIR/journal.jsonl   the journal, streamed: whole lines, flushed when a round closes. Locked while
//!                     the run goes on, so that a run that was killed is told from one that is not over
//! DIR/runtime.json    what is true of this machine only: process ids, durations, what went over
//!                     the bus. Never hashed
//! DIR/sre-NAME.log    what a program that was on call said on standard error; written by whoever runs it
//! DIR/result.json     the result; written at once after these, so where it is, they are complete
//! DIR/junit.xml, summary.md, report.html, postmortem.md
//!                     reports ([`crate::report`]); they come after the result, for they can be made
//!                     again from it and the journal
//! ```
//!
//! A directory that holds a run is refused, and what cannot be recorded is refused before anything
//! runs. A recording that is given up leaves nothing behind, not even directories it made.

use crate::director::{BusStats, ChaosLife, OfThisMachine};
use crate::event::{Agent, Event};
use crate::report;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use worlds::journal::Record;

pub(crate) const JOURNAL: &str = "journal.jsonl";
const RUNTIME: &str = "runtime.json";
pub(crate) const RESULT: &str = "result.json";
/// What a drill over several seeds leaves, whose runs are in directories of their own.
pub(crate) const DRILL: &str = "drill.json";

/// A run on its way to disk.
#[derive(Debug)]
pub(crate) struct Recording {
    dir: PathBuf,
    /// Directories that this recording made, the outermost first.
    made: Vec<PathBuf>,
    journal: BufWriter<File>,
    /// Logs that others write, by name.
    logs: Vec<String>,
    runtime: Runtime,
    began: Instant,
}

/// What is true of this machine only.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Runtime {
    mode: &'static str,
    agents: Vec<SpawnedAgent>,
    lost: Vec<LostAgent>,
    given_up: Vec<GivenUp>,
    /// `null` for a run without processes.
    bus: Option<BusStats>,
    /// The lives of faults that hit processes and messages, and what was seen of them; `null` for a run
    /// without processes.
    chaos: Option<Vec<ChaosLife>>,
    duration_seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct SpawnedAgent {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    pid: u32,
    after_seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct LostAgent {
    name: String,
    how: String,
    after_seconds: f64,
}

/// An agent for which processes were started in vain.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct GivenUp {
    name: String,
    how: String,
    tries: usize,
    after_seconds: f64,
}

/// Why a run cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    #[error("{} already holds a run", dir.display())]
    HoldsRun { dir: PathBuf },
    #[error("cannot write to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl RecordingError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::HoldsRun { .. } => Some(
                "choose another directory for --out, or move that run away; `world verify` tells whether it \
                 is complete"
                    .to_owned(),
            ),
            Self::Write { .. } => Some("choose a directory for --out that you can write to".to_owned()),
        }
    }

    fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Write { path: path.to_owned(), source }
    }
}

impl Recording {
    /// Claims a directory, which is made if it is not there, with these logs.
    pub(crate) fn create(dir: &Path, mode: &'static str, logs: Vec<String>) -> Result<Self, RecordingError> {
        if holds_run(dir) || logs.iter().any(|log| dir.join(log).exists()) {
            return Err(RecordingError::HoldsRun { dir: dir.to_owned() });
        }
        let made = make(dir)?;
        let journal = match claim(dir, JOURNAL) {
            Ok(file) => BufWriter::new(file),
            Err(error) => {
                unmake(&made);
                return Err(error);
            }
        };
        // A file system without locks only cannot say that the run goes on.
        let _ = journal.get_ref().try_lock();
        let runtime = Runtime { mode, ..Runtime::default() };
        let dir = dir.to_owned();
        let mut recording = Self { dir, made, journal, logs: Vec::new(), runtime, began: Instant::now() };
        for log in logs {
            if let Err(error) = claim(&recording.dir, &log) {
                recording.discard();
                return Err(error);
            }
            recording.logs.push(log);
        }
        Ok(recording)
    }

    /// Writes down what happened.
    pub(crate) fn tell(&mut self, event: &Event) -> Result<(), RecordingError> {
        match event {
            Event::Waiting { .. }
            | Event::Starting { .. }
            | Event::Left { .. }
            | Event::Struck { .. }
            | Event::Thinking { .. }
            | Event::RoundPlayed { .. } => {}
            Event::Spawned { agent, .. } | Event::Returned { agent, .. } => self.spawned(agent),
            Event::Lost { agent, how, .. } => self.runtime.lost.push(LostAgent {
                name: agent.to_string(),
                how: how.clone(),
                after_seconds: seconds(self.began.elapsed()),
            }),
            Event::GivenUp { agent, how, tries } => self.runtime.given_up.push(GivenUp {
                name: agent.to_string(),
                how: how.clone(),
                tries: *tries,
                after_seconds: seconds(self.began.elapsed()),
            }),
            Event::Entry(entry) => {
                let written = self.journal.write_all(&entry.line).and_then(|()| match entry.record {
                    Record::RoundClosed { .. } => self.journal.flush(),
                    _ => Ok(()),
                });
                written.map_err(RecordingError::write(&self.dir.join(JOURNAL)))?;
            }
        }
        Ok(())
    }

    fn spawned(&mut self, agent: &Agent) {
        self.runtime.agents.push(SpawnedAgent {
            name: agent.name.to_string(),
            kind: agent.kind.to_string(),
            pid: agent.pid,
            after_seconds: seconds(self.began.elapsed()),
        });
    }

    /// Notes what the run did on this machine, when it is over.
    pub(crate) fn of_this_machine(&mut self, here: OfThisMachine) {
        self.runtime.bus = Some(here.bus);
        self.runtime.chaos = Some(here.chaos);
    }

    /// Completes the recording; `result` is the document as it is to be written.
    pub(crate) fn finish(mut self, result: &[u8]) -> Result<(), RecordingError> {
        self.journal.flush().map_err(RecordingError::write(&self.dir.join(JOURNAL)))?;
        self.runtime.duration_seconds = seconds(self.began.elapsed());
        let mut runtime = serde_json::to_vec_pretty(&self.runtime)
            .map_err(io::Error::from)
            .map_err(RecordingError::write(&self.dir.join(RUNTIME)))?;
        runtime.push(b'\n');
        write_at_once(&self.dir.join(RUNTIME), &runtime)?;
        write_at_once(&self.dir.join(RESULT), result)
    }

    /// Gives the recording up, as if it had never been begun.
    pub(crate) fn discard(self) {
        let Self { dir, made, journal, logs, .. } = self;
        drop(journal);
        // What cannot be removed is left; there is nobody to complain to who could do better.
        let _ = fs::remove_file(dir.join(JOURNAL));
        logs.iter().for_each(|log| drop(fs::remove_file(dir.join(log))));
        unmake(&made);
    }
}

/// Whether a directory holds a run, what is left of one, a drill, or a report of either.
pub(crate) fn holds_run(dir: &Path) -> bool {
    let reports = report::FILES;
    let is_taken = |name: &&str| dir.join(name).exists();
    [JOURNAL, RUNTIME, RESULT, DRILL].iter().chain(&reports).any(is_taken) || !seeds_in(dir).is_empty()
}

/// Where the run of a seed is recorded, in the directory of its drill.
pub(crate) fn of_seed(dir: &Path, seed: u64) -> PathBuf {
    dir.join(format!("seed-{seed}"))
}

/// The seeds of which there is something in the directory of a drill, in order.
pub(crate) fn seeds_in(dir: &Path) -> Vec<u64> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let seed = |name: std::ffi::OsString| name.to_str()?.strip_prefix("seed-")?.parse().ok();
    let mut seeds: Vec<u64> = names.filter_map(seed).collect();
    seeds.sort_unstable();
    seeds
}

/// Makes a directory and those above it; gives those that were not there.
pub(crate) fn make(dir: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let mut missing: Vec<_> = dir.ancestors().take_while(is_missing).map(Path::to_owned).collect();
    missing.reverse();
    for (made, path) in missing.iter().enumerate() {
        if let Err(source) = fs::create_dir(path) {
            unmake(&missing[..made]);
            return Err(RecordingError::Write { path: path.clone(), source });
        }
    }
    Ok(missing)
}

pub(crate) fn unmake(made: &[PathBuf]) {
    for dir in made.iter().rev() {
        // Somebody else may use it by now; then it stays.
        let _ = fs::remove_dir(dir);
    }
}

/// An empty file: of two runs that claim one directory, only one can make it.
fn claim(dir: &Path, name: &str) -> Result<File, RecordingError> {
    let path = dir.join(name);
    File::create_new(&path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RecordingError::HoldsRun { dir: dir.to_owned() },
        _ => RecordingError::Write { path, source },
    })
}

/// Writes a file so that it is there as a whole or not at all.
pub(crate) fn write_at_once(path: &Path, contents: &[u8]) -> Result<(), RecordingError> {
    let mut half = path.as_os_str().to_owned();
    half.push(".part");
    let half = PathBuf::from(half);
    // What stands there is not followed, should it lead elsewhere.
    let _ = fs::remove_file(&half);
    let written = File::create_new(&half).and_then(|mut file| file.write_all(contents));
    let written = written.and_then(|()| fs::rename(&half, path));
    written.map_err(|source| {
        let _ = fs::remove_file(&half);
        RecordingError::Write { path: path.to_owned(), source }
    })
}

fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use worlds::round::Entry;

    fn entry(line: &str) -> Event {
        let record = Record::RoundOpened { round: 1, requests: 5 };
        Event::Entry(Entry { record, line: line.as_bytes().to_vec() })
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().expect("a name")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_recording_holds_journal_result_and_runtime() {
        let temp = tempfile::tempdir().expect("a directory");
        let dir = temp.path().join("a/b");
        let mut recording = Recording::create(&dir, "inline", Vec::new()).expect("a recording");
        recording.tell(&entry("one\n")).expect("written");
        recording.tell(&entry("two\n")).expect("written");
        let agent = Agent { name: "server-web-1".into(), kind: "web".into(), pid: 7 };
        recording.tell(&Event::Spawned { agent, awaited: None }).expect("written");
        let bus = BusStats { respawned: 3, ..BusStats::default() };
        recording.of_this_machine(OfThisMachine { bus, chaos: Vec::new() });
        recording.finish(b"{}\n").expect("written");
        assert_eq!(names(&dir), ["journal.jsonl", "result.json", "runtime.json"]);
        assert_eq!(fs::read_to_string(dir.join(JOURNAL)).expect("a journal"), "one\ntwo\n");
        assert_eq!(fs::read_to_string(dir.join(RESULT)).expect("a result"), "{}\n");
        let runtime = fs::read_to_string(dir.join(RUNTIME)).expect("a runtime");
        assert!(runtime.contains(r#""pid": 7"#), "{runtime}");
        assert!(runtime.contains(r#""respawned": 3"#), "{runtime}");
    }

    #[test]
    fn a_directory_that_holds_a_run_is_refused_and_left_alone() {
        let temp = tempfile::tempdir().expect("a directory");
        for name in [JOURNAL, RUNTIME, RESULT, DRILL].into_iter().chain(report::FILES) {
            let dir = temp.path().join(name.replace('.', "-"));
            fs::create_dir(&dir).expect("made");
            fs::write(dir.join(name), "old").expect("written");
            let refused = Recording::create(&dir, "inline", Vec::new()).expect_err("refused");
            assert!(matches!(refused, RecordingError::HoldsRun { .. }), "{refused}");
            assert_eq!(names(&dir), [name]);
        }
    }

    #[test]
    fn a_log_of_an_earlier_run_is_not_written_over() {
        let temp = tempfile::tempdir().expect("a directory");
        let logs = || vec!["sre-a.log".to_owned(), "sre-b.log".to_owned()];
        let recording = Recording::create(temp.path(), "inline", logs()).expect("a recording");
        assert_eq!(names(temp.path()), ["journal.jsonl", "sre-a.log", "sre-b.log"]);
        recording.discard();
        assert!(names(temp.path()).is_empty());
        fs::write(temp.path().join("sre-b.log"), "old").expect("written");
        let refused = Recording::create(temp.path(), "inline", logs()).expect_err("refused");
        assert!(matches!(refused, RecordingError::HoldsRun { .. }), "{refused}");
        assert_eq!(names(temp.path()), ["sre-b.log"]);
    }

    #[test]
    fn other_files_of_the_directory_are_nobodys_business() {
        let temp = tempfile::tempdir().expect("a directory");
        fs::write(temp.path().join("notes.txt"), "mine").expect("written");
        Recording::create(temp.path(), "inline", Vec::new()).expect("a recording").discard();
        assert_eq!(names(temp.path()), ["notes.txt"]);
    }

    #[test]
    fn a_link_in_the_place_of_a_half_written_file_is_not_followed() {
        let temp = tempfile::tempdir().expect("a directory");
        let (dir, precious) = (temp.path().join("run"), temp.path().join("precious"));
        fs::write(&precious, "mine").expect("written");
        let recording = Recording::create(&dir, "inline", Vec::new()).expect("a recording");
        std::os::unix::fs::symlink(&precious, dir.join("result.json.part")).expect("a link");
        recording.finish(b"{}\n").expect("written");
        assert_eq!(fs::read_to_string(&precious).expect("a file"), "mine");
        assert_eq!(names(&dir), ["journal.jsonl", "result.json", "runtime.json"]);
    }

    #[test]
    fn a_path_through_a_file_is_refused_and_nothing_is_left_behind() {
        let temp = tempfile::tempdir().expect("a directory");
        fs::write(temp.path().join("file"), "").expect("written");
        let refused =
            Recording::create(&temp.path().join("file/run"), "inline", Vec::new()).expect_err("refused");
        assert!(matches!(refused, RecordingError::Write { .. }), "{refused}");
        assert_eq!(names(temp.path()), ["file"]);
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let temp = tempfile::tempdir().expect("a directory");
        Recording::create(&temp.path().join("a/b/c"), "inline", Vec::new()).expect("a recording").discard();
        assert!(names(temp.path()).is_empty());
    }
}
