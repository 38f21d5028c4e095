//! A backup file of a database that is in use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use model::UnixMillis;

use super::format::Writer;
use super::progress::{Progress, Stage};
use super::{BackupError, Manifest, Part};
use crate::sqlite::backup as database;
use crate::{Keyring, file};

/// Copies one consistent state of the database into a new backup file, mode 0600 and durable before
/// this returns. Writers go on meanwhile; only the log grows. After an error there is no file.
///
/// For a moment the disk holds the copy and the file: twice the database's size.
pub(crate) fn make(
    from: &Path,
    to: &Path,
    keyring: &Keyring,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let fail = |source| BackupError::Unwritable { path: to.to_owned(), source };
    if to.try_exists().map_err(fail)? {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let made = write(from, to, keyring, progress);
    // Whatever made SQLite or a write stop, it was what somebody wanted.
    if progress.is_cancelled() && made.is_err() { Err(BackupError::Cancelled) } else { made }
}

fn write(
    from: &Path,
    to: &Path,
    keyring: &Keyring,
    progress: &Progress,
) -> Result<Manifest, BackupError> {
    let fail = |source| BackupError::Unwritable { path: to.to_owned(), source };
    let copy = Temporary::create(to, "copy").map_err(fail)?;
    database::copy(from, &copy.0, progress)?;
    let contents = database::contents(&copy.0)?;
    let manifest = Manifest {
        release: env!("CARGO_PKG_VERSION").to_owned(),
        created: now(),
        revision: contents.revision,
        schema: contents.schema,
        resources: contents.resources,
        call_records: contents.call_records,
        seal_keys: contents
            .seal_keys
            .into_iter()
            .map(|key| keyring.prove(key))
            .collect::<Result<_, _>>()
            .map_err(crate::StoreError::from)?,
    };
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest has text keys");

    let draft = Temporary::create(to, "draft").map_err(fail)?;
    let data = File::open(&copy.0).map_err(fail)?;
    let length = data.metadata().map_err(fail)?.len();
    progress.begin(Stage::Writing, length);
    let out = OpenOptions::new().write(true).open(&draft.0).map_err(fail)?;
    let none = Progress::default();
    let written = (|| {
        let mut writer = Writer::begin(BufWriter::with_capacity(1 << 20, out))?;
        writer.part(Part::Manifest, text.len() as u64, text.as_slice(), &none)?;
        writer.part(Part::Database, length, data, progress)?;
        writer.finish()?.into_inner()?.sync_all()
    })();
    written.map_err(fail)?;
    publish(&draft.0, to)?;
    Ok(manifest)
}

/// Gives a whole, durable file its name, unless that is taken.
fn publish(draft: &Path, to: &Path) -> Result<(), BackupError> {
    let fail = |source| BackupError::Unwritable { path: to.to_owned(), source };
    match fs::hard_link(draft, to) {
        Ok(()) => file::directory_sync(file::directory_of(to)).map_err(fail),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists(to.to_owned()))
        }
        Err(error) => Err(fail(error)),
    }
}

/// A backup file that comes from elsewhere, a piece at a time, and has its name only once all of it
/// is there, verified and durable.
pub struct Incoming {
    to: PathBuf,
    draft: Temporary,
    out: File,
}

impl Incoming {
    /// Begins beside where the file is to be.
    pub fn begin(to: &Path) -> Result<Self, BackupError> {
        let fail = |source| BackupError::Unwritable { path: to.to_owned(), source };
        if to.try_exists().map_err(fail)? {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let draft = Temporary::create(to, "draft").map_err(fail)?;
        let out = OpenOptions::new().write(true).open(&draft.0).map_err(fail)?;
        Ok(Self { to: to.to_owned(), draft, out })
    }

    /// Takes the next piece.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), BackupError> {
        self.out
            .write_all(piece)
            .map_err(|source| BackupError::Unwritable { path: self.to.clone(), source })
    }

    /// Compares every checksum, and gives the file its name.
    pub fn finish(self, progress: &Progress) -> Result<Manifest, crate::RestoreError> {
        let fail = |source| crate::RestoreError::Unwritable { path: self.to.clone(), source };
        self.out.sync_all().map_err(fail)?;
        let manifest = super::verify(&self.draft.0, progress)?;
        publish(&self.draft.0, &self.to).map_err(|error| match error {
            BackupError::Exists(path) => crate::RestoreError::Exists(path),
            BackupError::Unwritable { path, source } => {
                crate::RestoreError::Unwritable { path, source }
            }
            BackupError::Cancelled | BackupError::Store(_) => {
                unreachable!("giving a file its name neither asks the store nor is cancelled")
            }
        })?;
        Ok(manifest)
    }
}

/// A file that is gone when this drops.
struct Temporary(PathBuf);

impl Temporary {
    /// Makes an empty one beside `path`, mode 0600.
    fn create(path: &Path, what: &str) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = file::directory_of(path);
        let path = place.join(format!(".{name}.{}.{what}", std::process::id()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left of it, such as SQLite's journal, is of no use to anybody.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut path = self.0.as_os_str().to_owned();
            path.push(suffix);
            drop(fs::remove_file(path));
        }
    }
}

/// The time here.
pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
