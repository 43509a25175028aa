//! `world daemon start`, `stop` and `restart`: a daemon in the background.

use super::cli::{StartArgs, Which};
use super::settings::{self, Place};
use super::{DaemonError, STOPPED};
use crate::program::Failure;
use crate::stdio::Stdio;
use crate::{exit_code, own_file};
use daemon::board::{Board, Doing};
use daemon::instance::{self, Running};
use daemon::output;
use rustix::process::Signal;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio as Streams};
use std::time::{Duration, Instant};

/// What it says on its standard streams goes to these files in the base directory.
const OUT_FILE: &str = "daemon_stdout.log";
const ERR_FILE: &str = "daemon_stderr.log";

/// For a daemon to come up: it opens files, and a world of processes perhaps.
const START_TIME: Duration = Duration::from_secs(60);

/// What a stop may take longer than the grace time: for a machine that is busy.
const STOP_MARGIN: Duration = Duration::from_secs(15);

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(20);

/// Lines of what a daemon said last that are shown when it does not come up.
const LAST_WORDS: usize = 12;

/// Starts a daemon in the background.
pub(super) fn start(args: &StartArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    place.warn(stdio)?;
    if let Some(until) = &args.until {
        settings::instant(until, &place.setup)?;
    }
    // Taken for a moment, so that whoever is in the way is told here.
    drop(instance::Instance::take(&place.base).map_err(DaemonError::from)?);
    let began = size(&place.base.join(ERR_FILE));
    let mut child = spawn(args, &place)?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    match wait_until_up(&mut child, &place, pid)? {
        None => {
            let base = place.base.display();
            stdio.out.print(&[format!("Started, PID {pid}, files in {base}.")])?;
            Ok(exit_code::OK)
        }
        Some(how) => Err(DaemonError::NotStarted(last_words(&place.base.join(ERR_FILE), began, &how)).into()),
    }
}

/// Stops a daemon. That there is none is no error.
pub(super) fn stop(which: &Which, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(which)?;
    let Some(running) = find(&place)? else {
        stdio.out.print(&[format!("No daemon is running in {}.", place.base.display())])?;
        return Ok(STOPPED);
    };
    end(&running, &place)?;
    stdio.out.print(&[match running.pid {
        Some(pid) => format!("Stopped, PID {pid}."),
        None => "Stopped.".to_owned(),
    }])?;
    Ok(exit_code::OK)
}

/// Stops a daemon, if there is one, and starts it.
pub(super) fn restart(args: &StartArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    if let Some(running) = find(&place)? {
        end(&running, &place)?;
    }
    start(args, stdio)
}

fn spawn(args: &StartArgs, place: &Place) -> Result<Child, Failure> {
    let file = |name: &str| output::open_to_append(&place.base.join(name));
    let mut command = Command::new(own_file::path()?);
    command
        .args(["daemon", "run", "--detached", "--config", &args.which.config, "--base-dir"])
        .arg(&place.base);
    if let Some(until) = &args.until {
        command.args(["--until", until]);
    }
    let cannot = || DaemonError::system(format!("write in {}", place.base.display()));
    let (out, err) = (file(OUT_FILE).map_err(cannot())?, file(ERR_FILE).map_err(cannot())?);
    command.stdin(Streams::null()).stdout(out).stderr(err);
    Ok(command.spawn().map_err(DaemonError::system("start a process"))?)
}

/// Waits until it says that it has begun; gives how it ended if it did not.
fn wait_until_up(child: &mut Child, place: &Place, pid: i32) -> Result<Option<String>, Failure> {
    let end = Instant::now() + START_TIME;
    loop {
        if let Some(status) = child.try_wait().map_err(DaemonError::system("wait for the daemon"))? {
            return Ok(Some(status.to_string()));
        }
        let is_its_own =
            |board: &Board| i32::try_from(board.pid) == Ok(pid) && board.doing != Doing::Starting;
        if Board::read(&place.base).is_ok_and(|board| is_its_own(&board)) {
            return Ok(None);
        }
        if Instant::now() >= end {
            return Ok(Some(format!("it says nothing for {} s, and goes on", START_TIME.as_secs())));
        }
        std::thread::sleep(LOOK);
    }
}

fn find(place: &Place) -> Result<Option<Running>, DaemonError> {
    Running::find(&place.base).map_err(DaemonError::system("look for the daemon"))
}

fn end(running: &Running, place: &Place) -> Result<(), DaemonError> {
    running.signal(Signal::TERM).map_err(DaemonError::system("signal the daemon"))?;
    let grace = Duration::from_secs(place.setup.config.settings.grace_seconds.into());
    let patience = grace + STOP_MARGIN;
    let end = Instant::now() + patience;
    let is_there = || Ok(instance::is_locked(&place.base)? || running.is_there()?);
    while is_there().map_err(DaemonError::system("look whether the daemon is gone"))? {
        if Instant::now() >= end {
            return Err(DaemonError::NotStopped { pid: running.pid, seconds: patience.as_secs() });
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map(|file| file.len()).unwrap_or_default()
}

/// What it said since, and how it ended.
fn last_words(path: &Path, from: u64, how: &str) -> String {
    use io::{Read as _, Seek as _};
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(io::SeekFrom::Start(from))?;
        file.take(1 << 16).read_to_string(&mut text)
    });
    let lines: Vec<_> = text.lines().collect();
    match read {
        Ok(_) if !lines.is_empty() => {
            format!("{how}, after it said\n{}", lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n"))
        }
        _ => how.to_owned(),
    }
}
