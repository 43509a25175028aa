//! Scenarios as people read them: the library, a page about one, and what was proved of it.

use super::figure;
use super::ink::{self, paint};
use super::layout::{self, figures, words};
use super::opening::sre;
use crate::prove::{Claim, Difficulty, Proof};
use crate::scenarios_command::measured;
use std::collections::BTreeMap;
use worlds::id::AgentId;
use worlds::plan::{ScriptedFault, Target};
use worlds::scenario::{Answer, Draft, Scenario, library};

/// Those whose share is told, the least skilled first.
const SKILLS: [&str; 4] = ["junior", "mid", "senior", "oracle"];

/// From this width on there is room for the shares of all of them.
const ROOM_FOR_ALL: usize = 100;

/// The library, a scenario a line: what reference SREs avoid of the harm says how hard each is.
pub(crate) fn catalogue(width: usize) -> Vec<String> {
    let all = [
        words("Scenario"),
        words("World"),
        figures("Junior"),
        figures("Mid"),
        figures("Senior"),
        figures("Oracle"),
        words("What it is"),
    ];
    let shown: &[usize] = if width < ROOM_FOR_ALL { &[0, 2, 4, 6] } else { &[0, 1, 2, 3, 4, 5, 6] };
    let columns: Vec<_> = shown.iter().map(|column| all[*column]).collect();
    let rows = library::ALL.iter().filter_map(row);
    let rows = rows.map(|row| shown.iter().map(|column| row[*column].clone()).collect());
    let mut lines = layout::table(&columns, rows, width);
    lines.push(String::new());
    let note = "How hard: the share of the harm that a junior, a mid, a senior and the oracle avoid.";
    lines.extend(layout::wrapped(note, width.saturating_sub(2)).into_iter().map(|line| format!("  {line}")));
    lines
}

/// A scenario of the library that did not load would be refused where it is asked for, and by a test.
fn row(builtin: &library::Builtin) -> Option<Vec<String>> {
    let draft = Draft::read(builtin.name, builtin.name, builtin.text).ok()?;
    let (world, title) = (draft.file().world.clone(), draft.file().title.clone());
    let [junior, mid, senior, oracle] = SKILLS.map(|skill| share_of(builtin.name, skill));
    Some(vec![builtin.name.to_owned(), world, junior, mid, senior, oracle, title])
}

fn share_of(name: &str, skill: &str) -> String {
    let share = measured(name).and_then(|of| of.get(skill)).and_then(|difficulty| difficulty.share);
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}

// ---- a page about one -------------------------------------------------------------------------

/// What a scenario is. `typed` is how the user named it.
pub(crate) fn page(scenario: &Scenario, typed: &str, answers: bool, width: usize) -> Vec<String> {
    let mut lines = vec![layout::rule(&scenario.name, width)];
    lines.extend(
        layout::wrapped(&scenario.title, width.saturating_sub(4)).iter().map(|line| format!("  {line}")),
    );
    lines.push(String::new());
    let mut fact = |label, text: String| lines.extend(layout::fact(label, &text, width));
    fact("World", format!("{}, {} servers", scenario.world.name, scenario.world.servers.len()));
    let rounds = figure::plural(scenario.rounds, "round");
    fact("Rounds", format!("{rounds}, the first {} without anything", scenario.drill.warm_up));
    fact("Seeds", seeds(scenario.seeds()));
    fact("Chaos level", scenario.level.name().to_owned());
    fact("On call", scenario.sres.iter().map(sre).collect::<Vec<_>>().join(", "));
    fact("SLA", format!("{} %", scenario.world.definition.sla_target));
    for gate in &scenario.fail_on {
        fact("Fails if", gate.clone());
    }
    let stop = scenario.drill.stop;
    if let Some(limit) = stop.budget_spent_pct {
        fact("Stops at", format!("{limit} % of the error budget spent"));
    }
    if let Some(limit) = stop.blast_radius_pct {
        fact("Stops at", format!("{limit} % of the servers with a critical alert"));
    }
    if !scenario.tags.is_empty() {
        fact("Tags", scenario.tags.join(", "));
    }
    if let Some(of) = measured(&scenario.name).filter(|_| library::find(typed).is_some()) {
        fact("Difficulty", avoided(of));
    }
    for source in &scenario.sources {
        fact("Source", format!("{}, {}", source.title, source.url));
    }
    lines.push(String::new());
    if answers {
        lines.extend(told(scenario, width));
    } else {
        lines.push(format!("What will come, and the answer key: world scenarios show {typed} --answers"));
    }
    lines.push(format!("The file itself: world scenarios show {typed} --toml"));
    lines
}

fn seeds(seeds: &[u64]) -> String {
    match seeds {
        [only] => only.to_string(),
        [first, .., last] => format!("{}, from {first} to {last}", figure::count(seeds.len() as u64)),
        [] => "none".to_owned(),
    }
}

