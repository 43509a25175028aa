//! Claims about faults that hit real processes and real messages, by the real program: they land, what
//! was seen of them is recorded, and the run is the one without processes.

mod support;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use support::running::{PATIENCE, Run, is_gone, said, wait_until, world};

/// A run of the lab, recorded: its result, and what is true of this machine.
fn recorded(flags: &str) -> (i32, Value, Value) {
    let directory = tempfile::tempdir().expect("a directory");
    recorded_as(directory.path(), Path::new("fault-lab"), flags)
}

/// The default world, with kinds that hit one thing each, or two.
fn world_with_kinds() -> String {
    let kind = |(name, effect): (&str, &str)| {
        format!("\n[[chaos]]\nname = \"{name}\"\nprobability = 0.0\nrounds = 3\neffect = {{ {effect} }}\n")
    };
    let kinds = [
        ("deaf", "bus = { loses = [\"commands\"] }"),
        ("mute", "bus = { loses = [\"results\"] }"),
        ("busy", "cpu_floor = 95.0, bus = { loses = [\"commands\", \"results\"] }"),
    ];
    let systems = include_str!("../worlds/definitions/systems.toml");
    systems.to_owned() + &kinds.map(kind).concat()
}

/// The same of a world of this text.
fn recorded_in(text: &str, flags: &str) -> (i32, Value, Value) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("lab.toml");
    std::fs::write(&file, text).expect("a world file");
    recorded_as(directory.path(), &file, flags)
}

/// The seed is 7 unless the flags say otherwise.
fn recorded_as(directory: &Path, name: &Path, flags: &str) -> (i32, Value, Value) {
    let out = directory.join("out");
    let mut command = world(directory);
    command.arg("run").arg(name).args(["-q", "--out"]).arg(&out).args(flags.split_whitespace());
    if !flags.contains("--seed") {
        command.args(["--seed", "7"]);
    }
    let (code, text) = said(command);
    (code.unwrap_or_else(|| panic!("{text}")), document(&out, "result.json"), document(&out, "runtime.json"))
}

