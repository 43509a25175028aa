//! What is said after the last round: servers, incidents, what users got, how it compares, and the
//! command that repeats it.

use super::ink::{self, paint};
use super::layout::{self, Column, figures, words};
use super::{figure, opening};
use crate::config::Detail;
use crate::result::{Mode, RunResult, SreResult, Verdict};
use worlds::outcome::{Incident, Resolution};
use worlds::times::TimeStatistic;

/// Longer lists of incidents are cut, unless all detail is wanted.
const INCIDENTS_SHOWN: usize = 24;
/// From this width on, columns have their full titles.
const WIDE: usize = 104;

/// The lines of the summary.
pub(super) fn lines(result: &RunResult, width: usize, detail: Detail) -> Vec<String> {
    let title = if result.verdict == Verdict::Interrupted { "Interrupted" } else { "Result" };
    let sections = [
        vec![layout::rule(title, width)],
        servers(result, width),
        incidents(result, width, detail),
        users(result, width),
        times(result, width),
        on_call(result, width),
        gates(result, width),
        verdict(result, width),
    ];
    let told: Vec<_> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    told.join(&String::new())
}

fn servers(result: &RunResult, width: usize) -> Vec<String> {
    let columns = [words("Server"), words("Type"), figures("Uptime")];
    let row = |server: &crate::result::ServerResult| {
        vec![server.name.clone(), server.kind.clone(), figure::percent(server.uptime_pct)]
    };
    layout::table(&columns, result.servers.iter().map(row), width)
}

// ---- incidents --------------------------------------------------------------------------------

fn incidents(result: &RunResult, width: usize, detail: Detail) -> Vec<String> {
    if result.incidents.is_empty() {
        return vec!["  No incidents.".to_owned()];
    }
    let shown = if detail == Detail::Verbose { usize::MAX } else { INCIDENTS_SHOWN };
    let titles = if width >= WIDE { INCIDENT_WIDE } else { INCIDENT_NARROW };
    let rows = result.incidents.iter().take(shown).map(incident);
    let mut lines = layout::table(&titles, rows, width);
    if let Some(more) = result.incidents.len().checked_sub(shown).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more; -v shows them, and result.json holds them"));
    }
    lines
}

const INCIDENT_NARROW: [Column; 10] = [
    figures("#"),
    words("Incident"),
    words("Target"),
    figures("On"),
    figures("Det"),
    figures("Ack"),
    figures("Act"),
    figures("Mit"),
    figures("Res"),
    words("How"),
];

const INCIDENT_WIDE: [Column; 10] = [
    figures("#"),
    words("Incident"),
    words("Target"),
    figures("Onset"),
    figures("Detected"),
    figures("Ack'd"),
    figures("Action"),
    figures("Mitigated"),
    figures("Resolved"),
    words("How"),
];

fn incident(incident: &Incident) -> Vec<String> {
    let round = |round: Option<u32>| round.map_or_else(|| "-".to_owned(), |round| round.to_string());
    vec![
        incident.id.to_string(),
        incident.kind.to_string(),
        incident.target.to_string(),
        incident.onset_round.to_string(),
        round(incident.detected_round),
        round(incident.acknowledged_round),
        round(incident.first_action_round),
        round(incident.mitigated_round),
        round(incident.resolved_round),
        resolution(incident.resolution).to_owned(),
    ]
}

fn resolution(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Remedied => "remedied",
        Resolution::Expired => "expired",
        Resolution::Open => "open",
    }
}

// ---- users ------------------------------------------------------------------------------------

fn users(result: &RunResult, width: usize) -> Vec<String> {
    let sla = &result.sla;
    let availability = format!(
        "{}  ({} of {} requests; mean of rounds {})",
        figure::percent(result.availability_pct),
        figure::count(result.requests.good),
        figure::count(result.requests.total),
        figure::percent(result.availability_mean_of_rounds_pct),
    );
    let mut lines = layout::fact("Availability", &availability, width);
    lines.push(format!("  {:<14}{}", "", sla_line(result)));
    let spent = figure::count(sla.budget_spent_requests);
    let budget = match (sla.burn_rate, sla.budget_left_pct) {
        (Some(_), Some(left)) if left >= 0.0 => {
            format!("{:.1} requests, {spent} spent, {left:.0} % left", sla.budget_requests)
        }
        (Some(burn), _) => {
            format!("{:.1} requests, {spent} spent: {burn:.1} times as many", sla.budget_requests)
        }
        (None, _) => format!("none; {spent} requests failed"),
    };
    lines.extend(layout::fact("Error budget", &budget, width));
    lines
}

fn sla_line(result: &RunResult) -> String {
    let target = result.sla.target_pct;
    if result.sla.met {
        return format!("{} (target {target} %)", paint(ink::GOOD, "SLA MET"));
    }
    let gap = figure::points(target - result.availability_pct);
    format!("{} (target {target} %)", paint(ink::BAD, &format!("SLA MISSED by {gap}")))
}

// ---- times ------------------------------------------------------------------------------------

