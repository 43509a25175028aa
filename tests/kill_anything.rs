//! Claims about kills: whichever process of a run is killed with SIGKILL, at whichever instant, nothing is
//! left behind, nothing that was left half done looks whole, and a killed agent never stops the world.
//!
//! Instants and victims are drawn from a seed: while agents start, while rounds are played, while the run
//! ends; director, servers and SREs; with and without a recording, a pace, many servers. As many kills
//! as `WORLD_KILLS` says, from the seed that `WORLD_KILLS_SEED` says:
//!
//! ```text
//! WORLD_KILLS=1000 cargo test --test kill_anything -- --nocapture
//! ```
//!
//! What is waited for here are random instants, so these tests do sleep.

mod support;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::large_world;
use support::running::{Run, is_gone, make_private, wait_until, world};

/// Kills, where nobody asks for more.
const KILLS: u32 = 60;

/// From the end of a director to the end of all of its agents.
const AGENTS_GONE: Duration = Duration::from_secs(1);

/// Of a hundred directors, as many may be left by their agents later than that: the machine may be busy.
const SLOW_OF_HUNDRED_MAX: usize = 2;

/// Shapes of runs: what is given to `world run`. `{place}` is a directory of the test's own.
const SHAPES: [&str; 6] = [
    "--seed 7 -n 15",
    "--seed 8 -n 400 --chaos-level high -q --json --out {place}/out",
    "--seed 9 -n 25 --pace 5ms -q --json --out {place}/out",
    "--seed 10 -n 300 --chaos-level extreme -q --json --sre a=rules:junior --sre b=rules:senior --out {place}/out",
    "{place}/large.toml --seed 11 -n 20 -q --json --out {place}/out",
    "--seed 12 -n 100 -q --json --bus {place}/bus",
];

/// Servers of the large world.
const MANY: usize = 30;

/// A number from the environment.
fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Whom a kill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Director,
    Server,
    Sre,
}

/// A run in a place of its own.
struct Target {
    place: tempfile::TempDir,
    shape: &'static str,
    child: Child,
}

impl Target {
    fn start(shape: &'static str) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        if shape.contains("large.toml") {
            fs::write(place.path().join("large.toml"), large_world(MANY)).expect("a world file");
        }
        let mut command = world(place.path());
        let arguments = shape.replace("{place}", place.path().to_str().expect("text"));
        command.arg("run").args(arguments.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("the program");
        Self { place, shape, child }
    }

