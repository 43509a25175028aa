//! Holds a file against the JSON Schema of its sort: keys, types and ranges.
//!
//! Deserialising would stop at the first problem and know little about it. This walk finds all of
//! them, and knows the names that would have been right. It understands the keywords that the
//! schemas of such files use, no more ([`not_held`] tells of others); `pattern` and what keys of a table may
//! be called are left to whoever checks what the file says, who can say what is wrong with a name.

use crate::findings::{Findings, quoted};
use crate::key_path::KeyPath;
use crate::nearest::{advice, nearest};
use crate::{Sort, Syntax};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use toml::de::{DeArray, DeTable, DeValue};

/// Keywords that the walk holds a file against.
const HELD: [&str; 17] = [
    "$ref",
    "additionalProperties",
    "const",
    "enum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "properties",
    "required",
    "type",
];

/// Keywords that say nothing about validity, and what is checked where names are.
const LEFT: [&str; 7] = ["$defs", "$schema", "default", "description", "pattern", "propertyNames", "title"];

/// Keywords of a schema that no file is held against: for the tests of a sort of file, which has none.
pub fn not_held(schema: &Value) -> BTreeSet<&str> {
    let mut used = BTreeSet::new();
    keywords(schema, &mut used);
    used.into_iter().filter(|keyword| !HELD.contains(keyword) && !LEFT.contains(keyword)).collect()
}

fn keywords<'s>(schema: &'s Value, used: &mut BTreeSet<&'s str>) {
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        used.insert(keyword);
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(inner)) => {
                inner.values().for_each(|schema| keywords(schema, used));
            }
            ("oneOf" | "anyOf" | "allOf", Value::Array(inner)) => {
                inner.iter().for_each(|schema| keywords(schema, used));
            }
            ("items" | "additionalProperties" | "propertyNames", inner) => keywords(inner, used),
            _ => {}
        }
    }
}

/// Reports every key that is unknown or missing, every value of the wrong type, and every value out
/// of its range.
pub(crate) fn check(sort: &Sort, syntax: Syntax, file: &DeTable<'_>, findings: &mut Findings) {
    let schema = (sort.schema)();
    Walk { sort, syntax, schema, findings }.table(schema, file, &KeyPath::root());
}

struct Walk<'w> {
    sort: &'w Sort,
    syntax: Syntax,
    schema: &'static Value,
    findings: &'w mut Findings,
}

