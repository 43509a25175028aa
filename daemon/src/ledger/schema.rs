//! The tables, and how an old ledger becomes a new one.
//!
//! The schema is a list of steps; a ledger's version is how many of them it has been through. A step that was
//! released is never changed: what comes later is a step of its own.
//!
//! Instants are microseconds since 1970 (UTC), spans are microseconds, days are dates as text. Words (states,
//! fates, kinds) are text in tables of which there are few rows, and numbers in `sends`.

use super::LedgerError;
use rusqlite::Connection;
use std::path::Path;

/// What says in a file's head that it is a ledger: `wday`.
const APPLICATION_ID: i32 = 0x7764_6179;

/// From one version to the next.
const STEPS: [&str; 2] = [
    // 1: days, slots, batches and sends.
    "
    CREATE TABLE days (
        date TEXT PRIMARY KEY,
        zone TEXT NOT NULL,
        pacing TEXT NOT NULL,
        -- What the day was to come to, prorated, at the least and at the most, and of each kind.
        target_min INTEGER NOT NULL,
        target_max INTEGER NOT NULL,
        operations INTEGER,
        guardrails INTEGER,
        closed_at INTEGER
    ) STRICT;

    CREATE TABLE slots (
        start INTEGER PRIMARY KEY,
        date TEXT NOT NULL REFERENCES days,
        -- From 1 in its day; 0 for a cycle by hand, which has no slot.
        number INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        profile TEXT,
        cycle INTEGER,
        started_at INTEGER,
        late_by INTEGER,
        ended_at INTEGER
    ) STRICT;
    CREATE INDEX slots_of_days ON slots (date, start);
    CREATE INDEX cycles ON slots (cycle) WHERE cycle IS NOT NULL;
    CREATE INDEX slots_under_way ON slots (start) WHERE state = 'started';

    CREATE TABLE batches (
        slot INTEGER NOT NULL REFERENCES slots,
        kind TEXT NOT NULL,
        threads INTEGER NOT NULL,
        delay INTEGER NOT NULL,
        planned INTEGER NOT NULL,
        sent INTEGER NOT NULL DEFAULT 0,
        late INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0,
        skipped INTEGER NOT NULL DEFAULT 0,
        succeeded INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        -- Latencies of what was sent: see `latencies`.
        latencies BLOB,
        PRIMARY KEY (slot, kind)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE failures (
        slot INTEGER NOT NULL REFERENCES slots,
        kind TEXT NOT NULL,
        failure TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (slot, kind, failure)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE verdicts (
        slot INTEGER NOT NULL REFERENCES slots,
        category TEXT NOT NULL,
        blocked INTEGER NOT NULL,
        breached INTEGER NOT NULL,
        undetermined INTEGER NOT NULL,
        PRIMARY KEY (slot, category)
    ) STRICT, WITHOUT ROWID;

    -- What many sends have in common.
    CREATE TABLE subjects (
        id INTEGER PRIMARY KEY,
        agent_id TEXT NOT NULL,
        name TEXT NOT NULL,
        azure_id TEXT NOT NULL,
        version TEXT NOT NULL,
        model TEXT NOT NULL,
        org_id TEXT NOT NULL,
        agent_type TEXT NOT NULL,
        UNIQUE (agent_id, name, azure_id, version, model, org_id, agent_type)
    ) STRICT;
    CREATE TABLE queries (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL UNIQUE
    ) STRICT;

    -- In the order in which they ended, which is the order of the CSVs.
    CREATE TABLE sends (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        slot INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        number INTEGER NOT NULL,
        fate INTEGER NOT NULL,
        planned INTEGER NOT NULL,
        lag INTEGER NOT NULL,
        latency INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        subject INTEGER NOT NULL,
        query INTEGER NOT NULL,
        category TEXT,
        case_id TEXT,
        verdict INTEGER,
        status INTEGER,
        answer TEXT,
        answer_length INTEGER,
        content_filter INTEGER,
        failure INTEGER,
        error TEXT
    ) STRICT;
    -- For reviews: few tests are not blocked.
    CREATE INDEX sends_to_review ON sends (planned) WHERE verdict > 0;

    -- How far the CSVs have come.
    CREATE TABLE exports (
        kind TEXT PRIMARY KEY,
        last_send INTEGER NOT NULL,
        file_bytes INTEGER NOT NULL,
        file_mark TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    ",
    // 2: figures of the user's own, and forecasts.
    "
    CREATE TABLE metrics (
        date TEXT NOT NULL,
        name TEXT NOT NULL,
        value REAL NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (date, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE forecasts (
        at INTEGER PRIMARY KEY,
        -- The day that it is about, and what it says; null where none could be made.
        date TEXT NOT NULL,
        prediction REAL,
        model TEXT,
        status TEXT NOT NULL,
        receipt TEXT,
        -- What the day came to, when it was over.
        actual INTEGER,
        error_share REAL
    ) STRICT;
    CREATE INDEX forecasts_of_days ON forecasts (date, at);
    ",
];

/// The version that this program writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Refuses what is no ledger, or a newer one; gives its version. A file that holds nothing may become one.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<u32, LedgerError> {
    let foreign = || LedgerError::Foreign { path: path.to_owned() };
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let id = read("application_id").map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => foreign(),
        _ => LedgerError::Open { path: path.to_owned(), source: error },
    })?;
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        return if id == 0 && tables == 0 { Ok(0) } else { Err(foreign()) };
    }
    let found = read("user_version")?.unsigned_abs();
    if found > VERSION {
        return Err(LedgerError::TooNew { path: path.to_owned(), found, known: VERSION });
    }
    Ok(found)
}

/// Takes a ledger through the steps that it has not been through, all or none.
pub(super) fn bring_up_to_date(connection: &mut Connection) -> Result<(), LedgerError> {
    let transaction = connection.transaction()?;
    let found: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or_default().min(STEPS.len());
    if done < STEPS.len() {
        take_steps(&transaction, done, STEPS.len())?;
    }
    Ok(transaction.commit()?)
}

fn take_steps(connection: &Connection, from: usize, to: usize) -> rusqlite::Result<()> {
    STEPS[from..to].iter().try_for_each(|step| connection.execute_batch(step))?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", to as i64)
}

#[cfg(test)]
pub(super) fn make_version(connection: &Connection, version: usize) {
    take_steps(connection, 0, version).expect("the steps are good");
}
