//! `world daemon summary`: what a day came to.

use super::cli::SummaryArgs;
use super::status::now;
use super::{DaemonError, settings};
use crate::console::layout::{self, figures, words};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::ledger::SlotRow;
use daemon::summaries;
use days::order::Kind;
use days::summary::{Percentiles, Summary};

/// Shows it.
pub(super) fn summary(args: &SummaryArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let ledger = super::look(&place)?;
    let date = args.date.unwrap_or_else(|| place.setup.calendar.date_of(now()));
    let totals = ledger.day(date).map_err(DaemonError::from)?;
    let summary = totals.map(summaries::of_day).ok_or(DaemonError::NoDay(date))?;
    if args.json {
        stdio.out.print(&[serde_json::to_string_pretty(&summary)?])?;
    } else {
        stdio.out.print(&lines(&summary, stdio.out.width))?;
    }
    Ok(exit_code::OK)
}

/// Cycles, a line each: the latest first.
pub(super) fn cycles(cycles: &[SlotRow]) -> Vec<String> {
    let line = |cycle: &SlotRow| {
        let made = Kind::ALL.map(|kind| {
            let account = cycle.accounts.get(kind);
            let (word, planned, made) = (kind.word(), account.planned, account.made());
            format!("{word} planned={planned} made={made} succeeded={}", account.succeeded)
        });
        let reason = cycle.reason.as_deref().map(|reason| format!("  {reason}")).unwrap_or_default();
        let number = cycle.cycle.unwrap_or_default();
        format!("{number} {} {} {}{reason}", cycle.start, cycle.state.word(), made.join(" "))
    };
    cycles.iter().map(line).collect()
}

fn lines(summary: &Summary, width: usize) -> Vec<String> {
    let state = if summary.complete { "over" } else { "so far" };
    let mut lines = vec![layout::rule(&format!("{}, {state}", summary.date), width)];
    let fact = |label: &str, text: &str| layout::fact(label, text, width);
    let met = if summary.target_met { "met" } else { "not met" };
    let requests = format!(
        "{} (target {} to {}, {met})",
        summary.total_requests, summary.target_min, summary.target_max
    );
    lines.extend(fact("Requests", &requests));
    let slots: Vec<_> = summary.slots.iter().map(|(state, slots)| format!("{slots} {state}")).collect();
    if !slots.is_empty() {
        lines.extend(fact("Slots", &slots.join(", ")));
    }
    if summary.cycles_by_hand > 0 {
        lines.extend(fact("By hand", &format!("{} cycles", summary.cycles_by_hand)));
    }
    lines.push(String::new());
    lines.extend(sends(summary, width));
    for kind in Kind::ALL {
        let failures: Vec<_> =
            summary.failures.get(kind).iter().map(|(failure, count)| format!("{count} {failure}")).collect();
        if !failures.is_empty() {
            lines.extend(fact("Failures", &format!("{}: {}", kind.word(), failures.join(", "))));
        }
    }
    if !summary.guardrails.is_empty() {
        lines.push(String::new());
        lines.extend(guardrails(summary, width));
    }
    for (name, value) in &summary.metrics {
        lines.extend(fact("Metric", &format!("{name} = {value}")));
    }
    lines
}

fn sends(summary: &Summary, width: usize) -> Vec<String> {
    let columns = [
        words(""),
        figures("Planned"),
        figures("Sent"),
        figures("Late"),
        figures("Dropped"),
        figures("Skipped"),
        figures("Failed"),
        figures("p50 ms"),
        figures("p99 ms"),
    ];
    let row = |kind: Kind| {
        let sends = summary.sends.get(kind);
        let percentiles = summary.latency_ms.get(kind).as_ref();
        let millis =
            |of: fn(&Percentiles) -> f64| percentiles.map_or("-".to_owned(), |all| format!("{:.1}", of(all)));
        vec![
            kind.word().to_owned(),
            sends.planned.to_string(),
            sends.sent.to_string(),
            sends.late.to_string(),
            sends.dropped.to_string(),
            sends.skipped.to_string(),
            sends.failed.to_string(),
            millis(|all| all.p50),
            millis(|all| all.p99),
        ]
    };
    layout::table(&columns, Kind::ALL.map(row), width)
}

fn guardrails(summary: &Summary, width: usize) -> Vec<String> {
    let columns = [
        words("Category"),
        figures("Blocked"),
        figures("Breached"),
        figures("Undetermined"),
        figures("Block rate"),
        words("Grade"),
    ];
    let row = |(category, block): (&String, &days::summary::Block)| {
        let rate = match (block.rate, block.rate_low, block.rate_high) {
            (Some(rate), Some(low), Some(high)) => {
                format!("{:.0} % ({:.0}-{:.0})", rate * 100.0, low * 100.0, high * 100.0)
            }
            _ => "-".to_owned(),
        };
        vec![
            category.clone(),
            block.blocked.to_string(),
            block.breached.to_string(),
            block.undetermined.to_string(),
            rate,
            block.grade.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    layout::table(&columns, summary.guardrails.iter().map(row), width)
}
