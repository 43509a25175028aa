//! Claims about what the operating system can run out of, or do, while a run is under way: descriptors, a
//! disk, processes, standard streams, a clock.
//!
//! Small disks and read-only ones are mounted in a namespace of the test's own. Where the machine does not
//! allow that, or a second user, a test says so and claims nothing.

mod support;

use bus::address::{socket_in, token_in};
use bus::client::Client;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Role, ToSre};
use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, prlimit};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::running::{Run, make_private, used, wait_until, world};
use support::skipped;
use worlds::message::Decision;
use worlds::sre::Mind;

const WORLD: &str = env!("CARGO_BIN_EXE_world");

/// Somebody without rights: `nobody` on most systems.
const NOBODY: u32 = 65534;

/// Of one processor, what a director may take that waits and cannot take in anybody.
const IDLE_SHARE_MAX: f64 = 0.05;

/// For how long that is looked at: a clock tick, as which the system counts processor time, is 10 ms.
const LOOK: Duration = Duration::from_secs(2);

/// Strangers at a time: far more than there are descriptors for, and than the socket's queue holds.
const STRANGERS_MAX: usize = 300;

// ---- descriptors ------------------------------------------------------------------------------

/// The numbers of a process's open descriptors.
fn descriptors(process: Pid) -> Vec<u64> {
    let entries = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).expect("its descriptors");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Lets a process open no descriptor from this number on.
fn allow_below(process: Pid, limit: u64) {
    let limits = Rlimit { current: Some(limit), maximum: getrlimit(Resource::Nofile).maximum };
    prlimit(Some(process), Resource::Nofile, limits).expect("it is ours");
}

/// The descriptor with which a director waits for an agent by hand that takes its time: the third of its
/// connection, after those to talk and to see its end; it had the lowest number that was free.
fn waited_with(director: Pid) -> u64 {
    wait_until("the runtime waits", || {
        let mut of_socket = BTreeMap::<PathBuf, Vec<u64>>::new();
        for number in descriptors(director) {
            let path = format!("/proc/{}/fd/{number}", director.as_raw_nonzero());
            of_socket.entry(fs::read_link(path).unwrap_or_default()).or_default().push(number);
        }
        let waits = |(target, numbers): &(PathBuf, Vec<u64>)| {
            target.to_string_lossy().starts_with("socket:") && numbers.len() == 3
        };
        of_socket.into_iter().find(waits)?.1.into_iter().max()
    })
}

/// A limit of a process's descriptors that leaves it so many, and no more.
struct Allowed(u64);

impl Allowed {
    fn more(process: Pid, more: usize) -> Self {
        let open = descriptors(process);
        let limit = (0..).filter(|number| !open.contains(number)).nth(more).expect("numbers do not end");
        allow_below(process, limit);
        Self(limit)
    }

    /// Whether all are taken; those that were open above the limit do not count.
    fn are_taken(&self, process: Pid) -> bool {
        descriptors(process).iter().filter(|number| **number < self.0).count() as u64 == self.0
    }
}

/// Peers that connect and say nothing, for ever new ones: whoever is dropped for want of a descriptor is
/// followed by the next, so that none is left.
struct Strangers {
    enough: Arc<AtomicBool>,
    connecting: Option<JoinHandle<()>>,
}

impl Strangers {
    /// Lets a director open so many descriptors more, and sees to it that they are taken.
    fn exhaust(director: Pid, socket: &Path, room: usize) -> Self {
        let allowed = Allowed::more(director, room);
        let (enough, socket) = (Arc::new(AtomicBool::new(false)), socket.to_owned());
        let is_enough = Arc::clone(&enough);
        let connecting = std::thread::spawn(move || {
            let mut strangers = VecDeque::new();
            while !is_enough.load(Ordering::Relaxed) {
                // While the socket's queue is full this waits for a place in it.
                strangers.push_back(UnixStream::connect(&socket).expect("a socket that is there"));
                if strangers.len() > STRANGERS_MAX {
                    strangers.pop_front();
                }
            }
        });
        wait_until("the director has no descriptor left", || allowed.are_taken(director).then_some(()));
        Self { enough, connecting: Some(connecting) }
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        let connecting = self.connecting.take().expect("it is dropped once");
        assert!(connecting.join().is_ok() || std::thread::panicking(), "the strangers could connect");
    }
}

