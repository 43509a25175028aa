//! The colours of the console, each named after what it says.

use anstyle::{AnsiColor, Effects, Style};
use worlds::journal::Status;
use worlds::message::Severity;

/// What frames the story: rules, headers of tables.
pub(super) const FRAME: Style = Style::new().effects(Effects::DIMMED);
/// What should be found at a glance.
pub(super) const STRONG: Style = Style::new().effects(Effects::BOLD);
/// As it should be.
pub(super) const GOOD: Style = colour(AnsiColor::Green);
/// Not as it should be.
pub(super) const POOR: Style = colour(AnsiColor::Yellow);
/// Users are, or soon will be, hurt.
pub(super) const BAD: Style = colour(AnsiColor::Red);
/// A mistake of the user's, or of the program's.
pub(super) const ERROR: Style = colour(AnsiColor::Red).effects(Effects::BOLD);
/// Chaos.
pub(super) const CHAOS: Style = colour(AnsiColor::Magenta);
/// What an SRE says or does.
pub(super) const SRE: Style = colour(AnsiColor::Cyan);

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// Text in a style. Pad it before: escapes have no width.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a server's status.
pub(super) fn of_status(status: Status) -> Style {
    match status {
        Status::Ok => GOOD,
        Status::Warn => POOR,
        Status::Crit => BAD,
        Status::Down => BAD.effects(Effects::BOLD),
    }
}

/// The style of an alert.
pub(super) fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Warning => POOR,
        Severity::Critical => BAD,
    }
}
