//! Files that users write: TOML with a JSON Schema, and everything that is wrong in one told at its place.
//!
//! Three steps, and each reports all it can before the next is tried: the text is TOML; the TOML has the
//! shape and the ranges that the schema states; what it says makes sense together. Values out of range do
//! not keep the third step from running. The first two are here and the same for every sort of file; the
//! third knows what the file is about, and is given the [`Findings`] to go on with.
//!
//! Text in, values out: who reads the file is not said here.

pub(crate) mod canonical;
pub(crate) mod diagnostic;
pub(crate) mod findings;
pub(crate) mod key_path;
pub mod nearest;
pub(crate) mod schema;
mod shape;
mod source;

use diagnostic::{Diagnostic, Severity};
use findings::Findings;
use key_path::KeyPath;
use serde::de::DeserializeOwned;
use serde_json::Value;
use source::Source;
use toml::Spanned;
use toml::de::DeTable;

/// Errors of syntax that are reported: after a few, most are consequences of the first.
const SYNTAX_ERRORS_MAX: usize = 10;

/// A sort of file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sort {
    /// What messages call one, with its article: `the world file`.
    pub noun: &'static str,
    /// What to do about an empty one.
    pub start: &'static str,
    /// Its JSON Schema.
    pub schema: fn() -> &'static Value,
}

/// A file that has its shape: what was found in it so far, and where its keys stand.
pub(crate) struct Draft<'t> {
    source: Source<'t>,
    table: Spanned<DeTable<'t>>,
    /// What was found.
    pub findings: Findings,
}

impl<'t> Draft<'t> {
    /// Reads a text; `label` is what diagnostics call it.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text, when it cannot be made a `T`.
    pub(crate) fn read<T: DeserializeOwned>(
        sort: &Sort,
        label: &'t str,
        text: &'t str,
    ) -> Result<(Self, T), Vec<Diagnostic>> {
        let source = Source::new(label, text);
        let table = toml_of(sort, &source, text)?;
        let mut findings = Findings::default();
        shape::check(sort, table.get_ref(), &mut findings);
        let deserializer = toml::de::Deserializer::from(table.clone());
        let draft = Self { source, table, findings };
        match T::deserialize(deserializer) {
            Ok(value) => Ok((draft, value)),
            // The shape has said the same with a place and advice.
            Err(_) if draft.findings.has_errors() => Err(draft.diagnostics()),
            Err(error) => Err(vec![refused(&draft.source, &error)]),
        }
    }

    /// Whether a key is written in the file.
    pub(crate) fn holds(&self, path: &KeyPath) -> bool {
        self.source.holds(&self.table, path)
    }

    /// What was found, as a whole: an error where the file is no good, else the warnings.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub(crate) fn verdict(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let has_errors = self.findings.has_errors();
        let diagnostics = self.diagnostics();
        if has_errors { Err(diagnostics) } else { Ok(diagnostics) }
    }

    /// The errors with their places; the warnings where there are no errors, since they may follow
    /// from these.
    fn diagnostics(self) -> Vec<Diagnostic> {
        let Self { source, table, findings } = self;
        let worst = if findings.has_errors() { Severity::Error } else { Severity::Warning };
        let problems = findings.into_problems().into_iter().filter(|problem| problem.severity == worst);
        in_order(problems.map(|problem| source.locate(&table, problem)).collect())
    }
}

fn toml_of<'t>(
    sort: &Sort,
    source: &Source<'_>,
    text: &'t str,
) -> Result<Spanned<DeTable<'t>>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| refused(source, error)).collect();
        let mut errors = in_order(errors);
        errors.dedup_by_key(|error| error.line);
        errors.truncate(SYNTAX_ERRORS_MAX);
        return Err(errors);
    }
    if table.get_ref().is_empty() {
        let message = format!("{} is empty", sort.noun);
        return Err(vec![source.error_at(0, message, Some(sort.start.to_owned()))]);
    }
    Ok(table)
}

fn refused(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let offset = error.span().map_or(0, |span| span.start);
    source.error_at(offset, error.message().to_owned(), None)
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics
}
