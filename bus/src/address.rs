//! Where a run is found: a directory of its own, which only its user can enter.
//!
//! ```text
//!   $XDG_RUNTIME_DIR/world/<id>/      or /tmp/world-<uid>/<id>/, or the directory of `--bus`;
//!                                     where WORLD_RUNTIME_DIR is set, only $WORLD_RUNTIME_DIR/<id>/
//!       lock       held by the director as long as it lives: `world <process id>`, and whether
//!                  it made the directory or found it
//!       token      the run's token, for agents that are started by hand
//!       bus.sock   the bus
//!       status.json    how the run stands, for whoever lists runs
//! ```
//!
//! The lock is the truth about life: a directory whose lock is free belongs to nobody and may be
//! swept away. It is released by the kernel however the director ends, so nothing has to be
//! believed about process ids.
//!
//! Only what a run made is ever written to or removed. A lock that does not begin like a run's is
//! not one, and a directory that holds such a lock, or a token or a bus without a lock, is
//! somebody else's. Directories are taken only if they belong to this user, are no
//! symbolic links and are closed to everyone else, because `/tmp` is everybody's.

use crate::token::{Token, fill_random};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of a socket's path: 108 of `sockaddr_un` on Linux, 104 elsewhere, with the final zero.
pub const SOCKET_PATH_BYTES_MAX: usize = 103;

/// How often a lock is tried before it counts as held: whoever sweeps holds it for an instant.
const LOCK_TRIES: u32 = 20;

/// Time between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Names of runs that are tried before it is given up to find one that is free.
const ID_TRIES: u32 = 16;

/// Names the one directory in which this user's runs have theirs.
const ONLY_BASE: &str = "WORLD_RUNTIME_DIR";

const LOCK: &str = "lock";
/// A lock that does not say yet what it is: it becomes [`LOCK`] when it does.
const LOCK_PART: &str = "lock.part";
const TOKEN: &str = "token";
const SOCKET: &str = "bus.sock";
const STATUS: &str = "status.json";
/// A status that is being written: it becomes [`STATUS`] as a whole.
const STATUS_PART: &str = "status.json.part";

/// What a run makes in its directory beside the lock.
const FILES: [&str; 4] = [SOCKET, TOKEN, STATUS, STATUS_PART];

/// Why a run has no address, or cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// A file or directory could not be made or read.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A directory that is not only this user's.
    #[error("{} {problem}", path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The socket would have too long a path.
    #[error("{} is too long for a socket: {bytes} bytes, the limit is {SOCKET_PATH_BYTES_MAX}", path.display())]
    TooLong {
        /// The socket.
        path: PathBuf,
        /// How long its path is.
        bytes: usize,
    },
    /// A file that has the name of a run's, but is none.
    #[error("{} holds a file `{name}` that world did not make", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The file in it.
        name: &'static str,
    },
    /// Another director runs there.
    #[error("another world runs in {}", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// No run to join.
    #[error("no world is running")]
    NoneRunning,
    /// No run in the directory that was named.
    #[error("no world is running in {}", path.display())]
    NotRunning {
        /// The directory.
        path: PathBuf,
    },
    /// More than one run to join.
    #[error("several worlds are running: {}", listed(paths))]
    SeveralRunning {
        /// Their directories.
        paths: Vec<PathBuf>,
    },
    /// The token file holds something else.
    #[error("{} does not hold a token", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
}

impl AddressError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unsafe { .. } => {
                Some("name a new directory (--bus DIR, WORLD_RUNTIME_DIR): it is made private")
            }
            Self::TooLong { .. } => Some("name a shorter directory by --bus DIR"),
            Self::NoneRunning | Self::NotRunning { .. } => Some("start one with `world run --manual`"),
            Self::Foreign { .. } => Some("name a new or an empty directory by --bus DIR"),
            Self::InUse { .. } => Some("name another directory by --bus DIR"),
            Self::SeveralRunning { .. } => Some("choose one by --bus DIR"),
            Self::Io { .. } => Some("name a directory that you can write to (--bus DIR, WORLD_RUNTIME_DIR)"),
            Self::NoToken { .. } => None,
        }
    }

    /// Whether there was no room, which is no mistake of whoever named the place.
    pub fn is_full(&self) -> bool {
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn failed<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> AddressError + 'a {
    move |source| AddressError::Io { verb, path: path.to_owned(), source }
}

// ---- the director's side ----------------------------------------------------------------------

/// The directory of this director's own run. When dropped, what the run made is removed, and with
/// it the address.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Held for as long as it is open.
    lock: Lock,
}

