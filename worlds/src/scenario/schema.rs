//! The JSON Schema of the scenario file, for editors and for the loader itself.

use super::file::ScenarioFile;
use crate::document;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| document::schema::of::<ScenarioFile>("A scenario of the flight simulator `world`"));

/// The schema (draft 2020-12).
pub fn json_schema() -> &'static Value {
    &SCHEMA
}

/// The schema as a file.
pub fn text() -> String {
    document::schema::text(json_schema())
}
