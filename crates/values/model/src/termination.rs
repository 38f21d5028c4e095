//! Termination: what a connector lets out, customer → PSTN.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{AccountId, E164Number, Kind, Resource, UnixMillis, VoiceConnectorId};

/// The rules for calls out of one Voice Connector. A put replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// Calls admitted per second.
    pub cps_limit: NonZeroU32,
    /// Presented instead of the caller's own number, when set.
    pub default_phone_number: Option<E164Number>,
    /// ISO 3166-1 alpha-2 codes of the countries that may be called; never empty.
    pub calling_regions: Vec<String>,
    /// Source networks that calls may come from. Empty: any source, if there are credentials.
    pub cidr_allowed_list: Vec<IpNet>,
    /// True while calls out are switched off.
    pub disabled: bool,
}

impl Resource for Termination {
    const KIND: Kind = Kind::Termination;

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

/// The last SIP OPTIONS that a connector answered for an allowed source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminationHealth {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// When the OPTIONS came.
    pub timestamp: UnixMillis,
    /// The address it came from.
    pub source: IpAddr,
}

impl Resource for TerminationHealth {
    const KIND: Kind = Kind::TerminationHealth;

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
