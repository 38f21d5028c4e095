//! How connections are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::fault::Sorted as _;
use crate::StoreError;

/// How long to wait for another program's lock. Ours never wait for each other: there is one writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that writes.
    Writer,
    /// Reads, and refuses to write.
    Reader,
    /// Moves the write-ahead log into the database.
    Checkpointer,
}

/// Opens a connection. The file must exist.
pub(super) fn open(path: &Path, role: Role) -> Result<Connection, StoreError> {
    // One thread uses a connection at a time, so it needs no lock of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).sorted()?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.busy_timeout(BUSY_TIMEOUT).sorted()?;
    let set = |name, value: i64| conn.pragma_update(None, name, value).sorted();
    // FULL: a commit returns when the log is on the disk.
    conn.pragma_update(None, "synchronous", "FULL").sorted()?;
    conn.pragma_update(None, "temp_store", "MEMORY").sorted()?;
    set("trusted_schema", 0)?;
    set("foreign_keys", 0)?;
    // Not within somebody's commit: the checkpointer does it beside them.
    set("wal_autocheckpoint", 0)?;
    match role {
        Role::Writer => set("cache_size", -16 * 1024)?,
        Role::Reader => {
            set("cache_size", -8 * 1024)?;
            set("query_only", 1)?;
        }
        Role::Checkpointer => {}
    }
    Ok(conn)
}

/// Runs a statement without parameters or result, from the cache.
pub(super) fn run(conn: &Connection, sql: &str) -> Result<(), StoreError> {
    conn.prepare_cached(sql).and_then(|mut it| it.raw_execute().map(drop)).sorted()
}
