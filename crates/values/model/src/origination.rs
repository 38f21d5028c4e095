//! Origination: where a connector's incoming calls go, PSTN → customer.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Resource, VoiceConnectorId};

/// The routes for calls into one Voice Connector. A put replaces all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origination {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// At most [`Origination::ROUTES_MAX`], in the order they were given.
    pub routes: Vec<Route>,
    /// True while calls in are switched off.
    pub disabled: bool,
}

impl Origination {
    /// The most routes one connector may have.
    pub const ROUTES_MAX: usize = 20;
}

/// One SIP host of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// A host name or an IP address.
    pub host: String,
    /// A port; 5060 when a request omits it. 0, which the API admits, is kept as given and dialled as
    /// 5060.
    pub port: u16,
    /// The transport toward the host.
    pub protocol: RouteProtocol,
    /// 1–100; 1 is tried first.
    pub priority: u8,
    /// 1–100; the share among routes of equal priority.
    pub weight: u8,
}

/// The API's `OriginationRouteProtocol`. On an encrypted connector `TCP` means TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RouteProtocol {
    /// TCP, or TLS on an encrypted connector.
    Tcp,
    /// UDP.
    Udp,
}

impl Resource for Origination {
    const KIND: Kind = Kind::Origination;

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