impl RunDirectory {
    /// Takes the directory `at`, or a new one in the usual place, after sweeping that of dead runs.
    pub fn create(at: Option<&Path>) -> Result<Self, AddressError> {
        match at {
            Some(path) => Self::claim(path),
            None => Self::create_in(&Bases::of_this_user().for_new_runs()?),
        }
    }

    /// A new directory below `base`, which is swept first.
    fn create_in(base: &Path) -> Result<Self, AddressError> {
        sweep_in(base);
        let mut tries = ID_TRIES;
        loop {
            let path = base.join(random_id().map_err(failed("name a run in", base))?);
            tries -= 1;
            match Self::claim(&path) {
                Err(AddressError::InUse { .. }) if tries > 0 => {}
                // A sweep of another run took the directory for a dead one's while it was empty.
                Err(AddressError::Io { source, .. }) if tries > 0 && source.kind() == ErrorKind::NotFound => {
                }
                taken => return taken,
            }
        }
    }

    /// Takes a directory that may exist already.
    fn claim(path: &Path) -> Result<Self, AddressError> {
        let path = &std::path::absolute(path).map_err(failed("find", path))?;
        check_socket_length(path)?;
        let mut origin = Origin::Found;
        let taken = Self::try_claim(path, &mut origin);
        if taken.is_err() && origin == Origin::Made {
            // Empty, or else somebody else's by now; then it stays.
            let _ = std::fs::remove_dir(path);
        }
        taken
    }

    fn try_claim(path: &Path, origin: &mut Origin) -> Result<Self, AddressError> {
        let mut refusal = AddressError::InUse { path: path.to_owned() };
        for _ in 0..LOCK_TRIES {
            if make_private(path)? == Origin::Made {
                *origin = Origin::Made;
            }
            refusal = match Lock::take(path, *origin) {
                Ok(Some(lock)) => return Ok(Self { path: path.to_owned(), lock }),
                Ok(None) => AddressError::InUse { path: path.to_owned() },
                // Perhaps of a director that begins this instant, and has not signed its lock yet.
                Err(foreign @ AddressError::Foreign { .. }) => foreign,
                Err(error) => return Err(error),
            };
            std::thread::sleep(LOCK_PAUSE);
        }
        Err(refusal)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bus in it.
    pub fn socket(&self) -> PathBuf {
        socket_in(&self.path)
    }

    /// Writes the token for agents that are started by hand.
    pub fn write_token(&self, token: &Token) -> Result<(), AddressError> {
        let path = self.path.join(TOKEN);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed("create", &path))?;
        writeln!(file, "{}", token.to_hex()).map_err(failed("write", &path))
    }

    /// Says how the run stands: whoever reads it finds this or what was there before, whole.
    pub fn write_status(&self, status: &[u8]) -> io::Result<()> {
        let half = self.path.join(STATUS_PART);
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32);
        options.open(&half)?.write_all(status)?;
        std::fs::rename(half, self.path.join(STATUS))
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if self.lock.is_still_in(&self.path) {
            remove(&self.path, self.lock.origin);
        }
    }
}

fn check_socket_length(directory: &Path) -> Result<(), AddressError> {
    let path = socket_in(directory);
    let bytes = path.as_os_str().len();
    if bytes > SOCKET_PATH_BYTES_MAX { Err(AddressError::TooLong { path, bytes }) } else { Ok(()) }
}

/// Eight hexadecimal digits.
fn random_id() -> io::Result<String> {
    let mut bytes = [0; 4];
    fill_random(&mut bytes)?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

/// Whether a directory is called as [`random_id`] calls them.
fn has_name_of_run(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Where a run's directory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A run made it: it goes with the run.
    Made,
    /// It was there before: it stays.
    Found,
}

/// Makes a directory of mode 0700 unless there is one.
fn make_private(path: &Path) -> Result<Origin, AddressError> {
    let origin = match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Origin::Made,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Origin::Found,
        Err(error) => return Err(failed("create", path)(error)),
    };
    check_private(path)?;
    Ok(origin)
}

/// Whether a directory is this user's, real, and closed to everyone else.
fn check_private(path: &Path) -> Result<(), AddressError> {
    let found = std::fs::symlink_metadata(path).map_err(failed("look at", path))?;
    let problem = if !found.is_dir() {
        "is not a directory"
    } else if found.uid() != geteuid().as_raw() {
        "belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "is open to other users"
    } else {
        return Ok(());
    };
    Err(AddressError::Unsafe { path: path.to_owned(), problem })
}

// ---- the lock ---------------------------------------------------------------------------------

/// A lock that this process holds.
#[derive(Debug)]
struct Lock {
    file: File,
    origin: Origin,
}

/// What a lock says.
struct Content {
    director: u32,
    origin: Origin,
}

