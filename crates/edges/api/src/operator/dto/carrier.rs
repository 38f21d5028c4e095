//! Carriers on the wire, and the places that calls go to.

use chime_api::Timestamp;
use model::{
    CalledNumber, CarrierLookup, CarrierTransport, Probing, Redirects, Secret, SrtpPolicy,
};
use serde::{Deserialize, Serialize};

/// `POST /operator/carriers`: adds an upstream gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddCarrier {
    /// 1–64 of `[a-z0-9-]`.
    pub name: String,
    /// A host name or an IP address that calls out are sent to.
    pub host: String,
    /// The port there. Without one, a host name's SRV records are asked for it (RFC 3263 §4.2), and
    /// the transport's own port is taken if there are none.
    #[serde(default)]
    pub port: Option<u16>,
    /// The transport there. Without it and without a port, a host name's NAPTR records choose
    /// (RFC 3263 §4.1); UDP if there are none.
    #[serde(default)]
    pub transport: Option<CarrierTransport>,
    /// How TLS is spoken there.
    #[serde(default)]
    pub tls: AddCarrierTls,
    /// Whether its media is encrypted: `never`, `offer` (keys beside media in clear, and either is
    /// taken) or `require`.
    #[serde(default)]
    pub srtp: SrtpPolicy,
    /// 1–100; 1 is tried first.
    #[serde(default = "AddCarrier::default_rank")]
    pub priority: u8,
    /// 1–100; the share among carriers of equal priority.
    #[serde(default = "AddCarrier::default_rank")]
    pub weight: u8,
    /// What its digest challenges are answered with; needs `password`.
    #[serde(default)]
    pub username: Option<String>,
    /// Write-only.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Networks in CIDR notation that its calls in come from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The digest user that it is when its calls come from anywhere else; needs `inbound_password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_username: Option<String>,
    /// Write-only, and not kept: what is kept are keys for the realm that the answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_password: Option<Secret>,
    /// What becomes of its redirections (3xx): `refuse` (the next route is asked) or `follow`, to
    /// carriers that were added and numbers that may be called.
    #[serde(default)]
    pub redirects: Redirects,
    /// Where its calls in name the called number: `request-uri` (the default), `to` or
    /// `p-called-party-id`.
    #[serde(default)]
    pub called_number: CalledNumber,
    /// `off` for a carrier that must not be asked by OPTIONS.
    #[serde(default)]
    pub probing: Probing,
}

/// SIP over TLS toward a carrier that is added.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddCarrierTls {
    /// The name sent in the handshake and looked for in the carrier's certificate; the host if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// PEM: the authorities believed instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// The SHA-256 fingerprint of the one certificate that is believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Believes any certificate at all. Nothing is known then of who is there: for tests.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// PEM: the chain that is shown to a carrier that asks for one; needs `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// PEM: its private key. Write-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

/// SIP over TLS toward a carrier, without the private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierTls {
    /// The name looked for in the carrier's certificate.
    pub server_name: String,
    /// Which certificates are believed: `system`, `authorities`, `pin` or `anything`.
    pub trust: String,
    /// The fingerprint of the one certificate that is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// The fingerprint of the certificate that we show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl AddCarrier {
    /// First, and of equal share.
    const fn default_rank() -> u8 {
        1
    }
}

/// A carrier without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Its name.
    pub name: String,
    /// Where calls out are sent.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// The transport there.
    pub transport: CarrierTransport,
    /// What the name servers are asked for: `address` (the port is given), `services` (SRV) or
    /// `everything` (NAPTR, then SRV).
    #[serde(default)]
    pub lookup: CarrierLookup,
    /// TLS there, if that is what is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<CarrierTls>,
    /// Whether its media is encrypted: `never`, `offer` or `require`.
    #[serde(default)]
    pub srtp: SrtpPolicy,
    /// 1–100; 1 is tried first.
    pub priority: u8,
    /// 1–100; the share among carriers of equal priority.
    pub weight: u8,
    /// The digest user, if it challenges. The password is never told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Networks that its calls in come from.
    pub sources: Vec<String>,
    /// The digest user that it is when its calls come from anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_username: Option<String>,
    /// The realm that this user is challenged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound_realm: Option<String>,
    /// What becomes of its redirections: `refuse` or `follow`.
    #[serde(default)]
    pub redirects: Redirects,
    /// Where its calls in name the called number: `request-uri`, `to` or `p-called-party-id`.
    #[serde(default)]
    pub called_number: CalledNumber,
    /// Whether it is asked by OPTIONS if it is there: `on`, as the service is set, or `off`.
    #[serde(default)]
    pub probing: Probing,
    /// When it was added.
    pub added: Timestamp,
}

/// `GET /operator/carriers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierList {
    /// In the order of their names.
    pub carriers: Vec<Carrier>,
}

/// `GET /operator/peers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerList {
    /// Carriers' and routes' addresses that were asked or have failed, by transport and address.
    pub peers: Vec<Peer>,
}

/// One address that calls go to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Address and port.
    pub address: String,
    /// The carriers that it belongs to; none: a route's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carriers: Vec<String>,
    /// Whether it answers.
    pub state: PeerState,
    /// Since when it is so.
    pub since: Timestamp,
    /// Failures in a row.
    pub failures: u32,
    /// When it last answered anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// When it last failed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Timestamp>,
    /// When it is asked again by OPTIONS; while it is down and nothing is asked by OPTIONS, from when
    /// on a call tries it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
    /// How long its last answer to OPTIONS took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<f64>,
}

/// Whether an address answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// It does, or nothing else is known.
    Up,
    /// It does not: calls go there only when nothing else is left.
    Down,
}
