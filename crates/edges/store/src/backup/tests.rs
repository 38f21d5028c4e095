use std::fs;
use std::path::{Path, PathBuf};

use model::{AccountId, DigestKeys, Secret, SipUser, Tags, Username, VoiceConnectorId};

use super::*;
use crate::{Keyring, Store, StoreConfig, TypedTx as _, TypedView as _};

const HOME: AccountId = AccountId::DEFAULT;

/// A store with a secret and something that is none, and a backup of it.
struct Backed {
    dir: tempfile::TempDir,
    backup: PathBuf,
}

impl Backed {
    async fn up() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("from"));
        store.write(|tx| tx.put(&tags("kept")).and_then(|()| tx.put(&user()))).await.unwrap();
        let backup = dir.path().join("backup");
        let made = store.backup(backup.clone(), Progress::default()).await.unwrap();
        assert_eq!(made.revision, 2);
        store.close().await;
        Self { dir, backup }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn keyring(&self) -> Keyring {
        Keyring::load(&self.path("from/seal.key")).unwrap()
    }

    fn restore(&self, to: &str, occupied: Occupied) -> Result<Restored, RestoreError> {
        self.restore_from(&self.backup, to, "from/seal.key", occupied)
    }

    fn restore_from(
        &self,
        backup: &Path,
        to: &str,
        seal_key: &str,
        occupied: Occupied,
    ) -> Result<Restored, RestoreError> {
        let plan = Plan {
            backup,
            database: &self.path(to).join("trunkline.db"),
            seal_key: &self.path(seal_key),
            seal_key_kept: None,
            occupied,
        };
        restore(&plan, &Progress::default())
    }

    /// The backup with some bytes replaced.
    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = fs::read(&self.backup).unwrap();
        change(&mut bytes);
        let path = self.path("changed");
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn open(dir: &Path) -> Store {
    let keyring = Keyring::load_or_create(&dir.join("seal.key")).unwrap();
    Store::open(config(dir, keyring)).unwrap()
}

fn config(dir: &Path, keyring: Keyring) -> StoreConfig {
    StoreConfig { log_bytes: 64 * 1024, ..StoreConfig::new(dir.join("trunkline.db"), keyring) }
}

fn tags(key: &str) -> Tags {
    Tags { account: HOME, arn: key.into(), values: Default::default() }
}

fn user() -> SipUser {
    SipUser {
        account: HOME,
        connector: VoiceConnectorId::parse(&"c".repeat(22)).unwrap(),
        username: Username::parse("ann").unwrap(),
        keys: DigestKeys::derive("ann", "realm.example", Secret::new("hunter2".into())),
    }
}

