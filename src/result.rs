//! `result.json`: what a run came to, as one document for programs to read.
//!
//! [`RunResult`] is the published shape; its JSON Schema is `world schema result`. Figures are not
//! rounded, so that a gate on a field and the verdict beside it can never disagree. `null` stands
//! where something did not happen or cannot be said.
//!
//! Nothing in it depends on wall time. Process ids and durations are in the recording's
//! `runtime.json`.

use crate::answer::AnswerResult;
use crate::console::figure;
use crate::event::Finished;
use crate::exit_code;
use crate::gate::{Gate, GateResult};
use crate::reference::{References, Unreferenced};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worlds::definition::{SkillName, SreKind};
use worlds::id::Name;
use worlds::outcome::{
    ActionCounts, AlertCounts, DiagnosisCounts, FaultCounts, Incident, LapseCounts, Outcome, Requests,
    SreOutcome, SteadyState, StopReason, Stopped,
};
use worlds::plan::RunPlan;
use worlds::scenario::Scenario;
use worlds::score;
use worlds::times::{TimeStatistic, Times};
use worlds::topology::World;

/// The version of this document's shape: raised when a field is renamed, removed or changes its
/// meaning. New fields do not raise it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "The result of a run of the flight simulator `world`")]
pub(crate) struct RunResult {
    /// Version of this document's shape.
    pub schema: u32,
    /// The program that ran it.
    pub build: Build,
    /// The world that was run.
    pub world: WorldName,
    /// The scenario that was played; `null` for a run that is none.
    pub scenario: Option<ScenarioName>,
    /// The one number from which all chance flowed.
    pub seed: u64,
    /// How much chaos there was: `off`, `low`, `medium`, `high` or `extreme`.
    pub chaos_level: String,
    /// Rounds that were played to their end.
    pub rounds: u32,
    /// Rounds that were to be played; more than `rounds` when the run was interrupted.
    pub rounds_planned: u32,
    /// Who was on call.
    pub sres: Vec<SreResult>,
    /// How the run was carried out. It does not change the run.
    pub mode: Mode,
    /// The hash of the journal: the name of the run, equal in both modes.
    pub journal_hash: String,
    /// What the run says.
    pub verdict: Verdict,
    /// Why the verdict is not `ok`, and what kept the result from being complete, for people.
    pub reasons: Vec<String>,
    /// The signal that ended the run early.
    pub interrupted_by: Option<i32>,
    /// What the world showed in its warm-up; `null` when a drill asked for none, or it was not over.
    pub steady_state: Option<SteadyState>,
    /// The limit of harm at which the drill stopped the run; `null` when it was not.
    pub stopped: Option<Stopped>,
    /// The conditions that the run was held against (`--fail-on`).
    pub gates: Vec<GateResult>,
    /// Good requests over all requests of the whole run, percent; `null` when no round was played.
    pub availability_pct: Option<f64>,
    /// The same as a mean over rounds, each counting alike.
    pub availability_mean_of_rounds_pct: Option<f64>,
    /// Users' requests.
    pub requests: Requests,
    /// The promise, and what is left of it.
    pub sla: Sla,
    /// 0: as if nobody had acted; 100: as the oracle. `null` when there was nothing to win, or
    /// nothing to compare with.
    pub score: Option<f64>,
    /// The runs of the same seed that the score compares with; `null` when no round was played, or
    /// a signal ended them.
    pub references: Option<ReferenceResults>,
    /// What the score compares: availability less the price of extra capacity held, percent.
    pub utility: f64,
    /// Extra capacity held, as a share of the world's capacity over the whole run.
    pub capacity_held: f64,
    /// Each server, in the order of the world file.
    pub servers: Vec<ServerResult>,
    /// What became of the faults.
    pub faults: FaultCounts,
    /// Alerts.
    pub alerts: AlertCounts,
    /// Faults that were witnessed, by onset, and their times.
    pub incidents: Vec<Incident>,
    /// The answer key of the scenario, and what of it was found; `null` without a key.
    pub answer: Option<AnswerResult>,
    /// Time to detection.
    pub mttd: TimeStatistic,
    /// Time to acknowledgement.
    pub mtta: TimeStatistic,
    /// Time to mitigation, of incidents that hurt users.
    pub mttm: TimeStatistic,
    /// Time to resolution, remedied or expired.
    pub mttr: TimeStatistic,
    /// Share of incidents that were remedied, 0 to 1 (cumulative incidence; expiry competes).
    pub remedied_share: Option<f64>,
    /// Share of avoidable fault-rounds that were avoided, 0 to 1; `null` when there were none.
    pub avoided_share: Option<f64>,
    /// Actions of all SREs.
    pub actions: ActionCounts,
    /// Processes that were lost without chaos having done it: they make the run invalid.
    #[schemars(with = "Vec<String>")]
    pub lost_agents: Vec<Name>,
    /// The command that repeats the run.
    pub repeat: String,
}

