//! `postmortem.md`: what happened, why, and what to do about it, in the shape that such papers have in the field.
//!
//! All of it is fact, or follows from facts by the rules of [`super::findings`]. It names nobody but the SREs of
//! the run, and a section that has nothing to say is not there. Unlike the SRE, it knows the faults.

use super::account::{self, Account, Case};
use super::chronicle::{Moment, Page as Round};
use super::findings::{self, Findings};
use super::markdown::{Page, code, text};
use super::moment;
use crate::console::figure;
use std::fmt::Write as _;
use worlds::outcome::Resolution;
use worlds::times::TimeStatistic;

/// Incidents that are looked at one by one: of more, the worst.
const INCIDENTS_MAX: usize = 40;

/// Rounds of the timeline: of more, the worst.
const ROUNDS_MAX: usize = 40;

/// The paper.
pub(super) fn document(account: &Account<'_>) -> String {
    let mut page = Page::default();
    let result = account.result;
    page.line(&format!(
        "# Post-mortem: {}, seed {}, chaos {}",
        code(account.name()),
        result.seed,
        text(&result.chaos_level)
    ));
    if let Some(scenario) = &result.scenario {
        page.line(&text(&scenario.title));
    }
    let cases = account.cases(INCIDENTS_MAX);
    let findings = Findings::of(account, INCIDENTS_MAX);
    summary(account, &mut page);
    impact(account, &mut page);
    timeline(account, &mut page);
    root_causes(account, &cases, &mut page);
    detection(account, &cases, &mut page);
    response(account, &mut page);
    section("What went well", &findings.well, &mut page);
    section("What went badly", &findings.badly, &mut page);
    section("Where luck was", &findings.luck, &mut page);
    action_items(&findings, &mut page);
    page.line("## The run");
    page.line("To repeat it:");
    page.fenced(&result.repeat);
    page.line(&format!(
        "Journal {}, world {}, `world` {} ({}).",
        code(&result.journal_hash),
        code(&result.world.hash),
        text(&result.build.version),
        text(&result.build.commit)
    ));
    page.text
}

fn section(title: &str, sentences: &[String], page: &mut Page) {
    if !sentences.is_empty() {
        page.line(&format!("## {title}"));
        page.list(sentences.iter().map(|sentence| text(sentence)));
    }
}

fn summary(account: &Account<'_>, page: &mut Page) {
    let result = account.result;
    page.line("## Summary");
    let mut said = text(&account.verdict());
    if result.rounds > 0 {
        let faults = figure::plural(result.faults.injected, "fault");
        let sres: Vec<_> = result.sres.iter().map(account::sre).collect();
        let _ = write!(
            said,
            " In {} ({} of simulated time) {} hit {}, with {} on call. {}",
            figure::plural(result.rounds, "round"),
            account.simulated(),
            faults,
            code(&result.world.name),
            text(&sres.join(", ")),
            text(&became(account))
        );
    }
    page.line(&said);
    page.list(result.reasons.iter().map(|reason| text(reason)));
}

fn became(account: &Account<'_>) -> String {
    let all = account.result.incidents.len();
    match all {
        0 => "None of them became an incident.".to_owned(),
        1 => format!("One became an incident ({}).", account.endings()),
        all => format!("{} became incidents ({}).", figure::count(all as u64), account.endings()),
    }
}

fn impact(account: &Account<'_>, page: &mut Page) {
    let result = account.result;
    let Some(availability) = result.availability_pct else { return };
    page.line("## Impact");
    let failed = figure::count(result.sla.budget_spent_requests);
    let mut facts = vec![format!(
        "Users: {failed} of {} requests failed; {} were served. {}.",
        figure::count(result.requests.total),
        figure::percent(availability),
        account.promise()
    )];
    if let Some(page) = account.worst_round() {
        let share = figure::percent(page.requests.availability_pct());
        facts.push(format!(
            "Worst round: {}, in which {share} were served.",
            figure::count(page.round.into())
        ));
    }
    let used_up = account.budget_used_up().filter(|_| result.sla.burn_rate.is_some());
    let when = used_up.map(|stretch| findings::rounds(stretch.first_round, stretch.rounds));
    let when = when.map(|when| format!("; it was used up in {when}")).unwrap_or_default();
    facts.push(format!("Error budget: {}{when}.", account.budget()));
    if let Some(references) = account.references() {
        facts.push(format!("In comparison, on the same faults: {references}."));
    }
    page.list(facts.iter().map(|fact| text(fact)));
}

