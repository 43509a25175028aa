//! Claims about agents that people start by hand: the run says whom it waits for and what to type,
//! they come, go and come again, and the run goes on.

mod support;

use bus::address::{socket_in, token_in};
use bus::client::Client;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Role, ToSre};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::running::{Run, lines_of, said, wait_until, world};
use worlds::id::{ActionId, ServerId};
use worlds::message::{ActionRequest, Decision, RequestId};

/// An agent in another terminal.
struct Agent(Child);

impl Agent {
    /// By what a run said that one should type, in a shell that knows nothing but where runs are.
    fn typed(command: &str, runtime_dir: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec {}", command.trim())])
            .env("WORLD_RUNTIME_DIR", runtime_dir.join("world"));
        Self(shell.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell"))
    }

    /// As people leave who press Ctrl-C.
    fn leave(self) {
        kill_process(Pid::from_child(&self.0), Signal::INT).expect("it runs");
    }

    fn code(mut self) -> Option<i32> {
        wait_until("the agent ends", || self.0.try_wait().expect("a child")).code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run {
    /// Starts an agent by the next command that the run says for it.
    fn agent(&mut self, words: &str) -> Agent {
        let command = self.line_with(&format!("world agent {words}"));
        Agent::typed(&command, self.runtime_dir.path())
    }

    /// Waits until so many more rounds are told.
    fn rounds_go_by(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.line_with("Round ");
        }
    }
}

/// The records of a kind, from a recorded run.
fn records(out: &Path, kind: &str) -> Vec<Value> {
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).expect("a journal");
    let all = journal.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
    all.filter(|record| record["kind"] == kind).collect()
}

/// In which round each of the lost agents was lost, or the returned ones were back.
fn rounds(out: &Path, kind: &str, agent: &str) -> Vec<u64> {
    let of_agent = records(out, kind).into_iter().filter(|record| record["agent"] == agent);
    of_agent.map(|record| record["round"].as_u64().expect("a round")).collect()
}

/// From which round on an agent is said to take part.
fn round_in(told: &str) -> Option<u64> {
    told.split("from round ").nth(1)?.split(' ').next()?.parse().ok()
}

#[test]
fn what_a_run_says_is_what_to_type() {
    let mut run = Run::start("--seed 7 --manual=web-1,oncall");
    run.line_with("Waiting for 2 agents");
    let (server, sre) = (run.line_with("agent server"), run.line_with("agent sre"));
    assert!(!server.contains("--bus") && !sre.contains("--bus"), "{server} {sre}");
    let server = Agent::typed(&server, run.runtime_dir.path());
    run.line_with("server-web-1 ");
    run.line_with("still awaited: sre-oncall");
    let sre = Agent::typed(&sre, run.runtime_dir.path());
    run.line_with("everybody is here");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!((server.code(), sre.code()), (Some(0), Some(0)));
    assert_eq!(ended.journal(), Run::start("--seed 7 --inline").end().journal());
}

#[test]
fn an_agent_says_what_it_has_joined_and_when_that_is_over() {
    let mut run = Run::start("--seed 7 -n 2 --manual=oncall");
    run.line_with("agent sre");
    let mut command = world(run.runtime_dir.path());
    command.args(["agent", "sre", "--name", "oncall"]);
    let (code, told) = said(command);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("sre-oncall has joined systems, seed 7."), "{told}");
    assert!(told.contains("The run is over."), "{told}");
    assert_eq!(run.end().code, Some(0));
}

#[test]
fn the_bus_is_named_where_an_agent_would_not_find_it() {
    let at = tempfile::tempdir().expect("a directory");
    let directory = at.path().join("here");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        command.args(["--seed", "7", "-n", "2", "--manual=oncall", "--bus"]).arg(&directory);
    });
    let command = run.line_with("agent sre --name oncall");
    assert!(command.ends_with(&format!("--bus {}", directory.display())), "{command}");
    let _sre = Agent::typed(&command, run.runtime_dir.path());
    assert_eq!(run.end().code, Some(0));
}