/// The program that ran it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Build {
    /// Its version.
    pub version: String,
    /// The commit that it was built from, or `unknown`.
    pub commit: String,
}

impl Build {
    /// This program.
    pub(crate) fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("WORLD_BUILD_COMMIT").unwrap_or("unknown").to_owned(),
        }
    }
}

/// The world that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WorldName {
    /// A built-in's name, or the stem of the file.
    pub name: String,
    /// BLAKE3 of the definition in its canonical form.
    pub hash: String,
}

/// The scenario that was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ScenarioName {
    /// A built-in's name, or the stem of the file.
    pub name: String,
    /// What it is, in one line.
    pub title: String,
    /// BLAKE3 of what its file says and of its world.
    pub hash: String,
}

impl ScenarioName {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let Scenario { name, title, hash, .. } = scenario;
        Self { name: name.clone(), title: title.clone(), hash: hash.clone() }
    }
}

/// An SRE's part in the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SreResult {
    /// Its name.
    pub name: String,
    /// How it decides.
    pub kind: SreKind,
    /// How well; `null` for kinds without skills.
    pub skill: Option<SkillName>,
    /// The run's score when it was alone on call; `null` among several, whose work cannot be told
    /// apart.
    pub score: Option<f64>,
    /// Requests that would have been good but for its actions.
    pub harm_requests: u64,
    /// Actions on a target that had no fault which they cure or relieve.
    pub unneeded_actions: u32,
    /// Its claims about what was wrong, held against the truth.
    pub diagnosis: DiagnosisCounts,
    /// Rounds without a decision of its own: of programs, which need not answer.
    pub lapses: LapseCounts,
}

/// How a run is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// A process for each server and each SRE.
    Processes,
    /// All in one thread.
    Inline,
}

impl Mode {
    /// As in the document.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Inline => "inline",
        }
    }
}

/// What a run says. The first that applies, from the last to the first listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It ran, and its gates held.
    Ok,
    /// A gate asks for a value that was not observed.
    Inconclusive,
    /// A gate failed, or the run was stopped at the limit of harm.
    GateFailed,
    /// An agent was lost, a fault took no effect, or the world was not in order before the first one: the
    /// figures mean nothing.
    Invalid,
    /// A signal ended it early.
    Interrupted,
}

impl Verdict {
    /// As in the document.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Inconclusive => "inconclusive",
            Self::GateFailed => "gate_failed",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code that says the same; `signal` is the one that ended it early.
    pub(crate) fn exit_code(self, signal: Option<i32>) -> u8 {
        match self {
            Self::Ok => exit_code::OK,
            Self::GateFailed => exit_code::GATE_FAILED,
            Self::Inconclusive | Self::Invalid => exit_code::UNJUDGED,
            Self::Interrupted => signal.map_or(exit_code::INTERNAL, exit_code::signalled),
        }
    }
}

/// The promise, and what is left of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sla {
    /// The promised share of good requests, percent.
    pub target_pct: f64,
    /// Whether it was kept over the whole run; false when no round was played.
    pub met: bool,
    /// Requests that could fail without breaking it: the error budget.
    pub budget_requests: f64,
    /// Requests that failed.
    pub budget_spent_requests: u64,
    /// What is left of the budget, percent of it; below 0 when overspent, `null` without a budget.
    pub budget_left_pct: Option<f64>,
    /// How many times as fast as it would just last the run the budget was spent; `null` without one.
    pub burn_rate: Option<f64>,
}

