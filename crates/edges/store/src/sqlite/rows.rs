//! Reading resources: [`View`] on a connection.

use std::ops::ControlFlow;

use model::{AccountId, Kind, Resource};
use rusqlite::{Connection, ToSql, params};
use zeroize::Zeroizing;

use super::fault::{Sorted as _, corrupt};
use super::kinds::Kinds;
use super::snapshot::Direction;
use crate::seal::Place;
use crate::{
    Action, Document, Feed, FeedEntry, KeyId, Keyring, Range, Retention, Row, StoreError, View,
};

/// What every connection needs to make sense of rows.
#[derive(Debug)]
pub(super) struct Lens {
    pub(super) keyring: Keyring,
    pub(super) kinds: Kinds,
    pub(super) audit_retention: Retention,
}

/// Resources as one connection sees them.
#[derive(Clone, Copy)]
pub(super) struct Rows<'c> {
    pub(super) conn: &'c Connection,
    pub(super) lens: &'c Lens,
}

impl Rows<'_> {
    fn row(&self, kind: Kind, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
        let account = account_read(row.get(0).sorted()?)?;
        let key: String = row.get(1).sorted()?;
        let seal: u32 = row.get(4).sorted()?;
        let stored = row.get_ref(5).sorted()?.as_blob().map_err(|it| corrupt(it.to_string()))?;
        let document = match seal {
            0 => Document::from_bytes(Zeroizing::new(stored.to_vec())),
            seal => {
                let place = Place { kind, account: &account, key: &key };
                self.lens.keyring.open(&place, KeyId::from_stored(seal), stored)?
            }
        };
        let parent = row.get(2).sorted()?;
        let revision = row.get(3).sorted()?;
        Ok(Row { account, key, parent, revision, document })
    }
}

/// A resource as it lies in the database: nothing is copied that nobody asked for.
pub struct RowRef<'r> {
    /// In whose scope.
    pub account: AccountId,
    /// Its key.
    pub key: &'r str,
    /// Its parent's key; empty if it stands alone.
    pub parent: &'r str,
    document: DocumentRef<'r>,
    kind: Kind,
}

enum DocumentRef<'r> {
    Clear(&'r [u8]),
    Opened(Document),
}

impl RowRef<'_> {
    /// Reads the document as a resource of its kind.
    ///
    /// # Panics
    /// If `T` is of another kind than what was asked for.
    pub fn decode<T: Resource>(&self) -> Result<T, StoreError> {
        assert_eq!(self.kind, T::KIND, "a row is decoded as the kind it is of");
        let document = match &self.document {
            DocumentRef::Clear(text) => text,
            DocumentRef::Opened(document) => document.as_bytes(),
        };
        crate::document::decode(document, || {
            format!("{}/{}/{}", self.kind.as_str(), self.account, self.key)
        })
    }
}

