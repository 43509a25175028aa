//! The board: what the daemon says of itself at the moment, in a file that anybody may read.
//!
//! It is written whenever something changes, whole and at once, and read by `status`, which asks nobody. It
//! says what the ledger cannot know: what is waited for, since when the daemon lives. Whether it lives at
//! all is not to be read here: the lock says so (`instance`).

use crate::output;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file's name in the base directory.
pub const FILE: &str = "daemon_status.json";

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "doing")]
pub enum Doing {
    /// It has only begun.
    Starting,
    /// It waits for a slot.
    Waiting {
        /// The slot.
        #[schemars(with = "String")]
        until: Timestamp,
        /// What it waits for, if not simply for the next slot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// A cycle is under way.
    Cycle {
        /// Its number.
        number: u64,
        /// Its slot.
        #[schemars(with = "String")]
        slot: Timestamp,
        /// When it began.
        #[schemars(with = "String")]
        since: Timestamp,
    },
    /// It is about to end.
    Ending,
    /// It has come to its planned end, or was asked to end.
    Ended {
        /// When.
        #[schemars(with = "String")]
        at: Timestamp,
        /// Why.
        why: String,
    },
}

/// A cycle that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastCycle {
    /// Its number.
    pub number: u64,
    /// Its slot.
    #[schemars(with = "String")]
    pub slot: Timestamp,
    /// When it ended.
    #[schemars(with = "String")]
    pub ended: Timestamp,
    /// Sends that it made.
    pub made: u64,
    /// Of these, how many succeeded.
    pub succeeded: u64,
    /// Why it failed; `None` when it did not.
    pub failure: Option<String>,
}

/// The board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Board {
    /// Its process.
    pub pid: u32,
    /// Since when it lives.
    #[schemars(with = "String")]
    pub started: Timestamp,
    /// The version of the program.
    pub version: String,
    /// The configuration, as it was named.
    pub config: String,
    /// What it does just now.
    #[serde(flatten)]
    pub doing: Doing,
    /// The last cycle that has ended.
    pub last_cycle: Option<LastCycle>,
    /// Cycles since it lives.
    pub cycles: u64,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// What is wrong just now and needs somebody to look at it, as fragments.
    pub complaints: Vec<String>,
}

impl Board {
    /// Puts it up in the base directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn put_up(&self, base: &Path) -> io::Result<()> {
        output::replace(&path(base), &serde_json::to_vec_pretty(self).map_err(io::Error::other)?)
    }

    /// Reads it.
    ///
    /// # Errors
    /// What the system says; `InvalidData` when it is no board.
    pub fn read(base: &Path) -> io::Result<Self> {
        let text = fs::read(path(base))?;
        serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

fn path(base: &Path) -> PathBuf {
    base.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(doing: Doing) -> Board {
        Board {
            pid: 7,
            started: "2026-03-29T00:30:00Z".parse().expect("an instant"),
            version: "0.1.0".to_owned(),
            config: "test".to_owned(),
            doing,
            last_cycle: None,
            cycles: 3,
            failures_in_a_row: 0,
            complaints: vec!["the target is slow".to_owned()],
        }
    }

    #[test]
    fn a_board_is_read_as_it_was_put_up() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let instant: Timestamp = "2026-03-29T00:45:00Z".parse().expect("an instant");
        for doing in [
            Doing::Starting,
            Doing::Waiting { until: instant, because: Some("cooldown".to_owned()) },
            Doing::Cycle { number: 4, slot: instant, since: instant },
            Doing::Ended { at: instant, why: "SIGTERM".to_owned() },
        ] {
            let board = board(doing);
            board.put_up(directory.path()).expect("it can be written");
            assert_eq!(Board::read(directory.path()).expect("it can be read"), board);
        }
        let files = fs::read_dir(directory.path()).expect("it is a directory").count();
        assert_eq!(files, 1, "nothing else is left");
    }

    #[test]
    fn what_is_no_board_is_told() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let kind = || Board::read(directory.path()).expect_err("there is none").kind();
        assert_eq!(kind(), io::ErrorKind::NotFound);
        fs::write(directory.path().join(FILE), "{").expect("it can be written");
        assert_eq!(kind(), io::ErrorKind::InvalidData);
    }
}
