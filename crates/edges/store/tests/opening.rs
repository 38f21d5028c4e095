//! Opening: what is made, who may see it, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use model::{AccountId, DigestKeys, Secret, SipUser, Tags, Username, VoiceConnectorId};
use store::{Keyring, SealError, Store, StoreConfig, StoreError, TypedTx, TypedView};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("data").join(name)
    }

    fn config(&self) -> StoreConfig {
        let keyring = Keyring::load_or_create(&self.path("seal.key")).unwrap();
        StoreConfig { log_bytes: 64 * 1024, ..StoreConfig::new(self.path("trunkline.db"), keyring) }
    }

    fn open(&self) -> Result<Store, StoreError> {
        Store::open(self.config())
    }

    /// The database without the store, as another program or another release has it.
    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("trunkline.db")).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn user() -> SipUser {
    SipUser {
        account: AccountId::DEFAULT,
        connector: VoiceConnectorId::parse(&"c".repeat(22)).unwrap(),
        username: Username::parse("ann").unwrap(),
        keys: DigestKeys::derive("ann", "realm", Secret::new("correct horse".into())),
    }
}

#[test]
fn everything_it_makes_is_for_its_owner_alone() {
    let place = Place::new();
    let _store = place.open().unwrap();

    assert_eq!(mode(&place.path("")), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(place.path("")).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected =
        ["seal.key", "trunkline.db", "trunkline.db-shm", "trunkline.db-wal", "trunkline.db.lock"];
    assert_eq!(names, expected);
}

#[test]
fn a_database_that_others_could_read_is_made_private() {
    let place = Place::new();
    drop(place.open().unwrap());
    fs::set_permissions(place.path("trunkline.db"), Permissions::from_mode(0o644)).unwrap();

    let _store = place.open().unwrap();

    for name in ["trunkline.db", "trunkline.db-wal", "trunkline.db-shm"] {
        assert_eq!(mode(&place.path(name)), 0o600, "{name}");
    }
}

#[test]
fn a_closed_store_is_one_file() {
    let place = Place::new();
    drop(place.open().unwrap());

    assert!(!place.path("trunkline.db-wal").exists());
    assert!(!place.path("trunkline.db-shm").exists());
}

#[test]
fn a_second_handle_in_one_process_is_refused() {
    let place = Place::new();
    let first = place.open().unwrap();

    let error = place.open().unwrap_err();

    assert!(matches!(error, StoreError::Locked { holder: Some(_), .. }), "{error:?}");
    assert!(error.to_string().contains("this very process"), "{error}");
    drop(first);
    assert!(place.open().is_ok());
}

#[test]
fn a_later_schema_is_refused_untouched_naming_both_versions() {
    let place = Place::new();
    drop(place.open().unwrap());
    place.raw().execute("INSERT INTO migration (version, applied) VALUES (7, 0)", []).unwrap();
    let before = fs::read(place.path("trunkline.db")).unwrap();

    let error = place.open().unwrap_err();

    assert!(matches!(error, StoreError::SchemaTooNew { found: 7, known: 3 }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("version 7") && text.contains("up to 3"), "{text}");
    assert!(text.contains("run the release that last used it"), "{text}");
    assert_eq!(fs::read(place.path("trunkline.db")).unwrap(), before);
}

#[test]
fn some_other_programs_database_is_refused_untouched() {
    let place = Place::new();
    fs::create_dir(place.path("")).unwrap();
    place.raw().execute_batch("CREATE TABLE precious (it)").unwrap();
    let before = fs::read(place.path("trunkline.db")).unwrap();

    let error = place.open().unwrap_err();

    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("some other program's database"), "{error}");
    assert_eq!(fs::read(place.path("trunkline.db")).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let place = Place::new();
    fs::create_dir(place.path("")).unwrap();
    let precious = "a letter to my grandmother\n".repeat(500);
    fs::write(place.path("trunkline.db"), &precious).unwrap();

    let error = place.open().unwrap_err();

    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(place.path("trunkline.db")).unwrap(), precious);
}

#[tokio::test]
async fn a_database_whose_seal_key_is_lost_is_refused_naming_the_key() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.write(|tx| tx.put(&user())).await.unwrap();
    drop(store);
    let kept = fs::read(place.path("seal.key")).unwrap();
    let key = Keyring::load_or_create(&place.path("seal.key")).unwrap().current();
    fs::remove_file(place.path("seal.key")).unwrap();

    let error = place.open().unwrap_err();

    assert!(matches!(error, StoreError::Seal(SealError::UnknownKey { .. })), "{error:?}");
    assert!(error.to_string().contains(&key.to_string()), "{error}");
    fs::write(place.path("seal.key"), kept).unwrap();
    let store = place.open().unwrap();
    let found = store
        .read(|view| view.get::<SipUser>(&AccountId::DEFAULT, &model::Resource::key(&user())))
        .await
        .unwrap();
    assert_eq!(found, Some(user()));
}

#[tokio::test]
async fn no_secret_is_in_any_file_in_clear() {
    let place = Place::new();
    let store = place.open().unwrap();
    store.write(|tx| tx.put(&user())).await.unwrap();
    let hash: String = user().keys.md5.expose().iter().map(|it| format!("{it:02x}")).collect();

    let seen = |needle: &[u8]| {
        fs::read_dir(place.path("")).unwrap().any(|entry| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|it| it == needle)
        })
    };
    assert!(seen(b"cccccccccccccccccccccc/ann"), "the search finds what is there");
    assert!(!seen(hash.as_bytes()));
}

#[tokio::test]
async fn a_log_left_by_a_longer_configuration_does_no_harm() {
    let place = Place::new();
    for (round, log_bytes) in [1024 * 1024, 0, 32 * 1024, 512 * 1024].into_iter().enumerate() {
        let store = Store::open(StoreConfig { log_bytes, ..place.config() }).unwrap();
        for at in 0..100 {
            let put = Tags {
                account: AccountId::DEFAULT,
                arn: format!("{round}-{at}"),
                values: Default::default(),
            };
            store.write(move |tx| tx.put(&put)).await.unwrap();
        }
        let count = store.read(|view| view.count::<Tags>(&AccountId::DEFAULT, 9999)).await;
        assert_eq!(count.unwrap(), 100 * (round as u64 + 1));
    }
}

#[test]
fn a_call_record_that_goes_takes_its_further_call_ids_along() {
    let place = Place::new();
    drop(place.open().unwrap());
    let raw = place.raw();
    for seq in [1, 2] {
        let record = "INSERT INTO call_record (seq, transaction_id, call_id, started, status, document) \
                      VALUES (?1, randomblob(16), 'in', 0, 0, x'7b7d')";
        raw.execute(record, [seq]).unwrap();
        raw.execute("INSERT INTO call_record_leg VALUES ('tried', ?1), ('again', ?1)", [seq])
            .unwrap();
    }

    raw.execute("DELETE FROM call_record WHERE seq = 1", []).unwrap();

    let left = |seq: i64| {
        let sql = "SELECT count(*) FROM call_record_leg WHERE seq = ?1";
        raw.query_row(sql, [seq], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!((left(1), left(2)), (0, 2));
}
