//! The store's handle.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{AuditRecord, CallRecord, UnixMillis};

use crate::backup::{Manifest, Progress};
use crate::job::task;
use crate::sqlite::Database;
use crate::{
    AuditCursor, AuditFilter, AuditPage, BackupError, Keyring, Observer, RecordCursor,
    RecordFilter, RecordPage, Retention, Rotation, Snapshot, StoreError, Tx, View, WriteError,
};

/// Where the store keeps what, and how much of it.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The database file. Its directory is created, mode 0700, if it is missing.
    pub path: PathBuf,
    /// What seals secrets.
    pub keyring: Keyring,
    /// How long call records are kept.
    pub retention: Retention,
    /// How long audit records are kept.
    pub audit_retention: Retention,
    /// Changes that the stored feed keeps at least; readers further behind read everything anew.
    pub feed_changes_min: u64,
    /// Writes that may wait for the writer; the next one waits for a place among them.
    pub queue_length_max: usize,
    /// Threads for reads that cannot be done at once.
    pub reader_threads: usize,
    /// Bytes of write-ahead log that are laid out beforehand and, in quiet times, never exceeded.
    pub log_bytes: u64,
}

impl StoreConfig {
    /// The default for a database file.
    pub fn new(path: impl Into<PathBuf>, keyring: Keyring) -> Self {
        Self {
            path: path.into(),
            keyring,
            retention: Retention::default(),
            audit_retention: Retention::AUDIT,
            feed_changes_min: 100_000,
            queue_length_max: 1024,
            reader_threads: 2,
            log_bytes: 4 * 1024 * 1024,
        }
    }
}

/// A handle on the store; clones share it. The store closes when the last one drops.
#[derive(Clone)]
pub struct Store(Arc<Database>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, creating or migrating it as needed. Blocks: for start-up.
    ///
    /// # Errors
    /// - [`StoreError::Locked`] while another handle has it open, here or in another process,
    /// - [`StoreError::SchemaTooNew`] if a later release wrote it,
    /// - [`StoreError::Seal`] if it holds secrets that the keyring cannot open,
    /// - [`StoreError::Unavailable`] or [`StoreError::Corrupt`] as with any other work.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        Database::open(config).map(|it| Self(Arc::new(it)))
    }

    /// Runs a transaction, and answers once it is durable and every observer has seen it.
    ///
    /// If the closure returns an error, or panics, what it changed is undone and nothing else is.
    /// The closure runs on the writer's thread and should be short: parse and check before. If the
    /// returned future is dropped, the transaction is dropped with it unless it has begun.
    ///
    /// # Errors
    /// [`WriteError::Refused`] with the closure's own error, or [`WriteError::Store`] if the store
    /// failed. Either way nothing was changed. (Exception, as with every database: if power fails
    /// right after a failed flush, the restart may find the write done.)
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, WriteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (job, answer) = task(move |tx| work(tx));
        self.0.writer().submit(job).await?;
        answer.wait().await
    }

    /// Looks at one consistent state, which has every write that was answered before.
    ///
    /// For short work: a point read costs microseconds and is done on the caller's thread. While the
    /// disk is slow, or another read is under way, it goes to a thread of its own, so a disk that
    /// stalls holds up one runtime thread at most, and that one once.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.readers().read(work).await
    }

    /// As [`Store::read`], for work that takes milliseconds: never on the caller's thread.
    pub async fn read_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.readers().read_long(work).await
    }

    /// As [`Store::read`], blocking however long it takes. For start-up, outside of any runtime.
    pub fn read_blocking<T>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.0.readers().read_blocking(work)
    }

    /// Tells an observer of every commit from now on.
    ///
    /// To project the whole state, use [`Store::project`], which leaves no gap.
    pub fn subscribe(&self, observer: Arc<dyn Observer>) {
        self.0.writer().subscribe(observer);
    }

    /// Builds an observer from the state as it is, and tells it of every commit after that one.
    ///
    /// Writers wait while `load` runs, so no change is missed and none is told twice.
    pub async fn project<O: Observer + 'static>(
        &self,
        load: impl FnOnce(&Snapshot<'_>) -> Result<Arc<O>, StoreError> + Send + 'static,
    ) -> Result<Arc<O>, StoreError> {
        self.0.writer().project(load).await
    }

    /// The revision of the last durable change; 0 if there never was one.
    pub fn revision(&self) -> u64 {
        self.0.writer().revision()
    }

    /// Appends call records, all or none. A record whose transaction id is known is left as it is,
    /// so a batch whose outcome is not known can be appended again.
    pub async fn append_records(&self, records: Vec<CallRecord>) -> Result<(), StoreError> {
        self.0.append_records(records).await
    }

    /// Lists call records, newest start first.
    pub async fn records(
        &self,
        filter: RecordFilter,
        after: Option<RecordCursor>,
        limit: usize,
    ) -> Result<RecordPage, StoreError> {
        self.0.records(filter, after, limit).await
    }

    /// Finds a call record by its transaction id, or the newest one by the Call-ID of either leg.
    pub async fn record(&self, id: &str) -> Result<Option<CallRecord>, StoreError> {
        self.0.record(id).await
    }

    /// Deletes the call records whose age has come, a few at a time between other writes. Tells how
    /// many they were.
    pub async fn trim_records(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.0.trim_records(now).await
    }

    /// Appends audit records, all or none. Those of requests that were done are better written in the
    /// transaction that did it: [`Tx::append_audit`].
    pub async fn append_audit(&self, records: Vec<AuditRecord>) -> Result<(), StoreError> {
        self.0.append_audit(records).await
    }

    /// Lists audit records, newest first. Writers do not wait for it.
    pub async fn audit(
        &self,
        filter: AuditFilter,
        after: Option<AuditCursor>,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        self.0.audit(filter, after, limit).await
    }

    /// Deletes the audit records whose age has come, a few at a time between other writes. Tells how
    /// many they were.
    pub async fn trim_audit(&self, now: UnixMillis) -> Result<u64, StoreError> {
        self.0.trim_audit(now).await
    }

    /// Makes a new seal key and seals every secret anew under it, a few at a time between other
    /// writes. If an earlier rotation was cut short, finishes that one instead.
    ///
    /// The old key stays in the key file: backups made before need it.
    pub async fn rotate(&self) -> Result<Rotation, StoreError> {
        self.0.rotate().await
    }

    /// Writes a [backup](crate::backup) of one consistent state while work goes on, one at a time.
    /// Secrets in it stay sealed: it is of use only together with the seal key file. It is durable,
    /// mode 0600, before this returns; after an error there is no file.
    pub async fn backup(&self, path: PathBuf, progress: Progress) -> Result<Manifest, BackupError> {
        self.0.backup(path, progress).await
    }

    /// Whether the writer has ended, which it does by itself only if an [`Observer`] panicked: then
    /// nothing can be written until the program starts anew.
    pub fn has_ended(&self) -> bool {
        self.0.writer().has_ended()
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Finishes what is queued, refuses what comes later with [`StoreError::Closed`], and lets go of
    /// the database. Dropping the last handle does the same, blocking.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// What faults are injected into.
    #[cfg(test)]
    pub(crate) fn database(&self) -> &Database {
        &self.0
    }
}
