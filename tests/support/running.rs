//! Runs with processes that are under way: what they say, whom they started, what they leave.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything takes that should happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A `world run` that is under way, with a directory of runs of its own.
pub struct Run {
    /// The director.
    pub child: Child,
    /// Its standard output.
    pub lines: Receiver<String>,
    /// Lines that were taken from it.
    pub seen: Vec<String>,
    /// Where its directory is.
    pub runtime_dir: tempfile::TempDir,
}

/// A directory is used for runs only if it is private.
pub fn make_private(directory: &Path) {
    std::fs::set_permissions(directory, Permissions::from_mode(0o700)).expect("its mode");
}

pub fn world(runtime_dir: &Path) -> Command {
    make_private(runtime_dir);
    let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
    // Worlds that others run on this machine are none of a test's.
    command.env("WORLD_RUNTIME_DIR", runtime_dir.join("world")).env("NO_COLOR", "1").stdin(Stdio::null());
    // The summary of a job that runs tests is none of theirs.
    command.env_remove("GITHUB_STEP_SUMMARY");
    command
}

pub fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Run {
    pub fn start(arguments: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), |command| {
            command.args(arguments.split_whitespace());
        })
    }

    pub fn start_in(runtime_dir: tempfile::TempDir, arguments: impl FnOnce(&mut Command)) -> Self {
        let mut command = world(runtime_dir.path());
        command.arg("run");
        arguments(&mut command);
        Self::spawn(runtime_dir, command)
    }

    pub fn spawn(runtime_dir: tempfile::TempDir, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program");
        let lines = lines_of(child.stdout.take().expect("its output"));
        Self { child, lines, seen: Vec::new(), runtime_dir }
    }

    /// The first line from now on that holds this.
    pub fn line_with(&mut self, part: &str) -> String {
        self.line_within(PATIENCE, part)
    }

    /// The same, of one that takes longer than most.
    pub fn line_within(&mut self, patience: Duration, part: &str) -> String {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with `{part}` in:\n{}", self.seen.join("\n")),
            }
            if let Some(line) = self.seen.last().filter(|line| line.contains(part)) {
                return line.clone();
            }
        }
    }

    /// The process of an agent that the console announced.
    pub fn pid_of(&self, agent: &str) -> Pid {
        let is_its = |line: &&String| line.contains(&format!("{agent} ")) && line.contains("PID ");
        let announced = self.seen.iter().rev().find(is_its);
        let pid = announced.and_then(|line| line.split("PID ").nth(1)?.trim().parse().ok());
        pid.and_then(Pid::from_raw).unwrap_or_else(|| panic!("no {agent} in:\n{}", self.seen.join("\n")))
    }

    /// All processes that the console announced; an SRE of a test is a thread of the test.
    pub fn agents(&self) -> Vec<Pid> {
        let announced = self.seen.iter().filter_map(|line| line.split("PID ").nth(1));
        let pids = announced.filter_map(|pid| Pid::from_raw(pid.trim().parse().ok()?));
        pids.filter(|pid| *pid != rustix::process::getpid()).collect()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the run is there");
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_until("the run ends", || self.child.try_wait().expect("a child"))
    }

    /// Waits for the end; gives the exit code and all that was said.
    pub fn end(mut self) -> Ended {
        let status = self.wait();
        self.seen.extend(self.lines.iter());
        let agents = self.agents();
        self.assert_nothing_left();
        Ended { code: status.code(), text: self.seen.join("\n"), agents }
    }

    pub fn directories(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.runtime_dir.path().join("world")) else { return Vec::new() };
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// The directory of this run.
    pub fn directory(&self) -> PathBuf {
        wait_until("the run has a directory", || {
            self.directories().into_iter().find(|path| path.join("token").exists())
        })
    }

    pub fn assert_nothing_left(&self) {
        assert_eq!(self.directories(), Vec::<PathBuf>::new());
        // Those that were started by hand are nobody's children here, and go when they are told.
        for agent in self.agents() {
            wait_until(&format!("{agent:?} is gone"), || is_gone(agent).then_some(()));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a run.
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub text: String,
    /// Processes that the console announced.
    pub agents: Vec<Pid>,
}

impl Ended {
    pub fn journal(&self) -> &str {
        let line = self.text.lines().find(|line| line.contains("Journal "));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or_else(|| panic!("{}", self.text))
    }
}

#[track_caller]
pub fn wait_until<T>(what: &str, mut reached: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = reached() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Gone, or a zombie that only waits for whoever adopted it.
pub fn is_gone(pid: Pid) -> bool {
    if test_kill_process(pid).is_err() {
        return true;
    }
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|state| state.starts_with('Z')))
}

/// Clock ticks a second, as `/proc` counts them on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time that a process has used.
pub fn used(process: Pid) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    let stat = stat.expect("it is there");
    // After the name: state is the first, user and system time are the twelfth and the thirteenth.
    let after: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: f64 = after[11..=12].iter().map(|ticks| ticks.parse::<f64>().expect("a number")).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

/// What a command says on standard error, and its exit code.
pub fn said(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("the program");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
