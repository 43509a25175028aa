//! `summary.md`: what a reviewer of a change wants to know of a run; and how Markdown is written.
//!
//! For pull requests and job summaries, so it is short whatever the run was: figures first, then the gates, then
//! the incidents, the worst of them where there are many. What a user's file says is escaped by [`text`], or stands
//! as code by [`code`]; neither can become markup, a mention or a link.

use super::account::{self, Account, Case};
use crate::console::figure;
use crate::gate::GateResult;
use crate::result::Verdict;
use std::fmt::Write as _;
use worlds::times::TimeStatistic;

/// Incidents in the summary: of more, the worst.
const INCIDENTS_MAX: usize = 20;

/// The summary.
pub(super) fn summary(account: &Account<'_>) -> String {
    let result = account.result;
    let mut page = Page::default();
    page.line(&format!(
        "## {} {}, seed {}: {}",
        mark(result.verdict),
        code(account.name()),
        result.seed,
        result.verdict.name().replace('_', " ")
    ));
    if let Some(scenario) = &result.scenario {
        page.line(&text(&scenario.title));
    }
    page.line(&text(&account.verdict()));
    page.list(result.reasons.iter().map(|reason| text(reason)));
    page.table(&["", ""], &figures(account));
    page.table(&["Fails if", "It is", "Gate"], &result.gates.iter().map(gate).collect::<Vec<_>>());
    incidents(account, &mut page);
    page.line("To repeat the run:");
    page.fenced(&result.repeat);
    page.text
}

pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "✅",
        Verdict::Inconclusive | Verdict::Interrupted => "⚠️",
        Verdict::GateFailed | Verdict::Invalid => "❌",
    }
}

fn figures(account: &Account<'_>) -> Vec<Vec<String>> {
    let result = account.result;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![format!("**{name}**"), text(&value)]);
    if let Some(availability) = result.availability_pct {
        let availability = figure::percent(availability);
        row("Availability", format!("{availability} ({}); {}", account.served(), account.promise()));
        row("Error budget", account.budget());
    }
    if let Some(references) = account.references() {
        let score = result
            .score
            .map_or_else(|| "none: there was nothing to win".to_owned(), |score| format!("{score:.1}"));
        row("Score", format!("{score} ({references})"));
    }
    row("Incidents", account.incidents());
    if let Some(times) = times(account) {
        row("Times", times);
    }
    let played = figure::count(result.rounds.into());
    let rounds = match result.rounds == result.rounds_planned {
        true => played,
        false => format!("{played} of {}", figure::count(result.rounds_planned.into())),
    };
    row("Rounds", format!("{rounds} ({} simulated), chaos {}", account.simulated(), result.chaos_level));
    row("On call", result.sres.iter().map(account::sre).collect::<Vec<_>>().join(", "));
    row("Actions", account.actions());
    if let Some(lapses) = account.lapses() {
        row("Decisions missing", lapses);
    }
    if let Some(warm_up) = account.warm_up() {
        row("Warm-up", warm_up);
    }
    if let Some(answer) = account.answer() {
        row("Answer key", answer);
    }
    rows
}

/// Restricted means, which keep what never came.
fn times(account: &Account<'_>) -> Option<String> {
    let result = account.result;
    let time = |name: &str, time: &TimeStatistic| {
        time.restricted_mean_rounds.map(|rounds| format!("{name} {rounds:.2}"))
    };
    let told: Vec<_> = [
        time("detect", &result.mttd),
        time("acknowledge", &result.mtta),
        time("mitigate", &result.mttm),
        time("resolve", &result.mttr),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!told.is_empty()).then(|| format!("{} (rounds, restricted means)", told.join(", ")))
}

fn gate(gate: &GateResult) -> Vec<String> {
    let held = match gate.held {
        Some(true) => "held",
        Some(false) => "**failed**",
        None => "**undecided**",
    };
    vec![code(&gate.expr), gate.value.map_or_else(|| "null".to_owned(), figure::plain), held.to_owned()]
}

