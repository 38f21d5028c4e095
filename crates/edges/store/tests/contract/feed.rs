//! Revisions, observers and the stored feed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::{Kind, PhoneNumber, SipUser, Tags};
use store::{
    Action, Committed, Feed, FeedEntry, Observer, Page, Range, Snapshot, StoreError, TypedTx,
    TypedView,
};
use tokio::task::JoinSet;

use crate::support::*;

pub(crate) async fn each_change_takes_the_next_revision(store: Fixture) {
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());

    store
        .write(|tx| {
            tx.put(&tags(HOME, "a", 1))?;
            tx.put(&tags(HOME, "a", 2))?;
            tx.delete::<Tags>(&HOME, "absent")?;
            tx.delete::<Tags>(&HOME, "a").map(drop)
        })
        .await
        .unwrap();
    let store = store.reopen();
    store.subscribe(heard.clone());
    store.write(|tx| tx.put(&tags(HOME, "b", 1))).await.unwrap();

    let expected = [(1, "a"), (2, "a"), (3, "a"), (4, "b")].map(|(at, key)| (at, key.to_owned()));
    assert_eq!(*heard.0.lock().unwrap(), expected);
    assert_eq!(store.revision(), 4);
}

pub(crate) async fn an_observer_hears_before_the_writer(store: Fixture) {
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());
    let store = Arc::new(store);
    let mut writes = JoinSet::new();
    for at in 0..50 {
        let (store, heard) = (store.clone(), heard.clone());
        writes.spawn(async move {
            let key = format!("key-{at}");
            let put = tags(HOME, &key, at);
            store.write(move |tx| tx.put(&put)).await.unwrap();
            assert!(heard.keys().contains(&key));
        });
    }
    writes.join_all().await;
}

pub(crate) async fn what_was_refused_is_not_announced(store: Fixture) {
    let heard = Arc::new(Heard::default());
    store.subscribe(heard.clone());

    for at in 0..4_u64 {
        let put = move |tx: &mut dyn store::Tx| {
            tx.put(&tags(HOME, &format!("key-{at}"), at)).expect("the disk works");
            if at % 2 == 0 { Ok(()) } else { Err("no") }
        };
        drop(store.write(put).await);
    }

    assert_eq!(heard.keys(), ["key-0", "key-2"]);
}

/// Folds changes into what the store says there is.
struct Projection(Mutex<BTreeMap<String, u64>>);

impl Observer for Projection {
    fn committed(&self, committed: &Committed) {
        let mut state = self.0.lock().unwrap();
        for change in &committed.changes {
            match change.decode::<Tags>() {
                Some(tags) => state.insert(change.key.clone(), value(&tags)),
                None => state.remove(&change.key),
            };
        }
    }
}

pub(crate) async fn a_projection_misses_nothing_and_hears_nothing_twice(store: Fixture) {
    let store = Arc::new(store);
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for at in 0..200_u64 {
            let key = format!("key-{}", at % 7);
            writer
                .write(move |tx| {
                    if at % 5 == 4 {
                        tx.delete::<Tags>(&HOME, &key).map(drop)
                    } else {
                        tx.put(&tags(HOME, &key, at))
                    }
                })
                .await
                .unwrap();
        }
    });
    let mut projections = Vec::new();
    while !writing.is_finished() && projections.len() < 20 {
        let load = |view: &Snapshot<'_>| {
            let mut state = BTreeMap::new();
            view.all::<Tags>(|it| state.extend([(it.arn.clone(), value(&it))]))?;
            Ok(Arc::new(Projection(Mutex::new(state))))
        };
        projections.push(store.project(load).await.unwrap());
    }
    writing.await.unwrap();

    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    let expected: BTreeMap<_, _> =
        listed.items.iter().map(|it| (it.arn.clone(), value(it))).collect();
    for projection in projections {
        assert_eq!(*projection.0.lock().unwrap(), expected);
    }
}

/// What a projection keeps that only counts.
struct Seen;

impl Observer for Seen {
    fn committed(&self, _: &Committed) {}
}

