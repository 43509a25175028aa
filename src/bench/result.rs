//! `bench.json`: what a bench came to, as one document for programs to read.
//!
//! [`BenchResult`] is the published shape; its JSON Schema is `world schema bench`. Nothing in it depends
//! on wall time, threads, or on how often the bench was interrupted.

use super::baseline::Regression;
use super::figures::{self, CONFIDENCE, Figures, PassFigures};
use super::plan::{CaseName, Plan, Player};
use super::tally::{Lapses, Tally};
use super::until::Reached;
use crate::console::figure;
use crate::exit_code;
use crate::metric::Metric;
use crate::result::{Build, NOBODY, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of this document's shape: raised when a field is renamed, removed or changes its
/// meaning. New fields do not raise it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What a bench came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "The result of a bench of the flight simulator `world`")]
pub(crate) struct BenchResult {
    /// Version of this document's shape.
    pub schema: u32,
    /// The program that played it.
    pub build: Build,
    /// What the bench says.
    pub verdict: Verdict,
    /// Why that is not `ok`, for people.
    pub reasons: Vec<String>,
    /// The signal that ended it early.
    pub interrupted_by: Option<i32>,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// Everybody who played: contestants, then references.
    pub sres: Vec<Player>,
    /// How long a program might take for a round; `null` where it was waited for, and without programs.
    pub sre_deadline_seconds: Option<f64>,
    /// Whom differences are from.
    pub baseline_sre: String,
    /// Conditions that a run had to fulfil to pass; where there are none, its promise. Gates of
    /// scenarios hold besides.
    pub pass: Vec<String>,
    /// How sure intervals are.
    pub confidence: f64,
    /// Whether intervals came to be as narrow as was asked; `null` when nothing was.
    pub until: Option<Reached>,
    /// Each world at each level, and each scenario.
    pub cells: Vec<CellResult>,
    /// The comparison with an earlier bench; `null` when none was asked for.
    pub regression: Option<Regression>,
    /// The command that repeats the bench.
    pub repeat: String,
}

/// A world at a level, or a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CellResult {
    /// What was played.
    #[serde(flatten)]
    pub case: CaseName,
    /// How much chaos there was: `off`, `low`, `medium`, `high` or `extreme`.
    pub chaos_level: String,
    /// Seeds that everybody played.
    pub seeds: u64,
    /// Each player, in the order of `sres`.
    pub results: Vec<SreFigures>,
}

/// One player in one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SreFigures {
    /// Its name.
    pub sre: String,
    /// What was measured.
    pub metrics: Figures,
    /// How reliably its runs passed.
    pub pass: PassFigures,
    /// Runs whose figures mean nothing: a fault took no effect, the world was not in order, or the system did not
    /// start a program.
    pub invalid_runs: u64,
    /// Rounds to which a program gave no answer that counts.
    #[serde(default)]
    pub lapses: LapseFigures,
}

/// Rounds to which an SRE gave no answer that counts, over all seeds. Only programs leave any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LapseFigures {
    /// Rounds that were played.
    pub rounds: u64,
    /// There was no answer in time.
    pub late: u64,
    /// What was said was no answer to the round.
    pub malformed: u64,
    /// The program could not be started, or was no longer there.
    pub dead: u64,
    /// Runs with one of these.
    pub runs: u64,
    /// The first seed with one of these.
    pub first_seed: Option<u64>,
}

impl LapseFigures {
    /// Of a player.
    pub(crate) fn of(plan: &Plan, lapses: &Lapses) -> Self {
        let Lapses { rounds, late, malformed, dead, runs, first } = *lapses;
        Self { rounds, late, malformed, dead, runs, first_seed: first.map(|seed| plan.first_seed + seed) }
    }

    /// All of them.
    pub(crate) fn all(&self) -> u64 {
        self.late + self.malformed + self.dead
    }

    /// Whether there was no answer at all: then what was measured is what happens when nobody acts.
    pub(crate) fn is_silence(&self) -> bool {
        self.rounds > 0 && self.all() == self.rounds
    }
}

impl CellResult {
    /// As it is called in tables.
    pub(crate) fn label(&self) -> &str {
        self.case.scenario.as_ref().map_or(&self.case.world.name, |scenario| &scenario.name)
    }
}

