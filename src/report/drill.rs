//! Reports of a drill over several seeds: pure functions of its [`DrillResult`], as those of a run are of an
//! [`Account`](super::Account).
//!
//! What is judged is the drill, so its gates come first, with the mean and the 95 % interval that decide them;
//! then each seed, with the way to its own reports. Of very many seeds the worst are told.

use super::html::drill::page;
use super::junit::{self, Complaint, State, Suite, TestCase};
use super::markdown::{Page, code, mark, text};
use super::{JUNIT, PAGE, SUMMARY};
use crate::console::drill::{between, named};
use crate::console::{self, figure};
use crate::drill::gates::DrillGate;
use crate::drill::result::{DrillResult, Mean, OnCall, SeedRun};
use crate::result::Verdict;

/// Seeds that have a row or a case of their own: more than anybody reads, and a page that opens at once.
const SEEDS_MAX: usize = 1_000;

/// Seeds in the summary.
const SEEDS_IN_SUMMARY_MAX: usize = 50;

/// What a drill leaves beside the reports of its runs.
pub(super) fn files(result: &DrillResult) -> Vec<(&'static str, String)> {
    vec![(JUNIT, document(result)), (SUMMARY, summary(result)), (PAGE, page(result))]
}

// ---- figures ----------------------------------------------------------------------------------

/// What the drill is called: its scenario, or its world.
pub(super) fn name(result: &DrillResult) -> &str {
    result.scenario.as_ref().map_or(&result.world.name, |scenario| &scenario.name)
}

/// `20 seeds`, `7 of 20 seeds`
pub(super) fn seeds(result: &DrillResult) -> String {
    let played = result.runs.len() as u32;
    let planned = figure::plural(result.seeds_planned, "seed");
    if played == result.seeds_planned {
        planned
    } else {
        format!("{} of {planned}", figure::count(played.into()))
    }
}

/// What the verdict means, as a sentence.
pub(super) fn verdict(result: &DrillResult) -> String {
    let is_stopped = result.runs.iter().any(|run| run.verdict == Verdict::GateFailed);
    match result.verdict {
        Verdict::Ok if result.gates.is_empty() => "Every seed came to its end. No gate was set.".to_owned(),
        Verdict::Ok => "Every seed came to its end, and the gates held over all of them.".to_owned(),
        Verdict::Inconclusive => "A gate is undecided over these seeds.".to_owned(),
        Verdict::GateFailed if is_stopped => {
            "A run was stopped at its limit of harm, or a gate failed.".to_owned()
        }
        Verdict::GateFailed => "A gate failed over the seeds.".to_owned(),
        Verdict::Invalid => "A run is invalid, so the drill is.".to_owned(),
        Verdict::Interrupted => format!("The drill was interrupted after {}.", seeds(result)),
    }
}

/// The seeds to be told, in the order of play: of more than `max` those that are not as they should be, then those
/// that served least.
pub(super) fn told(result: &DrillResult, max: usize) -> Vec<&SeedRun> {
    let mut places: Vec<usize> = (0..result.runs.len()).collect();
    if places.len() > max {
        let served = |place: &usize| result.runs[*place].availability_pct.unwrap_or_default();
        let is_well = |place: &usize| result.runs[*place].verdict == Verdict::Ok;
        places.sort_by(|a, b| is_well(a).cmp(&is_well(b)).then(served(a).total_cmp(&served(b))));
        places.truncate(max);
        places.sort_unstable();
    }
    places.into_iter().map(|place| &result.runs[place]).collect()
}

/// What is to be said where some seeds are not told.
pub(super) fn told_note(result: &DrillResult, max: usize) -> Option<String> {
    let all = result.runs.len();
    (all > max).then(|| {
        let [told, all] = [max, all].map(|count| figure::count(count as u64));
        format!(
            "The {told} of {all} seeds that were not as they should be or served least; drill.json has all."
        )
    })
}

/// All seeds of the limit that pages have.
pub(super) fn told_on_page(result: &DrillResult) -> (Vec<&SeedRun>, Option<String>) {
    (told(result, SEEDS_MAX), told_note(result, SEEDS_MAX))
}

