//! The store against a model of it: whatever is done in whatever order, a `BTreeMap` says the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use model::{AccountId, Kind};
use proptest::prelude::*;
use store::{
    Action, Committed, Document, Feed, FeedEntry, Keyring, Observer, Range, Store, StoreConfig,
    StoreError, Tx, View, WriteError,
};

type Key = (Kind, AccountId, String);
type State = BTreeMap<Key, (String, Vec<u8>)>;

/// One change. Keys, parents and accounts are few, so that changes meet each other.
#[derive(Debug, Clone)]
enum Op {
    Put(Key, String, Vec<u8>),
    Delete(Key),
}

/// What a closure does, and whether it refuses at its end.
#[derive(Debug, Clone)]
struct Write {
    ops: Vec<Op>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Keep,
    Refuse,
}

#[derive(Debug, Clone)]
enum Step {
    /// Writes that are queued together.
    Group(Vec<Write>),
    Reopen,
    Rotate,
}

fn key() -> impl Strategy<Value = Key> {
    let account = prop_oneof![Just("000000000000"), Just("000000000010"), Just("999999999999")];
    // One kind in clear and one that is sealed.
    let kind = prop_oneof![Just(Kind::Tags), Just(Kind::SipUser)];
    (kind, account, "[abÿ/]{1,3}").prop_map(|(kind, account, key)| {
        (kind, AccountId::parse(account).expect("twelve digits"), key)
    })
}

fn op() -> impl Strategy<Value = Op> {
    let put = (key(), "[pq]{0,1}", prop::collection::vec(any::<u8>(), 0..40));
    prop_oneof![
        3 => put.prop_map(|(key, parent, document)| Op::Put(key, parent, document)),
        1 => key().prop_map(Op::Delete),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![4 => Just(End::Keep), 1 => Just(End::Refuse)];
    let write = (prop::collection::vec(op(), 0..5), end).prop_map(|(ops, end)| Write { ops, end });
    prop_oneof![
        12 => prop::collection::vec(write, 1..6).prop_map(Step::Group),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rotate),
    ]
}

/// What the store should be.
#[derive(Default)]
struct Model {
    state: State,
    feed: Vec<FeedEntry>,
}

impl Model {
    fn apply(&mut self, write: &Write) {
        if write.end == End::Refuse {
            return;
        }
        for op in &write.ops {
            let (changed, action) = match op.clone() {
                Op::Put(key, parent, document) => {
                    self.state.insert(key.clone(), (parent, document));
                    (key, Action::Put)
                }
                Op::Delete(key) if self.state.remove(&key).is_some() => (key, Action::Delete),
                Op::Delete(_) => continue,
            };
            let (kind, account, key) = changed;
            let revision = self.feed.len() as u64 + 1;
            self.feed.push(FeedEntry { revision, kind, account, key, action });
        }
    }
}

/// The state as one who only listens knows it.
#[derive(Default)]
struct Listener(Mutex<State>);

impl Observer for Listener {
    fn committed(&self, committed: &Committed) {
        let mut state = self.0.lock().unwrap();
        for change in &committed.changes {
            let key = (change.kind, change.account, change.key.clone());
            match &change.document {
                Some(document) => {
                    state.insert(key, (change.parent.clone(), document.as_bytes().to_vec()));
                }
                None => {
                    let (parent, _) = state.remove(&key).expect("what is deleted was put");
                    assert_eq!(parent, change.parent);
                }
            }
        }
    }
}

fn run(tx: &mut dyn Tx, write: Write) -> Result<(), Option<StoreError>> {
    for op in write.ops {
        match op {
            Op::Put((kind, account, key), parent, document) => {
                let document = Document::from_bytes(document.into());
                tx.put_raw(kind, &account, &key, &parent, document).map_err(Some)?;
            }
            Op::Delete((kind, account, key)) => {
                tx.delete_raw(kind, &account, &key).map_err(Some)?;
            }
        }
    }
    if write.end == End::Refuse { Err(None) } else { Ok(()) }
}