    fn director(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn out(&self) -> Option<PathBuf> {
        self.shape.contains("--out").then(|| self.place.path().join("out"))
    }

    /// Lets it run to its end; gives its exit code and what it printed.
    fn end(&mut self) -> (Option<i32>, String) {
        let out = self.child.stdout.take().expect("its output");
        let said = std::io::read_to_string(out).expect("text");
        (self.child.wait().expect("a child").code(), said)
    }

    /// The agents that are there now, with their names on the bus.
    fn agents(&self) -> Vec<(Pid, String)> {
        children(self.director()).into_iter().filter_map(|pid| Some((pid, agent_name(pid)?))).collect()
    }

    /// Every process that was started for this run and is not gone, the director but for a forked one.
    fn processes(&self) -> Vec<Pid> {
        let place = self.place.path().to_str().expect("text").as_bytes().to_vec();
        let is_ours = |pid: &Pid| {
            let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
            environment.windows(place.len()).any(|part| part == place)
        };
        let numbers = fs::read_dir("/proc").expect("processes").flatten();
        let pids = numbers.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
        pids.filter(|pid| *pid != self.director() && is_ours(pid) && !is_gone(*pid)).collect()
    }

    /// What the next command finds: it says that nobody runs, and leaves nothing behind.
    fn assert_swept_by_the_next_command(&self, context: &str) {
        let base = self.place.path().join("world");
        let mut command = world(self.place.path());
        match self.shape.contains("--bus") {
            true => command.args(["ps", "--json", "--bus"]).arg(self.place.path().join("bus")),
            false => command.args(["ps", "--json"]),
        };
        let output = command.output().expect("the program");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[]", "{context}");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{context}: {output:?}");
        let left = fs::read_dir(base).map(|entries| entries.count()).unwrap_or(0);
        assert_eq!(left, 0, "{context}: directories");
        // Killed right after it made the directory that was named, or right before it removed that, nobody
        // can know any more that it was not its user's.
        let named = fs::read_dir(self.place.path().join("bus")).map(|entries| entries.count()).unwrap_or(0);
        assert_eq!(named, 0, "{context}: files in the directory that was named");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The children of a process whose threads may come and go.
fn children(process: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
    let lists =
        tasks.into_iter().flatten().flatten().map(|task| fs::read_to_string(task.path().join("children")));
    let numbers: Vec<String> = lists.map(Result::unwrap_or_default).collect();
    numbers
        .iter()
        .flat_map(|list| list.split_whitespace())
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}

/// What an agent's process is called on the bus; `None` before it is one.
fn agent_name(pid: Pid) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let words: Vec<&str> = line.split('\0').collect();
    let [_, "agent", role, "--name", name, ..] = words[..] else { return None };
    Some(format!("{role}-{name}"))
}

/// How long each shape takes when nobody is killed, and that it comes to a good end.
fn durations() -> Vec<Duration> {
    let timed = |shape| {
        let began = Instant::now();
        let mut target = Target::start(shape);
        let (code, said) = target.end();
        assert_eq!(code, Some(0), "{shape}: {said}");
        began.elapsed()
    };
    SHAPES.iter().map(|shape| (0..3).map(|_| timed(shape)).min().expect("three")).collect()
}

/// An instant of a run that takes so long: a third each while it starts, anywhere, and while it ends.
fn instant(dice: &mut ChaCha8Rng, whole: Duration) -> Duration {
    let share = match dice.random_range(0..3) {
        0 => dice.random_range(0.0..0.25),
        1 => dice.random_range(0.0..1.0),
        _ => dice.random_range(0.75..1.1),
    };
    whole.mul_f64(share)
}

/// What was seen over all kills.
#[derive(Debug, Default)]
struct Seen {
    directors: usize,
    servers: usize,
    sres: usize,
    /// Whom the draw was for was not there (yet, or any more).
    missed: usize,
    /// Runs that went on to a good end, or to an invalid one.
    unharmed: usize,
    invalid: usize,
    /// What killed directors left of recordings.
    none: usize,
    broken_off: usize,
    cut_lines: usize,
    complete: usize,
    /// From a director's end to that of its last agent.
    gone_after: Vec<Duration>,
}

#[test]
fn whoever_is_killed_at_any_instant_leaves_nothing_behind_and_nothing_that_looks_whole() {
    let (kills, seed) = (number("WORLD_KILLS", KILLS), number("WORLD_KILLS_SEED", 1));
    println!("{kills} kills, WORLD_KILLS_SEED={seed}");
    let mut dice = ChaCha8Rng::seed_from_u64(seed.into());
    let schema = support::world("schema result").ends_with(0).json();
    let durations = durations();
    let mut seen = Seen::default();
    while seen.directors + seen.servers + seen.sres < kills as usize {
        let shape = dice.random_range(0..SHAPES.len());
        let victim = [Victim::Director, Victim::Server, Victim::Sre][dice.random_range(0..3)];
        let (wait, pick) = (instant(&mut dice, durations[shape]), dice.random_range(0..1000));
        let context = format!("{victim:?} after {wait:?} of `{}`", SHAPES[shape]);
        let target = Target::start(SHAPES[shape]);
        std::thread::sleep(wait);
        match victim {
            Victim::Director => kill_director(target, &schema, &mut seen, &context),
            other => kill_agent(target, other, pick, &schema, &mut seen, &context),
        }
        assert!(seen.missed < 20 * kills as usize, "{seen:?}");
    }
    seen.gone_after.sort();
    let slow = seen.gone_after.iter().filter(|time| **time > AGENTS_GONE).count();
    let slowest = seen.gone_after.last().copied().unwrap_or_default();
    seen.gone_after.clear();
    println!("{seen:?}\nslowest agents gone after {slowest:?}, {slow} times later than {AGENTS_GONE:?}");
    assert!(slow * 100 <= SLOW_OF_HUNDRED_MAX * seen.directors, "{slow} of {} were slow", seen.directors);
    for (what, count) in [
        ("directors", seen.directors),
        ("servers", seen.servers),
        ("SREs", seen.sres),
        ("invalid runs", seen.invalid),
        ("recordings that were broken off", seen.broken_off),
    ] {
        assert!(count > 0, "the draw was for no {what}: {seen:?}");
    }
}

fn kill_director(mut target: Target, schema: &Value, seen: &mut Seen, context: &str) {
    let director = target.director();
    if target.child.try_wait().expect("a child").is_some() {
        seen.missed += 1;
        return;
    }
    kill_process(director, Signal::KILL).expect("a child that nobody waited for is there");
    target.child.wait().expect("a child");
    let ended = Instant::now();
    wait_until(&format!("no process is left: {context}"), || target.processes().is_empty().then_some(()));
    seen.gone_after.push(ended.elapsed());
    seen.directors += 1;
    target.assert_swept_by_the_next_command(context);
    match target.out().map(|out| Recording::of(&out, schema, context)) {
        None => {}
        Some(Recording::None) => seen.none += 1,
        Some(Recording::BrokenOff { cut }) => {
            seen.broken_off += 1;
            seen.cut_lines += usize::from(cut);
        }
        Some(Recording::Complete) => seen.complete += 1,
    }
}

fn kill_agent(
    mut target: Target,
    victim: Victim,
    pick: usize,
    schema: &Value,
    seen: &mut Seen,
    context: &str,
) {
    let role = if victim == Victim::Sre { "sre-" } else { "server-" };
    let agents: Vec<_> = target.agents().into_iter().filter(|(_, name)| name.starts_with(role)).collect();
    let hit =
        agents.get(pick % agents.len().max(1)).filter(|(pid, _)| kill_process(*pid, Signal::KILL).is_ok());
    let Some((_, name)) = hit else {
        seen.missed += 1;
        return;
    };
    let (code, said) = target.end();
    assert!(matches!(code, Some(0 | 3)), "{context}: {name}, {code:?}\n{said}");
    match victim {
        Victim::Sre => seen.sres += 1,
        _ => seen.servers += 1,
    }
    match code {
        Some(0) => seen.unharmed += 1,
        _ => seen.invalid += 1,
    }
    if target.shape.contains("--json") {
        let result: Value = serde_json::from_str(&said).expect("a result");
        let lost = if code == Some(0) { Vec::new() } else { vec![Value::from(&**name)] };
        assert_eq!(result["lost_agents"], Value::from(lost), "{context}");
        let planned = target.shape.split(" -n ").nth(1).and_then(|rest| rest.split(' ').next());
        assert_eq!(Some(result["rounds"].to_string().as_str()), planned, "{context}");
    }
    if let Some(out) = target.out() {
        assert!(matches!(Recording::of(&out, schema, context), Recording::Complete), "{context}");
    }
    assert_eq!(target.processes(), Vec::<Pid>::new(), "{context}");
    target.assert_swept_by_the_next_command(context);
}

/// What there is of a recording.
enum Recording {
    /// Not even a journal.
    None,
    BrokenOff {
        /// Whether the last line has no end.
        cut: bool,
    },
    Complete,
}

impl Recording {
    /// Looks at what is there by other means than the program's, and holds its word against that.
    fn of(out: &Path, schema: &Value, context: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
        let output = command.arg("verify").arg(out).output().expect("the program");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let Ok(journal) = fs::read_to_string(out.join("journal.jsonl")) else {
            assert!(!out.join("result.json").exists(), "{context}");
            assert_eq!(output.status.code(), Some(2), "{context}: {said}");
            return Self::None;
        };
        let whole = journal.rfind('\n').map_or(0, |end| end + 1);
        let records: Vec<Value> = journal[..whole]
            .lines()
            .map(|line| serde_json::from_str(line).expect("a whole record"))
            .collect();
        let cut = whole < journal.len();
        let has_ended = !cut && records.last().is_some_and(|record| record["kind"] == "run_ended");
        let Ok(result) = fs::read_to_string(out.join("result.json")) else {
            assert_eq!(output.status.code(), Some(3), "{context}: {said}");
            assert!(said.contains("broken off: "), "{context}: {said}");
            assert_eq!(said.contains("is cut off after"), cut, "{context}: {said}");
            assert_eq!(said.contains("the journal is whole"), has_ended, "{context}: {said}");
            return Self::BrokenOff { cut };
        };
        let result: Value = serde_json::from_str(&result).expect("a whole result");
        assert_eq!(support::schema::problems(schema, &result), [] as [String; 0], "{context}");
        assert!(has_ended, "{context}: a result beside a journal without its end");
        assert_eq!(output.status.code(), Some(0), "{context}: {said}");
        assert!(said.contains(result["journal_hash"].as_str().expect("a hash")), "{context}: {said}");
        Self::Complete
    }
}

// ---- system call by system call ---------------------------------------------------------------

/// System calls by which a director leaves something on disk, or takes it away.
const TRACED: [&str; 11] = [
    "mkdir",
    "flock",
    "pwrite64",
    "ftruncate",
    "linkat",
    "bind",
    "listen",
    "rename",
    "unlink",
    "rmdir",
    "write",
];

/// More than a run has of any of them.
const CALLS_MAX: u32 = 40;

/// Runs a world that is killed when it, or an agent of it, begins its nth call of this kind; whether it
/// had so many.
fn killed_at(call: &str, nth: u32, place: &Path) -> std::io::Result<bool> {
    let log = place.join("log");
    let mut traced = Command::new("strace");
    traced.args([
        "-f",
        "-e",
        &format!("trace={call}"),
        "-e",
        &format!("inject={call}:signal=KILL:when={nth}"),
    ]);
    traced.arg("-o").arg(&log).arg(env!("CARGO_BIN_EXE_world"));
    traced.args(["run", "-q", "--json", "-n", "2", "--seed", "1", "--out"]).arg(place.join("out"));
    traced.env("WORLD_RUNTIME_DIR", place.join("world")).stdin(Stdio::null());
    traced.stdout(Stdio::null()).stderr(Stdio::null());
    // It ends when all that it traced have, or as it was killed itself.
    traced.status()?;
    Ok(fs::read_to_string(log)?.contains("killed by SIGKILL"))
}

#[test]
fn whoever_is_killed_at_a_system_call_that_leaves_something_on_disk_leaves_nothing_in_the_end() {
    let claim = "a kill at each system call leaves nothing";
    let probe = tempfile::tempdir().expect("a directory");
    make_private(probe.path());
    match killed_at("mkdir", 1, probe.path()) {
        Ok(true) => {}
        other => return support::skipped(&format!("needs a working `strace` ({other:?})"), claim),
    }
    let schema = support::world("schema result").ends_with(0).json();
    let mut kills = 0;
    for call in TRACED {
        for nth in 1..CALLS_MAX {
            let place = tempfile::tempdir().expect("a directory");
            make_private(place.path());
            if !killed_at(call, nth, place.path()).expect("a log") {
                break;
            }
            kills += 1;
            let context = format!("{call} {nth}");
            let mut command = world(place.path());
            let output = command.args(["ps", "--json"]).output().expect("the program");
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "[]", "{context}");
            let left = fs::read_dir(place.path().join("world")).map(|entries| entries.count()).unwrap_or(0);
            assert_eq!(left, 0, "{context}: directories");
            Recording::of(&place.path().join("out"), &schema, &context);
        }
    }
    println!("{kills} kills");
    assert!(kills > TRACED.len(), "{kills}");
}