#[test]
fn a_server_that_leaves_is_down_until_it_joins_again_and_the_run_goes_on() {
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        let arguments = "--seed 7 -n 100000 --pace 100ms --chaos-level off --manual=web-1 --sre none --out";
        command.args(arguments.split_whitespace()).arg(&out);
    });
    let mut again = None;
    for seen in ["Round ", "BACK       server-web-1"] {
        let command = again.take().unwrap_or_else(|| run.line_with("world agent server --name web-1"));
        let agent = Agent::typed(&command, run.runtime_dir.path());
        let seen = run.line_with(seen);
        if let Some(round) = round_in(&seen) {
            run.line_with(&format!("Round {round} of"));
        }
        agent.leave();
        run.line_with("LOST       server-web-1: it left");
        let command = run.line_with("world agent server --name web-1");
        run.rounds_go_by(3);
        again = Some(command);
    }
    let back = Agent::typed(&again.expect("a command"), run.runtime_dir.path());
    let told = run.line_with("BACK       server-web-1");
    run.line_with(&format!("Round {} of", round_in(&told).expect("a round")));
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!((ended.code, back.code()), (Some(130), Some(0)), "{}", ended.text);
    let result = std::fs::read_to_string(out.join("result.json")).expect("a result");
    let result: Value = serde_json::from_str(&result).expect("a document");
    assert_eq!(result["lost_agents"], serde_json::json!(["server-web-1", "server-web-1"]));
    let (lost, returned) =
        (rounds(&out, "agent_lost", "server-web-1"), rounds(&out, "agent_returned", "server-web-1"));
    assert_eq!((lost.len(), returned.len()), (2, 2), "{}", ended.text);
    assert!(lost[0] < returned[0] && returned[0] < lost[1] && lost[1] < returned[1], "{lost:?} {returned:?}");
    assert_eq!(round_in(&told), Some(returned[1]));
    for record in records(&out, "server").iter().filter(|record| record["server"] == "web-1") {
        let round = record["round"].as_u64().expect("a round");
        let is_down = lost.iter().zip(&returned).any(|(lost, returned)| (*lost..*returned).contains(&round));
        assert_eq!(record["status"] == "DOWN", is_down, "{record}");
    }
}

#[test]
fn an_agent_that_leaves_within_a_long_round_is_told_at_once_and_can_come_back() {
    let mut run = Run::start("--seed 7 -n 100 --pace 1m --manual=web-1");
    let agent = run.agent("server --name web-1");
    run.line_with("Round ");
    agent.leave();
    run.line_with("LOST       server-web-1: it left");
    let back = run.agent("server --name web-1");
    // It left after round 1, so it misses round 2.
    assert_eq!(round_in(&run.line_with("BACK       server-web-1")), Some(3));
    back.leave();
    run.line_with("LOST       server-web-1: it left");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
}

/// An SRE that asks in each round that `web-1` be restarted, until the bus ends.
fn restart_web_1(directory: &Path) {
    let token = token_in(directory).expect("a token");
    let hello = Hello { protocol: PROTOCOL, role: Role::Sre, name: "oncall".to_owned(), skill: None, token };
    let (mut client, brief) = Client::connect(&socket_in(directory), &hello).expect("it is awaited");
    let Brief::Sre(brief) = brief else { panic!("another's brief") };
    let target = brief.runbook.servers.iter().position(|server| &*server.name == "web-1").expect("a server");
    let action =
        brief.runbook.actions.iter().position(|action| action.name == "restart_service").expect("an action");
    let mut decision = Decision::default();
    while let Ok(told) = client.receive::<ToSre>() {
        let ToSre::Observe(observation) = told else { continue };
        decision.begin(observation.round);
        decision.actions.push(ActionRequest {
            request: RequestId(observation.round),
            action: ActionId::from(action),
            target: ServerId::from(target),
            late: false,
        });
        if client.send(&FromAgent::decision(&decision)).is_err() {
            return;
        }
    }
}

