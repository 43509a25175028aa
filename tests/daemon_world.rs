//! `world daemon` with its resident world, through the real binary: requests go to real processes, chaos tells in
//! the answers, and nothing is left when the daemon is gone.

mod support;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::World;
use support::daemon::{Living, assert_balanced, number};
use support::running::{is_gone, make_private, wait_until};

/// Cycles follow each other every second and send operations alone, forty at once, to a world with ten rounds
/// a second.
const QUICK: &str = "\
execution_interval_seconds = 1
time_zone = 'UTC'
grace_seconds = 10
simulation_mix = { operations_weight = 1, guardrails_weight = 0 }
target_daily_requests = { min = 0, max = 100_000_000 }
load_profiles.busy = { operations = { num_calls = { min = 40, max = 40 }, threads = { min = 40, max = 40 } } }
load_profiles.normal = { operations = { num_calls = { min = 40, max = 40 }, threads = { min = 40, max = 40 } } }
load_profiles.quiet = { operations = { num_calls = { min = 40, max = 40 }, threads = { min = 40, max = 40 } } }
[target]
kind = 'world'
";

/// A daemon's configuration and files, and the directory of its runs.
struct Site(tempfile::TempDir);

impl Site {
    /// With these settings of the world.
    fn with(world: &str) -> Self {
        let site = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(site.runs()).expect("a directory");
        make_private(&site.runs());
        site.configure(world);
        site
    }

    fn configure(&self, world: &str) {
        fs::write(self.0.path().join("daemon.toml"), format!("{QUICK}[target.world]\n{world}\n"))
            .expect("written");
    }

    fn runs(&self) -> PathBuf {
        self.0.path().join("runs")
    }

    fn of(&self, arguments: &str) -> Command {
        let mut world = Command::new(env!("CARGO_BIN_EXE_world"));
        world.args(arguments.split_whitespace()).current_dir(self.0.path());
        world.env("WORLD_RUNTIME_DIR", self.runs()).env("NO_COLOR", "1").stdin(Stdio::null());
        world
    }

    fn daemon(&self, command: &str) -> Command {
        self.of(&format!("daemon {command} --config daemon.toml --base-dir results"))
    }

    fn run(&self, more: &str) -> Living {
        let log = fs::File::create(self.0.path().join("stderr.log")).expect("it is made");
        let mut command = self.daemon(&format!("run {more}"));
        Living { child: command.stdout(Stdio::null()).stderr(log).spawn().expect("it starts") }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.0.path().join("stderr.log")).unwrap_or_default()
    }

    fn wait_for_line(&self, part: &str) {
        wait_until(part, || self.said().contains(part).then_some(()));
    }

    fn summary(&self) -> Value {
        World::of(self.daemon("summary --json")).ends_with(0).json()
    }

    /// Rows of operations that are there by now.
    fn rows(&self) -> Vec<String> {
        let path = self.0.path().join("results/continuous_operations_metrics.csv");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().skip(1).map(str::to_owned).collect()
    }

    /// The processes of the run of the moment, by name.
    fn agents(&self) -> Vec<(String, Pid)> {
        let runs = World::of(self.of("ps --json")).run().json();
        let agents = runs.pointer("/0/agents").and_then(Value::as_array).cloned().unwrap_or_default();
        let agent = |agent: &Value| {
            let pid = agent["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))?;
            Some((agent["name"].as_str()?.to_owned(), pid))
        };
        agents.iter().filter_map(agent).collect()
    }

    /// The same, when all of them are there.
    fn all_agents(&self) -> Vec<(String, Pid)> {
        wait_until("seven agents", || Some(self.agents()).filter(|agents| agents.len() == 7))
    }

    /// Waits until no process is left, and no run's directory.
    fn assert_nothing_left(&self, agents: &[(String, Pid)]) {
        for (name, pid) in agents {
            wait_until(&format!("{name} is gone"), || is_gone(*pid).then_some(()));
        }
        let left = || fs::read_dir(self.runs()).map_or(0, Iterator::count);
        wait_until("no run's directory is left", || (left() == 0).then_some(()));
    }
}

fn is_failure(row: &&String) -> bool {
    row.contains(",False,")
}

#[test]
fn the_configuration_that_ships_runs_as_it_is() {
    let site = Site::with("");
    let ended = World::of(site.of("daemon once")).ends_with(0);
    assert!(ended.out.starts_with("Cycle 1 done"), "{}", ended.out);
    assert!(ended.out.contains(" 0 breached, 0 undetermined"), "{}", ended.out);
    let shipped = fs::read_to_string(site.0.path().join("daemon_results/continuous_operations_metrics.csv"));
    let rows = shipped.expect("it is there");
    assert!(rows.lines().skip(1).all(|row| row.contains(",server-")), "servers were asked: {rows}");
    assert!(rows.lines().count() > 5, "{rows}");
    site.assert_nothing_left(&[]);
}

