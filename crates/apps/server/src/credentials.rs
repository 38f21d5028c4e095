//! The first access key of an installation, and the file that tells it.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use api::operator::dto::{CreateKey, CreatedKey, Key};
use api::{Clock as _, SystemClock};
use aws_lc_rs::rand;
use model::{
    AccessKey, AccessKeyId, AccountId, AuditRecord, KeyPolicy, KeyStatus, Region, Secret,
    TransactionId, UnixMillis,
};
use store::{Store, StoreError, TypedTx, TypedView, WriteError};

use crate::config::Config;
use crate::start::StartError;

/// The profile in the credentials file.
pub const PROFILE: &str = "trunkline";

/// Why the first access key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file or directory could not be written.
    #[error("cannot write {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstKey {
    /// There was no key yet: one was made and written to the file.
    Made,
    /// There are keys already; the file is left as it is.
    Known,
}

/// Makes the data directory, mode 0700, unless it is there.
pub(crate) fn make_data_dir(path: &Path) -> Result<(), CredentialsError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| CredentialsError::File { path: path.into(), error })
}

/// Makes the first access key if the store has none.
///
/// The file is written before the key is stored: a crash in between leaves a file that the next
/// start writes again, never a key that nobody was told.
pub(crate) async fn ensure_first_key(
    store: &Store,
    file: &Path,
    now: UnixMillis,
) -> Result<FirstKey, CredentialsError> {
    let known = store.read(|view| view.count::<AccessKey>(&AccountId::DEFAULT, 1)).await?;
    if known > 0 {
        return Ok(FirstKey::Known);
    }
    let key = AccessKey {
        id: AccessKeyId::parse(&random_id()).expect("the id is 20 capitals and digits"),
        account: AccountId::DEFAULT,
        name: "first".into(),
        secret: Secret::new(random_secret()),
        status: KeyStatus::Enabled,
        policy: KeyPolicy::Full,
        created: now,
    };
    write_profile(file, &key)?;
    store
        .write(move |tx| tx.put(&key))
        .await
        .map_err(|error: WriteError<StoreError>| CredentialsError::Store(error.into_inner()))?;
    Ok(FirstKey::Made)
}

/// Writes the file that tells a key, whole and private.
pub(crate) fn write_profile(file: &Path, key: &AccessKey) -> Result<(), CredentialsError> {
    replace_private(file, &profile_text(key))
        .map_err(|error| CredentialsError::File { path: file.into(), error })
}

/// Makes an access key in the database of a service that is stopped, for whoever has lost every key
/// that could ask the service for one. The audit gets a record of it.
///
/// # Errors
/// [`StartError`] if there is no such database, or a service has it open, or it cannot be written.
pub async fn create_key(config: &Config, request: CreateKey) -> Result<CreatedKey, StartError> {
    let CreateKey { account, policy, name } = request;
    if !config.storage.database.exists() {
        let path = config.storage.database.clone();
        return Err(StartError::NoDatabase { path });
    }
    let store = crate::start::open_store(&config.storage).await?;
    let now = SystemClock.now();
    let key = AccessKey {
        id: AccessKeyId::parse(&random_id()).expect("the id is 20 capitals and digits"),
        account: account.unwrap_or(AccountId::DEFAULT),
        name: name.chars().filter(|it| !it.is_control()).take(AccessKey::NAME_CHARS_MAX).collect(),
        secret: Secret::new(random_secret()),
        status: KeyStatus::Enabled,
        policy,
        created: now,
    };
    let record = AuditRecord {
        request_id: TransactionId::from_random(random()),
        at: now,
        account: Some(AccountId::DEFAULT),
        key: None,
        action: "trunkline:CreateKeys".into(),
        resources: vec![format!("keys/{}", key.id)],
        source: std::net::Ipv4Addr::LOCALHOST.into(),
        status: 201,
        error: None,
    };
    let answer = CreatedKey { key: Key::from(&key), secret_access_key: key.secret.clone() };
    let written = store.write(move |tx| {
        tx.put(&key)?;
        tx.append_audit(&record)
    });
    written.await.map_err(|error: WriteError<StoreError>| StartError::Store(error.into_inner()))?;
    store.close().await;
    Ok(answer)
}

fn profile_text(key: &AccessKey) -> String {
    format!(
        "# The first access key of this trunkline service, made on its first start.\n\
         # Use it with: AWS_SHARED_CREDENTIALS_FILE=<this file> AWS_PROFILE={PROFILE}\n\
         [{PROFILE}]\n\
         aws_access_key_id = {}\n\
         aws_secret_access_key = {}\n\
         region = {}\n",
        key.id,
        key.secret.expose(),
        Region::default(),
    )
}

/// Replaces a file whole, mode 0600: readers see the old text or the new, and so does a crash.
fn replace_private(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    // A draft that a crash left behind may have another mode.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    std::fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// `AKIA` and 16 characters of base 32: 80 random bits.
fn random_id() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let text = random::<16>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    std::iter::once("AKIA").map(String::from).chain(text.map(String::from)).collect()
}

/// 40 characters of base 64 without `+` and `/`, which some tools want escaped: 240 random bits,
/// less a sliver for the two characters that stand twice.
fn random_secret() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Az";
    random::<40>().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).iter().collect()
}

/// Unpredictable bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system's random source never fails");
    bytes
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_in_the_form_that_aws_tools_expect() {
        let id = random_id();
        assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
        assert!(AccessKeyId::parse(&id).is_ok());
        assert_eq!(random_secret().len(), 40);
        assert_ne!(random_secret(), random_secret());
    }

    #[test]
    fn a_private_file_is_replaced_whole_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        std::fs::write(&path, "old").unwrap();
        std::fs::write(path.with_extension("new"), "left behind").unwrap();
        replace_private(&path, "new text").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new text");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn the_data_directory_is_made_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        make_data_dir(&path).unwrap();
        make_data_dir(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