impl Sla {
    fn of(requests: Requests, target_pct: f64) -> Self {
        let spent = requests.total - requests.good;
        let budget = worlds::journal::figure(requests.total as f64 * (100.0 - target_pct) / 100.0);
        let share = (budget > 0.0).then(|| spent as f64 / budget);
        Self {
            target_pct,
            met: requests.availability_pct() >= target_pct,
            budget_requests: budget,
            budget_spent_requests: spent,
            budget_left_pct: share.map(|share| 100.0 * (1.0 - share)),
            burn_rate: share,
        }
    }
}

/// What the reference runs came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReferenceResults {
    /// Nobody acted.
    pub none: ReferenceResult,
    /// The oracle was on call: about the best that the actions allow.
    pub oracle: ReferenceResult,
}

/// What one reference run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReferenceResult {
    /// Good requests over all requests, percent.
    pub availability_pct: f64,
    /// Availability less the price of extra capacity held, percent.
    pub utility: f64,
}

impl ReferenceResult {
    fn of(outcome: &Outcome) -> Self {
        Self { availability_pct: outcome.requests.availability_pct(), utility: outcome.utility }
    }
}

/// A server over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ServerResult {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Rounds in which it was reachable with all its services running, percent; `null` when no
    /// round was played.
    pub uptime_pct: Option<f64>,
}

/// All that a result is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The world that was run.
    pub world: &'a World,
    /// The scenario that was played.
    pub scenario: Option<&'a Scenario>,
    /// What was asked for.
    pub plan: &'a RunPlan,
    /// How it was carried out.
    pub mode: Mode,
    /// What came of it.
    pub finished: &'a Finished,
    /// What it is compared with.
    pub references: Result<&'a References, &'a Unreferenced>,
    /// What it is held against.
    pub gates: &'a [Gate],
    /// The command that repeats it.
    pub repeat: &'a str,
}

impl RunResult {
    /// Draws up the result of a run, its gates decided and its verdict given.
    pub(crate) fn of(facts: Facts<'_>) -> Self {
        let mut result = Self::ungated(facts);
        // Of a run without a round nothing was observed, and no gate can be decided.
        // The document of a long run is large: it is made only if a gate asks for it.
        let is_asked = result.rounds > 0 && !facts.gates.is_empty();
        let document = if is_asked { serde_json::to_value(&result).unwrap_or_default() } else { Value::Null };
        result.gates = facts.gates.iter().map(|gate| gate.decide(&document)).collect();
        result.reasons = reasons(&result, &facts);
        result.verdict = verdict(&result, facts.finished);
        result
    }

