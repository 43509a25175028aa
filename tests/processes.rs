//! Claims about runs with processes, by the real program: the same run as without, whatever
//! happens to the processes, and nothing left behind.

mod support;

use bus::address;
use bus::client::Client;
use bus::wire::{Brief, FromAgent, Hello, PROTOCOL, Role, ToSre};
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use support::running::{Run, is_gone, make_private, said, wait_until, world};
use worlds::id::{ActionId, ServerId};
use worlds::message::{ActionRequest, Decision, RequestId};

/// What the design promises: from the end of the bus to the end of every agent.
const AGENTS_GONE: Duration = Duration::from_millis(500);

/// From one signal to the next, which must not be heard as one.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

// ---- the same run -----------------------------------------------------------------------------

#[test]
fn a_run_with_processes_is_the_same_as_one_without() {
    for arguments in [
        "--seed 1",
        "--seed 2 --chaos-level extreme --skill senior -n 30",
        "--seed 3 --sre a=rules:junior --sre b=oracle --sre c=none --chaos-level high",
        "--seed 4 --sre oracle",
    ] {
        let processes = Run::start(arguments).end();
        let inline = Run::start(&format!("{arguments} --inline")).end();
        assert_eq!(processes.journal(), inline.journal(), "{arguments}");
        assert_eq!((processes.code, inline.code), (Some(0), Some(0)), "{arguments}");
        assert!(processes.agents.len() >= 6);
        assert_eq!(inline.agents, []);
    }
}

#[test]
fn threads_do_not_change_a_run() {
    let one = Run::start("--seed 5").end();
    let several = Run::start("--seed 5 --worker-threads 3").end();
    assert_eq!(one.journal(), several.journal());
}

#[test]
fn agents_are_announced_in_the_order_of_the_world() {
    let ended = Run::start("--seed 1 -n 1").end();
    let names = ["web-1", "web-2", "api-1", "db-primary", "db-replica", "cache-1"]
        .map(|name| format!("server-{name} "));
    let places: Vec<_> = names.iter().map(|name| ended.text.find(name.as_str()).expect(name)).collect();
    assert!(places.is_sorted(), "{}", ended.text);
}

// ---- agents that are lost ---------------------------------------------------------------------

#[test]
fn a_killed_server_is_lost_and_the_world_goes_on() {
    let mut run = Run::start("--seed 42 -n 20 --pace 20ms");
    run.line_with("Round 2 of");
    kill_process(run.pid_of("server-web-1"), Signal::KILL).expect("it runs");
    run.line_with("LOST       server-web-1: killed by signal 9");
    let ended = run.end();
    assert_eq!(ended.code, Some(3));
    assert!(ended.text.contains("Round 20 of 20"), "{}", ended.text);
    assert!(ended.text.contains("invalid"), "{}", ended.text);
}

#[test]
fn a_killed_sre_is_lost_and_the_world_goes_on() {
    let mut run = Run::start("--seed 42 -n 20 --pace 20ms");
    run.line_with("Round 2 of");
    kill_process(run.pid_of("sre-oncall"), Signal::KILL).expect("it runs");
    run.line_with("LOST       sre-oncall: killed by signal 9");
    let ended = run.end();
    assert_eq!(ended.code, Some(3));
    assert!(ended.text.contains("Round 20 of 20"), "{}", ended.text);
}

#[test]
fn a_server_that_hangs_is_dropped_at_the_deadline_and_does_not_survive() {
    let mut run = Run::start("--seed 42 -n 20 --pace 20ms");
    run.line_with("Round 2 of");
    let hangs = run.pid_of("server-api-1");
    kill_process(hangs, Signal::STOP).expect("it runs");
    run.line_with("LOST       server-api-1: no answer within 5s");
    let ended = run.end();
    assert_eq!(ended.code, Some(3));
    assert!(ended.agents.contains(&hangs));
}

