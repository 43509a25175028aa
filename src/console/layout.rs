//! How lines are laid out: rules, label columns and tables that fit the width.

use super::ink::{self, paint};
use comfy_table::{CellAlignment, ContentArrangement, Row, Table, presets};

/// Width of what does not go to a terminal.
pub(super) const WIDTH_DEFAULT: usize = 80;
/// The narrowest width that anything is laid out for.
const WIDTH_MIN: usize = 60;
/// Wider than this, lines are hard to follow.
const WIDTH_MAX: usize = 120;
/// Width of the labels in front of facts.
const LABEL: usize = 14;

/// A width that can be laid out for.
pub(crate) fn fitting(columns: Option<usize>) -> usize {
    columns.unwrap_or(WIDTH_DEFAULT).clamp(WIDTH_MIN, WIDTH_MAX)
}

/// A rule with a title in it.
pub(super) fn rule(title: &str, width: usize) -> String {
    let dashes = width.saturating_sub(title.chars().count() + 4);
    let frame = |text: &str| paint(ink::FRAME, text);
    format!("{} {} {}", frame("──"), paint(ink::STRONG, title), frame(&"─".repeat(dashes)))
}

/// A fact with its label, its further lines under the first.
pub(super) fn fact(label: &str, text: &str, width: usize) -> Vec<String> {
    let first = |index: usize| if index == 0 { label } else { "" };
    let lines = wrapped(text, width.saturating_sub(LABEL + 2));
    lines.iter().enumerate().map(|(index, line)| format!("  {:<LABEL$}{line}", first(index))).collect()
}

/// Text broken at blanks.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map(|line| line.chars().count()).unwrap_or_default();
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands over it.
    pub title: &'static str,
    /// Figures stand right, words left.
    pub alignment: CellAlignment,
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Left }
}

/// A column of figures.
pub(crate) const fn figures(title: &'static str) -> Column {
    Column { title, alignment: CellAlignment::Right }
}

/// The lines of a table: a header and rows, indented by two, without any frame.
pub(crate) fn table(
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<String>>,
    width: usize,
) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(Row::from(columns.iter().map(|column| column.title).collect::<Vec<_>>()))
        .add_rows(rows);
    for (index, column) in columns.iter().enumerate() {
        if let Some(styled) = table.column_mut(index) {
            styled.set_padding((2, 0)).set_cell_alignment(column.alignment);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.enumerate().map(|(index, line)| if index == 0 { paint(ink::FRAME, &line) } else { line }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn a_table_aligns_words_left_and_figures_right() {
        let rows = [vec!["web-1".to_owned(), "5".to_owned()], vec!["db".to_owned(), "123".to_owned()]];
        let lines = table(&[words("Server"), figures("N")], rows, 80);
        assert_eq!(plain(&lines), ["  Server    N", "  web-1     5", "  db      123"]);
    }

    #[test]
    fn a_rule_is_as_wide_as_asked_for() {
        let line = plain(&[rule("Round 1", 60)]).remove(0);
        assert!(line.starts_with("── Round 1 ──"));
        assert_eq!(line.chars().count(), 60);
    }

    #[test]
    fn long_facts_go_on_under_their_beginning() {
        let lines = fact("Servers", "one two three four", 26);
        assert_eq!(lines, ["  Servers       one two", "                three four"]);
    }
}
