//! The change feed: what was committed, in order.

use model::{AccountId, Kind, Resource};

use crate::Document;

/// Hears of every commit that changed a resource.
///
/// Called on the writer's thread after the commit is durable and before any caller whose write is
/// in it gets its answer, so what an observer projects is never older than what a caller knows. It
/// holds up all writers while it runs, and must neither call the store nor panic: there would be no
/// writer left.
pub trait Observer: Send + Sync {
    /// One commit, never empty; revisions follow on from the last one told.
    fn committed(&self, committed: &Committed);
}

/// What one commit changed.
#[derive(Debug)]
pub struct Committed {
    /// The revision of the last change.
    pub revision: u64,
    /// The changes in the order they were made; one key may come up more than once.
    pub changes: Vec<Change>,
}

/// One resource put or deleted.
#[derive(Debug)]
pub struct Change {
    /// Rises by one with each change, over all kinds and accounts.
    pub revision: u64,
    /// What was changed.
    pub kind: Kind,
    /// In whose scope.
    pub account: AccountId,
    /// Its key.
    pub key: String,
    /// Its parent's key after a put, or before a deletion; empty if it stands alone.
    pub parent: String,
    /// What it is now; `None` if it was deleted.
    pub document: Option<Document>,
}

impl Change {
    /// The resource as it is now; `None` if it was deleted.
    ///
    /// # Panics
    /// If `T` is not of the change's kind: the caller matches on [`Change::kind`] first.
    pub fn decode<T: Resource>(&self) -> Option<T> {
        assert_eq!(self.kind, T::KIND, "a change is decoded as the kind it is of");
        self.document.as_ref().map(|document| {
            document
                .decode(|| format!("{}/{}/{}", self.kind.as_str(), self.account, self.key))
                .expect("the document of a change was written by this process from a T")
        })
    }

    /// What happened to the resource.
    pub const fn action(&self) -> Action {
        if self.document.is_some() { Action::Put } else { Action::Delete }
    }
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was created or replaced.
    Put,
    /// It was deleted.
    Delete,
}

/// An entry of the stored feed: a [`Change`] without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Rises by one with each change, over all kinds and accounts.
    pub revision: u64,
    /// What was changed.
    pub kind: Kind,
    /// In whose scope.
    pub account: AccountId,
    /// Its key.
    pub key: String,
    /// Put or deleted.
    pub action: Action,
}

/// What the stored feed tells somebody who knows everything up to some revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// What comes next, oldest first; empty if nothing does.
    Entries(Vec<FeedEntry>),
    /// The entries that come next are trimmed: read everything anew.
    Trimmed {
        /// The oldest revision that the feed still has.
        oldest: u64,
    },
}