#[test]
fn a_restart_gives_a_lost_server_a_new_process() {
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        let arguments = "--seed 42 -n 12 --pace 50ms --chaos-level off --manual=oncall --out";
        command.args(arguments.split_whitespace()).arg(&out);
    });
    run.line_with("world agent sre --name oncall");
    let directory = run.directory();
    let sre = std::thread::spawn(move || restart_what_is_stale(&directory));
    run.line_with("Round 2 of");
    let first = run.pid_of("server-web-1");
    kill_process(first, Signal::KILL).expect("it runs");
    run.line_with("LOST       server-web-1: killed by signal 9");
    run.line_with("server-web-1 ");
    let second = run.pid_of("server-web-1");
    assert_ne!(first, second);
    assert!(!is_gone(second));
    let ended = run.end();
    assert_eq!(ended.code, Some(3));
    assert!(ended.text.contains("Round 12 of"), "{}", ended.text);
    assert_eq!(ended.text.matches("LOST ").count(), 1, "{}", ended.text);
    let bus = &runtime(&out)["bus"];
    assert_eq!((&bus["respawned"], &bus["joined"], &bus["gone"]), (&1.into(), &8.into(), &1.into()), "{bus}");
    sre.join().expect("an SRE that does not panic");
}

/// An SRE of this test: asks for the first action, a restart, on every server that is stale.
fn restart_what_is_stale(directory: &Path) {
    let hello = Hello {
        protocol: PROTOCOL,
        role: Role::Sre,
        name: "oncall".to_owned(),
        skill: None,
        token: address::token_in(directory).expect("a token"),
    };
    let (mut client, brief) = Client::connect(&address::socket_in(directory), &hello).expect("welcome");
    let Brief::Sre(brief) = brief else { panic!("another's brief") };
    let restart =
        brief.runbook.actions.iter().position(|action| action.name == "restart_service").expect("a restart");
    loop {
        let observation = match client.receive().expect("a bus that does not break") {
            ToSre::Observe(observation) => observation,
            ToSre::Results(_) => continue,
            ToSre::Bye => return,
            ToSre::Refused(why) => panic!("{why}"),
        };
        let stale = observation.servers.iter().enumerate().filter(|(_, server)| server.stale);
        let actions = stale.map(|(server, _)| ActionRequest {
            request: RequestId(observation.round),
            action: ActionId::from(restart),
            target: ServerId::from(server),
            late: false,
        });
        let decision =
            Decision { round: observation.round, actions: actions.collect(), ..Decision::default() };
        client.send(&FromAgent::decision(&decision)).expect("sent");
    }
}

// ---- what is true of this machine only --------------------------------------------------------

/// What a recorded run left in its side file.
fn runtime(out: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(out.join("runtime.json")).expect("a side file");
    serde_json::from_str(&text).expect("a JSON document")
}

#[test]
fn a_recording_counts_what_went_over_the_bus_beside_the_journal() {
    let kept = tempfile::tempdir().expect("a directory");
    let record = |name: &str, flags: &[&str]| {
        let out = kept.path().join(name);
        let ended = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
            command.args(["--seed", "42", "-n", "10", "--out"]).arg(&out).args(flags);
        })
        .end();
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        let journal = std::fs::read(out.join("journal.jsonl")).expect("a journal");
        (runtime(&out)["bus"].clone(), journal)
    };
    let (processes, journal) = record("processes", &[]);
    let (inline, same_journal) = record("inline", &["--inline"]);
    // Six servers and an SRE, each asked once a round.
    let figures = ["joined", "frames_sent", "frames_received", "respawned", "gone", "late"];
    assert_eq!(figures.map(|figure| processes[figure].as_u64()), [7, 70, 70, 0, 0, 0].map(Some));
    assert!(inline.is_null(), "{inline}");
    assert!(journal == same_journal, "the bus left traces in the journal");
}

// ---- signals ----------------------------------------------------------------------------------

#[test]
fn the_first_signal_ends_a_run_after_its_round() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut run = Run::start("--seed 42 -n 100 --pace 1m");
        run.line_with("Round ");
        run.signal(signal);
        let ended = run.end();
        assert_eq!(ended.code, Some(code));
        assert!(ended.text.contains("interrupted"), "{}", ended.text);
        assert!(!ended.text.contains("Round 2 of"), "{}", ended.text);
    }
}

#[test]
fn a_signal_that_was_inherited_as_ignored_is_heard() {
    let runtime_dir = tempfile::tempdir().expect("a directory");
    make_private(runtime_dir.path());
    let mut command = Command::new("sh");
    let script = "trap '' INT TERM; exec \"$@\"";
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_world"), "run", "-n", "100", "--pace", "1m"]);
    command.env("WORLD_RUNTIME_DIR", runtime_dir.path().join("world")).env("NO_COLOR", "1");
    let mut run = Run::spawn(runtime_dir, command);
    run.line_with("Round ");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
}

