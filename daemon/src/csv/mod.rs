//! The documented CSVs: what was sent, a line for each.
//!
//! They are drawn from the ledger and appended to after each of its commits; nothing is ever rewritten but
//! what a kill tore. A request that was made is a line, whatever came of it; what was dropped or skipped is
//! not, for there is nothing to tell of it, and the ledger counts it. So `wc -l`, less the header, is the
//! number of requests that the daily summaries add up to. What a line holds: [`mod@line`].
//!
//! **Nothing is lost, doubled or torn.** The ledger holds for each file the last send that is in it, its
//! length then, and a *mark* by which the file is known again: a hash of the last bytes before that length,
//! and its inode. [`Csv::catch_up`] writes what is missing, sees it on the disk, and then notes how far it
//! came. After a kill between the two the file is longer than noted: it is cut back, and what was cut off is
//! written again.
//!
//! **A file that was moved or removed is begun anew**, with a header: it is rotated by renaming it, or by
//! copying and emptying it. One that is there and not known, but begins with the header, is appended to, for
//! somebody put it back; one that begins otherwise is refused and left as it is. Before the first line goes
//! into a file that is new here, the ledger knows of that file, so that a kill then does not double it.
//! Whoever moves a file away while there is no daemon, after a kill that tore it, keeps what was torn.

pub mod line;
#[cfg(test)]
mod tests;

use crate::ledger::{Exported, Ledger, LedgerError};
use crate::output;
use days::order::Kind;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Sends that are read and written at once, so that memory stays bounded when there is much to catch up.
const SENDS_AT_ONCE: i64 = 2_000;

/// Bytes at the end of a file by which it is known again: more than a line often has.
const MARK_BYTES: u64 = 4 * 1024;

/// Why a CSV cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} begins with something else than the header of {kind}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        kind: &'static str,
    },
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl CsvError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("make room on its disk: the ledger has what is missing, and it is written then".into())
            }
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("let this user write it and in its directory".into())
            }
            Self::File { .. } => None,
            Self::Foreign { path, .. } => {
                Some(format!("move {} away: it is begun anew then", path.display()))
            }
            Self::Ledger(error) => error.hint(),
        }
    }
}

/// The CSV of one kind of requests.
#[derive(Debug)]
pub struct Csv {
    kind: Kind,
    path: PathBuf,
    open: Option<Open>,
}

/// A file that is known, and how far it has come.
#[derive(Debug)]
struct Open {
    file: File,
    exported: Exported,
}

impl Csv {
    /// The CSV of a kind in a file, which is opened when there is something to write.
    pub fn new(kind: Kind, path: PathBuf) -> Self {
        Self { kind, path, open: None }
    }

    /// Appends what the ledger holds and the file does not; makes it, with its header, if it is not there.
    ///
    /// # Errors
    /// If the file or the ledger cannot be read or written, or the file holds something else. What was
    /// written by then is taken into account the next time.
    pub fn catch_up(&mut self, ledger: &mut Ledger) -> Result<(), CsvError> {
        let caught_up = self.append_missing(ledger);
        if caught_up.is_err() {
            self.open = None;
        }
        caught_up
    }

    fn append_missing(&mut self, ledger: &mut Ledger) -> Result<(), CsvError> {
        let (kind, path) = (self.kind, self.path.clone());
        let last = ledger.last_send()?;
        let open = self.opened(ledger)?;
        while open.exported.last_send < last || open.exported.file_bytes == 0 {
            let up_to = last.min(open.exported.last_send + SENDS_AT_ONCE);
            let mut text = String::new();
            if open.exported.file_bytes == 0 {
                line::header(&mut text, kind);
            }
            for sent in ledger.sent(kind, open.exported.last_send, up_to)? {
                line::line(&mut text, kind, &sent);
            }
            if !text.is_empty() {
                open.append(&text).map_err(|source| CsvError::File { path: path.clone(), source })?;
            }
            open.exported.last_send = up_to;
            ledger.note_exported(kind, &open.exported)?;
        }
        Ok(())
    }

