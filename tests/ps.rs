//! Claims about `world ps`, with real worlds: who runs, what they do, and what it leaves alone.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::running::{Run, make_private, said, wait_until, world as world_in};

/// What `world ps` prints, where runs are in this directory.
fn ps(runtime_dir: &Path, flags: &[&str]) -> String {
    let mut command = world_in(runtime_dir);
    let output = command.arg("ps").args(flags).output().expect("the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (Some(0), ""), "{flags:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn listed(runtime_dir: &Path, flags: &[&str]) -> Vec<Value> {
    let text = ps(runtime_dir, &[&["--json"], flags].concat());
    serde_json::from_str(&text).expect("a list of worlds")
}

fn agent<'a>(world: &'a Value, name: &str) -> &'a Value {
    let agents = world["agents"].as_array().expect("agents");
    agents.iter().find(|agent| agent["name"] == name).unwrap_or_else(|| panic!("no {name} in {world}"))
}

/// The only world, once an agent of it is in this state.
#[track_caller]
fn with_state(run: &Run, name: &str, state: &str) -> Value {
    wait_until(&format!("{name} is {state}"), || {
        let world = listed(run.runtime_dir.path(), &[]).pop()?;
        (agent(&world, name)["state"] == state).then_some(world)
    })
}

#[test]
fn where_no_world_runs_it_says_so() {
    let runtime_dir = tempfile::tempdir().expect("a directory");
    assert!(ps(runtime_dir.path(), &[]).starts_with("No world is running."));
    assert_eq!(ps(runtime_dir.path(), &["--json"]), "[]\n");
    let nowhere = runtime_dir.path().join("nowhere");
    assert_eq!(listed(runtime_dir.path(), &["--bus", nowhere.to_str().expect("text")]), [] as [Value; 0]);
}

#[test]
fn a_world_is_listed_with_its_round_and_its_agents() {
    let mut run = Run::start("--seed 23 -n 100 --pace 1m");
    run.line_with("Round ");
    let world = with_state(&run, "sre-oncall", "running");
    assert_eq!(world["director"]["pid"], run.child.id());
    assert_eq!(world["directory"], run.directory().to_str().expect("text"));
    let figures = ["seed", "round", "rounds", "schema"].map(|field| world[field].as_u64());
    assert_eq!(figures, [23, 1, 100, 1].map(Some));
    assert_eq!((&world["world"]["name"], &world["mode"]), (&"systems".into(), &"processes".into()));
    assert_eq!(world["agents"].as_array().map(Vec::len), Some(7));
    for listed in world["agents"].as_array().expect("agents") {
        let pid = run.pid_of(listed["name"].as_str().expect("a name"));
        assert_eq!(listed["pid"], pid.as_raw_nonzero().get());
        assert!(listed["pss_kib"].as_u64().is_some_and(|kib| (50..100_000).contains(&kib)), "{listed}");
    }
    let table = ps(run.runtime_dir.path(), &[]);
    for part in ["systems: seed 23", "1 of 100", "server-db-primary  database", "running", "KiB"] {
        assert!(table.contains(part), "no `{part}` in\n{table}");
    }
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn what_it_prints_keeps_to_its_schema() {
    let mut run = Run::start("--seed 23 -n 100 --pace 1m --manual=web-1");
    run.line_with("agent server");
    let world = with_state(&run, "sre-oncall", "running");
    let schema = support::world("schema ps").ends_with(0).json();
    let problems = support::schema::problems(&schema, &Value::Array(vec![world]));
    assert!(problems.is_empty(), "{problems:#?}");
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn agents_are_awaited_running_stopped_and_lost() {
    let mut run = Run::start("--seed 23 -n 100000 --pace 50ms --manual=web-1,web-2");
    run.line_with("agent server --name web-2");
    let world = with_state(&run, "server-web-1", "awaited");
    assert_eq!((&world["phase"], &agent(&world, "server-web-1")["pid"]), (&"starting".into(), &Value::Null));
    let table = ps(run.runtime_dir.path(), &[]);
    assert!(table.contains("world agent server --name web-1"), "{table}");
    let mut hands: Vec<Child> = ["web-1", "web-2"]
        .map(|name| {
            let mut command = world_in(run.runtime_dir.path());
            command.args(["agent", "server", "--name", name]).stderr(Stdio::null());
            command.spawn().expect("the program")
        })
        .into();
    run.line_with("Round 2 of");
    let world = with_state(&run, "server-web-1", "running");
    assert_eq!(agent(&world, "server-web-1")["pid"], hands[0].id());
    assert_eq!(agent(&world, "server-web-1")["by_hand"], true);
    hands[1].kill().expect("it runs");
    hands[1].wait().expect("a child");
    with_state(&run, "server-web-2", "lost");
    let hand = Pid::from_child(&hands[0]);
    kill_process(hand, Signal::STOP).expect("it runs");
    with_state(&run, "server-web-1", "stopped");
    kill_process(hand, Signal::CONT).expect("it is there");
    run.signal(Signal::INT);
    run.end();
    // It hears the farewell, or was stopped for so long that the run went on without it.
    let code = hands[0].wait().expect("a child").code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}

#[test]
fn a_world_whose_director_is_stopped_is_listed_all_the_same() {
    let mut run = Run::start("--seed 23 -n 100 --pace 1m");
    run.line_with("Round ");
    with_state(&run, "sre-oncall", "running");
    run.signal(Signal::STOP);
    wait_until("the director is stopped", || {
        let world = listed(run.runtime_dir.path(), &[]).pop()?;
        (world["director"]["state"] == "stopped").then_some(())
    });
    run.signal(Signal::CONT);
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn dead_worlds_are_swept_and_living_ones_told_apart() {
    let mut first = Run::start("--seed 1 -n 100 --pace 1m");
    first.line_with("Round ");
    let base = first.runtime_dir.path().to_owned();
    let mut second = world_in(&base);
    second.args(["run", "--seed", "2", "-n", "100", "--pace", "1m"]).stdout(Stdio::null());
    let mut second = second.spawn().expect("the program");
    wait_until("both are listed", || (listed(&base, &[]).len() == 2).then_some(()));
    let worlds = wait_until("both have said how they stand", || {
        let worlds = listed(&base, &[]);
        worlds.iter().all(|world| world["phase"] == "running").then_some(worlds)
    });
    let seeds: Vec<_> = worlds.iter().map(|world| world["seed"].as_u64()).collect();
    assert!(seeds.contains(&Some(1)) && seeds.contains(&Some(2)), "{seeds:?}");

    // An agent that does not know which is told what tells them apart, and what to type.
    let mut agent = world_in(&base);
    agent.args(["agent", "server", "--name", "web-1"]);
    let (code, text) = said(agent);
    assert_eq!(code, Some(2), "{text}");
    for world in &worlds {
        let command =
            format!("world agent server --name web-1 --bus {}", world["directory"].as_str().expect("one"));
        assert!(text.contains(&command), "no `{command}` in\n{text}");
        assert!(text.contains(&format!("systems, seed {}, round 1 of 100", world["seed"])), "{text}");
    }

    // What a killed director leaves goes with the next look, and so does its line.
    second.kill().expect("it runs");
    second.wait().expect("a child");
    wait_until("the dead one is gone", || (listed(&base, &[]).len() == 1).then_some(()));
    assert_eq!(std::fs::read_dir(base.join("world")).expect("a directory").count(), 1);
    first.signal(Signal::INT);
    first.end();
}

#[test]
fn a_world_with_a_bus_of_its_own_is_found_where_it_is() {
    let at = tempfile::tempdir().expect("a directory");
    let bus = at.path().join("here");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        command.args(["--seed", "23", "-n", "100", "--pace", "1m", "--bus"]).arg(&bus);
    });
    run.line_with("Round ");
    assert_eq!(listed(run.runtime_dir.path(), &[]).len(), 0);
    let here = listed(run.runtime_dir.path(), &["--bus", bus.to_str().expect("text")]);
    assert_eq!((here.len(), &here[0]["seed"]), (1, &23.into()));
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn a_status_is_only_its_users_and_goes_with_its_run() {
    let mut run = Run::start("--seed 23 -n 100 --pace 1m");
    run.line_with("Round ");
    let status = run.directory().join("status.json");
    let mode = std::fs::metadata(&status).expect("a status").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn many_agents_are_put_together_by_type() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("large.toml");
    std::fs::write(&path, support::large_world(60)).expect("a world file");
    let mut run = Run::start(&format!("{} --seed 7 -n 1000 --pace 100ms --chaos-level off", path.display()));
    run.line_with("Round 2 of");
    let world = with_state(&run, "sre-oncall", "running");
    let agents = world["agents"].as_array().map(Vec::len).expect("agents");
    let table = ps(run.runtime_dir.path(), &[]);
    assert!(table.lines().count() < 20, "{table}");
    assert!(table.contains("database"), "{table}");
    let all = ps(run.runtime_dir.path(), &["-v"]);
    assert!(all.lines().count() > agents, "{all}");
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    let open = tempfile::tempdir().expect("a directory");
    let runtime_dir = tempfile::tempdir().expect("a directory");
    make_private(runtime_dir.path());
    std::fs::set_permissions(open.path(), std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let mut command: Command = world_in(runtime_dir.path());
    command.args(["ps", "--bus"]).arg(open.path());
    let (code, text) = said(command);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("is open to other users"), "{text}");
    // It may be anybody's home, or /tmp: closing it is nothing to advise.
    assert!(text.contains("name a new directory") && !text.contains("chmod"), "{text}");
}
