//! One daemon to a base directory, and how others find it.
//!
//! The daemon holds a lock on `daemon.lock` for as long as it lives; the system lets go of it however the
//! daemon ends. So the lock alone says whether there is one. `daemon.pid` says which process it is, with when
//! that was started: a hint, believed only while the lock is held and a process of that start has that id, so
//! that nobody is ever signalled who merely has a daemon's old number.

use crate::output;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock's name in the base directory.
pub const LOCK_FILE: &str = "daemon.lock";

/// The hint's name in the base directory.
pub const PID_FILE: &str = "daemon.pid";

/// How often a lock is tried that somebody holds, and how long apart.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Why a base directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another daemon has it.
    #[error("a daemon is running in {}{}", base.display(), process(*pid))]
    Running {
        /// The directory.
        base: PathBuf,
        /// Its process, where that is known.
        pid: Option<i32>,
    },
    /// The system refused.
    #[error("cannot {verb} {}: {source}", path.display())]
    System {
        /// What was tried.
        verb: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn process(pid: Option<i32>) -> String {
    pid.map(|pid| format!(", PID {pid}")).unwrap_or_default()
}

impl InstanceError {
    fn system(verb: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { verb, path: path.to_owned(), source }
    }
}

/// Holds a base directory.
#[derive(Debug)]
pub struct Instance {
    base: PathBuf,
    /// Locked for as long as this lives. Children do not inherit it.
    _lock: File,
}

impl Instance {
    /// Takes a base directory; makes it if it is not there.
    ///
    /// # Errors
    /// If another daemon has it, or the system refuses.
    pub fn take(base: &Path) -> Result<Self, InstanceError> {
        output::make_directory(base).map_err(InstanceError::system("make", base))?;
        let path = base.join(LOCK_FILE);
        let lock = output::open_to_append(&path).map_err(InstanceError::system("open", &path))?;
        lock_patiently(&lock, || std::thread::sleep(BETWEEN_TRIES)).map_err(|error| match error {
            TryLockError::WouldBlock => {
                let pid = read_hint(base).map(|hint| hint.pid);
                InstanceError::Running { base: base.to_owned(), pid }
            }
            TryLockError::Error(source) => InstanceError::system("lock", &path)(source),
        })?;
        let instance = Self { base: base.to_owned(), _lock: lock };
        instance.leave_hint()?;
        Ok(instance)
    }

    fn leave_hint(&self) -> Result<(), InstanceError> {
        let path = self.base.join(PID_FILE);
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let text = format!("{pid}\nstarted={}\n", started(pid).unwrap_or_default());
        output::replace(&path, text.as_bytes()).map_err(InstanceError::system("write", &path))
    }
}

/// Takes the lock. Whoever looks whether a daemon runs holds it for a moment, so it is tried more than once.
fn lock_patiently(lock: &File, mut pause: impl FnMut()) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => pause(),
            ended => return ended,
        }
    }
    lock.try_lock()
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Before the lock is let go, so that it is nobody else's.
        let _ = fs::remove_file(self.base.join(PID_FILE));
    }
}

/// A daemon that is running, as others see it.
#[derive(Debug)]
pub struct Running {
    /// Its process; `None` where it cannot be told.
    pub pid: Option<i32>,
    process: Option<OwnedFd>,
}

impl Running {
    /// The daemon of a base directory; `None` where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn find(base: &Path) -> io::Result<Option<Self>> {
        if !is_locked(base)? {
            return Ok(None);
        }
        let process = read_hint(base).and_then(|hint| {
            let process = pidfd_open(Pid::from_raw(hint.pid)?, PidfdFlags::empty()).ok()?;
            // Looked at when the process is held, so that it is this one.
            (started(hint.pid) == Some(hint.started)).then_some((hint.pid, process))
        });
        let (pid, process) = process.unzip();
        Ok(Some(Self { pid, process }))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// `NotFound` when its process cannot be told; else what the system says.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let process = self.process.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(pidfd_send_signal(process, signal)?)
    }

    /// Whether its process is still there; it outlives its lock by the moment that the system takes to end it.
    /// Where the process cannot be told, it is not.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_there(&self) -> io::Result<bool> {
        let Some(process) = &self.process else { return Ok(false) };
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Of a process, that it has ended is all that there is to read.
        Ok(poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&at_once))? == 0)
    }
}

