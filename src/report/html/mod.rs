//! `report.html`: one page that tells a run to people, with a browser and nothing else.
//!
//! Self-contained: no script, no font, no image, nothing that is fetched. What is drawn is SVG, placed in
//! percent of its box, so that it is as wide as the window while text keeps its size. It is legible in print and
//! in dark mode, and colour never says anything alone: patterns, heights or words say it, too.
//!
//! Values are put together here and in [`panels`], [`rows`] and [`tables`]; the template only writes them down, and
//! escapes whatever it writes. What there is too much of is gathered or left out, and the page says so.

pub(super) mod drill;
mod panels;
mod rows;
mod scale;
mod tables;

use super::account::{self, Account};
use super::findings;
use crate::console::figure;
use crate::result::Verdict;
use askama::Template;
use panels::Panel;
use rows::{IncidentRow, ServerRow};
use scale::Axis;
use tables::{Cell, Table};
use worlds::times::TimeStatistic;

/// The page of a run.
#[derive(Template)]
#[template(path = "html/report.html")]
struct Page<'a> {
    title: String,
    heading: &'a str,
    scenario_title: Option<&'a str>,
    /// Facts that say which run it was.
    which: Vec<String>,
    verdict: VerdictMark,
    verdict_sentence: String,
    reasons: &'a [String],
    cards: Vec<Card>,
    gates: Table,
    figure: Option<Figure<'a>>,
    tables: Vec<Table>,
    rounds: Table,
    rounds_note: Option<String>,
    repeat: &'a str,
    provenance: Vec<(&'static str, String)>,
}

/// How a verdict looks: a sign and a word, and a colour.
struct VerdictMark {
    word: String,
    sign: &'static str,
    class: &'static str,
}

/// One of the figures that matter most.
struct Card {
    label: &'static str,
    value: String,
    notes: Vec<String>,
}

/// The run over its rounds: panels and rows, all on one axis.
struct Figure<'a> {
    axis: Axis,
    note: String,
    panels: Vec<Panel>,
    incidents: Vec<IncidentRow<'a>>,
    incidents_note: Option<String>,
    servers: Vec<ServerRow<'a>>,
    servers_note: Option<String>,
}

/// The page.
pub(super) fn page(account: &Account<'_>) -> String {
    let result = account.result;
    let page = Page {
        title: format!("{}, seed {}: {}", account.name(), result.seed, result.verdict.name()),
        heading: account.name(),
        scenario_title: result.scenario.as_ref().map(|scenario| &*scenario.title),
        which: which(account),
        verdict: mark(result.verdict),
        verdict_sentence: account.verdict(),
        reasons: &result.reasons,
        cards: cards(account),
        gates: tables::gates(account),
        figure: (result.rounds > 0).then(|| figure(account)),
        tables: vec![
            tables::incidents(account),
            tables::answer(account),
            tables::times(account),
            tables::sres(account),
            tables::actions(account),
            tables::alerts(account),
        ],
        rounds: tables::rounds(account),
        rounds_note: tables::rounds_note(account),
        repeat: &result.repeat,
        provenance: provenance(account),
    };
    page.render().expect("a template is written to memory")
}

fn which(account: &Account<'_>) -> Vec<String> {
    let result = account.result;
    let rounds = figure::count(result.rounds.into());
    let rounds = match result.rounds == result.rounds_planned {
        true => figure::plural(result.rounds, "round").replace(&result.rounds.to_string(), &rounds),
        false => format!("{rounds} of {} rounds", figure::count(result.rounds_planned.into())),
    };
    let length = account.round_length().map(|length| format!(", {length} each")).unwrap_or_default();
    let world = result.scenario.as_ref().map(|_| format!("world {}", result.world.name));
    let facts = vec![
        format!("Seed {}", result.seed),
        format!("chaos {}", result.chaos_level),
        format!("{rounds}{length}"),
        figure::plural(result.servers.len() as u32, "server"),
        format!("on call: {}", result.sres.iter().map(account::sre).collect::<Vec<_>>().join(", ")),
    ];
    world.into_iter().chain(facts).chain(account.warm_up()).collect()
}

fn mark(verdict: Verdict) -> VerdictMark {
    let (sign, class) = match verdict {
        Verdict::Ok => ("✓", "good"),
        Verdict::Inconclusive | Verdict::Interrupted => ("!", "poor"),
        Verdict::GateFailed | Verdict::Invalid => ("✗", "bad"),
    };
    VerdictMark { word: verdict.name().replace('_', " "), sign, class }
}

/// Whether what is drawn so is a line, and no area.
fn is_line(class: impl AsRef<str>) -> bool {
    matches!(class.as_ref(), "slowest" | "middle" | "spent")
}

