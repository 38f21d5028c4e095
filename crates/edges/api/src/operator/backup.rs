//! Backups: made beside the database while work goes on, fetched in pieces, deleted when fetched.
//!
//! One at a time, since each needs the room of two databases. One that nobody asks after for
//! [`IDLE_MAX`] is deleted; so is what an earlier process left.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use model::TransactionId;
use store::backup::{Manifest, Progress};
use store::{BackupError, Store};
use tokio::time::Instant;

use super::dto;
use super::query::Query;
use crate::answer::Answer;
use crate::audit::Asker;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Bytes of one piece.
const PIECE_BYTES: usize = 4 << 20;
/// How long a backup waits for somebody to ask after it.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// What the files of backups are called, before their ids.
const PREFIX: &str = "backup-";

/// The one backup there may be, and where it lies.
pub(crate) struct BackupDesk {
    directory: PathBuf,
    current: Mutex<Option<Current>>,
}

struct Current {
    id: String,
    path: PathBuf,
    progress: Progress,
    state: State,
    asked: Instant,
    /// Who fetched the last piece.
    fetching: Option<Asker>,
}

enum State {
    Making,
    Ready { revision: u64, bytes: u64 },
    Failed(String),
}

impl BackupDesk {
    /// A desk with nothing on it; what an earlier process left is thrown away.
    pub(crate) async fn open(store: &Store) -> Self {
        let directory = store.path().parent().unwrap_or(Path::new(".")).to_owned();
        let swept = directory.clone();
        // Whatever cannot be removed now is looked at again at the next start.
        let _ = tokio::task::spawn_blocking(move || sweep(&swept)).await;
        Self { directory, current: Mutex::default() }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The backup of this id, which somebody has just asked after.
    fn asked<T>(&self, id: &str, look: impl FnOnce(&Current) -> T) -> Result<T, ApiError> {
        let mut current = self.current();
        let found = current.as_mut().filter(|it| it.id == id);
        let found = found.ok_or_else(|| ApiError::no_such("backup", id))?;
        found.asked = Instant::now();
        Ok(look(found))
    }

    /// Notes who fetches the backup, once that is on record.
    fn fetched(&self, id: &str, by: Asker) {
        if let Some(found) = self.current().as_mut().filter(|it| it.id == id) {
            found.fetching = Some(by);
        }
    }

    /// Notes how the making ended. A backup that was deleted meanwhile leaves nothing.
    fn made(&self, id: &str, path: &Path, made: Result<Manifest, BackupError>) {
        let mut current = self.current();
        let Some(found) = current.as_mut().filter(|it| it.id == id) else {
            drop(std::fs::remove_file(path));
            return;
        };
        found.asked = Instant::now();
        let bytes = path.metadata().map_or(0, |it| it.len());
        found.state = match made {
            Ok(Manifest { revision, .. }) => State::Ready { revision, bytes },
            Err(error) => {
                tracing::error!(%error, "a backup was not made");
                State::Failed(error.to_string())
            }
        };
    }

    /// Waits until nobody has asked after a backup for long, then deletes it.
    async fn outlive(&self, id: &str) {
        loop {
            let idle = match self.current().as_ref().filter(|it| it.id == id) {
                Some(found) => found.asked.elapsed(),
                None => return,
            };
            if idle >= IDLE_MAX {
                tracing::info!(id, "a backup was deleted: nobody fetched it");
                self.remove(id);
                return;
            }
            tokio::time::sleep(IDLE_MAX - idle).await;
        }
    }

    fn remove(&self, id: &str) -> Option<()> {
        let mut current = self.current();
        let found = current.take_if(|it| it.id == id)?;
        found.progress.cancel();
        // While it is being made there is no file yet.
        drop(std::fs::remove_file(&found.path));
        Some(())
    }
}

/// `POST /operator/backups`
pub(super) fn begin(context: &Context, _permit: OperatorPermit) -> Result<Answer, ApiError> {
    let desk = Arc::clone(&context.backups);
    let id = TransactionId::from_random(crate::random::bytes()).to_string();
    let path = desk.directory.join(format!("{PREFIX}{id}"));
    let progress = Progress::default();
    let answer = {
        let mut current = desk.current();
        if let Some(other) = current.as_ref().filter(|it| !matches!(it.state, State::Failed(_))) {
            return Err(ApiError::new(
                ErrorKind::Conflict,
                format!(
                    "the backup {} is being made or fetched, and there is one at a time: wait for it, or \
                     DELETE /operator/backups/{}",
                    other.id, other.id
                ),
            ));
        }
        let (state, asked) = (State::Making, Instant::now());
        let (id, path, progress) = (id.clone(), path.clone(), progress.clone());
        let made = current.insert(Current { id, path, progress, state, asked, fetching: None });
        Answer::json(StatusCode::ACCEPTED, &told(made))
    };
    let store = context.store.clone();
    tokio::spawn(async move {
        let made = store.backup(path.clone(), progress).await;
        // Its hold on the store must not outlive the service.
        drop(store);
        desk.made(&id, &path, made);
        desk.outlive(&id).await;
    });
    Ok(answer)
}

/// `GET /operator/backups/{id}`
pub(super) fn get(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    let backup = context.backups.asked(id, told)?;
    Ok(Answer::json(StatusCode::OK, &backup))
}

/// `GET /operator/backups/{id}/data?offset=`
pub(super) async fn data(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let offset = query.take("offset");
    query.finish()?;
    let offset: u64 =
        offset.as_deref().unwrap_or("0").parse().map_err(|_| {
            ApiError::bad_request("offset: it must be a number of bytes; begin with 0")
        })?;
    let path = context.backups.asked(id, |it| match it.state {
        State::Ready { .. } => Some(it.path.clone()),
        State::Making | State::Failed(_) => None,
    })?;
    let Some(path) = path else {
        return Err(ApiError::new(
            ErrorKind::Conflict,
            format!("the backup {id} is not ready: ask GET /operator/backups/{id} until it is"),
        ));
    };
    record_download(context, id, offset).await?;
    let read = tokio::task::spawn_blocking(move || piece(&path, offset)).await;
    let piece = read.map_err(|error| ApiError::failure().caused_by(error))?;
    Ok(Answer::octets(piece.map_err(|error| ApiError::failure().caused_by(error))?))
}

/// Leaves one record of a download, however many pieces it takes, before its first byte leaves. It is
/// another one where it begins anew, or somebody else goes on with it.
async fn record_download(context: &Context, id: &str, offset: u64) -> Result<(), ApiError> {
    let Some(draft) = context.draft() else { return Ok(()) };
    let asker = draft.asker();
    let goes_on = context.backups.asked(id, |it| it.fetching.as_ref() == Some(&asker))?;
    if goes_on && offset > 0 {
        draft.covered();
        return Ok(());
    }
    // Nothing changes but the audit.
    context.write(|_| Ok(())).await?;
    context.backups.fetched(id, asker);
    Ok(())
}

/// `DELETE /operator/backups/{id}`
pub(super) fn delete(
    context: &Context,
    _permit: OperatorPermit,
    id: &str,
) -> Result<Answer, ApiError> {
    context.backups.remove(id).ok_or_else(|| ApiError::no_such("backup", id))?;
    Ok(Answer::NO_CONTENT)
}

fn told(current: &Current) -> dto::Backup {
    let seen = current.progress.seen();
    let mut backup = dto::Backup {
        id: current.id.clone(),
        state: dto::BackupState::Making,
        stage: seen.stage.name().to_owned(),
        done_bytes: seen.done,
        total_bytes: seen.total,
        bytes: None,
        revision: None,
        error: None,
    };
    match &current.state {
        State::Making => {}
        State::Ready { revision, bytes } => {
            backup.state = dto::BackupState::Ready;
            (backup.bytes, backup.revision) = (Some(*bytes), Some(*revision));
        }
        State::Failed(error) => {
            backup.state = dto::BackupState::Failed;
            backup.error = Some(error.clone());
        }
    }
    backup
}

/// Bytes from `offset` on; none at the end of the file.
fn piece(path: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let left = file.metadata()?.len().saturating_sub(offset);
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece)
}

/// Removes the files of backups that nobody can ask after any more.
fn sweep(directory: &Path) {
    let Ok(entries) = directory.read_dir() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_left = name
            .to_str()
            .and_then(|it| it.strip_prefix('.').unwrap_or(it).strip_prefix(PREFIX))
            .and_then(|it| it.get(..36))
            .is_some_and(|it| TransactionId::parse(it).is_ok());
        if is_left {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}
