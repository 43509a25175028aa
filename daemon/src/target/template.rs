//! Texts with places for what is asked: `{query}`, `{number}` and what is known of the subject.
//!
//! What stands in the places is written so that it cannot become part of the form around it: an agent's name
//! with a quotation mark does not end a JSON string, and a query with an `&` is one value of a URL.

use crate::send::Ask;

/// How values are written into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As they are.
    None,
    /// As the inside of a JSON string.
    Json,
    /// As a part of a URL.
    Url,
}

/// A text with places.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    escape: Escape,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Query,
    Number,
    AgentId,
    AgentName,
    Model,
    OrgId,
}

const PLACES: [(&str, Place); 6] = [
    ("{query}", Place::Query),
    ("{number}", Place::Number),
    ("{agent_id}", Place::AgentId),
    ("{agent_name}", Place::AgentName),
    ("{model}", Place::Model),
    ("{org_id}", Place::OrgId),
];

impl Template {
    /// Finds the places of a text. Braces around anything else are braces.
    pub fn of(text: &str, escape: Escape) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, name, place)) = next_place(rest) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_string()));
            }
            pieces.push(Piece::Place(place));
            rest = &rest[at + name.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_string()));
        }
        Self { pieces, escape }
    }

    /// The text, where it has no places and is the same for everybody.
    pub fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for a question.
    pub fn fill(&self, ask: &Ask) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Place(Place::Number) => text.push_str(&ask.number.to_string()),
                Piece::Place(Place::Query) => self.escape.write(&ask.query, &mut text),
                Piece::Place(Place::AgentId) => self.escape.write(&ask.subject.agent_id, &mut text),
                Piece::Place(Place::AgentName) => self.escape.write(&ask.subject.name, &mut text),
                Piece::Place(Place::Model) => self.escape.write(&ask.subject.model, &mut text),
                Piece::Place(Place::OrgId) => self.escape.write(&ask.subject.org_id, &mut text),
            }
        }
        text
    }
}

fn next_place(text: &str) -> Option<(usize, &'static str, Place)> {
    PLACES
        .iter()
        .filter_map(|(name, place)| text.find(name).map(|at| (at, *name, *place)))
        .min_by_key(|(at, ..)| *at)
}

impl Escape {
    fn write(self, value: &str, text: &mut String) {
        match self {
            Escape::None => text.push_str(value),
            Escape::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                text.push_str(&quoted[1..quoted.len() - 1]);
            }
            Escape::Url => {
                for byte in value.bytes() {
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                        text.push(byte.into());
                    } else {
                        text.push_str(&format!("%{byte:02X}"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::send::Subject;
    use days::order::Kind;
    use std::sync::Arc;

    fn ask() -> Ask {
        let subject = Subject { name: "a \"b\"".to_string(), ..Subject::default() };
        let query = "50 % & {number}".into();
        Ask { kind: Kind::Operations, number: 7, subject: Arc::new(subject), case: None, query }
    }

    #[test]
    fn values_stay_inside_their_places() {
        let json = Template::of(r#"{"q": "{query}", "who": "{agent_name}", "n": {number}}"#, Escape::Json);
        let value: serde_json::Value = serde_json::from_str(&json.fill(&ask())).unwrap();
        assert_eq!(value, serde_json::json!({"q": "50 % & {number}", "who": "a \"b\"", "n": 7}));
        let url = Template::of("/ask?q={query}&n={number}", Escape::Url);
        assert_eq!(url.fill(&ask()), "/ask?q=50%20%25%20%26%20%7Bnumber%7D&n=7");
        assert_eq!(Template::of("{query}", Escape::None).fill(&ask()), "50 % & {number}");
    }

    #[test]
    fn a_text_without_places_is_fixed() {
        assert_eq!(Template::of("{\"a\": {}}", Escape::Json).fixed(), Some("{\"a\": {}}"));
        assert_eq!(Template::of("", Escape::None).fixed(), Some(""));
        assert_eq!(Template::of("{query}", Escape::None).fixed(), None);
    }
}
