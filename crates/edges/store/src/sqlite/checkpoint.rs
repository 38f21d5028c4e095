//! Checkpoints: moving the write-ahead log into the database, beside the writer.
//!
//! The log begins anew only when all of it has been moved. Under steady writing there is always a
//! little more of it when the thread is done, so the writer then moves that rest itself, between two
//! groups. So the log stays about as long as it was laid out, and no commit waits for more than a
//! few pages. When much has been written meanwhile (a bulk load), the thread takes another turn, and
//! only after [`TURNS_MAX`] turns does the writer wait, so that the log does not grow for ever.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::connection::{self, Role};
use super::fault::Sorted as _;
use crate::StoreError;

/// How often in a row the thread may leave a long rest.
const TURNS_MAX: u8 = 4;

/// The thread that checkpoints, and how far it is.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    stage: Arc<Mutex<Stage>>,
    thread: Option<JoinHandle<()>>,
}

/// Whose turn it is. The two never checkpoint at once: the second would find it locked and do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody's: the log is short.
    Idle,
    /// The thread's, for so many turns in a row.
    Moving(u8),
    /// The writer's: what it has added since the thread began is left.
    Rest(u8),
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let conn = connection::open(path, Role::Checkpointer)?;
        let (wake, woken) = sync_channel(1);
        let stage = Arc::new(Mutex::new(Stage::Idle));
        let shared = stage.clone();
        let thread = thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || checkpoints(&conn, &woken, &shared))
            .map_err(|error| StoreError::io(path, &error))?;
        Ok(Self { wake: Some(wake), stage, thread: Some(thread) })
    }

    /// Keeps the log short: called by the writer after each group, with its own connection.
    ///
    /// A failure is not the writer's to report: the thread will meet it too.
    pub(super) fn tend(&self, writer: &Connection, pages_max: u64) {
        let mut stage = locked(&self.stage);
        let turns = match *stage {
            Stage::Moving(_) => return,
            Stage::Idle => 0,
            Stage::Rest(turns) => turns,
        };
        let Ok(left) = pages_left(writer) else { return };
        *stage = Stage::Idle;
        if left >= pages_max && turns < TURNS_MAX {
            if self.wake.as_ref().is_some_and(|it| it.try_send(()).is_ok()) {
                *stage = Stage::Moving(turns + 1);
            }
        } else if turns > 0 {
            drop(checkpoint(writer));
        }
    }

    /// Whether the thread is at work.
    #[cfg(test)]
    pub(super) fn is_moving(&self) -> bool {
        matches!(*locked(&self.stage), Stage::Moving(_))
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

fn checkpoints(conn: &Connection, woken: &Receiver<()>, stage: &Mutex<Stage>) {
    let mut failing = false;
    while woken.recv().is_ok() {
        let outcome = checkpoint(conn);
        let mut stage = locked(stage);
        *stage = match (*stage, &outcome) {
            (Stage::Moving(turns), Ok(())) => Stage::Rest(turns),
            (Stage::Moving(_) | Stage::Idle | Stage::Rest(_), _) => Stage::Idle,
        };
        drop(stage);
        match outcome {
            Ok(()) => failing = false,
            // Nothing is lost: the log keeps what it has, and the next commit asks again.
            Err(error) if !failing => {
                tracing::warn!(%error, "the write-ahead log cannot be moved into the database");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

fn locked(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves what can be moved without waiting for anybody.
fn checkpoint(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut it| it.query_row([], |_| Ok(())))
        .sorted()
}

/// How many pages of the log are not moved yet.
fn pages_left(conn: &Connection) -> Result<u64, StoreError> {
    conn.prepare_cached("PRAGMA wal_checkpoint(NOOP)")
        .and_then(|mut it| {
            // Of all pages in the log, and of those that are moved; -1 if there is no log yet.
            let (all, moved) =
                it.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
            Ok(u64::try_from(all - moved).unwrap_or(0))
        })
        .sorted()
}
