//! Call records: what happened to one call, and why.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{AccountId, TransactionId, UnixMillis, VoiceConnectorId};

/// One per call attempt that reached a Voice Connector, written when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The service's identifier of the call.
    pub transaction_id: TransactionId,
    /// The Call-ID of the leg that came in.
    pub call_id: String,
    /// The Call-ID of the leg that went out, if one did.
    pub peer_call_id: Option<String>,
    /// The Call-IDs of the INVITEs that went out before it, to gateways that did not take the call, and
    /// of those that came and wanted the place of a leg.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempt_call_ids: Vec<String>,
    /// The owner of the connector; `None` if no connector was recognised.
    pub account: Option<AccountId>,
    /// The connector; `None` if the INVITE named none that exists.
    pub connector: Option<VoiceConnectorId>,
    /// Which way the call went.
    pub direction: Direction,
    /// How it ended.
    pub status: CallStatus,
    /// The stable name of the reason it ended: `completed`, `caller-id-not-owned`, `busy`, …
    pub reason: String,
    /// The reason as a sentence: the SIP reason phrase where one was sent.
    pub status_message: String,
    /// The final SIP status of the leg that came in.
    pub sip_status: Option<u16>,
    /// The digest user, if the call was authenticated.
    pub sip_user: Option<String>,
    /// The caller as presented: E.164, or the raw user part.
    pub from: String,
    /// The called party: E.164, or the raw user part.
    pub to: String,
    /// The address and port that the INVITE came from.
    pub source: String,
    /// The carrier that took the call, if one did.
    pub carrier: Option<String>,
    /// When the INVITE came.
    pub started: UnixMillis,
    /// When the call was answered.
    pub answered: Option<UnixMillis>,
    /// When it ended.
    pub ended: UnixMillis,
    /// Every decision, in the order they were taken.
    pub decisions: Vec<Decision>,
    /// What was heard from the caller's side and from the called side.
    pub quality: Vec<LegQuality>,
}

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// PSTN → customer.
    Inbound,
    /// Customer → PSTN.
    Outbound,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallStatus {
    /// It was answered, and ended.
    Completed,
    /// It was let in, but never answered.
    Failed,
    /// It was not let in.
    Rejected,
}

/// One question that was asked about a call, and its answer. Most of its words are the same for
/// every call, so they are borrowed where they can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The rule's stable name: `source-address`, `digest`, `caller-id`, …
    pub rule: Cow<'static, str>,
    /// What came of it.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: Cow<'static, str>,
    /// What the rule wants.
    pub expected: Cow<'static, str>,
    /// What the operator or caller can do about it; empty on a pass.
    pub remedy: Cow<'static, str>,
}

/// The outcome of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The call may go on.
    Pass,
    /// The caller was asked for credentials.
    Challenge,
    /// The call ends here.
    Refuse,
    /// Noted; decides nothing.
    Note,
}

/// What one side sent, as it arrived here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegQuality {
    /// `caller` or `called`.
    pub leg: String,
    /// RTP packets that came.
    pub packets: u64,
    /// Payload and header bytes that came.
    pub bytes: u64,
    /// Packets lost, by RFC 3550 §A.3.
    pub lost: u64,
    /// Interarrival jitter in microseconds, by RFC 3550 §A.8.
    pub jitter_us: u64,
    /// Round-trip time in microseconds, when RTCP told it.
    pub rtt_us: Option<u64>,
    /// Estimated mean opinion score, 1.0–4.4; `None` if nothing came.
    pub mos: Option<f32>,
}

impl CallRecord {
    /// Time from answer to end in milliseconds; zero if never answered.
    pub fn duration_ms(&self) -> u64 {
        self.answered.map_or(0, |answered| self.ended.since(answered))
    }
}
