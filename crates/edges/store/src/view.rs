//! What a transaction can see and do, raw and typed.
//!
//! [`View`] and [`Tx`] are what a backend implements: few operations, all by key. [`TypedView`] and
//! [`TypedTx`] are what callers use: the same by [`model::Resource`] type.

use std::ops::ControlFlow;

use model::{AccountId, AuditRecord, Kind, Resource};

use crate::{Document, Feed, StoreError};

/// One consistent state of all resources.
pub trait View {
    /// One resource, if it exists.
    fn get_raw(
        &self,
        kind: Kind,
        account: &AccountId,
        key: &str,
    ) -> Result<Option<Row>, StoreError>;

    /// Visits a range in its order until it ends or `visit` breaks. Rows are read as they are visited.
    fn scan_raw(
        &self,
        kind: Kind,
        range: Range<'_>,
        visit: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError>;

    /// How many resources a range has, counting no further than `limit`.
    fn count_raw(&self, kind: Kind, range: Range<'_>, limit: u64) -> Result<u64, StoreError>;

    /// The revision of the last change in this state; 0 if there never was one.
    fn revision(&self) -> Result<u64, StoreError>;

    /// At most `limit` entries of the change feed after a revision.
    fn changes(&self, after: u64, limit: usize) -> Result<Feed, StoreError>;
}

/// A transaction: a view that can be changed, and sees its own changes.
pub trait Tx: View {
    /// Creates or replaces a resource.
    fn put_raw(
        &mut self,
        kind: Kind,
        account: &AccountId,
        key: &str,
        parent: &str,
        document: Document,
    ) -> Result<(), StoreError>;

    /// Deletes a resource; whether it existed.
    fn delete_raw(
        &mut self,
        kind: Kind,
        account: &AccountId,
        key: &str,
    ) -> Result<bool, StoreError>;

    /// Writes down who asked for what this transaction does, to be kept if it is kept.
    fn append_audit(&mut self, record: &AuditRecord) -> Result<(), StoreError>;

    /// What this transaction has put and deleted so far: kinds and keys, in their order.
    fn changed(&self) -> Vec<(Kind, &str)>;
}

/// Which resources of a kind, in which order. Keys are compared byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range<'a> {
    /// Of every account, by account and key.
    All,
    /// Of every account, those that have a parent: by account, parent and key.
    ///
    /// Costs what it visits: ten million free numbers do not slow the reading of the owned ones.
    Owned,
    /// Of one account, by key, beginning after a key. No key is before the empty one.
    Account {
        /// The account.
        account: &'a AccountId,
        /// The key to begin after; need not exist.
        after: &'a str,
    },
    /// Of one account, those of one parent, by key, beginning after a key.
    Children {
        /// The account.
        account: &'a AccountId,
        /// The parent's key; never empty.
        parent: &'a str,
        /// The key to begin after; need not exist.
        after: &'a str,
    },
}

/// A resource as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    /// In whose scope.
    pub account: AccountId,
    /// Its key.
    pub key: String,
    /// Its parent's key; empty if it stands alone.
    pub parent: String,
    /// The revision that wrote it.
    pub revision: u64,
    /// What it is.
    pub document: Document,
}

impl Row {
    /// Reads the document as a resource of its kind.
    pub fn decode<T: Resource>(&self) -> Result<T, StoreError> {
        self.document.decode(|| format!("{}/{}/{}", T::KIND.as_str(), self.account, self.key))
    }
}

/// Where a page of a listing begins, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// The last key of the page before; `None` for the first page.
    pub after: Option<&'a str>,
    /// The most items on the page.
    pub limit: usize,
}

impl<'a> Page<'a> {
    /// Everything on one page: for listings whose length has a limit of its own.
    pub const WHOLE: Self = Self { after: None, limit: usize::MAX };

    /// The first page.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The page after a key.
    pub const fn after(key: &'a str, limit: usize) -> Self {
        Self { after: Some(key), limit }
    }
}

