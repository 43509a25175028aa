//! How fast `world bench` plays, beside a bare loop over the same runs on as many threads.
//!
//! The loop is what a bench cannot do without: each run begun in the room of the last and played, and
//! nothing kept of it. The bench is the program itself, started anew in each turn: from its command
//! line to its last interval, at level medium with the default contestants.

mod measure;

use measure::{Comparison, Outcome, readable};
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use worlds::definition::{SkillName, SreKind, builtin, parse};
use worlds::inline::Inline;
use worlds::plan::{Drill, Level, RunPlan, SrePlan};
use worlds::topology::World;

/// Runs of a seed: four contestants and the oracle.
const PLAYERS: [(SreKind, Option<SkillName>); 5] = [
    (SreKind::None, None),
    (SreKind::Rules, Some(SkillName::Junior)),
    (SreKind::Rules, Some(SkillName::Mid)),
    (SreKind::Rules, Some(SkillName::Senior)),
    (SreKind::Oracle, None),
];

/// Seeds of a turn: half a second on one core, so that starting the program is little beside it.
const SEEDS: u64 = 2_000;

const TURNS: usize = 20;

fn main() -> Outcome<()> {
    let systems = builtin::find("systems").ok_or("there is no world `systems`")?;
    let checked = parse("systems", systems.text).map_err(|errors| format!("{errors:?}"))?;
    let world = Arc::new(World::new("systems", checked.definition));
    for threads in [1, 2] {
        let mut comparison = Comparison::of(["bare loop, nothing kept", "world bench"]);
        comparison
            .take(TURNS, &mut [&mut || timed(|| bare(&world, threads)), &mut || timed(|| bench(threads))])?;
        comparison.print(&format!("runs of 15 rounds on {threads} threads, {SEEDS} seeds a turn"), "runs/s");
    }
    memory()
}

/// Runs a second.
fn timed(play: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let began = Instant::now();
    play()?;
    Ok(SEEDS as f64 * PLAYERS.len() as f64 / began.elapsed().as_secs_f64())
}

fn bare(world: &Arc<World>, threads: u64) -> Outcome<()> {
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut run = Inline::unrecorded(Arc::clone(world), plan(world, 0, PLAYERS[0]));
                for seed in (thread..SEEDS).step_by(threads as usize) {
                    for player in PLAYERS {
                        run.restart(plan(world, 1 + seed, player));
                        black_box(run.play());
                    }
                }
            });
        }
    });
    Ok(())
}

fn plan(world: &World, seed: u64, (kind, skill): (SreKind, Option<SkillName>)) -> RunPlan {
    RunPlan {
        seed,
        level: Level::Medium,
        rounds: world.definition.rounds,
        sres: vec![SrePlan { name: "oncall".into(), kind, skill, command: None }],
        scripted: Vec::new(),
        drill: Drill::default(),
    }
}

fn bench(threads: u64) -> Outcome<()> {
    let ended = world_bench(SEEDS, threads).stdout(Stdio::null()).status()?;
    if ended.success() { Ok(()) } else { Err(format!("world bench: {ended}").into()) }
}

fn world_bench(seeds: u64, threads: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_world"));
    command.args(["bench", "-q", "--json", "--seeds", &seeds.to_string(), "--threads", &threads.to_string()]);
    command
}

/// The most memory that benches of ever more seeds take.
#[expect(clippy::print_stdout, reason = "what a bench prints is what it is for")]
fn memory() -> Outcome<()> {
    println!("\nmost memory of a bench on two threads (VmHWM of the process, looked at while it runs)");
    for seeds in [2_000, 20_000, 200_000] {
        let peak = peak_kib(world_bench(seeds, 2))?;
        println!("{:>9} runs {:>8} MiB", seeds * PLAYERS.len() as u64, readable(peak as f64 / 1024.0));
    }
    Ok(())
}

/// Looks at a process until it is gone.
fn peak_kib(mut command: Command) -> Outcome<u64> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Ok(peak)
}
