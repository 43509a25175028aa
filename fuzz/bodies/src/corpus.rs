//! The kept corpus: inputs that reach what others do not, and all that ever broke something.

use std::path::PathBuf;

/// The inputs of a target, by name.
///
/// # Panics
/// When they cannot be read: a corpus that is not there would hold nothing.
pub fn of(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus")).join(target);
    let entries = std::fs::read_dir(&directory).expect("a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).expect("an input"))).collect()
}
