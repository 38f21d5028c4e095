//! A backup file back into a database.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::format::{Reader, verify};
use super::make::now;
use super::progress::{Progress, Stage};
use super::{Manifest, RestoreError};
use crate::sqlite::backup as database;
use crate::{Keyring, StoreError, file};

/// What becomes of a database that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// It stays, and nothing is restored.
    Refuse,
    /// It is moved aside, never deleted.
    MoveAside,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup held.
    pub manifest: Manifest,
    /// Where the database is that was there before.
    pub moved_aside: Option<PathBuf>,
}

/// Reads a whole backup, compares every checksum, and holds a key file against it, if there is one.
/// Nothing is written.
pub fn check(
    backup: &Path,
    keyring: Option<&Keyring>,
    progress: &Progress,
) -> Result<Manifest, RestoreError> {
    let manifest = verify(backup, progress)?;
    database::schema_known(manifest.schema)?;
    if let Some(keyring) = keyring {
        for proof in &manifest.seal_keys {
            keyring.check_proof(proof)?;
        }
    }
    Ok(manifest)
}

/// What is to be restored where.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The backup file.
    pub backup: &'a Path,
    /// The database to make.
    pub database: &'a Path,
    /// The seal key file that belongs to the backup.
    pub seal_key: &'a Path,
    /// Where the seal key file is to be kept, if not where it is; see [`Keyring::adopt`].
    pub seal_key_kept: Option<&'a Path>,
    /// What becomes of a database that is there already.
    pub occupied: Occupied,
}

/// Makes a database from a backup, at once or not at all.
///
/// Everything is checked before anything is touched: the file's checksums, the schema, the seal keys.
/// Then the database is taken out beside its place, brought to this release's schema, every secret in
/// it is opened, and only then it takes its place. Blocks.
pub fn restore(plan: &Plan<'_>, progress: &Progress) -> Result<Restored, RestoreError> {
    let Plan { backup, database, seal_key, seal_key_kept, occupied } = *plan;
    let mut keyring = Keyring::load(seal_key)?;
    check(backup, Some(&keyring), progress)?;
    let fail = |source| RestoreError::Unwritable { path: database.to_owned(), source };
    file::directory_create(file::directory_of(database)).map_err(fail)?;
    let _lock = database::lock(database)?;
    let is_there = database.try_exists().map_err(fail)?;
    if is_there && occupied == Occupied::Refuse {
        return Err(RestoreError::Exists(database.to_owned()));
    }

    // What the old key file opened, the new one opens: to be cut short from here on loses nothing.
    if let Some(kept) = seal_key_kept {
        keyring = Keyring::adopt(seal_key, kept)?;
    }
    let draft = draft_of(database);
    let taken_out = take_out(backup, &draft, progress).and_then(|manifest| {
        progress.begin(Stage::Checking, 0);
        database::prepare(&draft, &keyring)?;
        Ok(manifest)
    });
    let manifest = match taken_out {
        Ok(manifest) => manifest,
        Err(error) => {
            with_companions(&draft).iter().for_each(|it| drop(fs::remove_file(it)));
            return Err(error);
        }
    };
    // Whoever opens the database between these steps finds the draft, and refuses to make an empty
    // database in its place: see `database::Database::open`.
    let moved_aside = move_aside(database).map_err(fail)?;
    fs::rename(&draft, database).map_err(fail)?;
    file::directory_sync(file::directory_of(database)).map_err(fail)?;
    Ok(Restored { manifest, moved_aside })
}

/// Where a database is while it is being restored.
pub(crate) fn draft_of(database: &Path) -> PathBuf {
    suffixed(database, ".restoring")
}

/// Writes the database of a backup to a new file, durable before this returns.
fn take_out(backup: &Path, to: &Path, progress: &Progress) -> Result<Manifest, RestoreError> {
    let fail = |source| RestoreError::Unwritable { path: to.to_owned(), source };
    // One that was cut short left its draft.
    for left in with_companions(to) {
        match fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
    }
    let mut out =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(fail)?;
    let mut reader = Reader::open(backup)?;
    let manifest = reader.manifest()?;
    progress.begin(Stage::Extracting, 0);
    reader.database(progress, &mut |bytes| out.write_all(bytes).map_err(fail))?;
    reader.end()?;
    out.sync_all().map_err(fail)?;
    Ok(manifest)
}

/// Moves a database and its log to a name that is free, and tells it.
fn move_aside(database: &Path) -> io::Result<Option<PathBuf>> {
    let there: Vec<PathBuf> = with_companions(database)
        .into_iter()
        .filter_map(|it| it.try_exists().map(|there| there.then_some(it)).transpose())
        .collect::<io::Result<_>>()?;
    if there.is_empty() {
        return Ok(None);
    }
    let seconds = now().0 / 1000;
    let aside = (0_u32..)
        .map(|at| if at == 0 { String::new() } else { format!("-{at}") })
        .map(|at| suffixed(database, &format!(".before-restore-{seconds}{at}")))
        .find(|it| !it.exists())
        .expect("there is no end of numbers");
    let tail = |path: &Path| {
        path.as_os_str().to_string_lossy()[database.as_os_str().to_string_lossy().len()..]
            .to_owned()
    };
    for path in there {
        fs::rename(&path, suffixed(&aside, &tail(&path)))?;
    }
    Ok(Some(aside))
}

/// A database file and what SQLite keeps beside it, itself first.
fn with_companions(database: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|suffix| suffixed(database, suffix))
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Refuses to take a database for new while one is being restored in its place.
pub(crate) fn refuse_unfinished(database: &Path) -> Result<(), StoreError> {
    let fail = |error| StoreError::io(database, &error);
    if !database.try_exists().map_err(fail)? && draft_of(database).try_exists().map_err(fail)? {
        return Err(StoreError::RestoreUnfinished { path: database.to_owned() });
    }
    Ok(())
}
