//! The log: what the daemon tells of itself, on the console and in a file.
//!
//! A line of the file is `2026-03-29T01:59:59.999+01:00 INFO  daemon::crew::foreman:215 text name=value`: when
//! by the wall clock of the configured zone, how serious, which line of the program, and what. The console has
//! the same without the milliseconds and the place. An event is one line, whatever is in it: words come from
//! targets too, so nothing in them reaches a terminal as a command, or looks like another line ([`days::shown`]).
//!
//! Lines are written by whoever tells them, before the telling returns; there is no queue that a killed process
//! would lose. What cannot be written is counted, and told when it can be again ([`RotatingFile`]).

mod line;
mod rotation;

pub use rotation::{Limits, RotatingFile};

use crate::clock::Clock;
use days::config::settings::{Log, LogLevel};
use jiff::tz::TimeZone;
use line::{Dress, Line};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its file cannot be opened.
    #[error("cannot open the log {path}: {source}")]
    File {
        /// Its path, as it is shown.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The process has one already.
    #[error("this process has a log already")]
    Twice,
}

/// Times of lines: the clock, and the zone in which it is read.
#[derive(Clone, Debug)]
pub struct Stamps {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The zone.
    pub zone: TimeZone,
}

/// The log of a process, for whoever wants to know how it goes.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Mutex<RotatingFile>>);

impl Guard {
    /// Lines that could not be written, and of which the file does not tell yet.
    pub fn unwritten(&self) -> u64 {
        locked(&self.0).unwritten()
    }
}

fn locked(file: &Mutex<RotatingFile>) -> MutexGuard<'_, RotatingFile> {
    // A thread that panicked amid a line leaves at most a line that is not whole.
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this the log of the process: once, and for as long as it lives. A quiet console is told nothing.
///
/// # Errors
/// If the file cannot be opened, or there is a log already.
pub fn install(
    settings: &Log,
    path: &Path,
    stamps: Stamps,
    is_console_quiet: bool,
) -> Result<Guard, LogError> {
    let console = (!is_console_quiet).then(|| Console::of_process(stamps.clone()));
    let (subscriber, guard) = subscriber(settings, path, stamps, console)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
    Ok(guard)
}

/// The log as a subscriber, for a process or a test.
///
/// # Errors
/// If the file cannot be opened.
pub fn subscriber(
    settings: &Log,
    path: &Path,
    stamps: Stamps,
    console: Option<Console>,
) -> Result<(impl Subscriber + Send + Sync + use<>, Guard), LogError> {
    let limits = Limits { bytes_max: settings.max_bytes, keep: settings.keep };
    let file = RotatingFile::open(path, limits)
        .map_err(|source| LogError::File { path: path.display().to_string(), source })?;
    let file = Arc::new(Mutex::new(file));
    let in_file = InFile { file: Arc::clone(&file), stamps };
    let subscriber = Registry::default()
        .with(in_file.with_filter(filter(settings.file_level)))
        .with(console.map(|console| console.with_filter(filter(settings.console_level))));
    Ok((subscriber, Guard(file)))
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// What goes into the file.
struct InFile {
    file: Arc<Mutex<RotatingFile>>,
    stamps: Stamps,
}

impl<S: Subscriber> Layer<S> for InFile {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // The instant is taken in turn, so that the lines of a file are in the order of their times.
        let mut file = locked(&self.file);
        let now = self.stamps.clock.wall().to_zoned(self.stamps.zone.clone());
        let line = Line::of(event, &now).dressed(Dress::File);
        file.tell(&line, |unwritten| {
            let text = unwritten.to_string();
            Line::own(&now, module_path!(), line!(), &text).dressed(Dress::File)
        });
    }
}

/// What goes to the console.
#[derive(Debug)]
pub struct Console {
    stamps: Stamps,
    is_coloured: bool,
    out: ConsoleOut,
}

#[derive(Debug)]
enum ConsoleOut {
    StandardError,
    #[cfg(test)]
    Kept(Arc<Mutex<Vec<u8>>>),
}

impl Console {
    /// Standard error, in colours if that is a terminal that is not to be without (`NO_COLOR`).
    pub fn of_process(stamps: Stamps) -> Self {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_coloured = !is_plain && io::stderr().is_terminal();
        Self { stamps, is_coloured, out: ConsoleOut::StandardError }
    }

    fn write(&self, line: &str) -> io::Result<()> {
        match &self.out {
            ConsoleOut::StandardError => io::stderr().lock().write_all(line.as_bytes()),
            #[cfg(test)]
            ConsoleOut::Kept(kept) => kept.lock().map_or(Ok(()), |mut kept| kept.write_all(line.as_bytes())),
        }
    }
}

impl<S: Subscriber> Layer<S> for Console {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = self.stamps.clock.wall().to_zoned(self.stamps.zone.clone());
        let dress = if self.is_coloured { Dress::Colours } else { Dress::Plain };
        // A console that is gone is nothing to stop for: the file has it all.
        let _ = self.write(&Line::of(event, &now).dressed(dress));
    }
}

#[cfg(test)]
mod tests;