async fn found(store: &Store) -> (Vec<Tags>, Vec<SipUser>) {
    let whole = crate::Page::WHOLE;
    store
        .read(move |it| Ok((it.list(&HOME, whole)?.items, it.list(&HOME, whole)?.items)))
        .await
        .unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_backed_up_is_there_again_and_its_secrets_open() {
    let backed = Backed::up().await;

    let restored = backed.restore("to", Occupied::Refuse).unwrap();

    assert_eq!(restored.moved_aside, None);
    assert_eq!(restored.manifest, inspect(&backed.backup).unwrap());
    assert_eq!(restored.manifest.resources[model::Kind::SipUser.as_str()], 1);
    let store = Store::open(config(&backed.path("to"), backed.keyring())).unwrap();
    assert_eq!(found(&store).await, (vec![tags("kept")], vec![user()]));
    assert_eq!(store.revision(), 2);
}

#[tokio::test]
async fn no_secret_and_no_seal_key_is_in_the_file() {
    let backed = Backed::up().await;
    let bytes = fs::read(&backed.backup).unwrap();
    let seen = |needle: &[u8]| bytes.windows(needle.len()).any(|it| it == needle);
    let key = fs::read_to_string(backed.path("from/seal.key")).unwrap();
    let key = key.lines().find(|it| !it.starts_with('#')).unwrap().split_once(' ').unwrap();
    let hash: String = user().keys.md5.expose().iter().map(|it| format!("{it:02x}")).collect();
    assert!(seen(key.0.as_bytes()), "the key's name is there, and the search finds what is there");
    assert!(!seen(key.1.as_bytes()) && !seen(&key.1.as_bytes()[..16]));
    assert!(!seen(hash.as_bytes()) && !seen(user().keys.md5.expose()));
}

#[tokio::test]
async fn a_file_that_was_cut_is_refused_by_the_part_it_was_cut_in() {
    let backed = Backed::up().await;
    let length = fs::metadata(&backed.backup).unwrap().len() as usize;
    for (keep, part) in [
        (18, "header"),
        (30, "manifest"),
        (300, "manifest"),
        (length / 2, "database"),
        (length - 89, "database"),
        (length - 88, "end"),
        (length - 1, "end"),
    ] {
        let cut = backed.changed(|bytes| bytes.truncate(keep));
        let refused = verify(&cut, &Progress::default()).unwrap_err();
        assert!(
            matches!(&refused, RestoreError::Cut { part: it, .. } if it.name() == part),
            "{keep} of {length}: {refused}"
        );
        assert!(refused.to_string().contains(&format!("`{part}`")), "{refused}");
    }
    for keep in [0, 15] {
        let cut = backed.changed(|bytes| bytes.truncate(keep));
        let refused = verify(&cut, &Progress::default()).unwrap_err();
        assert!(matches!(refused, RestoreError::NotABackup(_)), "{refused}");
    }
}

#[tokio::test]
async fn no_bit_can_flip_unnoticed() {
    let backed = Backed::up().await;
    let length = fs::metadata(&backed.backup).unwrap().len() as usize;
    // Each byte of the small parts, and some of the large one.
    let looked_at = (0..900).chain((900..length - 200).step_by(997)).chain(length - 200..length);
    for at in looked_at {
        let flipped = backed.changed(|bytes| bytes[at] ^= 1 << (at % 8));
        let refused = verify(&flipped, &Progress::default()).unwrap_err();
        let part = match &refused {
            RestoreError::NotABackup(_) | RestoreError::FormatTooNew { .. } => "header",
            RestoreError::Damaged { part, .. } | RestoreError::Cut { part, .. } => part.name(),
            RestoreError::Unreadable { .. }
            | RestoreError::Exists(_)
            | RestoreError::Unwritable { .. }
            | RestoreError::Seal(_)
            | RestoreError::Store(_) => panic!("byte {at}: {refused}"),
        };
        let expected = match at {
            0..20 => "header",
            20..400 => "manifest",
            _ if at >= length - 88 => "end",
            _ if (2000..length - 200).contains(&at) => "database",
            // Where the manifest ends depends on its numbers.
            _ => part,
        };
        assert_eq!(part, expected, "byte {at} of {length}: {refused}");
    }
    let longer = backed.changed(|bytes| bytes.push(0));
    let refused = verify(&longer, &Progress::default()).unwrap_err();
    assert!(matches!(refused, RestoreError::Damaged { part: Part::End, .. }), "{refused}");
}

#[tokio::test]
async fn a_damaged_backup_leaves_no_trace_where_it_was_to_be_restored() {
    let backed = Backed::up().await;
    let middle = fs::metadata(&backed.backup).unwrap().len() as usize / 2;
    let damaged = backed.changed(|bytes| bytes[middle] ^= 1);

    let refused = backed.restore_from(&damaged, "to", "from/seal.key", Occupied::MoveAside);

    assert!(
        matches!(refused, Err(RestoreError::Damaged { part: Part::Database, .. })),
        "{refused:?}"
    );
    assert!(!backed.path("to").exists());
}

#[tokio::test]
async fn a_seal_key_that_does_not_open_it_is_told_before_anything_is_written() {
    let backed = Backed::up().await;
    let refused = || {
        let key = "other/seal.key";
        backed.restore_from(&backed.backup, "to", key, Occupied::Refuse).unwrap_err()
    };
    assert!(matches!(refused(), RestoreError::Seal(SealError::File { .. })), "{}", refused());

    Keyring::load_or_create(&backed.path("other/seal.key")).unwrap();
    let refused_other = refused();
    assert!(
        matches!(refused_other, RestoreError::Seal(SealError::UnknownKey { .. })),
        "{refused_other}"
    );

    // The right name with other bytes, as a file that was put together by hand may have.
    let mut lines = fs::read_to_string(backed.path("from/seal.key")).unwrap();
    let last = lines.trim_end().len() - 1;
    let digit = if lines.as_bytes()[last] == b'0' { "1" } else { "0" };
    lines.replace_range(last..=last, digit);
    fs::write(backed.path("other/seal.key"), lines).unwrap();
    assert!(matches!(refused(), RestoreError::Seal(SealError::WrongKey { .. })), "{}", refused());
    assert!(!backed.path("to").exists());
}

#[tokio::test]
async fn a_database_that_is_there_stays_unless_it_may_be_moved_aside() {
    let backed = Backed::up().await;
    let store = open(&backed.path("to"));
    store.write(|tx| tx.put(&tags("older"))).await.unwrap();
    let in_use = backed.restore("to", Occupied::MoveAside).unwrap_err();
    assert!(matches!(in_use, RestoreError::Store(StoreError::Locked { .. })), "{in_use}");
    store.close().await;
    drop(store);

    let refused = backed.restore("to", Occupied::Refuse).unwrap_err();
    assert!(matches!(refused, RestoreError::Exists(_)), "{refused}");
    let restored = backed.restore("to", Occupied::MoveAside).unwrap();

    let store = Store::open(config(&backed.path("to"), backed.keyring())).unwrap();
    assert_eq!(found(&store).await.0, [tags("kept")]);
    let aside = restored.moved_aside.unwrap();
    let keyring = Keyring::load(&backed.path("to/seal.key")).unwrap();
    let older = Store::open(StoreConfig { path: aside, ..config(&backed.path("to"), keyring) });
    assert_eq!(found(&older.unwrap()).await.0, [tags("older")]);
}

#[tokio::test]
async fn a_restore_that_was_cut_short_is_not_taken_for_an_empty_service() {
    let backed = Backed::up().await;
    backed.restore("to", Occupied::Refuse).unwrap();
    let database = backed.path("to/trunkline.db");
    fs::rename(&database, backed.path("to/trunkline.db.restoring")).unwrap();

    let refused = Store::open(config(&backed.path("to"), backed.keyring())).unwrap_err();
    assert!(matches!(refused, StoreError::RestoreUnfinished { .. }), "{refused}");
    assert!(!database.exists());

    backed.restore("to", Occupied::Refuse).unwrap();
    let store = Store::open(config(&backed.path("to"), backed.keyring())).unwrap();
    assert_eq!(found(&store).await.1, [user()]);
}

#[tokio::test]
async fn a_backup_that_is_cancelled_leaves_nothing_behind() {
    let backed = Backed::up().await;
    let store = open(&backed.path("from"));
    let progress = Progress::default();
    progress.cancel();
    let before = names(backed.dir.path());

    let made = store.backup(backed.path("second"), progress).await;

    assert!(matches!(made, Err(BackupError::Cancelled)), "{made:?}");
    assert_eq!(names(backed.dir.path()), before);
}

#[tokio::test]
async fn a_file_that_comes_in_pieces_has_its_name_only_when_it_is_whole() {
    let backed = Backed::up().await;
    let bytes = fs::read(&backed.backup).unwrap();
    let to = backed.path("received");
    let before = names(backed.dir.path());

    let mut incoming = Incoming::begin(&to).unwrap();
    incoming.add(&bytes[..bytes.len() - 1]).unwrap();
    assert!(!to.exists());
    let cut = incoming.finish(&Progress::default()).unwrap_err();
    assert!(matches!(cut, RestoreError::Cut { part: Part::End, .. }), "{cut}");
    assert_eq!(names(backed.dir.path()), before);

    let mut incoming = Incoming::begin(&to).unwrap();
    bytes.chunks(1000).for_each(|it| incoming.add(it).unwrap());
    assert_eq!(incoming.finish(&Progress::default()).unwrap().revision, 2);
    assert_eq!(fs::read(&to).unwrap(), bytes);
    assert!(matches!(Incoming::begin(&to), Err(BackupError::Exists(_))));
}

#[test]
fn a_key_file_that_is_adopted_opens_what_either_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (old, new) = (path("old"), path("new"));
    let before = Keyring::load_or_create(&old).unwrap().current();
    let ours = Keyring::load_or_create(&new).unwrap().current();

    let adopted = Keyring::adopt(&new, &old).unwrap();

    assert_eq!(adopted.current(), ours);
    assert!(adopted.require(before).is_ok());
    let text = fs::read_to_string(&old).unwrap();
    Keyring::adopt(&new, &old).unwrap();
    assert_eq!(fs::read_to_string(&old).unwrap(), text);
    Keyring::adopt(&new, &path("deep/er/seal.key")).unwrap();
}