impl BenchResult {
    /// Draws up the result. It is not judged yet.
    pub(crate) fn of(plan: &Plan, tally: &Tally, repeat: &str) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            build: Build::this(),
            verdict: Verdict::Ok,
            reasons: Vec::new(),
            interrupted_by: None,
            first_seed: plan.first_seed,
            sres: plan.players.clone(),
            sre_deadline_seconds: plan.sre_deadline.map(|deadline| deadline.as_secs_f64()),
            baseline_sre: plan.players[plan.baseline].name.clone(),
            pass: plan.pass.iter().map(|gate| gate.expr().to_owned()).collect(),
            confidence: CONFIDENCE,
            until: None,
            cells: cells(plan, tally),
            regression: None,
            repeat: repeat.to_owned(),
        }
    }

    /// Gives the verdict, the gravest that applies, and its reasons.
    pub(crate) fn judge(&mut self, interrupted_by: Option<i32>) {
        self.interrupted_by = interrupted_by;
        let invalid: u64 =
            self.cells.iter().flat_map(|cell| &cell.results).map(|result| result.invalid_runs).sum();
        let lapses = self.cells.iter().flat_map(|cell| {
            let place = format!("{}, {}", cell.label(), cell.chaos_level);
            cell.results.iter().map(move |result| (format!("`{}` in {place}", result.sre), &result.lapses))
        });
        let grounds = Grounds {
            interrupted_by,
            invalid,
            silent: &silent(lapses),
            until: self.until.as_ref(),
            regression: self.regression.as_ref(),
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

/// What a verdict is given on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grounds<'a> {
    /// The signal that ended it early.
    pub interrupted_by: Option<i32>,
    /// Runs whose figures mean nothing.
    pub invalid: u64,
    /// Programs that never answered, and where.
    pub silent: &'a [String],
    /// Whether intervals came to be narrow enough.
    pub until: Option<&'a Reached>,
    /// The comparison with an earlier bench.
    pub regression: Option<&'a Regression>,
}

impl Grounds<'_> {
    /// The gravest that applies.
    pub(crate) fn verdict(self) -> Verdict {
        if self.interrupted_by.is_some() {
            Verdict::Interrupted
        } else if self.invalid > 0 || !self.silent.is_empty() {
            Verdict::Invalid
        } else if self.regression.is_some_and(Regression::is_worse) {
            Verdict::GateFailed
        } else if self.until.is_some_and(|until| !until.reached)
            || self.regression.is_some_and(|regression| !regression.unmatched.is_empty())
        {
            Verdict::Inconclusive
        } else {
            Verdict::Ok
        }
    }

    /// Everything that is not as it should be.
    pub(crate) fn reasons(self) -> Vec<String> {
        let interrupted = self.interrupted_by.map(|signal| format!("signal {signal} ended it early"));
        let invalid = (self.invalid > 0).then(|| {
            let runs = figure::count(self.invalid);
            format!(
                "{runs} runs mean nothing: a fault took no effect, the world was not in order, or a program could \
                 not be started"
            )
        });
        let silent = self
            .silent
            .iter()
            .map(|who| format!("there was no answer of {who}: {NOBODY}; `world sre check` tells why"));
        let wide = self.until.filter(|until| !until.reached).map(Reached::complaint);
        let regression = self.regression.map(Regression::complaints).unwrap_or_default();
        interrupted.into_iter().chain(invalid).chain(silent).chain(wide).chain(regression).collect()
    }
}

/// Those who never answered.
pub(super) fn silent<'l>(all: impl Iterator<Item = (String, &'l LapseFigures)>) -> Vec<String> {
    all.filter(|(_, lapses)| lapses.is_silence()).map(|(who, _)| who).collect()
}

/// The exit code that says the same as a verdict.
pub(crate) fn exit_code(verdict: Verdict, interrupted_by: Option<i32>) -> u8 {
    interrupted_by.map_or_else(|| verdict.exit_code(None), exit_code::signalled)
}

/// The JSON Schema of the document.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(BenchResult)
}

fn cells(plan: &Plan, tally: &Tally) -> Vec<CellResult> {
    let players = plan.players.len();
    let mut made = figures::in_parallel(plan.threads, plan.cells.len() * players, |maker, place| {
        let (cell, player) = (&tally.cells[place / players], place % players);
        let baseline = (player != plan.baseline).then(|| &cell.players[plan.baseline]);
        let player_tally = &cell.players[player];
        SreFigures {
            sre: plan.players[player].name.clone(),
            metrics: maker.figures(player_tally, baseline),
            pass: figures::pass_figures(player_tally, &plan.ks),
            invalid_runs: player_tally.invalid,
            lapses: LapseFigures::of(plan, &player_tally.lapses),
        }
    })
    .into_iter();
    let cell = |(place, cell): (usize, &super::plan::Cell)| CellResult {
        case: plan.case_of(place).name(),
        chaos_level: cell.level.name().to_owned(),
        seeds: tally.cells[place].seeds,
        results: made.by_ref().take(players).collect(),
    };
    let mut cells: Vec<CellResult> = plan.cells.iter().enumerate().map(cell).collect();
    for metric in Metric::ALL {
        let results = cells.iter_mut().flat_map(|cell| &mut cell.results);
        let of_metric = results.filter_map(|result| result.metrics.get_mut(&metric)?.difference.as_mut());
        figures::adjust(of_metric);
    }
    cells
}