// ---- processes that are stopped ---------------------------------------------------------------

fn stopped(pid: Pid) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).expect("it is there");
    stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T')).then_some(())
}

fn stop(pid: Pid) {
    kill_process(pid, Signal::STOP).expect("it runs");
    wait_until("it is stopped", || stopped(pid));
}

#[test]
fn a_director_that_is_stopped_for_a_while_goes_on_as_if_nothing_had_been() {
    let mut run = Run::start("--seed 42 -n 40 --pace 10ms");
    run.line_with("Round 3 of");
    let director = Pid::from_child(&run.child);
    // Longer than several rounds take; in the long form, than an agent may take for its answer.
    let is_long = std::env::var_os("WORLD_KILLS").is_some();
    let stop_time = if is_long { Duration::from_secs(6) } else { Duration::from_millis(100) };
    for _ in 0..3 {
        stop(director);
        std::thread::sleep(stop_time);
        kill_process(director, Signal::CONT).expect("it is there");
    }
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(ended.journal(), Run::start("--seed 42 -n 40 --inline").end().journal());
}

#[test]
fn a_director_that_is_killed_while_it_is_stopped_leaves_no_agent_whether_or_not_these_are_stopped() {
    for agents_are_stopped in [false, true] {
        let mut run = Run::start("--seed 42 -n 100 --pace 1m");
        run.line_with("Round ");
        let agents = run.agents();
        assert_eq!(agents.len(), 7);
        stop(Pid::from_child(&run.child));
        if agents_are_stopped {
            agents.iter().for_each(|agent| stop(*agent));
        }
        run.signal(Signal::KILL);
        wait_until("all agents are gone", || agents.iter().all(|agent| is_gone(*agent)).then_some(()));
        run.wait();
        let mut command = world(run.runtime_dir.path());
        assert!(command.arg("ps").output().expect("the program").status.success());
        run.assert_nothing_left();
    }
}

