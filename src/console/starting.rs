//! While agents are started: how many are here, on standard error.
//!
//! Drawn only on a terminal, and only when starting takes so long that somebody would wonder.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// What nobody wonders about.
const UNREMARKABLE: Duration = Duration::from_secs(1);

/// A bar that follows the agents, once it is worth it.
#[derive(Debug)]
pub(crate) struct Starting {
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Starting {
    /// The first is about to be started.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), bar: None }
    }

    /// So many are here.
    pub(crate) fn tell(&mut self, here: usize, of: usize) {
        if self.bar.is_none() && self.began.elapsed() >= UNREMARKABLE {
            self.bar = Some(bar(of));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(of as u64);
            bar.set_position(here as u64);
        }
    }
}

impl Drop for Starting {
    /// The line is free again.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(of: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(of as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("starting agents  {pos} of {len} {wide_bar} {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
