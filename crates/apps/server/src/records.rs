//! Writes what calls leave behind: one record per call, and the last sign of life per connector.
//!
//! The signalling thread hands over without waiting. While the store is away records wait here in
//! memory, up to a limit, and are counted when there is no more room; calls go on meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::{CallRecord, TerminationHealth, UnixMillis, Verdict, VoiceConnector, VoiceConnectorId};
use store::{Store, StoreError, TypedTx, TypedView};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, error, info, warn};

/// Records that wait for the store at most: about 20 MB.
const WAITING_MAX: usize = 16_384;
/// Signs of life that wait at most; another one of the same connector follows in seconds.
const HEALTH_WAITING_MAX: usize = 1_024;
/// Records in one transaction.
const BATCH_MAX: usize = 512;
/// The pause after a write of records: a busy service commits ten times per second, and a call that
/// ends in a quiet moment is written at once. What comes during the pause wakes nobody.
const RECORD_PAUSE: Duration = Duration::from_millis(100);
/// The pause after a write of signs of life: a PBX that asks often costs one write per second.
const HEALTH_PAUSE: Duration = Duration::from_secs(1);
/// The first and the longest pause before the store is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How often records are looked through for those whose age has come.
const TRIM_EVERY: Duration = Duration::from_secs(3600);

/// The signalling thread's end: takes what is to be written, and never waits.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    records: mpsc::Sender<Entry>,
    /// Ends the writer's pause.
    hurry: Arc<Notify>,
    health: mpsc::Sender<TerminationHealth>,
    lost: Arc<AtomicU64>,
}

/// What goes to the writer, in order.
#[derive(Debug)]
enum Entry {
    Record(Box<CallRecord>),
    /// Tell when everything before is durable.
    Flush(oneshot::Sender<()>),
}

/// The writing end.
pub(crate) struct Writer {
    records: mpsc::Receiver<Entry>,
    hurry: Arc<Notify>,
    health: mpsc::Receiver<TerminationHealth>,
}

/// A recorder and its writer.
pub(crate) fn channel() -> (Recorder, Writer) {
    let (record_sender, records) = mpsc::channel(WAITING_MAX);
    let (health_sender, health) = mpsc::channel(HEALTH_WAITING_MAX);
    let hurry = Arc::new(Notify::new());
    let recorder = Recorder {
        records: record_sender,
        hurry: Arc::clone(&hurry),
        health: health_sender,
        lost: Arc::default(),
    };
    (recorder, Writer { records, hurry, health })
}

impl Recorder {
    /// Hands over the record of a call that ended.
    pub(crate) fn record(&self, record: CallRecord) {
        if self.records.try_send(Entry::Record(Box::new(record))).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // One line per power of two: the store's own failure is logged where it is handled.
            if lost.is_power_of_two() {
                error!(lost, "call records are lost: the store has been away for too long");
            }
        }
    }

    /// Waits until every record that was handed over before is durable.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        // A writer that is gone has written what it could.
        if self.records.send(Entry::Flush(done)).await.is_ok() {
            self.hurry.notify_one();
            let _ = flushed.await;
        }
    }

    /// Hands over a connector's sign of life.
    pub(crate) fn health(&self, health: TerminationHealth) {
        if self.health.try_send(health).is_err() {
            debug!("a sign of life was dropped; the next one follows");
        }
    }

    /// Records lost because the store was away for too long.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Records that wait for the store.
    pub(crate) fn waiting(&self) -> usize {
        self.records.max_capacity() - self.records.capacity()
    }
}

/// One line per call, without its numbers and its caller. A refusal says which rule it was and what
/// can be done about it.
fn log(record: &CallRecord) {
    let refusal = record.decisions.iter().find(|it| it.verdict == Verdict::Refuse);
    info!(
        event = "call_ended",
        transaction_id = %record.transaction_id,
        call_id = %record.call_id,
        connector = record.connector.as_ref().map(VoiceConnectorId::as_str),
        status = ?record.status,
        reason = %record.reason,
        sip_status = record.sip_status,
        duration_ms = record.duration_ms(),
        rule = refusal.map(|it| &*it.rule),
        remedy = refusal.map(|it| &*it.remedy),
        "call ended"
    );
}