/// What happens, and what should be done about it.
fn told(scenario: &Scenario, width: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        layout::wrapped(&scenario.summary.trim().replace('\n', " "), width.saturating_sub(4))
            .iter()
            .map(|line| format!("  {line}"))
            .collect();
    lines.push(String::new());
    lines.extend(timeline(scenario, width));
    if let Some(answer) = &scenario.answer {
        lines.push(String::new());
        lines.extend(key(scenario, answer, width));
    }
    lines.push(String::new());
    lines
}

fn timeline(scenario: &Scenario, width: usize) -> Vec<String> {
    let columns = [figures("Round"), words("What comes"), words("Where"), words("Sort")];
    let row = |fault: &ScriptedFault, sort: &str| {
        let kind = scenario.world.definition.chaos[fault.kind.index()].name.clone();
        vec![fault.round.to_string(), kind, target(scenario, fault.target), sort.to_owned()]
    };
    let faults = scenario.faults.iter().map(|fault| (fault, "fault"));
    let noise = scenario.noise.iter().map(|fault| (fault, "noise"));
    let mut all: Vec<_> = faults.chain(noise).collect();
    all.sort_by_key(|(fault, _)| fault.round);
    if all.is_empty() {
        return vec!["  Nothing is scripted.".to_owned()];
    }
    layout::table(&columns, all.into_iter().map(|(fault, sort)| row(fault, sort)), width)
}

fn target(scenario: &Scenario, target: Target) -> String {
    match target {
        Target::Agent(AgentId::Server(server)) => scenario.world.servers[server.index()].name.to_string(),
        Target::Agent(AgentId::Sre(sre)) => scenario.sres[sre.index()].name.to_string(),
        Target::Group(group) => scenario.world.groups[group.index()].typed(),
    }
}

fn key(scenario: &Scenario, answer: &Answer, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fact = |label, text: String| lines.extend(layout::fact(label, &text, width));
    let action = |actions: &[worlds::id::ActionId]| {
        let name =
            |action: &worlds::id::ActionId| scenario.world.catalogue.actions[action.index()].to_string();
        actions.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    for cause in &answer.root_causes {
        let kind = &scenario.world.definition.chaos[cause.kind.index()].name;
        fact("Root cause", format!("{kind} on {}", cause.written));
    }
    if answer.root_causes.is_empty() {
        fact("Root cause", "none: nothing is wrong".to_owned());
    }
    if !answer.remedies.is_empty() {
        fact("Remedies", action(&answer.remedies));
    }
    if !answer.traps.is_empty() {
        fact("Traps", action(&answer.traps));
    }
    fact("Why", answer.explanation.trim().replace('\n', " "));
    lines
}

// ---- proofs -----------------------------------------------------------------------------------

/// What was shown of one scenario.
pub(crate) fn proof(proof: &Proof, width: usize) -> Vec<String> {
    let seeds = figure::plural(proof.seeds, "seed");
    let mut lines = vec![layout::rule(&format!("{}, {seeds}", proof.scenario), width)];
    for Claim { claim, holds, seen } in &proof.claims {
        let mark = if *holds { paint(ink::GOOD, "holds") } else { paint(ink::BAD, "FAILS") };
        lines.push(format!("  {mark}  {claim}"));
        lines.extend(
            layout::wrapped(seen, width.saturating_sub(9)).into_iter().map(|line| format!("         {line}")),
        );
    }
    if let Some(of) = &proof.difficulty {
        lines.extend(layout::fact("Difficulty", &avoided(of), width));
    }
    lines
}

fn avoided(of: &BTreeMap<String, Difficulty>) -> String {
    let told = |skill: &str| {
        let Difficulty { share, low, high } = of.get(skill)?;
        let pct = |share: f64| format!("{:.0}", 100.0 * share);
        let around = low.zip(*high).map(|(low, high)| format!(" ({} to {})", pct(low), pct(high)));
        Some(format!("{skill} {} %{}", pct((*share)?), around.unwrap_or_default()))
    };
    let told: Vec<_> = SKILLS.into_iter().filter_map(told).collect();
    format!("share of the harm that is avoided: {}", told.join(", "))
}

/// How many hold.
pub(crate) fn proofs(proofs: &[Proof], width: usize) -> Vec<String> {
    let failed: Vec<&str> =
        proofs.iter().filter(|proof| !proof.holds()).map(|proof| proof.scenario.as_str()).collect();
    let proved = proofs.len() - failed.len();
    let mut told = format!("{proved} of {} scenarios proved", proofs.len());
    if !failed.is_empty() {
        told += &format!("; not: {}", failed.join(", "));
    }
    let mut lines = vec![String::new()];
    lines.extend(layout::wrapped(&told, width));
    lines
}
