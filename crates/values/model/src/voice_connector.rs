//! Voice Connectors: a trunk, named by its outbound host.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Arn, Kind, Region, Resource, UnixMillis, VoiceConnectorId};

/// A trunk between a customer's SIP infrastructure and the carriers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceConnector {
    /// Its identifier.
    pub id: VoiceConnectorId,
    /// Its owner.
    pub account: AccountId,
    /// The region it was created in; never changes.
    pub region: Region,
    /// A name of 1–256 characters of `[a-zA-Z0-9 _.-]`; need not be unique.
    pub name: String,
    /// Whether TLS and SRTP are required.
    pub require_encryption: bool,
    /// `{id}.{sip.domain}` of the day it was created; also its digest realm. Never changes.
    pub outbound_host_name: String,
    /// Which Amazon Connect integration it belongs to, if any; never changes.
    pub integration_type: Option<IntegrationType>,
    /// Address families; never changes.
    pub network_type: NetworkType,
    /// When it was created.
    pub created: UnixMillis,
    /// When it was last updated.
    pub updated: UnixMillis,
}

/// The API's `VoiceConnectorIntegrationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IntegrationType {
    /// Amazon Connect external voice transfer.
    ConnectCallTransferConnector,
    /// Amazon Connect analytics.
    ConnectAnalyticsConnector,
}

/// The API's `NetworkType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NetworkType {
    /// IPv4 only: the default when a request omits it.
    #[default]
    Ipv4Only,
    /// IPv4 and IPv6.
    DualStack,
}

impl VoiceConnector {
    /// `arn:aws:chime:{region}:{account}:vc/{id}`.
    pub fn arn(&self) -> Arn {
        Arn {
            region: self.region,
            account: self.account,
            kind: Arn::VOICE_CONNECTOR.into(),
            id: self.id.to_string(),
        }
    }
}

impl Resource for VoiceConnector {
    const KIND: Kind = Kind::VoiceConnector;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
}