fn document(out: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(out.join(name)).expect("it is recorded");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The one life of a run with one such fault.
fn life(flags: &str) -> Value {
    let (code, result, runtime) = recorded(&format!("--chaos-level off {flags}"));
    assert_eq!((code, &result["verdict"]), (0, &Value::from("ok")), "{flags}: {result:#}");
    let inline = recorded(&format!("--chaos-level off {flags} --inline"));
    assert_eq!(inline.1["journal_hash"], result["journal_hash"], "{flags}");
    assert_eq!(inline.2["chaos"], Value::Null, "nothing outside sees a run without processes");
    let lives = runtime["chaos"].as_array().expect("lives");
    assert_eq!(lives.len(), 1, "{flags}: {runtime:#}");
    assert_eq!(lives[0]["landed"], true, "{flags}");
    lives[0].clone()
}

#[test]
fn a_process_is_killed_in_earnest_and_has_a_successor() {
    let (code, _, runtime) = recorded("--chaos-level off --fault process_kill@3:web-1");
    assert_eq!(code, 0);
    let life = &runtime["chaos"][0];
    assert_eq!(life["witness"], "killed by signal 9");
    assert_eq!(life["scheduled"], serde_json::json!({ "round": 3, "rounds": 2 }));
    assert_eq!(life["ended"], serde_json::json!({ "round": 5, "how": "expired" }));
    assert_eq!(life["revived"], "a new process joined");
    let is_web = |agent: &&Value| agent["name"] == "server-web-1";
    let pids: Vec<&Value> = runtime["agents"].as_array().expect("agents").iter().filter(is_web).collect();
    assert!(pids.len() == 2 && pids[0]["pid"] != pids[1]["pid"], "{pids:?}");
    assert_eq!(runtime["bus"]["respawned"], 1);
    assert_eq!(runtime["lost"], serde_json::json!([]));
    let times = ["injected_after_seconds", "witnessed_after_seconds"].map(|key| life[key].as_f64());
    assert!(times[0].is_some() && times[0] <= times[1], "{life:#}");
}

#[test]
fn a_process_is_stopped_in_earnest_and_goes_on() {
    let life = life("--fault process_pause@3:db-primary");
    assert_eq!(life["witness"], "stopped by signal 19");
    assert_eq!(life["revived"], "continued");
}

#[test]
fn a_responder_is_killed_in_earnest() {
    let life = life("--fault sre_crash@3:oncall");
    assert_eq!((&life["target"], &life["witness"]), (&"sre-oncall".into(), &"killed by signal 9".into()));
}

#[test]
fn the_oracle_has_no_process_and_is_away_all_the_same() {
    let life = life("--fault sre_crash@3:oncall --sre oracle");
    assert_eq!(life["witness"], "it thinks in the director, and was not asked");
}

#[test]
fn what_becomes_of_messages_and_metrics_is_counted() {
    let life_of = |kind: &str| life(&format!("--sre none --fault {kind}@3:web-1"));
    assert_eq!(life_of("bus_loss")["messages"]["telemetry"], 3);
    assert_eq!(life_of("bus_delay")["messages"]["telemetry"], 4);
    assert_eq!(life_of("metrics_stale")["messages"]["exporter"], 4);
    assert_eq!(life_of("metrics_wrong")["witness"], "3 reports of untrue metrics");
}

/// The senior restarts what crashed; its command, or the result of it, goes astray.
#[test]
fn commands_and_results_that_go_astray_are_counted() {
    let messages = |kind: &str| {
        let flags = format!(
            "--chaos-level off --sre oracle -n 12 --fault service_crash@3:db-primary --fault {kind}@3:db-primary"
        );
        let (code, _, runtime) = recorded_in(&world_with_kinds(), &flags);
        assert_eq!(code, 0, "{kind}");
        runtime["chaos"][0]["messages"].clone()
    };
    assert_eq!(messages("deaf")["commands"], 1);
    assert_eq!(messages("mute")["results"], 1);
}

/// Nobody asks anything of web-1, so nothing of its bus could be lost; the CPU is a host's.
#[test]
fn a_fault_of_host_and_bus_lands_by_what_it_had_to_hit() {
    let flags = "--chaos-level off --sre none --fault busy@3:web-1";
    let (code, result, runtime) = recorded_in(&world_with_kinds(), flags);
    assert_eq!((code, &result["faults"]["witnessed"]), (0, &1.into()), "{result:#}");
    assert_eq!(runtime["chaos"][0]["witness"], Value::Null);
    assert_eq!(runtime["chaos"][0]["landed"], true);
}

/// Two oracles ask for the same: one is refused, and told so, while the other's result is lost.
#[test]
fn a_refusal_of_one_sre_does_not_hide_the_lost_result_of_another() {
    let flags =
        "--chaos-level off --sre a=oracle --sre b=oracle --fault service_crash@3:web-1 --fault mute@3:web-1";
    let (code, result, runtime) = recorded_in(&world_with_kinds(), flags);
    assert_eq!(code, 0, "{:#}", result["reasons"]);
    assert_eq!(runtime["chaos"][0]["messages"]["results"], 1);
}

/// The second one comes to a process that is gone, and is masked; it came all the same.
#[test]
fn when_a_fault_was_injected_is_told_whatever_it_found() {
    let flags = "--chaos-level off --sre none --fault sre_crash@3:oncall --fault sre_crash@4:oncall";
    let (code, _, runtime) = recorded(flags);
    assert_eq!(code, 0);
    let lives = runtime["chaos"].as_array().expect("lives");
    assert_eq!((lives.len(), &lives[1]["witness"]), (2, &Value::Null));
    assert!(lives.iter().all(|life| life["injected_after_seconds"].as_f64() > Some(0.0)), "{lives:#?}");
}

#[test]
fn what_hides_a_fault_is_not_told_as_its_own() {
    let (code, result, runtime) = recorded(
        "--chaos-level off --sre none --fault network_partition@3:web-2 --fault bus_loss@3:web-2 -n 4",
    );
    assert_eq!((code, &result["faults"]["masked"]), (0, &1.into()));
    assert_eq!(runtime["chaos"][0]["witness"], Value::Null);
    assert_eq!(runtime["chaos"][0]["messages"]["telemetry"], 0);
}

#[test]
fn a_revival_is_told_of_the_fault_that_struck() {
    let (code, _, runtime) =
        recorded("--chaos-level off --sre none --fault process_kill@3:web-1 --fault bus_loss@4:web-1");
    assert_eq!(code, 0);
    let of = |kind: &str| runtime["chaos"].as_array()?.iter().find(|life| life["kind"] == kind).cloned();
    assert_eq!(of("process_kill").expect("a life")["revived"], "a new process joined");
    let loss = of("bus_loss").expect("a life");
    assert_eq!(loss["revived"], Value::Null);
    assert!(loss["injected_after_seconds"].as_f64() > Some(0.0));
}

/// As many are on call in the runs of comparison as in the run itself.
#[test]
fn a_run_whose_second_responder_is_hit_has_its_comparison() {
    let flags = "--chaos-level off --sre a=none --sre b=none --fault sre_crash@3:b -n 6";
    assert_eq!(recorded(flags).0, 0);
    for seed in [5, 29, 35] {
        let flags = format!("--chaos-level extreme --sre a=none --sre b=none -n 40 --seed {seed} --inline");
        let (_, result, _) = recorded(&flags);
        assert_eq!(result["avoided_share"], 0.0, "nobody acted with seed {seed}");
    }
}

#[test]
fn every_kind_of_the_lab_is_the_same_with_processes_and_without() {
    let flags = "--chaos-level extreme -n 25 --sre a=rules:junior --sre b=rules:senior";
    let (_, with, runtime) = recorded(flags);
    let (_, without, _) = recorded(&format!("{flags} --inline"));
    assert_eq!(with["journal_hash"], without["journal_hash"]);
    assert_eq!(with["verdict"], "ok", "{:#}", with["reasons"]);
    let kinds: std::collections::BTreeSet<&str> =
        runtime["chaos"].as_array().expect("lives").iter().filter_map(|life| life["kind"].as_str()).collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
}

/// Kinds that are put together by dice from all that an effect may hold, in a world of zones.
fn random_world(dice: &mut ChaCha8Rng) -> String {
    const OF_HOSTS: [&str; 5] = [
        "cpu_floor = 95.0",
        "memory_growth = 15.0",
        "unreachable = true",
        "service_down = true",
        "error_rate = 0.4",
    ];
    const OF_RUNTIME: [&str; 5] = [
        "bus = { loses = [\"telemetry\"], delays = [\"commands\", \"results\"], delay_rounds = 2 }",
        "bus = { loses = [\"commands\", \"results\"] }",
        "bus = { delays = [\"telemetry\"], delay_rounds = 2 }",
        "frozen_metrics = true",
        "false_metrics = { cpu_usage = 99.0, error_rate = 0.0 }",
    ];
    const TOGETHER: [&str; 4] = [
        "",
        "group = { by = \"zone\" }\n",
        "group = { by = \"service\" }\nspread = { servers = 2, apart = 1 }\n",
        "spread = { servers = 3, apart = 2 }\n",
    ];
    let lab = include_str!("../worlds/definitions/fault-lab.toml");
    let (before, rest) = lab.split_once("[[chaos]]").expect("it has chaos");
    let actions = rest.split_once("[[actions]]").expect("it has actions").1;
    let mut text = before.to_owned();
    for number in 0..10 {
        let of = |parts: &[&'static str], dice: &mut ChaCha8Rng| parts[dice.random_range(0..parts.len())];
        let effect = match dice.random_range(0..5) {
            0 => "process = \"killed\"".to_owned(),
            1 => "process = \"paused\"".to_owned(),
            2 => of(&OF_RUNTIME, dice).to_owned(),
            _ => format!("{}, {}", of(&OF_HOSTS, dice), of(&OF_RUNTIME, dice)),
        };
        let hits =
            if effect.starts_with("process") && dice.random_bool(0.3) { "hits = \"sres\"\n" } else { "" };
        let together = if hits.is_empty() { of(&TOGETHER, dice) } else { "" };
        let rounds = dice.random_range(1..5);
        text += &format!(
            "[[chaos]]\nname = \"kind-{number}\"\nprobability = 0.1\nrounds = {rounds}\n{hits}{together}\
             effect = {{ {effect} }}\n\n"
        );
    }
    // The lab's own kinds are gone, and with them what cured them.
    let cured = actions.split('\n').map(|line| match line.split_once("cures = [") {
        Some((before, rest)) => {
            format!("{before}cures = [\"kind-1\"{}", &rest[rest.find(']').expect("an end")..])
        }
        None => line.to_owned(),
    });
    text + "[[actions]]" + &cured.collect::<Vec<_>>().join("\n")
}

#[test]
fn whatever_kinds_are_put_together_land_and_give_the_journal_of_a_run_without_processes() {
    for seed in 0..8 {
        let text = random_world(&mut ChaCha8Rng::seed_from_u64(seed));
        let flags = "--chaos-level high -n 30 --sre a=rules:mid --sre b=oracle --sre c=rules:senior";
        let (code, with, _) = recorded_in(&text, flags);
        let (_, without, _) = recorded_in(&text, &format!("{flags} --inline"));
        assert_eq!(with["journal_hash"], without["journal_hash"], "{text}");
        assert_eq!((code, &with["verdict"]), (0, &"ok".into()), "{:#}\n{text}", with["reasons"]);
        assert!(with["faults"]["injected"].as_u64() > Some(20));
    }
}

/// Somebody else ends the process with another signal between two rounds: what chaos was to do has not
/// been done, and the run says nothing.
#[test]
fn a_fault_that_does_not_land_makes_the_run_invalid() {
    let mut run = Run::start(
        "fault-lab --seed 7 --chaos-level off -n 4 --pace 1s --fault process_kill@3:web-1 --sre none",
    );
    run.line_with("Round 2 of");
    let victim = run.pid_of("server-web-1");
    kill_process(victim, Signal::TERM).expect("it is there");
    wait_until("it is gone", || is_gone(victim).then_some(()));
    run.line_with("Round 3 of");
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("process_kill on server-web-1 in round 3 did not land"), "{}", ended.text);
}

// ---- successors that do not come ----------------------------------------------------------------

/// Until the socket is back nobody can join; a successor that fails is followed by another.
#[test]
fn a_successor_that_fails_is_followed_by_another_and_the_run_is_none_the_worse() {
    let flags =
        "fault-lab --seed 7 --chaos-level off -n 6 --pace 300ms --fault process_kill@2:web-1 --sre none";
    let mut run = Run::start(flags);
    run.line_with("Round 2 of");
    let socket = run.directory().join("bus.sock");
    let aside = socket.with_extension("aside");
    std::fs::rename(&socket, &aside).expect("the socket is moved");
    run.line_with("LEFT");
    std::fs::rename(&aside, &socket).expect("the socket is back");
    run.line_with("server-web-1 ");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let inline = Run::start(&format!("{flags} --inline").replace("--pace 300ms", "")).end();
    assert_eq!(ended.journal(), inline.journal());
}

#[test]
fn successors_that_fail_in_a_row_are_given_up_aloud_and_the_run_goes_on_and_is_invalid() {
    let mut run = Run::start(
        "fault-lab --seed 7 --chaos-level off -n 6 --pace 300ms --fault process_kill@2:web-1 --sre none",
    );
    run.line_with("Round 2 of");
    std::fs::remove_file(run.directory().join("bus.sock")).expect("the socket is removed");
    let given_up = run.line_with("GIVEN UP");
    assert!(given_up.contains("server-web-1"), "{given_up}");
    run.line_with("Round 6 of");
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("server-web-1 was given up"), "{}", ended.text);
}

