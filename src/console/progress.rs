//! How far something is, and how long it will still take: on standard error, where that is a
//! terminal, for whatever takes longer than one likes to wait without a word.

use crate::event::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use worlds::journal::Record;
use worlds::outcome::Requests;

/// What is over before this needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// From one look at the clock's hand to the next: as often as a bar is worth drawing.
const PAUSE: Duration = Duration::from_millis(50);

/// A bar for something that is done in steps. It shows itself when that takes a while.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` where nobody would see it.
    bar: Option<Bar>,
    requests: Requests,
}

#[derive(Debug)]
struct Bar {
    bar: ProgressBar,
    done: u64,
    began: Instant,
    looked: Instant,
    is_shown: bool,
}

impl Progress {
    /// For so many steps of something.
    pub(crate) fn of(what: impl Into<String>, steps: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| Bar::of(what.into(), steps));
        Self { bar, requests: Requests::default() }
    }

    /// A bar for a run's rounds. The seed stands before it, in case the run never ends.
    pub(crate) fn of_rounds(rounds: u32, seed: u64) -> Self {
        Self::of(format!("seed {seed}, round"), u64::from(rounds))
    }

    /// Takes the bar away for as long as something else is written where it is.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.bar.suspend(write),
            None => write(),
        }
    }

    /// Whether anybody would see it.
    pub(crate) fn is_visible(&self) -> bool {
        self.bar.is_some()
    }

    /// A step is done.
    pub(crate) fn step(&mut self) {
        if let Some(bar) = &mut self.bar {
            bar.done += 1;
            bar.look(String::new);
        }
    }

    /// So many steps are done.
    pub(crate) fn reach(&mut self, done: u64) {
        if let Some(bar) = &mut self.bar {
            bar.done = done;
            bar.look(String::new);
        }
    }

    /// Something happened in a run.
    pub(crate) fn tell(&mut self, event: &Event) {
        let (Some(bar), Event::Entry(entry)) = (&mut self.bar, event) else { return };
        if let Record::RoundClosed { total, good, .. } = entry.record {
            self.requests.total += total;
            self.requests.good += good;
            bar.done += 1;
            let requests = self.requests;
            bar.look(|| format!("{} served  ", super::figure::percent(requests.availability_pct())));
        }
    }
}

impl Bar {
    fn of(what: String, steps: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        let style =
            ProgressStyle::with_template("{prefix} {human_pos} of {human_len} {wide_bar} {msg}{eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what);
        let now = Instant::now();
        Self { bar, done: 0, began: now, looked: now, is_shown: false }
    }

    /// Draws the bar, if it is time.
    fn look(&mut self, message: impl FnOnce() -> String) {
        let now = Instant::now();
        if now - self.looked < PAUSE {
            return;
        }
        self.looked = now;
        self.bar.set_position(self.done);
        if now - self.began >= PATIENCE {
            self.bar.set_message(message());
            if !std::mem::replace(&mut self.is_shown, true) {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            self.bar.tick();
        }
    }
}

impl Drop for Progress {
    /// The line is free again.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.bar.finish_and_clear();
        }
    }
}
