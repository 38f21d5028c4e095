//! What SQLite's errors mean here.

use rusqlite::ErrorCode;

use crate::{Fault, StoreError};

/// Sorts SQLite's errors by what they mean to a caller.
pub(super) trait Sorted<T> {
    fn sorted(self) -> Result<T, StoreError>;
}

impl<T> Sorted<T> for rusqlite::Result<T> {
    fn sorted(self) -> Result<T, StoreError> {
        self.map_err(|error| {
            let detail = error.to_string();
            match error.sqlite_error_code().and_then(fault_of) {
                Some(fault) => StoreError::Unavailable { fault, detail },
                // Our statements fit our schema, so one that fails was given another schema, other
                // types than it stores, or pages that are not what was written.
                None => StoreError::Corrupt { detail },
            }
        })
    }
}

/// The passing fault that a code stands for, if it stands for one.
const fn fault_of(code: ErrorCode) -> Option<Fault> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "ErrorCode is non-exhaustive")]
    match code {
        ErrorCode::DiskFull => Some(Fault::DiskFull),
        ErrorCode::ReadOnly => Some(Fault::ReadOnly),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            Some(Fault::Denied)
        }
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::OperationAborted
        | ErrorCode::OperationInterrupted
        | ErrorCode::NoLargeFileSupport => Some(Fault::Io),
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => Some(Fault::Busy),
        ErrorCode::OutOfMemory => Some(Fault::Memory),
        _ => None,
    }
}

/// The error for something in the database that no release of ours writes.
pub(super) fn corrupt(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { detail: detail.into() }
}
