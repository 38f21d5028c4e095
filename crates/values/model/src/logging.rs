//! Logging: what of a connector's calls is written down.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Resource, VoiceConnectorId};

/// The logs of one Voice Connector; both are off until they are asked for. A put replaces both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// Whether SIP messages are logged.
    pub sip: bool,
    /// Whether media metrics are logged.
    pub media_metrics: bool,
}

impl Resource for Logging {
    const KIND: Kind = Kind::Logging;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.connector.to_string()
    }
    fn parent(&self) -> String {
        self.connector.to_string()
    }
}