/// What a lock says first: by that it is known.
const MAGIC: &str = "world ";
const MADE: &str = "directory made";
const FOUND: &str = "directory found";

/// More bytes than any lock has.
const LOCK_BYTES_MAX: u64 = 64;

impl Content {
    /// `None` when this is not what a run wrote.
    fn read(file: &File) -> Option<Self> {
        let mut bytes = [0; LOCK_BYTES_MAX as usize];
        let length = file.read_at(&mut bytes, 0).ok()?;
        let mut lines = std::str::from_utf8(&bytes[..length]).ok()?.lines();
        let director = lines.next()?.strip_prefix(MAGIC)?.parse().ok()?;
        // What does not say that it was made counts as found, and stays.
        let origin = if lines.next() == Some(MADE) { Origin::Made } else { Origin::Found };
        Some(Self { director, origin })
    }

    /// Writes over what is there, so that nobody ever sees a lock that says nothing.
    fn write(&self, file: &File) -> io::Result<()> {
        let origin = match self.origin {
            Origin::Made => MADE,
            Origin::Found => FOUND,
        };
        let text = format!("{MAGIC}{}\n{origin}\n", self.director);
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(text.len() as u64)
    }
}

impl Lock {
    /// Takes the lock of a directory for this process: that of a dead run, whose files are removed,
    /// or a new one. `None` when somebody else holds it, or took it away meanwhile.
    fn take(directory: &Path, origin: Origin) -> Result<Option<Self>, AddressError> {
        let lock = match Self::look(directory)? {
            Look::Missing => return Self::make(directory, origin),
            Look::Foreign => return Err(AddressError::Foreign { path: directory.to_owned(), name: LOCK }),
            Look::Ours(file) => Self::hold(directory, file)?,
        };
        let Some(mut lock) = lock else { return Ok(None) };
        for name in FILES {
            let _ = std::fs::remove_file(directory.join(name));
        }
        if origin == Origin::Made {
            lock.origin = origin;
        }
        lock.sign(directory)?;
        Ok(Some(lock))
    }

    fn make(directory: &Path, origin: Origin) -> Result<Option<Self>, AddressError> {
        for name in FILES {
            if directory.join(name).symlink_metadata().is_ok() {
                return Err(AddressError::Foreign { path: directory.to_owned(), name });
            }
        }
        let half = directory.join(LOCK_PART);
        let Some(file) = Self::begin(&half)? else { return Ok(None) };
        let lock = Self { file, origin };
        lock.sign(directory)?;
        // Whoever is killed before this has made no lock yet, and after it one that is known as a run's.
        let made = std::fs::hard_link(&half, directory.join(LOCK));
        let _ = std::fs::remove_file(&half);
        match made {
            Ok(()) => Ok(lock.is_still_in(directory).then_some(lock)),
            Err(error) if is_lost_race(&error) => Ok(None),
            Err(error) => Err(failed("create", &directory.join(LOCK))(error)),
        }
    }

    /// A file that is to become a lock, held; `None` when somebody else makes one, or swept it away.
    fn begin(half: &Path) -> Result<Option<File>, AddressError> {
        let mut options = OpenOptions::new();
        let file = match options.read(true).write(true).create_new(true).mode(0o600).open(half) {
            Ok(file) => file,
            Err(error) if is_lost_race(&error) => return clear_half(half).map(|()| None),
            Err(error) => return Err(failed("create", half)(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("lock", half)(error)),
        }
    }

    fn sign(&self, directory: &Path) -> Result<(), AddressError> {
        let content = Content { director: std::process::id(), origin: self.origin };
        content.write(&self.file).map_err(failed("write", &directory.join(LOCK)))
    }

    /// What the lock of a directory is; touches nothing.
    fn look(directory: &Path) -> Result<Look, AddressError> {
        let path = directory.join(LOCK);
        match path.symlink_metadata() {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Ok(Look::Foreign),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Look::Missing),
            Err(error) => return Err(failed("look at", &path)(error)),
        }
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut options = OpenOptions::new();
        match options.read(true).write(true).custom_flags(flags.bits() as i32).open(&path) {
            Ok(file) if Content::read(&file).is_some() => Ok(Look::Ours(file)),
            Ok(_) => Ok(Look::Foreign),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Look::Missing),
            Err(error) => Err(failed("open", &path)(error)),
        }
    }

    /// Holds a lock that a run made; `None` when somebody else does, or took it away meanwhile.
    fn hold(directory: &Path, file: File) -> Result<Option<Self>, AddressError> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &directory.join(LOCK))(error)),
        }
        let Some(Content { origin, .. }) = Content::read(&file) else { return Ok(None) };
        let lock = Self { file, origin };
        Ok(lock.is_still_in(directory).then_some(lock))
    }

    /// Whether the path still leads to this file: whoever swept in between has removed it.
    fn is_still_in(&self, directory: &Path) -> bool {
        match (self.file.metadata(), directory.join(LOCK).symlink_metadata()) {
            (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }
}

/// Another director was faster, or somebody swept the directory.
fn is_lost_race(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound)
}

