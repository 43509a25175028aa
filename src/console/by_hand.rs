//! What is told of agents that people start by hand: whom a run waits for, with the commands to
//! type, who is there, who left, and how to come back.

use super::ink::{self, paint};
use super::layout;
use super::story::{TAG, tagged, tagged_lines};
use crate::by_hand::Invitation;
use crate::director::supervision::in_a_row;
use crate::event::Agent;
use worlds::id::Name;

/// What agents are, in the order in which they are told.
const ROLES: [&str; 2] = ["server", "sre"];

/// Up to so many commands are written out; more are put together into one.
const COMMANDS_MAX: usize = 12;

/// Up to so many characters of names all go into one loop; of more, only the first range does.
const LOOP_MAX: usize = 120;

/// Up to so many names are told of those who are still awaited.
pub(super) const NAMES_MAX: usize = 4;

/// Whom a run waits for, and what to type, a command a line.
pub(super) fn waiting(agents: &[Name], invitation: &Invitation, width: usize) -> Vec<String> {
    let strong = |command: String| format!("  {}", paint(ink::STRONG, &command));
    let mut lines = vec![String::new()];
    if agents.len() <= COMMANDS_MAX {
        lines.push(match agents.len() {
            1 => "Waiting for an agent that is started by hand. In another terminal:".to_owned(),
            n => format!("Waiting for {n} agents that are started by hand. In other terminals:"),
        });
        lines.extend(agents.iter().map(|agent| strong(invitation.command(agent))));
        return lines;
    }
    lines.push(format!("Waiting for {} agents that are started by hand, each by its name:", agents.len()));
    for role in ROLES {
        let names = names_of(role, agents);
        match names.as_slice() {
            [] => {}
            [name] => lines.push(strong(invitation.command_for(role, name))),
            _ => {
                lines.push(strong(invitation.command_for(role, "NAME")));
                let names = layout::wrapped(&ranges(&names).join(" "), width.saturating_sub(6));
                lines.extend(names.into_iter().map(|line| format!("    {line}")));
            }
        }
    }
    lines.push("Several at once, in the background (bash, zsh):".to_owned());
    for (role, names) in ROLES.map(|role| (role, names_of(role, agents))) {
        if names.len() > 1 {
            let command = invitation.command_for(role, "$name");
            lines.push(strong(format!("for name in {}; do {command} & done", looped(&names))));
        }
    }
    lines.push(format!("{} tells who is missing.", paint(ink::STRONG, "world ps")));
    lines
}

/// The names of the agents of a role.
fn names_of<'a>(role: &str, agents: &'a [Name]) -> Vec<&'a str> {
    agents.iter().filter_map(|agent| agent.strip_prefix(role)?.strip_prefix('-')).collect()
}

/// What a loop over names goes over: all, or the first range where all would be too long.
fn looped(names: &[&str]) -> String {
    let ranges = ranges(names);
    let all = ranges.join(" ");
    if all.len() <= LOOP_MAX { all } else { ranges.into_iter().next().unwrap_or_default() }
}

/// Names as a shell expands them, those that count up put together: `web-{1..20}`.
pub(super) fn ranges(names: &[&str]) -> Vec<String> {
    let mut ranges: Vec<(String, Option<(String, String)>)> = Vec::new();
    for name in names {
        let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = &name[stem.len()..];
        match ranges.last_mut() {
            Some((last, Some((_, end)))) if last == stem && follows(end, number) => *end = number.to_owned(),
            _ if number.is_empty() => ranges.push((stem.to_owned(), None)),
            _ => ranges.push((stem.to_owned(), Some((number.to_owned(), number.to_owned())))),
        }
    }
    let shown = |(stem, numbers): (String, Option<(String, String)>)| match numbers {
        Some((first, last)) if first != last => format!("{stem}{{{first}..{last}}}"),
        Some((only, _)) => format!("{stem}{only}"),
        None => stem,
    };
    ranges.into_iter().map(shown).collect()
}

/// Whether a number is the next, written alike.
fn follows(number: &str, next: &str) -> bool {
    let (Ok(before), Ok(after)) = (number.parse::<u64>(), next.parse::<u64>()) else { return false };
    let alike = number.len() == next.len() || !(number.starts_with('0') || next.starts_with('0'));
    alike && before.checked_add(1) == Some(after)
}

