//! The audit on the wire.

use chime_api::Timestamp;
use model::{AccountId, AuditOutcome, AuditRecord};
use serde::{Deserialize, Serialize};

use super::timestamp;

/// `GET /operator/audit`: requests that would change something, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The records; there may be few, or none, although another page follows.
    pub records: Vec<AuditEntry>,
    /// What asks for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One such request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it came.
    pub time: Timestamp,
    /// The id that its answer named.
    pub request_id: String,
    /// The account whose key signed it; absent if no key did.
    pub account: Option<AccountId>,
    /// The key that signed it, or that it claims to be signed by.
    pub access_key_id: Option<String>,
    /// `chime:CreateVoiceConnector`, `trunkline:CreateKeys`.
    pub action: String,
    /// What it is about: `vc/…`, `phone-number/…`, `keys/…`.
    pub resources: Vec<String>,
    /// Where the connection came from.
    pub source: std::net::IpAddr,
    /// `done`, `refused` or `failed`.
    pub outcome: AuditOutcome,
    /// The HTTP status of its answer.
    pub status: u16,
    /// The name of the error, if it was one.
    pub error: Option<String>,
}

impl From<AuditRecord> for AuditEntry {
    fn from(record: AuditRecord) -> Self {
        Self {
            time: timestamp(record.at),
            request_id: record.request_id.to_string(),
            outcome: record.outcome(),
            account: record.account,
            access_key_id: record.key,
            action: record.action,
            resources: record.resources,
            source: record.source,
            status: record.status,
            error: record.error,
        }
    }
}