/// One page of a listing, in key order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// What the next page begins after; `None` if this is the last one.
    pub next: Option<String>,
}

/// [`View`] by type. Written for every view.
pub trait TypedView: View {
    /// One resource, if it exists.
    fn get<T: Resource>(&self, account: &AccountId, key: &str) -> Result<Option<T>, StoreError> {
        self.get_raw(T::KIND, account, key)?.map(|row| row.decode()).transpose()
    }

    /// A page of an account's resources.
    fn list<T: Resource>(
        &self,
        account: &AccountId,
        page: Page<'_>,
    ) -> Result<Listing<T>, StoreError> {
        let after = page.after.unwrap_or_default();
        listing(self, Range::Account { account, after }, page.limit)
    }

    /// A page of the resources that belong to `parent`.
    ///
    /// `account` is the scope they live in: [`AccountId::DEFAULT`] for kinds such as
    /// [`model::PhoneNumber`] whose parent is their owning account.
    fn children<T: Resource>(
        &self,
        account: &AccountId,
        parent: &str,
        page: Page<'_>,
    ) -> Result<Listing<T>, StoreError> {
        let after = page.after.unwrap_or_default();
        listing(self, Range::Children { account, parent, after }, page.limit)
    }

    /// Visits every resource of a type, whosever it is. For start-up: it may take seconds.
    fn all<T: Resource>(&self, mut visit: impl FnMut(T)) -> Result<(), StoreError> {
        each(self, Range::All, &mut visit)
    }

    /// Visits every resource of a type that has a parent: owned numbers, not the free ones.
    fn owned<T: Resource>(&self, mut visit: impl FnMut(T)) -> Result<(), StoreError> {
        each(self, Range::Owned, &mut visit)
    }

    /// How many resources of a type an account has, counting no further than `limit`.
    fn count<T: Resource>(&self, account: &AccountId, limit: u64) -> Result<u64, StoreError> {
        self.count_raw(T::KIND, Range::Account { account, after: "" }, limit)
    }
}

impl<V: View + ?Sized> TypedView for V {}

/// [`Tx`] by type. Written for every transaction.
pub trait TypedTx: Tx {
    /// Creates or replaces a resource.
    fn put<T: Resource>(&mut self, resource: &T) -> Result<(), StoreError> {
        self.put_raw(
            T::KIND,
            &resource.account(),
            &resource.key(),
            &resource.parent(),
            Document::of(resource),
        )
    }

    /// Creates a resource unless its key is taken; whether it did.
    fn put_if_absent<T: Resource>(&mut self, resource: &T) -> Result<bool, StoreError> {
        let taken = self.get_raw(T::KIND, &resource.account(), &resource.key())?.is_some();
        if !taken {
            self.put(resource)?;
        }
        Ok(!taken)
    }

    /// Deletes a resource; whether it existed.
    fn delete<T: Resource>(&mut self, account: &AccountId, key: &str) -> Result<bool, StoreError> {
        self.delete_raw(T::KIND, account, key)
    }
}

impl<X: Tx + ?Sized> TypedTx for X {}

fn listing<T: Resource, V: View + ?Sized>(
    view: &V,
    range: Range<'_>,
    limit: usize,
) -> Result<Listing<T>, StoreError> {
    let mut items = Vec::new();
    let mut last = String::new();
    let mut next = None;
    view.scan_raw(T::KIND, range, &mut |row| {
        if items.len() == limit {
            next = Some(std::mem::take(&mut last));
            return Ok(ControlFlow::Break(()));
        }
        items.push(row.decode()?);
        last = row.key;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Listing { items, next })
}

fn each<T: Resource, V: View + ?Sized>(
    view: &V,
    range: Range<'_>,
    visit: &mut dyn FnMut(T),
) -> Result<(), StoreError> {
    view.scan_raw(T::KIND, range, &mut |row| {
        visit(row.decode()?);
        Ok(ControlFlow::Continue(()))
    })
}