pub(crate) async fn two_threads_visit_every_row_of_a_snapshot_from_both_ends(store: Fixture) {
    let owner = |at: u64| (!at.is_multiple_of(3)).then(|| account(&format!("{:012}", at % 5)));
    for count in [0, 1, 3000] {
        store
            .write(move |tx| (0..count).try_for_each(|at| tx.put(&number(at, owner(at)))))
            .await
            .unwrap();
        store
            .write(move |tx| {
                (0..count / 10)
                    .try_for_each(|at| tx.put(&user(&connector('a'), &format!("u{at}"), "pw")))
            })
            .await
            .unwrap();
        let load = move |snapshot: &Snapshot<'_>| {
            for (kind, range) in [
                (Kind::PhoneNumber, Range::All),
                (Kind::PhoneNumber, Range::Owned),
                (Kind::SipUser, Range::All),
            ] {
                let [mut first, mut last] = [Vec::new(), Vec::new()];
                snapshot.from_both_ends(
                    kind,
                    range,
                    [
                        &mut |row| {
                            first.push((row.account, row.parent.to_owned(), row.key.to_owned()));
                            Ok(())
                        },
                        &mut |row| {
                            if row.key.starts_with('+') {
                                assert_eq!(
                                    row.decode::<PhoneNumber>()?.number.to_string(),
                                    row.key
                                );
                            } else {
                                assert!(
                                    row.key.ends_with(row.decode::<SipUser>()?.username.as_str())
                                );
                            }
                            last.push((row.account, row.parent.to_owned(), row.key.to_owned()));
                            Ok(())
                        },
                    ],
                )?;
                let mut expected = Vec::new();
                snapshot.scan_raw(kind, range, &mut |row| {
                    expected.push((row.account, row.parent, row.key));
                    Ok(std::ops::ControlFlow::Continue(()))
                })?;
                assert!(
                    first.len() + last.len() <= expected.len() + 2 * 1024,
                    "they part where they meet"
                );
                first.extend(last);
                first.sort();
                first.dedup();
                expected.sort();
                assert_eq!(first, expected);
            }
            Ok(Arc::new(Seen))
        };
        store.project(load).await.unwrap();
    }
}

pub(crate) async fn what_one_of_two_threads_meets_is_told(store: Fixture) {
    store.write(|tx| (0..2000).try_for_each(|at| tx.put(&number(at, None)))).await.unwrap();
    let load = |snapshot: &Snapshot<'_>| {
        let refused = || StoreError::Corrupt { detail: "on purpose".into() };
        for at in [0, 1] {
            let mut visits = [0_u32, 0].map(|_| |_: store::RowRef<'_>| Ok(()));
            let [first, last] = &mut visits;
            let mut failing = |_: store::RowRef<'_>| Err(refused());
            let both: [store::Visit<'_>; 2] =
                if at == 0 { [&mut failing, last] } else { [first, &mut failing] };
            let met = snapshot.from_both_ends(Kind::PhoneNumber, Range::All, both);
            assert!(matches!(met, Err(StoreError::Corrupt { .. })), "{met:?}");
        }
        Ok(Arc::new(Seen))
    };
    store.project(load).await.unwrap();
}

pub(crate) async fn the_feed_tells_what_came_after_a_revision(store: Fixture) {
    store
        .write(|tx| {
            tx.put(&tags(HOME, "a", 1))?;
            tx.put(&user(&connector('a'), "ann", "secret"))?;
            tx.delete::<Tags>(&HOME, "a")?;
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    let entry = |revision, kind, key: &str, action| FeedEntry {
        revision,
        kind,
        account: HOME,
        key: key.into(),
        action,
    };
    let expected = [
        entry(1, Kind::Tags, "a", Action::Put),
        entry(2, Kind::SipUser, "aaaaaaaaaaaaaaaaaaaaaa/ann", Action::Put),
        entry(3, Kind::Tags, "a", Action::Delete),
    ];
    for after in 0..4 {
        for limit in 0..4 {
            let feed = store.read(move |view| view.changes(after, limit)).await.unwrap();
            let after = usize::try_from(after).unwrap();
            let part = expected[after..].iter().take(limit).cloned().collect();
            assert_eq!(feed, Feed::Entries(part), "after {after}, limit {limit}");
        }
    }
}

pub(crate) async fn the_feed_says_when_it_was_trimmed(store: Fixture) {
    // The fixture keeps at least 100 changes, and trims 256 at a time.
    for round in 0..6_u64 {
        store
            .write(move |tx| {
                (0..100).try_for_each(|at| tx.put(&tags(HOME, "key", round * 100 + at)))
            })
            .await
            .unwrap();
    }

    let told = store
        .read(|view| Ok((view.changes(0, 9)?, view.changes(500, 1000)?, view.revision()?)))
        .await
        .unwrap();

    let (Feed::Trimmed { oldest }, Feed::Entries(kept), 600) = told else { panic!("{told:?}") };
    assert!(oldest > 1 && oldest <= 501, "{oldest}");
    assert_eq!(kept.iter().map(|it| it.revision).collect::<Vec<_>>(), Vec::from_iter(501..=600));
    let from_oldest = store.read(move |view| view.changes(oldest - 1, 1)).await.unwrap();
    assert!(matches!(from_oldest, Feed::Entries(it) if it[0].revision == oldest));
}
