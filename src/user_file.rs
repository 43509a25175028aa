//! Files that users name: a path where a built-in thing's name could stand, read with care.
//!
//! Whoever reads says what sort of file is wanted, and what comes with the program instead.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use thiserror::Error;

/// Bytes of a file. A server of a world takes some 150 of them, so that as many as a world may have fit
/// twice over; what is larger is neither a world nor a scenario.
const FILE_BYTES_MAX: usize = 4 << 20;

/// A text and what to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserFile {
    /// The stem of its file.
    pub name: String,
    /// The file, as the user named it.
    pub label: String,
    /// What it holds.
    pub text: String,
}

/// Why a file cannot be read. Paths are as the user wrote them.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// Nothing is at the path.
    #[error("there is no file `{path}`")]
    NoFile { path: String },
    /// A directory is at the path.
    #[error("`{path}` is a directory, not {sort}")]
    Directory { path: String, sort: &'static str },
    /// The file is not for this user.
    #[error("`{path}` may not be read: permission denied")]
    Permission { path: String },
    /// Reading failed otherwise.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is too large.
    #[error("`{path}` is larger than {sort} may be, {FILE_BYTES_MAX} bytes")]
    TooLarge { path: String, sort: &'static str },
    /// The file is no text.
    #[error("{path}:{line}: this is no text: a byte is not UTF-8")]
    NotUtf8 {
        path: String,
        /// The line of the byte, from 1.
        line: usize,
    },
}

impl FileError {
    /// What to do about it, where something can be said.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotUtf8 { .. } => Some("save it as UTF-8".to_owned()),
            Self::Permission { path } => Some(format!("make it readable for you: chmod u+r {path}")),
            _ => None,
        }
    }

    /// Whether the path leads to no file, so that perhaps something else was meant.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::NoFile { .. } | Self::Directory { .. })
    }

    fn of_io(sort: &'static str, path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NoFile { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            io::ErrorKind::IsADirectory => Self::Directory { path, sort },
            _ => Self::Read { path, source },
        }
    }
}

/// Whether this names a file rather than what comes with the program.
pub(crate) fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

/// Reads a file of a sort, named with its article.
pub(crate) fn read(sort: &'static str, path: &str) -> Result<UserFile, FileError> {
    let io_error = |source| FileError::of_io(sort, path, source);
    let file = File::open(path).map_err(io_error)?;
    // One byte more than is allowed tells a file that is too large, also one without a length.
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FileError::TooLarge { path: path.to_owned(), sort });
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    let stem = Path::new(path).file_stem().unwrap_or_default();
    Ok(UserFile { name: stem.to_string_lossy().into_owned(), label: path.to_owned(), text })
}

fn not_utf8(path: &str, error: &std::string::FromUtf8Error) -> FileError {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    FileError::NotUtf8 { path: path.to_owned(), line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A file that is gone with the test.
    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("a file can be written");
        let path = path.to_str().expect("the path is text").to_owned();
        (directory, path)
    }

    #[test]
    fn files_that_cannot_be_read_are_told_apart() {
        let (directory, large) = file("large.toml", &vec![b'\n'; FILE_BYTES_MAX + 1]);
        let (_kept, latin) = file("latin.toml", b"rounds = 15\n# caf\xe9\n");
        let in_directory = |name: &str| format!("{}/{name}", directory.path().display());
        for (path, message) in [
            (in_directory("none.toml"), "there is no file `PATH`".to_owned()),
            (in_directory(""), "`PATH` is a directory, not a world file".to_owned()),
            (large, "`PATH` is larger than a world file may be, 4194304 bytes".to_owned()),
            ("/dev/zero".to_owned(), "`PATH` is larger than a world file may be, 4194304 bytes".to_owned()),
            (latin, "PATH:2: this is no text: a byte is not UTF-8".to_owned()),
        ] {
            let error = read("a world file", &path).expect_err("it cannot be read");
            assert_eq!(error.to_string(), message.replace("PATH", &path));
        }
    }

    #[test]
    fn a_file_of_the_largest_size_is_read() {
        let (_directory, path) = file("full.toml", &vec![b'\n'; FILE_BYTES_MAX]);
        assert_eq!(read("a world file", &path).expect("it is as large as it may be").name, "full");
    }

    #[test]
    fn a_file_of_somebody_else_is_told_as_such() {
        let told = |source| FileError::of_io("a world file", "x.toml", source).to_string();
        assert_eq!(
            told(io::ErrorKind::PermissionDenied.into()),
            "`x.toml` may not be read: permission denied"
        );
        assert_eq!(
            told(io::Error::other("the disk is on fire")),
            "`x.toml` cannot be read: the disk is on fire"
        );
    }

    #[test]
    fn what_has_a_slash_or_ends_in_toml_is_a_path() {
        assert!(is_path("./systems") && is_path("systems.toml") && !is_path("systems"));
    }
}