// ---- the figures that matter most -------------------------------------------------------------

fn cards(account: &Account<'_>) -> Vec<Card> {
    if account.result.rounds == 0 {
        return Vec::new();
    }
    vec![
        availability(account),
        budget(account),
        score(account),
        incidents(account),
        times(account),
        actions(account),
    ]
}

fn availability(account: &Account<'_>) -> Card {
    let availability = account.result.availability_pct.map_or_else(|| "-".to_owned(), figure::percent);
    Card { label: "Availability", value: availability, notes: vec![account.promise(), account.served()] }
}

fn budget(account: &Account<'_>) -> Card {
    let sla = &account.result.sla;
    let spent = figure::count(sla.budget_spent_requests);
    let Some(rate) = sla.burn_rate else {
        let notes = vec!["the promise leaves none".to_owned(), format!("{spent} requests failed")];
        return Card { label: "Error budget", value: "none".to_owned(), notes };
    };
    let spent = format!("{spent} of {:.1} requests", sla.budget_requests);
    let used_up = account.budget_used_up();
    let when = used_up.map(|stretch| findings::rounds(stretch.first_round, stretch.rounds));
    let notes = [Some(spent), when.map(|when| format!("used up in {when}"))];
    let value =
        if rate < 10.0 { format!("{:.0} % spent", rate * 100.0) } else { format!("{rate:.0} times spent") };
    Card { label: "Error budget", value, notes: notes.into_iter().flatten().collect() }
}

fn score(account: &Account<'_>) -> Card {
    let value = account.result.score.map_or_else(|| "none".to_owned(), |score| format!("{score:.1}"));
    let notes = match &account.result.references {
        None => vec!["nothing to compare with".to_owned()],
        Some(references) => vec![
            format!("0 is nobody acting: {}", figure::percent(references.none.availability_pct)),
            format!("100 is the oracle: {}", figure::percent(references.oracle.availability_pct)),
        ],
    };
    Card { label: "Score", value, notes }
}

fn incidents(account: &Account<'_>) -> Card {
    let result = account.result;
    let faults = result.faults;
    let masked = match faults.masked {
        0 => String::new(),
        masked => format!(", {masked} hidden by others"),
    };
    let notes = vec![account.endings(), format!("of {}{masked}", figure::plural(faults.injected, "fault"))];
    Card { label: "Incidents", value: figure::count(result.incidents.len() as u64), notes }
}

fn times(account: &Account<'_>) -> Card {
    let result = account.result;
    let told = |name: &str, time: &TimeStatistic| {
        time.restricted_mean_rounds.map(|mean| format!("{mean:.2} to {name}"))
    };
    let value = result.mttr.restricted_mean_rounds;
    let value = value.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.2} rounds"));
    let notes = [told("detect", &result.mttd), told("mitigate", &result.mttm)];
    Card { label: "Time to resolve", value, notes: notes.into_iter().flatten().collect() }
}

fn actions(account: &Account<'_>) -> Card {
    let actions = account.result.actions;
    let acted = actions.succeeded + actions.failed;
    let unneeded: u32 = account.result.sres.iter().map(|sre| sre.unneeded_actions).sum();
    let harm: u64 = account.result.sres.iter().map(|sre| sre.harm_requests).sum();
    let notes = vec![
        format!("{} succeeded, {} unneeded", actions.succeeded, unneeded),
        format!("{} requests harmed", figure::count(harm)),
    ];
    Card { label: "Actions carried out", value: figure::count(acted.into()), notes }
}

// ---- over the rounds --------------------------------------------------------------------------

fn figure<'a>(account: &Account<'a>) -> Figure<'a> {
    let stretches = &account.chronicle.stretches;
    let axis = Axis::of(stretches.rounds());
    let length = account.round_length().map(|length| format!("A round is {length}. ")).unwrap_or_default();
    let note = match stretches.length() {
        1 => format!("{length}Each column is a round."),
        length_of_stretch => format!("{length}Each column is {length_of_stretch} rounds."),
    };
    Figure {
        note,
        panels: panels::panels(account, &axis),
        incidents: rows::incidents(account, &axis),
        incidents_note: rows::incidents_note(account),
        servers: rows::servers(account, &axis),
        servers_note: rows::servers_note(account),
        axis,
    }
}

fn provenance(account: &Account<'_>) -> Vec<(&'static str, String)> {
    let result = account.result;
    vec![
        ("Journal", result.journal_hash.clone()),
        ("World", result.world.hash.clone()),
        ("Mode", result.mode.name().to_owned()),
        ("Made by", format!("world {} ({})", result.build.version, result.build.commit)),
    ]
}