/// `oncall (rules, mid)`
pub(super) fn sres(result: &DrillResult) -> String {
    let sre = |sre: &OnCall| format!("{} ({})", sre.name, console::kind_and_skill(sre.kind, sre.skill));
    result.sres.iter().map(sre).collect::<Vec<_>>().join(", ")
}

/// A metric with its unit, its mean and its interval.
pub(super) fn mean(mean: &Mean) -> [String; 4] {
    let (name, decimals) = named(mean.metric);
    let value = figure::or_dash(mean.mean, decimals);
    [name.to_owned(), mean.n.to_string(), value, between(mean.low, mean.high, decimals)]
}

/// What a gate came to: mean and interval.
pub(super) fn gate(gate: &DrillGate) -> [String; 2] {
    const DECIMALS: usize = 3;
    [figure::or_dash(gate.mean, DECIMALS), between(gate.low, gate.high, DECIMALS)]
}

/// Where the reports of a seed are, from those of the drill.
pub(super) fn address(run: &SeedRun) -> String {
    format!("seed-{}/{PAGE}", run.seed)
}

pub(super) fn percent_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), figure::percent)
}

/// What is told of a seed beside its number, in the order of [`SEED_COLUMNS`].
pub(super) fn seed(run: &SeedRun) -> [String; 7] {
    [
        percent_or_dash(run.availability_pct),
        (if run.sla_met { "kept" } else { "missed" }).to_owned(),
        figure::or_dash(run.score, 1),
        figure::or_dash(run.mttr_rounds, 2),
        figure::count(run.incidents.into()),
        figure::count(run.remedied.into()),
        run.verdict.name().replace('_', " "),
    ]
}

/// The columns of [`seed`].
pub(super) const SEED_COLUMNS: [&str; 7] =
    ["Served", "SLA", "Score", "Resolved after, rounds", "Incidents", "Remedied", "Verdict"];

// ---- junit.xml --------------------------------------------------------------------------------

/// Two suites: the gates of the drill, and a case for each seed. A seed fails when its run was stopped at the limit
/// of harm, and is in error when it is invalid; that its promise was missed is for a gate to say.
fn document(result: &DrillResult) -> String {
    let suites = vec![gates(result), seeds_suite(result)];
    junit::written(format!("world {}, {}", name(result), seeds(result)), suites)
}

fn gates(result: &DrillResult) -> Suite {
    let class = junit::class_of(name(result), "gates");
    let case = |name: String, state| TestCase { class: class.clone(), name, state, output: None };
    let of_drill = match result.verdict {
        Verdict::Invalid | Verdict::Interrupted => State::Error(complaint(verdict(result), result)),
        Verdict::Ok | Verdict::Inconclusive | Verdict::GateFailed => State::Passed,
    };
    let mut cases = vec![case("the drill came to its end and is valid".to_owned(), of_drill)];
    cases.extend(
        result.gates.iter().map(|gate| case(format!("fails if {}", gate.expr), of_gate(gate, result))),
    );
    Suite { name: "gates".to_owned(), properties: properties(result), cases }
}

fn of_gate(gate: &DrillGate, result: &DrillResult) -> State {
    if matches!(result.verdict, Verdict::Invalid | Verdict::Interrupted) {
        return State::Error(complaint(format!("Not decided. {}", verdict(result)), result));
    }
    match (gate.held, gate.complaint()) {
        (Some(false), Some(why)) => State::Failed(complaint(why, result)),
        (None, Some(why)) => State::Error(complaint(why, result)),
        _ => State::Passed,
    }
}

fn complaint(message: String, result: &DrillResult) -> Complaint {
    let mut lines = vec![message.clone()];
    lines.extend(result.reasons.iter().filter(|reason| **reason != message).cloned());
    lines.push(format!("To repeat the drill: {}", result.repeat));
    Complaint { message, text: lines.join("\n") }
}

