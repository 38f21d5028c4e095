//! The open database: its files, its writer, its readers.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::{self, Role};
use super::kinds::Kinds;
use super::lock::LockFile;
use super::readers::Readers;
use super::rows::{Lens, Rows};
use super::writer::WriterHandle;
use super::{rotation, schema};
use crate::backup::{self, Manifest, Progress};
use crate::{BackupError, Keyring, Retention, StoreConfig, StoreError, file};

/// A database that this process has open.
///
/// The order of the members is the order in which they let go: the writer last, so that it is
/// SQLite's last connection, which moves the rest of the log into the database.
pub(crate) struct Database {
    readers: Readers,
    writer: WriterHandle,
    path: PathBuf,
    keyring: Keyring,
    retention: Retention,
    /// Of the backup that is being made, if one is.
    backup: Mutex<Option<Progress>>,
    audit_retention: Retention,
}

impl Database {
    pub(crate) fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let path = &config.path;
        let fail = |error: io::Error| StoreError::io(path, &error);
        file::directory_create(file::directory_of(path)).map_err(fail)?;
        let lock = LockFile::take(path)?;
        backup::refuse_unfinished(path)?;
        if path.try_exists().map_err(fail)? {
            make_private(path).map_err(fail)?;
        } else {
            file::create(path, b"").map_err(fail)?;
        }

        let mut conn = connection::open(path, Role::Writer)?;
        schema::migrate(&mut conn, path)?;
        // One transaction, so that a first start waits for the disk once.
        connection::run(&conn, "BEGIN")?;
        let lens = Arc::new(Lens {
            kinds: Kinds::load(&conn)?,
            keyring: config.keyring.clone(),
            audit_retention: config.audit_retention,
        });
        rotation::check(&Rows { conn: &conn, lens: &lens })?;
        connection::run(&conn, "COMMIT")?;
        lay_out_log(path, config.log_bytes);

        let readers = Readers::start(path, &lens, config.reader_threads)?;
        let writer = WriterHandle::start(conn, lock, lens, &config)?;
        let StoreConfig { path, keyring, retention, audit_retention, .. } = config;
        let backup = Mutex::default();
        Ok(Self { readers, writer, path, keyring, retention, audit_retention, backup })
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

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn audit_retention(&self) -> Retention {
        self.audit_retention
    }

    pub(crate) async fn close(&self) {
        self.cancel_backup();
        self.readers.close();
        self.writer.close().await;
    }

    pub(crate) async fn backup(
        &self,
        to: PathBuf,
        progress: Progress,
    ) -> Result<Manifest, BackupError> {
        let (from, keyring) = (self.path.clone(), self.keyring.clone());
        self.current_backup(Some(progress.clone()));
        let made = self
            .readers
            .on_thread(move |_| Ok(backup::make(&from, &to, &keyring, &progress)))
            .await;
        self.current_backup(None);
        made?
    }

    fn current_backup(&self, progress: Option<Progress>) {
        *self.backup.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Nobody who closes the store waits for a backup.
    fn cancel_backup(&self) {
        if let Some(progress) = &*self.backup.lock().unwrap_or_else(PoisonError::into_inner) {
            progress.cancel();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.cancel_backup();
    }
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
