//! `--baseline FILE`: whether a bench is worse than an earlier one.
//!
//! Of the earlier bench only the summaries are left, so the two are compared as if they had been
//! played on different seeds: by Welch's test on the estimates and their standard errors. Where the
//! seeds are in fact the same that is careful, since what seeds have in common would cancel out.
//!
//! Availability and score are gates: for each contestant in each cell, a fall that is larger than
//! what is allowed, at a level of significance that holds for all of them together (Holm). The other
//! metrics are told, and fail nothing.

use super::figures::Figure;
use super::result::{BenchResult, CellResult, SCHEMA_VERSION, SreFigures};
use crate::console::figure;
use crate::metric::{Better, Metric};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Confidence, Summary, holm, unpaired_difference};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What fails a bench that is worse.
const GATES: [Metric; 2] = [Metric::AvailabilityPct, Metric::Score];

/// Below which adjusted p a fall is no chance.
const SIGNIFICANCE: f64 = 0.01;

/// The comparison with an earlier bench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Regression {
    /// The earlier bench, as it was typed.
    pub file: String,
    /// The adjusted p below which a fall of a gate counts.
    pub significance: f64,
    /// By how many points a gate may fall without failing.
    pub max_regression: f64,
    /// Each metric of each contestant in each cell that both benches have.
    pub changes: Vec<Change>,
    /// What of this bench has no counterpart in the earlier one, and why.
    pub unmatched: Vec<String>,
}

/// One metric, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Change {
    /// The world or scenario, as it is called in tables.
    pub case: String,
    /// How much chaos there was.
    pub chaos_level: String,
    /// The contestant.
    pub sre: String,
    /// What was measured.
    pub metric: Metric,
    /// Its value in the earlier bench.
    pub before: f64,
    /// Its value in this one.
    pub after: f64,
    /// `after` less `before`.
    pub difference: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end of its 95 % interval.
    pub high: f64,
    /// The probability of a difference at least as large if there were none.
    pub p: f64,
    /// For gates: the probability of a fall at least as large if there were none beyond what is
    /// allowed, adjusted for all gates together; `null` for other metrics.
    pub p_worse: Option<f64>,
    /// Whether both benches played the same seeds.
    pub same_seeds: bool,
    /// Whether it fails the bench.
    pub is_worse: bool,
}

/// Why an earlier bench cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselineError {
    #[error("--baseline: cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("--baseline: {} is no bench.json: {why}", path.display())]
    NoBench { path: PathBuf, why: String },
}

impl BaselineError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        "--baseline wants the bench.json that `world bench --out DIR` leaves in DIR".to_owned()
    }
}

/// Reads an earlier bench.
pub(crate) fn read(path: &Path) -> Result<BenchResult, BaselineError> {
    let text = fs::read(path).map_err(|source| BaselineError::Read { path: path.to_owned(), source })?;
    let no_bench = |why: String| BaselineError::NoBench { path: path.to_owned(), why };
    let bench: BenchResult = serde_json::from_slice(&text).map_err(|error| no_bench(error.to_string()))?;
    if bench.schema != SCHEMA_VERSION {
        return Err(no_bench(format!("its shape is version {}, not {SCHEMA_VERSION}", bench.schema)));
    }
    Ok(bench)
}

impl Regression {
    /// Compares a bench with an earlier one.
    pub(crate) fn of(file: &Path, before: &BenchResult, now: &BenchResult, max_regression: f64) -> Self {
        let mut comparison = Self {
            file: file.display().to_string(),
            significance: SIGNIFICANCE,
            max_regression,
            changes: Vec::new(),
            unmatched: Vec::new(),
        };
        for cell in &now.cells {
            match counterpart(before, cell) {
                Ok(earlier) => {
                    let same_seeds = before.first_seed == now.first_seed && earlier.seeds == cell.seeds;
                    comparison.add(now, cell, before, earlier, same_seeds);
                }
                Err(why) => comparison.unmatched.push(why),
            }
        }
        comparison.judge();
        comparison
    }

    fn add(
        &mut self,
        now: &BenchResult,
        cell: &CellResult,
        before: &BenchResult,
        earlier: &CellResult,
        same_seeds: bool,
    ) {
        for (player, figures) in now.sres.iter().zip(&cell.results).filter(|(it, _)| !it.is_reference) {
            let same = |other: &super::plan::Player| {
                (&other.name, other.kind, other.skill) == (&player.name, player.kind, player.skill)
            };
            let place = before.sres.iter().position(same);
            let Some(past) = place.and_then(|place| earlier.results.get(place)) else {
                let (name, place) = (&player.name, place_of(cell));
                self.unmatched.push(format!("the earlier bench has no `{name}` like this one in {place}"));
                continue;
            };
            if player.is_program() && before.sre_deadline_seconds != now.sre_deadline_seconds {
                let [had, has] = [before, now].map(|bench| told_deadline(bench.sre_deadline_seconds));
                self.unmatched.push(format!("`{}` had {had} for an answer and has {has}", player.name));
                continue;
            }
            let subject = Subject { cell, past, figures, same_seeds };
            for metric in Metric::ALL {
                match subject.change(metric, self.max_regression) {
                    Some(change) => self.changes.push(change),
                    None if GATES.contains(&metric) && subject.should_be_known(metric) => {
                        let (name, place) = (metric.name(), place_of(cell));
                        self.unmatched
                            .push(format!("{name} of `{}` in {place} has too few seeds", player.name));
                    }
                    None => {}
                }
            }
        }
    }

