//! The text of a file, and where its keys stand in it.

use crate::diagnostic::{Diagnostic, Severity};
use crate::findings::Problem;
use crate::key_path::{KeyPath, Segment};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text with a name, that knows its lines.
pub(crate) struct Source<'t> {
    label: &'t str,
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(label: &'t str, text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { label, text, line_starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// A problem at a key, with the place where the key stands; what is missing is reported at the
    /// table that should hold it.
    pub(crate) fn locate(&self, table: &Spanned<DeTable<'_>>, problem: Problem) -> Diagnostic {
        let span = span_of(table, &problem.path);
        let (line, column) = self.position(span.start);
        Diagnostic {
            file: self.label.to_owned(),
            line,
            column,
            severity: problem.severity,
            key: problem.path.to_string(),
            message: problem.message,
            hint: problem.hint,
        }
    }

    /// An error at a place that has no key.
    pub(crate) fn error_at(&self, offset: usize, message: String, hint: Option<String>) -> Diagnostic {
        let (line, column) = self.position(offset);
        Diagnostic {
            file: self.label.to_owned(),
            line,
            column,
            severity: Severity::Error,
            key: String::new(),
            message,
            hint,
        }
    }

    /// Whether a key is written in the file.
    pub(crate) fn holds(&self, table: &Spanned<DeTable<'_>>, path: &KeyPath) -> bool {
        walked(table, path).1
    }

    /// Line and column, from 1, the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let before = self.text.get(self.line_starts[line - 1]..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// Where the path leads, as far as the file goes along with it. A key stands where its name does,
/// an element of an array where its value does.
fn span_of(table: &Spanned<DeTable<'_>>, path: &KeyPath) -> Range<usize> {
    walked(table, path).0
}

/// The same, and whether the file goes along to its end.
fn walked(table: &Spanned<DeTable<'_>>, path: &KeyPath) -> (Range<usize>, bool) {
    let Some((Segment::Key(first), rest)) = path.segments().split_first() else {
        return (0..0, true);
    };
    let Some((key, mut value)) = table.get_ref().get_key_value(first.as_str()) else {
        return (0..0, false);
    };
    // The table that the last key found holds: its header, where a missing key is reported.
    let mut span = key.span();
    for segment in rest {
        let next = match (segment, value.get_ref()) {
            (Segment::Key(key), DeValue::Table(table)) => {
                table.get_key_value(key.as_str()).map(|(key, value)| (key.span(), value))
            }
            (Segment::Index(index), DeValue::Array(array)) => {
                array.get(*index).map(|value| (value.span(), value))
            }
            _ => None,
        };
        let Some((found, inner)) = next else {
            return (span, false);
        };
        (span, value) = (found, inner);
    }
    (span, true)
}
