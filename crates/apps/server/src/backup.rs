//! Backups without a running service, and the way back: a data directory made from a backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::{AccessKey, AccessKeyId, AccountId, KeyPolicy, KeyStatus};
use store::backup::{Manifest, Occupied, Plan, Progress};
use store::{
    BackupError, Keyring, RestoreError, SealError, Store, StoreConfig, StoreError, TypedView as _,
};

use crate::config::{SealKey, StorageConfig};
use crate::credentials::{self, CredentialsError};

/// Why a backup was not made, or not restored. `Display` names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// There is nothing to back up.
    #[error("there is no database {}: name the data directory of a service", .0.display())]
    NoDatabase(PathBuf),
    /// The directory has something in it.
    #[error(
        "{} is not empty ({found} is in it): name a new directory, or say --overwrite to have what is \
         replaced moved aside",
        directory.display()
    )]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
        /// What is in it.
        found: String,
    },
    /// The seal key is not there.
    #[error(
        "there is no seal key file {}, and a backup holds none: give the one of the backed-up service \
         by --seal-key FILE",
        .0.display()
    )]
    SealKeyMissing(PathBuf),
    /// The seal key cannot be read.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file or directory cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The backup was not made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The backup was not restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The credentials file cannot be written.
    #[error("the database is restored, but the credentials file is not: {0}")]
    Credentials(#[from] CredentialsError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Backs up the database of a service that is not running. Blocks.
///
/// # Errors
/// [`StoreError::Locked`] among others if the service runs: then it is the one to ask.
pub fn backup_offline(
    storage: &StorageConfig,
    to: PathBuf,
    progress: Progress,
) -> Result<Manifest, OfflineError> {
    if !storage.database.exists() {
        return Err(OfflineError::NoDatabase(storage.database.clone()));
    }
    let keyring = Keyring::load(&storage.seal_key_file)?;
    let store = Store::open(StoreConfig::new(&storage.database, keyring))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without timers and sockets needs nothing that could be missing");
    Ok(runtime.block_on(store.backup(to, progress))?)
}

/// What to restore, and how.
#[derive(Debug, Clone)]
pub struct RestoreOrder {
    /// The backup file.
    pub backup: PathBuf,
    /// The seal key file that belongs to it, if it is not in its place already.
    pub seal_key: Option<PathBuf>,
    /// What becomes of what is there.
    pub occupied: Occupied,
}

/// What was restored.
#[derive(Debug)]
pub struct RestoredService {
    /// What the backup held.
    pub manifest: Manifest,
    /// Where the database is that was there before.
    pub moved_aside: Option<PathBuf>,
    /// The key that the credentials file names now, and whether the file is new.
    pub credentials: Option<(AccessKeyId, CredentialsFile)>,
}

/// What became of the credentials file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsFile {
    /// It was written.
    Written,
    /// It names a key of the restored database, and stays.
    Kept,
}

/// Makes a data directory from a backup, for a service that is not running. Blocks.
///
/// # Errors
/// [`OfflineError`]; until the very last step, what was there is as it was.
pub fn restore(
    storage: &StorageConfig,
    order: &RestoreOrder,
    progress: &Progress,
) -> Result<RestoredService, OfflineError> {
    if order.occupied == Occupied::Refuse {
        refuse_occupied(storage)?;
    }
    let in_place = &storage.seal_key_file;
    let seal_key = order.seal_key.as_ref().unwrap_or(in_place);
    if !seal_key.exists() {
        return Err(OfflineError::SealKeyMissing(seal_key.clone()));
    }
    // A key file that the operator keeps elsewhere is his to change.
    let adopted = order.seal_key.is_some() && storage.seal_key == SealKey::Ours;
    let plan = Plan {
        backup: &order.backup,
        database: &storage.database,
        seal_key,
        seal_key_kept: adopted.then_some(in_place.as_path()),
        occupied: order.occupied,
    };
    let restored = store::backup::restore(&plan, progress)?;

    credentials::make_data_dir(&storage.data_dir)?;
    let keyring = Keyring::load(if adopted { in_place } else { seal_key })?;
    let store = Store::open(StoreConfig::new(&storage.database, keyring))?;
    let credentials = credentials_restored(&store, &storage.credentials_file())?;
    Ok(RestoredService {
        manifest: restored.manifest,
        moved_aside: restored.moved_aside,
        credentials,
    })
}

/// Refuses a directory that has more in it than a seal key file, which may have been put there for
/// the restore, and what a restore that was cut short has left.
fn refuse_occupied(storage: &StorageConfig) -> Result<(), OfflineError> {
    let directory = &storage.data_dir;
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|source| OfflineError::File { path: directory.clone(), source }),
    }?;
    let database = storage.database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let may_be_there = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path == storage.seal_key_file
            || name == format!("{database}.lock")
            || name.starts_with(&format!("{database}.restoring"))
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|it| it.path()).collect();
    found.sort();
    match found.into_iter().find(|it| !may_be_there(it)) {
        None => Ok(()),
        Some(found) => Err(OfflineError::NotEmpty {
            directory: directory.clone(),
            found: found.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }),
    }
}

/// Sees to it that the credentials file names a key that the restored database knows: a service's
/// own commands sign with it.
fn credentials_restored(
    store: &Store,
    file: &Path,
) -> Result<Option<(AccessKeyId, CredentialsFile)>, OfflineError> {
    let mut keys: Vec<AccessKey> = Vec::new();
    store.read_blocking(|view| view.all::<AccessKey>(|it| keys.push(it)))?;
    let written = match fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(OfflineError::File { path: file.to_owned(), source }),
    };
    if let Some(text) = &written {
        if let Some(known) = keys.iter().find(|it| text.contains(it.id.as_str())) {
            return Ok(Some((known.id.clone(), CredentialsFile::Kept)));
        }
        let aside = file.with_extension("before-restore");
        fs::rename(file, aside)
            .map_err(|source| OfflineError::File { path: file.to_owned(), source })?;
    }
    let first = keys
        .into_iter()
        .filter(|it| it.account == AccountId::DEFAULT && it.status == KeyStatus::Enabled)
        .filter(|it| it.policy == KeyPolicy::Full)
        .min_by_key(|it| it.created);
    let Some(first) = first else { return Ok(None) };
    credentials::write_profile(file, &first)?;
    Ok(Some((first.id, CredentialsFile::Written)))
}
