//! What a file says as plain values, its places left aside: to be merged over others, and read from there.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// A table as values. Dates are as they are written; what no number can hold is `null`, of which the shape
/// has told already.
pub(crate) fn of(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
        let key: &std::borrow::Cow<'_, str> = key.get_ref();
        (key.to_string(), plain(value.get_ref()))
    };
    Value::Object(table.iter().map(entry).collect::<Map<_, _>>())
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok().into(),
        DeValue::Float(float) => float.as_str().parse::<f64>().unwrap_or(f64::NAN).into(),
        DeValue::Boolean(boolean) => (*boolean).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(array) => array.iter().map(|value| plain(value.get_ref())).collect(),
        DeValue::Table(table) => of(table),
    }
}
