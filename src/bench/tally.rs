//! What has been played so far, in little room: for each cell and player a sample of each metric.

use super::plan::Plan;
use super::play::Figures;
use crate::metric::{Metric, Ratios};
use serde::{Deserialize, Serialize};
use statistics::Sample;

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
}

impl Tally {
    /// Of a plan of which nothing was played.
    pub(crate) fn new(plan: &Plan) -> Self {
        let player = || PlayerTally { samples: vec![Sample::new(); Metric::COUNT], invalid: 0 };
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
        self.cells.len() == plan.cells.len() && self.cells.iter().all(fits)
    }

    /// Runs that were played.
    pub(crate) fn runs(&self) -> u64 {
        self.cells.iter().map(|cell| cell.seeds * cell.players.len() as u64).sum()
    }
}

impl CellTally {
    /// The next seeds, each by all players.
    pub(crate) fn add(&mut self, figures: &[Figures]) {
        for seed in figures.chunks_exact(self.players.len()) {
            self.seeds += 1;
            for (player, figures) in self.players.iter_mut().zip(seed) {
                player.invalid += u64::from(!figures.is_valid);
                player.add(&figures.ratios);
            }
        }
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