/// A program that is this one, until it is replaced by a script: for agents that it starts from then on.
fn replaceable(directory: &Path) -> std::path::PathBuf {
    let program = directory.join("world");
    std::fs::copy(env!("CARGO_BIN_EXE_world"), &program).expect("a copy");
    program
}

fn replace(program: &Path, script: &str) {
    let new = program.with_extension("new");
    std::fs::write(&new, script.replace("WORLD", env!("CARGO_BIN_EXE_world"))).expect("a script");
    std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    std::fs::rename(&new, program).expect("it is in place");
}

/// Takes the half minute that a process has for its greeting. Two servers are killed; the successor of one hangs before its greeting, the other is there at once.
#[test]
fn a_successor_that_hangs_is_given_up_though_another_one_came() {
    let programs = tempfile::tempdir().expect("a directory");
    let program = replaceable(programs.path());
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = std::process::Command::new(&program);
    command.env("WORLD_RUNTIME_DIR", directory.path().join("world"));
    command.args("run fault-lab --seed 7 --chaos-level off -n 6 --pace 300ms --sre none".split(' '));
    command.args("--fault process_kill@2:web-1 --fault process_kill@2:web-2".split(' '));
    support::running::make_private(directory.path());
    let mut run = Run::spawn(directory, command);
    run.line_with("Round 2 of");
    replace(&program, "#!/bin/sh\ncase \"$*\" in *web-2*) exec sleep 60;; *) exec WORLD \"$@\";; esac\n");
    let given_up = run.line_within(2 * PATIENCE, "GIVEN UP");
    assert!(given_up.contains("server-web-2"), "{given_up}");
    assert!(run.seen.iter().filter(|line| line.contains("server-web-1 ")).count() > 1, "the other came");
    assert_eq!(run.end().code, Some(3));
}

