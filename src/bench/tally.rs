//! What has been played so far, in little room: for each cell and player a sample of each metric.

use super::plan::Plan;
use super::play::Figures;
use crate::metric::{Metric, Ratios};
use serde::{Deserialize, Serialize};
use statistics::Sample;
use worlds::outcome::LapseCounts;

/// All cells of a bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tally {
    /// In the order of the plan.
    pub cells: Vec<CellTally>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellTally {
    /// Seeds that were played by everybody.
    pub seeds: u64,
    /// In the order of the plan.
    pub players: Vec<PlayerTally>,
}

/// One player in one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlayerTally {
    /// By metric, in the order of all metrics.
    samples: Vec<Sample>,
    /// Runs whose figures mean nothing.
    pub invalid: u64,
    /// Rounds without an answer.
    pub lapses: Lapses,
}

/// Rounds to which an SRE gave no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lapses {
    /// Rounds that were played.
    pub rounds: u64,
    /// There was no answer in time.
    pub late: u64,
    /// What was said was no answer.
    pub malformed: u64,
    /// Nobody was there who could answer.
    pub dead: u64,
    /// Runs with one of these.
    pub runs: u64,
    /// The first of these runs, its seed counted from 0.
    pub first: Option<u64>,
}

impl Lapses {
    fn add(&mut self, seed: u64, figures: &Figures) {
        let LapseCounts { late, malformed, dead } = figures.lapses;
        self.rounds += u64::from(figures.rounds);
        self.late += u64::from(late);
        self.malformed += u64::from(malformed);
        self.dead += u64::from(dead);
        if figures.lapses.all() > 0 {
            self.runs += 1;
            self.first.get_or_insert(seed);
        }
    }
}

impl Tally {
    /// Of a plan of which nothing was played.
    pub(crate) fn new(plan: &Plan) -> Self {
        let player = || PlayerTally {
            samples: vec![Sample::new(); Metric::COUNT],
            invalid: 0,
            lapses: Lapses::default(),
        };
        let players = || plan.players.iter().map(|_| player()).collect();
        Self { cells: plan.cells.iter().map(|_| CellTally { seeds: 0, players: players() }).collect() }
    }

    /// Whether it is of such a plan, and says the same about how many seeds there were throughout:
    /// it may have been read from a file.
    pub(crate) fn fits(&self, plan: &Plan) -> bool {
        let fits = |cell: &CellTally| {
            cell.players.len() == plan.players.len()
                && cell.players.iter().all(|player| {
                    player.samples.len() == Metric::COUNT
                        && player.samples.iter().all(|sample| sample.seeds() == cell.seeds)
                })
        };
        let is_even = |group: &Vec<usize>| {
            group.windows(2).all(|pair| self.cells[pair[0]].seeds == self.cells[pair[1]].seeds)
        };
        self.cells.len() == plan.cells.len() && self.cells.iter().all(fits) && plan.groups.iter().all(is_even)
    }

    /// Seeds that a group of cells was played on.
    pub(crate) fn seeds_of(&self, plan: &Plan, group: usize) -> u64 {
        self.cells[plan.groups[group][0]].seeds
    }

    /// The next seeds of a group: for each of them and each of its cells what each player did.
    pub(crate) fn add(&mut self, plan: &Plan, group: usize, figures: &[Figures]) {
        let cells = plan.groups[group].iter().cycle();
        for (&cell, figures) in cells.zip(figures.chunks_exact(plan.players.len())) {
            self.cells[cell].add(figures);
        }
    }

    /// Runs that were played.
    pub(crate) fn runs(&self) -> u64 {
        self.cells.iter().map(|cell| cell.seeds * cell.players.len() as u64).sum()
    }
}

impl CellTally {
    /// The next seed, by all players.
    pub(crate) fn add(&mut self, figures: &[Figures]) {
        for (player, figures) in self.players.iter_mut().zip(figures) {
            player.invalid += u64::from(!figures.is_valid);
            player.lapses.add(self.seeds, figures);
            player.add(&figures.ratios);
        }
        self.seeds += 1;
    }
}

impl PlayerTally {
    fn add(&mut self, ratios: &Ratios) {
        for (sample, &ratio) in self.samples.iter_mut().zip(ratios) {
            sample.push(ratio);
        }
    }

    /// What was observed of a metric.
    pub(crate) fn sample(&self, metric: Metric) -> &Sample {
        &self.samples[metric.position()]
    }
}
