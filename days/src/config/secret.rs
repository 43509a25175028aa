//! Secrets, which never stand in a configuration: it says where they are.

use std::fmt;
use std::str::FromStr;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable of this name.
    Environment(String),
    /// In the file at this path.
    File(String),
}

impl FromStr for SecretSource {
    type Err = NoSource;

    fn from_str(text: &str) -> Result<Self, NoSource> {
        let is_variable = |name: &str| !name.is_empty() && !name.contains(['=', '\0', ' ']);
        if let Some(name) = text.strip_prefix("env:").filter(|name| is_variable(name)) {
            return Ok(SecretSource::Environment(name.to_owned()));
        }
        match text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            Some(path) => Ok(SecretSource::File(path.to_owned())),
            None => Err(NoSource),
        }
    }
}

/// A text that does not say where a secret is. It may be the secret itself, so nothing of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSource;

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Environment(name) => write!(f, "environment variable {name}"),
            SecretSource::File(path) => write!(f, "file {path}"),
        }
    }
}

/// What is to be done about a secret in the file.
pub(super) const CURE: &str = "secrets never stand in the file: set `credential` in [target] to \"env:NAME\" for an environment variable or to \"file:PATH\" for a file";

/// What to do about an unknown key that somebody has for a secret.
pub(super) fn advice(key: &str) -> Option<String> {
    is_named_as_one(key).then(|| CURE.to_owned())
}

/// Whether a key or a header has the name of a secret.
pub(super) fn is_named_as_one(name: &str) -> bool {
    const ENDINGS: [&str; 9] = [
        "apikey",
        "accesskey",
        "authorization",
        "cookie",
        "passwd",
        "password",
        "privatekey",
        "secret",
        "token",
    ];
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ENDINGS.iter().any(|ending| letters.ends_with(ending))
}