/// Removes what a director left that was killed while it made its lock: nobody holds that. What no run
/// made is refused.
fn clear_half(half: &Path) -> Result<(), AddressError> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match options.read(true).write(true).custom_flags(flags.bits() as i32).open(half) {
        Ok(file) => file,
        Err(error) if is_lost_race(&error) => return Ok(()),
        Err(error) => return Err(failed("open", half)(error)),
    };
    let is_empty = file.metadata().is_ok_and(|found| found.is_file() && found.len() == 0);
    if !is_empty && Content::read(&file).is_none() {
        let directory = half.parent().unwrap_or(half).to_owned();
        return Err(AddressError::Foreign { path: directory, name: LOCK_PART });
    }
    if file.try_lock().is_ok() {
        let _ = std::fs::remove_file(half);
    }
    Ok(())
}

/// What stands in the place of a lock.
enum Look {
    /// Nothing.
    Missing,
    /// Something that no run made.
    Foreign,
    /// A run's lock, held or free.
    Ours(File),
}

// ---- finding and sweeping ---------------------------------------------------------------------

/// A run that is going on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Running {
    /// Its directory; the last part is its id.
    pub path: PathBuf,
    /// The process id of its director.
    pub director: Option<u32>,
}

/// The runs of this user in the usual places, by path; directories of dead runs are swept.
pub fn running() -> Vec<Running> {
    let mut all: Vec<Running> =
        Bases::of_this_user().existing().iter().flat_map(|base| sweep_in(base)).collect();
    all.sort();
    all
}

/// The run in a directory that was named, if one is going on there.
pub fn running_in(path: &Path) -> Result<Option<Running>, AddressError> {
    let path = &std::path::absolute(path).map_err(failed("find", path))?;
    if !path.exists() {
        return Ok(None);
    }
    check_private(path)?;
    let state = state(path);
    if matches!(state, State::Unlocked) {
        let _ = clear_half(&path.join(LOCK_PART));
    }
    Ok(living(state, path))
}

/// How the run in a directory stands, as it wrote it last; `None` when it has written nothing yet.
pub fn status_in(directory: &Path) -> Option<Vec<u8>> {
    std::fs::read(directory.join(STATUS)).ok()
}

/// The directory of the run that an agent means: `at`, or else the only one there is.
pub fn find(at: Option<&Path>) -> Result<PathBuf, AddressError> {
    match at {
        Some(path) => named(path),
        None => only(running()),
    }
}

fn named(path: &Path) -> Result<PathBuf, AddressError> {
    if !path.exists() {
        return Err(AddressError::NotRunning { path: path.to_owned() });
    }
    check_private(path)?;
    match state(path) {
        State::Running(_) => Ok(path.to_owned()),
        State::Dead(_) | State::Unlocked => Err(AddressError::NotRunning { path: path.to_owned() }),
    }
}

fn only(mut running: Vec<Running>) -> Result<PathBuf, AddressError> {
    match running.len() {
        0 => Err(AddressError::NoneRunning),
        1 => Ok(running.remove(0).path),
        _ => Err(AddressError::SeveralRunning { paths: running.into_iter().map(|run| run.path).collect() }),
    }
}

/// The bus of the run in a directory.
pub fn socket_in(directory: &Path) -> PathBuf {
    directory.join(SOCKET)
}

/// The token of the run in a directory.
pub fn token_in(directory: &Path) -> Result<Token, AddressError> {
    let path = directory.join(TOKEN);
    let text = std::fs::read_to_string(&path).map_err(failed("read", &path))?;
    Token::from_hex(&text).map_err(|_| AddressError::NoToken { path })
}

/// Removes the directory of a run whose director is gone; waits an instant for the kernel to
/// release its lock. For agents that leave; whether it worked is nobody's concern.
pub fn remove_if_dead(directory: &Path) {
    if check_private(directory).is_err() {
        return;
    }
    for _ in 0..LOCK_TRIES {
        match state(directory) {
            State::Dead(held) => return remove(directory, held.origin),
            State::Running(_) => std::thread::sleep(LOCK_PAUSE),
            State::Unlocked => return,
        }
    }
}

/// Removes what a run made, while its lock is held. The directory goes only if a run made it, too,
/// and nothing else is in it.
fn remove(directory: &Path, origin: Origin) {
    for name in FILES.into_iter().chain([LOCK_PART, LOCK]) {
        let _ = std::fs::remove_file(directory.join(name));
    }
    if origin == Origin::Made {
        let _ = std::fs::remove_dir(directory);
    }
}