fn incidents(account: &Account<'_>, page: &mut Page) {
    let cases = account.cases(INCIDENTS_MAX);
    let all = account.result.incidents.len();
    if cases.len() < all {
        let [told, all] = [cases.len(), all].map(|count| figure::count(count as u64));
        page.line(&format!("The {told} of {all} incidents in whose time most requests failed:"));
    }
    let rows: Vec<_> = cases.iter().map(incident).collect();
    page.table(&["#", "Incident", "Target", "Onset", "Detected", "First action", "How it ended"], &rows);
}

fn incident(case: &Case<'_>) -> Vec<String> {
    let it = case.incident;
    let round = |round: Option<u32>| round.map_or_else(|| "-".to_owned(), |round| round.to_string());
    let hurt = if it.hurt_users { "" } else { "; users were not hurt" };
    vec![
        it.id.to_string(),
        text(&it.kind),
        text(&it.target),
        it.onset_round.to_string(),
        round(it.detected_round),
        round(it.first_action_round),
        format!("{}{hurt}", case.ending()),
    ]
}

// ---- how it is written ------------------------------------------------------------------------

/// A page of Markdown in the making. Its parts are set apart by blank lines.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub text: String,
}

impl Page {
    /// A paragraph or a heading, as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.set_apart();
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A list, if there is anything in it.
    pub(super) fn list(&mut self, items: impl IntoIterator<Item = String>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            self.set_apart();
        }
        for item in items {
            let _ = writeln!(self.text, "- {item}");
        }
    }

    /// A table, if it has rows.
    pub(super) fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        self.set_apart();
        let mut row = |cells: &[String]| {
            let _ = writeln!(self.text, "| {} |", cells.join(" | "));
        };
        row(&columns.iter().map(|&column| column.to_owned()).collect::<Vec<_>>());
        row(&columns.iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
        rows.iter().for_each(|cells| row(cells));
    }

    /// A block of code, whatever is in it.
    pub(super) fn fenced(&mut self, code: &str) {
        self.set_apart();
        let fence = "`".repeat(longest_run(code, '`').max(2) + 1);
        let _ = writeln!(self.text, "{fence}\n{code}\n{fence}");
    }

    fn set_apart(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }
}

/// Text that stays text: nothing in it is markup.
pub(super) fn text(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    let letters: Vec<char> = plain.chars().collect();
    for (index, letter) in letters.iter().enumerate() {
        let is_inside_word = |at: Option<usize>| {
            at.and_then(|at| letters.get(at)).is_some_and(|letter| letter.is_alphanumeric())
        };
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Underscores within words are none of Markdown's.
            '_' if is_inside_word(index.checked_sub(1)) && is_inside_word(Some(index + 1)) => {
                escaped.push('_')
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', *letter]),
            // A mention, or the number of an issue: an empty comment keeps them apart from what follows.
            '@' | '#' if is_inside_word(Some(index + 1)) => escaped.extend([*letter, '\u{2060}']),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(*letter),
        }
    }
    escaped
}

/// Text as code, also within a table.
pub(super) fn code(plain: &str) -> String {
    let line: String = plain.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let fence = "`".repeat(longest_run(&line, '`') + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", line.replace('|', "\\|"))
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|letter| letter != of).map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_escaped_is_markup() {
        assert_eq!(text("cpu_spike on db-primary, 99.9 %"), "cpu_spike on db-primary, 99.9 %");
        assert_eq!(
            text("<b>*a* _b_ [c](d) `e` | f\\"),
            "&lt;b&gt;\\*a\\* \\_b\\_ \\[c\\](d) \\`e\\` \\| f\\\\"
        );
        assert_eq!(text("a\nb"), "a b");
        assert_eq!(text("a & b"), "a &amp; b");
    }

    #[test]
    fn nobody_is_mentioned() {
        assert_eq!(text("@octocat #1"), "@\u{2060}octocat #\u{2060}1");
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("score < 3"), "`score < 3`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        let mut page = Page::default();
        page.fenced("world run '```'");
        assert_eq!(page.text, "````\nworld run '```'\n````\n");
    }

    #[test]
    fn an_empty_table_and_an_empty_list_are_not_there() {
        let mut page = Page::default();
        page.table(&["a"], &[]);
        page.list(std::iter::empty());
        assert_eq!(page.text, "");
    }
}
