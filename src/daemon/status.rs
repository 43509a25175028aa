//! `world daemon status`: how it is, in one screen.

use super::cli::StatusArgs;
use super::settings::Place;
use super::{DaemonError, STOPPED, settings};
use crate::console::layout;
use crate::program::Failure;
use crate::stdio::Stdio;
use crate::{exit_code, wall_clock};
use daemon::board::{Board, Doing};
use daemon::instance::Running;
use daemon::ledger::{DayTotals, Ledger, SlotRow};
use days::slot_state::SlotState;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// Cycles that are looked through for failures, and failures that are shown.
const CYCLES_LOOKED_AT: u32 = 100;
const FAILURES_SHOWN: usize = 5;

/// How a daemon is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    /// Whether it runs.
    running: bool,
    /// Its process, where that can be told.
    pid: Option<i32>,
    /// Its base directory.
    base_dir: String,
    /// What it says of itself; `null` where it has said nothing yet.
    board: Option<Board>,
    /// The next slot.
    #[schemars(with = "String")]
    next_slot: Timestamp,
    /// Today.
    today: Option<Today>,
    /// Cycles that failed lately, the latest first.
    failures: Vec<Failed>,
}

/// Today against its target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Today {
    /// The date, in the configured zone.
    date: String,
    /// Operations that were sent so far.
    operations: u64,
    /// Guardrail tests that were sent so far.
    guardrails: u64,
    /// Requests that the day is to have at the least, prorated to its slots.
    target_min: u64,
    /// And at the most.
    target_max: u64,
    /// Operations that the day aims at; null where the profiles alone decide.
    planned_operations: Option<u64>,
    /// Guardrail tests that it aims at.
    planned_guardrails: Option<u64>,
    /// Slots by how they stand.
    slots: std::collections::BTreeMap<SlotState, u64>,
}

/// A cycle that failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Failed {
    /// Its number.
    cycle: Option<u64>,
    /// Its slot.
    #[schemars(with = "String")]
    slot: Timestamp,
    /// Why it failed.
    reason: Option<String>,
}

/// The JSON Schema of what `--json` prints.
pub(crate) fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Status)
}

/// Tells how it is: exit code 0 running, 3 stopped.
pub(super) fn status(args: &StatusArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let now = now();
    let status = look(&place, now)?;
    if args.json {
        let text = serde_json::to_string_pretty(&status)?;
        stdio.out.print(&[text])?;
    } else {
        stdio.out.print(&lines(&status, &place, now, stdio.out.width))?;
    }
    Ok(if status.running { exit_code::OK } else { STOPPED })
}

