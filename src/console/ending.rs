//! What is said after the last round: servers, incidents, what users got, how it compares, and the
//! command that repeats it.

use super::ink::{self, paint};
use super::kinds::by_kind;
use super::layout::{self, Column, figures, words};
use super::{figure, opening};
use crate::config::Detail;
use crate::result::{Mode, RunResult, ServerResult, Sla, SreResult, Verdict};
use std::cmp::Ordering;
use worlds::outcome::{Incident, LapseCounts, Resolution};
use worlds::times::TimeStatistic;

/// Of more servers than this, types are told, unless all detail is wanted.
const SERVERS_SHOWN: usize = 12;
/// Of more incidents than this, kinds are told, unless all detail is wanted.
const INCIDENTS_SHOWN: usize = 24;
/// From this width on, all figures about times have room.
const ROOM_FOR_TIMES: usize = 74;
/// From this width on, columns have their full titles.
const WIDE: usize = 104;

/// The lines of the summary.
pub(super) fn lines(result: &RunResult, width: usize, detail: Detail) -> Vec<String> {
    let title = if result.verdict == Verdict::Interrupted { "Interrupted" } else { "Result" };
    let sections = [
        vec![layout::rule(title, width)],
        servers(result, width, detail),
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

fn servers(result: &RunResult, width: usize, detail: Detail) -> Vec<String> {
    if result.rounds == 0 {
        return Vec::new();
    }
    if result.servers.len() > SERVERS_SHOWN && detail < Detail::Verbose {
        return tiers(&result.servers, width);
    }
    let columns = [words("Server"), words("Type"), figures("Uptime")];
    let row = |server: &ServerResult| vec![server.name.clone(), server.kind.clone(), uptime(server)];
    layout::table(&columns, result.servers.iter().map(row), width)
}

fn uptime(server: &ServerResult) -> String {
    server.uptime_pct.map_or_else(|| "-".to_owned(), figure::percent)
}

/// What the servers of each type came to, in the order in which types first appear.
fn tiers(servers: &[ServerResult], width: usize) -> Vec<String> {
    let columns = [words("Type"), figures("Servers"), figures("Uptime"), figures("Lowest"), words("Server")];
    let row = |(kind, of_kind): (&str, Vec<&ServerResult>)| {
        let count = of_kind.len();
        let mean = of_kind.iter().filter_map(|server| server.uptime_pct).sum::<f64>() / count as f64;
        let lowest = of_kind
            .into_iter()
            .min_by(|one, other| one.uptime_pct.partial_cmp(&other.uptime_pct).unwrap_or(Ordering::Equal));
        let (pct, name) = lowest.map(|server| (uptime(server), server.name.clone())).unwrap_or_default();
        let is_hurt = lowest.is_some_and(|server| server.uptime_pct < Some(100.0));
        let name = if is_hurt { name } else { String::new() };
        vec![kind.to_owned(), figure::count(count as u64), figure::percent(mean), pct, name]
    };
    layout::table(&columns, by_kind(servers, |server| &server.kind).into_iter().map(row), width)
}

// ---- incidents --------------------------------------------------------------------------------

fn incidents(result: &RunResult, width: usize, detail: Detail) -> Vec<String> {
    if result.incidents.is_empty() {
        let none = if result.rounds == 0 { "  No round was played." } else { "  No incidents." };
        return vec![none.to_owned()];
    }
    if result.incidents.len() > INCIDENTS_SHOWN && detail < Detail::Verbose {
        return incidents_by_kind(&result.incidents, width);
    }
    let titles = if width >= WIDE { INCIDENT_WIDE } else { INCIDENT_NARROW };
    layout::table(&titles, result.incidents.iter().map(incident), width)
}

/// How many there were of each kind, what became of them, and how many rounds that took in the
/// mean of those that came so far.
fn incidents_by_kind(incidents: &[Incident], width: usize) -> Vec<String> {
    let columns = [
        words("Incidents"),
        figures("Count"),
        figures("Remedied"),
        figures("Expired"),
        figures("Open"),
        figures("To detect"),
        figures("To resolve"),
    ];
    let row = |name: &str, of_kind: &[&Incident]| {
        let ended =
            |how| figure::count(of_kind.iter().filter(|incident| incident.resolution == how).count() as u64);
        let mean = |until: fn(&Incident) -> Option<u32>| {
            let times: Vec<f64> = of_kind
                .iter()
                .filter_map(|incident| Some(f64::from(until(incident)?.saturating_sub(incident.onset_round))))
                .collect();
            figure::or_dash((!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64), 2)
        };
        vec![
            name.to_owned(),
            figure::count(of_kind.len() as u64),
            ended(Resolution::Remedied),
            ended(Resolution::Expired),
            ended(Resolution::Open),
            mean(|incident| incident.detected_round),
            mean(|incident| incident.resolved_round),
        ]
    };
    let kinds = by_kind(incidents, |incident| &incident.kind);
    let mut rows: Vec<_> = kinds.iter().map(|(kind, these)| row(kind, these)).collect();
    rows.push(row("all", &incidents.iter().collect::<Vec<_>>()));
    let mut lines = layout::table(&columns, rows, width);
    lines.push("  Times are means in rounds; -v lists each incident, as result.json does.".to_owned());
    lines
}

const INCIDENT_NARROW: [Column<'_>; 10] = [
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

const INCIDENT_WIDE: [Column<'_>; 10] = [
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
    let (Some(pct), Some(of_rounds)) = (result.availability_pct, result.availability_mean_of_rounds_pct)
    else {
        return Vec::new();
    };
    let availability = format!(
        "{}  ({} of {} requests; mean of rounds {})",
        figure::percent(pct),
        figure::count(result.requests.good),
        figure::count(result.requests.total),
        figure::percent(of_rounds),
    );
    let mut lines = layout::fact("Availability", &availability, width);
    lines.push(format!("  {:<14}{}", "", sla_line(pct, sla)));
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

fn sla_line(availability_pct: f64, sla: &Sla) -> String {
    let target = sla.target_pct;
    if sla.met {
        return format!("{} (target {target} %)", paint(ink::GOOD, "SLA MET"));
    }
    let gap = figure::points(target - availability_pct);
    format!("{} (target {target} %)", paint(ink::BAD, &format!("SLA MISSED by {gap}")))
}

// ---- times ------------------------------------------------------------------------------------

fn times(result: &RunResult, width: usize) -> Vec<String> {
    if result.incidents.is_empty() {
        return Vec::new();
    }
    let all = [
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
    // Where it is narrow, minutes follow from rounds, and the mean is the restricted one.
    let shown: &[usize] = if width < ROOM_FOR_TIMES { &[0, 1, 2, 5, 6] } else { &[0, 1, 2, 3, 4, 5, 6] };
    let columns: Vec<Column<'_>> = shown.iter().map(|column| all[*column]).collect();
    let rows = rows.map(|row| shown.iter().map(|column| row[*column].clone()).collect());
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
    if result.rounds == 0 {
        return lines;
    }
    let mut fact = |label: &str, text: String| lines.extend(layout::fact(label, &text, width));
    let faults = result.faults;
    fact(
        "Faults",
        format!("{} injected, {} witnessed, {} masked", faults.injected, faults.witnessed, faults.masked),
    );
    let alerts = result.alerts;
    let [opened, of_them] = [alerts.opened, alerts.false_alarms].map(|count| figure::count(count.into()));
    fact("Alerts", format!("{opened} opened, {of_them} of them false"));
    let actions = result.actions;
    let carried =
        format!("{} refused, {} failed, {} succeeded", actions.refused, actions.failed, actions.succeeded);
    fact("Actions", format!("{} requested: {carried}", actions.requested));
    for sre in &result.sres {
        fact(&sre.name, sre_line(sre));
        if let Some(missing) = lapses(sre, result.rounds) {
            fact("", missing);
        }
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

/// Rounds in which an SRE decided nothing because it did not answer as it should.
fn lapses(sre: &SreResult, rounds: u32) -> Option<String> {
    let LapseCounts { late, malformed, dead } = sre.lapses;
    let of = figure::plural(rounds, "round");
    (sre.lapses.all() > 0).then(|| {
        let missing = figure::count(sre.lapses.all().into());
        let how = figure::lapses(late.into(), malformed.into(), dead.into());
        format!("no decision in {missing} of {of}: {how}")
    })
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
    if result.lost_agents.is_empty() {
        lines.push(format!("Seed {}. To repeat this run{how}:", result.seed));
    } else {
        lines.push(format!(
            "Seed {}. Agents were lost, which no seed repeats; without that{how}:",
            result.seed
        ));
    }
    lines.push(format!("  {}", paint(ink::STRONG, &result.repeat)));
    lines
}
