//! The emergency stop: a latch in a file, durable, with who, when and why.
//!
//! Nothing is sent while it is enabled. Only the file's absence means that it is not: whatever stands in its
//! place and cannot be read (a directory, garbage, somebody else's file) counts as enabled, and so does a base
//! directory that cannot be looked into. It outlives the daemon and the machine. Enabling it again keeps the
//! first reason; disabling it takes a reason of its own, and both are kept in `emergency_stop.log`.
//!
//! A [`Watchman`] looks at it ten times a second and pulls the brake of the cycle that is under way by himself,
//! so no send begins later than that, whatever else the daemon is waiting for.

use crate::clock::Clock;
use crate::output;
use crate::sender::{Brake, Pull};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The latch's name in the base directory.
pub const FILE: &str = "emergency_stop.json";

/// What was done with it, a line each.
pub const LOG_FILE: &str = "emergency_stop.log";

/// Bytes of a latch that are read: a reason of any length that somebody would type.
const BYTES_MAX: u64 = 64 * 1024;

/// From one look at it to the next.
pub const LOOK: Duration = Duration::from_millis(100);

/// An emergency stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyStop {
    /// Who enabled it: the user.
    pub who: String,
    /// When.
    pub when: Timestamp,
    /// Why.
    pub why: String,
}

/// How the latch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Latch {
    /// Sends may begin.
    Free,
    /// It is enabled.
    Enabled(EmergencyStop),
    /// It cannot be read, which counts as enabled.
    Unreadable(String),
}

impl Latch {
    /// Looks at the latch of a base directory.
    pub fn look(base: &Path) -> Self {
        let path = path(base);
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            // That the directory is there tells an absent file from one that cannot be looked for.
            Err(error) if error.kind() == io::ErrorKind::NotFound && base.is_dir() => return Self::Free,
            Err(error) => return Self::Unreadable(error.to_string()),
        }
        match read(&path).and_then(|text| serde_json::from_slice(&text).map_err(io::Error::from)) {
            Ok(stop) => Self::Enabled(stop),
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }

    /// Why no send may begin; `None` where it may.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Free => None,
            Self::Enabled(stop) => Some(format!("{} (by {})", stop.why, stop.who)),
            Self::Unreadable(why) => Some(format!("{FILE} cannot be read: {why}")),
        }
    }
}

/// Reads a latch, and waits for nobody: what is no file of a latch's size is not opened, or not read to its end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn path(base: &Path) -> PathBuf {
    base.join(FILE)
}

/// Enables it, unless it is; gives how it stands now.
///
/// # Errors
/// If it cannot be written.
pub fn enable(base: &Path, stop: &EmergencyStop) -> io::Result<Latch> {
    output::make_directory(base)?;
    // Of two who do so at once one is the first. Also what cannot be read stays: it stops as well.
    if output::create(&path(base), &serde_json::to_vec_pretty(stop)?)? {
        note(base, "enabled", stop)?;
    }
    Ok(Latch::look(base))
}

/// Disables it; gives how it stood.
///
/// # Errors
/// If it cannot be removed, or what is done not be kept; then it stays.
pub fn disable(base: &Path, by: &EmergencyStop) -> io::Result<Latch> {
    let latch = Latch::look(base);
    if latch != Latch::Free {
        // Kept first: nothing goes on of which nobody will know why.
        note(base, "disabled", by)?;
        if let Err(error) = remove(base) {
            note(base, "not disabled after all, for it cannot be removed", by)?;
            return Err(error);
        }
    }
    Ok(latch)
}

fn remove(base: &Path) -> io::Result<()> {
    let path = path(base);
    let is_directory = fs::symlink_metadata(&path)?.is_dir();
    if is_directory {
        fs::remove_dir(&path)?
    } else {
        fs::remove_file(&path)?
    }
    File::open(base)?.sync_all()
}

fn note(base: &Path, what: &str, stop: &EmergencyStop) -> io::Result<()> {
    let EmergencyStop { who, when, why } = stop;
    let line = serde_json::json!({ "when": when, "what": what, "who": who, "why": why });
    let mut file = output::open_to_append(&base.join(LOG_FILE))?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

/// The brake of the cycle that is under way, for whoever has to pull it without asking anybody.
#[derive(Clone, Debug, Default)]
pub struct CurrentBrake(Arc<Mutex<Option<Brake>>>);

impl CurrentBrake {
    /// From now on it is this one.
    pub fn set(&self, brake: Brake) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(brake);
    }

    /// Interrupts the cycle that is under way.
    pub fn cut(&self) {
        if let Some(brake) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            brake.pull(Pull::Cut);
        }
    }
}

/// Looks at the latch for as long as the daemon lives.
#[derive(Debug)]
pub struct Watchman {
    /// The base directory.
    pub base: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What he pulls.
    pub brake: CurrentBrake,
}

