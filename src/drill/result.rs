//! `drill.json`: what a drill over several seeds came to.
//!
//! [`DrillResult`] is the published shape; its JSON Schema is `world schema drill`. Metrics are those of
//! [`crate::metric`], ratios of sums over seeds, with their 95 % intervals (bootstrap over seeds): the same
//! figures as `world bench` gives.

use super::gates::{DrillGate, KEY};
use crate::config::RunConfig;
use crate::gate::Gate;
use crate::metric::{self, Metric, Ratios, Seen};
use crate::reference::References;
use crate::result::{Build, Mode, RunResult, ScenarioName, Verdict, WorldName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statistics::{Confidence, Passes, Ratio, Sample, interval};
use worlds::definition::{SkillName, SreKind};
use worlds::outcome::{LapseCounts, Outcome, Resolution};

/// The version of this document's shape: raised when a field is renamed, removed or changes its
/// meaning. New fields do not raise it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Of more runs than these that are not as they should be, the number is told.
const RUNS_TOLD: usize = 5;

/// What a drill over several seeds came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "The result of a drill over several seeds of the flight simulator `world`")]
pub(crate) struct DrillResult {
    /// Version of this document's shape.
    pub schema: u32,
    /// The program that ran it.
    pub build: Build,
    /// The world that was run.
    pub world: WorldName,
    /// The scenario that was played; `null` for a drill that is none.
    pub scenario: Option<ScenarioName>,
    /// How much chaos there was: `off`, `low`, `medium`, `high` or `extreme`.
    pub chaos_level: String,
    /// Rounds of each run.
    pub rounds: u32,
    /// The promised share of good requests, percent.
    pub sla_target_pct: f64,
    /// Seeds on which it was kept over the whole run.
    pub sla_met_seeds: u32,
    /// Who was on call.
    pub sres: Vec<OnCall>,
    /// How the runs were carried out. It does not change them.
    pub mode: Mode,
    /// Seeds that were to be played.
    pub seeds_planned: u32,
    /// What the drill says, all runs together.
    pub verdict: Verdict,
    /// Why the verdict is not `ok`, for people.
    pub reasons: Vec<String>,
    /// The signal that ended the drill early.
    pub interrupted_by: Option<i32>,
    /// The conditions that the drill was held against.
    pub gates: Vec<DrillGate>,
    /// What is measured over all seeds.
    pub metrics: Vec<Mean>,
    /// Each run that came to its end, in the order of play.
    pub runs: Vec<SeedRun>,
    /// The command that repeats the drill.
    pub repeat: String,
}

/// Somebody who was on call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OnCall {
    /// Its name.
    pub name: String,
    /// How it decides.
    pub kind: SreKind,
    /// How well; `null` for kinds without skills.
    pub skill: Option<SkillName>,
}

/// A metric over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Mean {
    /// Which.
    pub metric: Metric,
    /// Seeds on which it has a value.
    pub n: u32,
    /// Its value over all of them.
    pub mean: Option<f64>,
    /// The lower end of its 95 % interval; `null` with fewer than two seeds.
    pub low: Option<f64>,
    /// The upper end of its 95 % interval.
    pub high: Option<f64>,
}

/// One run of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SeedRun {
    /// Its seed.
    pub seed: u64,
    /// What it says by itself; gates are the drill's.
    pub verdict: Verdict,
    /// Why that is not `ok`.
    pub reasons: Vec<String>,
    /// The hash of its journal: the name of the run.
    pub journal_hash: String,
    /// Good requests over all requests, percent.
    pub availability_pct: Option<f64>,
    /// Whether the promise was kept.
    pub sla_met: bool,
    /// 0: as if nobody had acted; 100: as the oracle.
    pub score: Option<f64>,
    /// Time to resolution, restricted mean in rounds.
    pub mttr_rounds: Option<f64>,
    /// Faults that were witnessed.
    pub incidents: u32,
    /// Of these, remedied.
    pub remedied: u32,
    /// Share of avoidable fault-rounds that were avoided, 0 to 1.
    pub avoided_share: Option<f64>,
    /// Decisions that were missing, of all SREs together.
    #[serde(default)]
    pub lapses: LapseCounts,
    /// The field of each gate, in the order of `gates`.
    pub gate_values: Vec<Option<f64>>,
    /// What it says about each metric; `None` when it has nothing to be compared with.
    #[serde(skip)]
    ratios: Option<Box<Ratios>>,
}

