//! Audit records.

use model::{AuditOutcome, AuditRecord, UnixMillis};
use store::{AuditFilter, StoreError, TypedTx as _, WriteError};

use crate::support::*;

/// A record of a request that came at a time.
fn asked(at: u64) -> AuditRecord {
    AuditRecord {
        request_id: transaction(u8::try_from(at % 251).unwrap()),
        at: UnixMillis(at),
        account: Some(HOME),
        key: Some("AKIAFIRST".into()),
        action: "chime:CreateVoiceConnector".into(),
        resources: vec!["vc/abc".into()],
        source: [192, 0, 2, 1].into(),
        status: 201,
        error: None,
    }
}

async fn times(store: &Fixture, filter: AuditFilter) -> Vec<u64> {
    let mut times = Vec::new();
    let mut after = None;
    loop {
        let page = store.audit(filter.clone(), after, 7).await.unwrap();
        times.extend(page.records.iter().map(|it| it.at.0));
        after = page.next;
        if after.is_none() {
            return times;
        }
    }
}

pub(crate) async fn a_record_is_read_back_newest_first(store: Fixture) {
    let stranger = AuditRecord { account: None, key: None, ..asked(20) };
    store.append_audit(vec![asked(10), stranger.clone(), asked(30)]).await.unwrap();

    let page = store.audit(AuditFilter::default(), None, 9).await.unwrap();
    assert_eq!(page.records, [asked(30), stranger, asked(10)]);
    assert_eq!(page.next, None);
}

pub(crate) async fn what_is_written_with_a_change_is_kept_or_undone_with_it(store: Fixture) {
    let kept = store.write(move |tx| {
        tx.put(&tags(HOME, "kept", 1))?;
        let changed: Vec<String> = tx.changed().iter().map(|(_, key)| (*key).to_owned()).collect();
        assert_eq!(changed, ["kept"]);
        tx.append_audit(&asked(1))
    });
    kept.await.unwrap();
    let undone = store.write(move |tx| {
        assert!(tx.changed().is_empty(), "what others changed is not told");
        tx.append_audit(&asked(2)).map_err(|_| "store")?;
        Err::<(), _>("refused")
    });
    assert!(matches!(undone.await, Err(WriteError::Refused("refused"))));

    assert_eq!(times(&store, AuditFilter::default()).await, [1]);
}

pub(crate) async fn audit_filters_combine(store: Fixture) {
    let other = account("000000000001");
    store
        .append_audit(vec![
            asked(1),
            AuditRecord { action: "trunkline:CreateKeys".into(), ..asked(2) },
            AuditRecord { account: Some(other), status: 403, ..asked(3) },
            AuditRecord { key: Some("AKIASECOND".into()), status: 503, ..asked(4) },
            AuditRecord { account: None, status: 401, ..asked(5) },
        ])
        .await
        .unwrap();

    let all = AuditFilter::default();
    let outcome = |it| AuditFilter { outcome: Some(it), ..AuditFilter::default() };
    let action = |it: &str| AuditFilter { action: Some(it.into()), ..AuditFilter::default() };
    for (filter, expected) in [
        (all.clone(), vec![5, 4, 3, 2, 1]),
        (AuditFilter { account: Some(HOME), ..all.clone() }, vec![4, 2, 1]),
        (AuditFilter { account: Some(other), ..all.clone() }, vec![3]),
        (AuditFilter { key: Some("AKIASECOND".into()), ..all.clone() }, vec![4]),
        (action("CreateKeys"), vec![2]),
        (action("trunkline:CreateKeys"), vec![2]),
        (action("chime:CreateKeys"), vec![]),
        (outcome(AuditOutcome::Done), vec![2, 1]),
        (outcome(AuditOutcome::Refused), vec![5, 3]),
        (outcome(AuditOutcome::Failed), vec![4]),
        (AuditFilter { since: Some(UnixMillis(2)), until: Some(UnixMillis(4)), ..all }, vec![3, 2]),
    ] {
        assert_eq!(times(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

pub(crate) async fn strangers_displace_nobody(store: Fixture) {
    // The fixture keeps 1,000 records of keys; of strangers 10,000 are kept, looked at now and then.
    store.append_audit((0..600).map(asked).collect()).await.unwrap();
    for round in 0..11_u64 {
        let strangers =
            (0..1_024).map(|it| AuditRecord { account: None, ..asked(round * 1_024 + it) });
        store.append_audit(strangers.collect()).await.unwrap();
    }

    let signed = AuditFilter { account: Some(HOME), ..AuditFilter::default() };
    assert_eq!(times(&store, signed).await.len(), 600);
    let all = times(&store, AuditFilter::default()).await.len();
    assert!((10_600..10_600 + 256).contains(&all), "{all}");
}

pub(crate) async fn the_audit_keeps_its_count_and_its_age(store: Fixture) {
    for round in 0..8 {
        let from = round * 256;
        store.append_audit((from..from + 256).map(asked).collect()).await.unwrap();
    }
    let kept = times(&store, AuditFilter::default()).await;
    assert_eq!((kept[0], kept.len()), (2_047, 1_000));

    // Kept for 400 days.
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(store.trim_audit(UnixMillis(400 * day + 1_100)).await.unwrap(), 53);
    assert_eq!(times(&store, AuditFilter::default()).await.len(), 947);
}

pub(crate) async fn a_page_of_the_audit_looks_at_a_bounded_number_of_records(store: Fixture) {
    for _ in 0..3 {
        let strangers = (0..3_000).map(|it| AuditRecord { account: None, ..asked(it) });
        store.append_audit(strangers.collect()).await.unwrap();
    }
    let nobodys = AuditFilter { key: Some("AKIANOBODY".into()), ..AuditFilter::default() };
    let page = store.audit(nobodys, None, 1).await.unwrap();
    assert_eq!((page.records.len(), page.next), (0, None), "9,000 are looked at at once");

    let written: Result<(), WriteError<StoreError>> =
        store.write(|tx| tx.put(&tags(HOME, "a", 1))).await;
    written.unwrap();
}
