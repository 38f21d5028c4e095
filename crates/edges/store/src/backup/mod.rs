//! Backups: all durable state in one file, and that file back into a database.
//!
//! A backup file is a header, named parts, and an end:
//!
//! | what | bytes |
//! |---|---|
//! | header | `TRUNKLINE-BACKUP`, format version (4) |
//! | part `manifest` | frame; JSON, see [`Manifest`] |
//! | part `database` | frame; the SQLite database, compacted, secrets sealed |
//! | part `end` | frame with no data |
//! | digest of all | SHA-256 (32) of every byte before it |
//!
//! A frame is: name (16, padded with zeros), length of the data (8), the data, SHA-256 (32) of the
//! three. Numbers are little-endian. So a file that was cut or changed is refused by the name of the
//! part where it happened.
//!
//! The seal key is not in it: whoever has the file alone has no secret. For each key that any secret
//! is sealed by, the manifest holds a proof, so that a wrong key file is known before anything is
//! written.

mod format;
mod make;
mod progress;
mod restore;

pub(crate) use make::make;
pub(crate) use restore::refuse_unfinished;

pub use format::{inspect, verify};
pub use make::Incoming;
pub use progress::{Progress, Seen, Stage};
pub use restore::{Occupied, Plan, Restored, check, restore};

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use model::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{KeyId, SealError, StoreError};

/// The format version that this release writes, and the latest that it reads.
pub const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The release that made it.
    pub release: String,
    /// When.
    pub created: UnixMillis,
    /// The last change that is in it: every write that was acknowledged at this revision or an
    /// earlier one.
    pub revision: u64,
    /// The schema version of the database in it.
    pub schema: u32,
    /// How many resources of each kind.
    pub resources: BTreeMap<String, u64>,
    /// How many call records.
    pub call_records: u64,
    /// The keys that open its secrets, each with its proof.
    pub seal_keys: Vec<SealProof>,
}

/// A text that only one seal key opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealProof {
    /// The key's name, as in the seal key file.
    #[serde(with = "crate::seal::key_id_text")]
    pub key: KeyId,
    /// The sealed text, in hexadecimal.
    pub proof: String,
}

/// A part of a backup file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What says that it is a backup.
    Header,
    /// What it holds.
    Manifest,
    /// The database.
    Database,
    /// What says that nothing is missing.
    End,
}

impl Part {
    /// Its name in the file and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Manifest => "manifest",
            Self::Database => "database",
            Self::End => "end",
        }
    }
}

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already, and nothing is ever overwritten.
    #[error("{} exists: name a file that does not", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write the backup {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody asked for it to end.
    #[error("the backup was cancelled; nothing was left behind")]
    Cancelled,
    /// The database cannot be copied, or the copy not written to its end.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a backup is not restored. Nothing of what was there before is changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be read.
    #[error("cannot read the backup {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is some other file.
    #[error("{} is no backup of trunkline: it does not begin as one", .0.display())]
    NotABackup(PathBuf),
    /// A later release made it.
    #[error(
        "the backup {} has format {found}, and this release reads formats up to {known}: restore it \
         with the release that made it or a later one",
        path.display()
    )]
    FormatTooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format that this program reads.
        known: u32,
    },
    /// It ends too early.
    #[error(
        "the backup {} is cut off in its part `{}`: copy it again, or use another backup",
        path.display(),
        part.name()
    )]
    Cut {
        /// The file.
        path: PathBuf,
        /// Where it ends.
        part: Part,
    },
    /// It is not what was written.
    #[error(
        "the backup {} is damaged in its part `{}` ({detail}): copy it again, or use another backup",
        path.display(),
        part.name()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        part: Part,
        /// What was found.
        detail: String,
    },
    /// The place is taken.
    #[error(
        "{} exists: name a directory without a database, or say --overwrite to have it moved aside",
        .0.display()
    )]
    Exists(PathBuf),
    /// The place cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key file does not open it.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database in it cannot be used by this release, or its place is in use.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
