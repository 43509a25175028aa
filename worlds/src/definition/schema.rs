//! The JSON Schema of the world file, for editors and for the loader itself.
//!
//! It is derived from [`Definition`].

use super::Definition;
use crate::message::Metric;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| documents::schema::of::<Definition>("A world of the flight simulator `world`"));

/// The schema (draft 2020-12).
pub fn json_schema() -> &'static Value {
    &SCHEMA
}

/// The schema as a file.
pub fn text() -> String {
    documents::schema::text(json_schema())
}

/// The metrics that alerts open on.
pub(super) fn alert_metrics() -> Vec<&'static str> {
    let all = Metric::MEASURED.into_iter().chain([Metric::ServicesDown, Metric::Staleness]);
    all.map(Metric::name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_says_what_it_is() {
        let schema = json_schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["title"], "A world of the flight simulator `world`");
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn files_are_held_against_every_keyword() {
        assert!(documents::shape::not_held(json_schema()).is_empty());
        assert!(documents::shape::not_held(crate::scenario::schema::json_schema()).is_empty());
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
