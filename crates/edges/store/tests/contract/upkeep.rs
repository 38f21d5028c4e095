//! Closing, rotation and backup.

use std::sync::Arc;

use model::{SipUser, Tags};
use store::backup::{Occupied, Plan, Progress, restore};
use store::seal::Resumed;
use store::{BackupError, Page, Store, StoreError, TypedTx, TypedView, View, WriteError};

use crate::support::*;

pub(crate) async fn a_closed_store_refuses_and_a_reopened_one_has_everything(store: Fixture) {
    store.write(|tx| tx.put(&tags(HOME, "key", 1))).await.unwrap();
    store.append_records(vec![record(1, 1)]).await.unwrap();

    store.close().await;
    store.close().await;

    let written = store.write(|tx| tx.put(&tags(HOME, "key", 2))).await;
    assert!(matches!(written, Err(WriteError::Store(StoreError::Closed))), "{written:?}");
    let get = |view: &dyn View| view.get::<Tags>(&HOME, "key");
    for read in [store.read(get).await, store.read_long(get).await, store.read_blocking(get)] {
        assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    }
    let store = store.reopen();
    assert_eq!(store.read(get).await.unwrap().as_ref().map(value), Some(1));
    assert_eq!(store.revision(), 1);
    assert!(store.record("in-1").await.unwrap().is_some());
}

pub(crate) async fn what_is_queued_at_closing_is_still_done(store: Fixture) {
    let writes: Vec<_> = (0..50)
        .map(|at| {
            let store = Store::clone(&store);
            let put = tags(HOME, &format!("{at}"), at);
            let mut write = Box::pin(async move { store.write(move |tx| tx.put(&put)).await });
            async move {
                // Queued in the first poll; answered later.
                let first =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(write.as_mut().poll(cx)))
                        .await;
                (first, write)
            }
        })
        .collect();
    let mut queued = Vec::new();
    for write in writes {
        queued.push(write.await);
    }
    store.close().await;
    for (first, write) in queued {
        match first {
            std::task::Poll::Ready(done) => done.unwrap(),
            std::task::Poll::Pending => write.await.unwrap(),
        }
    }

    let store = store.reopen();
    let count = store.read(|view| view.count::<Tags>(&HOME, 99)).await.unwrap();
    assert_eq!(count, 50);
}

async fn put_users(store: &Store, count: usize) {
    store
        .write(move |tx| {
            (0..count).try_for_each(|at| tx.put(&user(&connector('a'), &format!("u{at:04}"), "pw")))
        })
        .await
        .unwrap();
}

async fn users(store: &Store) -> Vec<SipUser> {
    store.read_long(|view| Ok(view.list(&HOME, Page::WHOLE)?.items)).await.unwrap()
}

pub(crate) async fn rotation_seals_everything_anew_and_announces_nothing(store: Fixture) {
    // More than one slice of the walk, and other kinds beside it.
    put_users(&store, 600).await;
    store.write(|tx| tx.put(&tags(HOME, "clear", 1))).await.unwrap();
    let (before, revision) = (users(&store).await, store.revision());
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());

    let first = store.rotate().await.unwrap();
    let second = store.rotate().await.unwrap();

    assert_eq!((first.resealed, second.resealed), (600, 600));
    assert_eq!((first.resumed, second.resumed), (Resumed::No, Resumed::No));
    assert_ne!(first.key, second.key);
    assert!(heard.keys().is_empty() && store.revision() == revision);
    let store = store.reopen();
    assert_eq!(users(&store).await, before);
}

pub(crate) async fn a_rotation_that_was_cut_short_is_finished(store: Fixture) {
    put_users(&store, 600).await;
    let before = users(&store).await;

    // Polled until the first slice is under way, then left.
    let mut rotation = Box::pin(store.rotate());
    tokio::select! {
        biased;
        done = &mut rotation => panic!("three slices in one turn: {done:?}"),
        () = tokio::task::yield_now() => {}
    }
    drop(rotation);
    // The new key is in use from here on, if the rotation came so far: what is put now has it.
    store.write(|tx| tx.put(&user(&connector('b'), "late", "pw"))).await.unwrap();
    let store = store.reopen();
    assert_eq!(users(&store).await.len(), before.len() + 1);

    let finished = store.rotate().await.unwrap();

    assert_eq!(finished.resumed, Resumed::Yes);
    assert!(finished.resealed > 0, "{finished:?}");
    assert_eq!(users(&store).await[..600], before);
    assert_eq!(store.rotate().await.unwrap().resumed, Resumed::No);
}

pub(crate) async fn a_backup_is_consistent_while_writing_goes_on(store: Fixture) {
    let store = Arc::new(store);
    put_users(&store, 100).await;
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for at in 0..100 {
            writer
                .write(move |tx| {
                    tx.put(&tags(HOME, "left", at))?;
                    tx.put(&tags(HOME, "right", at))
                })
                .await
                .unwrap();
        }
    });
    let mut copies = Vec::new();
    while !writing.is_finished() && copies.len() < 5 {
        let path = store.path(&format!("backup-{}", copies.len()));
        store.backup(path.clone(), Progress::default()).await.unwrap();
        copies.push(path);
    }
    writing.await.unwrap();

    for path in copies {
        let database = path.with_extension("restored");
        let config = store.config_at(database.clone());
        let plan = Plan {
            backup: &path,
            database: &database,
            seal_key: config.keyring.path(),
            seal_key_kept: None,
            occupied: Occupied::Refuse,
        };
        restore(&plan, &Progress::default()).unwrap();
        let copy = Store::open(config).unwrap();
        assert_eq!(users(&copy).await, users(&store).await);
        let (pair, revision) = copy
            .read(|view| Ok((view.list::<Tags>(&HOME, Page::WHOLE)?.items, view.revision()?)))
            .await
            .unwrap();
        if let [left, right] = &pair[..] {
            assert_eq!(value(left), value(right));
            assert_eq!(revision, 100 + 2 * (value(left) + 1));
        } else {
            assert_eq!((pair.len(), revision), (0, 100));
        }
    }
}

pub(crate) async fn a_backup_never_overwrites(store: Fixture) {
    let path = store.path("backup.db");
    std::fs::write(&path, "precious").unwrap();

    let refused = store.backup(path.clone(), Progress::default()).await;

    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}
