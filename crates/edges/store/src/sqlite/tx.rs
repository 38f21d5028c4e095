//! Changing resources: [`Tx`] inside a group commit.

use std::ops::ControlFlow;

use model::{AccountId, AuditRecord, Kind};
use rusqlite::{OptionalExtension as _, params};

use super::audit_rows;
use super::fault::Sorted as _;
use super::rows::{Rows, account_stored};
use crate::seal::Place;
use crate::{Change, Document, Feed, Range, Row, StoreError, Tx, View};

/// The transaction of one group: what has been changed so far, and whether the store failed in it.
pub(crate) struct WriteTx<'c> {
    pub(super) rows: Rows<'c>,
    revision: u64,
    changes: Vec<Change>,
    /// Where the changes of the job that runs now begin.
    begun: usize,
    fault: Option<StoreError>,
}

/// How far a transaction was before a job began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    revision: u64,
    changes: usize,
}

impl<'c> WriteTx<'c> {
    /// Begins after a revision.
    pub(super) const fn new(rows: Rows<'c>, revision: u64) -> Self {
        Self { rows, revision, changes: Vec::new(), begun: 0, fault: None }
    }

    /// Notes that a job begins.
    pub(super) const fn mark(&mut self) -> Mark {
        self.begun = self.changes.len();
        Mark { revision: self.revision, changes: self.changes.len() }
    }

    /// Forgets what came after a mark; the rows themselves are the savepoint's business.
    pub(super) fn undo(&mut self, mark: Mark) {
        self.revision = mark.revision;
        self.changes.truncate(mark.changes);
    }

    /// The failure that a change met since the last call. A job that met one cannot be kept, even if
    /// it closed its eyes to it.
    pub(super) const fn take_fault(&mut self) -> Option<StoreError> {
        self.fault.take()
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    pub(super) const fn last_revision(&self) -> u64 {
        self.revision
    }

    /// Runs something that changes rows, and remembers whether it failed.
    pub(super) fn change<R>(
        &mut self,
        work: impl FnOnce(&Rows<'c>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        work(&self.rows).inspect_err(|error| self.fault = Some(error.clone()))
    }

    fn announce(&mut self, change: Change) -> Result<(), StoreError> {
        self.change(|rows| {
            let mut statement = rows
                .conn
                .prepare_cached(
                    "INSERT INTO change (revision, kind, account, key, action) \
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .sorted()?;
            let kind = rows.lens.kinds.id(change.kind);
            let account = account_stored(&change.account);
            let put = change.document.is_some();
            statement.execute(params![change.revision, kind, account, change.key, put]).sorted()
        })?;
        self.revision = change.revision;
        self.changes.push(change);
        Ok(())
    }
}

impl View for WriteTx<'_> {
    fn get_raw(
        &self,
        kind: Kind,
        account: &AccountId,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        self.rows.get_raw(kind, account, key)
    }

    fn scan_raw(
        &self,
        kind: Kind,
        range: Range<'_>,
        visit: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.scan_raw(kind, range, visit)
    }

    fn count_raw(&self, kind: Kind, range: Range<'_>, limit: u64) -> Result<u64, StoreError> {
        self.rows.count_raw(kind, range, limit)
    }

    fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.revision)
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Feed, StoreError> {
        self.rows.changes(after, limit)
    }
}

impl Tx for WriteTx<'_> {
    fn put_raw(
        &mut self,
        kind: Kind,
        account: &AccountId,
        key: &str,
        parent: &str,
        document: Document,
    ) -> Result<(), StoreError> {
        assert!(!key.is_empty(), "every resource has a key: listings begin after the empty one");
        let revision = self.revision + 1;
        self.change(|rows| {
            let sealed;
            let (seal, stored) = if kind.is_sealed() {
                sealed = rows.lens.keyring.seal(&Place { kind, account, key }, &document);
                (sealed.0.to_stored(), sealed.1.as_slice())
            } else {
                (0, document.as_bytes())
            };
            let place = (rows.lens.kinds.id(kind), account_stored(account));
            put_row(rows, place, key, parent, revision, (seal, stored))
        })?;
        self.announce(Change {
            revision,
            kind,
            account: *account,
            key: key.to_owned(),
            parent: parent.to_owned(),
            document: Some(document),
        })
    }

    fn delete_raw(
        &mut self,
        kind: Kind,
        account: &AccountId,
        key: &str,
    ) -> Result<bool, StoreError> {
        let parent: Option<String> = self.change(|rows| {
            rows.conn
                .prepare_cached(
                    "DELETE FROM resource WHERE kind = ?1 AND account = ?2 AND key = ?3 \
                     RETURNING parent",
                )
                .and_then(|mut it| {
                    let place = params![rows.lens.kinds.id(kind), account_stored(account), key];
                    it.query_row(place, |row| row.get(0)).optional()
                })
                .sorted()
        })?;
        let Some(parent) = parent else { return Ok(false) };
        let revision = self.revision + 1;
        let (account, key) = (*account, key.to_owned());
        self.announce(Change { revision, kind, account, key, parent, document: None })?;
        Ok(true)
    }

    fn append_audit(&mut self, record: &AuditRecord) -> Result<(), StoreError> {
        self.change(|rows| audit_rows::append(rows, record))
    }

    fn changed(&self) -> Vec<(Kind, &str)> {
        self.changes[self.begun..].iter().map(|it| (it.kind, it.key.as_str())).collect()
    }
}

/// Replaces the row, or makes it.
///
/// Replacing comes first, and leaves the parent out: SQLite rewrites an index whenever a column of
/// it is assigned, changed or not, and that page would be one more to flush on nearly every put.
fn put_row(
    rows: &Rows<'_>,
    (kind, account): (i64, i64),
    key: &str,
    parent: &str,
    revision: u64,
    (seal, stored): (u32, &[u8]),
) -> Result<(), StoreError> {
    let replaced = rows
        .conn
        .prepare_cached(
            "UPDATE resource SET revision = ?5, seal = ?6, document = ?7 \
             WHERE kind = ?1 AND account = ?2 AND key = ?3 AND parent = ?4",
        )
        .and_then(|mut it| it.execute(params![kind, account, key, parent, revision, seal, stored]))
        .sorted()?;
    if replaced == 0 {
        rows.conn
            .prepare_cached(
                "INSERT INTO resource (kind, account, key, parent, revision, seal, document) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT (kind, account, key) DO UPDATE SET parent = excluded.parent, \
                 revision = excluded.revision, seal = excluded.seal, document = excluded.document",
            )
            .and_then(|mut it| {
                it.execute(params![kind, account, key, parent, revision, seal, stored])
            })
            .sorted()?;
    }
    Ok(())
}
