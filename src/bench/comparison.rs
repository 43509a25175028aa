//! `compare.json`: what `world compare A B` came to, as one document for programs to read.
//!
//! Both worlds are played on the same seeds by the same SREs, and what is told is B less A. Draws are
//! keyed by seed and kind of fault, so what both worlds have falls alike in both: `docs/bench.md`
//! says what that covers where their servers differ.

use super::figures::{self, Apart, CONFIDENCE, Figures, Maker, PassFigures};
use super::plan::{CaseName, Plan, Player};
use super::result::{Grounds, LapseFigures, silent};
use super::tally::{PlayerTally, Tally};
use super::until::{Reached, widest};
use crate::metric::Metric;
use crate::result::{Build, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this document's shape.
const SCHEMA_VERSION: u32 = 1;

/// What a comparison of two worlds came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "The result of a comparison of two worlds of the flight simulator `world`")]
pub(crate) struct CompareResult {
    /// Version of this document's shape.
    pub schema: u32,
    /// The program that played it.
    pub build: Build,
    /// What the comparison says: whether its figures can be trusted, not which world is better.
    pub verdict: Verdict,
    /// Why that is not `ok`, for people.
    pub reasons: Vec<String>,
    /// The signal that ended it early.
    pub interrupted_by: Option<i32>,
    /// The one world.
    pub a: CaseName,
    /// The other.
    pub b: CaseName,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// Everybody who played: contestants, then references.
    pub sres: Vec<Player>,
    /// How long a program might take for a round; `null` where it was waited for, and without programs.
    pub sre_deadline_seconds: Option<f64>,
    /// Conditions that a run had to fulfil to pass; where there are none, its promise.
    pub pass: Vec<String>,
    /// How sure intervals are.
    pub confidence: f64,
    /// Whether intervals of differences came to be as narrow as was asked; `null` when nothing was.
    pub until: Option<Reached>,
    /// Each level of chaos.
    pub levels: Vec<LevelResult>,
    /// The command that repeats the comparison.
    pub repeat: String,
}

/// Both worlds at a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LevelResult {
    /// How much chaos there was: `off`, `low`, `medium`, `high` or `extreme`.
    pub chaos_level: String,
    /// Seeds that everybody played in both.
    pub seeds: u64,
    /// Each player, in the order of `sres`.
    pub results: Vec<Sides>,
}

/// One player in both worlds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sides {
    /// Its name.
    pub sre: String,
    /// What was measured in A.
    pub a: Figures,
    /// What was measured in B; the differences of its figures are from A.
    pub b: Figures,
    /// How reliably its runs passed in A.
    pub pass_a: PassFigures,
    /// How reliably its runs passed in B.
    pub pass_b: PassFigures,
    /// Rounds to which a program gave no answer that counts, in A.
    pub lapses_a: LapseFigures,
    /// The same in B.
    pub lapses_b: LapseFigures,
    /// Runs whose figures mean nothing, in both.
    pub invalid_runs: u64,
}

impl Sides {
    /// How far B is from A.
    pub(crate) fn difference(&self, metric: Metric) -> Option<&Apart> {
        self.b.get(&metric)?.difference.as_ref()
    }
}

/// The cells of a comparison, level by level: that of A, that of B.
pub(crate) fn pairs(plan: &Plan) -> Vec<[usize; 2]> {
    let levels = plan.cells.len() / 2;
    (0..levels).map(|level| [level, levels + level]).collect()
}

/// The widest interval that the difference of a contestant has at the level of A's cell `a`.
pub(crate) fn widest_difference(
    plan: &Plan,
    metric: Metric,
    maker: &mut Maker,
    tally: &Tally,
    a: usize,
) -> Option<f64> {
    let b = plan.cells.len() / 2 + a;
    let sides = tally.cells[a].players.iter().zip(&tally.cells[b].players);
    let contestants = plan.players.iter().zip(sides).filter(|(player, _)| !player.is_reference);
    let mut width = |(_, (a, b)): (&Player, (&PlayerTally, &PlayerTally))| {
        maker.apart(b, a, metric).map(|apart| apart.high - apart.low)
    };
    contestants.map(&mut width).reduce(widest).flatten()
}