#[test]
fn every_attack_on_the_world_is_withstood_and_the_judges_are_awake() {
    let site = Site::with("");
    let load = "guardrails = { num_tests = { min = 66, max = 66 }, threads = { min = 6, max = 6 }, \
                delay = { min = 0.1, max = 0.1 } }";
    let profiles =
        ["busy", "normal", "quiet"].map(|profile| format!("load_profiles.{profile} = {{ {load} }}\n"));
    let mix = "simulation_mix = { operations_weight = 0, guardrails_weight = 1 }\n";
    fs::write(site.0.path().join("daemon.toml"), format!("{mix}{}", profiles.concat())).expect("written");
    let ended = World::of(site.daemon("once")).ends_with(0);
    assert!(ended.out.contains(" 66 blocked, 0 breached, 0 undetermined"), "{}", ended.out);
    let read =
        |name: &str| fs::read_to_string(site.0.path().join("results").join(name)).expect("it is there");
    assert!(read("simulation_daemon.log").contains("0 undetermined; judges awake"));
    // The world's own words stand beside them; which attacks are drawn is chance.
    let rows = read("continuous_guardrail_results.csv");
    let said = ["a server may not say this", "the token is not this run's", "too soon after the last one"];
    assert!(said.iter().any(|said| rows.contains(said)), "{rows}");
    site.assert_nothing_left(&[]);
}

#[test]
fn without_chaos_every_request_is_answered_and_every_server_is_asked() {
    let site = Site::with("chaos_level = 'off'\nround_ms = 100");
    let ended = World::of(site.daemon("once")).ends_with(0);
    assert!(ended.out.contains("operations  40 of 40 succeeded"), "{}", ended.out);
    let rows = site.rows();
    for server in ["server-web-1", "server-web-2", "server-api-1", "server-db-primary", "server-cache-1"] {
        assert!(rows.iter().any(|row| row.contains(server)), "{server}: {rows:#?}");
    }
    assert!(rows.iter().any(|row| row.contains("a read answered by")), "{rows:#?}");
    site.assert_nothing_left(&[]);
}

#[test]
fn under_chaos_requests_fail_and_the_rows_say_where() {
    let site = Site::with("chaos_level = 'extreme'\nround_ms = 20");
    let daemon = site.run("");
    let failed = wait_until("thirty failures", || {
        let failed: Vec<String> = site.rows().iter().filter(is_failure).cloned().collect();
        (failed.len() >= 30).then_some(failed)
    });
    let said =
        ["answered with an error", "does not answer", "is down", "answered too late", "drops requests"];
    let unsaid: Vec<_> = failed.iter().filter(|row| said.iter().all(|how| !row.contains(how))).collect();
    assert!(unsaid.is_empty(), "{unsaid:#?}");
    let agents = site.agents();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    site.assert_nothing_left(&agents);
    let summary = site.summary();
    let of = |what: &str| number(&summary, &format!("/sends/operations/{what}"));
    assert_eq!(of("sent") + of("late"), of("succeeded") + of("failed"), "{summary:#}");
    assert!(of("succeeded") > 0, "a world under chaos still serves: {summary:#}");
}

#[test]
fn a_server_that_is_killed_answers_nobody_until_the_next_run() {
    let site = Site::with("chaos_level = 'off'\nround_ms = 20\nrounds = 400");
    let daemon = site.run("");
    wait_until("a cycle", || (site.rows().len() >= 40).then_some(()));
    let web = |agents: Vec<(String, Pid)>| agents.into_iter().find(|(name, _)| name == "server-web-1");
    let (_, pid) = web(site.all_agents()).expect("it is there");
    kill_process(pid, Signal::KILL).expect("it lives");
    wait_until("requests that fail there", || {
        site.rows().iter().any(|row| row.contains("web-1 does not answer")).then_some(())
    });
    site.wait_for_line("1 agents lost");
    let next = wait_until("another process", || web(site.agents()).filter(|(_, next)| *next != pid));
    let before = site.rows().len();
    wait_until("requests that succeed there", || {
        let rows = site.rows();
        rows.iter().skip(before).any(|row| row.contains("answered by web-1")).then_some(())
    });
    daemon.signal(Signal::INT);
    assert_eq!(daemon.end(), Some(0));
    site.assert_nothing_left(&[next]);
}

