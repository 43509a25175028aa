//! A partial file over the defaults: tables are merged key by key, everything else is replaced.

use super::settings::Settings;
use serde_json::{Map, Value};

/// The profiles that there are without any file; all others begin as `normal` is.
pub(crate) const OWN_PROFILES: [&str; 3] = ["busy", "normal", "quiet"];

/// What a file says, over the defaults.
pub(super) fn over_defaults(file: Value) -> Value {
    let mut whole = serde_json::to_value(Settings::default()).expect("the defaults have finite figures");
    let mut file = file;
    let custom = custom_profiles(&mut file);
    merge(&mut whole, file);
    let profiles = &mut whole["load_profiles"];
    for (name, profile) in custom {
        let mut whole = profiles["normal"].clone();
        merge(&mut whole, profile);
        if let Value::Object(profiles) = profiles {
            profiles.insert(name, whole);
        }
    }
    whole
}

/// Takes the user's own profiles out of what a file says.
fn custom_profiles(file: &mut Value) -> Map<String, Value> {
    let Some(Value::Object(profiles)) = file.get_mut("load_profiles") else {
        return Map::new();
    };
    let (own, custom) =
        std::mem::take(profiles).into_iter().partition(|(name, _)| OWN_PROFILES.contains(&name.as_str()));
    *profiles = own;
    custom
}

fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}
