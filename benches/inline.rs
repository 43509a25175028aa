//! How fast a run is in one thread, without processes: server-rounds a second.
//!
//! A server-round is one server in one round, and everything that belongs to it: traffic, physics,
//! telemetry, alerts, the SRE's decision, the ledger. The reference does nothing of that: it only
//! draws as many random numbers as the smallest model that is still one of the same world, so that
//! the ratio says what the model itself costs.

mod measure;

use measure::{Comparison, Outcome, rate};
use rand::rand_core::{Rng as _, SeedableRng as _};
use rand::rngs::ChaCha8Rng;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use worlds::definition::{builtin, parse};
use worlds::inline::Inline;
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::topology::World;

/// Long enough for hundreds of runs, short enough for the machine to stay the same.
const SLICE: Duration = Duration::from_millis(200);

/// Turns: with three contenders, some twenty-five seconds.
const TURNS: usize = 40;

/// Draws of a server-round in the smallest model: seven faults to roll, five metrics to move.
const DRAWS: usize = 12;

fn main() -> Outcome<()> {
    let world = default_world()?;
    let (server_rounds, plan) = plan(&world)?;
    let mut comparison =
        Comparison::of(["bare: 12 ChaCha8 draws", "whole model, no journal", "whole model, journal hashed"]);
    let (mut bare_seed, mut outcome_seed, mut journal_seed) = (0, 0, 0);
    comparison.take(
        TURNS,
        &mut [
            &mut || {
                rate(SLICE, || {
                    black_box(draw(next(&mut bare_seed), server_rounds));
                    Ok(server_rounds)
                })
            },
            &mut || {
                rate(SLICE, || {
                    let plan = RunPlan { seed: next(&mut outcome_seed), ..plan.clone() };
                    black_box(Inline::outcome(Arc::clone(&world), plan));
                    Ok(server_rounds)
                })
            },
            &mut || {
                rate(SLICE, || {
                    let plan = RunPlan { seed: next(&mut journal_seed), ..plan.clone() };
                    black_box(journal_of(&world, plan));
                    Ok(server_rounds)
                })
            },
        ],
    )?;
    comparison.print("one thread, systems, high, one SRE of rules (mid)", "server-rounds/s");
    Ok(())
}

fn default_world() -> Outcome<Arc<World>> {
    let text = builtin::find("systems").ok_or("there is no world `systems`")?.text;
    let checked = parse("systems", text).map_err(|errors| format!("{errors:?}"))?;
    Ok(Arc::new(World::new("systems", checked.definition)))
}

/// The server-rounds of a run, and the run.
fn plan(world: &World) -> Outcome<(u32, RunPlan)> {
    let definition = &world.definition;
    let server_rounds = u32::try_from(definition.servers.len())? * definition.rounds;
    let sres = sres_of(definition);
    Ok((
        server_rounds,
        RunPlan { seed: 0, level: Level::High, rounds: definition.rounds, sres, scripted: Vec::new() },
    ))
}

/// Another seed for each run: none is cheaper because the last was the same.
fn next(seed: &mut u64) -> u64 {
    *seed += 1;
    *seed
}

/// The draws of a run, and nothing else.
fn draw(seed: u64, server_rounds: u32) -> u64 {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut all = 0;
    for _ in 0..server_rounds {
        for _ in 0..DRAWS {
            all ^= generator.next_u64();
        }
    }
    all
}

/// A run with its journal, each line as it would be written to a file.
fn journal_of(world: &Arc<World>, plan: RunPlan) -> String {
    let mut run = Inline::new(Arc::clone(world), plan);
    while !run.is_over() {
        run.step();
        black_box(run.take_entries());
    }
    black_box(run.finish());
    black_box(run.take_entries());
    run.journal_hash()
}