/// Removes the directories of dead runs below `base`; gives those of living ones.
fn sweep_in(base: &Path) -> Vec<Running> {
    let Ok(entries) = std::fs::read_dir(base) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| check_private(path).is_ok()).filter_map(|path| sweep(&path)).collect()
}

/// Of a directory below a base, where an empty one that is called like a run's was one's, too.
fn sweep(path: &Path) -> Option<Running> {
    let state = state(path);
    if matches!(state, State::Unlocked) && has_name_of_run(path) {
        let _ = clear_half(&path.join(LOCK_PART));
        // A run that is about to begin there tries again when its empty directory vanishes.
        let _ = std::fs::remove_dir(path);
    }
    living(state, path)
}

/// The run in a directory, if it lives; what a dead one left is removed.
fn living(state: State, path: &Path) -> Option<Running> {
    match state {
        State::Running(director) => Some(Running { path: path.to_owned(), director }),
        State::Dead(held) => {
            remove(path, held.origin);
            None
        }
        State::Unlocked => None,
    }
}

/// Whether somebody holds the lock of a directory.
enum State {
    /// A director, with its process id.
    Running(Option<u32>),
    /// Nobody but us now: whoever removes the directory holds the lock meanwhile, so that no
    /// director can begin in it.
    Dead(Lock),
    /// There is no lock that a run made, or it cannot be looked at.
    Unlocked,
}

fn state(directory: &Path) -> State {
    let Ok(Look::Ours(file)) = Lock::look(directory) else { return State::Unlocked };
    let director = Content::read(&file).map(|content| content.director);
    match Lock::hold(directory, file) {
        Ok(Some(held)) => State::Dead(held),
        Ok(None) if directory.join(LOCK).exists() => State::Running(director),
        _ => State::Unlocked,
    }
}

/// Where directories of runs lie.
#[derive(Debug)]
struct Bases {
    /// That of the session, if there is one.
    session: Option<PathBuf>,
    /// That which always works, or the only one.
    temporary: PathBuf,
}