fn properties(result: &DrillResult) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("world", result.world.name.clone()),
        ("world_hash", result.world.hash.clone()),
        ("chaos_level", result.chaos_level.clone()),
        ("rounds", result.rounds.to_string()),
        ("seeds", result.runs.len().to_string()),
        ("seeds_planned", result.seeds_planned.to_string()),
        ("sres", sres(result)),
        ("verdict", result.verdict.name().to_owned()),
    ];
    properties.extend(result.scenario.as_ref().map(|scenario| ("scenario", scenario.name.clone())));
    properties.push(("build", format!("{} ({})", result.build.version, result.build.commit)));
    properties.push(("repeat", result.repeat.clone()));
    properties
}

fn seeds_suite(result: &DrillResult) -> Suite {
    let class = junit::class_of(name(result), "seeds");
    let case = |run: &&SeedRun| {
        let figures = SEED_COLUMNS.iter().zip(seed(run)).map(|(column, value)| format!("{column}: {value}"));
        let text = figures.chain([format!("Journal: {}", run.journal_hash)]).collect::<Vec<_>>().join("\n");
        let complaint = || Complaint { message: run.reasons.join("; "), text: run.reasons.join("\n") };
        let state = match run.verdict {
            Verdict::Ok => State::Passed,
            Verdict::GateFailed => State::Failed(complaint()),
            Verdict::Inconclusive | Verdict::Invalid | Verdict::Interrupted => State::Error(complaint()),
        };
        TestCase { class: class.clone(), name: format!("seed {}", run.seed), state, output: Some(text) }
    };
    let properties = told_note(result, SEEDS_MAX).map(|note| ("seeds_told", note)).into_iter().collect();
    let cases = told(result, SEEDS_MAX).iter().map(case).collect();
    Suite { name: "seeds".to_owned(), properties, cases }
}

// ---- summary.md -------------------------------------------------------------------------------

fn summary(result: &DrillResult) -> String {
    let mut page = Page::default();
    page.line(&format!(
        "## {} {}, {}: {}",
        mark(result.verdict),
        code(name(result)),
        seeds(result),
        result.verdict.name().replace('_', " ")
    ));
    if let Some(scenario) = &result.scenario {
        page.line(&text(&scenario.title));
    }
    page.line(&text(&verdict(result)));
    page.list(result.reasons.iter().map(|reason| text(reason)));
    let facts = format!(
        "SLA {} % kept on {} of {}; {} each, chaos {}, on call: {}",
        figure::plain(result.sla_target_pct),
        result.sla_met_seeds,
        figure::plural(result.runs.len() as u32, "seed"),
        figure::plural(result.rounds, "round"),
        result.chaos_level,
        sres(result)
    );
    page.line(&text(&facts));
    let gates = result.gates.iter().map(|one| {
        let held = match one.held {
            Some(true) => "held",
            Some(false) => "**failed**",
            None => "**undecided**",
        };
        let [mean, interval] = gate(one);
        vec![code(&one.expr), one.n.to_string(), mean, interval, held.to_owned()]
    });
    page.table(&["Fails if", "Seeds", "Mean", "95 % interval", "Gate"], &gates.collect::<Vec<_>>());
    let means = result.metrics.iter().filter(|metric| metric.n > 0);
    let means = means.map(|metric| mean(metric).map(|cell| text(&cell)).into());
    page.table(&["Over all seeds", "Seeds", "Value", "95 % interval"], &means.collect::<Vec<_>>());
    if let Some(note) = told_note(result, SEEDS_IN_SUMMARY_MAX) {
        page.line(&text(&note));
    }
    let rows = told(result, SEEDS_IN_SUMMARY_MAX)
        .into_iter()
        .map(|run| [run.seed.to_string()].into_iter().chain(seed(run).map(|cell| text(&cell))).collect());
    let columns: Vec<_> = ["Seed"].into_iter().chain(SEED_COLUMNS).collect();
    page.table(&columns, &rows.collect::<Vec<_>>());
    page.line("To repeat the drill:");
    page.fenced(&result.repeat);
    page.text
}
