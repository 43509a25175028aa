//! What is said of a drill over several seeds: a line for each run, and what they come to together.

use super::ink::{self, paint};
use super::layout::{self, figures, words};
use super::{figure, opening};
use crate::config::RunConfig;
use crate::drill::gates::DrillGate;
use crate::drill::result::{DrillResult, Mean, SeedRun, lapses};
use crate::metric::Metric;
use crate::result::Verdict;

/// Before the first run.
pub(crate) fn opening(config: &RunConfig, width: usize) -> Vec<String> {
    let mut lines = opening::lines(config, width);
    let count = figure::count(config.seeds.len() as u64);
    let which = match config.seeds.as_slice() {
        [first, .., last] if last - first == config.seeds.len() as u64 - 1 => {
            format!("{count} seeds, {first} to {last}")
        }
        [first, _, ..] => format!("{count} seeds, the first {first}"),
        [only] => format!("1 seed, {only}"),
        [] => format!("{count} seeds"),
    };
    if let Some(line) = lines.first_mut() {
        *line = paint(ink::STRONG, &which);
    }
    lines.push(String::new());
    lines.push(paint(
        ink::FRAME,
        "        Seed     Served   Score   MTTR  Incidents  Remedied  Avoided  Verdict",
    ));
    lines
}

/// One run, as a row below the header of [`opening()`].
pub(crate) fn seed(run: &SeedRun) -> String {
    let served = run.availability_pct.map_or_else(|| "-".to_owned(), figure::percent);
    let avoided = run.avoided_share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    format!(
        "{:>12} {:>10} {:>7} {:>6} {:>10} {:>9} {:>8}  {}",
        run.seed,
        served,
        figure::or_dash(run.score, 1),
        figure::or_dash(run.mttr_rounds, 2),
        run.incidents,
        run.remedied,
        avoided,
        verdict(run.verdict),
    )
}

fn verdict(verdict: Verdict) -> String {
    let style = match verdict {
        Verdict::Ok => ink::GOOD,
        Verdict::Inconclusive | Verdict::Interrupted => ink::POOR,
        Verdict::GateFailed | Verdict::Invalid => ink::BAD,
    };
    paint(style, verdict.name())
}

/// When the last run is over.
pub(crate) fn ending(result: &DrillResult, width: usize) -> Vec<String> {
    let title = if result.verdict == Verdict::Interrupted { "Interrupted" } else { "Result" };
    let mut lines = vec![String::new(), layout::rule(title, width)];
    lines.extend(means(&result.metrics, width));
    if !result.gates.is_empty() {
        lines.push(String::new());
        lines.extend(gates(&result.gates, width));
    }
    lines.push(String::new());
    let (kept, of) = (result.sla_met_seeds, result.runs.len());
    let promise = format!(
        "kept on {kept} of {} (target {} %)",
        figure::plural(of as u32, "seed"),
        result.sla_target_pct
    );
    lines.extend(layout::fact("SLA", &promise, width));
    if let Some(note) = unanswered(result) {
        lines.extend(layout::fact("Unanswered", &note, width));
    }
    lines.push(format!("  {:<14}{}", "Verdict", verdict(result.verdict)));
    for reason in &result.reasons {
        lines.extend(layout::fact("", reason, width));
    }
    lines.push(String::new());
    lines.push("To repeat this drill:".to_owned());
    lines.push(format!("  {}", paint(ink::STRONG, &result.repeat)));
    lines
}

/// What programs left unanswered, where they did: whoever says nothing is not bad but not there.
fn unanswered(result: &DrillResult) -> Option<String> {
    let first = result.runs.iter().find(|run| run.lapses.all() > 0)?.seed;
    let all = lapses(result.runs.iter().map(|run| run.lapses));
    let how = figure::lapses(all.late.into(), all.malformed.into(), all.dead.into());
    Some(format!("{} decisions ({how}), the first on seed {first}", figure::count(all.all().into())))
}

/// How a metric is called, with its unit and decimals.
pub(crate) fn named(metric: Metric) -> (&'static str, usize) {
    match metric {
        Metric::AvailabilityPct => ("Availability, %", 2),
        Metric::Utility => ("Utility, %", 2),
        Metric::Score => ("Score", 1),
        Metric::MttdRounds => ("MTTD, rounds", 2),
        Metric::MttaRounds => ("MTTA, rounds", 2),
        Metric::MttmRounds => ("MTTM, rounds", 2),
        Metric::MttrRounds => ("MTTR, rounds", 2),
        Metric::RemediedShare => ("Remedied, share", 3),
        Metric::AvoidedShare => ("Avoided, share", 3),
        Metric::RightEntityShare => ("Right server, share of claims", 3),
        Metric::RightKindShare => ("Right cause, share of claims", 3),
        Metric::HarmRequests => ("Harm, requests", 1),
        Metric::UnneededActions => ("Unneeded actions", 2),
        Metric::FalseAlarms => ("False alarms", 2),
        Metric::PassedShare => ("Runs that pass, share", 3),
        Metric::LapseShare => ("Unanswered rounds, share", 3),
    }
}

fn means(metrics: &[Mean], width: usize) -> Vec<String> {
    let columns = [words("Over all seeds"), figures("Seeds"), figures("Value"), figures("95 % interval")];
    let row = |metric: &Mean| {
        let (name, decimals) = named(metric.metric);
        let mean = figure::or_dash(metric.mean, decimals);
        vec![name.to_owned(), metric.n.to_string(), mean, between(metric.low, metric.high, decimals)]
    };
    layout::table(&columns, metrics.iter().filter(|metric| metric.n > 0).map(row), width)
}

/// The ends of an interval.
pub(crate) fn between(low: Option<f64>, high: Option<f64>, decimals: usize) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{low:.decimals$} to {high:.decimals$}"),
        _ => "-".to_owned(),
    }
}

fn gates(gates: &[DrillGate], width: usize) -> Vec<String> {
    let columns =
        [words("Fails if"), figures("Seeds"), figures("Mean"), figures("95 % interval"), words("Gate")];
    let row = |gate: &DrillGate| {
        let held = match gate.held {
            Some(true) => paint(ink::GOOD, "held"),
            Some(false) => paint(ink::BAD, "failed"),
            None => paint(ink::POOR, "undecided"),
        };
        let (mean, around) = (figure::or_dash(gate.mean, 3), between(gate.low, gate.high, 3));
        vec![gate.expr.clone(), gate.n.to_string(), mean, around, held]
    };
    layout::table(&columns, gates.iter().map(row), width)
}