impl SeedRun {
    /// What is kept of a run, held beside its reference runs. It passed if the condition of no gate is true
    /// of it and each could be decided; without gates, if the promise was kept.
    pub(crate) fn of(
        result: &RunResult,
        outcome: &Outcome,
        references: Option<&References>,
        gates: &[Gate],
    ) -> Self {
        let document = serde_json::to_value(result).unwrap_or_default();
        let is_judged = result.rounds > 0;
        let remedied =
            result.incidents.iter().filter(|incident| incident.resolution == Resolution::Remedied).count();
        let gate_values: Vec<_> =
            gates.iter().map(|gate| gate.value_in(&document).filter(|_| is_judged)).collect();
        let passes = |(gate, value): (&Gate, &Option<f64>)| value.is_some_and(|it| !gate.is_true_of(it));
        let passed =
            if gates.is_empty() { result.sla.met } else { gates.iter().zip(&gate_values).all(passes) };
        let ratios = references.map(|References { none, oracle }| {
            Box::new(metric::ratios(outcome, &Seen { none, oracle, passed }))
        });
        Self {
            seed: result.seed,
            verdict: result.verdict,
            reasons: result.reasons.clone(),
            journal_hash: result.journal_hash.clone(),
            availability_pct: result.availability_pct,
            sla_met: result.sla.met,
            score: result.score,
            mttr_rounds: result.mttr.restricted_mean_rounds,
            incidents: result.incidents.len() as u32,
            remedied: remedied as u32,
            avoided_share: result.avoided_share,
            lapses: lapses(result.sres.iter().map(|sre| sre.lapses)),
            gate_values,
            ratios,
        }
    }
}

/// Those of several together.
pub(crate) fn lapses(all: impl Iterator<Item = LapseCounts>) -> LapseCounts {
    all.fold(LapseCounts::default(), |sum, one| LapseCounts {
        late: sum.late + one.late,
        malformed: sum.malformed + one.malformed,
        dead: sum.dead + one.dead,
    })
}

impl DrillResult {
    /// Judges the runs together. Of one that a signal ended early only the fact counts.
    pub(crate) fn of(config: &RunConfig, runs: Vec<SeedRun>, interrupted_by: Option<i32>) -> Self {
        let whole = || runs.iter().filter(|run| run.verdict != Verdict::Interrupted);
        let gates: Vec<DrillGate> = (config.gates.iter().enumerate())
            .map(|(place, gate)| {
                let values: Vec<_> = whole().map(|run| run.gate_values[place]).collect();
                DrillGate::of(gate, &values)
            })
            .collect();
        let ratios = || whole().filter_map(|run| run.ratios.as_deref());
        let metrics = Metric::ALL.map(|metric| Mean::of(metric, ratios().map(|of| of[metric.position()])));
        let planned = config.seeds.len();
        // Between two runs a signal ends the drill, after the last one nothing.
        let interrupted_by = interrupted_by.filter(|_| whole().count() < planned);
        let sre = |sre: &worlds::plan::SrePlan| OnCall {
            name: sre.name.to_string(),
            kind: sre.kind,
            skill: sre.skill,
        };
        let mut result = Self {
            schema: SCHEMA_VERSION,
            build: Build::this(),
            world: WorldName { name: config.world.name.to_string(), hash: config.world.hash.clone() },
            scenario: config.scenario.as_deref().map(ScenarioName::of),
            chaos_level: config.plan.level.name().to_owned(),
            rounds: config.plan.rounds,
            sla_target_pct: config.world.definition.sla_target,
            sla_met_seeds: whole().filter(|run| run.sla_met).count() as u32,
            sres: config.plan.sres.iter().map(sre).collect(),
            mode: config.mode,
            seeds_planned: planned as u32,
            verdict: Verdict::Ok,
            reasons: Vec::new(),
            interrupted_by,
            metrics: metrics.into(),
            gates,
            repeat: config.repeat.clone(),
            runs,
        };
        result.runs.retain(|run| run.verdict != Verdict::Interrupted);
        result.verdict = result.judge();
        result.reasons = result.explain();
        result
    }

    /// The gravest that applies.
    fn judge(&self) -> Verdict {
        let is_any = |verdict| self.runs.iter().any(|run| run.verdict == verdict);
        let is_gate = |held| self.gates.iter().any(|gate| gate.held == held);
        if self.interrupted_by.is_some() {
            Verdict::Interrupted
        } else if is_any(Verdict::Invalid) {
            Verdict::Invalid
        } else if is_any(Verdict::GateFailed) || is_gate(Some(false)) {
            Verdict::GateFailed
        } else if is_gate(None) {
            Verdict::Inconclusive
        } else {
            Verdict::Ok
        }
    }

