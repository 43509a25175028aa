//! Runs the program as a user would, and looks at what it says and leaves behind.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod daemon;
pub mod http_target;
pub mod running;
pub mod schema;

use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// One call of the program.
#[derive(Debug)]
pub struct World {
    command: Command,
}

/// What came of a call.
#[derive(Debug)]
pub struct Ended {
    /// What was typed, for messages.
    pub typed: String,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// The program with these arguments, blanks between them.
pub fn world(arguments: &str) -> World {
    world_with(&arguments.split_whitespace().collect::<Vec<_>>())
}

/// The program with these arguments.
pub fn world_with(arguments: &[&str]) -> World {
    let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("GITHUB_STEP_SUMMARY").stdin(Stdio::null());
    World { command }
}

impl World {
    /// A command of one's own that comes to the same.
    pub fn of(command: Command) -> Self {
        Self { command }
    }

    /// With these arguments, too.
    pub fn and(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// In this directory.
    pub fn inside(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// The command, for what a test wants to do with it.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Ended {
        let Output { status, stdout, stderr } = self.command.output().expect("the program starts");
        Ended {
            typed: format!("{:?}", self.command.get_args().collect::<Vec<_>>()),
            code: status.code(),
            out: String::from_utf8(stdout).expect("standard output is text"),
            err: String::from_utf8(stderr).expect("standard error is text"),
        }
    }

    /// Runs it; it must end with this exit code.
    pub fn ends_with(self, code: i32) -> Ended {
        let ended = self.run();
        assert_eq!(ended.code, Some(code), "{}\n{}\n{}", ended.typed, ended.out, ended.err);
        ended
    }

    /// Runs it; it must refuse, with these words on standard error and nothing on standard output.
    pub fn refused_with(self, words: &[&str]) {
        let ended = self.ends_with(2);
        assert_eq!(ended.out, "", "{}", ended.typed);
        for word in words {
            assert!(ended.err.contains(word), "{}: no `{word}` in:\n{}", ended.typed, ended.err);
        }
    }
}

impl Ended {
    /// Standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("standard output is one JSON document")
    }
}

/// The document of the command that a document says it is repeated by, run by a shell as a user would.
pub fn repeated(document: &Value) -> Value {
    let repeat = document["repeat"].as_str().expect("a command");
    let script = repeat.replacen("world", "\"$WORLD\"", 1) + " --json -q";
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env("WORLD", env!("CARGO_BIN_EXE_world")).env_remove("GITHUB_STEP_SUMMARY");
    World::of(shell).run().json()
}

/// Says that this machine does not allow to look at a claim, and why; also where tests that hold are
/// not heard.
pub fn skipped(why: &str, claim: &str) {
    writeln!(std::io::stderr(), "SKIPPED, {why}: {claim}").expect("standard error");
}

/// The names in a directory, in order.
pub fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A world of so many servers or a few more, with the services and the chaos of `systems`.
pub fn large_world(servers: usize) -> String {
    let systems = include_str!("../../worlds/definitions/systems.toml");
    let (before, rest) = systems.split_once("[[servers]]").expect("it has servers");
    let after = rest.split_once("[chaos_levels]").expect("it has levels").1;
    let tiers = [
        ("web", "\"nginx\", \"app-frontend\"", servers / 3),
        ("api", "\"app-api\", \"redis-client\"", servers / 4),
        ("cache", "\"redis\"", servers / 8),
        ("database", "\"postgresql\"", servers - servers / 3 - servers / 4 - servers / 8),
    ];
    let mut text = before.replace("base = 1000.0", &format!("base = {}.0", servers * 150));
    for (kind, services, count) in tiers {
        for number in 1..=count.max(1) {
            let role = match (kind, number) {
                ("database", 1) => "role = \"primary\"",
                ("database", _) => "role = \"replica\"",
                _ => "backup_link = true",
            };
            text += &format!(
                "[[servers]]\nname = \"{kind}-{number}\"\ntype = \"{kind}\"\nservices = [{services}]\n\
                 cpu_capacity = 100.0\nmemory_capacity = 8192.0\n{role}\n\n"
            );
        }
    }
    format!("{text}[chaos_levels]{after}")
}