#[test]
fn the_second_signal_ends_a_run_at_once_even_while_an_agent_hangs() {
    let mut run = Run::start("--seed 42 -n 100 --pace 20ms");
    run.line_with("Round 2 of");
    kill_process(run.pid_of("server-api-1"), Signal::STOP).expect("it runs");
    // Without a hanging agent two more rounds would end within their pace.
    let stuck = Duration::from_millis(300);
    wait_until("the round hangs", || run.lines.recv_timeout(stuck).is_err().then_some(()));
    let began = Instant::now();
    run.signal(Signal::INT);
    // Two signals at once may be heard as one, and nothing shows that the first was heard; the third
    // would kill.
    std::thread::sleep(BETWEEN_SIGNALS);
    run.signal(Signal::INT);
    let ended = run.end();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(ended.code, Some(130));
}

#[test]
fn a_run_that_waits_for_agents_can_be_interrupted() {
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        command.args(["--seed", "42", "--manual", "--out"]).arg(&out);
    });
    run.line_with("world agent sre --name oncall");
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, Some(130));
    // Of a run without a round nothing is claimed.
    assert!(ended.text.contains("No round was played."), "{}", ended.text);
    assert!(!ended.text.contains("100.00 %") && !ended.text.contains("SLA M"), "{}", ended.text);
    let result = std::fs::read_to_string(out.join("result.json")).expect("a result");
    let result: serde_json::Value = serde_json::from_str(&result).expect("a document");
    for place in ["/availability_pct", "/availability_mean_of_rounds_pct", "/servers/0/uptime_pct", "/score"]
    {
        assert!(result.pointer(place).expect(place).is_null(), "{place}: {result}");
    }
    let problems = support::schema::problems(&support::world("schema result").ends_with(0).json(), &result);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn a_run_whose_output_nobody_reads_can_be_ended() {
    let runtime_dir = tempfile::tempdir().expect("a directory");
    let mut command = world(runtime_dir.path());
    command.args(["run", "-n", "200", "--seed", "42", "--chaos-level", "extreme", "-v"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program");
    let base = runtime_dir.path().join("world");
    let runs = || std::fs::read_dir(&base).map(|entries| entries.count()).unwrap_or(0);
    wait_until("it runs", || (runs() == 1).then_some(()));
    let out = child.stdout.take().expect("its output");
    let (mut unread, mut looks) = (0, 0);
    wait_until("the pipe is full and the run stands still", || {
        let before = std::mem::replace(&mut unread, ioctl_fionread(&out).expect("a pipe"));
        looks = if unread > 0 && unread == before { looks + 1 } else { 0 };
        (looks > 50).then_some(())
    });
    for _ in 0..2 {
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        std::thread::sleep(BETWEEN_SIGNALS);
    }
    let ended = wait_until("it ends", || child.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(130));
    assert_eq!(runs(), 0);
}

/// A run that is over, and has begun to write a document that nobody reads to its end.
fn run_that_writes_its_result(runtime_dir: &Path, flags: &[&str]) -> (Child, ChildStdout) {
    let mut command = world(runtime_dir);
    command.args(["run", "--json", "-q", "--seed", "42", "-n", "1500", "--chaos-level", "high"]).args(flags);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program");
    let mut out = child.stdout.take().expect("its output");
    out.read_exact(&mut [0]).expect("the document's first byte");
    (child, out)
}

#[test]
fn a_signal_after_the_last_round_leaves_a_complete_result() {
    for flags in [&[][..], &["--inline"]] {
        let runtime_dir = tempfile::tempdir().expect("a directory");
        let (mut child, mut out) = run_that_writes_its_result(runtime_dir.path(), flags);
        kill_process(Pid::from_child(&child), Signal::TERM).expect("it writes");
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("the rest of the document");
        assert_eq!(child.wait().expect("a child").code(), Some(143), "{flags:?}");
        let result: serde_json::Value = serde_json::from_str(&format!("{{{rest}")).expect("a whole document");
        assert_eq!((&result["verdict"], &result["rounds"]), (&"ok".into(), &1500.into()), "{flags:?}");
        assert!(result["interrupted_by"].is_null() && result["score"].is_number(), "{flags:?}");
    }
}

#[test]
fn a_result_that_nobody_reads_keeps_no_program_alive() {
    for flags in [&[][..], &["--inline"]] {
        let runtime_dir = tempfile::tempdir().expect("a directory");
        let (mut child, _out) = run_that_writes_its_result(runtime_dir.path(), flags);
        // Signals that come at once may be heard as one.
        let ended = wait_until("it ends", || {
            let _ = kill_process(Pid::from_child(&child), Signal::INT);
            child.try_wait().expect("a child")
        });
        assert_eq!(ended.signal(), Some(Signal::INT.as_raw()), "{flags:?}");
    }
}

#[test]
fn a_killed_director_leaves_no_agent_and_no_directory() {
    let mut run = Run::start("--seed 42 -n 100 --pace 1m");
    run.line_with("Round ");
    let agents = run.agents();
    assert_eq!(agents.len(), 7);
    // One that cannot notice anything by itself.
    kill_process(agents[0], Signal::STOP).expect("it runs");
    run.signal(Signal::KILL);
    wait_until("all agents are gone", || agents.iter().all(|pid| is_gone(*pid)).then_some(()));
    run.wait();
    run.assert_nothing_left();
}

/// From the end of a director that is killed to the end of all of its agents.
fn time_until_agents_are_gone() -> Duration {
    let mut run = Run::start("--seed 42 -n 100 --pace 1m");
    run.line_with("Round ");
    let agents = run.agents();
    run.signal(Signal::KILL);
    run.wait();
    let ended = Instant::now();
    wait_until("all agents are gone", || agents.iter().all(|pid| is_gone(*pid)).then_some(()));
    ended.elapsed()
}

#[test]
fn agents_are_gone_half_a_second_after_their_director() {
    // A machine that is busy with something else may take longer, but not each time.
    let mut times = std::iter::repeat_with(time_until_agents_are_gone).take(20);
    assert!(times.any(|time| time < AGENTS_GONE), "all of twenty took longer than {AGENTS_GONE:?}");
}

// ---- who watches ------------------------------------------------------------------------------

#[test]
fn a_closed_pipe_is_a_clean_end() {
    let mut run = Run::start("--seed 42 -n 100000 --pace 10ms");
    run.line_with("Round 2 of");
    // Whoever has read enough goes away with the first line that is not wanted.
    run.lines = channel().1;
    assert_eq!(run.wait().code(), Some(0));
    run.assert_nothing_left();
}

// ---- agents that are started by hand ----------------------------------------------------------

#[test]
fn a_world_of_agents_started_by_hand_is_the_same() {
    let mut run = Run::start("--seed 7 --manual");
    run.line_with("world agent sre --name oncall");
    let directory = run.directory();
    let servers =
        ["cache-1", "db-replica", "db-primary", "api-1", "web-2", "web-1"].map(|name| ("server", name));
    let agents: Vec<Child> = servers
        .into_iter()
        .chain([("sre", "oncall")])
        .map(|(role, name)| {
            let mut command = world(run.runtime_dir.path());
            command.args(["agent", role, "--name", name]).arg("--bus").arg(&directory);
            command.spawn().expect("the program")
        })
        .collect();
    let ended = run.end();
    assert_eq!(ended.code, Some(0));
    for mut agent in agents {
        assert_eq!(wait_until("it ends", || agent.try_wait().expect("a child")).code(), Some(0));
    }
    assert_eq!(ended.journal(), Run::start("--seed 7 --inline").end().journal());
}

#[test]
fn an_agent_that_does_not_belong_to_the_run_is_told_why() {
    let mut run = Run::start("--seed 7 --manual=web-1,oncall --skill mid");
    run.line_with("PID");
    let agent = |arguments: &str| {
        let mut command = world(run.runtime_dir.path());
        command.arg("agent").args(arguments.split_whitespace());
        said(command)
    };
    for (arguments, reason) in [
        ("server --name wbe-1", "did you mean `web-1`?"),
        ("server --name web-2", "web-2"),
        ("sre --name oncall --skill senior", "skill mid"),
        ("server", "which server?"),
    ] {
        let (code, said) = agent(arguments);
        assert_eq!(code, Some(2), "{arguments}: {said}");
        assert!(said.contains(reason), "{arguments}: {said}");
    }
    // None of this harmed the run.
    let directory = run.directory();
    let mut command = world(run.runtime_dir.path());
    command.args(["agent", "server", "--name", "web-1", "--bus"]).arg(directory);
    let server = command.spawn();
    run.line_with("server-web-1 ");
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
    assert_eq!(server.expect("the program").wait().expect("a child").code(), Some(0));
}

#[test]
fn an_agent_without_a_world_is_told_so() {
    let base = tempfile::tempdir().expect("a directory");
    let mut command = world(base.path());
    command.args(["agent", "server", "--name", "web-1", "--bus"]).arg(base.path().join("none"));
    let (code, said) = said(command);
    assert_eq!(code, Some(2));
    assert!(said.contains("no world is running in"), "{said}");
}

#[test]
fn a_directory_with_somebody_elses_files_is_refused_untouched() {
    let base = tempfile::tempdir().expect("a directory");
    let mut command = world(base.path());
    for name in ["lock", "token", "notes"] {
        std::fs::write(base.path().join(name), "precious").expect("a file");
    }
    command.args(["run", "--seed", "1", "-n", "1", "--bus"]).arg(base.path());
    let (code, said) = said(command);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`lock` that world did not make"), "{said}");
    for name in ["lock", "token", "notes"] {
        assert_eq!(std::fs::read_to_string(base.path().join(name)).expect("a file"), "precious");
    }
}

#[test]
fn two_runs_cannot_share_an_address() {
    let base = tempfile::tempdir().expect("a directory");
    let at = base.path().join("here");
    let mut run = Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
        command.args(["--seed", "1", "-n", "100", "--pace", "1m", "--bus"]).arg(&at);
    });
    run.line_with("Round ");
    let mut second = world(base.path());
    second.args(["run", "--bus"]).arg(&at);
    let refused = second.output().expect("the program");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("another world runs in"), "{said}");
    assert!(refused.stdout.is_empty(), "{}", String::from_utf8_lossy(&refused.stdout));
    run.signal(Signal::INT);
    assert_eq!(run.end().code, Some(130));
    assert!(!at.exists());
}