    fn explain(&self) -> Vec<String> {
        let interrupted = self.interrupted_by.map(|signal| {
            format!("signal {signal} ended it after {} of {} seeds", self.runs.len(), self.seeds_planned)
        });
        let not_ok: Vec<_> = self.runs.iter().filter(|run| run.verdict != Verdict::Ok).collect();
        let told = not_ok.iter().take(RUNS_TOLD);
        let told = told.map(|run| format!("seed {}: {}", run.seed, run.reasons.join("; ")));
        let more = not_ok.len().saturating_sub(RUNS_TOLD);
        let more = (more > 0).then(|| format!("and {more} seeds more"));
        let gates = self.gates.iter().filter_map(DrillGate::complaint);
        interrupted.into_iter().chain(told).chain(more).chain(gates).collect()
    }

    /// The exit code that says the same as the verdict.
    pub(crate) fn exit_code(&self) -> u8 {
        self.verdict.exit_code(self.interrupted_by)
    }

    /// The document as files and standard output hold it.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

impl Mean {
    fn of(metric: Metric, seeds: impl Iterator<Item = Ratio>) -> Self {
        let sample: Sample = seeds.collect();
        let around = match metric {
            // As in a bench: a share of runs is known better than by resampling.
            Metric::PassedShare => {
                let passed = sample.total().numerator as u64;
                Passes::new(passed, sample.seeds()).interval(1, Confidence::DEFAULT)
            }
            _ => interval(&sample, Confidence::DEFAULT, KEY),
        };
        let around = around.map(|around| metric.within_range(around));
        Self {
            metric,
            n: sample.seeds_with_value() as u32,
            mean: sample.estimate(),
            low: around.map(|around| around.low),
            high: around.map(|around| around.high),
        }
    }
}

/// The JSON Schema of the document.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(DrillResult)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn drill(verdicts: &[Verdict], gate_values: &[Option<f64>], signal: Option<i32>) -> DrillResult {
        let seeds = verdicts.len().to_string();
        let arguments = ["world", "run", "--seed=1", "--seeds", &seeds, "--fail-on", "availability_pct < 90"];
        let Command::Run(args) = Cli::try_parse_from(arguments).expect("good flags").command else {
            panic!("not a run");
        };
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let parsed = worlds::definition::parse("systems.toml", systems.text).expect("it is good");
        let config = RunConfig::decide(&args, "systems", parsed.definition, || 1).expect("it fits");
        let run = |(seed, verdict): (usize, &Verdict)| SeedRun {
            seed: seed as u64,
            verdict: *verdict,
            reasons: vec!["because".to_owned()],
            journal_hash: String::new(),
            availability_pct: Some(95.0),
            sla_met: seed == 0,
            score: None,
            mttr_rounds: None,
            incidents: 0,
            remedied: 0,
            avoided_share: None,
            lapses: LapseCounts::default(),
            gate_values: vec![gate_values[seed % gate_values.len()]],
            ratios: None,
        };
        DrillResult::of(&config, verdicts.iter().enumerate().map(run).collect(), signal)
    }

    #[test]
    fn the_gravest_verdict_is_given() {
        use Verdict::{GateFailed, Inconclusive, Interrupted, Invalid, Ok};
        let good = [Some(95.0), Some(95.5), Some(96.0)];
        let bad = [Some(79.0), Some(79.5), Some(80.0)];
        let open = [Some(89.0), Some(91.5), Some(93.0)];
        let says = |verdicts: &[Verdict], values: &[Option<f64>], signal| {
            let drill = drill(verdicts, values, signal);
            (drill.verdict, drill.exit_code())
        };
        assert_eq!(says(&[Ok, Ok, Ok], &good, None), (Ok, 0));
        assert_eq!(says(&[Ok, Ok, Ok], &open, None), (Inconclusive, 3));
        assert_eq!(says(&[Ok, Ok, Ok], &bad, None), (GateFailed, 1));
        assert_eq!(says(&[Ok, GateFailed, Ok], &good, None), (GateFailed, 1), "a run was stopped");
        assert_eq!(says(&[Ok, Invalid, Ok], &bad, None), (Invalid, 3));
        assert_eq!(says(&[Ok, Invalid, Interrupted], &bad, Some(15)), (Interrupted, 143));
        // After the last round of the last run there is nothing that a signal could end.
        assert_eq!(says(&[Ok, Ok, Ok], &good, Some(15)), (Ok, 0));
    }

    #[test]
    fn runs_that_are_not_as_they_should_be_are_told_and_counted() {
        let drill = drill(&[Verdict::Invalid; 8], &[Some(95.0), Some(96.0)], None);
        assert_eq!(drill.reasons.len(), RUNS_TOLD + 1, "{:?}", drill.reasons);
        assert_eq!(drill.reasons[0], "seed 0: because");
        assert_eq!(drill.reasons[RUNS_TOLD], "and 3 seeds more");
        assert_eq!(drill.sla_met_seeds, 1);
    }
}
