//! All or nothing, one after the other, and reads beside them.

use std::sync::Arc;
use std::sync::mpsc;

use model::Tags;
use store::{Page, StoreError, TypedTx, TypedView, View, WriteError};
use tokio::task::JoinSet;

use crate::support::*;

#[derive(Debug, PartialEq)]
struct No;

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        panic!("the store failed: {error}");
    }
}

pub(crate) async fn a_refused_closure_changes_nothing(store: Fixture) {
    store.write(|tx| tx.put(&tags(HOME, "old", 1))).await.unwrap();
    let before = store.revision();

    let refused = store
        .write(|tx| {
            tx.put(&tags(HOME, "new", 1))?;
            tx.put(&tags(HOME, "old", 2))?;
            tx.delete::<Tags>(&HOME, "old")?;
            Err::<(), _>(No)
        })
        .await;

    assert!(matches!(refused, Err(WriteError::Refused(No))));
    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    assert_eq!(listed.items, [tags(HOME, "old", 1)]);
    assert_eq!(store.revision(), before);
}

pub(crate) async fn a_refused_closure_undoes_nobody_elses_work(store: Fixture) {
    let store = Arc::new(store);
    // While the writer waits inside the first one, the others gather and become one group.
    let (go, wait) = mpsc::channel::<()>();
    let mut writes = JoinSet::new();
    let gate = store.clone();
    writes.spawn(async move {
        gate.write(move |tx| {
            wait.recv().expect("the test sends before it ends");
            tx.put(&tags(HOME, "first", 0)).map_err(No::from)
        })
        .await
    });
    for at in 0..20_u64 {
        let store = store.clone();
        writes.spawn(async move {
            store
                .write(move |tx| {
                    tx.put(&tags(HOME, &format!("key-{at:02}"), at))?;
                    if at % 3 == 0 { Err(No) } else { Ok(()) }
                })
                .await
        });
    }
    go.send(()).unwrap();
    let refused = writes.join_all().await.into_iter().filter(Result::is_err).count();

    assert_eq!(refused, 7);
    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    let kept: Vec<u64> = listed.items.iter().skip(1).map(value).collect();
    assert_eq!(kept, (0..20).filter(|at| at % 3 != 0).collect::<Vec<_>>());
    assert_eq!(store.revision(), 14, "what was refused took no revision");
}

