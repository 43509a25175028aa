//! How lines are laid out: rules, label columns and tables that fit the width.

use super::ink::{self, paint};

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
pub(crate) fn rule(title: &str, width: usize) -> String {
    let dashes = width.saturating_sub(title.chars().count() + 4);
    let frame = |text: &str| paint(ink::FRAME, text);
    format!("{} {} {}", frame("──"), paint(ink::STRONG, title), frame(&"─".repeat(dashes)))
}

/// A rule with a title, something in the middle of it, which may be nothing, and something at its
/// end; `None` when these do not fit the width. All may be painted.
pub(super) fn rule_between(title: &str, middle: &str, end: &str, width: usize) -> Option<String> {
    let frame = |text: &str| paint(ink::FRAME, text);
    let middle = if middle.is_empty() { String::new() } else { format!(" {} {middle}", frame("──")) };
    let taken = width_of(title) + width_of(&middle) + width_of(end) + 5;
    let dashes = width.checked_sub(taken).filter(|dashes| *dashes >= 2)?;
    let title = paint(ink::STRONG, title);
    Some(format!("{} {title}{middle} {} {end}", frame("──"), frame(&"─".repeat(dashes))))
}

/// A fact with its label, its further lines under the first.
pub(crate) fn fact(label: &str, text: &str, width: usize) -> Vec<String> {
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
pub(crate) struct Column<'a> {
    /// What stands over it.
    pub title: &'a str,
    /// Figures stand right, words left.
    is_figures: bool,
}

/// A column of words.
pub(crate) const fn words(title: &str) -> Column<'_> {
    Column { title, is_figures: false }
}

/// A column of figures.
pub(crate) const fn figures(title: &str) -> Column<'_> {
    Column { title, is_figures: true }
}

/// Blanks between two columns; one where it is narrow.
const GAP: usize = 2;

/// Words are never cut to less than this.
const WORD_MIN: usize = 6;

/// The lines of a table: a header and rows, indented by two, without any frame. Cells may be
/// painted. Each row is one line: where the width is not enough, the longest words are cut off.
pub(crate) fn table(
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
    width: usize,
) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let cells = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let widest = |(index, column): (usize, &Column<'_>)| {
        cells(index).map(|cell| width_of(cell)).max().unwrap_or_default().max(column.title.chars().count())
    };
    let mut widths: Vec<usize> = columns.iter().enumerate().map(widest).collect();
    let gap = if total(&widths, GAP) > width { 1 } else { GAP };
    fit(columns, &mut widths, gap, width);
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(columns).zip(&widths).map(|((cell, column), width)| {
            let cell = cut(cell, *width);
            let blanks = " ".repeat(width - width_of(&cell));
            if column.is_figures { format!("{blanks}{cell}") } else { format!("{cell}{blanks}") }
        });
        let line = padded.collect::<Vec<_>>().join(&" ".repeat(gap));
        format!("  {}", line.trim_end())
    };
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    let rows = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    [paint(ink::FRAME, &line(&titles))].into_iter().chain(rows).collect()
}

/// The width of a row.
fn total(widths: &[usize], gap: usize) -> usize {
    2 + widths.iter().sum::<usize>() + gap * widths.len().saturating_sub(1)
}

/// Takes from the widest column of words until all fit, or no words are long any more.
fn fit(columns: &[Column<'_>], widths: &mut [usize], gap: usize, width: usize) {
    while total(widths, gap) > width {
        let words = (0..columns.len()).filter(|index| !columns[*index].is_figures);
        match words.max_by_key(|index| widths[*index]) {
            Some(widest) if widths[widest] > WORD_MIN => widths[widest] -= 1,
            _ => return,
        }
    }
}

/// How many columns a text takes that may be painted.
pub(crate) fn width_of(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Cuts a text off; a painted one that has to be cut loses its paint.
fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let plain = anstream::adapter::strip_str(text).to_string();
    plain.chars().take(width.saturating_sub(1)).chain(['…']).collect()
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
    fn paint_takes_no_place_in_a_table() {
        let rows = [vec![paint(ink::GOOD, "web"), "5".to_owned()], vec!["db".to_owned(), "6".to_owned()]];
        let lines = table(&[words("Server"), figures("N")], rows, 80);
        assert_eq!(plain(&lines), ["  Server  N", "  web     5", "  db      6"]);
    }

    #[test]
    fn a_narrow_table_cuts_words_off_and_breaks_none() {
        let rows = [vec!["network_partition".to_owned(), "a".to_owned(), "123".to_owned()]];
        let columns = [words("Incident"), words("Where"), figures("N")];
        assert_eq!(plain(&table(&columns, rows.clone(), 29))[1], "  network_partition a     123");
        assert_eq!(plain(&table(&columns, rows, 24))[1], "  network_par… a     123");
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