impl Bases {
    fn of_this_user() -> Self {
        if let Some(only) = std::env::var_os(ONLY_BASE).filter(|only| !only.is_empty()) {
            return Self { session: None, temporary: only.into() };
        }
        Self::with_session(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
    }

    /// A session's directory counts only if it is what it has to be: private.
    fn with_session(session: Option<PathBuf>) -> Self {
        let session = session.filter(|path| path.is_absolute() && check_private(path).is_ok());
        Self {
            session: session.map(|path| path.join("world")),
            temporary: PathBuf::from(format!("/tmp/world-{}", geteuid().as_raw())),
        }
    }

    /// The first that can be used; the error is that of the last.
    fn for_new_runs(&self) -> Result<PathBuf, AddressError> {
        if let Some(session) = &self.session
            && check_socket_length(&session.join("01234567")).is_ok()
            && make_private(session).is_ok()
        {
            return Ok(session.clone());
        }
        make_private(&self.temporary)?;
        Ok(self.temporary.clone())
    }

    fn existing(&self) -> Vec<&Path> {
        let all = self.session.iter().chain([&self.temporary]).map(PathBuf::as_path);
        all.filter(|path| check_private(path).is_ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    fn base() -> TempDir {
        tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().expect("a directory")
    }

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).expect("a file").mode() & 0o7777
    }

    /// Ends a run as a kill does: its files stay.
    fn kill(run: RunDirectory) {
        let path = run.path.clone();
        let kept = path.with_extension("kept");
        std::fs::rename(&path, &kept).expect("renamed away from its owner");
        drop(run);
        std::fs::rename(&kept, &path).expect("renamed back");
    }

    /// What a director leaves that was killed.
    fn dead_run(base: &Path) -> PathBuf {
        let run = RunDirectory::create_in(base).expect("a run");
        run.write_token(&Token::random().expect("randomness")).expect("a token");
        std::fs::write(run.socket(), "").expect("a socket");
        run.write_status(b"{}").expect("a status");
        let path = run.path.clone();
        kill(run);
        path
    }

    #[test]
    fn only_its_user_can_enter_a_run_and_read_its_token() {
        let base = base();
        let run = RunDirectory::create_in(base.path()).expect("a run");
        let token = Token::random().expect("randomness");
        run.write_token(&token).expect("a token");
        assert_eq!(mode(run.path()), 0o700);
        assert_eq!(mode(&run.path().join(TOKEN)), 0o600);
        assert_eq!(mode(&run.path().join(LOCK)), 0o600);
        assert!(token_in(run.path()).expect("the token").matches(&token));
    }

    #[test]
    fn a_status_is_replaced_as_a_whole_and_only_its_user_can_read_it() {
        let base = base();
        let run = RunDirectory::create_in(base.path()).expect("a run");
        assert_eq!(status_in(run.path()), None);
        for status in [&b"a longer one"[..], b"short"] {
            run.write_status(status).expect("written");
            assert_eq!(status_in(run.path()).as_deref(), Some(status));
            assert_eq!(mode(&run.path().join(STATUS)), 0o600);
        }
        assert!(!run.path().join(STATUS_PART).exists());
    }

    #[test]
    fn a_run_in_a_directory_that_is_named_is_found_there() {
        let base = base();
        let (here, missing) = (base.path().join("here"), base.path().join("missing"));
        let run = RunDirectory::create(Some(&here)).expect("a run");
        let found = running_in(&here).expect("it is private").expect("it runs");
        assert_eq!(found, Running { path: here.clone(), director: Some(std::process::id()) });
        drop(run);
        assert_eq!(running_in(&here).expect("it is gone"), None);
        assert_eq!(running_in(&missing).expect("there is none"), None);
    }

    #[test]
    fn a_run_that_ends_leaves_nothing() {
        let base = base();
        let run = RunDirectory::create_in(base.path()).expect("a run");
        run.write_status(b"{}").expect("a status");
        drop(run);
        assert_eq!(std::fs::read_dir(base.path()).expect("the base").count(), 0);
    }

    #[test]
    fn a_living_run_is_listed_with_its_director_and_survives_a_sweep() {
        let base = base();
        let run = RunDirectory::create_in(base.path()).expect("a run");
        let living = [Running { path: run.path().to_owned(), director: Some(std::process::id()) }];
        assert_eq!(sweep_in(base.path()), living);
        assert_eq!(sweep_in(base.path()), living);
    }

    #[test]
    fn a_dead_run_is_swept_by_the_next() {
        let base = base();
        let dead = dead_run(base.path());
        assert!(dead.join(SOCKET).exists());
        let _next = RunDirectory::create_in(base.path()).expect("a run");
        assert!(!dead.exists());
    }

    #[test]
    fn an_agent_that_leaves_removes_a_dead_run_but_no_living_one() {
        let base = base();
        let run = RunDirectory::create_in(base.path()).expect("a run");
        remove_if_dead(run.path());
        assert!(run.path().join(LOCK).exists());
        let dead = dead_run(base.path());
        remove_if_dead(&dead);
        assert!(!dead.exists());
    }

    #[test]
    fn a_sweep_leaves_what_is_not_a_run_alone() {
        let base = base();
        std::fs::create_dir(base.path().join("other")).expect("a directory");
        std::fs::set_permissions(base.path().join("other"), Permissions::from_mode(0o700)).expect("its mode");
        std::fs::write(base.path().join("other/precious"), "").expect("a file");
        let elsewhere = tempfile::tempdir().expect("a directory");
        symlink(elsewhere.path(), base.path().join("link")).expect("a link");
        std::fs::write(elsewhere.path().join(LOCK), "").expect("a file that looks like a lock");
        assert_eq!(sweep_in(base.path()), []);
        assert!(base.path().join("other/precious").exists());
        assert!(elsewhere.path().join(LOCK).exists());
    }

    #[test]
    fn a_second_director_at_the_same_address_is_refused() {
        let base = base();
        let at = base.path().join("here");
        let run = RunDirectory::create(Some(&at)).expect("a run");
        let second = RunDirectory::create(Some(&at)).expect_err("a held lock");
        assert!(matches!(second, AddressError::InUse { .. }), "{second}");
        assert!(second.to_string().contains("another world runs in"), "{second}");
        drop(run);
        RunDirectory::create(Some(&at)).expect("a free address");
    }

    #[test]
    fn a_directory_that_is_named_keeps_what_else_is_in_it() {
        let base = base();
        std::fs::write(base.path().join("notes"), "").expect("a file");
        drop(RunDirectory::create(Some(base.path())).expect("a run"));
        assert!(base.path().join("notes").exists());
        assert!(!base.path().join(LOCK).exists());
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let base = base();
        std::fs::set_permissions(base.path(), Permissions::from_mode(0o750)).expect("its mode");
        let refused = RunDirectory::create(Some(base.path())).expect_err("an open directory");
        assert!(matches!(refused, AddressError::Unsafe { .. }), "{refused}");
        assert!(refused.hint().is_some());
        std::fs::set_permissions(base.path(), Permissions::from_mode(0o700)).expect("its mode");
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let base = base();
        let (target, link) = (base.path().join("target"), base.path().join("link"));
        DirBuilder::new().mode(0o700).create(&target).expect("a directory");
        symlink(&target, &link).expect("a link");
        let refused = RunDirectory::create(Some(&link)).expect_err("a link");
        assert!(matches!(refused, AddressError::Unsafe { .. }), "{refused}");
        symlink(base.path().join("precious"), target.join(LOCK)).expect("a link");
        let refused = RunDirectory::create(Some(&target)).expect_err("a lock that is a link");
        assert!(matches!(refused, AddressError::Foreign { .. }), "{refused}");
        assert!(!base.path().join("precious").exists());
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_refused() {
        let base = base();
        let refused = RunDirectory::create(Some(&base.path().join("x".repeat(100)))).expect_err("too long");
        assert!(matches!(refused, AddressError::TooLong { .. }), "{refused}");
    }

    #[test]
    fn a_session_directory_that_is_too_long_or_missing_gives_way_to_the_temporary_one() {
        let base = base();
        let temporary = base.path().join("temporary");
        for session in [base.path().join("x".repeat(100)), base.path().join("missing/world")] {
            let bases = Bases { session: Some(session), temporary: temporary.clone() };
            assert_eq!(bases.for_new_runs().expect("a base"), temporary);
            assert_eq!(mode(&temporary), 0o700);
        }
        let session = base.path().join("world");
        let bases = Bases { session: Some(session.clone()), temporary };
        assert_eq!(bases.for_new_runs().expect("a base"), session);
    }

    #[test]
    fn an_agent_finds_the_only_run_and_is_told_of_none_or_several() {
        let base = base();
        let run = |name: &str| Running { path: base.path().join(name), director: None };
        assert!(matches!(only(Vec::new()), Err(AddressError::NoneRunning)));
        assert_eq!(only(vec![run("one")]).expect("the only one"), base.path().join("one"));
        let several = only(vec![run("one"), run("two")]).expect_err("two").to_string();
        assert!(several.contains("/one, ") && several.contains("/two"), "{several}");
    }

    #[test]
    fn an_agent_does_not_join_a_dead_or_missing_run() {
        let base = base();
        let dead = dead_run(base.path());
        for path in [dead, base.path().join("missing")] {
            assert!(matches!(find(Some(&path)), Err(AddressError::NotRunning { .. })), "{}", path.display());
        }
        let run = RunDirectory::create_in(base.path()).expect("a run");
        assert_eq!(find(Some(run.path())).expect("a living run"), run.path());
    }

    #[test]
    fn a_directory_with_files_that_no_world_made_is_refused_and_left_as_it_is() {
        for names in [&[LOCK, TOKEN][..], &[LOCK], &[TOKEN], &[SOCKET], &["lock", "token", "bus.sock"]] {
            for text in ["", "precious\n", "12345\n", "world of my own\n"] {
                let base = base();
                let at = &base.path().join("0123abcd");
                DirBuilder::new().mode(0o700).create(at).expect("a directory");
                for name in names {
                    std::fs::write(at.join(name), text).expect("a file");
                }
                let refused = RunDirectory::create(Some(at)).expect_err("somebody else's files");
                assert!(refused.to_string().contains("that world did not make"), "{refused}");
                assert!(refused.hint().is_some());
                remove_if_dead(at);
                assert_eq!(sweep_in(base.path()), []);
                assert_eq!(std::fs::read_dir(at).expect("the directory").count(), names.len());
                for name in names {
                    assert_eq!(std::fs::read_to_string(at.join(name)).expect("a file"), text);
                }
            }
        }
    }

    #[test]
    fn a_lock_that_is_no_file_is_refused() {
        let base = base();
        std::fs::create_dir(base.path().join(LOCK)).expect("a directory");
        let refused = RunDirectory::create(Some(base.path())).expect_err("somebody else's directory");
        assert!(refused.to_string().contains("that world did not make"), "{refused}");
        assert!(base.path().join(LOCK).is_dir());
    }

    #[test]
    fn a_directory_that_was_there_before_stays() {
        let base = base();
        let (found, made) = (base.path().join("found"), base.path().join("made"));
        DirBuilder::new().mode(0o700).create(&found).expect("a directory");
        for at in [&found, &made] {
            drop(RunDirectory::create(Some(at)).expect("a run"));
        }
        assert!(found.exists() && !made.exists());
        for clear in [remove_if_dead as fn(&Path), |path| drop(sweep(path))] {
            for at in [&found, &made] {
                kill(RunDirectory::create(Some(at)).expect("a run"));
                clear(at);
            }
            assert_eq!(std::fs::read_dir(&found).expect("it stays").count(), 0);
            assert!(!made.exists());
        }
        // Whoever takes the place of a dead run keeps to what that one found.
        for at in [&found, &made] {
            kill(RunDirectory::create(Some(at)).expect("a run"));
            drop(RunDirectory::create(Some(at)).expect("a run in its place"));
        }
        assert!(found.exists() && !made.exists());
    }

    #[test]
    fn an_empty_directory_goes_only_if_it_has_the_name_of_a_run() {
        let base = base();
        for name in ["mine", "0123abcd"] {
            DirBuilder::new().mode(0o700).create(base.path().join(name)).expect("a directory");
        }
        assert_eq!(sweep_in(base.path()), []);
        assert!(base.path().join("mine").exists());
        assert!(!base.path().join("0123abcd").exists());
    }

    #[test]
    fn what_a_director_leaves_that_is_killed_while_it_makes_its_lock_is_in_nobodys_way() {
        let base = base();
        for text in ["", "world 123\ndirectory made\n"] {
            let at = base.path().join("0123abcd");
            DirBuilder::new().mode(0o700).create(&at).expect("a directory");
            std::fs::write(at.join(LOCK_PART), text).expect("half a lock");
            drop(RunDirectory::create(Some(&at)).expect("a run in its place"));
            assert_eq!(std::fs::read_dir(&at).expect("it was found").count(), 0);
            std::fs::write(at.join(LOCK_PART), text).expect("half a lock");
            assert_eq!(running_in(&at).expect("it is private"), None);
            assert_eq!(std::fs::read_dir(&at).expect("it stays, for it may be its user's").count(), 0);
            std::fs::write(at.join(LOCK_PART), text).expect("half a lock");
            assert_eq!(sweep_in(base.path()), []);
            assert!(!at.exists(), "{text:?}");
        }
    }

    #[test]
    fn half_a_lock_that_somebody_holds_or_that_no_run_made_stays() {
        let base = base();
        let at = base.path().join("0123abcd");
        DirBuilder::new().mode(0o700).create(&at).expect("a directory");
        std::fs::write(at.join(LOCK_PART), "precious").expect("a file");
        assert_eq!(sweep_in(base.path()), []);
        let refused = RunDirectory::create(Some(&at)).expect_err("somebody else's file");
        assert!(matches!(refused, AddressError::Foreign { name: LOCK_PART, .. }), "{refused}");
        assert_eq!(std::fs::read_to_string(at.join(LOCK_PART)).expect("a file"), "precious");
        std::fs::write(at.join(LOCK_PART), "").expect("half a lock");
        let director = File::open(at.join(LOCK_PART)).expect("half a lock");
        director.lock().expect("nobody else holds it");
        assert_eq!(sweep_in(base.path()), []);
        assert!(at.join(LOCK_PART).exists());
    }

    #[test]
    fn a_named_directory_goes_only_with_a_dead_run_in_it() {
        let base = base();
        let empty = base.path().join("0123abcd");
        DirBuilder::new().mode(0o700).create(&empty).expect("a directory");
        assert_eq!(running_in(&empty).expect("it can be looked at"), None);
        assert!(empty.exists(), "an empty directory is its user's, whatever its name");
        let dead = dead_run(base.path());
        assert_eq!(running_in(&dead).expect("it can be looked at"), None);
        assert!(!dead.exists());
        let run = RunDirectory::create_in(base.path()).expect("a run");
        let found = running_in(run.path()).expect("it can be looked at").expect("a living run");
        assert_eq!((&*found.path, found.director), (run.path(), Some(std::process::id())));
    }

    #[test]
    fn what_replaced_a_run_is_not_removed_with_it() {
        let base = base();
        let run = RunDirectory::create(Some(&base.path().join("run"))).expect("a run");
        std::fs::rename(run.path(), base.path().join("moved")).expect("moved away");
        DirBuilder::new().mode(0o700).create(run.path()).expect("another directory");
        let (lock, token) = (run.path().join(LOCK), run.path().join(TOKEN));
        std::fs::write(&lock, "").expect("another lock");
        std::fs::write(&token, "").expect("another token");
        drop(run);
        assert!(lock.exists() && token.exists());
    }

    #[test]
    fn a_session_directory_that_others_may_enter_is_not_used() {
        let base = base();
        let session = |runtime: &Path| Bases::with_session(Some(runtime.to_owned())).session;
        assert_eq!(session(base.path()), Some(base.path().join("world")));
        assert_eq!(session(&base.path().join("missing")), None);
        assert_eq!(session(Path::new("relative")), None);
        std::fs::set_permissions(base.path(), Permissions::from_mode(0o755)).expect("its mode");
        assert_eq!(session(base.path()), None);
        if !geteuid().is_root() {
            assert_eq!(session(Path::new("/")), None);
        }
    }
}