/// Whether some daemon holds a base directory.
///
/// # Errors
/// What the system says.
pub fn is_locked(base: &Path) -> io::Result<bool> {
    let lock = match File::open(base.join(LOCK_FILE)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    // Shared, so that two who look are not in each other's way.
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What the pid file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hint {
    pid: i32,
    started: u64,
}

fn read_hint(base: &Path) -> Option<Hint> {
    let text = fs::read_to_string(base.join(PID_FILE)).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.parse().ok().filter(|pid| *pid > 0)?;
    // No number that could be taken for another process's.
    Some(Hint { pid, started: lines.next()?.strip_prefix("started=")?.parse().ok()? })
}

/// When a process was started, in ticks since the machine was: field 22 of its `stat`, counted after the name,
/// which may hold anything.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn base() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let base = directory.path().join("results/deep");
        (directory, base)
    }

    #[test]
    fn a_base_directory_has_one_daemon() {
        let (_directory, base) = base();
        assert!(Running::find(&base).expect("it can be told").is_none());
        let instance = Instance::take(&base).expect("it is free");
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let second = Instance::take(&base).expect_err("it is taken");
        assert!(matches!(second, InstanceError::Running { pid, .. } if pid == Some(own)), "{second}");
        assert_eq!(Running::find(&base).expect("it can be told").expect("it runs").pid, Some(own));
        drop(instance);
        assert!(Running::find(&base).expect("it can be told").is_none());
        assert!(!base.join(PID_FILE).exists());
        Instance::take(&base).expect("it is free again");
    }

    #[test]
    fn who_looks_is_in_nobodys_way() {
        let (_directory, base) = base();
        drop(Instance::take(&base).expect("it is free"));
        let open = || File::open(base.join(LOCK_FILE)).expect("it is there");
        let (lock, looks) = (open(), open());
        looks.try_lock_shared().expect("it is free");
        let mut looks = Some(looks);
        lock_patiently(&lock, || drop(looks.take())).expect("it is had as soon as nobody looks");
        let mut pauses = 0;
        let still = lock_patiently(&open(), || pauses += 1);
        assert!(matches!(still, Err(TryLockError::WouldBlock)) && pauses == TRIES - 1);
    }

    #[test]
    fn a_pid_without_a_lock_means_nothing() {
        let (_directory, base) = base();
        output::replace(&base.join(PID_FILE), b"1\nstarted=1\n").expect("it can be written");
        assert!(Running::find(&base).expect("it can be told").is_none());
    }

    #[test]
    fn a_process_is_there_until_it_has_ended() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("it is everywhere");
        let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).expect("it lives");
        let running = Running { pid: None, process: Some(process) };
        assert!(running.is_there().expect("it can be told"));
        // Ended, and not yet waited for.
        child.kill().expect("it lives");
        while running.is_there().expect("it can be told") {}
        child.wait().expect("it has ended");
        assert!(!running.is_there().expect("it can be told"));
        assert!(!Running { pid: None, process: None }.is_there().expect("it can be told"));
    }

    #[test]
    fn nobody_is_signalled_who_only_has_the_number() {
        let (_directory, base) = base();
        let _instance = Instance::take(&base).expect("it is free");
        for wrong in ["1\nstarted=1\n", "0\nstarted=0\n", "-5\nstarted=7\n", "what?\n", ""] {
            output::replace(&base.join(PID_FILE), wrong.as_bytes()).expect("it can be written");
            let running = Running::find(&base).expect("it can be told").expect("it runs");
            assert_eq!(running.pid, None, "{wrong:?}");
            let refused = running.signal(Signal::TERM).expect_err("nobody is meant");
            assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        }
    }
}
