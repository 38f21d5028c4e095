//! One process, one handle: a lock file beside the database.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::StoreError;

/// Held while the database is open. The system lets go of it when the process ends, however it ends;
/// the file stays, since deleting it would let two processes each hold a different one.
pub(crate) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock of a database, or tells who has it.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = Path::new(&path);
        let fail = |error| StoreError::io(path, &error);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Not to know the holder is no reason to hide that there is one.
                drop(file.read_to_string(&mut holder));
                let holder = holder.trim().parse().ok();
                return Err(StoreError::Locked { path: database.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        file.set_len(0).map_err(fail)?;
        writeln!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(Self { _file: file })
    }
}