// ---- what happened ----------------------------------------------------------------------------

fn timeline(account: &Account<'_>, page: &mut Page) {
    let pages = &account.chronicle.pages;
    let mut rounds: Vec<_> = pages.in_order().into_iter().filter(|round| tells_something(round)).collect();
    if rounds.is_empty() {
        return;
    }
    page.line("## Timeline");
    let is_cut = rounds.len() > ROUNDS_MAX || pages.left_out() > 0;
    rounds.sort_by_key(|round| std::cmp::Reverse(round.requests.total - round.requests.good));
    rounds.truncate(ROUNDS_MAX);
    rounds.sort_by_key(|round| round.round);
    if is_cut {
        let count = figure::plural(rounds.len() as u32, "round");
        page.line(&format!("The {count} in which most requests failed; `journal.jsonl` has all of them."));
    }
    page.list(rounds.into_iter().map(|round| entry(account, round)));
}

/// Alerts are for the section about detection.
fn is_told(moment: &Moment) -> bool {
    !matches!(moment, Moment::Alert { .. } | Moment::Asked { .. })
}

fn tells_something(round: &Round) -> bool {
    round.moments.iter().any(is_told)
}

fn entry(account: &Account<'_>, round: &Round) -> String {
    let share = figure::percent(round.requests.availability_pct());
    let number = figure::count(round.round.into());
    let mut entry = format!("**Round {number}** ({}, {share} served)", account.clock(round.round));
    for moment in round.moments.iter().filter(|moment| is_told(moment)) {
        let _ = write!(entry, "\n  - {}: {}", moment::tag(moment), text(&moment::text(moment)));
    }
    entry
}

fn root_causes(account: &Account<'_>, cases: &[Case<'_>], page: &mut Page) {
    let result = account.result;
    if result.faults.injected == 0 {
        return;
    }
    page.line("## Root causes");
    page.line("The faults, which only this paper knows: whoever was on call saw telemetry and alerts.");
    let all = result.incidents.len();
    if cases.len() < all {
        let kinds = account.chronicle.faults.by_kind().iter();
        page.list(kinds.map(|(kind, count)| format!("{}: {}", text(kind), figure::count((*count).into()))));
        let told = figure::count(cases.len() as u64);
        page.line(&format!(
            "The {told} of {} in whose time most requests failed:",
            figure::count(all as u64)
        ));
    }
    page.table(
        &["#", "Fault", "Target", "Rounds", "Requests that failed meanwhile"],
        &cases.iter().map(fault).collect::<Vec<_>>(),
    );
    page.list(account.chronicle.faults.volleys().iter().map(|volley| {
        let servers = figure::plural(volley.targets as u32, "server");
        let group = volley.group.as_ref();
        let group = group.map(|(by, name)| format!(" of {} {name}", by.name())).unwrap_or_default();
        let round = figure::count(volley.round.into());
        text(&format!("In round {round} {} hit {servers}{group} together.", volley.kind))
    }));
    others(account, page);
}

fn fault(case: &Case<'_>) -> Vec<String> {
    let it = case.incident;
    let service = case.life.and_then(|life| life.service.as_ref());
    let service = service.map(|service| format!(" ({service})")).unwrap_or_default();
    let rounds = match it.resolved_round {
        Some(resolved) => findings::rounds(it.onset_round, (resolved - it.onset_round).max(1)),
        None => format!("round {} to the end", figure::count(it.onset_round.into())),
    };
    let failed = case.life.map_or_else(|| "-".to_owned(), |life| figure::count(life.failed_requests));
    vec![it.id.to_string(), text(&it.kind), text(&format!("{}{service}", it.target)), rounds, failed]
}

