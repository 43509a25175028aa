//! How far something is, and how long it will still take: on standard error, where that is a
//! terminal, for whatever takes longer than one likes to wait without a word.

use crate::event::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
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
        Self::seen_if(std::io::stderr().is_terminal(), what, steps)
    }

    /// The same, where it is known whether anybody would see it.
    pub(crate) fn seen_if(is_seen: bool, what: impl Into<String>, steps: u64) -> Self {
        let bar = is_seen.then(|| Bar::of(what.into(), steps, Instant::now()));
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
            bar.look(Instant::now(), String::new);
        }
    }

    /// So many steps are done.
    pub(crate) fn reach(&mut self, done: u64) {
        if let Some(bar) = &mut self.bar {
            bar.done = done;
            bar.look(Instant::now(), String::new);
        }
    }

    /// Something happened in a run.
    pub(crate) fn tell(&mut self, event: &Event) {
        let (Some(bar), Event::RoundPlayed { requests }) = (&mut self.bar, event) else { return };
        self.requests.total += requests.total;
        self.requests.good += requests.good;
        bar.done += 1;
        let requests = self.requests;
        bar.look(Instant::now(), || {
            format!("{} served  ", super::figure::percent(requests.availability_pct()))
        });
    }
}

impl Bar {
    fn of(what: String, steps: u64, now: Instant) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        let style =
            ProgressStyle::with_template("{prefix} {human_pos} of {human_len} {wide_bar} {msg}{eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(what);
        Self { bar, done: 0, began: now, looked: now, is_shown: false }
    }

    /// Draws the bar, if it is time.
    fn look(&mut self, now: Instant, message: impl FnOnce() -> String) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a bar that began at 0 is shown after looks at these times, and what it says then.
    fn looked_at(milliseconds: &[u64]) -> (bool, u64, String) {
        let began = Instant::now();
        let mut bar = Bar::of("round".to_owned(), 1000, began);
        for (done, time) in (1..).zip(milliseconds) {
            bar.done = done;
            bar.look(began + Duration::from_millis(*time), || format!("at {time}"));
        }
        (bar.is_shown, bar.bar.position(), bar.bar.message())
    }

    #[test]
    fn what_is_over_soon_shows_no_bar() {
        assert_eq!(looked_at(&[]), (false, 0, String::new()));
        assert_eq!(looked_at(&[100, 499]), (false, 2, String::new()));
    }

    #[test]
    fn what_takes_long_shows_how_far_it_is() {
        assert_eq!(looked_at(&[500]), (true, 1, "at 500".to_owned()));
        assert_eq!(looked_at(&[100, 499, 549]), (true, 3, "at 549".to_owned()));
    }

    #[test]
    fn a_bar_is_drawn_no_more_often_than_one_can_see() {
        assert_eq!(looked_at(&[600, 649]), (true, 1, "at 600".to_owned()));
        assert_eq!(looked_at(&[600, 649, 650]), (true, 3, "at 650".to_owned()));
    }
}