#[test]
fn a_token_is_nowhere_where_other_users_look() {
    let runtime_dir = tempfile::tempdir().expect("a directory");
    // Each agent has a token of its own, which no file holds: nothing that looks like one may be
    // seen, and what the environment of this test holds is none of it.
    let mut command = world(runtime_dir.path());
    command.env_clear().env("WORLD_RUNTIME_DIR", runtime_dir.path().join("world"));
    command.args(["run", "--seed", "1", "-n", "100", "--pace", "1m"]);
    let mut run = Run::spawn(runtime_dir, command);
    run.line_with("Round ");
    let token = std::fs::read_to_string(run.directory().join("token")).expect("a token");
    let director = Pid::from_child(&run.child);
    let processes: Vec<Pid> = run.agents().into_iter().chain([director]).collect();
    assert!(processes.len() > 1, "{processes:?}");
    for process in processes {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{}/{file}", process.as_raw_nonzero())).expect(file);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!text.contains(token.trim()), "{text}");
            let longest = text.split(|c: char| !c.is_ascii_hexdigit()).map(str::len).max();
            assert!(longest < Some(token.trim().len()), "{file}: {text}");
        }
    }
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn each_agent_has_a_process_group_of_its_own() {
    let mut run = Run::start("--seed 1 -n 100 --pace 1m");
    run.line_with("Round ");
    for agent in run.agents() {
        assert_eq!(rustix::process::getpgid(Some(agent)).expect("it runs"), agent);
    }
    run.signal(Signal::INT);
    run.end();
}

/// Each sweeps the directories of dead runs while others make theirs.
#[test]
fn runs_that_start_at_once_do_not_get_in_each_others_way() {
    let base = tempfile::tempdir().expect("a directory");
    make_private(base.path());
    for _ in 0..5 {
        let runs: Vec<Child> = (0..8)
            .map(|_| {
                let mut command = world(base.path());
                command.args(["run", "--seed", "1", "-n", "1", "-q"]).stdout(Stdio::null());
                command.spawn().expect("the program")
            })
            .collect();
        for mut run in runs {
            assert_eq!(run.wait().expect("a child").code(), Some(0));
        }
    }
}
