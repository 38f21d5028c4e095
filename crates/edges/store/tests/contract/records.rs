//! Call records.

use model::{CallRecord, CallStatus, UnixMillis};
use store::{RecordCursor, RecordFilter};

use crate::support::*;

async fn started(store: &Fixture, filter: RecordFilter) -> Vec<u64> {
    let page = store.records(filter, None, usize::MAX).await.unwrap();
    assert_eq!(page.next, None);
    page.records.iter().map(|it| it.started.0).collect()
}

pub(crate) async fn a_record_is_found_by_every_name_it_has(store: Fixture) {
    let kept = record(1, 1000);
    let uuid_call_id =
        CallRecord { call_id: transaction(9).to_string(), peer_call_id: None, ..record(2, 1000) };
    store.append_records(vec![kept.clone(), uuid_call_id.clone()]).await.unwrap();

    let id = transaction(1).to_string();
    for name in [&*id, &*id.to_uppercase(), "in-1", "out-1", "tried-1", "tried-1-again"] {
        assert_eq!(store.record(name).await.unwrap().as_ref(), Some(&kept), "{name}");
    }
    let found = store.record(&uuid_call_id.call_id).await.unwrap();
    assert_eq!(found, Some(uuid_call_id));
    for name in ["", "IN-1", "in-9", &transaction(3).to_string()] {
        assert_eq!(store.record(name).await.unwrap(), None, "{name}");
    }
}

pub(crate) async fn the_newest_record_of_a_call_id_is_found(store: Fixture) {
    let first = CallRecord { call_id: "same".into(), ..record(1, 1000) };
    let second = CallRecord { peer_call_id: Some("same".into()), ..record(2, 900) };
    store.append_records(vec![first]).await.unwrap();
    store.append_records(vec![second.clone()]).await.unwrap();

    assert_eq!(store.record("same").await.unwrap(), Some(second));
}

pub(crate) async fn records_are_listed_newest_start_first(store: Fixture) {
    let out_of_order = [(1, 30), (2, 10), (3, 20), (4, 20)];
    store
        .append_records(out_of_order.map(|(id, started)| record(id, started)).to_vec())
        .await
        .unwrap();

    assert_eq!(started(&store, RecordFilter::default()).await, [30, 20, 20, 10]);
}

pub(crate) async fn pages_of_records_survive_appending(store: Fixture) {
    // Ten calls, two of each start, so that a page may end between two that started together.
    store.append_records((0..10).map(|id| record(id, u64::from(id / 2))).collect()).await.unwrap();

    for limit in 1..=11 {
        let mut seen = Vec::new();
        let mut after: Option<RecordCursor> = None;
        loop {
            let page = store.records(RecordFilter::default(), after, limit).await.unwrap();
            assert!(page.records.len() <= limit);
            seen.extend(page.records.iter().map(|it| it.started.0).filter(|it| *it < 100));
            // A call that started later is before every page that is still to come.
            let id = 100 + u8::try_from(seen.len()).unwrap();
            store.append_records(vec![record(id, 100)]).await.unwrap();
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => break,
            }
        }
        assert_eq!(seen, [4, 4, 3, 3, 2, 2, 1, 1, 0, 0], "limit {limit}");
    }
}

pub(crate) async fn filters_combine(store: Fixture) {
    let other = account("000000000001");
    let with = |id, account, letter, status| CallRecord {
        account,
        connector: Some(connector(letter)),
        status,
        ..record(id, u64::from(id))
    };
    store
        .append_records(vec![
            with(1, Some(HOME), 'a', CallStatus::Completed),
            with(2, Some(HOME), 'b', CallStatus::Completed),
            with(3, Some(HOME), 'a', CallStatus::Rejected),
            with(4, Some(other), 'c', CallStatus::Rejected),
            CallRecord { account: None, connector: None, ..record(5, 5) },
        ])
        .await
        .unwrap();

    let all = RecordFilter::default();
    let home = RecordFilter { account: Some(HOME), ..all.clone() };
    let a = RecordFilter { connector: Some(connector('a')), ..all.clone() };
    let rejected = RecordFilter { status: Some(CallStatus::Rejected), ..all.clone() };
    let (two, four) = (Some(UnixMillis(2)), Some(UnixMillis(4)));
    for (filter, expected) in [
        (all.clone(), vec![5, 4, 3, 2, 1]),
        (home.clone(), vec![3, 2, 1]),
        (a.clone(), vec![3, 1]),
        (rejected.clone(), vec![4, 3]),
        (RecordFilter { status: Some(CallStatus::Rejected), ..home.clone() }, vec![3]),
        (RecordFilter { status: Some(CallStatus::Failed), ..home.clone() }, vec![]),
        (RecordFilter { account: Some(other), ..a.clone() }, vec![]),
        (RecordFilter { account: Some(HOME), ..a.clone() }, vec![3, 1]),
        (RecordFilter { since: two, until: four, ..all }, vec![3, 2]),
        (RecordFilter { since: two, ..a }, vec![3]),
        (RecordFilter { until: four, ..home }, vec![3, 2, 1]),
        (RecordFilter { until: four, ..rejected }, vec![3]),
    ] {
        assert_eq!(started(&store, filter.clone()).await, expected, "{filter:?}");
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = store.records(filter.clone(), after, 1).await.unwrap();
            paged.extend(page.records.iter().map(|it| it.started.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, expected, "{filter:?}, a page each");
    }
}

pub(crate) async fn a_record_appended_twice_is_kept_once(store: Fixture) {
    for _ in 0..2 {
        store.append_records(vec![record(1, 10), record(2, 20)]).await.unwrap();
    }
    store.append_records(vec![record(2, 99), record(3, 30)]).await.unwrap();

    assert_eq!(started(&store, RecordFilter::default()).await, [30, 20, 10]);
}

pub(crate) async fn the_count_limit_trims_the_oldest(store: Fixture) {
    // The fixture keeps 50.
    for id in 0..120 {
        store.append_records(vec![record(id, u64::from(id))]).await.unwrap();
    }

    let kept = started(&store, RecordFilter::default()).await;
    assert_eq!(kept, Vec::from_iter((70..120).rev()));
    for name in ["in-69", "tried-69"] {
        assert_eq!(store.record(name).await.unwrap(), None, "{name}");
    }
    assert_eq!(store.record("tried-70").await.unwrap(), Some(record(70, 70)));
}

pub(crate) async fn the_age_limit_trims_what_is_too_old(store: Fixture) {
    let day = 24 * 60 * 60 * 1000;
    store
        .append_records((0..10).map(|id| record(id, u64::from(id) * day)).collect())
        .await
        .unwrap();

    assert_eq!(store.trim_records(UnixMillis(day)).await.unwrap(), 0);
    // Kept for 90 days: of those that started on days 0 to 9, days 0 to 3 are over on day 93.
    assert_eq!(store.trim_records(UnixMillis(93 * day)).await.unwrap(), 4);

    let kept = started(&store, RecordFilter::default()).await;
    assert_eq!(kept, Vec::from_iter((4..10).rev().map(|it| it * day)));
}
