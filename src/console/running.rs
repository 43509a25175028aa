//! `world ps` for people: a table for each world, of its agents or, where these are many, of their
//! types; and for those who start agents, who is missing and what to type.

use super::by_hand;
use super::figure;
use super::ink::{self, paint};
use super::kinds::by_kind;
use super::layout::{self, figures, words};
use crate::by_hand::Invitation;
use crate::ps::{self, AgentState, RunningAgent, RunningWorld};
use crate::status::Phase;
use std::path::Path;
use worlds::id::Name;

/// Up to so many agents have a line each, unless all are asked for.
const AGENTS_SHOWN: usize = 24;

/// The lines about all worlds that are running, `at` a directory if one was named; `all` for a line about each agent.
pub(crate) fn lines(worlds: &[RunningWorld], at: Option<&Path>, width: usize, all: bool) -> Vec<String> {
    if let (true, Some(directory)) = (worlds.is_empty(), at) {
        return vec![format!("No world is running in {}.", directory.display())];
    }
    if worlds.is_empty() {
        return vec![
            "No world is running.".to_owned(),
            format!(
                "{} starts one; what runs inline has no processes to list.",
                paint(ink::STRONG, "world run")
            ),
        ];
    }
    worlds.iter().map(|world| of_world(world, width, all)).collect::<Vec<_>>().join(&String::new())
}

fn of_world(world: &RunningWorld, width: usize, all: bool) -> Vec<String> {
    let Some(run) = &world.run else {
        return vec![layout::rule(&world.id, width), "  It is only starting.".to_owned()];
    };
    let facts = &run.facts;
    let mut lines = vec![layout::rule(&format!("{}: seed {}", facts.world.name, facts.seed), width)];
    let age = figure::duration(ps::seconds_since(facts.started_unix_seconds));
    let round = match facts.phase {
        Phase::Starting => format!("agents are starting, for {age}"),
        Phase::Running => {
            let (round, rounds) = (figure::count(facts.round.into()), figure::count(facts.rounds.into()));
            format!("{round} of {rounds}, for {age}")
        }
    };
    lines.extend(layout::fact("Round", &round, width));
    lines.extend(layout::fact("Director", &director(world), width));
    lines.extend(layout::fact("Directory", &world.directory.display().to_string(), width));
    lines.push(String::new());
    if all || run.agents.len() <= AGENTS_SHOWN {
        lines.extend(agents(&run.agents, width));
    } else {
        lines.extend(by_type(&run.agents, width));
        lines.extend(exceptions(&run.agents, width));
    }
    lines.extend(missing(world, &run.agents, width));
    lines
}

fn director(world: &RunningWorld) -> String {
    let pid = world.director.pid.map_or_else(|| "-".to_owned(), |pid| format!("PID {pid}"));
    let state = match world.director.state {
        AgentState::Running => String::new(),
        other => format!(", {}", paint(ink::BAD, other.word())),
    };
    format!("{pid}{state}, {} PSS", figure::memory(world.director.pss_kib))
}

fn agents<'a>(agents: impl IntoIterator<Item = &'a RunningAgent>, width: usize) -> Vec<String> {
    let columns = [words("Agent"), words("Type"), figures("PID"), words("State"), figures("PSS")];
    let row = |agent: &RunningAgent| {
        let pid = agent.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let by_hand = if agent.by_hand { ", by hand" } else { "" };
        let state = paint(of_state(agent.state), &format!("{}{by_hand}", agent.state.word()));
        vec![agent.name.clone(), agent.kind.clone(), pid, state, figure::memory(agent.pss_kib)]
    };
    layout::table(&columns, agents.into_iter().map(row), width)
}

fn by_type(agents: &[RunningAgent], width: usize) -> Vec<String> {
    let columns = [
        words("Type"),
        figures("Agents"),
        figures("Running"),
        figures("Awaited"),
        figures("Stopped"),
        figures("Lost"),
        figures("PSS"),
        figures("Largest"),
    ];
    let row = |(kind, of_kind): (&str, Vec<&RunningAgent>)| {
        let count = |states: &[AgentState]| {
            let count = of_kind.iter().filter(|agent| states.contains(&agent.state)).count();
            match (count, states) {
                (0, _) => "-".to_owned(),
                (some, [AgentState::Running]) => figure::count(some as u64),
                (some, [first, ..]) => paint(of_state(*first), &figure::count(some as u64)),
                (some, []) => figure::count(some as u64),
            }
        };
        let memory = of_kind.iter().filter_map(|agent| agent.pss_kib);
        let (total, largest) = (memory.clone().sum::<u64>(), memory.max());
        vec![
            kind.to_owned(),
            figure::count(of_kind.len() as u64),
            count(&[AgentState::Running]),
            count(&[AgentState::Awaited, AgentState::Starting, AgentState::Returning]),
            count(&[AgentState::Stopped]),
            count(&[AgentState::Lost, AgentState::Killed]),
            figure::memory(largest.map(|_| total)),
            figure::memory(largest),
        ]
    };
    layout::table(&columns, by_kind(agents, |agent| &agent.kind).into_iter().map(row), width)
}

/// Those of many agents that do not simply run, or wait for a hand.
fn exceptions(all: &[RunningAgent], width: usize) -> Vec<String> {
    let calm = [AgentState::Running, AgentState::Awaited, AgentState::Starting];
    let exceptions: Vec<_> = all.iter().filter(|agent| !calm.contains(&agent.state)).collect();
    if exceptions.is_empty() {
        return vec![String::new(), "  -v lists each agent.".to_owned()];
    }
    let mut lines = vec![String::new()];
    lines.extend(agents(exceptions.iter().copied().take(AGENTS_SHOWN), width));
    let more = exceptions.len().saturating_sub(AGENTS_SHOWN);
    let more = if more > 0 { format!("and {more} more like these; ") } else { String::new() };
    lines.push(format!("  {more}-v lists each agent."));
    lines
}

fn missing(world: &RunningWorld, agents: &[RunningAgent], width: usize) -> Vec<String> {
    let missing = agents
        .iter()
        .filter(|agent| agent.by_hand && matches!(agent.state, AgentState::Awaited | AgentState::Lost));
    let missing: Vec<Name> = missing.map(|agent| agent.name.as_str().into()).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    by_hand::waiting(&missing, &Invitation::to(&world.directory), width)
}

fn of_state(state: AgentState) -> anstyle::Style {
    match state {
        AgentState::Running => ink::PLAIN,
        AgentState::Starting | AgentState::Awaited | AgentState::Returning => ink::POOR,
        AgentState::Stopped | AgentState::Lost | AgentState::Killed => ink::BAD,
    }
}
