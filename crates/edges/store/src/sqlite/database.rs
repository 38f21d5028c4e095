//! The open database: its files, its writer, its readers.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connection::{self, Role};
use super::fault::Sorted as _;
use super::kinds::Kinds;
use super::lock::LockFile;
use super::readers::Readers;
use super::rows::{Lens, Rows};
use super::writer::WriterHandle;
use super::{rotation, schema};
use crate::{BackupError, Retention, StoreConfig, StoreError, file};

/// A database that this process has open.
///
/// The order of the members is the order in which they let go: the writer last, so that it is
/// SQLite's last connection, which moves the rest of the log into the database.
pub(crate) struct Database {
    readers: Readers,
    writer: WriterHandle,
    path: PathBuf,
    retention: Retention,
}

impl Database {
    pub(crate) fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let path = &config.path;
        let fail = |error: io::Error| StoreError::io(path, &error);
        file::directory_create(file::directory_of(path)).map_err(fail)?;
        let lock = LockFile::take(path)?;
        if path.try_exists().map_err(fail)? {
            make_private(path).map_err(fail)?;
        } else {
            file::create(path, b"").map_err(fail)?;
        }

        let mut conn = connection::open(path, Role::Writer)?;
        schema::migrate(&mut conn, path)?;
        // One transaction, so that a first start waits for the disk once.
        connection::run(&conn, "BEGIN")?;
        let lens = Arc::new(Lens { kinds: Kinds::load(&conn)?, keyring: config.keyring.clone() });
        rotation::check(&Rows { conn: &conn, lens: &lens })?;
        connection::run(&conn, "COMMIT")?;
        lay_out_log(path, config.log_bytes);

        let readers = Readers::start(path, &lens, config.reader_threads)?;
        let writer = WriterHandle::start(conn, lock, lens, &config)?;
        Ok(Self { readers, writer, path: config.path, retention: config.retention })
    }

    pub(crate) const fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    pub(crate) const fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(crate) const fn retention(&self) -> Retention {
        self.retention
    }

    pub(crate) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }

    pub(crate) async fn backup(&self, to: PathBuf) -> Result<(), BackupError> {
        let from = self.path.clone();
        self.readers.on_thread(move |_| Ok(backup(&from, &to))).await?
    }
}

/// Copies one consistent state, compacted. The writer goes on meanwhile; only the log grows.
fn backup(from: &Path, to: &Path) -> Result<(), BackupError> {
    let fail = |source| BackupError::Unwritable { path: to.to_owned(), source };
    // SQLite takes an empty file as it takes none; made here, it is private from the beginning.
    if file::create(to, b"").map_err(fail)? == file::Created::Existed {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let copied = to
        .to_str()
        .ok_or_else(|| fail(io::Error::from(io::ErrorKind::InvalidFilename)))
        .and_then(|to| {
            let conn = connection::open(from, Role::Checkpointer)?;
            conn.execute("VACUUM INTO ?1", [to]).sorted().map_err(BackupError::from)
        })
        .and_then(|_| {
            OpenOptions::new().write(true).open(to).and_then(|it| it.sync_all()).map_err(fail)
        });
    if copied.is_err() {
        // Half a backup is none.
        drop(fs::remove_file(to));
    }
    copied
}

/// Takes away what others may do with a file that is there already.
fn make_private(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
}

/// Writes zeros behind the write-ahead log until it is as long as it will be.
///
/// A flush of a file that has grown waits for the file system's own journal as well; overwriting
/// what is there waits for the data alone, about half as long. SQLite reads no frame that it did not
/// write: its checksums tell. It has no frame to write here yet, so nothing of its own is touched.
///
/// Only speed depends on this, so a failure (no space, say) is left to the writes to meet.
fn lay_out_log(database: &Path, bytes: u64) {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    let laid_out = OpenOptions::new().append(true).open(&path).and_then(|mut log| {
        let missing = bytes.saturating_sub(log.metadata()?.len());
        let zeros = [0; 64 * 1024];
        let mut left = usize::try_from(missing).unwrap_or_default();
        while left > 0 {
            let part = left.min(zeros.len());
            log.write_all(&zeros[..part])?;
            left -= part;
        }
        if missing > 0 { log.sync_all() } else { Ok(()) }
    });
    if let Err(error) = laid_out {
        tracing::info!(%error, "the write-ahead log could not be laid out; writes may take longer");
    }
}
