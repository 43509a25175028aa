//! The file of this program, from which agents are started.
//!
//! The system tells it where `/proc` is mounted, as it is almost everywhere; in a bare root directory it
//! is not. There the program is the one that was typed, found as a shell finds it. This program never
//! changes its directory, so a path that was typed still leads there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Why the file cannot be told.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot find this program's own file, from which agents are started: the system does not tell it ({source}), \
     and no program is called `{typed}`, as which it was started"
)]
pub(crate) struct OwnFileError {
    /// The name by which the program was started.
    typed: String,
    /// Why the system does not tell.
    source: io::Error,
}

/// Where the file is.
pub(crate) fn path() -> Result<PathBuf, OwnFileError> {
    env::current_exe().or_else(|source| {
        let typed = env::args_os().next().unwrap_or_default();
        as_typed(&typed, env::var_os("PATH")).ok_or_else(|| {
            let typed = typed.to_string_lossy().into_owned();
            OwnFileError { typed, source }
        })
    })
}

/// The program that a name means: a path, or a file in one of the directories of `PATH`.
fn as_typed(typed: &OsStr, path: Option<OsString>) -> Option<PathBuf> {
    if typed.as_encoded_bytes().contains(&b'/') {
        return std::path::absolute(typed).ok().filter(|file| is_program(file));
    }
    let path = path.filter(|_| !typed.is_empty())?;
    let files = env::split_paths(&path).filter_map(|dir| std::path::absolute(dir.join(typed)).ok());
    files.into_iter().find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn file(dir: &Path, name: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, "").expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
        path
    }

    #[test]
    fn a_name_without_a_slash_is_looked_for_where_a_shell_looks() {
        let (first, second) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        file(first.path(), "world", 0o644);
        let program = file(second.path(), "world", 0o755);
        let path = env::join_paths([first.path(), second.path()]).expect("a PATH");
        assert_eq!(as_typed(OsStr::new("world"), Some(path.clone())), Some(program));
        assert_eq!(as_typed(OsStr::new("other"), Some(path.clone())), None);
        assert_eq!(as_typed(OsStr::new(""), Some(path)), None);
        assert_eq!(as_typed(OsStr::new("world"), None), None);
    }

    #[test]
    fn a_name_with_a_slash_is_a_path_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let program = file(dir.path(), "world", 0o755);
        let path = Some(dir.path().as_os_str().to_owned());
        assert_eq!(as_typed(program.as_os_str(), None), Some(program));
        assert_eq!(as_typed(OsStr::new("./world"), path), None, "the package has no such file");
        assert_eq!(as_typed(dir.path().as_os_str(), None), None, "a directory");
    }
}
