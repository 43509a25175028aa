//! A program's log: what it writes on standard error, and what there is to be said to it.

use super::hearing::excerpt;
use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Bytes of a log that are the program's own. A program that says a line about each alert of a long day writes a
/// few megabytes; one that says the same without end would fill a disk.
pub const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Remarks to a program in one run: it repeats its mistakes, and nobody reads them all.
const REMARKS_MAX: u32 = 20;

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTo {
    /// To this process's own standard error.
    StandardError,
    /// To the end of this file, which is made if it is not there.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
    /// Into memory, and of what the program wrote only the end.
    Memory,
}

/// Bytes that are kept in memory: some lines, the last of which says why a program ended.
const MEMORY_BYTES: usize = 4 * 1024;

/// A log that is open.
#[derive(Debug)]
pub(crate) struct Log {
    /// Who is meant, as on the bus.
    sre: String,
    to: Open,
    remarks: u32,
}

#[derive(Debug)]
enum Open {
    StandardError,
    File {
        file: File,
        room: u64,
        /// Whether what is written next begins a line.
        at_line_start: bool,
    },
    Nowhere,
    Memory(Vec<u8>),
}

impl Log {
    /// A log that cannot be opened goes to standard error, and says so.
    pub(crate) fn open(to: &LogTo, sre: &str) -> Self {
        let (to, complaint) = match to {
            LogTo::StandardError => (Open::StandardError, None),
            LogTo::Nowhere => (Open::Nowhere, None),
            LogTo::Memory => (Open::Memory(Vec::new()), None),
            LogTo::File(path) => match append(path) {
                Ok((file, room)) => (Open::File { file, room, at_line_start: true }, None),
                Err(error) => {
                    (Open::StandardError, Some(format!("cannot write to {}: {error}", path.display())))
                }
            },
        };
        let mut log = Self { sre: sre.to_owned(), to, remarks: 0 };
        if let Some(complaint) = complaint {
            log.remark(&complaint);
        }
        log
    }

    /// Whether the program may write there by itself.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.to, Open::StandardError)
    }

    /// Takes down what the program wrote.
    pub(crate) fn take(&mut self, written: &[u8]) {
        let (file, room, at_line_start) = match &mut self.to {
            Open::File { file, room, at_line_start } => (file, room, at_line_start),
            Open::Memory(end) => {
                end.extend_from_slice(written);
                end.drain(..end.len().saturating_sub(MEMORY_BYTES));
                return;
            }
            Open::StandardError | Open::Nowhere => return,
        };
        let kept = usize::try_from(*room).map_or(written.len(), |room| room.min(written.len()));
        // A disk that is full costs the log, and nothing else.
        let _ = file.write_all(&written[..kept]);
        if *room > 0 && *room <= written.len() as u64 {
            let _ = writeln!(file, "\nworld: what the program says is kept up to {LOG_BYTES_MAX} bytes");
        }
        *room -= kept as u64;
        *at_line_start = *room == 0 || written[..kept].last().map_or(*at_line_start, |last| *last == b'\n');
    }

    /// Says something to whoever wrote the program.
    pub(crate) fn remark(&mut self, what: &str) {
        self.remarks = self.remarks.saturating_add(1);
        match self.remarks.cmp(&REMARKS_MAX) {
            Ordering::Less => self.put_down(what),
            Ordering::Equal => self.put_down(&format!("{what} (and no more of that is told)")),
            Ordering::Greater => {}
        }
    }

    /// Says what is said once, however much was said before.
    pub(crate) fn last_remark(&mut self, what: &str) {
        self.put_down(what);
    }

    fn put_down(&mut self, what: &str) {
        match &mut self.to {
            // Where standard error is closed nobody listens, and a disk that is full costs no more than this.
            Open::StandardError => drop(writeln!(io::stderr().lock(), "sre-{}: {what}", self.sre)),
            Open::File { file, at_line_start, .. } => {
                let before = if std::mem::replace(at_line_start, true) { "" } else { "\n" };
                let _ = writeln!(file, "{before}world: {what}");
            }
            Open::Nowhere | Open::Memory(_) => {}
        }
    }

    /// The last line that the program wrote which is not blank, as far as it is kept in memory.
    pub(crate) fn last_line(&self) -> Option<String> {
        let Open::Memory(end) = &self.to else { return None };
        let mut lines = end.split(|byte| *byte == b'\n').rev().map(<[u8]>::trim_ascii);
        lines.find(|line| !line.is_empty()).map(excerpt)
    }
}

fn append(path: &PathBuf) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let room = LOG_BYTES_MAX.saturating_sub(file.metadata()?.len());
    Ok((file, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_where_it_ended_and_ends_at_its_limit() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("sre-oncall.log");
        let mut log = Log::open(&LogTo::File(path.clone()), "oncall");
        log.take(b"half");
        log.remark("round 2: nonsense");
        log.take(b"one\n");
        let mut log = Log::open(&LogTo::File(path.clone()), "oncall");
        log.remark("round 3: nonsense");
        let megabyte = vec![b'x'; 1024 * 1024];
        (0..20).for_each(|_| log.take(&megabyte));
        let text = std::fs::read(&path).expect("a log");
        assert!(text.starts_with(b"half\nworld: round 2: nonsense\none\nworld: round 3: nonsense\nxxx"));
        let end = b"x\nworld: what the program says is kept up to 16777216 bytes\n";
        assert!(text.ends_with(end));
        // Remarks are beside what the program may say.
        let beside = "world: round 3: nonsense\n".len() + end.len() - 1;
        // What is there when a log is opened counts.
        assert_eq!(text.len() as u64, LOG_BYTES_MAX + beside as u64);
        // Why it ended is told all the same.
        log.last_remark("it ended");
        let text = std::fs::read(&path).expect("a log");
        assert!(text.ends_with(b"bytes\nworld: it ended\n"));
    }

    #[test]
    fn of_a_log_in_memory_the_last_line_is_kept_however_much_was_written() {
        let mut log = Log::open(&LogTo::Memory, "oncall");
        assert_eq!(log.last_line(), None);
        log.take(&[b'x'; 3 * MEMORY_BYTES]);
        log.take(b"\nValueError: it is\x1b so\n\n  \n");
        assert_eq!(log.last_line().as_deref(), Some("ValueError: it is\u{fffd} so"));
    }

    #[test]
    fn remarks_come_to_an_end() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        let mut log = Log::open(&LogTo::File(path.clone()), "oncall");
        (0..1_000).for_each(|round| log.remark(&format!("round {round}")));
        let text = std::fs::read_to_string(path).expect("a log");
        assert_eq!(text.lines().count(), REMARKS_MAX as usize);
        assert!(text.ends_with("round 19 (and no more of that is told)\n"), "{text}");
    }
}
