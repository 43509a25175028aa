//! `world daemon explain`: what a configuration comes to, before anything is sent.

use super::cli::ExplainArgs;
use super::settings::{self, Place};
use super::status::now;
use crate::console::layout::{self, figures, words};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use days::lint::Lint;
use days::order::{ByKind, Kind};
use days::pace::DayPlan;
use days::schedule::Reason;
use days::week::Week;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

/// Days that are looked through for changes of the clock: a year and a bit.
const DAYS_LOOKED_AT: usize = 370;

/// Shows it.
pub(super) fn explain(args: &ExplainArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    place.warn(stdio)?;
    let now = now();
    let today = args.date.unwrap_or_else(|| place.setup.calendar.date_of(now));
    let width = stdio.out.width;
    let mut lines = vec![layout::rule(&format!("The week of {today}"), width)];
    lines.extend(Week::with(&place.setup.config.schedule, today).lines(width));
    lines.extend(target(&place, today, width));
    lines.extend(next_cycles(&place, args, now, width));
    lines.extend(changes(&place, today, width));
    stdio.out.print(&lines)?;
    Ok(exit_code::OK)
}

fn target(place: &Place, today: Date, width: usize) -> Vec<String> {
    let plan = DayPlan::of(&place.setup.config, &place.setup.calendar, today, None);
    let lint = Lint::of(&plan);
    let mut lines = vec![String::new(), layout::rule("The day's target", width)];
    let fact = |label: &str, text: &str| layout::fact(label, text, width);
    lines.extend(fact("Time zone", &place.setup.zone));
    lines.extend(fact("Requests", &format!("{} to {} on {today}", plan.target.min, plan.target.max)));
    let (verdict, hint) = (if lint.is_met() { "Within reach" } else { "Out of reach" }, lint.hint());
    lines.extend(fact(verdict, &lint.to_string()));
    lines.extend(hint.map(|hint| fact("", hint)).unwrap_or_default());
    lines
}

fn next_cycles(place: &Place, args: &ExplainArgs, now: Timestamp, width: usize) -> Vec<String> {
    let calendar = &place.setup.calendar;
    let from = match args.date {
        Some(date) => calendar.day(date).slots.first().map_or(now, |slot| calendar.before(slot.start).start),
        None => now,
    };
    let columns =
        [words("Slot"), words("Profile"), words("Because of"), figures("Operations"), figures("Tests")];
    let mut rows = Vec::new();
    let (mut slot, mut plan, mut made) =
        (calendar.next_after(from), None::<DayPlan>, ByKind::<u64>::default());
    for _ in 0..args.cycles {
        if plan.as_ref().is_none_or(|plan| plan.date != slot.date()) {
            let day = DayPlan::of(&place.setup.config, calendar, slot.date(), None);
            made = made_before(&day, slot.start);
            plan = Some(day);
        }
        let order = plan.as_ref().map(|plan| plan.order(&slot, made));
        let count = |kind: Kind| {
            let batch = order.as_ref().and_then(|order| order.batches.get(kind).as_ref());
            batch.map_or(0, |batch| batch.count)
        };
        made.operations += u64::from(count(Kind::Operations));
        made.guardrails += u64::from(count(Kind::Guardrails));
        let holding = place.setup.config.holding_at(slot.wall);
        rows.push(vec![
            super::told(slot.start, calendar),
            holding.profile.name.clone(),
            because(holding.reason),
            count(Kind::Operations).to_string(),
            count(Kind::Guardrails).to_string(),
        ]);
        slot = calendar.next_after(slot.start);
    }
    let mut lines = vec![String::new(), layout::rule("The next cycles, if all before them went well", width)];
    lines.extend(layout::table(&columns, rows, width));
    lines
}

/// Why a profile holds, in a column; `normal` holds when nothing else does.
fn because(reason: Reason<'_>) -> String {
    if reason == Reason::Otherwise { "-".to_owned() } else { reason.to_string() }
}

/// What a day's cycles make before an instant, if all of them go well.
fn made_before(plan: &DayPlan, instant: Timestamp) -> ByKind<u64> {
    let mut made = ByKind::<u64>::default();
    for (slot, _) in plan.slots.iter().take_while(|(slot, _)| slot.start < instant) {
        let order = plan.order(slot, made);
        for kind in Kind::ALL {
            *made.get_mut(kind) += order.batches.get(kind).map_or(0, |batch| u64::from(batch.count));
        }
    }
    made
}

fn changes(place: &Place, today: Date, width: usize) -> Vec<String> {
    let calendar = &place.setup.calendar;
    let regular = calendar.regular_slots() as usize;
    let mut lines = vec![String::new(), layout::rule("Days on which the clock changes", width)];
    let days = today.series(1.day()).take(DAYS_LOOKED_AT).map(|date| calendar.day(date));
    for day in days.filter(|day| day.slots.len() != regular) {
        let plan = DayPlan::of(&place.setup.config, calendar, day.date, None);
        let text = format!("{} slots, {} to {} requests", day.slots.len(), plan.target.min, plan.target.max);
        lines.extend(layout::fact(&day.date.to_string(), &text, width));
    }
    if lines.len() == 2 {
        lines.push(format!("  None within a year: all days have {regular} slots."));
    }
    lines
}
