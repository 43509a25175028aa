//! `world daemon rehearse`: many days in simulated time.

use super::cli::RehearseArgs;
use super::{DaemonError, settings};
use crate::console::layout::{self, figures, words};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::book::{Book, Views};
use daemon::ledger::Ledger;
use daemon::rehearsal;
use daemon::{output, summaries};
use days::slot_state::SlotState;
use days::summary::Summary;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Up to so many days are all shown; of more only those that are not as the others.
const DAYS_SHOWN: usize = 31;

/// Lives through days, and tells what they come to: exit code 1 if one of them misses its target.
pub(super) fn rehearse(args: &RehearseArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let setup = Arc::new(place.setup);
    let (ledger, views) = match &args.out {
        None => (Ledger::in_memory(), None),
        Some(directory) => {
            let cannot = DaemonError::system(format!("make {}", directory.display()));
            output::make_directory(directory).map_err(cannot)?;
            (Ledger::open(&directory.join("ledger.sqlite")), Some(Views::summaries(directory)))
        }
    };
    let mut book = Book::of(ledger.map_err(DaemonError::from)?, Arc::clone(&setup), views);
    let mut days = Vec::new();
    // A day's latencies take far more room than what is told of them.
    let tell = |totals| {
        days.push(summaries::of_day(totals));
        ControlFlow::Continue(())
    };
    rehearsal::rehearse(&setup, &mut book, args.from, args.days, tell).map_err(DaemonError::from)?;
    let missed = days.iter().filter(|day| !is_met(day)).count();
    if args.json {
        stdio.out.print(&[serde_json::to_string_pretty(&days)?])?;
    } else {
        stdio.out.print(&lines(&days, stdio.out.width))?;
    }
    Ok(if missed == 0 { exit_code::OK } else { exit_code::GATE_FAILED })
}

fn is_met(day: &Summary) -> bool {
    (day.target_min..=day.target_max).contains(&day.total_requests)
}

fn slots(day: &Summary) -> u64 {
    day.slots.values().sum()
}

fn lines(days: &[Summary], width: usize) -> Vec<String> {
    let usual = days
        .iter()
        .map(slots)
        .max_by_key(|slots| days.iter().filter(|day| self::slots(day) == *slots).count());
    let is_as_usual = |day: &&Summary| is_met(day) && Some(slots(day)) == usual;
    let shown: Vec<_> = match days.len() <= DAYS_SHOWN {
        true => days.iter().collect(),
        false => days.iter().filter(|day| !is_as_usual(day)).collect(),
    };
    let columns = [
        words("Day"),
        figures("Slots"),
        figures("Skipped"),
        figures("Operations"),
        figures("Tests"),
        figures("Requests"),
        figures("Target"),
        words(""),
    ];
    let row = |day: &&Summary| {
        vec![
            format!("{} {}", day.date, day.date.strftime("%a")),
            slots(day).to_string(),
            day.slots.get(SlotState::Skipped.word()).copied().unwrap_or_default().to_string(),
            day.total_operations.to_string(),
            day.total_guardrails.to_string(),
            day.total_requests.to_string(),
            format!("{}-{}", day.target_min, day.target_max),
            if is_met(day) { String::new() } else { "missed".to_owned() },
        ]
    };
    let mut lines = match shown.is_empty() {
        true => Vec::new(),
        false => layout::table(&columns, shown.iter().map(row), width),
    };
    let met = days.iter().filter(|day| is_met(day)).count();
    if shown.len() < days.len() {
        lines.push(format!(
            "The other {} days are as usual: {} slots, target met.",
            days.len() - shown.len(),
            usual.unwrap_or_default()
        ));
    }
    lines.push(format!("{met} of {} days meet their target.", days.len()));
    lines
}