// ---- ends ---------------------------------------------------------------------------------------

fn state_of(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

#[test]
fn a_run_that_ends_while_an_agent_stands_still_leaves_nobody_behind() {
    let ended = Run::start("fault-lab --seed 7 --chaos-level off -n 3 --fault process_pause@3:web-1").end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

/// A director that is killed cannot say farewell, and one that stands still could not hear it.
#[test]
fn agents_that_stand_still_go_when_the_director_is_killed() {
    let mut run = Run::start(
        "fault-lab --seed 7 --chaos-level off -n 600 --pace 1s --fault process_pause@1:web-1 --sre none",
    );
    run.line_with("Round 1 of");
    let victim = run.pid_of("server-web-1");
    wait_until("it stands still", || (state_of(victim) == Some('T')).then_some(()));
    run.signal(Signal::KILL);
    run.wait();
    for agent in run.agents() {
        wait_until(&format!("{agent:?} is gone"), || is_gone(agent).then_some(()));
    }
    // The next command sweeps what nobody was left to remove.
    let mut ps = world(run.runtime_dir.path());
    ps.arg("ps");
    assert_eq!(said(ps).0, Some(0));
    run.assert_nothing_left();
}

#[test]
fn chaos_does_not_hit_processes_that_people_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = |flags: &str| {
        let mut command = world(directory.path());
        command.args(["run", "fault-lab", "-n", "2"]).args(flags.split_whitespace());
        said(command)
    };
    let (code, text) = refused("--manual=web-1");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("`process_kill` may hit the process of `web-1`"), "{text}");
    let (code, text) = refused("--manual=oncall --chaos-level off --fault sre_crash@1:oncall");
    assert_eq!(code, Some(2), "{text}");
    // It does not come for this one.
    let (code, text) = refused("--manual=web-9 --chaos-level off --fault process_kill@1:web-2");
    assert!(code == Some(2) && text.contains("no agent `web-9`"), "{text}");
    let mut run = Run::start("fault-lab --chaos-level off -n 2 --fault process_kill@1:web-2 --manual=web-1");
    run.line_with("agent server --name web-1");
}

