//! What the operator API says on the wire: requests and answers, as JSON with `snake_case` names.
//!
//! These types are the contract between the service and its own command line. Times are ISO 8601
//! text ([`Timestamp`]); secrets are write-only, except that a key's secret is told once, in the
//! answer that creates it.

mod audit;
mod carrier;
mod quota;

use chime_api::Timestamp;
use model::{
    AccountId, CallRecord, CallStatus, Decision, Direction, KeyPolicy, KeyStatus, LegQuality,
    Secret, UnixMillis,
};
use serde::{Deserialize, Serialize};

pub use audit::{AuditEntry, AuditPage};
pub use carrier::{
    AddCarrier, AddCarrierTls, Carrier, CarrierList, CarrierTls, Peer, PeerList, PeerState,
};
pub use quota::{AccountQuota, QuotaList, SetQuota};

/// Converts the product's time to the wire's.
pub fn timestamp(at: UnixMillis) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(at.0).unwrap_or(i64::MAX))
}

// Keys.

/// `POST /operator/keys`: makes an access key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CreateKey {
    /// The account it acts for; the operator's own when absent. An account exists from its first key on.
    pub account: Option<AccountId>,
    /// What it may do: `"full"`, `"read-only"`, or a policy document; everything when absent.
    pub policy: KeyPolicy,
    /// What people call it.
    pub name: String,
}

/// `PUT /operator/keys/{id}/policy`: gives a key another policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetKeyPolicy {
    /// What it may do: `"full"`, `"read-only"`, or a policy document.
    pub policy: KeyPolicy,
}

/// The answer to [`CreateKey`]: the only time the secret is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key.
    pub key: Key,
    /// Its secret half.
    pub secret_access_key: Secret,
}

/// An access key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The public half.
    pub access_key_id: String,
    /// The account it acts for.
    pub account: AccountId,
    /// What people call it; may be empty.
    pub name: String,
    /// What it may do: `"full"`, `"read-only"`, or a policy document.
    pub policy: KeyPolicy,
    /// Actions in its policy that begin with `chime:` and name no operation of this API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_actions: Vec<String>,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
}

/// `GET /operator/keys[?account=]`: every key, or one account's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// In order of their ids.
    pub keys: Vec<Key>,
}

/// The answer to `POST /operator/seal/rotate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRotation {
    /// The id of the key that seals every secret now, as the seal key file has it.
    pub key: String,
    /// Secrets that were sealed anew.
    pub resealed: u64,
    /// Whether a rotation that had been cut short was finished, instead of a new key being made.
    pub resumed: bool,
}

// Trials.

/// `GET /operator/route-test`: what would become of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTest {
    /// Which way it would go.
    pub direction: Direction,
    /// Why it would be refused; absent if it would be let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RouteRefusal>,
    /// Every decision, in the order they are taken; then the places that would be asked.
    pub decisions: Vec<Decision>,
}

/// Why a call would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRefusal {
    /// The reason's stable name.
    pub reason: String,
    /// The SIP status of the answer.
    pub sip_status: u16,
    /// Its reason phrase.
    pub status_message: String,
}

// Numbers.

/// `POST /operator/numbers`: adds numbers to the inventory, all of them or none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddNumbers {
    /// Single numbers, E.164.
    pub numbers: Vec<String>,
    /// Blocks of consecutive numbers.
    pub ranges: Vec<NumberRange>,
    /// Owned by this account at once; free to be ordered when absent.
    pub account: Option<AccountId>,
}

/// Consecutive numbers, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberRange {
    /// The first number, E.164.
    pub first: String,
    /// The last number, E.164, of the same length.
    pub last: String,
}

/// The answer to [`AddNumbers`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedNumbers {
    /// Numbers that were not in the inventory before.
    pub added: u64,
    /// Free numbers of the inventory that the account owns now.
    pub assigned: u64,
    /// Numbers that were already as asked.
    pub unchanged: u64,
}

/// A number of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// E.164.
    pub number: String,
    /// Who owns it; absent while it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// When it came into the inventory.
    pub added: Timestamp,
}

/// `GET /operator/numbers[?account=|free=true][&prefix=][&max-results=][&next-token=]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberList {
    /// In the order of their text.
    pub numbers: Vec<Number>,
    /// Asks for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

// Calls.

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallState {
    /// Let in, not answered yet.
    Ringing,
    /// Answered, and going on.
    Answered,
    /// Answered, and ended.
    Completed,
    /// Let in, but never answered.
    Failed,
    /// Not let in.
    Rejected,
}

