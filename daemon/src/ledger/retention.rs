//! How long single sends are kept.
//!
//! They are what grows: a thousand a second are some ten gigabytes a day. What was counted of them (days,
//! slots, batches) is small and stays for ever.

use super::rows::micros;
use super::{Ledger, LedgerError};
use jiff::Timestamp;
use rusqlite::params;

/// Pages of 4 KiB that are given back to the disk at once.
const PAGES_AT_ONCE: u32 = 1_000;

impl Ledger {
    /// Removes sends that were planned before an instant, at most so many, the oldest first, and gives some
    /// of what they held back to the disk. Gives how many went: as long as that is as many as were asked for,
    /// there may be more. What the CSVs do not hold yet stays.
    ///
    /// # Errors
    /// If they cannot be removed; then none is.
    pub fn forget(&mut self, before: Timestamp, most: u32) -> Result<usize, LedgerError> {
        let removed = self
            .connection
            .prepare_cached(
                "DELETE FROM sends WHERE planned < ?1 AND id IN (SELECT id FROM sends
                 WHERE id <= coalesce((SELECT min(last_send) FROM exports), ?3) ORDER BY id LIMIT ?2)",
            )?
            .execute(params![micros(before), most, i64::MAX])?;
        self.give_back()?;
        Ok(removed)
    }

    fn give_back(&self) -> Result<(), LedgerError> {
        let mut statement =
            self.connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
        // A page is given back for each row that is asked for.
        let mut pages = statement.query([])?;
        while pages.next()?.is_some() {}
        Ok(())
    }
}
