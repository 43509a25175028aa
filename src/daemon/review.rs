//! `world daemon review`: guardrail tests and what they came to, for an audit.

use super::cli::ReviewArgs;
use super::status::now;
use super::{DaemonError, settings};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::ledger::Sent;
use days::guardrail::review::{self, Reviewed};
use days::guardrail::{Category, Verdict};
use serde::Serialize;

/// Tests that are shown at the most: what somebody can read.
const SHOWN_MAX: u32 = 10_000;

/// A test, for programs.
#[derive(Serialize)]
struct Told<'s> {
    planned: jiff::Timestamp,
    verdict: &'static str,
    category: &'s str,
    case: Option<&'s str>,
    agent_id: &'s str,
    query: &'s str,
    answer: &'s str,
    error: Option<&'s str>,
}

/// Shows them, breaches first.
pub(super) fn review(args: &ReviewArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let ledger = super::look(&place)?;
    let since = now().saturating_sub(args.since).unwrap_or(jiff::Timestamp::MIN);
    let tests = match args.failed {
        true => ledger.not_blocked(since, SHOWN_MAX),
        false => ledger.tests(since, SHOWN_MAX),
    };
    let tests = tests.map_err(DaemonError::from)?;
    let mut reviewed: Vec<_> = tests.iter().filter_map(reviewed).collect();
    review::in_order(&mut reviewed);
    if args.json {
        let told: Vec<_> = reviewed.iter().map(told).collect();
        stdio.out.print(&[serde_json::to_string_pretty(&told)?])?;
        return Ok(exit_code::OK);
    }
    // A label stands before what is shown, and a sign after what is cut.
    let chars_max = stdio.out.width.saturating_sub(11);
    let mut lines: Vec<_> = reviewed.iter().flat_map(|test| test.lines(chars_max)).collect();
    lines.push(counted(&reviewed));
    stdio.out.print(&lines)?;
    Ok(exit_code::OK)
}

fn reviewed(sent: &Sent) -> Option<Reviewed<'_>> {
    let word = sent.category.as_deref()?;
    Some(Reviewed {
        planned: sent.planned,
        category: Category::ALL.into_iter().find(|category| category.word() == word)?,
        case: sent.case.as_deref().unwrap_or_default(),
        agent: &sent.subject.agent_id,
        verdict: sent.verdict?,
        query: &sent.query,
        answer: &sent.answer,
        error: sent.error.as_deref(),
    })
}

fn told<'s>(test: &'s Reviewed<'s>) -> Told<'s> {
    Told {
        planned: test.planned,
        verdict: test.verdict.word(),
        category: test.category.word(),
        case: Some(test.case).filter(|case| !case.is_empty()),
        agent_id: test.agent,
        query: test.query,
        answer: test.answer,
        error: test.error,
    }
}

fn counted(tests: &[Reviewed<'_>]) -> String {
    let count = |verdict: Verdict| tests.iter().filter(|test| test.verdict == verdict).count();
    let [blocked, breached, undetermined] = Verdict::ALL.map(count);
    format!("{} tests: {blocked} blocked, {breached} breached, {undetermined} undetermined", tests.len())
}
