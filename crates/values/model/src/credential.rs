//! SIP users of a connector, as digest keys. The password itself is never kept.

use std::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512_256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{AccountId, Kind, Refused, Resource, Secret, VoiceConnectorId};

/// A SIP user name: 1–256 characters of printable US-ASCII without `"`, `\` and `:`.
///
/// The colon would make `user:realm:password` ambiguous (RFC 7616 §3.4.2); the other two would need
/// escaping in a quoted string, which user agents are known to get wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(Box<str>);

impl Username {
    /// The longest user name, in characters.
    pub const CHARS_MAX: usize = 256;

    /// Reads a user name.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let plain = |b: u8| (b' '..=b'~').contains(&b) && !matches!(b, b'"' | b'\\' | b':');
        if text.is_empty() || text.len() > Self::CHARS_MAX || !text.bytes().all(plain) {
            return Err(Refused::new(
                "user name",
                text,
                "a user name is 1 to 256 printable US-ASCII characters other than \" \\ and :",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// H(user:realm:password) under one algorithm: as good as the password within its realm.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DigestKey<const N: usize>(#[serde(with = "hex_bytes")] [u8; N]);

impl<const N: usize> DigestKey<N> {
    /// Wraps a key that was derived elsewhere.
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
    /// The raw hash. Digest formulas want it in lower-case hex.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for DigestKey<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

/// One user's keys for every algorithm that the service can challenge with (RFC 8760 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestKeys {
    /// MD5, RFC 2617 §3.2.2.2.
    pub md5: DigestKey<16>,
    /// SHA-256, RFC 7616 §3.4.2.
    pub sha256: DigestKey<32>,
    /// SHA-512/256, RFC 7616 §3.4.2.
    pub sha512_256: DigestKey<32>,
}

impl DigestKeys {
    /// Derives the keys of `username` in `realm`. The password is wiped when it drops here.
    pub fn derive(username: &str, realm: &str, password: Secret) -> Self {
        fn hash<D: Digest>(parts: [&str; 3]) -> D {
            let mut hasher = D::new();
            for (at, part) in parts.into_iter().enumerate() {
                if at > 0 {
                    hasher.update(b":");
                }
                hasher.update(part);
            }
            hasher
        }
        let parts = [username, realm, password.expose()];
        Self {
            md5: DigestKey(hash::<Md5>(parts).finalize().into()),
            sha256: DigestKey(hash::<Sha256>(parts).finalize().into()),
            sha512_256: DigestKey(hash::<Sha512_256>(parts).finalize().into()),
        }
    }
}

/// A user that may place calls through a Voice Connector. Sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipUser {
    /// The connector's owner.
    pub account: AccountId,
    /// The connector it belongs to.
    pub connector: VoiceConnectorId,
    /// The user's name.
    pub username: Username,
    /// The user's keys in the connector's realm.
    pub keys: DigestKeys,
}

impl SipUser {
    /// The most users one connector may have.
    pub const COUNT_MAX: usize = 10;

    /// The key of the user of this name.
    pub fn key_of(connector: &VoiceConnectorId, username: &str) -> String {
        format!("{connector}/{username}")
    }
}

impl Resource for SipUser {
    const KIND: Kind = Kind::SipUser;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::key_of(&self.connector, self.username.as_str())
    }
    fn parent(&self) -> String {
        self.connector.to_string()
    }
}

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let text: Zeroizing<String> = Zeroizing::new(
            bytes
                .iter()
                .flat_map(|b| [b >> 4, b & 15])
                .map(|d| char::from(DIGITS[usize::from(d)]))
                .collect(),
        );
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = [0; N];
        if text.len() != 2 * N || !text.is_ascii() {
            return Err(D::Error::custom("a digest key has two hex digits per byte"));
        }
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(D::Error::custom)?;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_rfc_7616_example() {
        let keys = DigestKeys::derive(
            "Mufasa",
            "http-auth@example.org",
            Secret::new("Circle of Life".into()),
        );
        let json = serde_json::to_value(&keys).unwrap();
        assert_eq!(json["md5"], "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            json["sha256"],
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
        assert_eq!(serde_json::from_value::<DigestKeys>(json).unwrap(), keys);
    }

    #[test]
    fn a_user_name_that_would_be_ambiguous_in_a_digest_is_refused() {
        for bad in ["", "a:b", "a\"b", "a\\b", "tab\t", "é", &"x".repeat(257)] {
            assert!(Username::parse(bad).is_err(), "{bad}");
        }
        assert!(Username::parse("pbx 1@example").is_ok());
    }

    #[test]
    fn digest_keys_do_not_show_in_debug_output() {
        let keys = DigestKeys::derive("u", "r", Secret::new("p".into()));
        assert_eq!(format!("{:?}", keys.md5), "DigestKey(…)");
    }
}
