//! Carriers: the upstream SIP gateways that calls out go to and calls in come from.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
use crate::{AccountId, DigestKeys, Kind, Refused, Resource, Secret, UnixMillis, Username};

/// A carrier's name: 1–64 of `[a-z0-9-]`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CarrierName(Box<str>);

impl CarrierName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) || text.starts_with('-') {
            return Err(Refused::new(
                "carrier name",
                text,
                "a name is 1 to 64 characters of a-z, 0-9 and -, not beginning with -",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
serde_by_text!(CarrierName);

/// The transport toward a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierTransport {
    /// UDP.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// How the addresses behind a carrier's host name are found (RFC 3263 §4).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum CarrierLookup {
    /// By its A and AAAA records: the operator gave the port.
    #[default]
    Address,
    /// By its SRV records for the transport; without any, by A and AAAA at the transport's own port.
    Services,
    /// By its NAPTR records, which choose the transport too; without any, as [`Self::Services`] over
    /// the carrier's transport.
    Everything,
}

/// SIP over TLS toward a carrier: whom we expect there, and who we are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct CarrierTls {
    /// The name sent in the handshake (SNI) and looked for in the certificate; the host if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Which certificates are believed.
    #[serde(default)]
    pub trust: CarrierTrust,
    /// What we show when the carrier asks for a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<CarrierIdentity>,
}

/// Which certificates of a carrier are believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierTrust {
    /// Those that `sip.tls.ca`, or the system's authorities without it, vouch for.
    #[default]
    System,
    /// Those that these authorities vouch for: certificates in PEM form.
    Authorities(String),
    /// The one with this SHA-256 fingerprint, whoever vouches for it, until whenever.
    Pinned(Fingerprint),
    /// Every one. Nothing is known then of who is there: for tests.
    Anything,
}

/// A certificate of ours with its private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierIdentity {
    /// The chain in PEM form, our own certificate first.
    pub certificate: String,
    /// The private key in PEM form.
    pub key: Secret,
}

impl std::hash::Hash for CarrierIdentity {
    /// The key belongs to the certificate, so that alone tells identities apart.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.certificate.hash(state);
    }
}

/// SHA-256 over a certificate in DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Reads 64 hexadecimal digits, with or without the colons that `openssl x509 -fingerprint`
    /// writes between them.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refused = || {
            Refused::new(
                "fingerprint",
                text,
                "a fingerprint is SHA-256 in 64 hexadecimal digits, as `openssl x509 -noout \
                 -fingerprint -sha256` prints it",
            )
        };
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(refused());
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let value = |digit: u8| (digit as char).to_digit(16).map(|it| it as u8);
            let (Some(high), Some(low)) = (value(pair[0]), value(pair[1])) else {
                return Err(refused());
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    /// Lower-case digits without colons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
serde_by_text!(Fingerprint);

/// What we answer a carrier's digest challenge with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCredential {
    /// The user name.
    pub username: String,
    /// The password: a carrier's realm is not known before its challenge, so no key can be derived.
    pub password: Secret,
}

/// Who a carrier is when it calls in from an address that is not known to be its own: what it
/// answers our challenge with. The password is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierUser {
    /// The user name, which no other carrier has in this realm.
    pub username: Username,
    /// The realm of the challenge, fixed when the carrier was added.
    pub realm: String,
    /// The user's keys in that realm.
    pub keys: DigestKeys,
}

/// What becomes of a carrier's redirections (RFC 3261 §8.1.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redirects {
    /// They are the route's failure: the next one is asked.
    #[default]
    Refuse,
    /// The places it names are asked, as far as they are carriers that were added and the numbers
    /// may be called.
    Follow,
}

impl Redirects {
    /// The policy's name, as it is stored and written on command lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Follow => "follow",
        }
    }
}

/// Where a carrier's INVITE names the number that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalledNumber {
    /// The user part of the Request-URI; if that is no number, To.
    #[default]
    RequestUri,
    /// The user part of To: for carriers that put a trunk's name into the Request-URI.
    To,
    /// `P-Called-Party-ID` (RFC 7315 §4.2); if there is none, the Request-URI.
    PCalledPartyId,
}

/// Whether a peer is asked by OPTIONS if it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probing {
    /// As the service is set.
    #[default]
    On,
    /// Never: for peers that do not answer OPTIONS.
    Off,
}

/// Whether media to and from a carrier is encrypted, by keys in the session descriptions (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SrtpPolicy {
    /// Never: it is offered RTP/AVP, and its own RTP/SAVP is refused.
    #[default]
    Never,
    /// If it can: it is offered RTP/AVP with keys beside it, and either is taken.
    Offer,
    /// Always: it is offered RTP/SAVP, and media in clear is refused.
    Require,
}

impl SrtpPolicy {
    /// The policy's name, as it is stored and written on command lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Offer => "offer",
            Self::Require => "require",
        }
    }
}

/// One upstream gateway. Operator-wide: carriers belong to no account. Sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Its name.
    pub name: CarrierName,
    /// A host name or IP address that calls out are sent to.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// The transport there.
    pub transport: CarrierTransport,
    /// How its addresses are found if its host is a name.
    #[serde(default)]
    pub lookup: CarrierLookup,
    /// TLS there, if the transport is TLS or may become so.
    #[serde(default)]
    pub tls: CarrierTls,
    /// Whether its media is encrypted.
    #[serde(default)]
    pub srtp: SrtpPolicy,
    /// 1–100; 1 is tried first.
    pub priority: u8,
    /// 1–100; the share among carriers of equal priority.
    pub weight: u8,
    /// What its challenges are answered with, if it challenges.
    pub credential: Option<CarrierCredential>,
    /// Networks that its calls in come from, besides its own addresses.
    pub sources: Vec<IpNet>,
    /// Who it is when its calls come from anywhere else; `None`: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbound: Option<CarrierUser>,
    /// What becomes of its redirections.
    #[serde(default)]
    pub redirects: Redirects,
    /// Where its calls in name the number that was called.
    #[serde(default)]
    pub called_number: CalledNumber,
    /// Whether it is asked by OPTIONS if it is there.
    #[serde(default)]
    pub probing: Probing,
    /// When it was added.
    pub added: UnixMillis,
}

impl Carrier {
    /// A carrier at a host and port, with every other setting at its default: UDP, priority 1,
    /// weight 1, no credential, no sources.
    pub fn new(name: CarrierName, host: String, port: u16, added: UnixMillis) -> Self {
        Self {
            name,
            host,
            port,
            transport: CarrierTransport::default(),
            lookup: CarrierLookup::default(),
            tls: CarrierTls::default(),
            srtp: SrtpPolicy::default(),
            priority: 1,
            weight: 1,
            credential: None,
            sources: Vec::new(),
            inbound: None,
            redirects: Redirects::default(),
            called_number: CalledNumber::default(),
            probing: Probing::default(),
            added,
        }
    }
}

impl Resource for Carrier {
    const KIND: Kind = Kind::Carrier;

    fn account(&self) -> AccountId {
        AccountId::DEFAULT
    }
    fn key(&self) -> String {
        self.name.to_string()
    }
}
