//! Credentials: from the environment or a file, to the target, and nowhere else.

use super::Complaint;
use hyper::header::HeaderValue;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The most that is read of a file that is said to hold a credential.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Something that nobody is shown: it has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// What it is, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where a credential comes from. It is never part of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// A variable of the daemon's environment.
    Env(String),
    /// A file, without the white space at its end.
    File(PathBuf),
}

impl SecretSource {
    /// Reads it as it is now.
    ///
    /// # Errors
    /// When it is not there, empty or no text.
    pub fn read(&self) -> Result<Secret, Complaint> {
        let secret = match self {
            SecretSource::Env(name) => std::env::var(name).map_err(|error| {
                let what = format!("the credential in the environment variable {name}: {error}");
                Complaint::new(what, format!("Set {name} in the environment of the daemon, and restart it."))
            }),
            SecretSource::File(path) => read_some(path).map_err(|error| {
                let what = format!("the credential in {}: {error}", path.display());
                Complaint::new(what, "Write it into this file, readable by the daemon's user.")
            }),
        }?;
        let secret = secret.trim_end();
        if secret.is_empty() {
            let what = match self {
                SecretSource::Env(name) => format!("the environment variable {name} is empty"),
                SecretSource::File(path) => format!("{} is empty", path.display()),
            };
            return Err(Complaint::new(what, "Put the credential there."));
        }
        Ok(Secret(secret.to_string()))
    }
}

fn read_some(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// A header that holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// Where the credential comes from.
    #[serde(flatten)]
    pub source: SecretSource,
    /// What stands before it, such as `Bearer ` with its space.
    #[serde(default)]
    pub prefix: String,
}

impl SecretHeader {
    /// The header's value, marked so that it is not shown.
    ///
    /// # Errors
    /// When the credential cannot be read, or cannot stand in a header.
    pub fn value(&self) -> Result<HeaderValue, Complaint> {
        let secret = self.source.read()?;
        let mut value =
            HeaderValue::try_from(format!("{}{}", self.prefix, secret.reveal())).map_err(|_| {
                Complaint::new(
                    format!("the credential of {:?} has characters that no header may have", self.source),
                    "Look whether it has several lines or was pasted with something around it.",
                )
            })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(text: &str) -> (tempfile::NamedTempFile, SecretHeader) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let header = SecretHeader {
            source: SecretSource::File(file.path().to_path_buf()),
            prefix: "Bearer ".to_string(),
        };
        (file, header)
    }

    #[test]
    fn a_credential_reaches_the_header_and_no_debug_output() {
        let (_file, header) = file("sesame-17\n");
        let value = header.value().unwrap();
        assert_eq!(value.as_bytes(), b"Bearer sesame-17");
        let secret = header.source.read().unwrap();
        assert!(!format!("{value:?} {secret:?} {header:?}").contains("sesame"));
    }

    #[test]
    fn a_credential_that_is_missing_or_unfit_is_complained_of_without_it() {
        let missing = SecretSource::Env("WORLD_TEST_NO_SUCH_VARIABLE".to_string());
        assert!(missing.read().unwrap_err().cure.contains("WORLD_TEST_NO_SUCH_VARIABLE"));
        let (_file, empty) = file(" \n");
        assert!(empty.value().unwrap_err().what.ends_with("is empty"));
        let (_file, torn) = file("sesame\n17");
        assert!(!format!("{:?}", torn.value().unwrap_err()).contains("sesame"));
        let (file, gone) = file("sesame");
        drop(file);
        assert!(gone.value().unwrap_err().cure.contains("readable by the daemon's user"));
    }

    #[test]
    fn where_a_credential_comes_from_is_written_in_a_line() {
        let header: SecretHeader = toml::from_str("env = \"TOKEN\"\nprefix = \"Bearer \"").unwrap();
        assert_eq!(header.source, SecretSource::Env("TOKEN".to_string()));
        assert!(toml::from_str::<SecretHeader>("env = \"TOKEN\"\nvalue = \"sesame\"").is_err());
    }
}
