//! Strict JSON, read into the same table as TOML is, each key and value with its place: what is found in a
//! file afterwards does not depend on the way it was written.

use crate::findings::quoted;
use jsonc_parser::ast::{Array, Object, ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// What nobody can read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Bytes from the beginning of the text.
    pub(crate) offset: usize,
    /// What is wrong, as a fragment.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// JSON as RFC 8259 has it, and nothing of what some readers allow beside it.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The object that a text is; nothing where there is no text.
pub(crate) fn table(text: &str) -> Result<Spanned<DeTable<'_>>, Unreadable> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|error| {
        let message = format!("this is no JSON: {}", in_lower_case(&error.kind().to_string()));
        Unreadable { offset: error.range().start, message, hint: None }
    })?;
    match parsed.value {
        None => Ok(Spanned::new(0..0, DeTable::new())),
        Some(Value::Object(object)) => Ok(Spanned::new(span(&object), entries(object)?)),
        Some(other) => {
            Err(Unreadable::new(span(&other), "the file must be an object, { \"key\": value }".to_owned()))
        }
    }
}

impl Unreadable {
    fn new(span: Range<usize>, message: String) -> Self {
        Self { offset: span.start, message, hint: None }
    }
}

fn entries(object: Object<'_>) -> Result<DeTable<'_>, Unreadable> {
    let mut table = DeTable::new();
    for property in object.properties {
        let span = span(&property.name);
        let key = match property.name {
            ObjectPropName::String(name) => name.value,
            ObjectPropName::Word(name) => name.value.into(),
        };
        if table.contains_key(key.as_ref()) {
            let message = format!("the key `{}` is there twice", quoted(&key));
            return Err(Unreadable::new(span, message));
        }
        table.insert(Spanned::new(span, key), value(property.value)?);
    }
    Ok(table)
}

fn elements(array: Array<'_>) -> Result<DeArray<'_>, Unreadable> {
    let mut elements = DeArray::new();
    for element in array.elements {
        elements.push(value(element)?);
    }
    Ok(elements)
}

fn value(value: Value<'_>) -> Result<Spanned<DeValue<'_>>, Unreadable> {
    let span = span(&value);
    let value = match value {
        Value::StringLit(text) => DeValue::String(text.value),
        Value::BooleanLit(boolean) => DeValue::Boolean(boolean.value),
        Value::Object(object) => DeValue::Table(entries(object)?),
        Value::Array(array) => DeValue::Array(elements(array)?),
        // Every number of JSON is one of TOML.
        Value::NumberLit(number) => DeValue::parse(number.value)
            .map_err(|error| Unreadable::new(span.clone(), error.message().to_owned()))?
            .into_inner(),
        Value::NullKeyword(_) => {
            let hint = Some("leave the key out where it has no value".to_owned());
            return Err(Unreadable { hint, ..Unreadable::new(span, "`null` is no value here".to_owned()) });
        }
    };
    Ok(Spanned::new(span, value))
}

fn span(node: &impl Ranged) -> Range<usize> {
    node.start()..node.end()
}

fn in_lower_case(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (usize, String) {
        let unreadable = table(text).expect_err(text);
        (unreadable.offset, unreadable.message)
    }

    #[test]
    fn json_and_toml_give_the_same_values() {
        let json = r#"{ "a": { "b": [1, -2.5, 1E3, true, "x\u00e9\n"] }, "c d": "e" }"#;
        let toml = "\"c d\" = 'e'\na = { b = [1, -2.5, 1E3, true, \"x\u{e9}\\n\"] }";
        let from_json = crate::value::of(table(json).unwrap().get_ref());
        assert_eq!(from_json, crate::value::of(DeTable::parse(toml).unwrap().get_ref()));
        assert_eq!(from_json, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }

    #[test]
    fn what_is_no_strict_json_is_refused_at_its_place() {
        for (text, offset) in [
            ("{ \"a\": 1, }", 8),
            ("{ \"a\": 01 }", 8),
            ("{ \"a\": +1 }", 7),
            ("{ \"a\": 'x' }", 7),
            ("{ a: 1 }", 2),
            ("// no\n{}", 0),
            ("[1]", 0),
            ("{ \"a\": 1", 0),
        ] {
            assert_eq!(wrong(text).0, offset, "{text}: {}", wrong(text).1);
        }
    }

    #[test]
    fn a_key_that_is_there_twice_and_null_are_refused() {
        assert_eq!(wrong("{ \"a\": 1, \"a\": 2 }"), (10, "the key `a` is there twice".to_owned()));
        assert_eq!(wrong("{ \"a\": null }"), (7, "`null` is no value here".to_owned()));
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        let text = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(wrong(&text).1.contains("depth"), "{}", wrong(&text).1);
    }
}
