//! How a program is spoken to: as it is done, or as a later version might do it. No input or output happens
//! here.

/// A field that no version has, with what programs that look into everything stumble over.
const NEW_FIELD: &[u8] = br#","a_field_of_tomorrow":{"of":["another",null,{"version":2.5}]}"#;

/// How lines are put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// As this version puts them.
    #[default]
    Today,
    /// With a new field in each object, as a later version may: programs pass over what they do not know.
    Tomorrow,
}

impl Dialect {
    /// A line, which is JSON without blanks between its parts.
    pub(crate) fn put(self, line: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Today => line,
            Self::Tomorrow => with_new_fields(&line),
        }
    }
}

/// The same with a further field at the end of each object that has any.
fn with_new_fields(line: &[u8]) -> Vec<u8> {
    let mut put = Vec::with_capacity(2 * line.len());
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in line {
        if *byte == b'}' && !is_text && put.last() != Some(&b'{') {
            put.extend_from_slice(NEW_FIELD);
        }
        put.push(*byte);
        is_text ^= *byte == b'"' && !is_escaped;
        is_escaped = is_text && *byte == b'\\' && !is_escaped;
    }
    put
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn each_object_has_a_new_field_and_all_that_it_had() {
        let line = json!({ "a": [{ "b": {} }, { "text": "}\\\"}", "c": {"d": "\\"} }], "e": null });
        let put = Dialect::Tomorrow.put(line.to_string().into_bytes());
        let put: Value = serde_json::from_slice(&put).expect("JSON");
        for pointer in ["", "/a/0", "/a/1", "/a/1/c"] {
            let new = put.pointer(&format!("{pointer}/a_field_of_tomorrow/of/0"));
            assert_eq!(new, Some(&json!("another")), "{pointer}");
        }
        assert_eq!(put["a"][0]["b"], json!({}));
        assert_eq!((&put["a"][1]["text"], &put["a"][1]["c"]["d"]), (&json!("}\\\"}"), &json!("\\")));
    }

    #[test]
    fn today_lines_are_as_they_are() {
        assert_eq!(Dialect::Today.put(b"{}\n".to_vec()), b"{}\n");
    }
}
