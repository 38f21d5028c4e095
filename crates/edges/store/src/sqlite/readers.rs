//! Reads: at once on the caller's thread when that is cheap, else on a thread of their own.
//!
//! A point read takes about 5 µs; handed to a thread and back it takes about twice that, and longer
//! when the processors are busy (`benches/store.rs`). So a read is done where it is asked for, on
//! one of a few connections kept for that (half as many as there are processors). Three things send it to the reader threads instead: all
//! of those connections are in use, the last read there was slow, or the caller said it takes long.
//! So a disk that stalls can hold up no more of the runtime's threads than there are such
//! connections, and from then on none until it has recovered for [`SLOW_FOR`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connection::{self, Role};
use super::rows::{Lens, Rows};
use crate::{StoreError, View};

/// A read on the caller's thread that takes longer than this was slow.
const SLOW: Duration = Duration::from_millis(10);
/// How long reads keep off the callers' threads after a slow one.
const SLOW_FOR: Duration = Duration::from_secs(1);
/// Reads that may wait for a reader thread; the next one waits for a place among them.
const QUEUE_LENGTH_MAX: usize = 256;

type Job = Box<dyn FnOnce(&mut Reader) + Send>;
type Panic = Box<dyn Any + Send>;

/// One connection that reads.
pub(super) struct Reader {
    path: PathBuf,
    lens: Arc<Lens>,
    conn: Option<Connection>,
}

impl Reader {
    pub(super) fn open(path: &Path, lens: Arc<Lens>) -> Result<Self, StoreError> {
        let conn = Some(connection::open(path, Role::Reader)?);
        Ok(Self { path: path.to_owned(), lens, conn })
    }

    /// Runs `work` on one consistent state.
    pub(super) fn run<T>(
        &mut self,
        work: impl FnOnce(&Rows<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => connection::open(&self.path, Role::Reader)?,
        };
        connection::run(&conn, "BEGIN")?;
        let result = work(&Rows { conn: &conn, lens: &self.lens });
        let ended = connection::run(&conn, "COMMIT");
        // A connection that fails, or whose work panics, is not used again but opened anew.
        if ended.is_ok() && !matches!(result, Err(StoreError::Unavailable { .. })) {
            self.conn = Some(conn);
        }
        result
    }
}

/// All connections that read.
pub(crate) struct Readers {
    at_once: Vec<Mutex<Reader>>,
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Vec<JoinHandle<()>>,
    opened: Instant,
    /// Microseconds after `opened` until which the callers' threads are spared.
    slow_until: AtomicU64,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(super) fn start(path: &Path, lens: &Arc<Lens>, threads: usize) -> Result<Self, StoreError> {
        let open = |_| Reader::open(path, lens.clone());
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let at_once = (0..(processors / 2).max(1)).map(open).collect::<Result<Vec<_>, _>>()?;
        let (queue, jobs) = mpsc::channel::<Job>(QUEUE_LENGTH_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..threads.max(1))
            .map(|at| {
                let mut reader = open(at)?;
                let jobs = jobs.clone();
                let work = move || {
                    while let Some(job) = next_job(&jobs) {
                        job(&mut reader);
                    }
                };
                thread::Builder::new()
                    .name(format!("store-read-{at}"))
                    .spawn(work)
                    .map_err(|error| StoreError::io(path, &error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            at_once: at_once.into_iter().map(Mutex::new).collect(),
            queue: Mutex::new(Some(queue)),
            threads,
            opened: Instant::now(),
            slow_until: AtomicU64::new(0),
        })
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.try_at_once(work) {
            Ok(result) => result,
            Err(work) => self.read_long(work).await,
        }
    }

    pub(crate) async fn read_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_thread(move |reader| reader.run(|rows| work(rows))).await
    }

    /// Gives a reader thread something to do, and waits for it.
    pub(super) async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let queue = self.queue().clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel::<Result<Result<T, StoreError>, Panic>>();
        let job: Job = Box::new(move |reader| {
            // A panic goes on where the read was asked for; the reader opens a new connection.
            let result = catch_unwind(AssertUnwindSafe(|| work(reader)));
            drop(reply.send(result));
        });
        queue.send(job).await.map_err(|_| StoreError::Closed)?;
        drop(queue);
        match answer.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(StoreError::Closed),
        }
    }

    pub(crate) fn read_blocking<T>(
        &self,
        work: impl FnOnce(&dyn View) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.queue().is_none() {
            return Err(StoreError::Closed);
        }
        locked(&self.at_once[0]).run(|rows| work(rows))
    }

    /// Lets go of the connections. Reads that are queued are still done.
    pub(super) fn close(&self) {
        self.queue().take();
        for reader in &self.at_once {
            locked(reader).conn = None;
        }
    }

    /// Does the work now, or gives it back.
    fn try_at_once<T, F>(&self, work: F) -> Result<Result<T, StoreError>, F>
    where
        F: FnOnce(&dyn View) -> Result<T, StoreError>,
    {
        let began = self.opened.elapsed();
        if micros(began) < self.slow_until.load(Ordering::Relaxed) || self.queue().is_none() {
            return Err(work);
        }
        let Some(mut reader) = self.at_once.iter().find_map(|it| match it.try_lock() {
            Ok(reader) => Some(reader),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }) else {
            return Err(work);
        };
        let result = reader.run(|rows| work(rows));
        let ended = self.opened.elapsed();
        if ended - began > SLOW {
            self.slow_until.store(micros(ended + SLOW_FOR), Ordering::Relaxed);
        }
        Ok(result)
    }

    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        locked(&self.queue)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            // A read may hold the last handle on the store; a thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

fn next_job(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    locked(jobs).blocking_recv()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("a process does not run for half a million years")
}

/// A poisoned lock is as good as any here: what it guards is replaced after a panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
