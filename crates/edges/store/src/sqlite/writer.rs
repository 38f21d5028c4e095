//! The writer: one thread, one connection, one flush for everybody who waits.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::connection::{self, Role, run};
use super::fault::{Sorted as _, caused};
use super::identity::FileIdentity;
use super::lock::LockFile;
use super::rows::{Lens, Rows};
use super::snapshot::Snapshot;
use super::tx::WriteTx;
use crate::job::{Job, Verdict};
use crate::{Committed, Fault, Observer, StoreConfig, StoreError, View as _};

/// The most jobs in one group: what the last of them waits for is bounded.
const GROUP_JOBS_MAX: usize = 256;
/// Feed entries trimmed at once: one in so many changes pays for a few pages more.
const FEED_TRIM_SLICE: u64 = 256;
/// Bytes of the log for one page: the page and its header.
const LOG_PAGE_BYTES: u64 = 4096 + 24;

/// However short the log is to be, a checkpoint is for more than a few commits.
const CHECKPOINT_PAGES_MIN: u64 = 16;

type Observers = Arc<Mutex<Vec<Arc<dyn Observer>>>>;

/// What the writer's queue holds.
enum Order {
    /// Part of a group.
    Job(Box<dyn Job>),
    /// Between groups.
    Alone(Box<dyn FnOnce(&mut Writer) + Send>),
    /// The last one.
    Stop,
}

/// The writer as everybody else sees it.
pub(crate) struct WriterHandle {
    queue: Option<mpsc::Sender<Order>>,
    observers: Observers,
    revision: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl WriterHandle {
    /// Starts the writer on a connection. It holds the lock until it ends.
    pub(super) fn start(
        conn: Connection,
        lock: LockFile,
        lens: Arc<Lens>,
        config: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let (queue, orders) = mpsc::channel(config.queue_length_max);
        let observers = Observers::default();
        let last = Rows { conn: &conn, lens: &lens }.revision()?;
        let revision = Arc::new(AtomicU64::new(last));
        let feed_oldest: Option<u64> =
            conn.query_row("SELECT min(revision) FROM change", [], |row| row.get(0)).sorted()?;
        let writer = Writer {
            path: config.path.clone(),
            file: FileIdentity::of(&config.path)?,
            lens,
            conn: Some(conn),
            revision: revision.clone(),
            observers: observers.clone(),
            feed_oldest: feed_oldest.unwrap_or(1),
            feed_changes_min: config.feed_changes_min,
            // The last quarter is for what is written while the checkpointer is at work.
            checkpoint_pages: (config.log_bytes / LOG_PAGE_BYTES * 3 / 4).max(CHECKPOINT_PAGES_MIN),
            checkpointer: Checkpointer::start(&config.path)?,
        };
        let thread = thread::Builder::new()
            .name("store-write".into())
            .spawn(move || {
                writer.serve(orders);
                drop(lock);
            })
            .map_err(|error| StoreError::io(&config.path, &error))?;
        Ok(Self { queue: Some(queue), observers, revision, thread: Some(thread) })
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(crate) fn subscribe(&self, observer: Arc<dyn Observer>) {
        self.observers.lock().unwrap_or_else(PoisonError::into_inner).push(observer);
    }

    /// Queues a job, waiting for a place if there is none.
    pub(crate) async fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.send(Order::Job(job)).await
    }

    /// Does something between two groups. A panic goes on here, not in the writer.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let order = move |writer: &mut Writer| {
            drop(reply.send(catch_unwind(AssertUnwindSafe(|| work(writer)))));
        };
        self.send(Order::Alone(Box::new(order))).await?;
        match answer.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(StoreError::Closed),
        }
    }

    pub(crate) async fn project<O: Observer + 'static>(
        &self,
        load: impl FnOnce(&Snapshot<'_>) -> Result<Arc<O>, StoreError> + Send + 'static,
    ) -> Result<Arc<O>, StoreError> {
        self.alone(move |writer| {
            let (lens, path) = (writer.lens.clone(), writer.path.clone());
            let rows = Rows { conn: writer.connection()?, lens: &lens };
            let observer = load(&Snapshot::new(rows, &lens, &path))?;
            let mut observers = writer.observers.lock().unwrap_or_else(PoisonError::into_inner);
            observers.push(observer.clone());
            Ok(observer)
        })
        .await
    }

    /// Lets the writer finish what is queued, and waits until it has let go of the database.
    pub(super) async fn close(&self) {
        if self.send(Order::Stop).await.is_ok()
            && let Some(queue) = &self.queue
        {
            queue.closed().await;
        }
    }

    async fn send(&self, order: Order) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(order).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A job may hold the last handle on the store; a thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

/// A job on its way through a group, with the failure that it met.
struct Member {
    job: Box<dyn Job>,
    fault: Option<StoreError>,
}