    /// Adjusts what gates say for all of them together.
    fn judge(&mut self) {
        let (significance, allowed) = (self.significance, self.max_regression);
        let mut gates: Vec<&mut Change> =
            self.changes.iter_mut().filter(|change| change.p_worse.is_some()).collect();
        let p_values: Vec<f64> = gates.iter().filter_map(|change| change.p_worse).collect();
        for (gate, p) in gates.iter_mut().zip(holm(&p_values)) {
            gate.p_worse = Some(p);
            gate.is_worse = -gate.difference > allowed && p < significance;
        }
    }

    /// Whether it fails the bench.
    pub(crate) fn is_worse(&self) -> bool {
        self.changes.iter().any(|change| change.is_worse)
    }

    /// What is to be said about it when it is not as it should be.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let worse = self.changes.iter().filter(|change| change.is_worse).map(Change::complaint);
        let unmatched = self.unmatched.iter().map(|why| format!("cannot be compared: {why}"));
        worse.chain(unmatched).collect()
    }
}

impl Change {
    fn complaint(&self) -> String {
        let [before, after] = [self.before, self.after].map(|it| figure::plain((it * 1e3).round() / 1e3));
        let Self { metric, sre, case, chaos_level, .. } = self;
        format!("{} of {sre} in {case}, {chaos_level}, fell from {before} to {after}", metric.name())
    }

    /// Whether it is a change that is no chance by itself, for the better (`true`) or the worse.
    pub(crate) fn direction(&self) -> Option<bool> {
        let is_higher = self.difference > 0.0;
        (self.p < SIGNIFICANCE).then_some(is_higher == (self.metric.better() == Better::Higher))
    }

    /// Whether it can fail a bench.
    pub(crate) fn is_gate(&self) -> bool {
        self.p_worse.is_some()
    }
}

/// One contestant in one cell, then and now.
struct Subject<'a> {
    cell: &'a CellResult,
    past: &'a SreFigures,
    figures: &'a SreFigures,
    same_seeds: bool,
}

impl Subject<'_> {
    fn figures(&self, metric: Metric) -> Option<[&Figure; 2]> {
        Some([self.past.metrics.get(&metric)?, self.figures.metrics.get(&metric)?])
    }

    /// Whether the metric was observed in either: without chaos there is no score, then and now.
    fn should_be_known(&self, metric: Metric) -> bool {
        self.figures(metric).is_none_or(|figures| figures.iter().any(|figure| figure.n > 0))
    }

    fn change(&self, metric: Metric, allowed: f64) -> Option<Change> {
        let [before, after] = self.figures(metric)?.map(Figure::summary);
        let (before, after) = (before?, after?);
        let apart = unpaired_difference(after, before, Confidence::DEFAULT)?;
        let is_gate = GATES.contains(&metric);
        // By so much it may fall: what is tested is a fall beyond that.
        let raised = Summary { estimate: after.estimate + allowed, ..after };
        let beyond = unpaired_difference(raised, before, Confidence::DEFAULT)?;
        let p_worse = if beyond.estimate < 0.0 { beyond.p_value } else { 1.0 };
        Some(Change {
            case: self.cell.label().to_owned(),
            chaos_level: self.cell.chaos_level.clone(),
            sre: self.figures.sre.clone(),
            metric,
            before: before.estimate,
            after: after.estimate,
            difference: apart.estimate,
            low: apart.interval.low,
            high: apart.interval.high,
            p: apart.p_value,
            p_worse: is_gate.then_some(p_worse),
            same_seeds: self.same_seeds,
            is_worse: false,
        })
    }
}

fn told_deadline(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "no limit".to_owned(), |seconds| format!("{} s", figure::plain(seconds)))
}

fn place_of(cell: &CellResult) -> String {
    format!("{}, {}", cell.label(), cell.chaos_level)
}

/// The same cell of an earlier bench, or why there is none.
fn counterpart<'b>(before: &'b BenchResult, cell: &CellResult) -> Result<&'b CellResult, String> {
    let place = place_of(cell);
    let named = |other: &&CellResult| other.label() == cell.label() && other.chaos_level == cell.chaos_level;
    let Some(there) = before.cells.iter().find(named) else {
        return Err(format!("the earlier bench has no {place}"));
    };
    let hash = |cell: &CellResult| match &cell.case.scenario {
        Some(scenario) => scenario.hash.clone(),
        None => cell.case.world.hash.clone(),
    };
    if hash(there) != hash(cell) {
        return Err(format!("{place} is not what it was: its file has changed"));
    }
    if there.case.rounds != cell.case.rounds {
        return Err(format!("{place} had {} rounds and has {}", there.case.rounds, cell.case.rounds));
    }
    Ok(there)
}
