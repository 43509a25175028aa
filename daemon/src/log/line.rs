//! How an event is written: one line, whatever is in it.

use days::shown::Shown;
use jiff::Zoned;
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Characters of an event's text that are written: an error with all that led to it is shorter, and what is
/// longer is an answer that somebody put into one.
const TEXT_CHARS_MAX: usize = 16_000;

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    /// With milliseconds, offset and place.
    File,
    /// For people who look on.
    Plain,
    /// The same, for a terminal.
    Colours,
}

/// A line that is to be written.
#[derive(Debug)]
pub(super) struct Line<'e> {
    now: &'e Zoned,
    level: Level,
    module: &'e str,
    line: u32,
    text: String,
}

impl<'e> Line<'e> {
    /// Of an event.
    pub(super) fn of(event: &Event<'e>, now: &'e Zoned) -> Self {
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        Self {
            now,
            level: *metadata.level(),
            module: metadata.module_path().unwrap_or_else(|| metadata.target()),
            line: metadata.line().unwrap_or_default(),
            text: text.whole(),
        }
    }

    /// A warning of the log itself.
    pub(super) fn own(now: &'e Zoned, module: &'e str, line: u32, text: &str) -> Self {
        Self { now, level: Level::WARN, module, line, text: text.to_owned() }
    }

    /// As it is written, with its newline.
    pub(super) fn dressed(&self, dress: Dress) -> String {
        let Self { now, level, module, line, .. } = self;
        let text = Shown { words: &self.text, chars_max: TEXT_CHARS_MAX };
        // `Level` does not fill a width by itself.
        let word = level.as_str();
        match dress {
            Dress::File => {
                let when = now.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z");
                format!("{when} {word:<5} {module}:{line} {text}\n")
            }
            Dress::Plain => format!("{} {word:<5} {text}\n", now.strftime("%Y-%m-%d %H:%M:%S")),
            Dress::Colours => {
                let when = now.strftime("%Y-%m-%d %H:%M:%S");
                format!("\x1b[2m{when}\x1b[0m \x1b[{}m{word:<5}\x1b[0m {text}\n", colour(*level))
            }
        }
    }
}

/// The colour of a level, by its number in ANSI X3.64.
fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// The message of an event, and its other fields after it.
#[derive(Debug, Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn whole(self) -> String {
        self.message + &self.fields
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing into a text fails for no reason but a `Display` that does.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}
