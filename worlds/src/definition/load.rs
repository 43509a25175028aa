//! From the text of a world file to a definition that makes sense, or to everything that is wrong
//! with it: `documents` says how.

use super::schema::json_schema;
use super::{Definition, check};
use documents::diagnostic::Diagnostic;
use documents::{Draft, Sort};

/// World files.
const SORT: Sort = Sort {
    noun: "the world file",
    start: Some("start from a copy of `world worlds show systems`"),
    advice: |_| None,
    schema: json_schema,
};

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
    let (mut draft, definition) = Draft::read::<Definition>(&SORT, file_label, text)?;
    check::into_findings(&definition, &mut draft.findings);
    draft.verdict().map(|warnings| Checked { definition, warnings })
}