/// Who is still awaited, now that somebody has come.
pub(super) fn still_awaited(awaited: &[Name], width: usize) -> String {
    let text = match awaited {
        [] => "everybody is here".to_owned(),
        some => format!("still awaited: {}", some.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")),
    };
    let text = if text.len() + TAG + 2 > width { format!("still awaited: {}", awaited.len()) } else { text };
    format!("  {:<TAG$}{}", "", paint(ink::FRAME, &text))
}

/// An agent is gone before the run began.
pub(super) fn left(agent: &Name, how: &str, again: Option<&str>) -> Vec<String> {
    let then = if again.is_some() { "it is awaited again:" } else { "another one is started" };
    with_command(tagged("LEFT", ink::POOR, &format!("{agent}: {how}, {then}")), again)
}

/// An agent is lost.
pub(super) fn lost(agent: &Name, how: &str, again: Option<&str>) -> Vec<String> {
    let until = match again {
        None => "",
        Some(_) if agent.starts_with("server-") => "; its server is down until it joins again:",
        Some(_) => "; it decides nothing until it joins again:",
    };
    with_command(tagged("LOST", ink::BAD, &format!("{agent}: {how}{until}")), again)
}

/// Nobody tries any more to start an agent.
pub(super) fn given_up(agent: &Name, how: &str, tries: usize, width: usize) -> Vec<String> {
    let times = in_a_row(tries);
    tagged_lines("GIVEN UP", ink::BAD, &format!("{agent}: {how}{times}; the run is invalid"), width)
}

fn with_command(line: String, command: Option<&str>) -> Vec<String> {
    let command = command.map(|command| format!("  {:<TAG$}{}", "", paint(ink::STRONG, command)));
    [line].into_iter().chain(command).collect()
}

/// An agent has joined again.
pub(super) fn returned(agent: &Agent, round: u32) -> String {
    tagged("BACK", ink::GOOD, &format!("{}  PID {}, takes part from round {round} on", agent.name, agent.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(agents: impl IntoIterator<Item = String>) -> Vec<String> {
        let agents: Vec<Name> = agents.into_iter().map(|agent| agent.as_str().into()).collect();
        let lines = waiting(&agents, &Invitation::to(std::path::Path::new("/x")), 80);
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    fn loops(lines: &[String]) -> Vec<&str> {
        let starts = lines.iter().filter_map(|line| line.trim_start().strip_prefix("for name in "));
        starts.map(|rest| rest.split_once(';').expect("a loop").0).collect()
    }

    #[test]
    fn each_role_of_which_many_are_awaited_has_a_loop_of_its_own() {
        let sres = || (1..=13).map(|number| format!("sre-day-{number}"));
        let lines = told_of(sres());
        assert_eq!(loops(&lines), ["day-{1..13}"]);
        assert!(lines.iter().any(|line| line.contains(" agent sre --name $name ")), "{lines:?}");
        let servers = (1..=2).map(|number| format!("server-web-{number}"));
        assert_eq!(loops(&told_of(servers.chain(sres()))), ["web-{1..2}", "day-{1..13}"]);
        let one = ["server-web-1".to_owned()];
        assert_eq!(loops(&told_of(one.into_iter().chain(sres()))), ["day-{1..13}"]);
    }

    #[test]
    fn a_lost_sre_holds_up_nobody_but_itself() {
        let told = lost(&"sre-oncall".into(), "it left", Some("world agent sre --name oncall"));
        let told = anstream::adapter::strip_str(&told[0]).to_string();
        assert_eq!(told, "  LOST       sre-oncall: it left; it decides nothing until it joins again:");
    }

    #[test]
    fn names_that_count_up_are_put_together_as_a_shell_expands_them() {
        let names = ["web-1", "web-2", "web-3", "api-1", "db-primary", "z01", "z02", "n9", "n10", "n12"];
        let expected = ["web-{1..3}", "api-1", "db-primary", "z{01..02}", "n{9..10}", "n12"];
        assert_eq!(ranges(&names), expected);
        assert_eq!(ranges(&["a099", "a100"]), ["a{099..100}"]);
        assert_eq!(ranges(&["a09", "a010"]), ["a09", "a010"]);
    }
}