    /// The file, if it is still the one that was written to last; else the one that is there now.
    fn opened(&mut self, ledger: &mut Ledger) -> Result<&mut Open, CsvError> {
        let file_error = |source| CsvError::File { path: self.path.clone(), source };
        let is_there = match &self.open {
            Some(open) => open.is_at(&self.path).map_err(file_error)?,
            None => false,
        };
        match self.open.take() {
            Some(open) if is_there => Ok(self.open.insert(open)),
            _ => {
                let open = self.recognise(ledger)?;
                Ok(self.open.insert(open))
            }
        }
    }

    /// Opens what is there: the file that the ledger knows, cut back to where it knows it, or another.
    fn recognise(&self, ledger: &mut Ledger) -> Result<Open, CsvError> {
        let file_error = |source| CsvError::File { path: self.path.clone(), source };
        let file = output::open_to_append(&self.path).map_err(file_error)?;
        let known = ledger.exported(self.kind)?.unwrap_or_default();
        if mark(&file, known.file_bytes).map_err(file_error)?.is_some_and(|mark| mark.is(&known)) {
            file.set_len(known.file_bytes).map_err(file_error)?;
            return Ok(Open { file, exported: known });
        }
        if !self.adopt(&file).map_err(file_error)? {
            return Err(CsvError::Foreign { path: self.path.clone(), kind: self.kind.word() });
        }
        let mut open = Open { file, exported: known };
        open.note_length().map_err(file_error)?;
        ledger.note_exported(self.kind, &open.exported)?;
        Ok(open)
    }

    /// Makes a file that is not known ready to be appended to; `false` where it holds something else.
    fn adopt(&self, file: &File) -> io::Result<bool> {
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(true);
        }
        let mut header = String::new();
        line::header(&mut header, self.kind);
        let mut head = vec![0; header.len()];
        if length < header.len() as u64 {
            return Ok(false);
        }
        file.read_exact_at(&mut head, 0)?;
        if head != header.as_bytes() {
            return Ok(false);
        }
        let mut last = [0];
        file.read_exact_at(&mut last, length - 1)?;
        if last != *b"\n" {
            (&*file).write_all(b"\n")?;
        }
        Ok(true)
    }
}

impl Open {
    fn append(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.note_length()
    }

    fn note_length(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mark = mark(&self.file, length)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.exported.file_bytes = length;
        self.exported.file_mark = mark.to_string();
        Ok(())
    }

    /// Whether this is what a path leads to, and nobody has changed its length.
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let there = match path.metadata() {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let is_same = (ours.dev(), ours.ino()) == (there.dev(), there.ino());
        Ok(is_same && there.len() == self.exported.file_bytes)
    }
}

/// What a file is known again by.
struct Mark {
    inode: u64,
    tail: String,
}

impl Mark {
    /// Whether a file with this mark is the one that was noted. Of an empty one only the inode can tell.
    fn is(&self, noted: &Exported) -> bool {
        noted.file_mark.split_once(' ').is_some_and(|(inode, tail)| {
            tail == self.tail && (noted.file_bytes > 0 || inode == self.inode.to_string())
        })
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.inode, self.tail)
    }
}

/// The mark of a file as it was when it was so long; `None` where it is shorter.
fn mark(file: &File, length: u64) -> io::Result<Option<Mark>> {
    let metadata = file.metadata()?;
    if metadata.len() < length {
        return Ok(None);
    }
    let from = length.saturating_sub(MARK_BYTES);
    let mut bytes = vec![0; (length - from) as usize];
    file.read_exact_at(&mut bytes, from)?;
    Ok(Some(Mark { inode: metadata.ino(), tail: blake3::hash(&bytes).to_hex()[..32].to_owned() }))
}
