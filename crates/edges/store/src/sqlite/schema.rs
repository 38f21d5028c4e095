//! The schema and its history.

use std::path::Path;

use rusqlite::Connection;

use super::fault::{Sorted as _, corrupt};
use crate::{Fault, StoreError};

/// Each release's changes, oldest first; the version is the position, from 1. What has been
/// released is never edited, only added to.
const MIGRATIONS: &[&str] =
    &[include_str!("schema_1.sql"), include_str!("schema_2.sql"), include_str!("schema_3.sql")];

/// The schema version that this release writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// "TRNK": marks a file as this product's database.
const APPLICATION_ID: i32 = 0x5452_4e4b;

/// Brings the database to [`VERSION`], each step in a transaction of its own.
///
/// Nothing is written before it is known that the file is ours and not from a later release.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = version(conn, path)?;
    if found > VERSION {
        return Err(StoreError::SchemaTooNew { found, known: VERSION });
    }
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).sorted()?;
    if mode != "wal" {
        // SQLite refuses by staying as it is: the file system has no shared memory to offer.
        let detail = format!("{} is on a file system without a log", path.display());
        return Err(StoreError::Unavailable { fault: Fault::Denied, detail });
    }
    for (version, sql) in (1_u32..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        let tx = conn.transaction().sorted()?;
        tx.execute_batch(sql).sorted()?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).sorted()?;
        tx.execute(
            "INSERT INTO migration (version, applied) VALUES (?1, unixepoch() * 1000)",
            [version],
        )
        .sorted()?;
        tx.commit().sorted()?;
    }
    Ok(())
}

/// The schema version of a database; 0 of an empty file.
fn version(conn: &Connection, path: &Path) -> Result<u32, StoreError> {
    let tables: u32 =
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).sorted()?;
    if tables == 0 {
        return Ok(0);
    }
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).sorted()?;
    if id != APPLICATION_ID {
        return Err(corrupt(format!("{} is some other program's database", path.display())));
    }
    conn.query_row("SELECT max(version) FROM migration", [], |row| row.get(0)).sorted()
}
