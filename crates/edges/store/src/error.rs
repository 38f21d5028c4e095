//! Every way the store may fail.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::seal::SealError;

/// Why the store could not do what it was asked. `Display` names the remedy and never holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be used now. It recovers by itself when the fault ends; nothing of the
    /// failed work was kept.
    #[error("the store is unavailable: {fault} ({detail}); {}", fault.remedy())]
    Unavailable {
        /// The cause, by kind.
        fault: Fault,
        /// What the system said.
        detail: String,
    },
    /// What is stored is not what was written.
    #[error("the database is damaged: {detail}; restore a backup")]
    Corrupt {
        /// Where, and what was found.
        detail: String,
    },
    /// A later release wrote this database.
    #[error(
        "the database has schema version {found}, and this release knows versions up to {known}: \
         run the release that last used it or a later one, or restore a backup from before the upgrade"
    )]
    SchemaTooNew {
        /// The version in the database.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// Another handle, in this process or another, has the database open.
    #[error(
        "{} is in use by {}: stop it first, or give this one another data directory",
        path.display(),
        Holder(*holder)
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// The holder's process id, if it could be read.
        holder: Option<u32>,
    },
    /// A restore was cut short between moving the old database aside and putting the new one there.
    #[error(
        "{} is missing, and a restore into its place was cut short: run `trunkline restore` again",
        path.display()
    )]
    RestoreUnfinished {
        /// The database.
        path: PathBuf,
    },
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// [`Store::close`](crate::Store::close) was called.
    #[error("the store is closed")]
    Closed,
}

/// What keeps the store from working for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No space is left on the device.
    DiskFull,
    /// The quota of a user or a directory on the file system is used up.
    Quota,
    /// The process may write no larger files.
    FileSize,
    /// The file system or the file is read-only.
    ReadOnly,
    /// The system refused access.
    Denied,
    /// The device failed to read, write or flush.
    Io,
    /// Another program holds a lock on the database.
    Busy,
    /// No memory is left.
    Memory,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "no space is left for the database",
            Self::Quota => "the quota of the database's file system is used up",
            Self::FileSize => {
                "the database is as large as the limit on the size of files lets it be"
            }
            Self::ReadOnly => "the database is on a read-only file system",
            Self::Denied => "access to the database is denied",
            Self::Io => "the device of the database failed",
            Self::Busy => "another program holds a lock on the database",
            Self::Memory => "no memory is left",
        })
    }
}

impl Fault {
    /// What an operator can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::DiskFull => "make room on the file system of data_dir",
            Self::Quota => "raise the quota, or make room within it",
            Self::FileSize => "raise the limit (`ulimit -f`, LimitFSIZE= in a unit of systemd)",
            Self::ReadOnly => "see in the kernel's log why it is so, and mount it for writing",
            Self::Denied => "let the service's user read and write data_dir and what is in it",
            Self::Io => "see the kernel's log for what the device says",
            Self::Busy => "end the other program, or wait until it is done",
            Self::Memory => "give the service more, or end what else uses it",
        }
    }

    /// The fault that an error of the system stands for.
    pub(crate) fn of(error: &io::Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "io::ErrorKind is open-ended")]
        match error.kind() {
            io::ErrorKind::StorageFull => Self::DiskFull,
            io::ErrorKind::QuotaExceeded => Self::Quota,
            io::ErrorKind::FileTooLarge => Self::FileSize,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::OutOfMemory => Self::Memory,
            _ => Self::Io,
        }
    }
}

impl StoreError {
    /// Sorts an I/O error on `path`.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        let detail = format!("{}: {error}", path.display());
        Self::Unavailable { fault: Fault::of(error), detail }
    }
}

struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) if pid == std::process::id() => f.write_str("this very process"),
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

/// Why a write did not happen: its own closure refused, or the store could not.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The closure returned this; everything it had changed was undone.
    #[error(transparent)]
    Refused(E),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: From<StoreError>> WriteError<E> {
    /// Either cause as the closure's own error type.
    pub fn into_inner(self) -> E {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Store(error) => error.into(),
        }
    }
}

impl From<WriteError<Self>> for StoreError {
    fn from(error: WriteError<Self>) -> Self {
        error.into_inner()
    }
}
