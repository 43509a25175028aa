//! How fast a run is in one thread, without processes: server-rounds a second.
//!
//! A server-round is one server in one round, and everything that belongs to it: traffic, physics,
//! telemetry, alerts, the SRE's decision, the ledger. The reference does nothing of that: it only
//! draws as many random numbers as the smallest model that is still one of the same world, so that
//! the ratio says what the model itself costs.
//!
//! Runs are of fifteen rounds, each with another seed and in the room of the one before: what a sweep
//! plays. Setting a run up and drawing up its outcome is in the figure.

mod measure;

use measure::{Comparison, Outcome, rate};
use rand::rand_core::{Rng as _, SeedableRng as _};
use rand::rngs::ChaCha8Rng;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use worlds::definition::generate::{Request, generate};
use worlds::definition::{Definition, Server, builtin, parse};
use worlds::inline::Inline;
use worlds::outcome::Outcome as OutcomeOfRun;
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::topology::World;

/// Long enough for hundreds of runs, short enough for the machine to stay the same.
const SLICE: Duration = Duration::from_millis(100);

/// Turns for each drill: with four contenders, some ten seconds.
const TURNS: usize = 24;

/// Draws of a server-round in the smallest model: seven faults to roll, five metrics to move.
const DRAWS: usize = 12;

/// Rounds of a run.
const ROUNDS: u32 = 15;

fn main() -> Outcome<()> {
    let systems = world("systems", builtin::find("systems").ok_or("there is no world `systems`")?.text)?;
    for level in [Level::Off, Level::Medium, Level::High] {
        measure(&systems, level)?;
    }
    for servers in [60, 1_000] {
        let text = generate(Request { servers, zones: 3, seed: 1 })?;
        measure(&world("generated", &text)?, Level::Medium)?;
    }
    measure(&plain(&systems.definition, 1_000), Level::Medium)
}

/// So many web servers of a world, with the first of their services and nothing behind it: what is
/// left where the call graph is as plain as in the smallest models.
fn plain(definition: &Definition, servers: usize) -> Arc<World> {
    let mut definition = definition.clone();
    let model = definition.servers.swap_remove(0);
    let entry = definition.traffic.entry.clone();
    definition.traffic.base *= servers as f64 / 2.0;
    definition.services.retain(|name, _| *name == entry);
    for service in definition.services.values_mut() {
        service.calls.clear();
    }
    definition.servers = (1..=servers)
        .map(|number| Server {
            name: format!("web-{number}"),
            services: vec![entry.clone()],
            ..model.clone()
        })
        .collect();
    Arc::new(World::new("plain", definition))
}

/// Everybody plays one drill in turn.
fn measure(world: &Arc<World>, level: Level) -> Outcome<()> {
    let servers = world.servers.len();
    let server_rounds = u32::try_from(servers)? * ROUNDS;
    let sres = sres_of(&world.definition);
    let plan =
        RunPlan { seed: 0, level, rounds: ROUNDS, sres, scripted: Vec::new(), drill: Default::default() };
    let mut seeds = [0; 4];
    let [bare, outcome, hashed, recorded] = &mut seeds;
    let next = |seed: &mut u64| {
        // Another seed for each run: none is cheaper because the last was the same.
        *seed += 1;
        RunPlan { seed: *seed, ..plan.clone() }
    };
    let mut comparison = Comparison::of([
        "bare: 12 ChaCha8 draws",
        "whole model, no journal",
        "whole model, journal hashed",
        "whole model, journal kept",
    ]);
    let begin = |begin: fn(Arc<World>, RunPlan) -> Inline| begin(Arc::clone(world), plan.clone());
    let mut runs = [Inline::unrecorded, Inline::hashed, Inline::new].map(begin);
    let [unrecorded, in_hash, in_full] = &mut runs;
    comparison.take(
        TURNS,
        &mut [
            &mut || rate(SLICE, || Ok(played(server_rounds, draw(next(bare).seed, server_rounds)))),
            &mut || rate(SLICE, || Ok(played(server_rounds, play(unrecorded, next(outcome))))),
            &mut || rate(SLICE, || Ok(played(server_rounds, play(in_hash, next(hashed))))),
            &mut || rate(SLICE, || Ok(played(server_rounds, play(in_full, next(recorded))))),
        ],
    )?;
    let title = format!("one thread, {} ({servers} servers), {}", world.name, level.name());
    comparison.print(&format!("{title}, one SRE of rules (mid)"), "server-rounds/s");
    Ok(())
}

fn world(name: &str, text: &str) -> Outcome<Arc<World>> {
    let checked = parse(name, text).map_err(|errors| format!("{errors:?}"))?;
    Ok(Arc::new(World::new(name, checked.definition)))
}

/// The work of a run whose outcome nobody needs.
fn played<T>(server_rounds: u32, outcome: T) -> u32 {
    black_box(outcome);
    server_rounds
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

/// Another run, with such a journal as it keeps: of one that is kept each line is taken as it would
/// be written to a file.
fn play(run: &mut Inline, plan: RunPlan) -> (OutcomeOfRun, String) {
    run.restart(plan);
    while !run.is_over() {
        run.step();
        black_box(run.take_entries());
    }
    let outcome = run.finish();
    black_box(run.take_entries());
    (outcome, run.journal_hash())
}
