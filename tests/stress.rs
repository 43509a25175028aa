//! Claims about runs on a machine that is not at rest: whatever the processors, the scheduler and the
//! agents' own speed do, the journal is the one that a run without processes gives.
//!
//! `WORLD_SEEDS=20 cargo test --test stress` plays the long form.

mod support;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::running::{Run, world};

/// Seeds of the short form.
const SEEDS_IN_CI: u64 = 6;

fn seeds() -> u64 {
    std::env::var("WORLD_SEEDS").map_or(SEEDS_IN_CI, |seeds| seeds.parse().expect("WORLD_SEEDS is a number"))
}

/// The lab, with every kind of fault that there is.
fn lab(seed: u64) -> String {
    let levels = ["medium", "high", "extreme"];
    let level = levels[seed as usize % levels.len()];
    format!(
        "fault-lab --seed {seed} --chaos-level {level} --rounds 20 --sre a=rules:mid --sre b=rules:senior"
    )
}

fn hash(arguments: &str) -> String {
    let ended = Run::start(arguments).end();
    assert_eq!(ended.code, Some(0), "{arguments}:\n{}", ended.text);
    ended.journal().to_owned()
}

/// Loops that want all processors while something else is done.
fn beside_busy_loops<T>(loops: usize, done: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..loops {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let result = done();
        over.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn every_kind_of_fault_gives_the_same_journal_beside_busy_processors_and_on_any_number_of_threads() {
    for seed in 0..seeds() {
        let run = lab(seed);
        let calm = hash(&format!("{run} --inline"));
        beside_busy_loops(4, || {
            for flags in ["", "--worker-threads 1", "--worker-threads 16"] {
                assert_eq!(hash(&format!("{run} {flags}")), calm, "{run} {flags}");
            }
        });
    }
}

/// Stops an agent for a moment, and another one, and so on: each answers late, at a time of its own.
/// Gives how often.
fn hold_up(agents: &[OwnedFd], seed: u64, over: &AtomicBool) -> u32 {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut times = 0;
    while !over.load(Ordering::Relaxed) {
        let agent = &agents[dice.random_range(0..agents.len())];
        // At the end of the run they are gone, and nobody else has their handles.
        times += u32::from(pidfd_send_signal(agent, Signal::STOP).is_ok());
        std::thread::sleep(Duration::from_micros(dice.random_range(100..4_000)));
        let _ = pidfd_send_signal(agent, Signal::CONT);
    }
    times
}

/// No kind here replaces a process, so that those which are held up are those of the run.
#[test]
fn agents_that_are_held_up_again_and_again_change_nothing() {
    for seed in 0..seeds() {
        let run = lab(seed).replace("fault-lab", "systems").replace("--rounds 20", "--rounds 60");
        let calm = hash(&format!("{run} --inline"));
        let mut held_up = Run::start(&format!("{run} --pace 5ms"));
        held_up.line_with("Round 1 of");
        let handle = |pid: Pid| pidfd_open(pid, PidfdFlags::empty()).expect("a handle on an agent");
        let agents: Vec<OwnedFd> = held_up.agents().into_iter().map(handle).collect();
        let over = AtomicBool::new(false);
        let (ended, times) = std::thread::scope(|scope| {
            let holding = scope.spawn(|| hold_up(&agents, seed, &over));
            let ended = held_up.end();
            over.store(true, Ordering::Relaxed);
            (ended, holding.join().expect("a count"))
        });
        assert!(times > 10, "agents were held up {times} times");
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        assert_eq!(ended.journal(), calm, "{run}");
    }
}

/// Every agent is started by hand, in an order of its own each time.
#[test]
fn the_order_in_which_agents_are_started_changes_nothing() {
    let servers = ["web-1", "web-2", "api-1", "db-primary", "db-replica", "cache-1"];
    for seed in 0..seeds() {
        let run = format!("systems --seed {seed} --chaos-level high --rounds 20");
        let calm = hash(&format!("{run} --inline"));
        let mut by_hand = Run::start(&format!("{run} --manual"));
        let directory = by_hand.directory();
        by_hand.line_with("world agent");
        let mut agents: Vec<_> = servers.map(|name| ("server", name)).into_iter().collect();
        agents.push(("sre", "oncall"));
        agents.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut children: Vec<_> = agents
            .into_iter()
            .map(|(role, name)| {
                let mut agent = world(by_hand.runtime_dir.path());
                agent.args(["agent", role, "--name", name, "--bus"]).arg(&directory);
                agent.stderr(std::process::Stdio::null()).spawn().expect("an agent")
            })
            .collect();
        let ended = by_hand.end();
        for child in &mut children {
            assert!(child.wait().expect("it ends").success());
        }
        assert_eq!((ended.code, ended.journal()), (Some(0), &*calm), "{}", ended.text);
    }
}