/// Of one processor, what a process takes while it is looked at.
fn share(process: Pid) -> f64 {
    let (before, began) = (used(process), Instant::now());
    // Time has to pass: that is what is measured.
    std::thread::sleep(LOOK);
    (used(process) - before).as_secs_f64() / began.elapsed().as_secs_f64()
}

#[test]
fn a_run_without_a_descriptor_left_takes_no_processor_and_recovers() {
    let mut run = Run::start("--seed 7 -n 15 --manual=oncall");
    run.line_with("world agent sre --name oncall");
    let (director, directory) = (Pid::from_child(&run.child), run.directory());
    wait_until("the agents are there", || {
        let status = fs::read_to_string(directory.join("status.json")).expect("a status");
        (status.matches("\"here\"").count() == 6).then_some(())
    });
    let socket = socket_in(&directory);
    let strangers = Strangers::exhaust(director, &socket, 8);
    let share = share(director);
    println!("{:.2} % of a processor without a descriptor left", 100.0 * share);
    assert!(share < IDLE_SHARE_MAX, "{share}");
    drop(strangers);
    let mut agent = world(run.runtime_dir.path());
    let mut agent = agent.args(["agent", "sre", "--name", "oncall"]).spawn().expect("the program");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(agent.wait().expect("a child").code(), Some(0));
    assert_eq!(ended.journal(), Run::start("--seed 7 --inline").end().journal());
}

#[test]
fn an_agent_that_takes_its_time_is_waited_for_without_a_descriptor_left() {
    let run = Run::start("--seed 7 -n 10 --json -q --manual=oncall");
    let (director, directory) = (Pid::from_child(&run.child), run.directory());
    let socket = socket_in(&directory);
    let hello = Hello {
        protocol: PROTOCOL,
        role: Role::Sre,
        name: "oncall".to_owned(),
        skill: None,
        token: wait_until("the token is written", || token_in(&directory).ok()),
    };
    let (mut client, brief) = wait_until("somebody listens", || Client::connect(&socket, &hello).ok());
    let Brief::Sre(brief) = brief else { panic!("another's brief") };
    let (mut mind, mut results, mut decision) = (Mind::new(&brief), Vec::new(), Decision::default());
    let mut scarce = false;
    loop {
        match client.receive().expect("a bus that does not break") {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(observation) => {
                if observation.round == 2 {
                    allow_below(director, waited_with(director));
                    scarce = true;
                }
                if scarce {
                    // Longer than an answer is waited for on the spot: the director wants another
                    // descriptor to wait with, and gets none.
                    std::thread::sleep(Duration::from_millis(50));
                }
                mind.decide(&observation, &results, &mut decision);
                client.send(&FromAgent::decision(&decision)).expect("sent");
                results.clear();
            }
            ToSre::Bye => break,
            ToSre::Refused(why) => panic!("{why}"),
        }
    }
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let result: Value = serde_json::from_str(&ended.text).expect("a result");
    assert_eq!((&result["rounds"], &result["lost_agents"]), (&10.into(), &Value::Array(Vec::new())));
}

#[test]
fn with_too_few_descriptors_to_begin_it_says_so_and_leaves_nothing() {
    let mut codes = Vec::new();
    for (limit, mode) in (3..20).flat_map(|limit| [(limit, "--bus bus"), (limit, "--inline")]) {
        let place = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {limit}; exec \"$0\" run -q --seed 1 {mode} --out out");
        command.args(["-c", &script, WORLD]).current_dir(place.path());
        let ended: Ended = command.output().expect("a shell").into();
        let context = format!("ulimit -n {limit}, {mode}: {ended:?}");
        codes.push(ended.code);
        let is_told = ended.err.contains("error: ") && !ended.err.contains("panicked");
        match ended.code {
            Some(0) => assert!(place.path().join("out/result.json").exists(), "{context}"),
            Some(2 | 4) if ended.err.contains("the recording is incomplete") => {
                assert!(is_told && !place.path().join("out/result.json").exists(), "{context}");
            }
            Some(2 | 4) => {
                assert!(is_told, "{context}");
                assert_eq!(support::names(place.path()), [] as [String; 0], "{context}");
            }
            // The shell or the loader cannot even start the program.
            Some(126 | 127) => {}
            _ => panic!("{context}"),
        }
    }
    println!("exit codes with 3 to 19 descriptors: {codes:?}");
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(2)), "{codes:?}");
}