impl Rows<'_> {
    /// As [`View::scan_raw`], in either direction and without copies.
    pub(super) fn scan(
        &self,
        kind: Kind,
        range: Range<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(RowRef<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let (from, ascending) = range_sql(range);
        let order = match direction {
            Direction::Ascending => ascending.to_owned(),
            Direction::Descending => format!("{} DESC", ascending.replace(',', " DESC,")),
        };
        let sql = format!("SELECT {COLUMNS} FROM resource {from} ORDER BY {order}");
        let mut statement = self.conn.prepare_cached(&sql).sorted()?;
        range_bound(self.lens.kinds.id(kind), range, |bound| {
            let mut rows = statement.query(bound).sorted()?;
            // Rows of one account come one after the other.
            let mut last = (0, AccountId::DEFAULT);
            while let Some(row) = rows.next().sorted()? {
                let stored = row.get(0).sorted()?;
                if last.0 != stored {
                    last = (stored, account_read(stored)?);
                }
                if visit(self.row_ref(kind, last.1, row)?)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn row_ref<'r>(
        &self,
        kind: Kind,
        account: AccountId,
        row: &'r rusqlite::Row<'_>,
    ) -> Result<RowRef<'r>, StoreError> {
        let text = |at: usize| {
            let value = row.get_ref(at).sorted()?;
            value.as_str().map_err(|it| corrupt(it.to_string()))
        };
        let (key, parent) = (text(1)?, text(2)?);
        let stored = row.get_ref(5).sorted()?.as_blob().map_err(|it| corrupt(it.to_string()))?;
        let document = match row.get(4).sorted()? {
            0 => DocumentRef::Clear(stored),
            seal => {
                let place = Place { kind, account: &account, key };
                DocumentRef::Opened(self.lens.keyring.open(
                    &place,
                    KeyId::from_stored(seal),
                    stored,
                )?)
            }
        };
        Ok(RowRef { account, key, parent, document, kind })
    }
}

const COLUMNS: &str = "account, key, parent, revision, seal, document";

impl View for Rows<'_> {
    fn get_raw(
        &self,
        kind: Kind,
        account: &AccountId,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT account, key, parent, revision, seal, document FROM resource \
                 WHERE kind = ?1 AND account = ?2 AND key = ?3",
            )
            .sorted()?;
        let mut rows = statement
            .query(params![self.lens.kinds.id(kind), account_stored(account), key])
            .sorted()?;
        rows.next().sorted()?.map(|row| self.row(kind, row)).transpose()
    }

    fn scan_raw(
        &self,
        kind: Kind,
        range: Range<'_>,
        visit: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let (from, order) = range_sql(range);
        let sql = format!("SELECT {COLUMNS} FROM resource {from} ORDER BY {order}");
        let mut statement = self.conn.prepare_cached(&sql).sorted()?;
        range_bound(self.lens.kinds.id(kind), range, |bound| {
            let mut rows = statement.query(bound).sorted()?;
            while let Some(row) = rows.next().sorted()? {
                if visit(self.row(kind, row)?)?.is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn count_raw(&self, kind: Kind, range: Range<'_>, limit: u64) -> Result<u64, StoreError> {
        let (from, _) = range_sql(range);
        let limit = limit.min(i64::MAX as u64);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM resource {from} LIMIT {limit})");
        let mut statement = self.conn.prepare_cached(&sql).sorted()?;
        range_bound(self.lens.kinds.id(kind), range, |bound| {
            statement.query_row(bound, |row| row.get(0)).sorted()
        })
    }

    fn revision(&self) -> Result<u64, StoreError> {
        let mut statement =
            self.conn.prepare_cached("SELECT max(revision) FROM change").sorted()?;
        let last: Option<u64> = statement.query_row([], |row| row.get(0)).sorted()?;
        Ok(last.unwrap_or_default())
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Feed, StoreError> {
        let oldest: Option<u64> = self
            .conn
            .prepare_cached("SELECT min(revision) FROM change")
            .and_then(|mut it| it.query_row([], |row| row.get(0)))
            .sorted()?;
        if let Some(oldest) = oldest.filter(|oldest| after + 1 < *oldest) {
            return Ok(Feed::Trimmed { oldest });
        }
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT revision, kind, account, key, action FROM change \
                 WHERE revision > ?1 ORDER BY revision LIMIT ?2",
            )
            .sorted()?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![after, limit]).sorted()?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().sorted()? {
            // A kind that only a later release knows is nothing that this one projects.
            let Some(kind) = self.lens.kinds.kind(row.get(1).sorted()?) else { continue };
            entries.push(FeedEntry {
                revision: row.get(0).sorted()?,
                kind,
                account: account_read(row.get(2).sorted()?)?,
                key: row.get(3).sorted()?,
                action: if row.get(4).sorted()? { Action::Put } else { Action::Delete },
            });
        }
        Ok(Feed::Entries(entries))
    }
}

/// The clauses that pick a range and its order. Both walk an index: nothing is ever sorted.
const fn range_sql(range: Range<'_>) -> (&'static str, &'static str) {
    match range {
        Range::All => ("WHERE kind = ?1", "account, key"),
        Range::Owned => (
            "INDEXED BY resource_by_parent WHERE kind = ?1 AND parent != ''",
            "account, parent, key",
        ),
        Range::Account { .. } => ("WHERE kind = ?1 AND account = ?2 AND key > ?3", "key"),
        Range::Children { .. } => (
            "INDEXED BY resource_by_parent \
             WHERE kind = ?1 AND account = ?2 AND parent = ?3 AND parent != '' AND key > ?4",
            "key",
        ),
    }
}

/// Calls `run` with what [`range_sql`] has placeholders for.
fn range_bound<R>(kind: i64, range: Range<'_>, run: impl FnOnce(&[&dyn ToSql]) -> R) -> R {
    match range {
        Range::All | Range::Owned => run(&[&kind]),
        Range::Account { account, after } => run(&[&kind, &account_stored(account), &after]),
        Range::Children { account, parent, after } => {
            run(&[&kind, &account_stored(account), &parent, &after])
        }
    }
}

/// The number that an account's twelve digits make.
pub(super) fn account_stored(account: &AccountId) -> i64 {
    account.as_str().bytes().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}

/// The account that [`account_stored`] made a number of.
pub(super) fn account_read(number: i64) -> Result<AccountId, StoreError> {
    let refuse = || corrupt(format!("{number} is no account"));
    let mut rest = u64::try_from(number).map_err(|_| refuse())?;
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    let text = std::str::from_utf8(&digits).expect("ASCII digits are UTF-8");
    AccountId::parse(text).ok().filter(|_| rest == 0).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_reads_back_from_its_number() {
        for digits in ["000000000000", "000000000001", "012345678901", "999999999999"] {
            let account = AccountId::parse(digits).unwrap();
            assert_eq!(account_read(account_stored(&account)).unwrap(), account);
        }
        for bad in [-1, 1_000_000_000_000, i64::MIN, i64::MAX] {
            assert!(account_read(bad).is_err(), "{bad}");
        }
    }
}
