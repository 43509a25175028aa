//! Where a key stands in a file: `chaos[2].effect.cpu_floor`.

use crate::findings::quoted;
use std::fmt::{self, Display};

/// The way from the top of the file to a key, or to an element of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Segment>);

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Into a table.
    Key(String),
    /// Into an array, from 0.
    Index(usize),
}

impl KeyPath {
    /// The file itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A key at the top of the file.
    pub fn top(key: &str) -> Self {
        Self::root().key(key)
    }

    /// A key in the table that this path leads to.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// An element of the array that this path leads to, from 0.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Of `chaos[2].effect.cpu_floor` after `chaos`: 2, and the way from there on.
    pub fn after(&self, list: &str) -> Option<(usize, &[Segment])> {
        match &self.0[..] {
            [Segment::Key(key), Segment::Index(index), rest @ ..] if key == list => Some((*index, rest)),
            _ => None,
        }
    }

    /// Of `effect.cpu_floor` within `effect`: `cpu_floor`.
    pub fn within(&self, table: &str) -> Option<Self> {
        match &self.0[..] {
            [Segment::Key(key), rest @ ..] if key == table => Some(Self(rest.to_vec())),
            _ => None,
        }
    }

    /// This path, and on from there.
    pub fn join(&self, rest: &[Segment]) -> Self {
        Self(self.0.iter().chain(rest).cloned().collect())
    }

    /// The last key, for messages; elements of an array go by the array's.
    pub fn last_key(&self) -> &str {
        fn key(segment: &Segment) -> Option<&str> {
            match segment {
                Segment::Key(key) => Some(key.as_str()),
                Segment::Index(_) => None,
            }
        }
        self.0.iter().rev().find_map(key).unwrap_or_default()
    }

    /// The table that this path leads to, as its header is written: `[traffic]`, `[[chaos]]`; for the
    /// file itself, `file`.
    pub(crate) fn table_in(&self, file: &str) -> String {
        let keys: Vec<String> = self.0.iter().filter_map(bare_key).collect();
        match self.0.last() {
            None => file.to_owned(),
            Some(Segment::Index(_)) => format!("[[{}]]", keys.join(".")),
            Some(Segment::Key(_)) => format!("[{}]", keys.join(".")),
        }
    }

    /// The table that the last key stands in.
    pub(crate) fn parent(&self) -> Self {
        let keys = |segment: &Segment| matches!(segment, Segment::Key(_));
        let end = self.0.iter().rposition(keys).unwrap_or(0);
        Self(self.0[..end].to_vec())
    }
}

fn bare_key(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Key(key) => Some(written(key)),
        Segment::Index(_) => None,
    }
}

/// A key as TOML wants it written.
fn written(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let shown = quoted(key);
    if !key.is_empty() && key.chars().all(bare) { shown } else { format!("\"{shown}\"") }
}

impl Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if position == 0 => f.write_str(&written(key))?,
                Segment::Key(key) => write!(f, ".{}", written(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_toml_writes_keys() {
        let path = KeyPath::top("services").key("a b").key("calls").at(1).key("to");
        assert_eq!(path.to_string(), "services.\"a b\".calls[1].to");
        assert_eq!(path.last_key(), "to");
        assert_eq!(path.parent().table_in(""), "[[services.\"a b\".calls]]");
        assert_eq!(KeyPath::top("traffic").table_in(""), "[traffic]");
        assert_eq!(KeyPath::top("noise").at(1).last_key(), "noise");
    }
}
