//! The JSON Schema of the world file, for editors and for the loader itself.
//!
//! It is derived from [`Definition`], in the form that fits TOML: a key without a value is left
//! out there, so `null` appears nowhere.

use super::Definition;
use crate::message::Metric;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(generated);

/// The schema (draft 2020-12).
pub fn json_schema() -> &'static Value {
    &SCHEMA
}

/// The schema as a file.
pub fn text() -> String {
    format!("{:#}\n", json_schema())
}

/// The metrics that alerts open on.
pub(super) fn alert_metrics() -> Vec<&'static str> {
    let all = Metric::MEASURED.into_iter().chain([Metric::ServicesDown, Metric::Staleness]);
    all.map(Metric::name).collect()
}

fn generated() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(WithoutNull);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<Definition>();
    schema.insert("title".to_owned(), json!("A world of the flight simulator `world`"));
    schema.to_value()
}

/// Takes away what only JSON and Rust know: `null`, and the width of numbers.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        schema.remove("format");
        only_other_type(schema);
        only_other_branch(schema);
        if let Some(default) = schema.get_mut("default") {
            drop_nulls(default);
            if default.is_null() || default.as_object().is_some_and(serde_json::Map::is_empty) {
                schema.remove("default");
            }
        }
    }
}

/// `"type": ["number", "null"]` becomes `"type": "number"`.
fn only_other_type(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
}

/// `"anyOf": [{"$ref": ...}, {"type": "null"}]` becomes `"$ref": ...`.
fn only_other_branch(schema: &mut Schema) {
    let null = json!({ "type": "null" });
    let Some(Value::Array(branches)) = schema.get_mut("anyOf") else {
        return;
    };
    branches.retain(|branch| *branch != null);
    if let [Value::Object(only)] = branches.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (keyword, value) in only {
            schema.insert(keyword, value);
        }
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(drop_nulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_says_what_it_is() {
        let schema = json_schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], "A world of the flight simulator `world`");
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn null_is_nowhere_in_the_schema() {
        assert!(!text().contains("null"));
    }

    #[test]
    fn ranges_of_the_types_are_in_the_schema() {
        let probability = &json_schema()["$defs"]["ChaosKind"]["properties"]["probability"];
        assert_eq!((&probability["minimum"], &probability["maximum"]), (&json!(0.0), &json!(1.0)));
    }

    /// A number without bounds could be infinite, and a whole number without bounds too large to
    /// count with.
    #[test]
    fn every_number_has_its_range() {
        let mut unbounded = Vec::new();
        numbers_without_bounds("", json_schema(), &mut unbounded);
        assert_eq!(unbounded, [""; 0]);
    }

    fn numbers_without_bounds(path: &str, schema: &Value, found: &mut Vec<String>) {
        let Value::Object(fields) = schema else { return };
        let number = schema["type"] == "number" || schema["type"] == "integer";
        let least = fields.contains_key("minimum") || fields.contains_key("exclusiveMinimum");
        if number && !(least && fields.contains_key("maximum")) {
            found.push(path.to_owned());
        }
        for (key, field) in fields {
            numbers_without_bounds(&format!("{path}/{key}"), field, found);
        }
    }
}
