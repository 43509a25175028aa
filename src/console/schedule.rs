//! `--plan`: the faults that will come, as a table or as JSON.

use super::ink::{self, paint};
use super::layout::{self, figures, words};
use super::progress::Progress;
use crate::config::RunConfig;
use serde::Serialize;
use worlds::chaos::{Chaos, PlannedFault};

/// The schedule as a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Schedule {
    schema: u32,
    world: String,
    world_hash: String,
    seed: u64,
    chaos_level: &'static str,
    rounds: u32,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Fault {
    round: u32,
    kind: String,
    target: String,
    /// How long it works at least, if nobody acts.
    rounds: u32,
}

impl Schedule {
    /// The faults of a run.
    pub(crate) fn of(config: &RunConfig) -> Self {
        let plan = &config.plan;
        let mut chaos = Chaos::new(&config.world, plan.seed, plan.level, &plan.scripted);
        let mut bar = Progress::of("planning, round", plan.rounds.into());
        let (mut planned, mut faults) = (Vec::new(), Vec::new());
        for round in 1..=plan.rounds {
            chaos.faults_of(&config.world, round, &mut faults);
            planned.append(&mut faults);
            bar.step();
        }
        drop(bar);
        let named = |fault: PlannedFault| Fault {
            round: fault.round,
            kind: config.world.definition.chaos[fault.kind.index()].name.clone(),
            target: config.world.definition.servers[fault.target.index()].name.clone(),
            rounds: fault.rounds,
        };
        Self {
            schema: 1,
            world: config.world.name.to_string(),
            world_hash: config.world.hash.clone(),
            seed: plan.seed,
            chaos_level: plan.level.name(),
            rounds: plan.rounds,
            faults: planned.into_iter().map(named).collect(),
        }
    }

    /// The schedule as a table.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![paint(ink::STRONG, &format!("Seed {}", self.seed)), String::new()];
        let title = format!("{}: {} rounds, chaos level {}", self.world, self.rounds, self.chaos_level);
        lines.push(layout::rule(&title, width));
        if self.faults.is_empty() {
            lines.push("  No faults will come.".to_owned());
            return lines;
        }
        let row = |fault: &Fault| {
            let (round, length) = (fault.round.to_string(), fault.rounds.to_string());
            vec![round, fault.kind.clone(), fault.target.clone(), length]
        };
        let columns = [figures("Round"), words("Fault"), words("Target"), figures("Lasts")];
        lines.extend(layout::table(&columns, self.faults.iter().map(row), width));
        lines
    }
}