    fn ungated(facts: Facts<'_>) -> Self {
        let Facts { world, scenario, plan, mode, finished, repeat, .. } = facts;
        let references = facts.references.ok();
        let outcome = &finished.outcome;
        let times = Times::of(outcome);
        let score = references.and_then(|them| score::score(outcome, &them.none, &them.oracle));
        let sla = Sla::of(outcome.requests, outcome.sla_target_pct);
        Self {
            schema: SCHEMA_VERSION,
            build: Build::this(),
            world: WorldName { name: world.name.to_string(), hash: world.hash.clone() },
            scenario: scenario.map(ScenarioName::of),
            seed: plan.seed,
            chaos_level: plan.level.name().to_owned(),
            rounds: outcome.rounds,
            rounds_planned: plan.rounds,
            sres: sres(outcome, score),
            mode,
            journal_hash: finished.journal_hash.clone(),
            verdict: Verdict::Ok,
            reasons: Vec::new(),
            interrupted_by: finished.interrupted_by,
            steady_state: outcome.steady_state,
            stopped: outcome.stopped,
            gates: Vec::new(),
            availability_pct: (outcome.rounds > 0).then(|| outcome.requests.availability_pct()),
            availability_mean_of_rounds_pct: (outcome.rounds > 0)
                .then_some(outcome.availability_mean_of_rounds_pct),
            requests: outcome.requests,
            sla: Sla { met: sla.met && outcome.rounds > 0, ..sla },
            score,
            references: references.map(|them| ReferenceResults {
                none: ReferenceResult::of(&them.none),
                oracle: ReferenceResult::of(&them.oracle),
            }),
            utility: outcome.utility,
            capacity_held: outcome.capacity_held,
            servers: servers(outcome),
            faults: outcome.faults,
            alerts: outcome.alerts,
            incidents: outcome.incidents.clone(),
            answer: scenario.and_then(|scenario| AnswerResult::of(scenario, &outcome.incidents)),
            mttd: times.mttd,
            mtta: times.mtta,
            mttm: times.mttm,
            mttr: times.mttr,
            remedied_share: times.remedied_share,
            avoided_share: references.and_then(|them| score::avoided_share(outcome, &them.none)),
            actions: outcome.actions,
            lost_agents: outcome.lost_agents.clone(),
            repeat: repeat.to_owned(),
        }
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

/// The JSON Schema of the document.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(RunResult)
}

fn sres(outcome: &Outcome, score: Option<f64>) -> Vec<SreResult> {
    let alone = outcome.sres.len() == 1;
    let result = |sre: &SreOutcome| SreResult {
        name: sre.name.to_string(),
        kind: sre.kind,
        skill: sre.skill,
        score: score.filter(|_| alone),
        harm_requests: sre.harm_requests,
        unneeded_actions: sre.unneeded_actions,
        diagnosis: sre.diagnosis,
        lapses: sre.lapses,
    };
    outcome.sres.iter().map(result).collect()
}

fn servers(outcome: &Outcome) -> Vec<ServerResult> {
    let uptime = |up: u32, of: u32| (of > 0).then(|| 100.0 * f64::from(up) / f64::from(of));
    let result = |server: &worlds::outcome::ServerOutcome| ServerResult {
        name: server.name.to_string(),
        kind: server.kind.to_string(),
        uptime_pct: uptime(server.up_rounds, server.rounds),
    };
    outcome.servers.iter().map(result).collect()
}

fn verdict(result: &RunResult, finished: &Finished) -> Verdict {
    let Finished { outcome, troubles, .. } = finished;
    if result.interrupted_by.is_some() {
        Verdict::Interrupted
    } else if !outcome.lost_agents.is_empty()
        || outcome.faults.unseen > 0
        || !troubles.is_empty()
        || unheard(outcome).next().is_some()
        || outcome.steady_state.is_some_and(|seen| !seen.held)
    {
        Verdict::Invalid
    } else if outcome.stopped.is_some() || result.gates.iter().any(|gate| gate.held == Some(false)) {
        Verdict::GateFailed
    } else if result.gates.iter().any(|gate| gate.held.is_none()) {
        Verdict::Inconclusive
    } else {
        Verdict::Ok
    }
}

/// What is measured of somebody who never answers.
pub(crate) const NOBODY: &str = "its figures are those of nobody acting";

/// Programs that answered no round at all: nothing was measured of them.
fn unheard(outcome: &Outcome) -> impl Iterator<Item = &Name> {
    let rounds = outcome.rounds;
    let is_unheard = move |sre: &&SreOutcome| rounds > 0 && sre.lapses.all() == rounds;
    outcome.sres.iter().filter(is_unheard).map(|sre| &sre.name)
}

fn reasons(result: &RunResult, facts: &Facts<'_>) -> Vec<String> {
    let outcome = &facts.finished.outcome;
    let interrupted = result.interrupted_by.map(|signal| {
        format!("signal {signal} ended it after {} of {} rounds", result.rounds, result.rounds_planned)
    });
    let lost = outcome.lost_agents.iter().map(|agent| format!("the process of {agent} was lost"));
    let unseen = (outcome.faults.unseen > 0)
        .then(|| format!("{} of the faults took no effect that could be seen", outcome.faults.unseen));
    let disorder = outcome.steady_state.filter(|seen| !seen.held).map(|seen| disorder(&seen));
    let stopped = outcome.stopped.as_ref().map(stop);
    let troubles = facts.finished.troubles.iter().cloned();
    let unheard = unheard(outcome)
        .map(|sre| format!("there was no answer of `{sre}`: {NOBODY}; `world sre check` tells why"));
    let gates = result.gates.iter().filter_map(GateResult::complaint);
    let given_up = facts.references.err().filter(|why| matches!(why, Unreferenced::Signalled(_)));
    let unscored = given_up.map(|why| format!("{why}, so there is no score"));
    let early = interrupted.into_iter().chain(disorder).chain(stopped);
    early.chain(lost).chain(unseen).chain(troubles).chain(unheard).chain(gates).chain(unscored).collect()
}

fn disorder(seen: &SteadyState) -> String {
    let alerts = figure::plural(seen.alerts, "alert");
    let share = figure::plain(seen.availability_pct);
    format!("the world was not in order before the first fault: {share} % served and {alerts} in the warm-up")
}

fn stop(stopped: &Stopped) -> String {
    let Stopped { round, reason, value_pct, limit_pct } = stopped;
    let what = match reason {
        StopReason::BudgetSpent => "of the error budget was spent",
        StopReason::BlastRadius => "of the servers had a critical alert",
    };
    let (value, limit) = (figure::plain(*value_pct), figure::plain(*limit_pct));
    format!("stopped after round {round}: {value} % {what}, and the limit is {limit} %")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use worlds::inline::Inline;
    use worlds::plan::Level;

    /// What a short run came to, after `change` has had its way with it.
    fn result_of(gates: &[&str], change: impl FnOnce(&mut Finished)) -> RunResult {
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let definition =
            worlds::definition::parse("systems.toml", systems.text).expect("it is good").definition;
        let sres = worlds::plan::sres_of(&definition);
        let world = Arc::new(World::new("systems", definition));
        let plan = RunPlan {
            seed: 1,
            level: Level::Medium,
            rounds: 5,
            sres,
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let outcome = Inline::outcome(Arc::clone(&world), plan.clone());
        let mut finished =
            Finished { outcome, journal_hash: "hash".to_owned(), interrupted_by: None, troubles: Vec::new() };
        change(&mut finished);
        let gates: Vec<_> = gates.iter().map(|expr| Gate::parse(expr).expect("a gate")).collect();
        let references = References::play(&world, &plan, 5, &|| None, || ());
        RunResult::of(Facts {
            world: &world,
            scenario: None,
            plan: &plan,
            mode: Mode::Inline,
            finished: &finished,
            references: references.as_ref(),
            gates: &gates,
            repeat: "world run",
        })
    }

    const FAILS: &str = "rounds > 0";
    const UNDECIDED: &str = "incidents.999.onset_round > 0";

    #[test]
    fn the_gravest_verdict_is_given() {
        let lost = |finished: &mut Finished| finished.outcome.lost_agents.push("server-web-1".into());
        let verdict = |result: RunResult| (result.verdict, result.exit_code());
        assert_eq!(verdict(result_of(&["rounds > 9"], |_| ())), (Verdict::Ok, 0));
        assert_eq!(verdict(result_of(&[UNDECIDED], |_| ())), (Verdict::Inconclusive, 3));
        assert_eq!(verdict(result_of(&[UNDECIDED, FAILS], |_| ())), (Verdict::GateFailed, 1));
        assert_eq!(verdict(result_of(&[FAILS], lost)), (Verdict::Invalid, 3));
        let interrupted = result_of(&[FAILS], |finished| {
            lost(finished);
            finished.interrupted_by = Some(15);
        });
        assert_eq!(verdict(interrupted), (Verdict::Interrupted, 143));
    }

    #[test]
    fn a_fault_that_nobody_saw_makes_a_run_invalid() {
        let result = result_of(&[], |finished| finished.outcome.faults.unseen = 1);
        assert_eq!(result.verdict, Verdict::Invalid);
        assert_eq!(result.reasons, ["1 of the faults took no effect that could be seen"]);
    }

    #[test]
    fn a_world_that_was_not_in_order_makes_a_run_invalid() {
        let steady_state = |held| {
            let requests = Requests { total: 1_000, good: 990 };
            Some(SteadyState { rounds: 3, requests, availability_pct: 99.0, alerts: 2, held })
        };
        let result = result_of(&[FAILS], |finished| finished.outcome.steady_state = steady_state(false));
        assert_eq!(result.verdict, Verdict::Invalid);
        let said =
            "the world was not in order before the first fault: 99 % served and 2 alerts in the warm-up";
        assert_eq!(result.reasons[0], said);
        let calm = result_of(&[], |finished| finished.outcome.steady_state = steady_state(true));
        assert_eq!((calm.verdict, calm.steady_state.map(|seen| seen.alerts)), (Verdict::Ok, Some(2)));
    }

    #[test]
    fn a_run_that_was_stopped_fails_as_at_a_gate() {
        let stopped =
            Stopped { round: 4, reason: StopReason::BudgetSpent, value_pct: 640.26, limit_pct: 500.0 };
        let result = result_of(&[], |finished| finished.outcome.stopped = Some(stopped));
        assert_eq!((result.verdict, result.exit_code()), (Verdict::GateFailed, 1));
        let said = "stopped after round 4: 640.26 % of the error budget was spent, and the limit is 500 %";
        assert_eq!(result.reasons, [said]);
    }

    #[test]
    fn the_error_budget_is_what_the_promise_leaves() {
        let sla = Sla::of(Requests { total: 10_000, good: 9_996 }, 99.9);
        assert!(sla.met);
        assert_eq!((sla.budget_requests, sla.budget_spent_requests), (10.0, 4));
        assert_eq!((sla.budget_left_pct, sla.burn_rate), (Some(60.0), Some(0.4)));
    }

    #[test]
    fn a_promise_is_kept_up_to_its_last_request() {
        assert!(Sla::of(Requests { total: 1_000, good: 999 }, 99.9).met);
        assert!(!Sla::of(Requests { total: 1_000, good: 998 }, 99.9).met);
    }

    #[test]
    fn a_promise_of_everything_has_no_budget() {
        let sla = Sla::of(Requests { total: 1_000, good: 999 }, 100.0);
        assert_eq!((sla.met, sla.budget_left_pct, sla.burn_rate), (false, None, None));
    }

    #[test]
    fn the_score_is_the_sres_own_only_when_it_was_alone() {
        let alone = result_of(&[], |_| ());
        assert_eq!(alone.sres[0].score, alone.score);
        let two = result_of(&[], |finished| {
            let other = finished.outcome.sres[0].clone();
            finished.outcome.sres.push(other);
        });
        assert!(two.sres.iter().all(|sre| sre.score.is_none()));
    }

    #[test]
    fn a_result_is_read_back_as_it_was_written() {
        let result = result_of(&[FAILS, UNDECIDED], |_| ());
        let document = result.to_json().expect("a document");
        assert_eq!(serde_json::from_slice::<RunResult>(&document).expect("a result"), result);
    }

    #[test]
    fn a_run_of_no_round_decides_no_gate() {
        let unplayed = |finished: &mut Finished| {
            finished.outcome.rounds = 0;
            finished.interrupted_by = Some(2);
        };
        let result = result_of(&["availability_pct < 50"], unplayed);
        assert_eq!(result.gates[0].held, None);
        assert_eq!(result.gates[0].value, None);
        assert_eq!(result_of(&["availability_pct < 50"], |_| ()).gates[0].held, Some(true));
    }

    #[test]
    fn a_run_of_no_round_has_neither_references_nor_score() {
        let systems = worlds::definition::builtin::find("systems").expect("it is built in");
        let definition =
            worlds::definition::parse("systems.toml", systems.text).expect("it is good").definition;
        let sres = worlds::plan::sres_of(&definition);
        let plan = RunPlan {
            seed: 1,
            level: Level::Off,
            rounds: 5,
            sres,
            scripted: Vec::new(),
            drill: Default::default(),
        };
        let references =
            References::play(&Arc::new(World::new("systems", definition)), &plan, 0, &|| None, || ());
        assert_eq!(references, Err(Unreferenced::Unplayed));
    }
}
