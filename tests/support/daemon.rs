//! A daemon with an HTTP target: its configuration, its files, and the target's own account of what it was sent.

use super::World;
use super::http_target::HttpTarget;
use super::running::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A daemon's configuration and files, and its target.
pub struct Site {
    pub directory: tempfile::TempDir,
    pub target: HttpTarget,
}

/// Cycles follow each other every second and send operations alone, twenty at a time at once.
pub const QUICK: &str = "\
execution_interval_seconds = 1
time_zone = 'UTC'
grace_seconds = 10
simulation_mix = { operations_weight = 1, guardrails_weight = 0 }
target_daily_requests = { min = 0, max = 100_000_000 }
";

pub fn loads(count: u32, threads: u32, delay: f64) -> String {
    let range = |value: f64| format!("{{ min = {value}, max = {value} }}");
    let load = |name: &str, calls: &str| {
        format!(
            "[load_profiles.{name}.{calls}]\n{} = {{ min = {count}, max = {count} }}\n\
             threads = {{ min = {threads}, max = {threads} }}\ndelay = {}\n",
            if calls == "operations" { "num_calls" } else { "num_tests" },
            range(delay)
        )
    };
    ["busy", "normal", "quiet"].map(|name| load(name, "operations") + &load(name, "guardrails")).concat()
}

impl Site {
    /// With these settings, and this load in every hour.
    pub fn with(settings: &str, load: &str) -> Self {
        let site = Self { directory: tempfile::tempdir().expect("a directory"), target: HttpTarget::start() };
        site.configure(settings, load);
        site
    }

    pub fn configure(&self, settings: &str, load: &str) {
        self.configure_for(&self.target.url(), settings, load);
    }

    /// For another target than its own.
    pub fn configure_for(&self, url: &str, settings: &str, load: &str) {
        let target = format!(
            "[target]\nkind = 'http'\ntimeout_seconds = 60\n[target.http]\nurl = '{url}?{{number}}'\n"
        );
        fs::write(self.config(), format!("{settings}{load}{target}")).expect("it is written");
    }

    pub fn config(&self) -> PathBuf {
        self.directory.path().join("daemon.toml")
    }

    pub fn base(&self) -> PathBuf {
        self.directory.path().join("results")
    }

    pub fn command(&self, command: &str) -> Command {
        let mut world = Command::new(env!("CARGO_BIN_EXE_world"));
        world.arg("daemon").args(command.split_whitespace());
        world.args(["--config".as_ref(), self.config().as_os_str()]);
        world.args(["--base-dir".as_ref(), self.base().as_os_str()]);
        world.env("NO_COLOR", "1").stdin(Stdio::null());
        world
    }

    pub fn world(&self, command: &str) -> World {
        World::of(self.command(command))
    }

    /// A daemon in the foreground.
    pub fn run(&self, more: &str) -> Living {
        let mut command = self.command(&format!("run {more}"));
        let log = fs::File::create(self.directory.path().join("stderr.log")).expect("it is made");
        Living { child: command.stdout(Stdio::null()).stderr(log).spawn().expect("it starts") }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr.log")).unwrap_or_default()
    }

    /// Waits until the daemon has said something.
    pub fn wait_for_line(&self, part: &str) {
        wait_until(part, || self.said().contains(part).then_some(()));
    }

    pub fn status(&self) -> Value {
        self.world("status --json").run().json()
    }

    pub fn summary(&self) -> Value {
        self.world("summary --json").ends_with(0).json()
    }

    /// Lines of a CSV, without its header.
    pub fn lines(&self, csv: &str) -> Vec<String> {
        let text = fs::read_to_string(self.base().join(csv)).unwrap_or_default();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    pub fn operations(&self) -> Vec<String> {
        self.lines("continuous_operations_metrics.csv")
    }
}

/// A daemon that lives.
pub struct Living {
    pub child: Child,
}

impl Living {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it lives");
    }

    /// Waits for its end: the exit code.
    pub fn end(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {value:#}"))
}

/// For every kind of a summary: each planned send has ended in one way.
pub fn assert_balanced(summary: &Value) {
    for kind in ["operations", "guardrails"] {
        let of = |what: &str| number(summary, &format!("/sends/{kind}/{what}"));
        assert_eq!(of("planned"), of("sent") + of("late") + of("dropped") + of("skipped"), "{summary:#}");
        assert_eq!(of("sent") + of("late"), of("succeeded") + of("failed"), "{summary:#}");
    }
}