// ---- disks ------------------------------------------------------------------------------------

/// A small disk, in a namespace in which a script runs.
struct Disk {
    place: tempfile::TempDir,
}

/// What came of a script.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Disk {
    /// `None`, said aloud, where a disk cannot be mounted.
    fn new(claim: &str) -> Option<Self> {
        let disk = Self { place: tempfile::tempdir().expect("a directory") };
        make_private(disk.place.path());
        let ended = disk.run("size=64k", "true");
        if ended.code == Some(0) {
            return Some(disk);
        }
        skipped(&format!("needs `unshare` and a mount of its own ({})", ended.err.trim()), claim);
        None
    }

    fn out(&self) -> PathBuf {
        self.place.path().join("kept")
    }

    /// Runs a script where `$DISK` is a disk with these options, `$WORLD` the program and `$KEPT` a
    /// directory that stays.
    fn run(&self, options: &str, script: &str) -> Ended {
        let flags = if geteuid().is_root() { "-m" } else { "-rm" };
        let disk = self.place.path().join("disk");
        fs::create_dir_all(&disk).expect("a directory");
        fs::create_dir_all(self.out()).expect("a directory");
        let whole = format!("mount -t tmpfs -o mode=700,{options} none \"$DISK\" || exit 77\n{script}");
        let mut command = Command::new("unshare");
        command
            .args([flags, "sh", "-c", &whole])
            .env("DISK", disk)
            .env("KEPT", self.out())
            .env("WORLD", WORLD);
        command.env("WORLD_RUNTIME_DIR", self.place.path().join("world")).env("NO_COLOR", "1");
        match command.stdin(Stdio::null()).output() {
            Ok(output) => output.into(),
            Err(error) => Ended { code: None, out: String::new(), err: error.to_string() },
        }
    }
}

/// A run that is recorded, and comes to this where nothing is in its way.
const RECORDED: &str = "run --seed 42 -n 40 --chaos-level high --sre rules:senior";

/// What [`RECORDED`] comes to, and how many bytes its journal has.
fn undisturbed() -> (Value, u64) {
    let place = tempfile::tempdir().expect("a directory");
    let run = support::world(&format!("{RECORDED} --inline --json -q --out out"));
    let result = run.inside(place.path()).ends_with(0).json();
    (result, fs::metadata(place.path().join("out/journal.jsonl")).expect("a journal").len())
}