/// Queues all writes in their order before the first is answered, so that they form groups.
async fn write_group(store: &Store, writes: Vec<Write>) {
    let mut queued: Vec<(End, Pin<Box<dyn Future<Output = _>>>)> = Vec::new();
    for write in writes {
        let end = write.end;
        queued.push((end, Box::pin(store.write(move |tx| run(tx, write)))));
    }
    let mut done: Vec<Option<Result<(), WriteError<Option<StoreError>>>>> = Vec::new();
    done.resize_with(queued.len(), || None);
    std::future::poll_fn(|cx| {
        for ((_, write), done) in queued.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(result) = write.as_mut().poll(cx)
            {
                *done = Some(result);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    for ((end, _), done) in queued.iter().zip(done) {
        match (end, done.expect("all were waited for")) {
            (End::Keep, Ok(())) | (End::Refuse, Err(WriteError::Refused(None))) => {}
            (end, result) => panic!("{end:?} came to {result:?}"),
        }
    }
}

/// A range's rows, read `page` at a time where the range has a beginning.
fn rows(view: &dyn View, kind: Kind, range: Range<'_>, page: usize) -> Vec<(Key, String, Vec<u8>)> {
    let mut seen: Vec<(Key, String, Vec<u8>)> = Vec::new();
    loop {
        let last = seen.last().map(|it| it.0.2.clone()).unwrap_or_default();
        let (range, paged) = match range {
            Range::All | Range::Owned => (range, false),
            Range::Account { account, .. } => (Range::Account { account, after: &last }, true),
            Range::Children { account, parent, .. } => {
                (Range::Children { account, parent, after: &last }, true)
            }
        };
        let mut count = 0;
        view.scan_raw(kind, range, &mut |row| {
            let key = (kind, row.account, row.key);
            seen.push((key, row.parent, row.document.as_bytes().to_vec()));
            count += 1;
            let full = paged && count == page;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .expect("the disk works");
        if !paged || count < page {
            return seen;
        }
    }
}

/// Everything that can be asked of a view gets the model's answer.
fn check(view: &dyn View, model: &Model, page: usize) {
    for kind in [Kind::Tags, Kind::SipUser] {
        let of_kind: Vec<_> = model
            .state
            .iter()
            .filter(|(key, _)| key.0 == kind)
            .map(|(key, (parent, document))| (key.clone(), parent.clone(), document.clone()))
            .collect();
        assert_eq!(rows(view, kind, Range::All, page), of_kind);

        let mut owned: Vec<_> = of_kind.iter().filter(|it| !it.1.is_empty()).cloned().collect();
        owned.sort_by_key(|(key, parent, _)| (key.1, parent.clone(), key.2.clone()));
        assert_eq!(rows(view, kind, Range::Owned, page), owned);

        for digits in ["000000000000", "000000000010", "999999999999", "000000000001"] {
            let account = AccountId::parse(digits).expect("twelve digits");
            let mine: Vec<_> = of_kind.iter().filter(|it| it.0.1 == account).cloned().collect();
            let range = Range::Account { account: &account, after: "" };
            assert_eq!(rows(view, kind, range, page), mine);
            let counted = view.count_raw(kind, range, page as u64).expect("the disk works");
            assert_eq!(counted, mine.len().min(page) as u64);
            for parent in ["p", "q"] {
                let children: Vec<_> = mine.iter().filter(|it| it.1 == parent).cloned().collect();
                let range = Range::Children { account: &account, parent, after: "" };
                assert_eq!(rows(view, kind, range, page), children);
            }
        }
        for (key, parent, document) in of_kind {
            let row = view.get_raw(key.0, &key.1, &key.2).expect("the disk works");
            let row = row.expect("what the model has is there");
            assert_eq!((row.parent, row.document.as_bytes()), (parent, &*document));
            let wrote = &model.feed[usize::try_from(row.revision).expect("small") - 1];
            assert_eq!((wrote.kind, wrote.account, &wrote.key), (key.0, key.1, &key.2));
        }
    }
    let feed = view.changes(0, usize::MAX).expect("the disk works");
    assert_eq!(feed, Feed::Entries(model.feed.clone()));
    assert_eq!(view.revision().expect("the disk works"), model.feed.len() as u64);
}

async fn walk(steps: Vec<Step>, page: usize) {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
        let mut config = StoreConfig::new(dir.path().join("trunkline.db"), keyring);
        config.log_bytes = 32 * 1024;
        Store::open(config).unwrap()
    };
    let listener = Arc::new(Listener::default());
    let mut model = Model::default();
    let mut store = open();
    store.subscribe(listener.clone());
    for step in steps {
        match step {
            Step::Group(writes) => {
                writes.iter().for_each(|write| model.apply(write));
                write_group(&store, writes).await;
            }
            Step::Reopen => {
                drop(store);
                store = open();
                store.subscribe(listener.clone());
            }
            Step::Rotate => drop(store.rotate().await.unwrap()),
        }
        assert_eq!(*listener.0.lock().unwrap(), model.state);
        let checked = store.read_blocking(|view| {
            check(view, &model, page);
            Ok(())
        });
        checked.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_store_and_its_feed_are_what_a_map_would_be(
        steps in prop::collection::vec(step(), 1..16),
        page in 1..5_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(walk(steps, page));
    }
}
