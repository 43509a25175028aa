//! `--quiet` on a terminal: how far the run is, on standard error.

use crate::event::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use worlds::journal::Record;
use worlds::outcome::Requests;

/// A bar that follows the rounds; where standard error is no terminal, nothing is drawn.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    requests: Requests,
}

impl Progress {
    /// A bar for so many rounds. The seed stands before it, in case the run never ends.
    pub(crate) fn new(rounds: u32, seed: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(u64::from(rounds)), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix}  round {pos} of {len} {wide_bar} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("seed {seed}"));
        Self { bar, requests: Requests::default() }
    }

    /// Takes the bar away for as long as something else is written where it is.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Whether anybody sees it.
    pub(crate) fn is_visible(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Before the first round: so many agents are here.
    pub(crate) fn starting(&self, here: usize, of: usize) {
        self.bar.set_message(format!("{here} of {of} agents"));
    }

    /// Something happened.
    pub(crate) fn tell(&mut self, event: &Event) {
        let Event::Entry(entry) = event else { return };
        if let Record::RoundClosed { total, good, .. } = entry.record {
            self.requests.total += total;
            self.requests.good += good;
            self.bar.set_message(super::figure::percent(self.requests.availability_pct()));
            self.bar.inc(1);
        }
    }
}

impl Drop for Progress {
    /// The line is free again.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