#[test]
fn requests_change_nothing_of_a_run_and_each_can_be_played_again() {
    let site = Site::with("chaos_level = 'high'\nround_ms = 20\nrounds = 200\nseed = 7");
    let daemon = site.run("");
    site.wait_for_line("with seed 8 has ended after 200 rounds");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert!(site.rows().len() > 100, "requests were sent meanwhile");
    for seed in [7, 8] {
        let line = format!("with seed {seed} has ended after 200 rounds");
        let said = site.said();
        let told = said.lines().find(|said| said.contains(&line)).expect("it was told");
        let again = format!("run --seed {seed} --rounds 200 --chaos-level high --inline --json");
        let result = World::of(site.of(&again)).run().json();
        let hash = result["journal_hash"].as_str().unwrap_or_else(|| panic!("no hash in {result:#}"));
        assert!(told.ends_with(hash), "{told}\n{hash}");
    }
}

#[test]
fn a_daemon_that_is_killed_leaves_no_process_of_its_world() {
    let site = Site::with("round_ms = 100");
    let daemon = site.run("");
    wait_until("a cycle", || (site.rows().len() >= 40).then_some(()));
    let agents = site.all_agents();
    daemon.signal(Signal::KILL);
    daemon.end();
    for (name, pid) in &agents {
        wait_until(&format!("{name} is gone"), || is_gone(*pid).then_some(()));
    }
    // And whoever comes next has nothing in the way.
    World::of(site.daemon("once")).ends_with(0);
    site.assert_nothing_left(&agents);
}

#[test]
fn a_stop_while_the_world_comes_up_ends_both() {
    let site = Site::with("round_ms = 3_600_000");
    let daemon = site.run("");
    site.wait_for_line("comes up");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    assert!(site.said().contains("ended: SIGTERM"), "{}", site.said());
    site.assert_nothing_left(&[]);
}

/// `WORLD_STOPS` says how many; six without it.
#[test]
fn a_stop_at_any_moment_ends_in_time_with_its_summary_and_leaves_nothing() {
    let stops: u32 = std::env::var("WORLD_STOPS").map_or(6, |stops| stops.parse().expect("a number"));
    let site = Site::with("round_ms = 100");
    let mut dice = ChaCha8Rng::seed_from_u64(stops.into());
    let (mut longest, mut before_it_began) = (Duration::ZERO, 0);
    for stop in 0..stops {
        let daemon = site.run("");
        // While it comes up, in a cycle, in a wait: a start takes about 200 ms, a cycle a second.
        let moment = Duration::from_micros(dice.random_range(0..2_500_000));
        std::thread::sleep(moment);
        let agents = site.agents();
        let asked = Instant::now();
        daemon.signal(if stop % 2 == 0 { Signal::TERM } else { Signal::INT });
        let code = daemon.end();
        longest = longest.max(asked.elapsed());
        assert!(asked.elapsed() < Duration::from_secs(10), "the grace time, {moment:?} after its start");
        site.assert_nothing_left(&agents);
        // Who is told to end before it hears signals ends by them, and has begun nothing.
        if code.is_none() {
            assert!(!site.said().contains("world daemon"), "{moment:?}: {}", site.said());
            before_it_began += 1;
            continue;
        }
        assert_eq!(code, Some(0), "{moment:?} after its start: {}", site.said());
        assert!(site.said().contains("ended: SIG"), "{moment:?}: {}", site.said());
        let summary = site.summary();
        let written = site.0.path().join("results/daily_summaries");
        let written = written.join(format!("summary_{}.json", summary["date"].as_str().expect("a date")));
        let written: Value =
            serde_json::from_slice(&fs::read(written).expect("it is written")).expect("JSON");
        assert_eq!(written, summary, "the final summary is written, {moment:?} after its start");
        assert_balanced(&summary);
    }
    println!("{stops} stops: {before_it_began} before it began, the longest took {longest:?}");
}

#[test]
fn a_world_that_cannot_be_is_told_with_its_cure() {
    for (world, told) in
        [("world = 'sytems'", "there is no world `sytems`"), ("world = './none.toml'", "none.toml")]
    {
        let site = Site::with(world);
        let ended = World::of(site.daemon("run")).ends_with(2);
        assert!(ended.err.contains(told) && ended.err.contains("tip: "), "{world}: {}", ended.err);
    }
    for setting in ["round_ms = 0", "rounds = 0"] {
        let ended = World::of(Site::with(setting).daemon("run")).ends_with(2);
        assert!(ended.err.contains("must be at least 1"), "{}", ended.err);
    }
    let site = Site::with("");
    fs::write(site.runs().join("../blocked"), "").expect("written");
    let mut command = site.daemon("run");
    command.env("WORLD_RUNTIME_DIR", site.0.path().join("blocked"));
    let ended = World::of(command).ends_with(2);
    assert!(ended.err.contains("the resident world is down"), "{}", ended.err);
}
