//! Durable state: resources, their change feed, sealed secrets, call records and audit records.
//!
//! Everything the product manages is a [`model::Resource`]: a document found by *(kind, account, key)*
//! and listed by account or by parent, in key order. [`Store::write`] changes resources in
//! transactions, [`Store::read`] looks at them, and each change has a revision that only rises, so
//! that whoever folds changes into something faster (the call path's directory) knows where it is.
//!
//! What this crate refuses to be: an ORM, a query language, a cache, and a place for decisions. It
//! knows no rule of the product beyond which kinds hold secrets.
//!
//! **The invariant.** A write that was answered with `Ok` survives `kill -9` and power loss, and
//! every [`Observer`] has seen it before its caller has. A write answered with an error changed
//! nothing.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use model::{AccountId, Tags};
//! use store::{Keyring, Store, StoreConfig, StoreError, TypedTx, TypedView};
//!
//! # let dir = tempfile::tempdir()?;
//! let keyring = Keyring::load_or_create(&dir.path().join("seal.key"))?;
//! let store = Store::open(StoreConfig::new(dir.path().join("trunkline.db"), keyring))?;
//!
//! let tags = Tags {
//!     account: AccountId::DEFAULT,
//!     arn: "arn:aws:chime:us-east-1:000000000000:vc/dr3rbaar376u5r4ntcnlq4".into(),
//!     values: [("team".into(), "voice".into())].into(),
//! };
//! let arn = tags.arn.clone();
//! store.write(move |tx| tx.put(&tags)).await?;
//!
//! let found = store.read(move |view| view.get::<Tags>(&AccountId::DEFAULT, &arn)).await?;
//! assert_eq!(found.expect("it was just put").values["team"], "voice");
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

pub mod audit;
pub mod backup;
pub mod change;
pub mod document;
pub mod error;
mod file;
mod job;
pub mod record;
pub mod seal;
mod sqlite;
mod store;
pub mod view;

pub use audit::{AuditCursor, AuditFilter, AuditPage};
pub use backup::{BackupError, RestoreError};
pub use change::{Action, Change, Committed, Feed, FeedEntry, Observer};
pub use document::Document;
pub use error::{Fault, StoreError, WriteError};
pub use record::{RecordCursor, RecordFilter, RecordPage, Retention};
pub use seal::{KeyId, Keyring, Resumed, Rotation, SealError};
pub use sqlite::{RowRef, Snapshot, Visit};
pub use store::{Store, StoreConfig};
pub use view::{Listing, Page, Range, Row, Tx, TypedTx, TypedView, View};
