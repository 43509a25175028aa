//! The colours of the console, each named after what it says.

use anstyle::{AnsiColor, Effects, Style};
use worlds::journal::Status;
use worlds::message::Severity;

/// What frames the story: rules, headers of tables.
pub const FRAME: Style = Style::new().effects(Effects::DIMMED);
/// What should be found at a glance.
pub const STRONG: Style = Style::new().effects(Effects::BOLD);
/// As it should be.
pub const GOOD: Style = colour(AnsiColor::Green);
/// Not as it should be.
pub const POOR: Style = colour(AnsiColor::Yellow);
/// Users are, or soon will be, hurt.
pub const BAD: Style = colour(AnsiColor::Red);
/// Chaos.
pub const CHAOS: Style = colour(AnsiColor::Magenta);
/// What an SRE says or does.
pub const SRE: Style = colour(AnsiColor::Cyan);

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// Text in a style. Pad it before: escapes have no width.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a server's status.
pub fn of_status(status: Status) -> Style {
    match status {
        Status::Ok => GOOD,
        Status::Warn => POOR,
        Status::Crit => BAD,
        Status::Down => BAD.effects(Effects::BOLD),
    }
}

/// The style of an alert.
pub fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Warning => POOR,
        Severity::Critical => BAD,
    }
}
