//! The JSON Schema of a sort of file, for editors and for the loader itself.
//!
//! It is derived from the types that the file is read into, in the form that fits TOML: a key without a
//! value is left out there, so `null` appears nowhere.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema (draft 2020-12) of files that are read into a `T`.
pub fn of<T: JsonSchema>(title: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(WithoutNull);
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(title));
    schema.to_value()
}

/// The schema as a file.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

/// Takes away what only JSON and Rust know: `null`, and the width of numbers. The format of a text stays.
#[derive(Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        only_other_type(schema);
        if schema.get("type").is_none_or(|name| name != "string") {
            schema.remove("format");
        }
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
