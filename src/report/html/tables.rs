//! Figures in tables: what the drawings show, and what they cannot.

use super::rows;
use crate::answer::RootCauseResult;
use crate::console::{self, figure};
use crate::report::account::{Account, Case};
use crate::report::chronicle::{Page, Sort};
use crate::report::moment;
use std::cmp::Reverse;
use worlds::outcome::Incident;
use worlds::times::TimeStatistic;

/// Alerts that are told, by server and metric: of more, those that were open longest.
const ALERTS_MAX: usize = 30;

/// A table with a heading.
#[derive(Debug)]
pub(super) struct Table {
    pub id: &'static str,
    pub title: &'static str,
    /// What is to be known before it is read.
    pub note: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column's title, and whether figures stand in it.
#[derive(Debug)]
pub(super) struct Column {
    pub title: &'static str,
    pub figures: bool,
}

/// What stands in a cell.
#[derive(Debug)]
pub(super) enum Cell {
    Text(String),
    /// What a row is about.
    Head(String),
    Strong(String),
    /// What a row is about, with the address of more about it.
    Link(String, String),
    /// Several things, each with a word that says of what sort it is.
    List(Vec<(&'static str, String)>),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

pub(super) fn words(title: &'static str) -> Column {
    Column { title, figures: false }
}

pub(super) fn figures(title: &'static str) -> Column {
    Column { title, figures: true }
}

pub(super) fn count(count: u32) -> Cell {
    figure::count(count.into()).into()
}

fn round(round: Option<u32>) -> Cell {
    round.map_or_else(|| "-".to_owned(), |round| figure::count(round.into())).into()
}

// ---- gates ------------------------------------------------------------------------------------

pub(super) fn gates(account: &Account<'_>) -> Table {
    let rows = account.result.gates.iter().map(|gate| {
        let held = match gate.held {
            Some(true) => Cell::Text("✓ held".to_owned()),
            Some(false) => Cell::Strong("✗ failed".to_owned()),
            None => Cell::Strong("! undecided".to_owned()),
        };
        let value = gate.value.map_or_else(|| "null".to_owned(), figure::plain);
        vec![Cell::Head(gate.expr.clone()), value.into(), held]
    });
    Table {
        id: "gates",
        title: "Gates",
        note: None,
        columns: vec![words("The run fails if"), figures("It is"), words("Gate")],
        rows: rows.collect(),
    }
}

// ---- incidents --------------------------------------------------------------------------------

pub(super) fn incidents(account: &Account<'_>) -> Table {
    let row = |case: &Case<'_>| {
        let Incident {
            id,
            kind,
            target,
            onset_round,
            detected_round,
            acknowledged_round,
            diagnosed_round,
            first_action_round,
            mitigated_round,
            hurt_users,
            resolved_round,
            ..
        } = case.incident;
        let mitigated = if *hurt_users { round(*mitigated_round) } else { "not hurt".to_owned().into() };
        let service = case.life.and_then(|life| life.service.as_ref());
        let service = service.map(|service| format!(" ({service})")).unwrap_or_default();
        vec![
            Cell::Text(id.to_string()),
            Cell::Head(kind.to_string()),
            format!("{target}{service}").into(),
            round(Some(*onset_round)),
            round(*detected_round),
            round(*acknowledged_round),
            round(*diagnosed_round),
            round(*first_action_round),
            mitigated,
            round(*resolved_round),
            how(case).into(),
            figure::count(case.failed_requests()).into(),
        ]
    };
    Table {
        id: "incidents",
        title: "Incidents",
        note: rows::incidents_note(account),
        columns: vec![
            figures("#"),
            words("Fault"),
            words("Target"),
            figures("Onset"),
            figures("Det."),
            figures("Ack."),
            figures("Diag."),
            figures("Action"),
            figures("Mitig."),
            figures("Res."),
            words("How"),
            figures("Failed"),
        ],
        rows: account.cases(rows::INCIDENTS_MAX).iter().map(row).collect(),
    }
}

fn how(case: &Case<'_>) -> &'static str {
    match case.incident.resolution {
        worlds::outcome::Resolution::Remedied => "remedied",
        worlds::outcome::Resolution::Expired => "expired",
        worlds::outcome::Resolution::Open => "open",
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

// ---- times ------------------------------------------------------------------------------------

pub(super) fn times(account: &Account<'_>) -> Table {
    let result = account.result;
    let row = |name: &str, time: &TimeStatistic| {
        vec![
            Cell::Head(name.to_owned()),
            count(time.n),
            count(time.censored),
            figure::or_dash(time.mean_rounds, 2).into(),
            figure::or_dash(time.mean_minutes, 2).into(),
            figure::or_dash(time.restricted_mean_rounds, 2).into(),
            figure::or_dash(time.median_rounds.map(f64::from), 0).into(),
        ]
    };
    let rows = [
        ("detect (MTTD)", &result.mttd),
        ("acknowledge (MTTA)", &result.mtta),
        ("mitigate (MTTM)", &result.mttm),
        ("resolve (MTTR)", &result.mttr),
    ];
    let any = rows.iter().any(|(_, time)| time.n > 0);
    Table {
        id: "times",
        title: "Times",
        note: Some(
            "Rounds from onset. Censored are those that never came so far while they could; the restricted mean \
             counts them for as long as they were seen."
                .to_owned(),
        ),
        columns: vec![
            words("Time to"),
            figures("Incidents"),
            figures("Censored"),
            figures("Mean"),
            figures("Minutes"),
            figures("Restricted"),
            figures("Median"),
        ],
        rows: if any { rows.map(|(name, time)| row(name, time)).into() } else { Vec::new() },
    }
}

// ---- on call ----------------------------------------------------------------------------------

pub(super) fn sres(account: &Account<'_>) -> Table {
    let rows = account.result.sres.iter().map(|sre| {
        let told = sre.diagnosis;
        vec![
            Cell::Head(sre.name.clone()),
            console::kind_and_skill(sre.kind, sre.skill).into(),
            count(told.claims),
            count(told.right_entity),
            count(told.right_kind),
            count(sre.unneeded_actions),
            figure::count(sre.harm_requests).into(),
        ]
    });
    Table {
        id: "sres",
        title: "On call",
        note: account.lapses().map(|lapses| format!("Decisions that were missing: {lapses}.")),
        columns: vec![
            words("SRE"),
            words("Kind"),
            figures("Diagnoses"),
            figures("Right server"),
            figures("Right cause"),
            figures("Unneeded actions"),
            figures("Requests harmed"),
        ],
        rows: rows.collect(),
    }
}

pub(super) fn actions(account: &Account<'_>) -> Table {
    let several = account.result.sres.len() > 1;
    let rows = account.chronicle.acts.tallies().iter().map(|((sre, action), tally)| {
        let name = if several { format!("{sre}: {action}") } else { action.to_string() };
        vec![
            Cell::Head(name),
            count(tally.asked),
            count(tally.refused),
            count(tally.succeeded),
            count(tally.unlucky),
            count(tally.unreachable),
            count(tally.on_healthy),
        ]
    });
    let refusals = account.chronicle.acts.refusals();
    let refusals: Vec<_> = refusals.iter().map(|(why, times)| format!("{why} ({times})")).collect();
    Table {
        id: "actions",
        title: "Actions",
        note: (!refusals.is_empty()).then(|| format!("Refused because: {}.", refusals.join(", "))),
        columns: vec![
            words("Action"),
            figures("Asked"),
            figures("Refused"),
            figures("Succeeded"),
            figures("Failed"),
            figures("Out of reach"),
            figures("On a sound server"),
        ],
        rows: rows.collect(),
    }
}

// ---- the answer key ---------------------------------------------------------------------------

/// What a scenario says was wrong, and who found it; no rows for a run without a key.
pub(super) fn answer(account: &Account<'_>) -> Table {
    let causes = account.result.answer.iter().flat_map(|answer| &answer.root_causes);
    let row = |cause: &RootCauseResult| {
        let named = cause.named_round.map_or_else(|| "never".to_owned(), |round| figure::count(round.into()));
        vec![
            Cell::Head(cause.kind.clone()),
            cause.target.clone().into(),
            count(cause.onset_round),
            named.into(),
        ]
    };
    Table {
        id: "answer",
        title: "Answer key",
        note: Some("What was wrong, as the scenario says, and when a diagnosis named it.".to_owned()),
        columns: vec![words("Fault"), words("Target"), figures("Onset"), figures("Named in round")],
        rows: causes.map(row).collect(),
    }
}

// ---- alerts -----------------------------------------------------------------------------------

pub(super) fn alerts(account: &Account<'_>) -> Table {
    let tallies = account.chronicle.alerts.tallies(account.result.rounds);
    let all = tallies.len();
    let mut tallies: Vec<_> = tallies.into_iter().collect();
    tallies.sort_by_key(|(_, tally)| (Reverse(tally.rounds_open), tally.first_round));
    tallies.truncate(ALERTS_MAX);
    let note = (tallies.len() < all).then(|| {
        let [told, all] = [tallies.len(), all].map(|count| figure::count(count as u64));
        format!("The {told} of {all} that were open longest.")
    });
    let rows = tallies.into_iter().map(|((server, metric), tally)| {
        vec![
            Cell::Head(server.to_string()),
            metric.name().into(),
            count(tally.opened),
            count(tally.critical),
            count(tally.acknowledged),
            count(tally.first_round),
            count(tally.rounds_open),
        ]
    });
    Table {
        id: "alerts",
        title: "Alerts",
        note,
        columns: vec![
            words("Server"),
            words("Metric"),
            figures("Opened"),
            figures("Critical"),
            figures("Acknowledged"),
            figures("First in round"),
            figures("Rounds open"),
        ],
        rows: rows.collect(),
    }
}

// ---- round by round ---------------------------------------------------------------------------

pub(super) fn rounds(account: &Account<'_>) -> Table {
    let pages = account.chronicle.pages.in_order();
    let row = |page: &&Page| {
        vec![
            Cell::Head(figure::count(page.round.into())),
            account.clock(page.round).into(),
            figure::percent(page.requests.availability_pct()).into(),
            Cell::List(happened(page)),
        ]
    };
    Table {
        id: "rounds",
        title: "Round by round",
        note: None,
        columns: vec![figures("Round"), figures("Time"), figures("Served"), words("What happened")],
        rows: pages.iter().map(row).collect(),
    }
}

fn happened(page: &Page) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    for sort in Sort::ALL {
        let of_sort = page.moments.iter().filter(|moment| moment.sort() == sort);
        told.extend(of_sort.map(|moment| (moment::tag(moment), moment::text(moment))));
        let left_out = page.left_out(sort);
        if left_out > 0 {
            told.push(("", format!("and {} more {}", figure::count(left_out.into()), sort.plural())));
        }
    }
    told
}

/// What is to be said where some rounds are not told.
pub(super) fn rounds_note(account: &Account<'_>) -> Option<String> {
    let pages = &account.chronicle.pages;
    let told = pages.in_order().len();
    match pages.left_out() {
        0 if told < account.result.rounds as usize => {
            Some("In the rounds that are left out nothing happened.".to_owned())
        }
        0 => None,
        _ => Some(format!("The {told} rounds in which most requests failed; journal.jsonl has all of them.")),
    }
}
