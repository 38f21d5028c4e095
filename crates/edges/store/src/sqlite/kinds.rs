//! Kinds as small numbers: ten million rows need not each spell out what they are.

use model::Kind;
use rusqlite::Connection;

use super::fault::Sorted as _;
use crate::StoreError;

/// The number of each kind in this database. Numbers are given out once and never change.
#[derive(Debug, Clone)]
pub(super) struct Kinds([i64; Kind::ALL.len()]);

impl Kinds {
    /// Reads the numbers, giving one to each kind that this release knows and the database does not.
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let mut ids = [0; Kind::ALL.len()];
        for kind in Kind::ALL {
            conn.execute("INSERT OR IGNORE INTO kind (name) VALUES (?1)", [kind.as_str()])
                .sorted()?;
            ids[*kind as usize] = conn
                .query_row("SELECT id FROM kind WHERE name = ?1", [kind.as_str()], |row| row.get(0))
                .sorted()?;
        }
        Ok(Self(ids))
    }

    /// The number of a kind.
    pub(super) const fn id(&self, kind: Kind) -> i64 {
        self.0[kind as usize]
    }

    /// The kind of a number; `None` if only a later release knows it.
    pub(super) fn kind(&self, id: i64) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| self.id(*kind) == id)
    }
}
