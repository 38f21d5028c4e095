//! Audit records: who asked for which change, from where, and what came of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, TransactionId, UnixMillis};

/// One request that would change something, done or refused. It holds no body and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The request's id, as its answer names it (`x-amzn-RequestId`).
    pub request_id: TransactionId,
    /// When it came.
    pub at: UnixMillis,
    /// The account whose key signed it; `None` if no key did, so that everything else but `source` is
    /// a stranger's word.
    pub account: Option<AccountId>,
    /// The key that signed it, or that it claims to be signed by.
    pub key: Option<String>,
    /// `chime:CreateVoiceConnector`, or of the operator API `trunkline:CreateKeys`.
    pub action: String,
    /// What it is about: `vc/abc…`, `phone-number/+1206…`, `keys/AKIA…`. At most
    /// [`AuditRecord::RESOURCES_MAX`].
    pub resources: Vec<String>,
    /// Where the connection came from.
    pub source: IpAddr,
    /// The HTTP status of its answer.
    pub status: u16,
    /// The name of the error, if it was one: `ForbiddenException`.
    pub error: Option<String>,
}

impl AuditRecord {
    /// The most resources that one record names; a request may be about more.
    pub const RESOURCES_MAX: usize = 100;

    /// What came of the request.
    pub const fn outcome(&self) -> AuditOutcome {
        match self.status {
            ..400 => AuditOutcome::Done,
            400..500 => AuditOutcome::Refused,
            500.. => AuditOutcome::Failed,
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused for the caller's reasons.
    Refused,
    /// The service failed.
    Failed,
}

impl AuditOutcome {
    /// The outcome in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for AuditOutcome {
    type Err = crate::Refused;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| {
                crate::Refused::new("outcome", text, "an outcome is done, refused or failed")
            })
    }
}