#[test]
fn an_agent_that_is_killed_while_it_is_stopped_is_lost_and_the_world_goes_on() {
    for agent in ["server-db-primary", "sre-oncall"] {
        let mut run = Run::start("--seed 42 -n 30 --pace 20ms");
        run.line_with("Round 2 of");
        let pid = run.pid_of(agent);
        stop(pid);
        kill_process(pid, Signal::KILL).expect("it is there");
        run.line_with(&format!("LOST       {agent}: killed by signal 9"));
        let ended = run.end();
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert!(ended.text.contains("Round 30 of 30"), "{}", ended.text);
    }
}

/// All at once: everybody's end is noticed while others' are.
#[test]
fn a_run_whose_agents_are_all_killed_at_once_goes_on_to_its_last_round() {
    let mut run = Run::start("--seed 42 -n 30 --pace 20ms --chaos-level off");
    run.line_with("Round 2 of");
    let agents = run.agents();
    assert_eq!(agents.len(), 7);
    agents.iter().for_each(|agent| kill_process(*agent, Signal::KILL).expect("it runs"));
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert_eq!(ended.text.matches("LOST ").count(), 7, "{}", ended.text);
    assert!(ended.text.contains("Round 30 of 30"), "{}", ended.text);
}

// ---- a killed run and a finished one ----------------------------------------------------------

