//! A program's processes: started together, ended together, and none is left.
//!
//! The program is started into the group of its [guard](super::guard), which ends the group if whoever
//! started it cannot. The pipes' ends that stay here never block: see [`super::talk`].

use super::kin::{Kin, Stat};
use super::log::Log;
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// From the end of what a program says to its own: the system sees to both at once, unless it is overloaded.
const END_SEEN_TIME: Duration = Duration::from_millis(100);

/// From one look to the next.
const END_SEEN_STEP: Duration = Duration::from_millis(1);

/// The processes of one program, and its pipes.
#[derive(Debug)]
pub(crate) struct Running {
    guard: Child,
    program: Child,
    /// What it reads; `None` once it is closed.
    pub(crate) stdin: Option<OwnedFd>,
    /// What it writes; `None` once it has ended.
    pub(crate) stdout: Option<OwnedFd>,
    /// Its log; `None` when it writes that by itself, or it has ended.
    pub(crate) stderr: Option<OwnedFd>,
    /// How it ended, once that was seen.
    ended: Option<ExitStatus>,
    /// Its guard is gone, and so is it.
    is_unguarded: bool,
}

impl Running {
    /// Has a shell run a command; `world` is the program whose guard leads the group.
    pub(crate) fn start(world: &Path, command: &str, log: &Log) -> io::Result<Self> {
        let mut guard = guard(world).spawn()?;
        match program(command, log, &guard).and_then(|mut command| command.spawn()) {
            Ok(program) => Self::with_pipes(guard, program),
            Err(error) => {
                end(&mut guard);
                Err(error)
            }
        }
    }

    fn with_pipes(guard: Child, mut program: Child) -> io::Result<Self> {
        let stdin = program.stdin.take().map(OwnedFd::from);
        let stdout = program.stdout.take().map(OwnedFd::from);
        let stderr = program.stderr.take().map(OwnedFd::from);
        // From here on its processes are ended whatever happens.
        let mut running = Self { guard, program, stdin, stdout, stderr, ended: None, is_unguarded: false };
        for end in [&running.stdin, &running.stdout, &running.stderr].into_iter().flatten() {
            ioctl_fionbio(end, true)?;
        }
        if let Some(pipe) = &mut running.guard.stdin {
            writeln!(pipe, "{}", running.program.id())?;
        }
        Ok(running)
    }

    /// How the command ended, if it has; others of its group may still be there.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.program.try_wait().ok().flatten();
        }
        if self.ended.is_none() && !self.is_unguarded && matches!(self.guard.try_wait(), Ok(Some(_))) {
            // Somebody killed its guard, and nobody would end it after this process.
            self.is_unguarded = true;
            self.kill();
            self.ended = self.program.try_wait().ok().flatten();
        }
        self.ended
    }

    /// The same for one that has just closed its standard output, as one that ends does a moment before.
    pub(crate) fn ended_soon(&mut self) -> Option<ExitStatus> {
        let began = Instant::now();
        while self.ended().is_none() && began.elapsed() < END_SEEN_TIME {
            sleep(END_SEEN_STEP);
        }
        self.ended
    }

    /// Whether that was seen.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Others of its group that are there, by name; nobody where the system does not tell.
    pub(crate) fn others(&self) -> Vec<String> {
        let known = [self.guard.id(), self.program.id()];
        let others = members(self.guard.id()).into_iter().filter(|(pid, _)| !known.contains(pid));
        others.map(|(_, name)| name).collect()
    }

    /// Kills whoever is left of the group, and whoever descends from the program, and reaps the two that are
    /// children of this process.
    pub(crate) fn kill(&mut self) {
        self.stdin = None;
        // They descend from it as long as it is there.
        let kin = i32::try_from(self.program.id())
            .ok()
            .filter(|_| self.ended().is_none())
            .map(|pid| Kin::of([pid]));
        // The guard is not reaped before this, so the number is still the group's.
        if let Some(group) = i32::try_from(self.guard.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if self.ended().is_none() {
            // It may have left the group.
            end(&mut self.program);
        }
        if let Some(kin) = kin {
            kin.kill();
        }
        end(&mut self.guard);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills a child and waits for its end, which does not fail to come.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn guard(world: &Path) -> Command {
    let mut command = Command::new(world);
    // It has nothing to say, and must not hold what others wait for the end of.
    command.args(["agent", "guard"]).stdin(Stdio::piped()).stdout(nowhere()).stderr(nowhere());
    command.process_group(0);
    command
}

/// Those of a group that are there, with their names; nobody where the system does not tell.
pub(crate) fn members(group: u32) -> Vec<(u32, String)> {
    let of_group = Stat::of_all().into_iter().filter(|(_, stat)| stat.group == group && !stat.is_dead());
    of_group.map(|(pid, stat)| (pid, stat.name)).collect()
}

/// Takes what a process may write, and drops it: a bare root directory has no `/dev/null`, and there it is a pipe
/// that nobody reads.
pub fn nowhere() -> Stdio {
    let null = File::options().write(true).open("/dev/null").map(Stdio::from);
    null.or_else(|_| io::pipe().map(|(_, writer)| writer.into())).unwrap_or_else(|_| Stdio::null())
}

fn program(command: &str, log: &Log, guard: &Child) -> io::Result<Command> {
    let group = i32::try_from(guard.id()).map_err(io::Error::other)?;
    let stderr = if log.is_shared() { Stdio::inherit() } else { Stdio::piped() };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
    shell.process_group(group);
    Ok(shell)
}

/// How a process ended, as a fragment.
pub fn how_it_ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, Some(code)) => format!("exited with code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::LogTo;
    use super::*;
    use std::fs;

    /// Whether there is a process with this in its command line.
    fn is_there(mark: &str) -> bool {
        let line = |pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        Stat::of_all().into_iter().any(|(pid, stat)| !stat.is_dead() && line(pid).contains(mark))
    }

    #[test]
    fn whatever_a_start_comes_to_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let mark = dir.path().to_str().expect("text");
        let command = format!(": {mark}; exec sleep 1000 {mark}");
        let log = Log::open(&LogTo::Nowhere, "oncall");
        // A guard that is gone at once, before or after it is told of its program.
        for _ in 0..20 {
            drop(Running::start(Path::new("true"), &command, &log));
            assert!(!is_there(mark));
        }
        assert!(Running::start(Path::new("/no/such/file"), &command, &log).is_err());
    }
}
