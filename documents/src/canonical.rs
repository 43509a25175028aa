//! What a document says, whatever way it was written: the form from which its hash is made.
//!
//! Comments, order of keys and white space do not count. What is left out of a file is left out here, as
//! far as leaving it out means nothing, no or none: a document keeps its hash when a later version of the
//! program knows more keys of that sort.

use serde::Serialize;
use serde_json::{Map, Value};

/// BLAKE3 of a document in its canonical form, in hexadecimal.
///
/// # Panics
/// When it holds a figure that is not finite, which no checked document does.
pub fn hash(document: &impl Serialize) -> String {
    let whole = serde_json::to_value(document).expect("a checked document has finite figures");
    let json = what_is_said(whole).map(|value| value.to_string()).unwrap_or_default();
    blake3::hash(json.as_bytes()).to_hex().to_string()
}

/// A value without what an absent key stands for: `null`, `false`, and what holds nothing.
fn what_is_said(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        // Places in a list count.
        Value::Array(list) => (!list.is_empty()).then(|| {
            let said = |value| what_is_said(value).unwrap_or(Value::Null);
            Value::Array(list.into_iter().map(said).collect())
        }),
        Value::Object(table) => {
            let said = |(key, value)| Some((key, what_is_said(value)?));
            let table: Map<String, Value> = table.into_iter().filter_map(said).collect();
            (!table.is_empty()).then_some(Value::Object(table))
        }
        figure => Some(figure),
    }
}