#[test]
fn a_server_whose_services_were_restarted_while_it_was_away_can_come_back() {
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        let arguments = "--seed 7 -n 100000 --pace 60ms --chaos-level off --manual=web-1,oncall --out";
        command.args(arguments.split_whitespace()).arg(&out);
    });
    let agent = run.agent("server --name web-1");
    let directory = run.directory();
    let sre = std::thread::spawn(move || restart_web_1(&directory));
    run.line_with("Round 2 of");
    agent.leave();
    run.line_with("LOST       server-web-1: it left");
    let command = run.line_with("world agent server --name web-1");
    run.rounds_go_by(2);
    for _ in 0..2 {
        run.line_with("restart_service on web-1 succeeded");
    }
    run.rounds_go_by(2);
    let back = Agent::typed(&command, run.runtime_dir.path());
    let told = run.line_with("BACK       server-web-1");
    run.line_with(&format!("Round {} of", round_in(&told).expect("a round")));
    run.signal(Signal::INT);
    let ended = run.end();
    sre.join().expect("the SRE");
    assert_eq!((ended.code, back.code()), (Some(130), Some(0)), "{}", ended.text);
    // It was away once, however often somebody tried to bring it back.
    let (lost, returned) =
        (rounds(&out, "agent_lost", "server-web-1"), rounds(&out, "agent_returned", "server-web-1"));
    assert_eq!((lost.len(), returned.len()), (1, 1), "{lost:?} {returned:?}");
    let result = std::fs::read_to_string(out.join("result.json")).expect("a result");
    let result: Value = serde_json::from_str(&result).expect("a document");
    assert_eq!(result["lost_agents"], serde_json::json!(["server-web-1"]));
}

#[test]
fn an_agent_that_waits_for_the_next_round_when_the_run_ends_is_told_so() {
    let mut run = Run::start("--seed 7 -n 100 --pace 1m --manual=web-1");
    let agent = run.agent("server --name web-1");
    run.line_with("Round ");
    agent.leave();
    let back = run.agent("server --name web-1");
    run.line_with("BACK       server-web-1");
    run.signal(Signal::INT);
    assert_eq!((run.end().code, back.code()), (Some(130), Some(0)));
}

/// The descriptor that a process would open after its next.
fn second_free_descriptor(process: Pid) -> u64 {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).expect("some");
    let open: Vec<u64> = entries
        .map(|entry| entry.expect("one").file_name().to_string_lossy().parse().expect("a number"))
        .collect();
    (0..).filter(|number| !open.contains(number)).nth(1).expect("there is always another")
}

#[test]
fn an_agent_that_comes_while_descriptors_are_short_can_try_again() {
    let mut run = Run::start("--seed 7 --manual=oncall");
    let command = run.line_with("world agent sre");
    while run.agents().len() < 6 {
        run.line_with("PID");
    }
    let director = Pid::from_child(&run.child);
    let plenty = getrlimit(Resource::Nofile);
    // Once the notice board says that all others are there, nothing is opened or closed.
    wait_until("all but the SRE are there", || {
        let mut command = world(run.runtime_dir.path());
        let output = command.args(["ps", "--json"]).output().expect("the program");
        let worlds: Value = serde_json::from_slice(&output.stdout).ok()?;
        let agents = worlds[0]["agents"].as_array()?;
        let here = agents.iter().filter(|agent| agent["pid"].is_u64()).count();
        (here == agents.len() - 1).then_some(())
    });
    // Enough to greet somebody; to see to it that its end is noticed takes another.
    let second_free = second_free_descriptor(director);
    let one_more = Rlimit { current: Some(second_free), maximum: plenty.maximum };
    prlimit(Some(director), Resource::Nofile, one_more).expect("a limit");
    assert_eq!(Agent::typed(&command, run.runtime_dir.path()).code(), Some(3));
    prlimit(Some(director), Resource::Nofile, plenty).expect("a limit");
    let sre = Agent::typed(&command, run.runtime_dir.path());
    let ended = run.end();
    assert_eq!((ended.code, sre.code()), (Some(0), Some(0)), "{}", ended.text);
}