/// The machine's time, to the second.
pub(super) fn now() -> Timestamp {
    let seconds = i64::try_from(wall_clock::unix_seconds()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Looks how it is.
pub(super) fn look(place: &Place, now: Timestamp) -> Result<Status, DaemonError> {
    let running = Running::find(&place.base).map_err(DaemonError::system("look at the lock"))?;
    let path = place.ledger();
    let ledger = if path.exists() { Some(Ledger::look(&path)?) } else { None };
    let calendar = &place.setup.calendar;
    let (mut today, mut failures) = (None, Vec::new());
    if let Some(ledger) = &ledger {
        today = ledger.day(calendar.date_of(now))?.map(|totals| of_today(&totals));
        let cycles = ledger.last_cycles(CYCLES_LOOKED_AT)?;
        let failed = cycles.into_iter().filter(|cycle| cycle.state == SlotState::Failed);
        failures = failed.take(FAILURES_SHOWN).map(of_failed).collect();
    }
    Ok(Status {
        pid: running.as_ref().and_then(|running| running.pid),
        running: running.is_some(),
        base_dir: place.base.display().to_string(),
        board: Board::read(&place.base).ok(),
        next_slot: calendar.next_after(now).start,
        today,
        failures,
    })
}

fn of_today(totals: &DayTotals) -> Today {
    Today {
        date: totals.date.to_string(),
        operations: totals.accounts.operations.made(),
        guardrails: totals.accounts.guardrails.made(),
        target_min: totals.target.min,
        target_max: totals.target.max,
        planned_operations: totals.quota.map(|quota| quota.operations),
        planned_guardrails: totals.quota.map(|quota| quota.guardrails),
        slots: totals.slots.clone(),
    }
}

fn of_failed(slot: SlotRow) -> Failed {
    Failed { cycle: slot.cycle, slot: slot.start, reason: slot.reason }
}

fn lines(status: &Status, place: &Place, now: Timestamp, width: usize) -> Vec<String> {
    let at = |instant: Timestamp| super::told(instant, &place.setup.calendar);
    let fact = |label: &str, text: &str| layout::fact(label, text, width);
    let mut lines = vec![layout::rule("world daemon", width)];
    let alive = match (status.running, &status.board) {
        (true, Some(board)) => {
            let pid = status.pid.map(|pid| format!("PID {pid}, ")).unwrap_or_default();
            format!("running, {pid}since {} ({})", at(board.started), ago(now, board.started))
        }
        (true, None) => "running".to_owned(),
        (false, _) => "stopped".to_owned(),
    };
    lines.extend(fact("State", &alive));
    lines.extend(fact("Files", &status.base_dir));
    if let Some(board) = &status.board {
        lines.extend(fact("Doing", &doing(status, board, &at)));
        let last = board.last_cycle.as_ref().map_or("none yet".to_owned(), |last| {
            let how = last.failure.as_ref().map(|failure| format!(", failed: {failure}")).unwrap_or_default();
            let (number, made, succeeded) = (last.number, last.made, last.succeeded);
            format!("{number}, {}: {succeeded} of {made} succeeded{how}", ago(now, last.ended))
        });
        lines.extend(fact("Last cycle", &last));
        for complaint in &board.complaints {
            lines.extend(fact("Complaint", complaint));
        }
    }
    if let Some(today) = &status.today {
        let made = today.operations + today.guardrails;
        let of = |made: u64, planned: Option<u64>| {
            planned.map_or(made.to_string(), |of| format!("{made} of {of}"))
        };
        let text = format!(
            "{made} requests, of {} to {}: {} operations, {} guardrail tests",
            today.target_min,
            today.target_max,
            of(today.operations, today.planned_operations),
            of(today.guardrails, today.planned_guardrails)
        );
        lines.extend(fact("Today", &text));
        let slots: Vec<_> =
            today.slots.iter().map(|(state, slots)| format!("{slots} {}", state.word())).collect();
        if !slots.is_empty() {
            lines.extend(fact("Slots", &slots.join(", ")));
        }
    }
    for failed in &status.failures {
        let reason = failed.reason.as_deref().unwrap_or("nothing succeeded");
        let cycle = failed.cycle.map(|cycle| format!("cycle {cycle}, ")).unwrap_or_default();
        lines.extend(fact("Failed", &format!("{cycle}{}: {reason}", at(failed.slot))));
    }
    lines
}

fn doing(status: &Status, board: &Board, at: &dyn Fn(Timestamp) -> String) -> String {
    match &board.doing {
        _ if !status.running => match &board.doing {
            Doing::Ended { at: ended, why } => format!("nothing: ended at {}, {why}", at(*ended)),
            _ => "nothing: it ended without a word".to_owned(),
        },
        Doing::Starting => "it is only starting".to_owned(),
        Doing::Waiting { until, because } => {
            let because = because.as_ref().map(|because| format!(" ({because})")).unwrap_or_default();
            format!("waiting for {}{because}", at(*until))
        }
        Doing::Cycle { number, slot, .. } => format!("cycle {number}, slot {}", at(*slot)),
        Doing::Ending => "ending".to_owned(),
        Doing::Ended { .. } => "ending".to_owned(),
    }
}

/// How long ago something was.
fn ago(now: Timestamp, then: Timestamp) -> String {
    let past = now.duration_since(then).max(SignedDuration::ZERO);
    let seconds = u64::try_from(past.as_secs()).unwrap_or_default();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h {} min ago", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
