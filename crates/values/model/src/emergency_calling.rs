//! Emergency calling: which number an emergency call of a country is sent to.

use serde::{Deserialize, Serialize};

use crate::{AccountId, E164Number, Kind, Resource, VoiceConnectorId};

/// The emergency routing numbers of one Voice Connector. A put replaces all of them.
///
/// It exists only beside a termination and an origination that are both enabled: help must be
/// reachable, and must be able to call back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyCalling {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// In the order they were given, no country twice; never empty.
    pub numbers: Vec<EmergencyNumber>,
}

/// Where the emergency calls of one country go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyNumber {
    /// The number of the emergency service's operator.
    pub emergency: E164Number,
    /// The number of its test line.
    pub test: Option<E164Number>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

impl Resource for EmergencyCalling {
    const KIND: Kind = Kind::EmergencyCalling;

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
