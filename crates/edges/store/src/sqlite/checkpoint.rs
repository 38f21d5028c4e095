//! Checkpoints: moving the write-ahead log into the database, beside the writer.
//!
//! The log begins anew only when all of it has been moved. Under steady writing there is always a
//! little more of it when the checkpointer is done, so the writer then moves that rest itself, between
//! two groups. So the log stays about as long as it was laid out, and no commit waits for more than
//! a few pages.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::connection::{self, Role};
use super::fault::Sorted as _;
use crate::StoreError;

/// The thread that checkpoints, and the word between it and the writer.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    rest: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let conn = connection::open(path, Role::Checkpointer)?;
        let (wake, woken) = sync_channel(1);
        let rest = Arc::new(AtomicBool::new(false));
        let left = rest.clone();
        let thread = thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoints(&conn, &woken, &left))
            .map_err(|error| StoreError::io(path, &error))?;
        Ok(Self { wake: Some(wake), rest, thread: Some(thread) })
    }

    /// Asks for a checkpoint. One that is asked for already is enough.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
    }

    /// Whether a checkpoint has left a rest that the writer should move. Says so once.
    pub(super) fn take_rest(&self) -> bool {
        self.rest.swap(false, Ordering::AcqRel)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn checkpoints(conn: &Connection, woken: &Receiver<()>, rest: &AtomicBool) {
    let mut failing = false;
    while woken.recv().is_ok() {
        match checkpoint(conn) {
            Ok(log) => {
                rest.store(log.moved < log.pages, Ordering::Release);
                failing = false;
            }
            // Nothing is lost: the log keeps what it has, and the next commit asks again.
            Err(error) if !failing => {
                tracing::warn!(%error, "the write-ahead log cannot be moved into the database");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// How long the log is, and how much of it has been moved. In pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) pages: u64,
    pub(super) moved: u64,
}

/// Moves what can be moved without waiting for anybody.
pub(super) fn checkpoint(conn: &Connection) -> Result<Log, StoreError> {
    log(conn, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Looks at the log without moving anything.
pub(super) fn look(conn: &Connection) -> Result<Log, StoreError> {
    log(conn, "PRAGMA wal_checkpoint(NOOP)")
}

fn log(conn: &Connection, sql: &str) -> Result<Log, StoreError> {
    conn.prepare_cached(sql)
        .and_then(|mut it| {
            // -1 stands for "no log yet".
            let count = |it: i64| u64::try_from(it).unwrap_or(0);
            it.query_row([], |row| Ok(Log { pages: count(row.get(1)?), moved: count(row.get(2)?) }))
        })
        .sorted()
}
