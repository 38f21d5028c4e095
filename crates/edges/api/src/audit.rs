//! The audit: who asked for which change, from where, and what came of it.
//!
//! What a request does and its record are one transaction, so there is no change without its record.
//! Requests that are refused, or that change nothing in the store, are recorded right after their
//! outcome is known, in the next group of commits, and nobody waits for that. Of what only reads, the
//! download of a backup alone leaves a record, which is durable before the first byte leaves.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chime_api::{Effect, Matched};
use http::Method;
use model::{AuditRecord, Kind, TransactionId, UnixMillis};
use store::{Store, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use crate::authenticate::Caller;
use crate::authorize::{About, Target, Type};
use crate::config::Rate;
use crate::operator;
use crate::origin::Origin;
use crate::throttle::Bucket;

/// Records that wait for the store at most.
const WAITING_MAX: usize = 4096;
/// Records in one transaction.
const BATCH_MAX: usize = 256;
/// How often a batch is tried that the store cannot take, and the time between.
const TRIES: (u32, Duration) = (30, Duration::from_secs(1));
/// Records of requests that no key signed, so that who has no key keeps no disk busy.
const STRANGERS: Rate = Rate { per_second: 20, burst: 200 };
/// The longest name of a resource or key, in characters.
const NAME_CHARS_MAX: usize = 256;

/// The record of a request that would change something, while its outcome is not known.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// With the status of success.
    record: AuditRecord,
    made: Made,
    /// Whether it is in the transaction of the change already, or an earlier record stands for it.
    written: Arc<AtomicBool>,
}

/// What a request makes, whose name is known once it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    Nothing,
    /// One of a type.
    One(Type),
    /// Something of the operator's, under this word: `keys`.
    Operators(String),
}

impl Draft {
    /// Of a request to an operation or to the operator API; `None` if it only reads.
    pub(crate) fn of(
        what: What<'_>,
        request_id: TransactionId,
        at: UnixMillis,
        origin: Origin,
    ) -> Option<Self> {
        let (action, resources, status, made) = match what {
            What::Operation(matched) => {
                let spec = matched.operation.spec();
                if spec.effect == Effect::Read {
                    return None;
                }
                let made = match About::of(matched.operation) {
                    About::New(of) => Made::One(of),
                    About::Numbers(_) if spec.effect == Effect::Once => {
                        Made::One(Type::PhoneNumberOrder)
                    }
                    About::Account
                    | About::Every(_)
                    | About::One(..)
                    | About::OneAndNumbers(..)
                    | About::Numbers(_)
                    | About::Named(_) => Made::Nothing,
                };
                (format!("chime:{}", spec.name), Vec::new(), spec.status, made)
            }
            What::Operator(method, path) => {
                if !operator::is_audited(method, path) {
                    return None;
                }
                let collection = !path.contains('/');
                let (status, made) = match *method {
                    Method::POST if collection => (201, Made::Operators(path.to_owned())),
                    Method::DELETE => (204, Made::Nothing),
                    _ => (200, Made::Nothing),
                };
                (operator::action(method, path), vec![short(path)], status, made)
            }
        };
        let record = AuditRecord {
            request_id,
            at,
            account: None,
            key: None,
            action,
            resources,
            source: origin.source,
            status,
            error: None,
        };
        Some(Self { record, made, written: Arc::default() })
    }

    /// Notes which key a request claims to be signed by. What cannot be the public half of a key is not
    /// kept: people mix the halves up.
    pub(crate) fn claimed(&mut self, key_id: &str) {
        let public = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
        if key_id.len() <= 128 && key_id.bytes().all(public) {
            self.record.key = Some(key_id.to_owned());
        }
    }

    /// Notes which key signed the request.
    pub(crate) fn signed(&mut self, caller: &Caller) {
        self.record.account = Some(caller.account());
        self.record.key = Some(caller.key_id().to_owned());
    }

    /// Notes what the request is about.
    pub(crate) fn about(&mut self, targets: &[Target]) {
        let named = targets.iter().take(AuditRecord::RESOURCES_MAX);
        self.record.resources = named.map(|it| short(&it.short())).collect();
    }

    /// Writes the record of success into the transaction that does what the request asks, once.
    pub(crate) fn write(&self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        if self.written.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let mut record = self.record.clone();
        let named = |prefix: &str, key: &str| short(&format!("{prefix}/{key}"));
        match &self.made {
            Made::Nothing => {}
            Made::One(of) => {
                let kind = of.kind();
                let made = tx.changed().into_iter().filter(|(it, _)| *it == kind);
                let made: Vec<String> = made.map(|(_, key)| named(of.as_str(), key)).collect();
                record.resources.retain(|it| !it.ends_with("/*"));
                record.resources.extend(made);
            }
            Made::Operators(word) => {
                let changed = tx.changed();
                let first: Option<Kind> = changed.first().map(|(kind, _)| *kind);
                let made = changed.iter().filter(|(kind, _)| Some(*kind) == first);
                record.resources = made.map(|(_, key)| named(word, key)).collect();
            }
        }
        record.resources.truncate(AuditRecord::RESOURCES_MAX);
        tx.append_audit(&record)
    }

