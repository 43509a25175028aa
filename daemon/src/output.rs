//! Files that are the user's: how they are made, and how they are replaced.
//!
//! They are for their owner to write and for the group to read (0640, in directories of 0750), less what the
//! process's umask forbids: they hold what was asked and answered.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What may be done with a file.
const FILE_MODE: u32 = 0o640;

/// What may be done with a directory.
const DIRECTORY_MODE: u32 = 0o750;

/// Makes a directory and those above it, as far as they are not there.
///
/// # Errors
/// If one cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Opens a file to read it and to write at its end; makes it, and its directory, if it is not there.
///
/// # Errors
/// If it cannot be opened or made.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    make_directory(directory_of(path))?;
    OpenOptions::new().create(true).append(true).read(true).mode(FILE_MODE).open(path)
}

/// Makes an empty file if there is none, with its directory.
///
/// # Errors
/// If it cannot be made.
pub fn make_file(path: &Path) -> io::Result<()> {
    if path.exists() { Ok(()) } else { open_to_append(path).map(drop) }
}

/// Puts a file in the place of what is there, on the disk, whole: whoever reads sees the one or the other,
/// also after the machine was lost.
///
/// # Errors
/// If it cannot be written; what was there stays.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    make_directory(directory)?;
    let half = half_of(path);
    let written = write_whole(&half, content).and_then(|()| fs::rename(&half, path));
    if let Err(error) = written {
        // What cannot be removed either is overwritten the next time.
        let _ = fs::remove_file(&half);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// Puts a file where there is none, on the disk, whole; says whether it did. Of two who do so at once one does.
///
/// # Errors
/// If it cannot be written.
pub fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let directory = directory_of(path);
    make_directory(directory)?;
    let half = half_of(path).with_added_extension(std::process::id().to_string());
    let linked = write_whole(&half, content).and_then(|()| fs::hard_link(&half, path));
    let _ = fs::remove_file(&half);
    match linked {
        Ok(()) => File::open(directory)?.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(FILE_MODE).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Beside the file, hidden, so that nobody who lists the directory for whole ones takes it for one.
fn half_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".half");
    path.with_file_name(name)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn files_are_for_their_owner_and_the_group() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("daily/a/file.json");
        replace(&path, b"one").expect("it can be written");
        let appended = directory.path().join("b/file.csv");
        open_to_append(&appended).expect("it can be opened");
        let directory = path.parent().expect("it has one");
        // The umask may forbid the group what is meant for it.
        for (path, allowed) in [(path.as_path(), 0o640), (&appended, 0o640), (directory, 0o750)] {
            assert_eq!(mode(path) & !allowed, 0, "{:o}", mode(path));
            assert_eq!(mode(path) & 0o700, allowed & 0o700, "{:o}", mode(path));
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_half() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("file.json");
        for content in ["a long one", "short"] {
            replace(&path, content.as_bytes()).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it can be read"), content);
        }
        assert_eq!(fs::read_dir(directory.path()).expect("it can be read").count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_stays() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("taken");
        fs::create_dir(&path).expect("it can be made");
        assert!(replace(&path, b"text").is_err());
        assert_eq!(fs::read_dir(directory.path()).expect("it can be read").count(), 1);
        assert!(path.is_dir());
    }
}