/// A recording that could not be completed is told, and nothing else is lost.
fn assert_told(context: &str, ended: &Ended, file: &str, reason: &str, result: Option<&Value>) {
    let context = format!("{context}\n{ended:?}");
    assert_eq!(ended.code, Some(4), "{context}");
    let last = ended.err.lines().rev().find(|line| line.starts_with("error: ")).expect("an error");
    for part in [file, reason, "the recording is incomplete"] {
        assert!(last.contains(part), "no `{part}` in `{last}`: {context}");
    }
    match result {
        Some(result) => {
            let printed: Value = serde_json::from_str(&ended.out).expect("a document");
            for field in ["journal_hash", "rounds", "score", "availability_pct", "verdict"] {
                assert_eq!(printed[field], result[field], "{field}: {context}");
            }
        }
        None => {
            for part in ["Availability  ", "Verdict       ok", "Round 40 of 40"] {
                assert!(ended.out.contains(part), "no `{part}`: {context}");
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_under_a_recording_is_told_and_costs_only_the_recording() {
    let Some(disk) = Disk::new("a full disk under --out is told, and costs only the recording") else {
        return;
    };
    let (result, journal_bytes) = undisturbed();
    let journal_pages = journal_bytes.div_ceil(4096);
    let after = "code=$?; ls \"$DISK/out\" > \"$KEPT/names\"; \"$WORLD\" verify \"$DISK/out\" > \"$KEPT/verified\"; exit $code";
    // Full in the middle of the journal; or when all is written but the result.
    for (pages, file) in [(journal_pages / 3, "journal.jsonl"), (journal_pages + 1, "result.json")] {
        for mode in ["", "--inline"] {
            for (shown, expected) in [("", None), ("--json", Some(&result))] {
                let context = format!("{pages} pages, {mode} {shown}");
                let script = format!("\"$WORLD\" {RECORDED} {mode} {shown} --out \"$DISK/out\"; {after}");
                let ended = disk.run(&format!("size={}k", 4 * pages), &script);
                assert_told(&context, &ended, file, "No space left on device", expected);
                let names = fs::read_to_string(disk.out().join("names")).expect("a list");
                assert!(!names.contains("result.json"), "{context}: {names}");
                let verified = fs::read_to_string(disk.out().join("verified")).expect("a word");
                assert!(verified.starts_with("broken off: "), "{context}: {verified}");
                let early = ended.err.contains("the run goes on, but its recording is incomplete");
                assert_eq!(early, file == "journal.jsonl", "{context}: {ended:?}");
            }
        }
    }
}

/// The same without a disk of one's own: files may grow so far and no further.
#[test]
fn a_recording_that_may_not_grow_is_told_and_costs_only_the_recording() {
    let (result, _) = undisturbed();
    for mode in ["", "--inline"] {
        for (shown, expected) in [("", None), ("--json", Some(&result))] {
            let place = tempfile::tempdir().expect("a directory");
            make_private(place.path());
            let script = format!("ulimit -f 16; exec \"$0\" {RECORDED} {mode} {shown} --out out");
            let mut command = Command::new("sh");
            command.args(["-c", &script, WORLD]).current_dir(place.path()).stdin(Stdio::null());
            command.env("WORLD_RUNTIME_DIR", place.path().join("world")).env("NO_COLOR", "1");
            let ended = command.output().expect("a shell").into();
            assert_told(&format!("{mode} {shown}"), &ended, "journal.jsonl", "File too large", expected);
            assert_eq!(support::names(&place.path().join("out")), ["journal.jsonl"]);
            assert_eq!(
                support::world("verify").and(&[place.path().join("out").to_str().expect("text")]).run().code,
                Some(3)
            );
        }
    }
}

#[test]
fn a_directory_for_recordings_that_cannot_be_written_is_refused_before_anything_runs() {
    let Some(disk) = Disk::new("a read-only --out is refused") else { return };
    for mode in ["", "--inline"] {
        let script = format!(
            "mount -o remount,bind,ro \"$DISK\" && exec \"$WORLD\" run -q --seed 1 {mode} --out \"$DISK/out\""
        );
        let ended = disk.run("size=64k", &script);
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains("/disk/out: Read-only file system"), "{ended:?}");
        assert!(ended.err.contains("tip: "), "{ended:?}");
    }
}

#[test]
fn a_full_or_read_only_place_for_runs_is_told_and_nothing_is_left() {
    let Some(disk) = Disk::new("a full place for runs is told") else { return };
    let run = "WORLD_RUNTIME_DIR=\"$DISK/world\" \"$WORLD\" run -q -n 2 --seed 1; code=$?; ls -A \"$DISK\"/* > \"$KEPT/names\" 2>&1; exit $code";
    let mut codes = Vec::new();
    // The fewest files that make a disk, and one more each time: each is full at another step.
    for files in 2..12 {
        let ended = disk.run(&format!("nr_inodes={files}"), run);
        let names = fs::read_to_string(disk.out().join("names")).expect("a list");
        let is_empty = names.trim().is_empty() || names.contains("No such file");
        assert!(is_empty, "{files} files: {names}\n{ended:?}");
        codes.push(ended.code);
        match ended.code {
            Some(0) => {}
            Some(4) => {
                let said = &ended.err;
                assert!(
                    said.contains("error: cannot ") && said.contains("/disk/world"),
                    "{files} files: {ended:?}"
                );
                assert!(said.contains("No space left on device"), "{files} files: {ended:?}");
            }
            _ => panic!("{files} files: {ended:?}"),
        }
    }
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(4)), "{codes:?}");
    println!("exit codes with 2 to 11 files: {codes:?}");

    // Room for files, but none for what is in them.
    let ended = disk.run(
        "size=64k",
        &format!("head -c 70000 /dev/zero > \"$DISK/filler\" 2>&-; rm -f \"$KEPT/names\"; {run}"),
    );
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("No space left on device"), "{ended:?}");

    let ended = disk.run("size=64k", &format!("mount -o remount,bind,ro \"$DISK\"; {run}"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.err.contains("/disk/world: Read-only file system") && ended.err.contains("tip: "),
        "{ended:?}"
    );
}

// ---- processes --------------------------------------------------------------------------------

#[test]
fn a_process_that_cannot_be_started_ends_the_run_with_a_clear_error_and_leaves_nothing() {
    let claim = "where processes cannot be started, the run says so and leaves nothing";
    if !geteuid().is_root() {
        return skipped("needs root, to be a user who has no other processes", claim);
    }
    let place = tempfile::tempdir().expect("a directory");
    let program = place.path().join("world");
    // Where that user can get at it.
    assert!(Command::new("cp").arg(WORLD).arg(&program).status().expect("a copy").success());
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("its mode");
    let runtime_dir = place.path().join("runs");
    fs::create_dir(&runtime_dir).expect("a directory");
    make_private(&runtime_dir);
    std::os::unix::fs::chown(&runtime_dir, Some(NOBODY), Some(NOBODY)).expect("root may give away");
    let mut codes = Vec::new();
    for processes in [1, 2, 3, 6, 9, 13] {
        let mut command = Command::new("bash");
        command.args(["-c", "ulimit -u $0; exec \"$@\"", &processes.to_string()]).arg(&program);
        command.args(["run", "-q", "-n", "2", "--seed", "1"]).env("WORLD_RUNTIME_DIR", &runtime_dir);
        let ended: Ended =
            command.uid(NOBODY).gid(NOBODY).stdin(Stdio::null()).output().expect("a shell").into();
        codes.push(ended.code);
        assert!(!ended.err.contains("panicked"), "{processes}: {ended:?}");
        match ended.code {
            Some(0) => {}
            Some(4) => {
                assert!(ended.err.contains("error: "), "{processes}: {ended:?}");
                assert!(ended.err.contains("Resource temporarily unavailable"), "{processes}: {ended:?}");
            }
            // The shell's own word, if the program cannot be started.
            Some(2 | 126) if !ended.err.contains("error: ") => {}
            _ => panic!("{processes}: {ended:?}"),
        }
        assert_eq!(support::names(&runtime_dir), [] as [String; 0], "{processes}: {ended:?}");
    }
    println!("exit codes with 1, 2, 3, 6, 9 and 13 processes: {codes:?}");
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(4)), "{codes:?}");
}

