//! The published JSON Schema and the world files agree: what loads fits the schema, every key that
//! the schema knows can be written, and every key that a struct has is in the schema.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use worlds::definition::schema::json_schema;
use worlds::definition::{builtin, parse};

const KITCHEN_SINK: &str = include_str!("worlds/kitchen-sink.toml");

/// What a file says, as a JSON Schema validator sees it.
fn as_json(text: &str) -> Value {
    toml::from_str(text).expect("the world is TOML")
}

fn resolved(schema: &'static Value) -> &'static Value {
    let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &json_schema()["$defs"][name])
}

/// Walks a value with its schema; `visit` gets each table with its path and schema.
fn walk(
    path: &str,
    schema: &'static Value,
    value: &Value,
    visit: &mut impl FnMut(&str, &'static Value, &Map<String, Value>),
) {
    let schema = resolved(schema);
    match value {
        Value::Object(table) => {
            visit(path, schema, table);
            for (key, value) in table {
                let known = schema["properties"].get(key);
                let schema = known.unwrap_or(&schema["additionalProperties"]);
                let key = if known.is_some() { key } else { "*" };
                assert!(schema.is_object(), "{path}.{key} is in the file, but not in the schema");
                walk(&format!("{path}.{key}"), schema, value, visit);
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| walk(&format!("{path}[]"), &schema["items"], value, visit));
        }
        _ => {}
    }
}

#[test]
fn the_kitchen_sink_loads_without_a_warning() {
    let checked = parse("kitchen-sink.toml", KITCHEN_SINK);
    assert_eq!(checked.map(|checked| checked.warnings), Ok(vec![]));
}

#[test]
fn the_kitchen_sink_uses_every_key_of_the_schema() {
    let mut known = BTreeSet::new();
    let mut used = BTreeSet::new();
    walk("", json_schema(), &as_json(KITCHEN_SINK), &mut |path, schema, table| {
        let keys = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        known.extend(keys.map(|key| format!("{path}.{key}")));
        used.extend(
            table
                .keys()
                .filter(|key| schema["properties"][key.as_str()].is_object())
                .map(|key| format!("{path}.{key}")),
        );
    });
    assert_eq!(known.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "keys that are not used");
    assert!(known.len() > 90, "the walk reached only {} keys", known.len());
}

#[test]
fn the_kitchen_sink_uses_every_choice_of_the_schema() {
    let strings: BTreeSet<String> = strings_of(&as_json(KITCHEN_SINK));
    for (name, definition) in json_schema()["$defs"].as_object().expect("the schema has definitions") {
        for branch in definition["oneOf"].as_array().into_iter().flatten() {
            // The skills are keys of `skills` too; an SRE that is not of kind `rules` has none. Exploits are
            // tried by tests of their own, and programs are refused, with a hint that needs the loader to
            // know them.
            let choice = branch["const"].as_str().expect("a choice is a text");
            let used = strings.contains(choice) || name == "SkillName" || name == "SreKind";
            assert!(used, "{name} `{choice}` is not used");
        }
    }
}

fn strings_of(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => BTreeSet::from([text.clone()]),
        Value::Array(values) => values.iter().flat_map(strings_of).collect(),
        Value::Object(table) => table.values().flat_map(strings_of).collect(),
        _ => BTreeSet::new(),
    }
}

/// What a struct writes, the schema knows; so no key can be added to one only.
#[test]
fn a_definition_written_out_has_the_keys_of_the_schema() {
    let checked = parse("kitchen-sink.toml", KITCHEN_SINK).expect("it loads");
    let written = serde_json::to_value(&checked.definition).expect("a definition is JSON");
    walk("", json_schema(), &written, &mut |path, schema, table| {
        let keys = schema["properties"].as_object().into_iter().flat_map(Map::keys);
        for key in keys {
            assert!(table.contains_key(key), "{path}.{key} is in the schema, but not in the struct");
        }
    });
}

#[test]
fn worlds_fit_the_schema() {
    let texts = builtin::ALL.iter().map(|world| world.text).chain([KITCHEN_SINK]);
    for text in texts {
        walk("", json_schema(), &as_json(text), &mut |path, schema, table| {
            for key in schema["required"].as_array().into_iter().flatten() {
                let key = key.as_str().expect("a key is a text");
                assert!(table.contains_key(key), "{path}.{key} is required");
            }
            for (key, value) in table {
                fits(&format!("{path}.{key}"), schema["properties"].get(key), value);
            }
        });
    }
}

/// Type and range of one value.
fn fits(path: &str, schema: Option<&'static Value>, value: &Value) {
    let Some(schema) = schema.map(resolved) else { return };
    let type_of = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() && schema["type"] == "integer" => "integer",
        _ => "number",
    };
    let choice = schema["oneOf"].as_array().is_some_and(|all| all.iter().any(|one| one["const"] == *value));
    assert!(schema["type"] == type_of || choice, "{path} is {value}, the schema says {schema}");
    if let Some(number) = value.as_f64() {
        let limit = |keyword: &str, default: f64| schema[keyword].as_f64().unwrap_or(default);
        let range = limit("minimum", f64::MIN)..=limit("maximum", f64::MAX);
        assert!(
            range.contains(&number) && number > limit("exclusiveMinimum", f64::MIN),
            "{path} is {number}"
        );
    }
}