/// Faults that are no incidents: those that nobody could see in telemetry.
fn others(account: &Account<'_>, page: &mut Page) {
    let kept = account.chronicle.faults.kept();
    let incidents = &account.result.incidents;
    let is_incident = |id: u32| incidents.binary_search_by_key(&id, |incident| incident.id).is_ok();
    let others = kept.values().filter(|life| !is_incident(life.id)).take(INCIDENTS_MAX);
    page.list(others.map(|life| {
        let why =
            if life.witnessed { "telemetry could not show it" } else { "another fault hid it throughout" };
        let round = figure::count(life.onset_round.into());
        text(&format!("No incident: {} on {} in round {round}; {why}.", life.kind, life.target))
    }));
}

// ---- what was done about it -------------------------------------------------------------------

fn detection(account: &Account<'_>, cases: &[Case<'_>], page: &mut Page) {
    let result = account.result;
    if result.incidents.is_empty() && result.alerts.opened == 0 {
        return;
    }
    page.line("## Detection");
    let mut facts = Vec::new();
    facts.extend(time("Time to detect", &result.mttd));
    let (opened, of_them) = (result.alerts.opened, result.alerts.false_alarms);
    if opened > 0 {
        let opened = figure::count(opened.into());
        facts.push(format!(
            "{opened} alerts opened, {} of them without a fault.",
            figure::count(of_them.into())
        ));
    }
    let first: Vec<_> = cases
        .iter()
        .filter_map(|case| Some((case, case.incident.detected_round? - case.incident.onset_round)))
        .filter(|(_, delay)| *delay > 0)
        .map(|(case, delay)| format!("#{} after {}", case.incident.id, figure::plural(delay, "round")))
        .collect();
    if !first.is_empty() {
        facts.push(format!("Later than in the round of onset: {}.", first.join(", ")));
    }
    page.list(facts.iter().map(|fact| text(fact)));
}

/// `Time to detect: 0.00 rounds in the mean (0.00 min), of 12 incidents; 2 never were.`
fn time(name: &str, time: &TimeStatistic) -> Option<String> {
    let mean = time.restricted_mean_rounds?;
    let incidents = figure::plural(time.n, "incident");
    let censored = match time.censored {
        0 => String::new(),
        1 => "; one never came so far".to_owned(),
        censored => format!("; {censored} never came so far"),
    };
    Some(format!("{name}: {mean:.2} rounds (restricted mean of {incidents}{censored})."))
}

fn response(account: &Account<'_>, page: &mut Page) {
    let result = account.result;
    if result.incidents.is_empty() && result.actions.requested == 0 {
        return;
    }
    page.line("## Response");
    let mut facts = Vec::new();
    facts.extend(time("Time to acknowledge", &result.mtta));
    facts.extend(time("Time to mitigate, of incidents that hurt users", &result.mttm));
    facts.extend(time("Time to resolve", &result.mttr));
    facts.extend(account.lapses().map(|lapses| format!("Decisions that were missing: {lapses}.")));
    facts.extend(account.answer().map(|answer| format!("Answer key: {answer}.")));
    if result.actions.requested > 0 {
        facts.push(format!("Actions: {}.", account.actions()));
    }
    for sre in &result.sres {
        let told = sre.diagnosis;
        facts.push(format!(
            "{}: {} diagnoses, {} with the right server, {} with the right cause; {} unneeded actions, {} requests \
             harmed.",
            account::sre(sre),
            told.claims,
            told.right_entity,
            told.right_kind,
            sre.unneeded_actions,
            figure::count(sre.harm_requests)
        ));
    }
    let open = account.resolved(Resolution::Open);
    if open > 0 {
        facts.push(format!("{} open when the run ended.", was(open, "incident")));
    }
    page.list(facts.iter().map(|fact| text(fact)));
}

fn was(count: usize, noun: &str) -> String {
    format!("{} {}", figure::plural(count as u32, noun), if count == 1 { "was" } else { "were" })
}

fn action_items(findings: &Findings, page: &mut Page) {
    if findings.items.is_empty() {
        return;
    }
    page.line("## Action items");
    let rows: Vec<_> = findings.items.iter().map(|item| vec![text(&item.what), text(&item.why)]).collect();
    page.table(&["What", "Because"], &rows);
}
