//! `--plan` for people: the faults that will come, as a table.

use super::ink::{self, paint};
use super::layout::{self, figures, words};
use crate::schedule::{Schedule, ScheduledFault};

/// The schedule as a table.
pub(crate) fn lines(schedule: &Schedule, width: usize) -> Vec<String> {
    let mut lines = vec![paint(ink::STRONG, &format!("Seed {}", schedule.seed)), String::new()];
    let title =
        format!("{}: {} rounds, chaos level {}", schedule.world, schedule.rounds, schedule.chaos_level);
    lines.push(layout::rule(&title, width));
    if schedule.faults.is_empty() {
        lines.push("  No faults will come.".to_owned());
        return lines;
    }
    let row = |fault: &ScheduledFault| {
        let (round, length) = (fault.round.to_string(), fault.rounds.to_string());
        vec![round, fault.kind.clone(), fault.target.clone(), length]
    };
    let columns = [figures("Round"), words("Fault"), words("Target"), figures("Lasts")];
    lines.extend(layout::table(&columns, schedule.faults.iter().map(row), width));
    lines
}
