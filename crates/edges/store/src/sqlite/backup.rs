//! What backups need of SQLite: one consistent copy, what it holds, and a copy made ready for use.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use model::Kind;
use rusqlite::Connection;

use super::connection::{self, Role};
use super::fault::{Sorted as _, caused, corrupt};
use super::kinds::Kinds;
use super::lock::LockFile;
use super::rows::{Lens, Rows};
use super::{rotation, schema};
use crate::backup::Progress;
use crate::{BackupError, KeyId, Keyring, Range, Retention, StoreError, View as _};

/// What is in a copy.
pub(crate) struct Contents {
    pub(crate) schema: u32,
    pub(crate) revision: u64,
    pub(crate) resources: BTreeMap<String, u64>,
    pub(crate) call_records: u64,
    pub(crate) seal_keys: Vec<KeyId>,
}

/// Copies one consistent state to an empty file, compacted. The writer goes on meanwhile.
pub(crate) fn copy(from: &Path, to: &Path, progress: &Progress) -> Result<(), BackupError> {
    let name = to.to_str().ok_or_else(|| BackupError::Unwritable {
        path: to.to_owned(),
        source: io::Error::from(io::ErrorKind::InvalidFilename),
    })?;
    let conn = connection::open(from, Role::Checkpointer)?;
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).sorted();
    let bytes =
        (pragma("page_count")?.saturating_sub(pragma("freelist_count")?)) * pragma("page_size")?;
    progress.begin_copying(to.to_owned(), bytes, conn.get_interrupt_handle());
    // SQLite takes an empty file as it takes none.
    let copied = conn.execute("VACUUM INTO ?1", [name]).sorted();
    progress.end_copying();
    copied.map_err(|error| caused(&conn, error))?;
    Ok(())
}

/// Reads what a copy holds.
pub(crate) fn contents(copy: &Path) -> Result<Contents, StoreError> {
    let conn = connection::open(copy, Role::Reader)?;
    let one = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, Option<u64>>(0)).sorted();
    let schema = u32::try_from(one("SELECT max(version) FROM migration")?.unwrap_or_default());
    let mut statement = conn
        .prepare(
            "SELECT kind.name, count(*) FROM resource JOIN kind ON kind.id = resource.kind \
             GROUP BY resource.kind",
        )
        .sorted()?;
    let counted = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).sorted()?;
    let resources = counted.collect::<rusqlite::Result<_>>().sorted()?;
    Ok(Contents {
        schema: schema.map_err(|_| corrupt("the schema version is no such number"))?,
        revision: one("SELECT max(revision) FROM change")?.unwrap_or_default(),
        resources,
        call_records: one("SELECT count(*) FROM call_record")?.unwrap_or_default(),
        seal_keys: rotation::keys(&conn)?,
    })
}

/// Refuses a schema that only a later release knows.
pub(crate) const fn schema_known(found: u32) -> Result<(), StoreError> {
    if found > schema::VERSION {
        return Err(StoreError::SchemaTooNew { found, known: schema::VERSION });
    }
    Ok(())
}

/// Holds a database while it is replaced.
pub(crate) fn lock(database: &Path) -> Result<LockFile, StoreError> {
    LockFile::take(database)
}

/// Brings a copy to this release's schema and looks through it: its pages fit together, and every
/// secret in it opens. It is one durable file afterwards.
pub(crate) fn prepare(copy: &Path, keyring: &Keyring) -> Result<(), StoreError> {
    let mut conn = connection::open(copy, Role::Writer)?;
    let sound: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).sorted()?;
    if sound != "ok" {
        return Err(corrupt(format!("{}: {sound}", copy.display())));
    }
    schema::migrate(&mut conn, copy)?;
    let lens = Lens {
        kinds: Kinds::load(&conn)?,
        keyring: keyring.clone(),
        audit_retention: Retention::AUDIT,
    };
    let rows = Rows { conn: &conn, lens: &lens };
    rotation::check(&rows)?;
    for kind in Kind::ALL.iter().copied().filter(|it| it.is_sealed()) {
        // Opening is what reading does.
        rows.scan_raw(kind, Range::All, &mut |_| Ok(std::ops::ControlFlow::Continue(())))?;
    }
    merge_log(&conn)
}

/// Moves all of the log into the database, so that the one file is everything.
fn merge_log(conn: &Connection) -> Result<(), StoreError> {
    let left: i64 =
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).sorted()?;
    if left == 0 { Ok(()) } else { Err(corrupt("the log of a new copy is in use")) }
}