// ---- standard streams -------------------------------------------------------------------------

#[test]
fn closed_standard_streams_change_nothing_and_end_up_in_no_file() {
    let expected = fs_of(&recorded_with("", ""), "journal.jsonl");
    for mode in ["", "--inline"] {
        for closed in ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"] {
            let place = recorded_with(mode, closed);
            assert_eq!(fs_of(&place, "journal.jsonl"), expected, "{mode} {closed}");
            let verified = support::world("verify").and(&[place.path().join("out").to_str().expect("text")]);
            assert!(verified.ends_with(0).out.starts_with("complete: "), "{mode} {closed}");
        }
    }
}

fn fs_of(place: &tempfile::TempDir, file: &str) -> String {
    fs::read_to_string(place.path().join("out").join(file)).expect("a file")
}

/// A recorded run with these streams, which must come to a good end.
fn recorded_with(mode: &str, streams: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a directory");
    make_private(place.path());
    let script = format!("exec \"$0\" run -vv --seed 42 -n 5 {mode} --out out {streams}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, WORLD]).current_dir(place.path());
    command.env("WORLD_RUNTIME_DIR", place.path().join("world"));
    let ended: Ended = command.output().expect("a shell").into();
    assert_eq!(ended.code, Some(0), "{mode} {streams}: {ended:?}");
    place
}

#[test]
fn an_output_that_takes_nothing_is_an_error_and_one_that_is_not_needed_is_not() {
    for mode in ["", "--inline"] {
        for (arguments, streams, code) in [
            ("", ">/dev/full", 4),
            ("-q", ">/dev/full", 4),
            ("--json -q", ">/dev/full", 4),
            // The story beside a document may go wrong; the document may not.
            ("--json", "2>/dev/full", 0),
        ] {
            let place = tempfile::tempdir().expect("a directory");
            make_private(place.path());
            let mut command = Command::new("sh");
            command.args([
                "-c",
                &format!("exec \"$0\" run --seed 42 -n 3 {mode} {arguments} {streams}"),
                WORLD,
            ]);
            command.env("WORLD_RUNTIME_DIR", place.path().join("world")).stdin(Stdio::null());
            let ended: Ended = command.output().expect("a shell").into();
            assert_eq!(ended.code, Some(code), "{mode} {arguments} {streams}: {ended:?}");
            if code == 4 {
                assert!(
                    ended.err.contains("error: cannot write to standard output: No space left"),
                    "{ended:?}"
                );
            }
            let left = fs::read_dir(place.path().join("world")).map(|entries| entries.count()).unwrap_or(0);
            assert_eq!(left, 0, "{mode} {arguments} {streams}");
        }
    }
}

// ---- the clock --------------------------------------------------------------------------------

/// A recorded run, and what it leaves that must not depend on the time.
fn journal_and_result(mut command: Command, place: &Path) -> (String, String) {
    command.args([
        "run",
        "-q",
        "--seed",
        "42",
        "-n",
        "30",
        "--chaos-level",
        "high",
        "--pace",
        "2ms",
        "--out",
        "out",
    ]);
    command.current_dir(place).env("WORLD_RUNTIME_DIR", place.join("world")).stdin(Stdio::null());
    make_private(place);
    let ended: Ended = command.output().expect("the program").into();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let read = |name| fs::read_to_string(place.join("out").join(name)).expect("a file");
    (read("journal.jsonl"), read("result.json"))
}

/// The library that makes a clock jump; `None`, said aloud, without a compiler.
fn jumping_clock(place: &Path, claim: &str) -> Option<PathBuf> {
    let library = place.join("jumping.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library);
    compiler.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clock/jumping.c"));
    match compiler.output() {
        Ok(output) if output.status.success() => Some(library),
        other => {
            skipped(&format!("needs a C compiler ({other:?})"), claim);
            None
        }
    }
}

/// Seconds since 1970 by a clock that does not jump: when a file was made just now.
fn now() -> u64 {
    let made = tempfile::NamedTempFile::new().expect("a file").as_file().metadata().expect("its times");
    made.mtime().unsigned_abs()
}

#[test]
fn a_wall_clock_that_jumps_by_decades_at_every_look_changes_nothing() {
    let claim = "a wall clock that jumps changes nothing";
    let (calm, jumpy) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let Some(library) = jumping_clock(calm.path(), claim) else { return };

    // The clock does jump, as far as the program can tell.
    let runtime_dir = tempfile::tempdir().expect("a directory");
    let mut run = Run::start_in(runtime_dir, |command| {
        command.env("LD_PRELOAD", &library).args(["--seed", "1", "--manual=oncall"]);
    });
    run.line_with("world agent sre");
    let status = fs::read_to_string(run.directory().join("status.json")).expect("a status");
    let status: Value = serde_json::from_str(&status).expect("a document");
    let apart = status["started_unix_seconds"].as_u64().expect("seconds").abs_diff(now());
    run.signal(Signal::INT);
    run.end();
    if apart < 24 * 60 * 60 {
        return skipped("the program does not take its clock from the C library", claim);
    }

    let mut command = Command::new(WORLD);
    command.env("LD_PRELOAD", &library);
    let jumped = journal_and_result(command, jumpy.path());
    assert_eq!(jumped, journal_and_result(Command::new(WORLD), calm.path()));
    let runtime = fs::read_to_string(jumpy.path().join("out/runtime.json")).expect("a side file");
    let runtime: Value = serde_json::from_str(&runtime).expect("a document");
    let seconds = runtime["duration_seconds"].as_f64().expect("seconds");
    assert!((0.0..60.0).contains(&seconds), "durations are taken by the steady clock: {seconds}");
}

#[test]
fn a_steady_clock_that_began_at_another_time_changes_nothing() {
    let claim = "a steady clock that began at another time changes nothing";
    let (calm, shifted) =
        (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let in_namespace = || {
        let mut command = Command::new("unshare");
        // Some thirty years after the machine was started.
        command.args(["--time", "--fork", "--monotonic", "1000000000", "--boottime", "1000000000"]);
        command
    };
    match in_namespace().arg("true").output() {
        Ok(output) if output.status.success() => {}
        other => return skipped(&format!("needs root and a time namespace ({other:?})"), claim),
    }
    let mut command = in_namespace();
    command.arg(WORLD);
    let there = journal_and_result(command, shifted.path());
    assert_eq!(there, journal_and_result(Command::new(WORLD), calm.path()));
}