fn verified(out: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
    let output = command.arg("verify").arg(out).output().expect("the program");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_recording_tells_whether_its_run_goes_on_was_killed_or_came_to_its_end() {
    let kept = tempfile::tempdir().expect("a directory");
    make_private(kept.path());
    let out = kept.path().join("out");
    let start = |arguments: &str, out: &Path| {
        Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
            command.args(arguments.split(' ')).arg("--out").arg(out);
        })
    };
    let mut run = start("--seed 42 -n 1000 --pace 20ms", &out);
    run.line_with("Round 3 of");
    let (code, said) = verified(&out);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.starts_with("under way: ") && said.contains(" of 1000 rounds"), "{said}");
    run.signal(Signal::KILL);
    run.wait();
    let (code, said) = verified(&out);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.starts_with("broken off: ") && said.contains(" of 1000 rounds"), "{said}");
    assert!(!out.join("result.json").exists());

    let whole = kept.path().join("whole");
    assert_eq!(start("--seed 42 -n 5", &whole).end().code, Some(0));
    let (code, said) = verified(&whole);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("complete: 5 of 5 rounds, journal "), "{said}");

    let interrupted = kept.path().join("interrupted");
    let mut run = start("--seed 42 -n 1000 --pace 20ms", &interrupted);
    run.line_with("Round 3 of");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
    let (code, said) = verified(&interrupted);
    assert_eq!(code, Some(0), "an interrupted run ended by itself: {said}");
    assert!(said.starts_with("complete: ") && said.contains(" of 1000 rounds"), "{said}");

    let journal = whole.join("journal.jsonl");
    let changed = fs::read_to_string(&journal).expect("a journal").replacen("\"round\":2", "\"round\":3", 1);
    fs::write(&journal, changed).expect("written");
    let (code, said) = verified(&whole);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.starts_with("altered: line ") && said.contains("journal.jsonl"), "{said}");
}