pub(crate) async fn a_closure_sees_its_own_changes(store: Fixture) {
    store
        .write(|tx| {
            let before = tx.revision()?;
            tx.put(&tags(HOME, "a", 1))?;
            tx.put(&tags(HOME, "b", 1))?;
            tx.delete::<Tags>(&HOME, "a")?;
            assert_eq!(tx.get::<Tags>(&HOME, "a")?, None);
            assert_eq!(tx.list::<Tags>(&HOME, Page::WHOLE)?.items, [tags(HOME, "b", 1)]);
            assert_eq!(tx.revision()?, before + 3);
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

pub(crate) async fn a_panic_is_undone_and_goes_on_at_the_caller(store: Fixture) {
    let store = Arc::new(store);
    let writer = store.clone();
    let panicked = tokio::spawn(async move {
        writer
            .write(|tx| {
                tx.put(&tags(HOME, "key", 1))?;
                if tx.revision()? > 0 {
                    panic!("on purpose");
                }
                Ok::<_, StoreError>(())
            })
            .await
    })
    .await;

    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(store.read(|view| view.get::<Tags>(&HOME, "key")).await.unwrap(), None);
    store.write(|tx| tx.put(&tags(HOME, "key", 2))).await.unwrap();
    assert_eq!(store.revision(), 1);
}

pub(crate) async fn a_write_whose_caller_left_before_its_turn_is_not_begun(store: Fixture) {
    let store = Arc::new(store);
    let (go, wait) = mpsc::channel::<()>();
    let (began, running) = tokio::sync::oneshot::channel();
    let gate = store.clone();
    let first = tokio::spawn(async move {
        gate.write(move |tx| {
            began.send(()).expect("the test waits for this");
            wait.recv().expect("the test sends before it ends");
            tx.put(&tags(HOME, "first", 0))
        })
        .await
    });
    running.await.unwrap();

    let mut left = Box::pin(store.write(|tx| tx.put(&tags(HOME, "left", 0))));
    // Polled once, the write is in the queue.
    std::future::poll_fn(|cx| {
        assert!(left.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(left);
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    store.write(|tx| tx.put(&tags(HOME, "last", 0))).await.unwrap();

    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    let keys: Vec<_> = listed.items.iter().map(|it| it.arn.as_str()).collect();
    assert_eq!(keys, ["first", "last"]);
}

pub(crate) async fn concurrent_increments_are_all_counted(store: Fixture) {
    let store = Arc::new(store);
    store.write(|tx| tx.put(&tags(HOME, "sum", 0))).await.unwrap();
    let mut writes = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        writes.spawn(async move {
            store
                .write(|tx| {
                    let sum = tx.get::<Tags>(&HOME, "sum")?.expect("it was put first");
                    tx.put(&tags(HOME, "sum", value(&sum) + 1))
                })
                .await
        });
    }
    writes.join_all().await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();

    let sum = store.read(|view| view.get::<Tags>(&HOME, "sum")).await.unwrap();
    assert_eq!(sum.as_ref().map(value), Some(100));
}

pub(crate) async fn a_read_sees_one_state_throughout(store: Fixture) {
    fn put_pair(tx: &mut dyn store::Tx, at: u64) -> Result<(), StoreError> {
        tx.put(&tags(HOME, "left", at))?;
        tx.put(&tags(HOME, "right", at))
    }
    let store = Arc::new(store);
    store.write(|tx| put_pair(tx, 0)).await.unwrap();
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for at in 1..100 {
            writer.write(move |tx| put_pair(tx, at)).await.unwrap();
        }
    });
    let get = |view: &dyn View, key| {
        view.get::<Tags>(&HOME, key).map(|it| value(&it.expect("the pair was put first")))
    };
    while !writing.is_finished() {
        let pair = move |view: &dyn View| Ok((get(view, "left")?, get(view, "right")?));
        for (left, right) in [store.read(pair).await.unwrap(), store.read_long(pair).await.unwrap()]
        {
            assert_eq!(left, right);
        }
    }
    writing.await.unwrap();
}

pub(crate) async fn a_read_sees_every_write_that_was_answered(store: Fixture) {
    for at in 1..=50 {
        store.write(move |tx| tx.put(&tags(HOME, "key", at))).await.unwrap();
        let get = |view: &dyn View| Ok((view.get::<Tags>(&HOME, "key")?, view.revision()?));
        for (found, revision) in
            [store.read(get).await.unwrap(), store.read_long(get).await.unwrap()]
        {
            assert_eq!((found.as_ref().map(value), revision), (Some(at), at));
        }
    }
}

pub(crate) async fn a_panicking_read_spoils_nothing(store: Fixture) {
    let store = Arc::new(store);
    for _ in 0..5 {
        let (short, long) = (store.clone(), store.clone());
        let short =
            tokio::spawn(async move { short.read::<()>(|_| panic!("on purpose")).await }).await;
        let long =
            tokio::spawn(async move { long.read_long::<()>(|_| panic!("on purpose")).await }).await;
        assert!(short.unwrap_err().is_panic() && long.unwrap_err().is_panic());
    }
    store.write(|tx| tx.put(&tags(HOME, "key", 1))).await.unwrap();
    for found in [
        store.read(|view| view.get::<Tags>(&HOME, "key")).await,
        store.read_long(|view| view.get::<Tags>(&HOME, "key")).await,
    ] {
        assert!(found.unwrap().is_some());
    }
}

pub(crate) async fn a_read_that_takes_long_holds_up_no_other(store: Fixture) {
    let store = Arc::new(store);
    let (done, wait) = mpsc::channel::<()>();
    let (began, running) = tokio::sync::oneshot::channel();
    let stalled = store.clone();
    let long = std::thread::spawn(move || {
        stalled.read_blocking(|_| {
            began.send(()).expect("the test waits for this");
            wait.recv().expect("the test sends before it ends");
            Ok(())
        })
    });
    running.await.unwrap();

    store.write(|tx| tx.put(&tags(HOME, "key", 1))).await.unwrap();
    let found = store.read(|view| view.get::<Tags>(&HOME, "key")).await.unwrap();

    assert!(found.is_some());
    done.send(()).unwrap();
    long.join().unwrap().unwrap();
}

pub(crate) async fn a_transaction_that_reads_only_announces_nothing(store: Fixture) {
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());

    store.write(|tx| tx.get::<Tags>(&HOME, "key").map(drop)).await.unwrap();
    store.write(|tx| tx.delete::<Tags>(&HOME, "key").map(drop)).await.unwrap();

    assert_eq!((heard.keys().len(), store.revision()), (0, 0));
}
