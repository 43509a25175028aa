//! `--check-determinism`: the same run once more, inline, its journal held against the first.

use crate::event::{Event, Interest};
use crate::inline::{self, Controls};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use worlds::inline::OutsideMinds;
use worlds::plan::RunPlan;
use worlds::topology::World;

/// The first line in which two journals differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The line, from 1.
    line: usize,
    /// What the first run wrote; `None` when it had ended.
    first: Option<String>,
    /// What the second wrote.
    second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |line: &Option<String>| line.clone().unwrap_or_else(|| "(the journal ends)".to_owned());
        let (first, second) = (shown(&self.first), shown(&self.second));
        write!(f, "two runs of one seed differ in line {} of the journal", self.line)?;
        write!(f, "\n  first:  {first}\n  second: {second}")
    }
}

impl std::error::Error for Difference {}

/// What a check that found no difference came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The two runs are the same, so many lines long.
    Same {
        /// Lines of the journal.
        lines: usize,
    },
    /// A signal ended the second run, the same up to there.
    GivenUp,
}

/// Runs the plan again, as far as it stays the same, and until a signal comes, which `interrupt`
/// tells of. `first` holds the lines of the first run; `watch` is told of the second. Programs are started
/// anew, from `minds`: the check is one of them, too.
pub(crate) fn check(
    world: &Arc<World>,
    plan: RunPlan,
    first: &[Vec<u8>],
    interrupt: &dyn Fn() -> Option<i32>,
    minds: OutsideMinds,
    watch: &mut dyn FnMut(&Event),
) -> Result<Checked, Difference> {
    let mut comparison = Comparison { first, line: 0, difference: None };
    let controls = Controls { pace: None, interrupt };
    inline::run(world, plan, &controls, Interest::Records, minds, &mut |event| {
        watch(event);
        match event {
            // A run that a signal ends has another end.
            Event::Entry(entry) if interrupt().is_none() => comparison.hold(&entry.line),
            _ => ControlFlow::Continue(()),
        }
    });
    comparison.outcome(interrupt().is_some())
}

struct Comparison<'a> {
    first: &'a [Vec<u8>],
    /// Lines that were the same.
    line: usize,
    difference: Option<Difference>,
}

impl Comparison<'_> {
    fn hold(&mut self, second: &[u8]) -> ControlFlow<()> {
        let first = self.first.get(self.line).map(Vec::as_slice);
        if first == Some(second) {
            self.line += 1;
            return ControlFlow::Continue(());
        }
        self.difference =
            Some(Difference { line: self.line + 1, first: first.map(text), second: Some(text(second)) });
        ControlFlow::Break(())
    }

    fn outcome(self, given_up: bool) -> Result<Checked, Difference> {
        match (self.difference, self.first.get(self.line)) {
            (Some(difference), _) => Err(difference),
            (None, None) => Ok(Checked::Same { lines: self.line }),
            (None, Some(_)) if given_up => Ok(Checked::GivenUp),
            (None, Some(line)) => {
                Err(Difference { line: self.line + 1, first: Some(text(line)), second: None })
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(first: &[&str], second: &[&str]) -> Result<Checked, Difference> {
        compare_until(false, first, second)
    }

    fn compare_until(given_up: bool, first: &[&str], second: &[&str]) -> Result<Checked, Difference> {
        let first: Vec<_> = first.iter().map(|line| line.as_bytes().to_vec()).collect();
        let mut comparison = Comparison { first: &first, line: 0, difference: None };
        let _ = second.iter().try_for_each(|line| comparison.hold(line.as_bytes()));
        comparison.outcome(given_up)
    }

    #[test]
    fn equal_journals_do_not_differ() {
        assert_eq!(compare(&["a\n", "b\n"], &["a\n", "b\n"]), Ok(Checked::Same { lines: 2 }));
    }

    #[test]
    fn what_a_signal_cuts_short_differs_only_where_it_did_before() {
        let first = ["a\n", "b\n"];
        assert_eq!(compare_until(true, &first, &["a\n"]), Ok(Checked::GivenUp));
        assert_eq!(compare_until(true, &first, &first), Ok(Checked::Same { lines: 2 }));
        compare_until(true, &first, &["x\n"]).expect_err("they differ");
    }

    #[test]
    fn the_first_line_that_differs_is_told() {
        let difference = compare(&["a\n", "b\n", "c\n"], &["a\n", "x\n", "y\n"]).expect_err("they differ");
        assert_eq!(
            difference.to_string(),
            "two runs of one seed differ in line 2 of the journal\n  first:  b\n  second: x"
        );
    }

    #[test]
    fn a_journal_that_ends_early_differs() {
        for (first, second) in [(&["a\n"][..], &["a\n", "b\n"][..]), (&["a\n", "b\n"], &["a\n"])] {
            let difference = compare(first, second).expect_err("they differ");
            assert!(difference.to_string().contains("(the journal ends)"), "{difference}");
        }
    }
}