impl Writer {
    /// Writes until every [`Recorder`] is gone and all they handed over is durable.
    pub(crate) async fn run(self, store: Store) {
        tokio::join!(
            write_records(&store, self.records, &self.hurry),
            write_health(&store, self.health)
        );
    }
}

async fn write_records(store: &Store, mut entries: mpsc::Receiver<Entry>, hurry: &Notify) {
    let mut batch = Batch::default();
    while let Some(first) = entries.recv().await {
        batch.add(first);
        while batch.has_room()
            && let Ok(next) = entries.try_recv()
        {
            batch.add(next);
        }
        let more = !batch.has_room();
        if batch.write(store).await == Written::Closed {
            return;
        }
        if !more {
            // Whoever waits for a flush ends the pause.
            let _ = timeout(RECORD_PAUSE, hurry.notified()).await;
        }
    }
}

/// Records for one transaction, and who waits for them.
#[derive(Default)]
struct Batch {
    records: Vec<CallRecord>,
    waiting: Vec<oneshot::Sender<()>>,
}

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Durably,
    /// Not at all: the store is closed, and will not open again.
    Closed,
}

impl Batch {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Record(record) => {
                log(&record);
                self.records.push(*record);
            }
            Entry::Flush(done) => self.waiting.push(done),
        }
    }

    fn has_room(&self) -> bool {
        self.records.len() < BATCH_MAX
    }

    /// Writes until it is written: records that are known are left alone, so a batch may be
    /// appended again.
    async fn write(&mut self, store: &Store) -> Written {
        let mut pause = RETRY.0;
        while !self.records.is_empty()
            && let Err(failure) = store.append_records(self.records.clone()).await
        {
            let records = self.records.len();
            if matches!(failure, StoreError::Closed) {
                error!(lost = records, "call records are lost: the store closed before them");
                return Written::Closed;
            }
            warn!(error = %failure, waiting = records, "call records wait for the store");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY.1);
        }
        self.records.clear();
        for done in self.waiting.drain(..) {
            // Whoever waited may have stopped waiting.
            let _ = done.send(());
        }
        Written::Durably
    }
}

async fn write_health(store: &Store, mut health: mpsc::Receiver<TerminationHealth>) {
    let mut latest = BTreeMap::new();
    loop {
        if latest.is_empty() {
            let Some(seen) = health.recv().await else { return };
            latest.insert(seen.connector.clone(), seen);
        }
        while let Ok(seen) = health.try_recv() {
            latest.insert(seen.connector.clone(), seen);
        }
        if let Err(failure) = put_health(store, std::mem::take(&mut latest)).await {
            debug!(error = %failure, "signs of life were not written; the next ones follow");
        }
        // What comes during the pause is written after it, the last one of each connector.
        let pause_ends = Instant::now() + HEALTH_PAUSE;
        while let Ok(Some(seen)) = timeout_at(pause_ends, health.recv()).await {
            latest.insert(seen.connector.clone(), seen);
        }
    }
}

async fn put_health(
    store: &Store,
    latest: BTreeMap<VoiceConnectorId, TerminationHealth>,
) -> Result<(), StoreError> {
    let written = store.write(move |tx| {
        for health in latest.into_values() {
            // The connector may have been deleted since; what nobody owns is not kept.
            if tx.get::<VoiceConnector>(&health.account, health.connector.as_str())?.is_some() {
                tx.put(&health)?;
            }
        }
        Ok::<_, StoreError>(())
    });
    written.await.map_err(StoreError::from)
}