impl CompareResult {
    /// Draws up the result. It is not judged yet.
    pub(crate) fn of(plan: &Plan, tally: &Tally, repeat: &str) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            build: Build::this(),
            verdict: Verdict::Ok,
            reasons: Vec::new(),
            interrupted_by: None,
            a: plan.cases[0].name(),
            b: plan.cases[1].name(),
            first_seed: plan.first_seed,
            sres: plan.players.clone(),
            sre_deadline_seconds: plan.sre_deadline.map(|deadline| deadline.as_secs_f64()),
            pass: plan.pass.iter().map(|gate| gate.expr().to_owned()).collect(),
            confidence: CONFIDENCE,
            until: None,
            levels: levels(plan, tally),
            repeat: repeat.to_owned(),
        }
    }

    /// Gives the verdict and its reasons.
    pub(crate) fn judge(&mut self, interrupted_by: Option<i32>) {
        self.interrupted_by = interrupted_by;
        let results = self.levels.iter().flat_map(|level| &level.results);
        let invalid = results.map(|result| result.invalid_runs).sum();
        let worlds = [&self.a.world.name, &self.b.world.name];
        let lapses = self.levels.iter().flat_map(|level| {
            level.results.iter().flat_map(move |sides| {
                let who = |world: &String| format!("`{}` in {world}, {}", sides.sre, level.chaos_level);
                worlds.map(who).into_iter().zip([&sides.lapses_a, &sides.lapses_b])
            })
        });
        let grounds = Grounds {
            interrupted_by,
            invalid,
            silent: &silent(lapses),
            until: self.until.as_ref(),
            regression: None,
        };
        (self.verdict, self.reasons) = (grounds.verdict(), grounds.reasons());
    }

    /// The document as files and standard output hold it.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The JSON Schema of the document.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(CompareResult)
}

fn levels(plan: &Plan, tally: &Tally) -> Vec<LevelResult> {
    let (pairs, players) = (pairs(plan), plan.players.len());
    let mut made = figures::in_parallel(plan.threads, pairs.len() * players, |maker, place| {
        let player = place % players;
        let [a, b] = pairs[place / players].map(|cell| &tally.cells[cell].players[player]);
        Sides {
            sre: plan.players[player].name.clone(),
            a: maker.figures(a, None),
            b: maker.figures(b, Some(a)),
            pass_a: figures::pass_figures(a, &plan.ks),
            pass_b: figures::pass_figures(b, &plan.ks),
            lapses_a: LapseFigures::of(plan, &a.lapses),
            lapses_b: LapseFigures::of(plan, &b.lapses),
            invalid_runs: a.invalid + b.invalid,
        }
    })
    .into_iter();
    let level = |[a, _]: &[usize; 2]| LevelResult {
        chaos_level: plan.cells[*a].level.name().to_owned(),
        seeds: tally.cells[*a].seeds,
        results: made.by_ref().take(players).collect(),
    };
    let mut levels: Vec<LevelResult> = pairs.iter().map(level).collect();
    for metric in Metric::ALL {
        let results = levels.iter_mut().flat_map(|level| &mut level.results);
        figures::adjust(results.filter_map(|sides| sides.b.get_mut(&metric)?.difference.as_mut()));
    }
    levels
}

const HEADER: &str = "world_a,world_b,chaos_level,first_seed,seeds,sre,kind,skill,metric,n_a,n_b,a,a_low,a_high,\
                      b,b_low,b_high,difference,difference_low,difference_high,p,p_holm";

impl CompareResult {
    /// `compare.csv`: a row for each player and metric at each level.
    pub(crate) fn to_csv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for level in &self.levels {
            for (player, sides) in self.sres.iter().zip(&level.results) {
                let place = [
                    self.a.world.name.clone(),
                    self.b.world.name.clone(),
                    level.chaos_level.clone(),
                    self.first_seed.to_string(),
                    level.seeds.to_string(),
                    player.name.clone(),
                    player.kind.name().to_owned(),
                    player.skill.map_or("", crate::config::skill_name).to_owned(),
                ];
                for metric in Metric::ALL {
                    let row = row(metric, &sides.a, &sides.b);
                    text.push_str(&super::csv::line(place.iter().cloned().chain(row)));
                }
            }
        }
        text
    }
}

fn row(metric: Metric, a: &Figures, b: &Figures) -> Vec<String> {
    let sides = [a, b].map(|side| side.get(&metric));
    let counts = sides.map(|side| side.map_or_else(String::new, |figure| figure.n.to_string()));
    let ends = sides.into_iter().flat_map(|side| {
        [side.and_then(|it| it.estimate), side.and_then(|it| it.low), side.and_then(|it| it.high)]
    });
    let apart = sides[1].and_then(|figure| figure.difference.as_ref());
    let apart = [
        apart.map(|apart| apart.estimate),
        apart.map(|apart| apart.low),
        apart.map(|apart| apart.high),
        apart.map(|apart| apart.p),
        apart.map(|apart| apart.p_holm),
    ];
    let figures = ends.chain(apart).map(super::csv::or_nothing);
    [metric.name().to_owned()].into_iter().chain(counts).chain(figures).collect()
}
