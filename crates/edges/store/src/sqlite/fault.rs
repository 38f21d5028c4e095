//! What SQLite's errors mean here.

use std::io;

use rusqlite::{Connection, ErrorCode, ffi};

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

/// Names the cause of a failure that SQLite calls one of the device, whatever it was: the system's own
/// error, which the connection keeps.
pub(super) fn caused(conn: &Connection, error: StoreError) -> StoreError {
    let StoreError::Unavailable { fault: Fault::Io, detail } = error else { return error };
    let cause = io::Error::from_raw_os_error(system_errno(conn));
    let fault = Fault::of(&cause);
    let detail = if fault == Fault::Io { detail } else { format!("{detail}: {cause}") };
    StoreError::Unavailable { fault, detail }
}

/// The `errno` of the last failure of the device or of opening a file; 0 if there was none.
fn system_errno(conn: &Connection) -> i32 {
    // SAFETY: the handle is a connection's that is open while it is borrowed, and the function reads
    // one number from it.
    #[expect(unsafe_code, reason = "the safe interface has no name for this function")]
    unsafe {
        ffi::sqlite3_system_errno(conn.handle())
    }
}

/// The error for something in the database that no release of ours writes.
pub(super) fn corrupt(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt { detail: detail.into() }
}
