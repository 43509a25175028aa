//! The JSON Schema of the configuration, for editors and for the loader itself.

use super::settings::Settings;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| documents::schema::of::<Settings>("The configuration of the daemon of `world`"));

/// The schema (draft 2020-12).
pub fn json_schema() -> &'static Value {
    &SCHEMA
}

/// The schema as a file.
pub fn text() -> String {
    documents::schema::text(json_schema())
}