fn times(result: &RunResult, width: usize) -> Vec<String> {
    if result.incidents.is_empty() {
        return Vec::new();
    }
    let columns = [
        words("Time to"),
        figures("Incidents"),
        figures("Censored"),
        figures("Mean"),
        figures("Minutes"),
        figures("Restricted"),
        figures("Median"),
    ];
    let rows = [
        time("detect (MTTD)", &result.mttd),
        time("acknowledge (MTTA)", &result.mtta),
        time("mitigate (MTTM)", &result.mttm),
        time("resolve (MTTR)", &result.mttr),
    ];
    layout::table(&columns, rows, width)
}

fn time(name: &str, time: &TimeStatistic) -> Vec<String> {
    vec![
        name.to_owned(),
        time.n.to_string(),
        time.censored.to_string(),
        figure::or_dash(time.mean_rounds, 2),
        figure::or_dash(time.mean_minutes, 2),
        figure::or_dash(time.restricted_mean_rounds, 2),
        figure::or_dash(time.median_rounds.map(f64::from), 0),
    ]
}

// ---- who was on call --------------------------------------------------------------------------

fn on_call(result: &RunResult, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fact = |label: &str, text: String| lines.extend(layout::fact(label, &text, width));
    let faults = result.faults;
    fact(
        "Faults",
        format!("{} injected, {} witnessed, {} masked", faults.injected, faults.witnessed, faults.masked),
    );
    fact("Alerts", format!("{} opened, {} of them false", result.alerts.opened, result.alerts.false_alarms));
    let actions = result.actions;
    let carried =
        format!("{} refused, {} failed, {} succeeded", actions.refused, actions.failed, actions.succeeded);
    fact("Actions", format!("{} requested: {carried}", actions.requested));
    for sre in &result.sres {
        fact(&sre.name, sre_line(sre));
    }
    if let Some(share) = remedies(result) {
        fact("Remedies", share);
    }
    fact("Score", score(result));
    lines
}

fn sre_line(sre: &SreResult) -> String {
    let told = sre.diagnosis;
    format!(
        "{}: {} diagnoses, {} with the right server, {} with the right cause; {} unneeded actions, {} requests harmed",
        opening::kind_and_skill(sre.kind, sre.skill),
        told.claims,
        told.right_entity,
        told.right_kind,
        sre.unneeded_actions,
        figure::count(sre.harm_requests)
    )
}

fn remedies(result: &RunResult) -> Option<String> {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let of_all = result.incidents.len();
    let remedied =
        result.incidents.iter().filter(|incident| incident.resolution == Resolution::Remedied).count();
    let remedied = (of_all > 0).then(|| format!("{remedied} of {of_all} incidents remedied"));
    let avoided =
        result.avoided_share.map(|share| format!("{} of avoidable fault-rounds avoided", percent(share)));
    let told: Vec<_> = [remedied, avoided].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn score(result: &RunResult) -> String {
    let Some(references) = &result.references else {
        let why =
            if result.rounds == 0 { "no round was played" } else { "a signal ended the reference runs" };
        return format!("none: {why}");
    };
    let (none, oracle) = (
        figure::percent(references.none.availability_pct),
        figure::percent(references.oracle.availability_pct),
    );
    match result.score {
        Some(score) => format!("{score:.1}  (0: nobody acts, {none}; 100: the oracle, {oracle})"),
        None => format!("none: there was nothing to win (nobody acts: {none}; the oracle: {oracle})"),
    }
}

// ---- the end ----------------------------------------------------------------------------------

fn gates(result: &RunResult, width: usize) -> Vec<String> {
    let columns = [words("Fails if"), figures("It is"), words("Gate")];
    let row = |gate: &crate::gate::GateResult| {
        let held = match gate.held {
            Some(true) => "held",
            Some(false) => "FAILED",
            None => "undecided",
        };
        let value = gate.value.map_or_else(|| "null".to_owned(), figure::plain);
        vec![gate.expr.clone(), value, held.to_owned()]
    };
    if result.gates.is_empty() {
        return Vec::new();
    }
    layout::table(&columns, result.gates.iter().map(row), width)
}

fn verdict(result: &RunResult, width: usize) -> Vec<String> {
    let style = match result.verdict {
        Verdict::Ok => ink::GOOD,
        Verdict::Inconclusive | Verdict::Interrupted => ink::POOR,
        Verdict::GateFailed | Verdict::Invalid => ink::BAD,
    };
    let mut lines = vec![format!("  {:<14}{}", "Verdict", paint(style, result.verdict.name()))];
    for reason in &result.reasons {
        lines.extend(layout::fact("", reason, width));
    }
    lines.push(format!("  {:<14}{}", "Journal", result.journal_hash));
    let how = if result.mode == Mode::Inline { "" } else { "; add --inline for the same run at once" };
    lines.push(String::new());
    lines.push(format!("Seed {}. To repeat this run{how}:", result.seed));
    lines.push(format!("  {}", paint(ink::STRONG, &result.repeat)));
    lines
}
