//! Backups of other releases' schemas.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use model::{
    AccountId, AuditRecord, Kind, SipUser, Tags, TransactionId, UnixMillis, VoiceConnector,
};

use super::*;
use crate::{Keyring, Page, Store, StoreConfig, TypedTx as _, TypedView as _};

const HOME: AccountId = AccountId::DEFAULT;
/// What a release with schema 1 left: see `conformance/upgrade/make_fixture.py`.
const SCHEMA_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../conformance/upgrade/0.1.0");

/// A directory with the database of another schema, the key file that opens it, and a backup of it: the
/// database is copied as it is, so this is what that release would have made.
struct Foreign(tempfile::TempDir);

impl Foreign {
    /// Of schema 1.
    fn of_schema_1() -> Self {
        let foreign = Self(tempfile::tempdir().unwrap());
        let made = Path::new(SCHEMA_1);
        fs::copy(made.join("trunkline.db"), foreign.path("trunkline.db")).unwrap();
        fs::copy(made.join("seal.key.test-only"), foreign.path("seal.key")).unwrap();
        // Git does not keep that a file is its owner's alone.
        fs::set_permissions(foreign.path("seal.key"), Permissions::from_mode(0o600)).unwrap();
        foreign
    }

    /// Of a schema after this release's.
    fn of_a_later_schema(version: u32) -> Self {
        let foreign = Self(tempfile::tempdir().unwrap());
        drop(open(foreign.0.path()));
        let raw = rusqlite::Connection::open(foreign.path("trunkline.db")).unwrap();
        raw.execute("INSERT INTO migration (version, applied) VALUES (?1, 0)", [version]).unwrap();
        foreign
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn backup(&self) -> Manifest {
        let keyring = Keyring::load(&self.path("seal.key")).unwrap();
        let (from, to) = (self.path("trunkline.db"), self.path("backup"));
        make(&from, &to, &keyring, &Progress::default()).unwrap()
    }

    fn restore(&self, backup: &Path, to: &Path) -> Result<Restored, RestoreError> {
        let plan = Plan {
            backup,
            database: &to.join("trunkline.db"),
            seal_key: &self.path("seal.key"),
            seal_key_kept: None,
            occupied: Occupied::MoveAside,
        };
        restore(&plan, &Progress::default())
    }
}

fn open(dir: &Path) -> Store {
    let keyring = Keyring::load_or_create(&dir.join("seal.key")).unwrap();
    Store::open(StoreConfig {
        log_bytes: 64 * 1024,
        ..StoreConfig::new(dir.join("trunkline.db"), keyring)
    })
    .unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_of_schema_1_is_brought_to_this_one_and_serves() {
    let foreign = Foreign::of_schema_1();
    let manifest = foreign.backup();
    assert_eq!(manifest.schema, 1, "the backup is of the schema that it is to be brought from");

    let to = foreign.path("to");
    let restored = foreign.restore(&foreign.path("backup"), &to).unwrap();

    assert_eq!(restored.manifest, manifest);
    fs::copy(foreign.path("seal.key"), to.join("seal.key")).unwrap();
    let store = open(&to);
    assert_eq!(store.revision(), manifest.revision);
    let connectors = manifest.resources[Kind::VoiceConnector.as_str()];
    let users = manifest.resources[Kind::SipUser.as_str()];
    let (listed, opened) = store
        .read(|view| {
            let connectors = view.list::<VoiceConnector>(&HOME, Page::WHOLE)?.items.len() as u64;
            Ok((connectors, view.list::<SipUser>(&HOME, Page::WHOLE)?.items.len() as u64))
        })
        .await
        .unwrap();
    assert!(connectors > 0 && users > 0);
    assert_eq!((listed, opened), (connectors, users), "every secret opened");
    // Schema 2 has the audit; a change and its record go in like in any other database.
    let record = AuditRecord {
        request_id: TransactionId::from_random([7; 16]),
        at: UnixMillis(1),
        account: Some(HOME),
        key: None,
        action: "chime:TagResource".to_owned(),
        resources: Vec::new(),
        source: [127, 0, 0, 1].into(),
        status: 204,
        error: None,
    };
    let written = record.clone();
    let tags = Tags { account: HOME, arn: "new".to_owned(), values: Default::default() };
    store.write(move |tx| tx.put(&tags).and_then(|()| tx.append_audit(&written))).await.unwrap();
    assert_eq!(store.audit(Default::default(), None, 10).await.unwrap().records, [record]);
    assert_eq!(store.revision(), manifest.revision + 1);
}

#[tokio::test]
async fn a_backup_of_a_later_schema_is_refused_by_its_version_and_nothing_is_changed() {
    let foreign = Foreign::of_a_later_schema(7);
    assert_eq!(foreign.backup().schema, 7);
    let here = foreign.path("here");
    let store = open(&here);
    store.close().await;
    drop(store);
    let state = || (names(&here), fs::read(here.join("trunkline.db")).unwrap());
    let before = state();

    for to in [&here, &foreign.path("nowhere")] {
        let refused = foreign.restore(&foreign.path("backup"), to).unwrap_err();
        let expected = StoreError::SchemaTooNew { found: 7, known: 3 };
        assert_eq!(refused.to_string(), expected.to_string());
        assert!(matches!(refused, RestoreError::Store(StoreError::SchemaTooNew { .. })));
    }

    assert_eq!(state(), before);
    assert!(!foreign.path("nowhere").exists());
}
