//! From the text of a world file to a definition that makes sense, or to everything that is wrong
//! with it.
//!
//! Three steps, and each reports all it can before the next is tried: the text is TOML; the TOML
//! has the shape and the ranges that the schema states; what it says makes sense together. Values
//! out of range do not keep the third step from running. Text in, values out: who reads the file
//! is not said here.

use super::Definition;
use super::check;
use super::diagnostic::{Diagnostic, Severity};
use super::findings::Findings;
use super::shape;
use super::source::Source;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

/// Errors of syntax that are reported: after a few, most are consequences of the first.
const SYNTAX_ERRORS_MAX: usize = 10;

/// A definition that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What the file says.
    pub definition: Definition,
    /// What in it is hardly as it was meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a world file. `file_label` is what diagnostics call it.
///
/// # Errors
/// Everything that is wrong, in the order of the text.
pub fn parse(file_label: &str, text: &str) -> Result<Checked, Vec<Diagnostic>> {
    let source = Source::new(file_label, text);
    let table = toml_of(&source, text)?;
    let mut findings = Findings::default();
    shape::check(table.get_ref(), &mut findings);
    let definition = match Definition::deserialize(toml::de::Deserializer::from(table.clone())) {
        Ok(definition) => definition,
        // The shape has said the same with a place and advice.
        Err(_) if findings.has_errors() => return Err(located(&source, &table, findings)),
        Err(error) => return Err(vec![refused(&source, &error)]),
    };
    check::into_findings(&definition, &mut findings);
    let has_errors = findings.has_errors();
    let diagnostics = located(&source, &table, findings);
    if has_errors { Err(diagnostics) } else { Ok(Checked { definition, warnings: diagnostics }) }
}

fn toml_of<'t>(source: &Source<'_>, text: &'t str) -> Result<Spanned<DeTable<'t>>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| refused(source, error)).collect();
        let mut errors = in_order(errors);
        errors.dedup_by_key(|error| error.line);
        errors.truncate(SYNTAX_ERRORS_MAX);
        return Err(errors);
    }
    if table.get_ref().is_empty() {
        let hint = "start from a copy of `world worlds show systems`".to_owned();
        return Err(vec![source.error_at(0, "the world file is empty".to_owned(), Some(hint))]);
    }
    Ok(table)
}

fn refused(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let offset = error.span().map_or(0, |span| span.start);
    source.error_at(offset, error.message().to_owned(), None)
}

/// The errors with their places; the warnings where there are no errors, since they may follow
/// from these.
fn located(source: &Source<'_>, table: &Spanned<DeTable<'_>>, findings: Findings) -> Vec<Diagnostic> {
    let worst = if findings.has_errors() { Severity::Error } else { Severity::Warning };
    let problems = findings.into_problems().into_iter().filter(|problem| problem.severity == worst);
    in_order(problems.map(|problem| source.locate(table, problem)).collect())
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics
}