#[test]
fn an_sre_that_leaves_decides_nothing_until_it_joins_again() {
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        let arguments = "--seed 7 -n 100000 --pace 60ms --chaos-level extreme --manual=oncall --out";
        command.args(arguments.split_whitespace()).arg(&out);
    });
    let agent = run.agent("sre --name oncall");
    run.line_with("Round 4 of");
    agent.leave();
    run.line_with("LOST       sre-oncall: it left");
    let command = run.line_with("world agent sre --name oncall");
    // Rounds without decisions.
    run.rounds_go_by(3);
    let back = Agent::typed(&command, run.runtime_dir.path());
    let told = run.line_with("BACK       sre-oncall");
    run.line_with(&format!("Round {} of", round_in(&told).expect("a round") + 4));
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!((ended.code, back.code()), (Some(130), Some(0)), "{}", ended.text);
    let (lost, returned) =
        (rounds(&out, "agent_lost", "sre-oncall"), rounds(&out, "agent_returned", "sre-oncall"));
    let ([lost], [returned]) = (&lost[..], &returned[..]) else { panic!("{lost:?} {returned:?}") };
    let decided: Vec<u64> =
        records(&out, "diagnosed").iter().map(|record| record["round"].as_u64().expect("a round")).collect();
    assert!(!decided.iter().any(|round| (*lost..*returned).contains(round)), "{decided:?}");
    assert!(decided.iter().any(|round| round < lost) && decided.iter().any(|round| round >= returned));
}

#[test]
fn an_agent_that_leaves_before_the_start_is_awaited_again() {
    let mut run = Run::start("--seed 7 --manual=web-1,oncall");
    let agent = run.agent("server --name web-1");
    let sre = run.line_with("agent sre");
    run.line_with("still awaited: sre-oncall");
    agent.leave();
    run.line_with("LEFT       server-web-1: it left, it is awaited again");
    let back = run.agent("server --name web-1");
    run.line_with("still awaited: sre-oncall");
    let _sre = Agent::typed(&sre, run.runtime_dir.path());
    let ended = run.end();
    // Nothing was lost: the run had not begun.
    assert_eq!((ended.code, back.code()), (Some(0), Some(0)), "{}", ended.text);
    assert_eq!(ended.journal(), Run::start("--seed 7 --inline").end().journal());
}

#[test]
fn an_agent_of_the_director_that_dies_before_the_start_is_started_again() {
    let mut run = Run::start("--seed 7 --manual=oncall");
    let sre = run.line_with("agent sre");
    run.line_with("server-web-2 ");
    let first = run.pid_of("server-web-2");
    kill_process(first, Signal::KILL).expect("it runs");
    run.line_with("LEFT       server-web-2: killed by signal 9");
    run.line_with("server-web-2 ");
    assert_ne!(run.pid_of("server-web-2"), first);
    let _sre = Agent::typed(&sre, run.runtime_dir.path());
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

#[test]
fn a_quiet_run_still_says_whom_it_waits_for() {
    let runtime_dir = tempfile::tempdir().expect("a directory");
    let mut command = world(runtime_dir.path());
    command.args(["run", "--seed", "7", "-q", "--json", "--manual=oncall"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    let errors = lines_of(child.stderr.take().expect("its errors"));
    let command = errors.iter().find(|line| line.contains("agent sre --name oncall")).expect("a command");
    let _sre = Agent::typed(&command, runtime_dir.path());
    let output = child.wait_with_output().expect("a child");
    assert_eq!(output.status.code(), Some(0));
    let result: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(result["verdict"], "ok");
}

#[test]
fn many_agents_are_told_in_few_lines() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("large.toml");
    std::fs::write(&path, support::large_world(60)).expect("a world file");
    let mut run = Run::start(&format!("{} --seed 7 --manual", path.display()));
    run.line_with("Waiting for 6");
    run.line_with("tells who is missing");
    let text = run.seen.join("\n");
    let told = text.split("Waiting for").nth(1).expect("it waits");
    assert!(told.lines().count() <= 12, "{told}");
    assert!(told.contains("web-{1..") && told.contains("agent sre --name oncall"), "{told}");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
}
