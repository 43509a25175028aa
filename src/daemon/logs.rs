//! `world daemon logs`: the end of the log, and what is added to it.
//!
//! A log that is followed is read to its end before its successor is: no line is passed over when it is
//! rotated.

use super::cli::LogsArgs;
use super::{DaemonError, settings};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::instance;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From one look at the file to the next: as soon as somebody who looks at a terminal expects.
const LOOK: Duration = Duration::from_millis(200);

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Shows the end of the log, and what is added to it for as long as somebody reads on.
pub(super) fn logs(args: &LogsArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let path = place.log();
    let mut follower = Follower::after_last(&path, args.lines, &mut stdio.out.out)?;
    let is_to_come = || {
        Ok::<_, DaemonError>(
            args.follow
                && instance::is_locked(&place.base).map_err(DaemonError::system("look for the daemon"))?,
        )
    };
    if !follower.has_file() && !is_to_come()? {
        return Err(DaemonError::NothingYet { base: place.base }.into());
    }
    if !args.follow {
        return Ok(exit_code::OK);
    }
    // Until a signal, or until nobody reads any more.
    loop {
        std::thread::sleep(LOOK);
        follower.catch_up(&mut stdio.out.out)?;
    }
}

/// A log that is read as it grows.
#[derive(Debug)]
struct Follower {
    path: PathBuf,
    file: Option<File>,
}

impl Follower {
    /// Shows the last so many lines, and goes on from there.
    fn after_last(path: &Path, lines: usize, out: &mut impl Write) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(mut file) => {
                show_last(&mut file, lines, out)?;
                Some(file)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), file })
    }

    /// Whether there is a log.
    fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Shows what was added since.
    fn catch_up(&mut self, out: &mut impl Write) -> io::Result<()> {
        loop {
            if let Some(file) = &mut self.file {
                back_to_start_if_cut(file)?;
                io::copy(file, out)?;
            }
            out.flush()?;
            match self.successor()? {
                Some(successor) => self.file = Some(successor),
                None => return Ok(()),
            }
        }
    }

    /// The file that has taken the place of the one that is read.
    fn successor(&self) -> io::Result<Option<File>> {
        let there = match File::open(&self.path) {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_same = match &self.file {
            Some(file) => identity(file)? == identity(&there)?,
            None => false,
        };
        Ok((!is_same).then_some(there))
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|file| (file.dev(), file.ino()))
}

/// Somebody may empty a log where it lies.
fn back_to_start_if_cut(file: &mut File) -> io::Result<()> {
    let position = file.stream_position()?;
    if file.metadata()?.len() < position {
        file.rewind()?;
    }
    Ok(())
}

/// Copies the last lines, and leaves the file at its end.
fn show_last(file: &mut File, lines: usize, out: &mut impl Write) -> io::Result<()> {
    let start = start_of_last(file, lines)?;
    file.seek(SeekFrom::Start(start))?;
    io::copy(file, out)?;
    out.flush()
}

/// Where the last so many lines begin. What follows the last newline is a line, too.
fn start_of_last(file: &mut File, lines: usize) -> io::Result<u64> {
    let end = file.metadata()?.len();
    if lines == 0 {
        return Ok(end);
    }
    let mut newlines = 0;
    let mut chunk_end = end;
    while chunk_end > 0 {
        let chunk_start = chunk_end.saturating_sub(CHUNK as u64);
        let mut chunk = Vec::with_capacity(CHUNK);
        file.seek(SeekFrom::Start(chunk_start))?;
        (&mut *file).take(chunk_end - chunk_start).read_to_end(&mut chunk)?;
        for (index, byte) in chunk.iter().enumerate().rev() {
            let position = chunk_start + index as u64;
            // The newline at the very end belongs to the last line.
            if *byte == b'\n' && position + 1 < end {
                newlines += 1;
                if newlines == lines {
                    return Ok(position + 1);
                }
            }
        }
        chunk_end = chunk_start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};

    struct Log {
        _directory: tempfile::TempDir,
        path: PathBuf,
    }

    impl Log {
        fn of(text: &str) -> Self {
            let directory = tempfile::tempdir().expect("a directory can be made");
            let path = directory.path().join("daemon.log");
            fs::write(&path, text).expect("it can be written");
            Self { _directory: directory, path }
        }

        fn add(&self, text: &str) {
            let file = OpenOptions::new().append(true).create(true).open(&self.path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).expect("it can be written");
        }

        fn last(&self, lines: usize) -> (Follower, String) {
            let mut out = Vec::new();
            let follower = Follower::after_last(&self.path, lines, &mut out).expect("it can be read");
            (follower, String::from_utf8(out).expect("it is text"))
        }
    }

    fn caught_up(follower: &mut Follower) -> String {
        let mut out = Vec::new();
        follower.catch_up(&mut out).expect("it can be read");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn the_last_lines_are_shown() {
        let log = Log::of("one\ntwo\nthree\n");
        for (lines, shown) in
            [(0, ""), (1, "three\n"), (2, "two\nthree\n"), (3, "one\ntwo\nthree\n"), (9, "one\ntwo\nthree\n")]
        {
            assert_eq!(log.last(lines).1, shown, "{lines}");
        }
        log.add("half");
        assert_eq!(log.last(2).1, "three\nhalf");
    }

    #[test]
    fn the_last_lines_of_a_long_log_are_found() {
        let line = "x".repeat(999);
        let log = Log::of(&format!("{line}\n").repeat(300));
        assert_eq!(log.last(200).1.lines().count(), 200);
    }

    #[test]
    fn a_log_that_is_rotated_is_read_to_its_end_first() {
        let log = Log::of("one\n");
        let (mut follower, _) = log.last(9);
        log.add("two\n");
        fs::rename(&log.path, log.path.with_extension("log.1")).expect("it can be renamed");
        log.add("three\n");
        assert_eq!(caught_up(&mut follower), "two\nthree\n");
        log.add("four\n");
        assert_eq!((caught_up(&mut follower).as_str(), caught_up(&mut follower).as_str()), ("four\n", ""));
    }

    #[test]
    fn a_log_that_is_emptied_is_read_from_its_start() {
        let log = Log::of("one\ntwo\n");
        let (mut follower, _) = log.last(9);
        fs::write(&log.path, "new\n").expect("it can be written");
        assert_eq!(caught_up(&mut follower), "new\n");
    }

    #[test]
    fn a_log_that_is_not_there_yet_is_waited_for() {
        let log = Log::of("");
        fs::remove_file(&log.path).expect("it can be removed");
        let (mut follower, shown) = log.last(9);
        assert_eq!((follower.has_file(), shown.as_str()), (false, ""));
        log.add("one\n");
        assert_eq!((caught_up(&mut follower).as_str(), follower.has_file()), ("one\n", true));
    }
}