impl Walk<'_> {
    fn value(&mut self, schema: &'static Value, value: &DeValue<'_>, path: &KeyPath) {
        let schema = self.resolved(schema);
        if let Some(choices) = choices(schema) {
            return self.choice(&choices, value, path);
        }
        match (schema["type"].as_str().unwrap_or_default(), value) {
            ("object", DeValue::Table(table)) => self.table(schema, table, path),
            ("array", DeValue::Array(array)) => self.array(schema, array, path),
            ("number", DeValue::Float(float)) => {
                self.number(schema, float.as_str(), float.as_str().parse().ok(), path);
            }
            ("number" | "integer", DeValue::Integer(integer)) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                self.number(schema, &integer.to_string(), number.map(|number| number as f64), path);
            }
            ("string", DeValue::String(text)) => self.text(schema, text, path),
            // TOML has dates of its own. JSON, and whoever quotes them, has texts.
            ("string", DeValue::Datetime(_)) if schema["format"].is_string() => {}
            ("boolean", DeValue::Boolean(_)) => {}
            (wanted, found) => {
                let (wanted, found) = (self.wanted(wanted), self.found(found));
                let message = format!("{} must be {wanted}, found {found}", named(path));
                self.findings.error(path.clone(), message);
            }
        }
    }

    /// What a `$ref` refers to.
    fn resolved(&self, schema: &'static Value) -> &'static Value {
        let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
        name.map_or(schema, |name| &self.schema["$defs"][name])
    }

    fn table(&mut self, schema: &'static Value, table: &DeTable<'_>, path: &KeyPath) {
        let keys = &schema["properties"];
        for (key, value) in table.iter() {
            let key: &str = key.get_ref();
            match keys.get(key).or_else(|| any_key(schema)) {
                Some(schema) => self.value(schema, value.get_ref(), &path.key(key)),
                None => self.unknown_key(keys, key, path),
            }
        }
        for key in strings(&schema["required"]).filter(|key| !table.contains_key(*key)) {
            if !mistyped(keys, key, table) {
                let message = format!("missing key `{key}` in {}", path.table_in(self.sort.noun));
                self.findings.error(path.key(key), message);
            }
        }
        self.at_most(schema, "maxProperties", table.len(), path);
    }

    fn unknown_key(&mut self, keys: &'static Value, key: &str, path: &KeyPath) {
        let message = format!("unknown key `{}` in {}", quoted(key), path.table_in(self.sort.noun));
        let at_top = self.schema["properties"].get(key).is_some();
        let syntax = self.syntax;
        let hint = || match nearest(key, names_in(keys)) {
            None if at_top => Some(match syntax {
                Syntax::Toml => format!("`{key}` belongs at the top of the file, before the first [table]"),
                Syntax::Json => format!("`{key}` belongs at the top of the file"),
            }),
            _ => advice(key, names_in(keys)),
        };
        let special = (self.sort.advice)(key);
        let hint = || special.or_else(hint);
        self.findings.error_with(path.key(key), message, hint);
    }

    fn array(&mut self, schema: &'static Value, array: &DeArray<'_>, path: &KeyPath) {
        let count = array.len();
        if schema["minItems"].as_u64().is_some_and(|least| (count as u64) < least) {
            let message =
                format!("{} holds {count}, but must hold at least {}", named(path), schema["minItems"]);
            self.findings.error(path.clone(), message);
        }
        self.at_most(schema, "maxItems", count, path);
        for (index, value) in array.iter().enumerate() {
            self.value(&schema["items"], value.get_ref(), &path.at(index));
        }
    }

    fn at_most(&mut self, schema: &Value, limit: &str, count: usize, path: &KeyPath) {
        if schema[limit].as_u64().is_some_and(|most| count as u64 > most) {
            let message = format!("{} holds {count}, but may hold at most {}", named(path), schema[limit]);
            self.findings.error(path.clone(), message);
        }
    }

    fn number(&mut self, schema: &Value, written: &str, number: Option<f64>, path: &KeyPath) {
        let limit = |keyword: &str| schema[keyword].as_f64();
        let inside = number.is_some_and(|number| {
            number.is_finite()
                && limit("minimum").is_none_or(|least| number >= least)
                && limit("exclusiveMinimum").is_none_or(|least| number > least)
                && limit("maximum").is_none_or(|most| number <= most)
        });
        if !inside {
            let message = format!("{} is {}, but must be {}", named(path), quoted(written), range(schema));
            self.findings.error(path.clone(), message);
        }
    }

    /// The length of a name is for whoever checks the rest of the name.
    fn text(&mut self, schema: &Value, text: &str, path: &KeyPath) {
        let most = schema["maxLength"].as_u64().filter(|_| schema["pattern"].is_null());
        let length = text.chars().count();
        if let Some(most) = most.filter(|most| length as u64 > *most) {
            let message = format!("{} has {length} characters, but may have at most {most}", named(path));
            self.findings.error(path.clone(), message);
        }
    }

    fn wanted(&self, name: &str) -> &'static str {
        match name {
            "object" => self.syntax.table(),
            "array" => "an array",
            "number" => "a number",
            "integer" => "a whole number",
            "boolean" => "true or false",
            _ => "a string",
        }
    }

    fn found(&self, value: &DeValue<'_>) -> String {
        match value {
            DeValue::String(_) => "a string".to_owned(),
            DeValue::Integer(integer) => quoted(integer.as_str()),
            DeValue::Float(float) => quoted(float.as_str()),
            DeValue::Boolean(boolean) => boolean.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => self.syntax.table().to_owned(),
        }
    }

    fn choice(&mut self, choices: &[&str], value: &DeValue<'_>, path: &KeyPath) {
        let DeValue::String(text) = value else {
            let found = self.found(value);
            let message = format!("{} must be one of {}, found {found}", named(path), choices.join(", "));
            return self.findings.error(path.clone(), message);
        };
        if !choices.contains(&text.as_ref()) {
            let what = format!("value for {}:", named(path));
            self.findings.unknown(path.clone(), &what, text, choices.iter().copied());
        }
    }
}

/// The names of the keys of a table.
fn names_in(keys: &Value) -> impl Iterator<Item = &str> + Clone {
    keys.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Whether a missing key is there under a name that is not known, and so has been told already.
fn mistyped(keys: &Value, missing: &str, table: &DeTable<'_>) -> bool {
    /// A table with more unknown keys has other problems.
    const UNKNOWN_MAX: usize = 20;
    let unknown = table.keys().map(|key| key.get_ref().as_ref()).filter(|key| keys.get(*key).is_none());
    unknown.take(UNKNOWN_MAX).any(|key| nearest(key, names_in(keys)) == Some(missing))
}

/// The schema of the values of a table whose keys are free.
fn any_key(schema: &'static Value) -> Option<&'static Value> {
    Some(&schema["additionalProperties"]).filter(|schema| schema.is_object())
}

/// The texts that are allowed, where only some are.
fn choices(schema: &Value) -> Option<Vec<&str>> {
    if schema["enum"].is_array() {
        return Some(strings(&schema["enum"]).collect());
    }
    let branches = schema["oneOf"].as_array()?;
    // Of an enum some variants may be told of, each a branch of its own, and others not.
    let texts = branches.iter().flat_map(|branch| strings(&branch["enum"]).chain(branch["const"].as_str()));
    Some(texts.collect())
}

fn strings(array: &Value) -> impl Iterator<Item = &str> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// A key and the table it stands in.
fn named(path: &KeyPath) -> String {
    let (key, table) = (quoted(path.last_key()), path.parent());
    if table == KeyPath::root() { format!("`{key}`") } else { format!("`{key}` in {}", table.table_in("")) }
}

fn range(schema: &Value) -> String {
    let least = schema["minimum"].as_f64().map(|least| format!("at least {least}"));
    let above = schema["exclusiveMinimum"].as_f64().map(|least| format!("above {least}"));
    let most = schema["maximum"].as_f64().map(|most| format!("at most {most}"));
    let bounds: Vec<String> = [above.or(least), most].into_iter().flatten().collect();
    if bounds.is_empty() { "a finite number".to_owned() } else { bounds.join(" and ") }
}
