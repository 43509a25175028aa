//! As much of JSON Schema as the program's own schemas use.

use serde_json::Value;

/// What is wrong with a document, a line each: where, and what.
pub fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(schema, schema, document, "", &mut problems);
    problems
}

fn check(root: &Value, part: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    if let Some(target) = part.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(target.trim_start_matches('#')).expect("the schema refers to itself only");
        return check(root, target, value, place, problems);
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(branches) = part.get(keyword).and_then(Value::as_array) {
            let fits = |branch: &Value| {
                let mut its = Vec::new();
                check(root, &with_fields(part, branch), value, place, &mut its);
                its.is_empty()
            };
            if !branches.iter().any(fits) {
                problems.push(format!("{place}: {value} fits no branch"));
            }
            if part.get("properties").is_some() {
                // The branch has been checked with them.
                return;
            }
        }
    }
    if !has_type(part, value) {
        problems.push(format!("{place}: {value} is not {}", part["type"]));
    }
    let is_listed = |choices: &Value| choices.as_array().is_some_and(|choices| choices.contains(value));
    if part.get("enum").is_some_and(|choices| !is_listed(choices)) {
        problems.push(format!("{place}: {value} is none of {}", part["enum"]));
    }
    if part.get("const").is_some_and(|only| only != value) {
        problems.push(format!("{place}: {value} is not {}", part["const"]));
    }
    check_fields(root, part, value, place, problems);
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = part.get("items") {
            check(root, items, item, &format!("{place}/{index}"), problems);
        }
    }
}

/// A branch with the fields that stand beside all branches: no document has any that is in neither.
fn with_fields(part: &Value, branch: &Value) -> Value {
    let mut whole = branch.clone();
    for (keyword, empty) in
        [("properties", Value::Object(Default::default())), ("required", Value::Array(Vec::new()))]
    {
        let Some(beside) = part.get(keyword) else { continue };
        let own = whole.as_object_mut().expect("a schema").entry(keyword).or_insert(empty);
        match (own, beside) {
            (Value::Object(own), Value::Object(beside)) => own.extend(beside.clone()),
            (Value::Array(own), Value::Array(beside)) => own.extend(beside.iter().cloned()),
            _ => panic!("{keyword} in {part}"),
        }
    }
    whole
}

fn check_fields(root: &Value, part: &Value, value: &Value, place: &str, problems: &mut Vec<String>) {
    if let Some(each) = part.get("additionalProperties").filter(|each| each.is_object()) {
        for (name, field) in value.as_object().into_iter().flatten() {
            check(root, each, field, &format!("{place}/{name}"), problems);
        }
    }
    let (Some(properties), Some(fields)) =
        (part.get("properties").and_then(Value::as_object), value.as_object())
    else {
        return;
    };
    for required in part.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !fields.contains_key(required.as_str().unwrap_or_default()) {
            problems.push(format!("{place}: {required} is missing"));
        }
    }
    for (name, field) in fields {
        match properties.get(name) {
            Some(property) => check(root, property, field, &format!("{place}/{name}"), problems),
            None => problems.push(format!("{place}/{name} is not in the schema")),
        }
    }
}

fn has_type(part: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    match part.get("type") {
        None => true,
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
    }
}