impl Watchman {
    /// Watches; tells each change, the first look left out, as why no send may begin.
    pub async fn watch(self, mut seen: Latch, mut tell: impl FnMut(Option<String>)) {
        loop {
            self.clock.until_steady(self.clock.steady() + LOOK).await;
            // A look at a local file: below what a thread for it would cost.
            let latch = Latch::look(&self.base);
            if latch != Latch::Free {
                self.brake.cut();
            }
            if latch != seen {
                tell(latch.reason());
                seen = latch;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use std::os::unix::fs::PermissionsExt as _;

    fn stop(why: &str) -> EmergencyStop {
        let when = "2026-03-29T00:30:00Z".parse().expect("an instant");
        EmergencyStop { who: "ada".to_owned(), when, why: why.to_owned() }
    }

    #[test]
    fn the_first_reason_stays_until_it_is_disabled() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path();
        assert_eq!(Latch::look(base), Latch::Free);
        let first = Latch::Enabled(stop("they complain"));
        assert_eq!(enable(base, &stop("they complain")).expect("it can be written"), first);
        assert_eq!(enable(base, &stop("again")).expect("it stays"), first);
        assert_eq!(Latch::look(base).reason().as_deref(), Some("they complain (by ada)"));
        assert_eq!(disable(base, &stop("agreed")).expect("it can be removed"), first);
        assert_eq!(Latch::look(base), Latch::Free);
        assert_eq!(disable(base, &stop("once more")).expect("nothing is done"), Latch::Free);
        let log = fs::read_to_string(base.join(LOG_FILE)).expect("it is kept");
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log}");
        assert!(lines[0].contains("they complain") && lines[1].contains("agreed"), "{log}");
        let mode = fs::metadata(base.join(LOG_FILE)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o027, 0, "nobody else may");
    }

    #[test]
    fn what_cannot_be_read_stops() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path();
        for garbage in ["", "{", "null", "{\"who\": 1}"] {
            fs::write(path(base), garbage).expect("it can be written");
            assert!(matches!(Latch::look(base), Latch::Unreadable(_)), "{garbage:?}");
        }
        fs::remove_file(path(base)).expect("it can be removed");
        fs::create_dir(path(base)).expect("it can be made");
        let latch = Latch::look(base);
        assert!(latch.reason().is_some_and(|why| why.contains("cannot be read")), "{latch:?}");
        assert_eq!(enable(base, &stop("on top")).expect("it stops anyhow"), latch);
        disable(base, &stop("cleared")).expect("it can be removed");
        assert_eq!(Latch::look(base), Latch::Free);
        assert!(matches!(Latch::look(&base.join("gone")), Latch::Unreadable(_)), "no directory, no leave");
    }

    #[test]
    fn what_leads_nowhere_or_would_be_waited_for_stops() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path();
        std::os::unix::fs::symlink("nowhere", path(base)).expect("it can be made");
        assert!(matches!(Latch::look(base), Latch::Unreadable(_)));
        disable(base, &stop("cleared")).expect("it can be removed");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path(base), rustix::fs::FileType::Fifo, mode, 0)
            .expect("it can be made");
        assert_eq!(Latch::look(base), Latch::Unreadable("it is no file".to_owned()));
        disable(base, &stop("cleared")).expect("it can be removed");
        std::os::unix::fs::symlink("/dev/zero", path(base)).expect("it can be made");
        assert!(matches!(Latch::look(base), Latch::Unreadable(_)));
    }

    #[test]
    fn what_could_not_be_disabled_is_not_said_to_be() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path();
        fs::create_dir_all(path(base).join("deep")).expect("it can be made");
        disable(base, &stop("agreed")).expect_err("it is not empty");
        assert!(Latch::look(base).reason().is_some());
        let log = fs::read_to_string(base.join(LOG_FILE)).expect("it is kept");
        assert!(log.lines().last().is_some_and(|line| line.contains("not disabled")), "{log}");
    }

    #[tokio::test]
    async fn the_watchman_pulls_the_brake_before_he_tells() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path().to_owned();
        let clock = SimulatedClock::at("2026-03-29T00:30:00Z".parse().expect("an instant"));
        let (brake, current) = (Brake::default(), CurrentBrake::default());
        current.set(brake.clone());
        let watchman =
            Watchman { base: base.clone(), clock: Arc::new(clock.clone()), brake: current.clone() };
        let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let pulled = brake.clone();
        let tell = move |why: Option<String>| {
            let _ = told.send((why, pulled.pulled()));
        };
        let watching = tokio::spawn(watchman.watch(Latch::Free, tell));
        let mut next = async || {
            loop {
                match hears.try_recv() {
                    Ok(told) => return told,
                    Err(_) => {
                        tokio::task::yield_now().await;
                        clock.jump();
                    }
                }
            }
        };
        enable(&base, &stop("they complain")).expect("it can be written");
        assert_eq!(next().await, (Some("they complain (by ada)".to_owned()), Pull::Cut));
        // A cycle that begins all the same is cut at the next look.
        let late = Brake::default();
        current.set(late.clone());
        while late.pulled() != Pull::Cut {
            tokio::task::yield_now().await;
            clock.jump();
        }
        disable(&base, &stop("agreed")).expect("it can be removed");
        assert_eq!(next().await.0, None);
        watching.abort();
    }
}
