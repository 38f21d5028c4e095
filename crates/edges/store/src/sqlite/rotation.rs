//! Rotation of the seal key: a new key, and every secret sealed anew, a few rows at a time.

use model::{AccountId, Kind};
use rusqlite::{Connection, params};

use super::database::Database;
use super::fault::{Sorted as _, corrupt};
use super::rows::{Rows, account_read, account_stored};
use crate::job::task;
use crate::seal::{Place, Resumed};
use crate::{KeyId, Rotation, StoreError, WriteError};

/// Rows looked at in one job: what another writer waits for is bounded.
const SLICE: usize = 256;

/// How far the walk over one kind's rows has come.
#[derive(Debug, Clone)]
struct Cursor {
    account: AccountId,
    key: String,
}

/// What one job did.
struct Slice {
    resealed: u64,
    next: Option<Cursor>,
}

impl Database {
    pub(crate) async fn rotate(&self) -> Result<Rotation, StoreError> {
        let (key, resumed) = self
            .writer()
            .alone(|writer| {
                let lens = writer.lens.clone();
                let conn = writer.connection()?;
                let rows = Rows { conn, lens: &lens };
                let resumed = if is_unfinished(&rows)? { Resumed::Yes } else { Resumed::No };
                if resumed == Resumed::No {
                    lens.keyring.add()?;
                }
                // Named in the database before anything is sealed by it.
                let key = register(&rows)?;
                Ok((key, resumed))
            })
            .await?;
        let mut resealed = 0;
        for kind in Kind::ALL.iter().copied().filter(|it| it.is_sealed()) {
            let mut after = Some(Cursor { account: AccountId::DEFAULT, key: String::new() });
            while let Some(cursor) = after {
                let (job, answer) =
                    task(move |tx| tx.change(|rows| reseal(rows, kind, &cursor, key)));
                self.writer().submit(job).await?;
                let slice = answer.wait().await.map_err(WriteError::<StoreError>::into_inner)?;
                resealed += slice.resealed;
                after = slice.next;
            }
        }
        let (job, answer) = task(move |tx| {
            tx.change(|rows| {
                rows.conn.execute("DELETE FROM seal_key WHERE id != ?1", [key.to_stored()]).sorted()
            })
        });
        self.writer().submit(job).await?;
        answer.wait().await.map_err(WriteError::<StoreError>::into_inner)?;
        Ok(Rotation { key, resealed, resumed })
    }
}

/// Refuses a keyring that lacks a key which something may be sealed by, and names the current one.
pub(super) fn check(rows: &Rows<'_>) -> Result<(), StoreError> {
    for id in keys(rows.conn)? {
        rows.lens.keyring.require(id)?;
    }
    register(rows).map(drop)
}

/// Whether anything may still be sealed by another key than the current one.
fn is_unfinished(rows: &Rows<'_>) -> Result<bool, StoreError> {
    let current = rows.lens.keyring.current();
    Ok(keys(rows.conn)?.into_iter().any(|id| id != current))
}

/// The keys that anything in a database may be sealed by.
pub(super) fn keys(conn: &Connection) -> Result<Vec<KeyId>, StoreError> {
    let mut statement = conn.prepare_cached("SELECT id FROM seal_key").sorted()?;
    let ids = statement.query_map([], |row| row.get(0).map(KeyId::from_stored)).sorted()?;
    ids.collect::<rusqlite::Result<_>>().sorted()
}

fn register(rows: &Rows<'_>) -> Result<KeyId, StoreError> {
    let current = rows.lens.keyring.current();
    rows.conn
        .execute("INSERT OR IGNORE INTO seal_key (id) VALUES (?1)", [current.to_stored()])
        .sorted()?;
    Ok(current)
}

/// Seals the next rows of one kind anew. Their revisions stay: what they say has not changed.
fn reseal(
    rows: &Rows<'_>,
    kind: Kind,
    after: &Cursor,
    current: KeyId,
) -> Result<Slice, StoreError> {
    let kind_id = rows.lens.kinds.id(kind);
    let seen = slice(rows, kind_id, after)?;
    let next = if seen.len() == SLICE { seen.last().map(|it| it.0.clone()) } else { None };
    let mut resealed = 0;
    for (Cursor { account, key }, by, sealed) in seen {
        if by == current {
            continue;
        }
        let place = Place { kind, account: &account, key: &key };
        let document = rows.lens.keyring.open(&place, by, &sealed)?;
        let (by, sealed) = rows.lens.keyring.seal(&place, &document);
        rows.conn
            .prepare_cached(
                "UPDATE resource SET seal = ?4, document = ?5 \
                 WHERE kind = ?1 AND account = ?2 AND key = ?3",
            )
            .and_then(|mut it| {
                let account = account_stored(&account);
                it.execute(params![kind_id, account, key, by.to_stored(), sealed])
            })
            .sorted()?;
        resealed += 1;
    }
    Ok(Slice { resealed, next })
}

type Sealed = (Cursor, KeyId, Vec<u8>);

fn slice(rows: &Rows<'_>, kind_id: i64, after: &Cursor) -> Result<Vec<Sealed>, StoreError> {
    let mut statement = rows
        .conn
        .prepare_cached(
            "SELECT account, key, seal, document FROM resource \
             WHERE kind = ?1 AND (account, key) > (?2, ?3) ORDER BY account, key LIMIT ?4",
        )
        .sorted()?;
    let account = account_stored(&after.account);
    let mut found = statement.query(params![kind_id, account, after.key, SLICE]).sorted()?;
    let mut seen = Vec::new();
    while let Some(row) = found.next().sorted()? {
        let account = account_read(row.get(0).sorted()?)?;
        let key = row.get(1).sorted()?;
        let by: u32 = row.get(2).sorted()?;
        if by == 0 {
            return Err(corrupt(format!("a secret of {account} is stored in clear: {key}")));
        }
        let sealed = row.get(3).sorted()?;
        seen.push((Cursor { account, key }, KeyId::from_stored(by), sealed));
    }
    Ok(seen)
}
