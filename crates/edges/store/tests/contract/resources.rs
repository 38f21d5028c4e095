//! Putting, getting, listing.

use model::{PhoneNumber, SipUser, Tags};
use store::{Page, Range, StoreError, TypedTx, TypedView, View};

use crate::support::*;

pub(crate) async fn a_put_is_read_back_by_its_key(store: Fixture) {
    let put = tags(HOME, "key", 1);
    let copy = put.clone();
    store.write(move |tx| tx.put(&copy)).await.unwrap();

    let found = store.read(|view| view.get::<Tags>(&HOME, "key")).await.unwrap();
    assert_eq!(found, Some(put));
    let other = store.read(|view| view.get::<Tags>(&HOME, "other")).await.unwrap();
    assert_eq!(other, None);
}

pub(crate) async fn a_put_replaces_what_had_its_key(store: Fixture) {
    for value in [1, 2] {
        store.write(move |tx| tx.put(&tags(HOME, "key", value))).await.unwrap();
    }

    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();
    assert_eq!(listed.items, [tags(HOME, "key", 2)]);
}

pub(crate) async fn a_put_can_move_a_resource_to_another_parent(store: Fixture) {
    let owners = [None, Some(account("000000000001")), Some(account("000000000002")), None];
    for owner in owners {
        store.write(move |tx| tx.put(&number(1, owner))).await.unwrap();

        for candidate in owners.into_iter().flatten() {
            let children = store
                .read(move |view| {
                    view.children::<PhoneNumber>(&HOME, candidate.as_str(), Page::WHOLE)
                })
                .await
                .unwrap();
            let expected = if owner == Some(candidate) { 1 } else { 0 };
            assert_eq!(children.items.len(), expected, "{candidate} of {owner:?}");
        }
    }
}

pub(crate) async fn a_deleted_resource_is_absent(store: Fixture) {
    store.write(|tx| tx.put(&tags(HOME, "key", 1))).await.unwrap();

    let first = store.write(|tx| tx.delete::<Tags>(&HOME, "key")).await.unwrap();
    let second = store.write(|tx| tx.delete::<Tags>(&HOME, "key")).await.unwrap();

    assert!(first && !second);
    assert_eq!(store.read(|view| view.get::<Tags>(&HOME, "key")).await.unwrap(), None);
    assert_eq!(store.read(|view| view.count::<Tags>(&HOME, 9)).await.unwrap(), 0);
}

