//! How far a backup or a restore is, for whoever waits, and the way to end one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::InterruptHandle;

/// How far it is; clones tell of the same work.
#[derive(Clone, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
    /// The file that SQLite writes, which tells how far it is by its length.
    copy: Mutex<Option<PathBuf>>,
    interrupt: Mutex<Option<InterruptHandle>>,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Nothing yet.
    Waiting,
    /// The database is copied as it is at one moment.
    Copying,
    /// The file is written.
    Writing,
    /// The file is read and its checksums compared.
    Verifying,
    /// The database is taken out of the file.
    Extracting,
    /// The database is brought to this release's schema, and its secrets are opened.
    Checking,
}

impl Stage {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Copying,
        Self::Writing,
        Self::Verifying,
        Self::Extracting,
        Self::Checking,
    ];

    /// Its name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Copying => "copying",
            Self::Writing => "writing",
            Self::Verifying => "verifying",
            Self::Extracting => "extracting",
            Self::Checking => "checking",
        }
    }
}

/// A look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of that stage that are done.
    pub done: u64,
    /// Bytes of that stage in all; 0 if that is not known.
    pub total: u64,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Progress").field(&self.seen()).finish()
    }
}

impl Progress {
    /// Where it stands now.
    pub fn seen(&self) -> Seen {
        let stage = self.0.stage.load(Ordering::Acquire);
        let stage = Stage::ALL.into_iter().find(|it| *it as u8 == stage);
        let stage = stage.expect("only stages are stored");
        let total = self.0.total.load(Ordering::Relaxed);
        let done = match &*locked(&self.0.copy) {
            Some(path) => path.metadata().map_or(0, |it| it.len()).min(total),
            None => self.0.done.load(Ordering::Relaxed),
        };
        Seen { stage, done, total }
    }

    /// Has it end soon, with an error. One that is over stays as it is.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        if let Some(handle) = &*locked(&self.0.interrupt) {
            handle.interrupt();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self, stage: Stage, total: u64) {
        *locked(&self.0.copy) = None;
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
        self.0.stage.store(stage as u8, Ordering::Release);
    }

    /// Begins the stage that SQLite does by itself.
    pub(crate) fn begin_copying(&self, copy: PathBuf, total: u64, interrupt: InterruptHandle) {
        self.begin(Stage::Copying, total);
        *locked(&self.0.copy) = Some(copy);
        *locked(&self.0.interrupt) = Some(interrupt);
        if self.is_cancelled() {
            self.cancel();
        }
    }

    pub(crate) fn end_copying(&self) {
        *locked(&self.0.interrupt) = None;
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.done.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