#[test]
fn the_plan_and_the_command_that_repeats_a_run_name_groups_and_responders() {
    let directory = tempfile::tempdir().expect("a directory");
    let flags = "--fault zone_outage@2:zone:a --fault sre_crash@3:oncall";
    let (_, result, _) = recorded(&format!("--chaos-level off {flags} --inline"));
    let repeat = result["repeat"].as_str().expect("a command");
    assert!(repeat.contains(flags), "{repeat}");
    let mut again = world(directory.path());
    again.args(repeat.split_whitespace().skip(1)).args(["-q", "--json"]);
    let again: Value =
        serde_json::from_slice(&again.output().expect("the program").stdout).expect("a result");
    assert_eq!(again["journal_hash"], result["journal_hash"]);
    let mut plan = world(directory.path());
    plan.args(["run", "fault-lab", "--seed", "7", "--chaos-level", "off", "--plan", "--json"]);
    plan.args(flags.split_whitespace());
    let plan: Value = serde_json::from_slice(&plan.output().expect("the program").stdout).expect("a plan");
    let targets: Vec<&str> =
        plan["faults"].as_array().expect("faults").iter().filter_map(|it| it["target"].as_str()).collect();
    assert_eq!(targets, ["web-1", "api-1", "db-primary", "sre-oncall"]);
}

#[test]
fn wrong_targets_are_refused_with_the_nearest() {
    let directory = tempfile::tempdir().expect("a directory");
    for (target, words) in [
        ("zone_outage@2:zone:q", "no group `zone:q`"),
        ("zone_outage@2:web-9", "did you mean"),
        ("sre_crash@2:onkall", "did you mean `oncall`?"),
        ("sre_crash@2:web-1", "no SRE `web-1`"),
        ("database_slowdown@2:type:web", "cannot hit `type:web`"),
    ] {
        let mut command = world(directory.path());
        command.args(["run", "fault-lab", "-n", "3", "--fault", target]);
        let (code, text) = said(command);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(words), "{target}: {text}");
    }
}