pub(crate) async fn one_key_in_two_accounts_or_kinds_is_two_resources(store: Fixture) {
    let other = account("000000000001");
    let same_key = user(&connector('a'), "u", "secret");
    store
        .write(move |tx| {
            let key = model::Resource::key(&same_key);
            tx.put(&tags(HOME, &key, 1))?;
            tx.put(&tags(other, &key, 2))?;
            tx.put(&same_key)?;
            assert!(tx.delete::<Tags>(&HOME, &key)?);
            assert_eq!(tx.get::<Tags>(&other, &key)?, Some(tags(other, &key, 2)));
            assert_eq!(tx.get::<SipUser>(&HOME, &key)?, Some(same_key));
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

pub(crate) async fn pages_follow_each_other_by_key(store: Fixture) {
    let keys: Vec<String> = (0..10).map(|at| format!("key-{at}")).collect();
    let puts = keys.clone();
    store
        .write(move |tx| puts.iter().rev().try_for_each(|key| tx.put(&tags(HOME, key, 0))))
        .await
        .unwrap();

    for limit in 1..=11 {
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        let mut pages = 0;
        loop {
            let from = after.take();
            let page = store
                .read(move |view| view.list::<Tags>(&HOME, Page { after: from.as_deref(), limit }))
                .await
                .unwrap();
            assert!(!page.items.is_empty(), "no page is empty while there are items");
            seen.extend(page.items.into_iter().map(|it| it.arn));
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, keys, "limit {limit}");
        assert_eq!(pages, keys.len().div_ceil(limit), "limit {limit}");
    }
}

pub(crate) async fn a_page_begins_after_its_key_even_if_that_is_gone(store: Fixture) {
    store
        .write(|tx| ["a", "b", "c"].iter().try_for_each(|key| tx.put(&tags(HOME, key, 0))))
        .await
        .unwrap();
    store.write(|tx| tx.delete::<Tags>(&HOME, "b")).await.unwrap();

    let page = store.read(|view| view.list::<Tags>(&HOME, Page::after("b", 9))).await.unwrap();

    assert_eq!((page.items, page.next), (vec![tags(HOME, "c", 0)], None));
}

pub(crate) async fn children_are_those_of_one_parent(store: Fixture) {
    let names = |page: store::Listing<SipUser>| -> Vec<String> {
        page.items.into_iter().map(|it| it.username.to_string()).collect()
    };
    store
        .write(|tx| {
            for (letter, name) in [('a', "ann"), ('a', "bob"), ('a', "cat"), ('b', "ann")] {
                tx.put(&user(&connector(letter), name, "secret"))?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();

    let parent = connector('a').to_string();
    let first = {
        let parent = parent.clone();
        store.read(move |view| view.children::<SipUser>(&HOME, &parent, Page::first(2))).await
    };
    let first = first.unwrap();
    let next = first.next.clone().unwrap();
    let second = store
        .read(move |view| view.children::<SipUser>(&HOME, &parent, Page::after(&next, 2)))
        .await
        .unwrap();

    assert_eq!(second.next, None);
    assert_eq!(
        (names(first), names(second)),
        (vec!["ann".into(), "bob".into()], vec!["cat".to_owned()])
    );
}

pub(crate) async fn keys_are_ordered_byte_by_byte(store: Fixture) {
    let sorted = ["+1", "A", "B/1", "B/2", "B0", "a", "z", "é", "日本"];
    store
        .write(move |tx| sorted.iter().rev().try_for_each(|key| tx.put(&tags(HOME, key, 0))))
        .await
        .unwrap();

    let listed = store.read(|view| view.list::<Tags>(&HOME, Page::WHOLE)).await.unwrap();

    let keys: Vec<_> = listed.items.iter().map(|it| it.arn.as_str()).collect();
    assert_eq!(keys, sorted);
}

pub(crate) async fn all_visits_every_account(store: Fixture) {
    let accounts = [HOME, account("000000000007"), account("999999999999")];
    store
        .write(move |tx| accounts.iter().try_for_each(|it| tx.put(&tags(*it, "key", 0))))
        .await
        .unwrap();

    let seen = store
        .read_long(|view| {
            let mut seen = Vec::new();
            view.all::<Tags>(|it| seen.push(it.account))?;
            Ok(seen)
        })
        .await
        .unwrap();

    assert_eq!(seen, accounts);
}

pub(crate) async fn owned_visits_what_has_a_parent(store: Fixture) {
    store
        .write(|tx| (0..20).try_for_each(|at| tx.put(&number(at, (at % 5 == 0).then_some(HOME)))))
        .await
        .unwrap();

    let (all, owned) = store
        .read_blocking(|view| {
            let (mut all, mut owned) = (0, Vec::new());
            view.all::<PhoneNumber>(|_| all += 1)?;
            view.owned::<PhoneNumber>(|it| owned.push(it.number.digits() % 100))?;
            Ok((all, owned))
        })
        .unwrap();

    assert_eq!((all, owned), (20, vec![0, 5, 10, 15]));
}

pub(crate) async fn counting_stops_at_its_limit(store: Fixture) {
    store
        .write(|tx| (0..7).try_for_each(|at| tx.put(&number(at, (at < 3).then_some(HOME)))))
        .await
        .unwrap();

    let counts = |view: &dyn View| {
        let mine = Range::Children { account: &HOME, parent: HOME.as_str(), after: "" };
        let kind = model::Kind::PhoneNumber;
        Ok([
            view.count::<PhoneNumber>(&HOME, u64::MAX)?,
            view.count::<PhoneNumber>(&HOME, 5)?,
            view.count_raw(kind, mine, 9)?,
            view.count_raw(kind, Range::Owned, 2)?,
            view.count_raw(kind, Range::All, 9)?,
        ])
    };
    assert_eq!(store.read(counts).await.unwrap(), [7, 5, 3, 2, 7]);
}

pub(crate) async fn put_if_absent_leaves_what_is_there(store: Fixture) {
    let first = store.write(|tx| tx.put_if_absent(&tags(HOME, "key", 1))).await.unwrap();
    let second = store.write(|tx| tx.put_if_absent(&tags(HOME, "key", 2))).await.unwrap();

    assert!(first && !second);
    let found = store.read(|view| view.get::<Tags>(&HOME, "key")).await.unwrap();
    assert_eq!(found.as_ref().map(value), Some(1));
}

pub(crate) async fn secrets_read_back(store: Fixture) {
    let put = user(&connector('a'), "ann", "correct horse");
    let key = model::Resource::key(&put);
    let copy = put.clone();
    store.write(move |tx| tx.put(&copy)).await.unwrap();

    let store = store.reopen();

    let found = store.read(move |view| view.get::<SipUser>(&HOME, &key)).await.unwrap();
    assert_eq!(found, Some(put));
}