/// Deletes old records, once an hour, for as long as it is polled.
pub(crate) async fn trim(store: Store, now: impl Fn() -> UnixMillis) {
    loop {
        match store.trim_records(now()).await {
            Ok(0) => {}
            Ok(trimmed) => info!(trimmed, "old call records deleted"),
            Err(failure) => warn!(error = %failure, "old call records could not be deleted"),
        }
        match store.trim_audit(now()).await {
            Ok(0) => {}
            Ok(trimmed) => info!(trimmed, "old audit records deleted"),
            Err(failure) => warn!(error = %failure, "old audit records could not be deleted"),
        }
        tokio::time::sleep(TRIM_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use model::{AccountId, CallStatus, Direction, NetworkType, Region, TransactionId};
    use store::{Keyring, RecordFilter, StoreConfig};

    use super::*;

    fn record(n: u8) -> CallRecord {
        CallRecord {
            transaction_id: TransactionId::from_random([n; 16]),
            call_id: format!("call-{n}"),
            peer_call_id: None,
            attempt_call_ids: Vec::new(),
            account: Some(AccountId::DEFAULT),
            connector: None,
            direction: Direction::Outbound,
            status: CallStatus::Rejected,
            reason: "caller-id-not-owned".into(),
            status_message: String::new(),
            sip_status: Some(403),
            sip_user: None,
            from: "+12065550150".into(),
            to: "+12065550100".into(),
            source: "127.0.0.1:5060".into(),
            carrier: None,
            started: UnixMillis(1_000),
            answered: None,
            ended: UnixMillis(2_000),
            decisions: Vec::new(),
            quality: Vec::new(),
        }
    }

    fn store(dir: &tempfile::TempDir) -> Store {
        let keyring = Keyring::load_or_create(&dir.path().join("seal.key")).unwrap();
        Store::open(StoreConfig::new(dir.path().join("t.db"), keyring)).unwrap()
    }

    #[tokio::test]
    async fn everything_handed_over_is_durable_before_the_writer_ends() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir);
        let (recorder, writer) = channel();
        for n in 0..20 {
            recorder.record(record(n));
        }
        assert_eq!(recorder.waiting(), 20);
        drop(recorder);
        writer.run(store.clone()).await;
        let page = store.records(RecordFilter::default(), None, 100).await.unwrap();
        assert_eq!(page.records.len(), 20);
    }

    #[tokio::test]
    async fn a_flush_waits_for_what_was_handed_over_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir);
        let (recorder, writer) = channel();
        let writing = tokio::spawn(writer.run(store.clone()));
        for n in 0..3 {
            recorder.record(record(n));
            recorder.flush().await;
            let page = store.records(RecordFilter::default(), None, 100).await.unwrap();
            assert_eq!(page.records.len(), usize::from(n) + 1);
        }
        drop(recorder);
        writing.await.unwrap();
        recorder_of_nobody().flush().await;
    }

    fn recorder_of_nobody() -> Recorder {
        channel().0
    }

    #[tokio::test]
    async fn records_beyond_the_room_are_counted_not_waited_for() {
        let (recorder, writer) = channel();
        for _ in 0..WAITING_MAX + 3 {
            recorder.record(record(1));
        }
        assert_eq!(recorder.lost(), 3);
        drop(writer);
    }

    #[tokio::test]
    async fn a_sign_of_life_of_a_connector_that_is_gone_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir);
        let connector = |n: u8| VoiceConnectorId::from_random([n; 22]);
        let kept = VoiceConnector {
            id: connector(1),
            account: AccountId::DEFAULT,
            region: Region::default(),
            name: "kept".into(),
            require_encryption: false,
            outbound_host_name: "kept.localhost".into(),
            integration_type: None,
            network_type: NetworkType::default(),
            created: UnixMillis(0),
            updated: UnixMillis(0),
        };
        store.write(move |tx| tx.put(&kept)).await.unwrap();
        let (recorder, writer) = channel();
        for n in [1, 2] {
            recorder.health(TerminationHealth {
                account: AccountId::DEFAULT,
                connector: connector(n),
                timestamp: UnixMillis(5),
                source: [127, 0, 0, 1].into(),
            });
        }
        drop(recorder);
        writer.run(store.clone()).await;
        let found = store
            .read(move |view| {
                let get =
                    |n| view.get::<TerminationHealth>(&AccountId::DEFAULT, connector(n).as_str());
                Ok((get(1)?.is_some(), get(2)?.is_some()))
            })
            .await
            .unwrap();
        assert_eq!(found, (true, false));
    }
}
