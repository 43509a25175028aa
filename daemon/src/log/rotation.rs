//! A file that is written line by line, and begun anew when it has grown.
//!
//! When a line does not fit any more, `daemon.log` becomes `daemon.log.1`, that `daemon.log.2` and so on; the
//! last of those that are kept goes. Before each line the writer looks whether its path still leads to its
//! file: whoever renames or deletes that (`logrotate`) need tell nobody, and the next line is in a new one. A
//! path that leads to something else than a file, such as a terminal, is never rotated.
//!
//! A line is written in one go, at the end. Where only a part of it could be, the part is taken away again: a
//! full disk leaves no half lines. A file that cannot be rotated is written on: too long is better than lost.

use crate::output;
use std::fmt::{self, Display};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file, after which a new one is begun. A single line may be longer.
    pub bytes_max: u64,
    /// Older files.
    pub keep: u32,
}

/// Lines that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// How many.
    pub lines: u64,
    /// Why the first could not.
    pub because: String,
}

impl Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, because } = self;
        let noun = if *lines == 1 { "line" } else { "lines" };
        write!(f, "{lines} {noun} of this log could not be written: {because}")
    }
}

/// The file.
#[derive(Debug)]
pub struct RotatingFile {
    path: PathBuf,
    limits: Limits,
    file: File,
    /// Whether a part of a line stands at its end that could not be taken away.
    is_torn: bool,
    unwritten: Option<Unwritten>,
}

impl RotatingFile {
    /// Opens it, and makes it if it is not there.
    ///
    /// # Errors
    /// If it cannot be opened or made.
    pub fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let file = output::open_to_append(path)?;
        Ok(Self { path: path.to_owned(), limits, file, is_torn: false, unwritten: None })
    }

    /// Lines that could not be written, and of which the file does not tell yet.
    pub fn unwritten(&self) -> u64 {
        self.unwritten.as_ref().map_or(0, |unwritten| unwritten.lines)
    }

    /// Writes a line, which has its newline, or counts it. Where lines before it were counted, a line that says
    /// so comes first, as `note` makes it.
    pub fn tell(&mut self, line: &str, note: impl FnOnce(&Unwritten) -> String) {
        let noted = match &self.unwritten {
            None => Ok(()),
            Some(unwritten) => {
                let note = note(unwritten);
                self.append(&note).map(|()| self.unwritten = None)
            }
        };
        if let Err(error) = noted.and_then(|()| self.append(line)) {
            let because = || Unwritten { lines: 0, because: error.to_string() };
            self.unwritten.get_or_insert_with(because).lines += 1;
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let mut there = self.follow_path()?;
        if there.is_file() && there.len() > 0 && there.len() + line.len() as u64 > self.limits.bytes_max {
            // What cannot be rotated now may be the next time.
            if self.rotate().is_ok() {
                there = self.file.metadata()?;
            }
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
            there = self.file.metadata()?;
        }
        self.file.write_all(line.as_bytes()).inspect_err(|_| self.take_back(&there))
    }

    /// Sees to it that the file is the one to which the path leads; gives what is known of that.
    fn follow_path(&mut self) -> io::Result<Metadata> {
        let own = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(there) if is_same(&there, &own) => Ok(own),
            Err(error) if error.kind() != ErrorKind::NotFound => Ok(own),
            // Where no new one can be made, one that was renamed is better than none.
            _ => self.reopen().or_else(|error| if own.nlink() > 0 { Ok(own) } else { Err(error) }),
        }
    }

    fn reopen(&mut self) -> io::Result<Metadata> {
        self.file = output::open_to_append(&self.path)?;
        self.is_torn = false;
        self.file.metadata()
    }

    fn rotate(&mut self) -> io::Result<()> {
        let keep = self.limits.keep.max(1);
        let is_free = |number: &u32| !self.older(*number).exists();
        let free = (1..=keep).find(is_free).unwrap_or(keep);
        for number in (1..free).rev() {
            unless_gone(fs::rename(self.older(number), self.older(number + 1)))?;
        }
        unless_gone(fs::rename(&self.path, self.older(1)))?;
        self.reopen().map(drop)
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        self.path.with_file_name(name)
    }

    /// Takes away what was written of a line.
    fn take_back(&mut self, before: &Metadata) {
        if before.is_file() {
            let now = self.file.metadata().map(|now| now.len());
            if now.as_ref().is_ok_and(|now| *now == before.len()) {
                return;
            }
            self.is_torn = self.file.set_len(before.len()).is_err();
        }
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Somebody else may have moved a file first.
fn unless_gone(renamed: io::Result<()>) -> io::Result<()> {
    match renamed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}
