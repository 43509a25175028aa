//! The console: tells people the story of a run while it happens, and what it came to.
//!
//! [`Console`] is told what [`crate::recording`] is told, and writes lines. What the lines say is
//! worked out without any output: [`opening`], [`story`] and [`ending`] give lines for values. The
//! writer is whoever's: a terminal's, a pipe's, a test's buffer. Colours are taken out where they
//! are not wanted.

mod by_hand;
mod ending;
pub(crate) mod figure;
mod ink;
mod layout;
mod opening;
mod progress;
pub(crate) mod running;
pub(crate) mod schedule;
mod story;

pub(crate) use layout::fitting;
pub(crate) use progress::Progress;

use crate::config::{Detail, RunConfig};
use crate::event::Event;
use crate::result::RunResult;
use ink::paint;
use std::io::{self, Write};
use story::Story;
use worlds::journal::Record;

/// What went wrong, as clap writes it.
pub(crate) fn error_line(error: &str) -> String {
    format!("{} {error}", paint(ink::ERROR, "error:"))
}

/// What to do about it, as clap writes it.
pub(crate) fn tip_line(tip: &str) -> String {
    format!("\n  {} {tip}", paint(ink::GOOD, "tip:"))
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
    /// Lines of the round so far: a round is written at once.
    unwritten: Vec<String>,
}

impl<W: Write> Console<W> {
    /// A console for one run.
    pub(crate) fn new(paper: Paper<W>, config: &RunConfig) -> Self {
        let names = config.world.definition.servers.iter().map(|server| server.name.chars().count());
        let detail = config.output.detail;
        let story = Story::new(config.plan.rounds, names.max().unwrap_or_default(), paper.width, detail);
        Self { paper, detail, story, unwritten: Vec::new() }
    }

    /// A console for a quiet run, for the little that has to be said even so.
    pub(crate) fn of_notices(paper: Paper<W>, config: &RunConfig) -> Self {
        let mut console = Self::new(paper, config);
        console.detail = Detail::Normal;
        console.story.announce_no_agents();
        console
    }

    /// Before anything runs: what will be run, the seed first.
    pub(crate) fn begin(&mut self, config: &RunConfig) -> io::Result<()> {
        if self.detail == Detail::Quiet {
            return Ok(());
        }
        let lines = opening::lines(config, self.paper.width);
        self.paper.print(&lines)
    }

    /// Something happened.
    pub(crate) fn tell(&mut self, event: &Event) -> io::Result<()> {
        if self.detail == Detail::Quiet {
            return Ok(());
        }
        self.unwritten.extend(self.story.lines(event));
        let is_due = match event {
            Event::Entry(entry) => matches!(entry.record, Record::RoundClosed { .. }),
            _ => true,
        };
        if is_due { self.write_out() } else { Ok(()) }
    }

    /// Something to say that is no event.
    pub(crate) fn print(&mut self, lines: &[String]) -> io::Result<()> {
        self.paper.print(lines)
    }

    /// The run is over.
    pub(crate) fn end(&mut self, result: &RunResult) -> io::Result<()> {
        self.write_out()?;
        if self.detail != Detail::Quiet {
            self.paper.print(&[String::new()])?;
        }
        self.paper.print(&ending::lines(result, self.paper.width, self.detail))
    }

    fn write_out(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.unwritten);
        self.paper.print(&lines)
    }
}
