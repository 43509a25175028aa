//! The colours of the console, each named after what it says.
//!
//! Only what is not as usual is coloured. Of the sixteen colours that every terminal has, red and
//! magenta can be read as text on a dark background as well as on a light one; yellow, green and
//! cyan cannot. So yellow and green are used as a background, below black.

use anstyle::{AnsiColor, Effects, Style};
use worlds::journal::Status;
use worlds::message::Severity;

/// What frames the story: rules, headers of tables.
pub(super) const FRAME: Style = Style::new().effects(Effects::DIMMED);
/// What should be found at a glance.
pub(super) const STRONG: Style = Style::new().effects(Effects::BOLD);
/// Nothing special.
pub(super) const PLAIN: Style = Style::new();
/// As it should be again.
pub(super) const GOOD: Style = below_black(AnsiColor::Green);
/// Not as it should be.
pub(super) const POOR: Style = below_black(AnsiColor::Yellow);
/// Users are, or soon will be, hurt.
pub(super) const BAD: Style = colour(AnsiColor::Red);
/// Gone, or out of reach.
pub(super) const LOST: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::BrightWhite)))
    .bg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// A mistake of the user's, or of the program's.
pub(super) const ERROR: Style = colour(AnsiColor::Red).effects(Effects::BOLD);
/// Chaos.
pub(super) const CHAOS: Style = colour(AnsiColor::Magenta);
/// What to do about a mistake.
pub(super) const TIP: Style = Style::new().effects(Effects::BOLD);

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

const fn below_black(colour: AnsiColor) -> Style {
    let black = Some(anstyle::Color::Ansi(AnsiColor::Black));
    Style::new().fg_color(black).bg_color(Some(anstyle::Color::Ansi(colour)))
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
        Status::Down => LOST,
    }
}

/// The style of an alert.
pub(super) fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Warning => POOR,
        Severity::Critical => BAD,
    }
}
