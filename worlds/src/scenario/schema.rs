//! The JSON Schema of the scenario file, for editors and for the loader itself.

use super::file::ScenarioFile;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| documents::schema::of::<ScenarioFile>("A scenario of the flight simulator `world`"));

/// The schema (draft 2020-12).
pub fn json_schema() -> &'static Value {
    &SCHEMA
}

/// The schema as a file.
pub fn text() -> String {
    documents::schema::text(json_schema())
}