/// One call, going on or ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The service's identifier.
    pub transaction_id: String,
    /// The Call-ID of the leg that came in.
    pub call_id: String,
    /// The Call-ID of the leg that went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_call_id: Option<String>,
    /// The Call-IDs of the legs that went out before it, to gateways that did not take the call, and
    /// of those that wanted the place of a leg.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempt_call_ids: Vec<String>,
    /// Where it stands.
    pub state: CallState,
    /// Which way it went.
    pub direction: Direction,
    /// The owner of the connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// The caller as presented.
    pub from: String,
    /// The called party.
    pub to: String,
    /// The address and port that the INVITE came from.
    pub source: String,
    /// The digest user, if the call was authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip_user: Option<String>,
    /// The carrier that took the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The stable name of the reason it ended; empty while it goes on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The reason as a sentence; empty while it goes on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status_message: String,
    /// The final SIP status of the leg that came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip_status: Option<u16>,
    /// When the INVITE came.
    pub started: Timestamp,
    /// When the call was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Milliseconds from answer to end, or to now.
    pub duration_ms: u64,
    /// What was heard from each side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<LegQuality>,
    /// Every decision in the order it was taken. Told by `explain` only; lists leave it empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

impl From<CallRecord> for Call {
    fn from(record: CallRecord) -> Self {
        Self {
            duration_ms: record.duration_ms(),
            transaction_id: record.transaction_id.to_string(),
            call_id: record.call_id,
            peer_call_id: record.peer_call_id,
            attempt_call_ids: record.attempt_call_ids,
            state: match record.status {
                CallStatus::Completed => CallState::Completed,
                CallStatus::Failed => CallState::Failed,
                CallStatus::Rejected => CallState::Rejected,
            },
            direction: record.direction,
            account: record.account,
            connector: record.connector.map(|it| it.to_string()),
            from: record.from,
            to: record.to,
            source: record.source,
            sip_user: record.sip_user,
            carrier: record.carrier,
            reason: record.reason,
            status_message: record.status_message,
            sip_status: record.sip_status,
            started: timestamp(record.started),
            answered: record.answered.map(timestamp),
            ended: Some(timestamp(record.ended)),
            quality: record.quality,
            decisions: record.decisions,
        }
    }
}

/// `GET /operator/calls[?state=live|ended][&account=][&connector=][&direction=][&from=][&to=][&since=]
/// [&until=][&max-results=][&next-token=]`: live calls first, then ended ones, newest first.
///
/// `max-results` counts ended calls; the live ones all stand on the first page. A page may be shorter
/// than asked for and still have a next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallList {
    /// The calls.
    pub calls: Vec<Call>,
    /// Asks for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

// Traces.

/// `GET /operator/trace?call=`: a call's messages, as far as they are still in memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The call; absent if the Call-ID belongs to none, as that of an OPTIONS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// Its messages, oldest first.
    pub messages: Vec<TraceMessage>,
    /// When the oldest message of all that are kept came or left; earlier ones are gone. Absent if
    /// none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// One SIP message. Digest responses and media keys in it are overwritten with `x`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceMessage {
    /// When it came or left.
    pub at: Timestamp,
    /// The same in microseconds since 1970.
    pub at_us: u64,
    /// Which way it went.
    pub way: Way,
    /// `UDP`, `TCP` or `TLS`.
    pub transport: String,
    /// Our address and port.
    pub local: String,
    /// The peer's address and port.
    pub remote: String,
    /// The Call-ID.
    pub call_id: String,
    /// The whole message, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The whole message in hexadecimal digits, if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It came to us.
    Received,
    /// We sent it.
    Sent,
}

// The service.

/// `GET /operator/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The release.
    pub version: String,
    /// When this process became ready.
    pub started: Timestamp,
    /// The time here, to compare clocks with.
    pub now: Timestamp,
    /// The account of the key that asked.
    pub account: AccountId,
    /// The last change of durable state.
    pub revision: u64,
    /// What is bound where.
    pub listeners: Vec<Listener>,
    /// Whether the built-in simulated carrier takes calls.
    pub simulated_carrier: bool,
    /// Calls that go on now.
    pub calls_live: u64,
}

/// One bound address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// `http`, `admin`, `sip_udp`, `sip_tcp`, `sip_tls`.
    pub name: String,
    /// Address and port.
    pub address: String,
}

// Backups.

/// A backup that is being made or waits to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name in paths.
    pub id: String,
    /// Where it stands.
    pub state: BackupState,
    /// What is being done: `waiting`, `copying` or `writing`.
    pub stage: String,
    /// Bytes of that stage that are done.
    pub done_bytes: u64,
    /// Bytes of that stage in all, roughly; 0 if that is not known yet.
    pub total_bytes: u64,
    /// Bytes of the file, once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The last change that is in it, once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Where a backup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupState {
    /// It is being made.
    Making,
    /// It can be fetched.
    Ready,
    /// It was not made.
    Failed,
}
