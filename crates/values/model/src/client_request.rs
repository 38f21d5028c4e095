//! Requests that may be repeated: the client's own token tells a repetition from a new request.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Resource, UnixMillis};

/// What a request with a `ClientRequestToken` made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRequest {
    /// Who asked.
    pub account: AccountId,
    /// The operation's name.
    pub operation: String,
    /// The client's token.
    pub token: String,
    /// A digest of all that was asked, so that a token is not taken for two requests.
    pub fingerprint: String,
    /// The key of what was made.
    pub made: String,
    /// When.
    pub at: UnixMillis,
}

impl ClientRequest {
    /// How long a token is remembered, in milliseconds: 24 hours.
    pub const LIFETIME_MS: u64 = 86_400_000;

    /// The key of a token.
    pub fn key_of(operation: &str, token: &str) -> String {
        format!("{operation}/{token}")
    }
}

impl Resource for ClientRequest {
    const KIND: Kind = Kind::ClientRequest;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::key_of(&self.operation, &self.token)
    }
}
