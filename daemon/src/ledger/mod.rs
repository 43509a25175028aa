//! The ledger: what was planned, what was done, and what came of it, in an embedded store.
//!
//! Every planned cycle is a row from the moment its day is opened, and ends in exactly one state; every
//! planned send that has ended is a row, too. All else (counters, summaries, CSVs) is drawn from them.
//!
//! **What is acknowledged is kept.** [`Ledger::append`] and the others return when what they wrote is on the
//! disk (SQLite, write-ahead log, `synchronous = FULL`), so neither a killed daemon nor a lost machine takes
//! it back; what they wrote together is there together or not at all. A daemon that was killed within a cycle
//! leaves it `started`; [`Ledger::recover`] ends it, and books what was never heard of as dropped, so that
//! `planned = sent + late + dropped + skipped` holds again.
//!
//! **Counters are never recounted.** What is counted of a batch stands beside its rows, written in the same
//! transaction; a test recounts them.
//!
//! There is one writer, a plain value that blocks; whoever owns it decides on which thread. Others may read
//! meanwhile ([`Ledger::look`]): that is what the write-ahead log is for. A ledger of an older version is
//! brought up to date; one of a newer version, a broken one, or a file that is none, is refused and left as
//! it is.

mod exports;
mod forecasts;
mod retention;
mod rows;
mod schema;
mod slots;
#[cfg(test)]
pub(crate) mod tests;
mod totals;

pub use exports::{Exported, Sent};
pub use forecasts::{ForecastRow, PUBLISHED};
pub use slots::{DayPlanned, Ending, Unsent};
pub use totals::{DayTotals, Hour, SlotRow};

use crate::latencies;
use crate::output;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for another process that writes: `world daemon metric`, for a moment.
const BUSY_TIME: Duration = Duration::from_secs(10);

/// Prepared statements that are kept.
const STATEMENTS: usize = 64;

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be opened.
    #[error("the ledger {} cannot be opened: {source}", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// It cannot be made.
    #[error("the ledger {} cannot be made: {source}", path.display())]
    File {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is no ledger of `world daemon`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error("the ledger {} has version {found}, and this program knows up to {known}", path.display())]
    TooNew {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// It was written by an older program, and nobody may change it who only looks.
    #[error("the ledger {} has version {found}; it becomes {known} when the daemon next starts", path.display())]
    TooOld {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// The store refused.
    #[error("the ledger: {0}")]
    Store(#[from] rusqlite::Error),
    /// Latencies in it cannot be.
    #[error("the ledger holds {0}")]
    Latencies(#[from] latencies::CutOff),
    /// Something in it cannot be.
    #[error("the ledger holds what cannot be: {0}")]
    Broken(String),
    /// A slot was to go on from its end.
    #[error("the slot of {slot} is {found} and cannot become {wanted}")]
    Settled {
        /// The slot.
        slot: jiff::Timestamp,
        /// How it stands.
        found: &'static str,
        /// What it was to become.
        wanted: &'static str,
    },
}

impl LedgerError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let code = match self {
            Self::Open { source, .. } | Self::Store(source) => source.sqlite_error_code(),
            Self::TooNew { .. } => {
                return Some("use the program that wrote it, or another base directory".into());
            }
            Self::TooOld { .. } => return Some("start the daemon, or use the program that wrote it".into()),
            Self::Foreign { path } => {
                return Some(format!("move {} away, or use another base directory", path.display()));
            }
            Self::File { .. } => return Some("let this user write in its directory".into()),
            Self::Broken(_) | Self::Latencies(_) | Self::Settled { .. } => None,
        };
        match code {
            Some(ErrorCode::DiskFull) => {
                Some("make room on its disk: nothing that was written is lost".into())
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Some("let this user read and write it and its directory".into())
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Some("move it away (`world daemon collect` keeps a copy) and start anew".into())
            }
            Some(ErrorCode::DatabaseBusy) => Some("another process holds it: see who with `fuser`".into()),
            _ => None,
        }
    }
}

/// A ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    names: rows::Names,
}

impl Ledger {
    /// Opens one to write; makes it if there is no file, and brings it up to date if it is old.
    ///
    /// # Errors
    /// If it is no ledger, or a newer one, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let open_error = |source| LedgerError::Open { path: path.to_owned(), source };
        output::make_file(path).map_err(|source| LedgerError::File { path: path.to_owned(), source })?;
        let connection = Connection::open(path).map_err(open_error)?;
        schema::identify(&connection, path)?;
        connection.busy_timeout(BUSY_TIME)?;
        // Given back in small steps, so it has to be known before the first table is made.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::prepared(connection)
    }

    /// One that is nowhere but in memory, for rehearsals.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Self::prepared(Connection::open_in_memory()?)
    }

    /// Opens one to read, while somebody may write.
    ///
    /// # Errors
    /// If there is none, or it is no ledger, or of another version.
    pub fn look(path: &Path) -> Result<Self, LedgerError> {
        let open_error = |source| LedgerError::Open { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(open_error)?;
        let found = schema::identify(&connection, path)?;
        if found < schema::VERSION {
            return Err(LedgerError::TooOld { path: path.to_owned(), found, known: schema::VERSION });
        }
        connection.busy_timeout(BUSY_TIME)?;
        Ok(Self { connection, names: rows::Names::default() })
    }

    fn prepared(mut connection: Connection) -> Result<Self, LedgerError> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "foreign_keys", true)?;
        // Who reads first and then wants to write is refused, and not made to wait, when another process has
        // written meanwhile. There is nothing here that would only read.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        schema::bring_up_to_date(&mut connection)?;
        Ok(Self { connection, names: rows::Names::default() })
    }
}
