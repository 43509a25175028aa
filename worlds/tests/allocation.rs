//! A steady round takes no memory: whoever runs for days, or thousands of runs a second, relies on it.

mod support;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;
use worlds::definition::SkillName;
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan};
use worlds::topology::World;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rounds after which every buffer has been needed at its full size.
const WARM_UP: u32 = 3_000;

const STEADY: u32 = 3_000;

/// How often memory was asked for in the steady rounds of a run with these beginnings.
fn allocations(level: Level, begin: impl Fn(Arc<World>, RunPlan) -> Inline) -> usize {
    let world = Arc::new(World::new("systems", support::systems()));
    let sres = vec![support::rules("oncall", SkillName::Mid)];
    let plan = RunPlan {
        seed: 7,
        level,
        rounds: WARM_UP + STEADY,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut run = begin(world, plan);
    for _ in 0..WARM_UP {
        run.step();
    }
    let steady = Region::new(ALLOCATOR);
    for _ in 0..STEADY {
        run.step();
    }
    let change = steady.change();
    change.allocations + change.reallocations
}

/// How often memory is asked for when a calm run begins in the room of another, and is played but not
/// ended: its outcome is a value of its own.
fn allocations_of_a_restart(begin: impl Fn(Arc<World>, RunPlan) -> Inline) -> usize {
    let world = Arc::new(World::new("systems", support::systems()));
    let sres = vec![support::rules("oncall", SkillName::Mid)];
    let plan = |seed| RunPlan {
        seed,
        level: Level::Off,
        rounds: 15,
        sres: sres.clone(),
        scripted: Vec::new(),
        drill: Default::default(),
    };
    let mut run = begin(world, plan(1));
    run.play();
    let next = plan(2);
    let steady = Region::new(ALLOCATOR);
    run.restart(next);
    while !run.is_over() {
        run.step();
    }
    let change = steady.change();
    change.allocations + change.reallocations
}

/// One test, so that nobody else in this process allocates meanwhile.
#[test]
fn a_steady_round_takes_no_memory() {
    assert_eq!(allocations(Level::Off, Inline::unrecorded), 0, "calm");
    // The list of faults doubles its room now and then, and once in a while more happens in a round
    // than ever before.
    let eventful = allocations(Level::Medium, Inline::unrecorded);
    assert!(eventful <= 10, "{eventful} times in {STEADY} eventful rounds");
    assert_eq!(allocations_of_a_restart(Inline::unrecorded), 0, "from a restart on");
    // The hash of each round is a text of its own.
    let hashed = allocations(Level::Off, Inline::hashed);
    assert!(hashed <= STEADY as usize, "{hashed} times in {STEADY} hashed rounds");
}
