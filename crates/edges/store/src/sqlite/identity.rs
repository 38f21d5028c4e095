//! Whether the database file is still the one that was opened.
//!
//! A file that was deleted, or whose directory was, can be written for as long as it is open: commits
//! would succeed, and be lost with the process. So each group of writes looks first.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::{Fault, StoreError};

/// Which file a path named when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|error| StoreError::io(path, &error))?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Refuses to go on with a file that nobody would find again.
    pub(super) fn check(self, path: &Path) -> Result<(), StoreError> {
        if Self::of(path)? == self {
            return Ok(());
        }
        let detail = format!(
            "{} is another file than the one that is open: put that one back, or start again",
            path.display()
        );
        Err(StoreError::Unavailable { fault: Fault::Io, detail })
    }
}
