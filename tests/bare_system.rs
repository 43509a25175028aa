//! Runs on a system that has next to nothing: no `/proc`, no `/dev`, and a `/tmp` that nobody can write to, as
//! in the root directory of a container that holds the program and nothing else.
//!
//! Empty directories are mounted over these, in a namespace of the test's own; where the machine does not
//! allow that, the tests say so and are left out. That the program needs no libraries either is tried by
//! `deploy/release --check`, with the program that it builds.

mod support;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::running::{make_private, wait_until};
use support::{Ended, World, names, skipped, world};
use tempfile::TempDir;

/// Shows the program at `/mnt/bin` and a directory at `/mnt/kept`, wherever they are, and takes the rest away.
const TAKE_AWAY: &str = "\
    mount -t tmpfs none /mnt && mkdir /mnt/bin /mnt/kept && mount --bind \"$BIN\" /mnt/bin && \
    mount --bind \"$KEPT\" /mnt/kept && mount -t tmpfs -o ro none /tmp && mount -t tmpfs none /dev && \
    mount -t tmpfs none /proc || exit 77\n\
    cd /mnt/kept || exit 77\n";

/// A system that has next to nothing but a directory that can be written to, which is this one.
struct BareSystem {
    kept: TempDir,
}

impl BareSystem {
    /// `None`, said aloud, where a machine does not allow it.
    fn new(claim: &str) -> Option<Self> {
        let bare = Self { kept: tempfile::tempdir().expect("a directory") };
        make_private(bare.kept.path());
        let looked =
            bare.command("test ! -e /proc/self && test ! -e /dev/null && ! echo 1 2>&- >/tmp/any").output();
        match looked {
            Ok(Output { status, .. }) if status.success() => Some(bare),
            other => {
                skipped(&format!("needs `unshare` and mounts of its own ({other:?})"), claim);
                None
            }
        }
    }

    /// A shell that runs a script there; what the script does by `exec` is this process.
    fn command(&self, script: &str) -> Command {
        let flags = if geteuid().is_root() { "-m" } else { "-rm" };
        let program = Path::new(env!("CARGO_BIN_EXE_world"));
        let mut command = Command::new("unshare");
        command
            .args([flags, "sh", "-c", &format!("{TAKE_AWAY}{script}")])
            .env("BIN", program.parent().expect("a directory"))
            .env("KEPT", self.kept.path())
            .env("WORLD_RUNTIME_DIR", "/mnt/kept/world")
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null());
        command
    }

    fn runs(&self, script: &str) -> Ended {
        World::of(self.command(script)).run()
    }
}

#[test]
fn a_run_with_processes_needs_neither_proc_nor_dev_nor_tmp() {
    let Some(bare) = BareSystem::new("a run with processes needs neither /proc nor /dev nor /tmp") else {
        return;
    };
    // Processes that are killed and stopped are witnessed there, too.
    let arguments = "run fault-lab --seed 3 --chaos-level high --json -q";
    let ended = bare.runs(&format!("exec /mnt/bin/world {arguments} --out out"));
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    let result = ended.json();
    assert_eq!((&result["mode"], &result["verdict"]), (&"processes".into(), &"ok".into()));
    assert!(result["faults"]["witnessed"].as_u64() > Some(3), "{}", result["faults"]);
    let inline = world(&format!("{arguments} --inline")).ends_with(0).json();
    assert_eq!(result["journal_hash"], inline["journal_hash"]);
    let recording = bare.kept.path().join("out");
    world(&format!("verify {}", recording.display())).ends_with(0);
    assert_eq!(names(&bare.kept.path().join("world")), Vec::<String>::new(), "the run's directory is gone");
}

#[test]
fn a_run_without_processes_needs_nothing() {
    let Some(bare) = BareSystem::new("a run without processes needs nothing") else { return };
    let ended = bare.runs("exec /mnt/bin/world run --seed 3 --inline -q");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
}

#[test]
fn agents_are_started_from_the_program_that_was_typed_where_the_system_does_not_tell() {
    let Some(bare) = BareSystem::new("agents are started from the program that was typed") else { return };
    for typed in ["/mnt/bin/world", "../bin/world", "PATH=/mnt/bin; exec world"] {
        let ended = bare.runs(&format!("{typed} run --seed 3 -q"));
        assert_eq!(ended.code, Some(0), "{typed}: {}{}", ended.out, ended.err);
    }
}

#[test]
fn a_program_that_cannot_find_its_own_file_says_what_to_do() {
    let claim = "a program that cannot find its own file says what to do";
    let Some(bare) = BareSystem::new(claim) else { return };
    let ended = bare.runs("exec bash -c 'exec -a drill /mnt/bin/world run --seed 3 -q'");
    if ended.code == Some(127) {
        return skipped("needs bash, which gives a program another name", claim);
    }
    assert_eq!(ended.code, Some(4), "{}{}", ended.out, ended.err);
    for part in ["`drill`", "/proc", "--inline"] {
        assert!(ended.err.contains(part), "no `{part}` in:\n{}", ended.err);
    }
}

#[test]
fn ps_tells_of_agents_that_run_where_there_is_no_proc() {
    let Some(bare) = BareSystem::new("ps tells of agents that run where there is no /proc") else { return };
    let mut run = bare.command("exec /mnt/bin/world run --seed 3 -q -n 100000 --pace 20ms");
    let mut run = run.stdout(Stdio::null()).spawn().expect("the program");
    let is_under_way = |worlds: &Value| worlds[0]["round"].as_u64() > Some(0);
    let worlds = wait_until("a round is played", || {
        let ended = bare.runs("exec /mnt/bin/world ps --json");
        Some(ended.json()).filter(is_under_way)
    });
    kill_process(Pid::from_child(&run), Signal::TERM).expect("the run is there");
    assert_eq!(run.wait().expect("a child").code(), Some(143));
    assert_eq!(worlds[0]["director"]["state"], "running");
    let agents = worlds[0]["agents"].as_array().expect("agents");
    assert_eq!(agents.len(), 7);
    for agent in agents {
        assert_eq!((&agent["state"], &agent["pss_kib"]), (&"running".into(), &Value::Null), "{agent}");
    }
}