/// The writer's own side.
pub(super) struct Writer {
    path: PathBuf,
    file: FileIdentity,
    pub(super) lens: Arc<Lens>,
    /// `None` after a failure that it could not be brought back from; opened anew on next use.
    conn: Option<Connection>,
    revision: Arc<AtomicU64>,
    observers: Observers,
    feed_oldest: u64,
    feed_changes_min: u64,
    checkpoint_pages: u64,
    pub(super) checkpointer: Checkpointer,
}

impl Writer {
    /// The connection, opened anew if it was given up.
    pub(super) fn connection(&mut self) -> Result<&Connection, StoreError> {
        if self.conn.is_none() {
            self.conn = Some(connection::open(&self.path, Role::Writer)?);
        }
        Ok(self.conn.as_ref().expect("it was opened in the lines above"))
    }

    fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.blocking_recv() {
            let mut next = Some(order);
            while let Some(order) = next.take() {
                match order {
                    Order::Job(job) => next = self.group(job, &mut orders),
                    Order::Alone(work) => work(&mut self),
                    // Whatever is queued already is still done.
                    Order::Stop => orders.close(),
                }
            }
        }
    }

    /// Gathers the jobs that wait, up to one that wants to be alone, and commits them together.
    fn group(&mut self, first: Box<dyn Job>, orders: &mut mpsc::Receiver<Order>) -> Option<Order> {
        let mut group = vec![Member { job: first, fault: None }];
        let mut next = None;
        while group.len() < GROUP_JOBS_MAX {
            match orders.try_recv() {
                Ok(Order::Job(job)) => group.push(Member { job, fault: None }),
                Ok(order) => {
                    next = Some(order);
                    break;
                }
                Err(_) => break,
            }
        }
        group.retain(|member| !member.job.is_abandoned());
        if !group.is_empty() {
            self.commit(group);
            if let Some(conn) = &self.conn {
                self.checkpointer.tend(conn, self.checkpoint_pages);
            }
        }
        next
    }

    /// Commits a group, tells the observers, and only then answers.
    fn commit(&mut self, mut group: Vec<Member>) {
        match self.attempt(&mut group) {
            Ok(committed) => {
                self.revision.store(committed.revision, Ordering::Release);
                if !committed.changes.is_empty() {
                    let observers =
                        self.observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    for observer in observers {
                        observer.committed(&committed);
                    }
                }
                for Member { job, fault } in group {
                    job.answer(fault.map_or(Ok(()), Err));
                }
            }
            Err(error) => {
                self.roll_back();
                // A refusal, too, may rest on something that another job of the group had changed.
                for Member { job, .. } in group {
                    job.answer(Err(error.clone()));
                }
            }
        }
    }

    fn attempt(&mut self, group: &mut [Member]) -> Result<Committed, StoreError> {
        let lens = self.lens.clone();
        let revision = self.revision.load(Ordering::Acquire);
        let (feed_oldest, feed_changes_min) = (self.feed_oldest, self.feed_changes_min);
        self.file.check(&self.path)?;
        let conn = self.connection()?;
        let transact = || {
            run(conn, "BEGIN IMMEDIATE")?;
            let mut tx = WriteTx::new(Rows { conn, lens: &lens }, revision);
            for member in group {
                member.fault = run_job(conn, &mut tx, member.job.as_mut())?;
            }
            let revision = tx.last_revision();
            let mut oldest = feed_oldest;
            if revision + 1 - oldest > feed_changes_min + FEED_TRIM_SLICE {
                oldest += FEED_TRIM_SLICE;
                conn.prepare_cached("DELETE FROM change WHERE revision < ?1")
                    .and_then(|mut it| it.execute([oldest]))
                    .sorted()?;
            }
            run(conn, "COMMIT")?;
            Ok((oldest, Committed { revision, changes: tx.into_changes() }))
        };
        let (oldest, committed) = transact().map_err(|error| caused(conn, error))?;
        self.feed_oldest = oldest;
        Ok(committed)
    }

    fn roll_back(&mut self) {
        let Some(conn) = &self.conn else { return };
        if !conn.is_autocommit() && run(conn, "ROLLBACK").is_err() {
            self.give_up();
        }
    }

    /// Lets go of a connection that is of no use any more.
    pub(super) fn give_up(&mut self) {
        self.conn = None;
    }
}

/// Runs one job inside its own savepoint, and tells the failure that it met. An error: the whole
/// transaction is gone.
fn run_job(
    conn: &Connection,
    tx: &mut WriteTx<'_>,
    job: &mut dyn Job,
) -> Result<Option<StoreError>, StoreError> {
    let mark = tx.mark();
    run(conn, "SAVEPOINT job")?;
    let verdict = job.run(tx);
    let fault = tx.take_fault().map(|it| caused(conn, it));
    if conn.is_autocommit() {
        // SQLite itself rolls back everything on some failures of the device.
        let detail = "the transaction was rolled back".to_owned();
        return Err(fault.unwrap_or(StoreError::Unavailable { fault: Fault::Io, detail }));
    }
    if verdict == Verdict::Undo || fault.is_some() {
        run(conn, "ROLLBACK TO job")?;
        tx.undo(mark);
    }
    run(conn, "RELEASE job")?;
    Ok(fault)
}
