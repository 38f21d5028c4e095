//! Carriers: the upstream SIP gateways that calls out go to and calls in come from.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
use crate::{AccountId, Kind, Refused, Resource, Secret, UnixMillis};

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
}

/// What we answer a carrier's digest challenge with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierCredential {
    /// The user name.
    pub username: String,
    /// The password: a carrier's realm is not known before its challenge, so no key can be derived.
    pub password: Secret,
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
    /// 1–100; 1 is tried first.
    pub priority: u8,
    /// 1–100; the share among carriers of equal priority.
    pub weight: u8,
    /// What its challenges are answered with, if it challenges.
    pub credential: Option<CarrierCredential>,
    /// Networks that its calls in come from.
    pub sources: Vec<IpNet>,
    /// When it was added.
    pub added: UnixMillis,
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
