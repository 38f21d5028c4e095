//! Faults of the database, injected beneath the store: typed, without effect, and passing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::{AccountId, DigestKeys, Secret, SipUser, Tags, Username, VoiceConnectorId};

use super::fault::Sorted as _;
use crate::{
    Committed, Fault, Keyring, Observer, Page, SealError, Store, StoreConfig, StoreError, TypedTx,
    TypedView, WriteError,
};

const HOME: AccountId = AccountId::DEFAULT;

fn fixture() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
    let config = StoreConfig {
        log_bytes: 64 * 1024,
        ..StoreConfig::new(dir.path().join("trunkline.db"), keyring)
    };
    let store = Store::open(config).unwrap();
    (dir, store)
}

/// Runs SQL on the writer's own connection.
async fn inject(store: &Store, sql: &'static str) {
    store
        .database()
        .writer()
        .alone(move |writer| writer.connection()?.execute_batch(sql).sorted())
        .await
        .unwrap();
}

fn tags(key: &str, bytes: usize) -> Tags {
    let values = [("filling".to_owned(), "x".repeat(bytes))].into();
    Tags { account: HOME, arn: key.into(), values }
}

async fn keys(store: &Store) -> Vec<String> {
    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    listed.items.into_iter().map(|it| it.arn).collect()
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Observer for Count {
    fn committed(&self, committed: &Committed) {
        self.0.fetch_add(committed.changes.len(), Ordering::Relaxed);
    }
}

/// A write of several changes meets `fault`, changes nothing, and the same write succeeds after.
async fn meets(fault: Fault, begin: &'static str, end: &'static str) {
    let (_dir, store) = fixture();
    let count = Arc::new(Count::default());
    store.subscribe(count.clone());
    store.write(|tx| tx.put(&tags("before", 10))).await.unwrap();
    let several = |tx: &mut dyn crate::Tx| {
        tx.put(&tags("before", 20))?;
        tx.put(&tags("small", 10))?;
        tx.put(&tags("large", 100_000))
    };

    inject(&store, begin).await;
    for _ in 0..3 {
        let failed = store.write(several).await;
        assert!(
            matches!(failed, Err(WriteError::Store(StoreError::Unavailable { fault: it, .. })) if it == fault),
            "{failed:?}"
        );
    }
    assert_eq!(keys(&store).await, ["before"]);
    assert_eq!((store.revision(), count.0.load(Ordering::Relaxed)), (1, 1));

    inject(&store, end).await;
    store.write(several).await.unwrap();
    assert_eq!(keys(&store).await, ["before", "large", "small"]);
    assert_eq!((store.revision(), count.0.load(Ordering::Relaxed)), (4, 4));
}

#[tokio::test]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    // The least it can be set to is what the database has now.
    meets(Fault::DiskFull, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000").await;
}

#[tokio::test]
async fn a_read_only_database_is_unavailable_until_it_can_be_written() {
    meets(Fault::ReadOnly, "PRAGMA query_only = 1", "PRAGMA query_only = 0").await;
}

#[tokio::test]
async fn a_lock_of_another_program_is_unavailable_until_it_is_gone() {
    let (dir, store) = fixture();
    inject(&store, "PRAGMA busy_timeout = 1").await;
    let other = rusqlite::Connection::open(dir.path().join("trunkline.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let failed = store.write(|tx| tx.put(&tags("key", 1))).await;
    assert!(
        matches!(
            failed,
            Err(WriteError::Store(StoreError::Unavailable { fault: Fault::Busy, .. }))
        ),
        "{failed:?}"
    );
    assert!(keys(&store).await.is_empty(), "reads go on");

    other.execute_batch("ROLLBACK").unwrap();
    store.write(|tx| tx.put(&tags("key", 1))).await.unwrap();
}

#[tokio::test]
async fn a_closure_that_closes_its_eyes_to_a_failure_fails_all_the_same() {
    let (_dir, store) = fixture();
    inject(&store, "PRAGMA max_page_count = 1").await;

    let answered: Result<(), WriteError<StoreError>> = store
        .write(|tx| {
            tx.put(&tags("small", 1))?;
            drop(tx.put(&tags("large", 100_000)));
            Ok(())
        })
        .await;

    assert!(matches!(answered, Err(WriteError::Store(_))), "{answered:?}");
    assert!(keys(&store).await.is_empty());
}

#[tokio::test]
async fn a_group_whose_commit_fails_fails_for_everybody_in_it() {
    let (_dir, store) = fixture();
    // Checked at COMMIT only: the one way to have SQLite refuse there.
    inject(
        &store,
        "PRAGMA foreign_keys = 1; CREATE TABLE a (id INTEGER PRIMARY KEY);
         CREATE TABLE b (a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER late AFTER INSERT ON resource BEGIN INSERT INTO b VALUES (9); END",
    )
    .await;

    let (kept, refused) = tokio::join!(
        store.write(|tx| tx.put(&tags("key", 1))),
        store.write(|tx| if tx.get::<Tags>(&HOME, "key")?.is_some() {
            Err(StoreError::Closed)
        } else {
            Ok(())
        })
    );

    assert!(matches!(kept, Err(WriteError::Store(_))), "{kept:?}");
    // It had been refused for a row that, in the end, never was.
    assert!(!matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    inject(&store, "DROP TRIGGER late").await;
    store.write(|tx| tx.put(&tags("key", 1))).await.unwrap();
    assert_eq!((keys(&store).await, store.revision()), (vec!["key".to_owned()], 1));
}

#[tokio::test]
async fn a_transaction_that_sqlite_itself_gave_up_fails_the_group_and_no_more() {
    let (_dir, store) = fixture();
    let (job, answer) = crate::job::task(|tx| {
        tx.put(&tags("key", 1))?;
        tx.rows.conn.execute_batch("ROLLBACK").sorted()
    });
    store.database().writer().submit(job).await.unwrap();

    let failed = answer.wait().await;

    assert!(matches!(failed, Err(WriteError::Store(StoreError::Unavailable { .. }))), "{failed:?}");
    assert_eq!((keys(&store).await.len(), store.revision()), (0, 0));
    store.write(|tx| tx.put(&tags("key", 1))).await.unwrap();
}

#[tokio::test]
async fn a_damaged_document_is_named_and_spoils_no_other() {
    let (_dir, store) = fixture();
    store.write(|tx| ["a", "b"].iter().try_for_each(|key| tx.put(&tags(key, 1)))).await.unwrap();
    inject(&store, "UPDATE resource SET document = x'7b00' WHERE key = 'a'").await;

    let damaged = store.read(|view| view.get::<Tags>(&HOME, "a")).await.unwrap_err();
    let other = store.read(|view| view.get::<Tags>(&HOME, "b")).await.unwrap();

    assert!(matches!(damaged, StoreError::Corrupt { .. }), "{damaged:?}");
    assert!(damaged.to_string().contains("tags/000000000000/a"), "{damaged}");
    assert_eq!(other, Some(tags("b", 1)));
    // A put heals it: nothing is read for that.
    store.write(|tx| tx.put(&tags("a", 2))).await.unwrap();
    assert_eq!(keys(&store).await, ["a", "b"]);
}

#[tokio::test]
async fn a_sealed_row_that_was_moved_or_claims_another_key_does_not_open() {
    let (_dir, store) = fixture();
    let user = SipUser {
        account: HOME,
        connector: VoiceConnectorId::parse(&"c".repeat(22)).unwrap(),
        username: Username::parse("ann").unwrap(),
        keys: DigestKeys::derive("ann", "realm", Secret::new("correct horse".into())),
    };
    let key = model::Resource::key(&user);
    store.write(move |tx| tx.put(&user)).await.unwrap();
    let get = |key: &str| {
        let key = key.to_owned();
        store.read(move |view| view.get::<SipUser>(&HOME, &key))
    };

    inject(&store, "UPDATE resource SET key = 'elsewhere' WHERE seal != 0").await;
    let moved = get("elsewhere").await.unwrap_err();
    assert!(matches!(moved, StoreError::Seal(SealError::Forged { .. })), "{moved:?}");
    assert!(moved.to_string().contains("sip_user/000000000000/elsewhere"), "{moved}");
    assert_eq!(get(&key).await.unwrap(), None);

    inject(&store, "UPDATE resource SET seal = 305419896 WHERE seal != 0").await;
    let unknown = get("elsewhere").await.unwrap_err();
    assert!(matches!(unknown, StoreError::Seal(SealError::UnknownKey { .. })), "{unknown:?}");
    assert!(unknown.to_string().contains("12345678"), "{unknown}");
}

#[tokio::test]
async fn a_connection_that_was_given_up_is_opened_anew() {
    let (_dir, store) = fixture();
    store
        .database()
        .writer()
        .alone(|writer| {
            writer.give_up();
            Ok(())
        })
        .await
        .unwrap();

    store.write(|tx| tx.put(&tags("key", 1))).await.unwrap();

    assert_eq!(keys(&store).await, ["key"]);
}

#[tokio::test]
async fn the_log_begins_anew_under_steady_writing() {
    let (dir, store) = fixture();
    for at in 0..600 {
        store.write(move |tx| tx.put(&tags(&format!("{:03}", at % 50), 500))).await.unwrap();
        let moving = |writer: &mut super::writer::Writer| Ok(writer.checkpointer.is_moving());
        // Otherwise the disk decides how long the log is, and with it this test.
        while store.database().writer().alone(moving).await.unwrap() {}
    }

    let log = std::fs::metadata(dir.path().join("trunkline.db-wal")).unwrap().len();
    // 600 commits of two pages or more are 5 MB; the schema alone has 150 KB.
    assert!(log <= 200 * 1024, "{log} bytes");
}

#[tokio::test]
async fn a_data_directory_that_is_lost_takes_no_write_until_it_is_back() {
    let (dir, store) = fixture();
    store.write(|tx| tx.put(&tags("before", 1))).await.unwrap();
    let (path, elsewhere) = (dir.path().join("trunkline.db"), dir.path().join("elsewhere"));
    let put = || store.write(|tx| tx.put(&tags("after", 1)));
    let refused = |failed: Result<(), WriteError<StoreError>>| {
        let Err(WriteError::Store(StoreError::Unavailable { fault: Fault::Io, detail })) = failed
        else {
            panic!("it would be lost: {failed:?}")
        };
        assert!(detail.contains("trunkline.db"), "{detail}");
    };

    std::fs::rename(&path, &elsewhere).unwrap();
    refused(put().await);
    std::fs::write(&path, "some other file").unwrap();
    refused(put().await);
    assert_eq!(keys(&store).await, ["before"], "what is known can still be read");
    std::fs::rename(&elsewhere, &path).unwrap();

    put().await.unwrap();
    assert_eq!((keys(&store).await, store.revision()), (vec!["after".into(), "before".into()], 2));
}

#[tokio::test]
async fn a_log_that_cannot_be_moved_grows_and_is_moved_once_it_can_be() {
    let (dir, store) = fixture();
    let log = || std::fs::metadata(dir.path().join("trunkline.db-wal")).unwrap().len();
    let write = async |count: usize| {
        for at in 0..count {
            store.write(move |tx| tx.put(&tags(&format!("{:02}", at % 20), 500))).await.unwrap();
            let moving = |writer: &mut super::writer::Writer| Ok(writer.checkpointer.is_moving());
            while store.database().writer().alone(moving).await.unwrap() {}
        }
    };
    write(50).await;
    let short = log();
    // Whoever reads an old state keeps the log from beginning anew.
    let other = rusqlite::Connection::open(dir.path().join("trunkline.db")).unwrap();
    other.execute_batch("BEGIN").unwrap();
    other.query_row("SELECT count(*) FROM resource", [], |row| row.get::<_, u64>(0)).unwrap();

    write(150).await;
    let long = log();
    assert!(long > short * 2, "{short} to {long} bytes");
    other.execute_batch("COMMIT").unwrap();
    write(20).await;
    let rested = log();
    write(150).await;

    assert_eq!(log(), rested, "it is written over, not added to");
    assert_eq!(store.revision(), 370);
}

#[tokio::test]
async fn a_clock_that_goes_back_deletes_no_record_and_stops_no_write() {
    let (_dir, store) = fixture();
    let now = model::UnixMillis(1_795_428_672_345);
    assert_eq!(store.trim_records(now).await.unwrap(), 0);
    assert_eq!(store.trim_records(model::UnixMillis(0)).await.unwrap(), 0);
    assert_eq!(store.trim_records(model::UnixMillis(now.0 - 3_600_000)).await.unwrap(), 0);
    store.write(|tx| tx.put(&tags("key", 1))).await.unwrap();
}
