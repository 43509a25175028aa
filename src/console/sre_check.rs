//! What a check of a program came to, as people read it: a claim a line, and below those that do not hold why,
//! and what to do.

use super::figure;
use super::ink::{self, paint};
use super::layout;
use crate::sre_check::result::{Claim, SreCheckResult, Status, Verdict};
use crate::worlds_command::counted;

/// Columns of how a claim came out.
const STATUS: usize = 9;

/// Columns of a claim's name.
const NAME: usize = 14;

/// Blanks before what is told of a claim.
const INDENT: usize = NAMES_AT + NAME + 2;

/// Blanks before a name.
const NAMES_AT: usize = 2 + STATUS + 2;

/// The lines of a check.
pub(crate) fn lines(result: &SreCheckResult, width: usize) -> Vec<String> {
    let mut lines = vec![layout::rule("SRE check", width)];
    lines.extend(layout::fact("Program", &result.command, width));
    lines.extend(layout::fact("Started", &starts(result), width));
    lines.push(String::new());
    let is_tried = |claim: &&Claim| claim.status != Status::NotTried;
    lines.extend(result.claims.iter().filter(is_tried).flat_map(|claim| of_claim(claim, width)));
    lines.extend(not_tried(&result.claims, width));
    lines.push(String::new());
    lines.push(verdict(result));
    lines
}

fn starts(result: &SreCheckResult) -> String {
    let asked = result.starts.iter().map(|start| start.asked).sum();
    format!(
        "{}, asked about {}, {} s for an answer",
        counted(result.starts.len(), "time", "times"),
        counted(asked, "round", "rounds"),
        figure::plain(result.deadline_seconds)
    )
}

/// Those that could not be looked at, together where they have the same reason.
fn not_tried(claims: &[Claim], width: usize) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for claim in claims.iter().filter(|claim| claim.status == Status::NotTried) {
        match reasons.iter_mut().find(|(why, _)| *why == claim.why) {
            Some((_, names)) => names.push(claim.name.name()),
            None => reasons.push((&claim.why, vec![claim.name.name()])),
        }
    }
    let mut lines = Vec::new();
    for (why, names) in reasons {
        let told = layout::wrapped(&format!("{why}: {}", names.join(", ")), width.saturating_sub(NAMES_AT));
        lines.push(format!("  {}  {}", status(Status::NotTried), told[0]));
        lines.extend(told[1..].iter().map(|line| format!("{}{line}", " ".repeat(NAMES_AT))));
    }
    lines
}

/// How a claim came out.
fn status(status: Status) -> String {
    let style = match status {
        Status::Passed => ink::GOOD,
        Status::Failed => ink::BAD,
        Status::Warned => ink::POOR,
        Status::NotTried => ink::FRAME,
    };
    let word = status.word();
    format!("{}{}", paint(style, word), " ".repeat(STATUS - word.len()))
}

fn of_claim(claim: &Claim, width: usize) -> Vec<String> {
    let status = status(claim.status);
    let told = layout::wrapped(&claim.claim, width.saturating_sub(INDENT));
    let mut lines = Vec::new();
    for (index, line) in told.iter().enumerate() {
        lines.push(if index == 0 {
            format!("  {status}  {:<NAME$}  {line}", claim.name.name())
        } else {
            below(line)
        });
    }
    if !claim.why.is_empty() {
        lines
            .extend(layout::wrapped(&claim.why, width.saturating_sub(INDENT)).iter().map(|line| below(line)));
    }
    if let Some(advice) = &claim.advice {
        let tip = layout::wrapped(&format!("tip: {advice}"), width.saturating_sub(INDENT));
        let painted = |line: &String| line.replacen("tip:", &paint(ink::TIP, "tip:"), 1);
        lines.extend(tip.iter().take(1).map(|line| below(&painted(line))));
        lines.extend(tip.iter().skip(1).map(|line| below(line)));
    }
    lines
}

fn below(text: &str) -> String {
    format!("{}{text}", " ".repeat(INDENT))
}

/// How many came out how, and what that means.
fn verdict(result: &SreCheckResult) -> String {
    let count = |status| result.claims.iter().filter(|claim| claim.status == status).count();
    let statuses = [Status::Passed, Status::Warned, Status::Failed, Status::NotTried];
    let counts = statuses.into_iter().filter(|status| count(*status) > 0);
    let counts: Vec<_> =
        counts.map(|status| format!("{} {}", count(status), status.word().to_lowercase())).collect();
    let verdict = match result.verdict {
        Verdict::Passed => paint(ink::GOOD, "Passed"),
        Verdict::Failed => paint(ink::BAD, "FAILED"),
        Verdict::Undecided => paint(ink::POOR, "Interrupted"),
    };
    format!("{verdict}: {}", counts.join(", "))
}