    /// The key that signed the request, and where that came from.
    pub(crate) fn asker(&self) -> Asker {
        Asker { key: self.record.key.clone(), source: self.record.source }
    }

    /// An earlier record stands for this request, unless it is refused or fails.
    pub(crate) fn covered(&self) {
        self.written.store(true, Ordering::Relaxed);
    }

    /// The record to write now that the outcome is known, unless it has been written.
    fn conclude(self, status: u16, error: Option<&str>) -> Option<AuditRecord> {
        if error.is_none() && self.written.load(Ordering::Relaxed) {
            return None;
        }
        Some(AuditRecord { status, error: error.map(str::to_owned), ..self.record })
    }
}

/// Who asks, as far as one record can stand for several requests of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker {
    key: Option<String>,
    source: IpAddr,
}

/// What a request is for.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    /// An operation of the API.
    Operation(&'a Matched),
    /// The operator API: method, and path after `/operator/`.
    Operator(&'a Method, &'a str),
}

/// Takes records and writes them in the background.
#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    entries: mpsc::Sender<Entry>,
    lost: Arc<AtomicU64>,
    /// How many records strangers may still leave.
    strangers: Arc<Bucket>,
}

#[derive(Debug)]
enum Entry {
    Record(Box<AuditRecord>),
    /// Tell when everything before is written or lost.
    Flush(oneshot::Sender<()>),
}

impl AuditLog {
    /// Starts the writer. It ends with the last handle, or with the store.
    pub(crate) fn start(store: Store) -> Self {
        let (entries, waiting) = mpsc::channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(write(store, waiting, Arc::clone(&lost)));
        Self { entries, lost, strangers: Arc::new(Bucket::full()) }
    }

    /// Records what came of a request; does not wait.
    pub(crate) fn conclude(&self, draft: Draft, status: u16, error: Option<&str>) {
        let Some(record) = draft.conclude(status, error) else { return };
        if record.account.is_none() && self.strangers.take(record.at, STRANGERS).is_err() {
            tracing::debug!("too many strangers ask: one is not in the audit");
            return;
        }
        if self.entries.try_send(Entry::Record(Box::new(record))).is_err() {
            lose(&self.lost, 1);
        }
    }

    /// Waits until everything recorded so far is written.
    pub(crate) async fn flush(&self) {
        let (done, told) = oneshot::channel();
        if self.entries.send(Entry::Flush(done)).await.is_ok() {
            // A writer that ended has nothing left to write.
            let _ = told.await;
        }
    }

    /// Records that were lost because the store was away for too long.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Counts lost records, and says so the first time and whenever their number has doubled.
fn lose(lost: &AtomicU64, more: u64) {
    let before = lost.fetch_add(more, Ordering::Relaxed);
    if (before + more).ilog2() != before.max(1).ilog2() || before == 0 {
        tracing::error!(lost = before + more, "audit records of refused requests are lost");
    }
}

async fn write(store: Store, mut entries: mpsc::Receiver<Entry>, lost: Arc<AtomicU64>) {
    while let Some(first) = entries.recv().await {
        let (mut records, mut flushed) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(entry) = next {
            match entry {
                Entry::Record(record) => records.push(*record),
                Entry::Flush(done) => flushed.push(done),
            }
            next = if records.len() < BATCH_MAX { entries.try_recv().ok() } else { None };
        }
        if let Err(error) = append(&store, &records).await {
            tracing::warn!(%error, records = records.len(), "audit records could not be written");
            lose(&lost, records.len() as u64);
        }
        for done in flushed {
            // Whoever waited may have stopped waiting.
            let _ = done.send(());
        }
    }
}

/// Writes a batch, waiting out a store that is away for a while.
async fn append(store: &Store, records: &[AuditRecord]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let (tries, pause) = TRIES;
    for _ in 1..tries {
        match store.append_audit(records.to_vec()).await {
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    store.append_audit(records.to_vec()).await
}

fn short(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use chime_api::{Method as WireMethod, route};
    use model::policy::Transport;

    use super::*;

    fn draft(method: WireMethod, path: &str, query: &str) -> Option<Draft> {
        let matched = route(method, path, query).unwrap();
        let origin =
            Origin { source: IpAddr::from([127, 0, 0, 1]), transport: Transport::Plaintext };
        let id = TransactionId::from_random([7; 16]);
        Draft::of(What::Operation(&matched), id, UnixMillis(1), origin)
    }

    #[test]
    fn what_only_reads_has_no_record() {
        assert!(draft(WireMethod::Get, "/voice-connectors", "").is_none());
        assert!(draft(WireMethod::Post, "/emergency-calling/address", "").is_none());
        assert!(draft(WireMethod::Post, "/voice-connectors", "").is_some());
    }

    #[test]
    fn a_secret_in_the_place_of_a_key_id_is_not_kept() {
        let mut draft = draft(WireMethod::Post, "/voice-connectors", "").unwrap();
        draft.claimed("wJalrXUtnFEMIbPxRfiCYEXAMPLEKEY");
        assert_eq!(draft.record.key, None);
        draft.claimed("AKIAIOSFODNN7EXAMPLE");
        assert_eq!(draft.record.key.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
    }
}
