//! The console: tells people the story of a run while it happens, and what it came to.
//!
//! [`Console`] is told what [`crate::recording`] is told, and writes lines. What the lines say is
//! worked out without any output: [`opening`], [`story`] and [`ending`] give lines for values. The
//! writer is whoever's: a terminal's, a pipe's, a test's buffer. Colours are taken out where they
//! are not wanted.

pub(crate) mod bench;
mod by_hand;
pub(crate) mod call_graph;
pub(crate) mod catalogue;
pub(crate) mod drill;
mod ending;
pub(crate) mod figure;
mod ink;
mod kinds;
pub(crate) mod layout;
mod opening;
mod progress;
pub(crate) mod running;
pub(crate) mod scenarios;
pub(crate) mod schedule;
mod servers;
pub(crate) mod sre_check;
mod story;

pub(crate) use layout::fitting;
pub(crate) use opening::kind_and_skill;
pub(crate) use progress::Progress;
pub(crate) use story::{diagnosis, end_text, message_text, outcome_text};

use crate::config::{Detail, RunConfig};
use crate::event::Event;
use crate::result::RunResult;
use crate::stdio;
use ink::paint;
use std::io::{self, IsTerminal as _, Write};
use story::Story;

/// What went wrong, as clap writes it.
pub(crate) fn error_line(error: &str) -> String {
    format!("{} {error}", paint(ink::ERROR, "error:"))
}

/// A warning as the program's own messages are, for standard error.
pub(crate) fn warning_line(warning: &str) -> String {
    format!("{} {warning}", paint(ink::POOR, "warning:"))
}

/// What to do about it, as clap writes it.
pub(crate) fn tip_line(tip: &str) -> String {
    format!("\n  {} {tip}", paint(ink::TIP, "tip:"))
}

/// Says on standard error that somebody is waited for who may take as long as it likes.
pub(crate) fn tell_wait(agent: &str) {
    // A bar that may be there is drawn again at its next step.
    let over_a_bar = if io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    let line = format!("Waiting for {agent} to answer: Ctrl-C ends this, --sre-deadline limits it.");
    // Where standard error is closed nobody wonders.
    let _ = stdio::standard_error().print(&[format!("{over_a_bar}{line}")]);
}

/// A determinism check found no difference.
pub(crate) fn same_twice(lines: usize) -> Vec<String> {
    let lines = figure::count(lines as u64);
    vec![String::new(), format!("Run twice: the same {lines} lines of the journal.")]
}

/// A determinism check was ended by a signal.
pub(crate) fn not_compared() -> Vec<String> {
    vec![String::new(), "Not run twice to the end: a signal ended the second run.".to_owned()]
}

/// Where lines go, and how they may look.
pub(crate) struct Paper<W> {
    /// The writer.
    pub out: W,
    /// Whether it takes colours.
    pub colour: bool,
    /// Columns to lay lines out for.
    pub width: usize,
}

impl<W: Write> Paper<W> {
    /// Writes lines and makes sure that they are seen.
    pub(crate) fn print(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines {
            if self.colour {
                writeln!(self.out, "{line}")?;
            } else {
                writeln!(self.out, "{}", anstream::adapter::strip_str(line))?;
            }
        }
        self.out.flush()
    }
}

/// Tells the story of one run.
pub(crate) struct Console<W> {
    paper: Paper<W>,
    detail: Detail,
    story: Story,
}

impl<W: Write> Console<W> {
    /// A console for one run.
    pub(crate) fn new(paper: Paper<W>, config: &RunConfig) -> Self {
        let story = Story::new(config, paper.width);
        Self { paper, detail: config.output.detail, story }
    }

    /// A console for a quiet run, for the little that has to be said even so.
    pub(crate) fn of_notices(paper: Paper<W>, config: &RunConfig) -> Self {
        let story = Story::of_notices(config, paper.width);
        Self { paper, detail: Detail::Normal, story }
    }

    /// Before anything runs: what will be run, the seed first.
    pub(crate) fn begin(&mut self, config: &RunConfig) -> io::Result<()> {
        if self.detail == Detail::Quiet {
            return Ok(());
        }
        let lines = opening::lines(config, self.paper.width);
        self.paper.print(&lines)
    }

    /// Whether it tells of rounds.
    pub(crate) fn follows(&self) -> bool {
        self.detail != Detail::Quiet
    }

    /// Something happened.
    pub(crate) fn tell(&mut self, event: &Event) -> io::Result<()> {
        if !self.follows() {
            return Ok(());
        }
        let lines = self.story.lines(event);
        if lines.is_empty() { Ok(()) } else { self.paper.print(&lines) }
    }

    /// Something to say that is no event.
    pub(crate) fn print(&mut self, lines: &[String]) -> io::Result<()> {
        self.paper.print(lines)
    }

    /// The run is over.
    pub(crate) fn end(&mut self, result: &RunResult) -> io::Result<()> {
        if self.detail != Detail::Quiet {
            self.paper.print(&[String::new()])?;
        }
        self.paper.print(&ending::lines(result, self.paper.width, self.detail))
    }
}
