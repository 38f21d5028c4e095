//! Identifiers, each with its own type so that none can stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Refused;

/// Twelve decimal digits: the owner of everything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account of a fresh installation.
    pub const DEFAULT: Self = Self(*b"000000000000");

    /// Reads exactly twelve digits.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        <[u8; 12]>::try_from(text.as_bytes())
            .ok()
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .map(Self)
            .ok_or_else(|| Refused::new("account", text, "an account is exactly 12 digits"))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an AccountId holds ASCII digits")
    }
}

/// The identifier of a Voice Connector: 22 of `[a-z0-9]`, or what the service's pattern also admits
/// (21 characters, or a lower-case UUID).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VoiceConnectorId(Box<str>);

impl VoiceConnectorId {
    /// Length of the identifiers that this service makes.
    pub const LENGTH: usize = 22;

    /// Reads an identifier by the service's pattern.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let short = matches!(text.len(), 21 | 22) && text.bytes().all(alphanumeric);
        if short || is_lower_uuid(text) {
            return Ok(Self(text.into()));
        }
        Err(Refused::new(
            "voice connector id",
            text,
            "an id is 21 or 22 characters of a-z and 0-9, or a lower-case UUID",
        ))
    }

    /// Makes a new identifier from 22 random bytes.
    ///
    /// The bias of reducing a byte modulo 36 costs about 0.1 bit per character; 113 bits remain.
    pub fn from_random(bytes: [u8; Self::LENGTH]) -> Self {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        Self(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 36)])).collect())
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identifier of a Voice Connector group, of the form of [`VoiceConnectorId`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VoiceConnectorGroupId(VoiceConnectorId);

impl VoiceConnectorGroupId {
    /// Reads an identifier of the form that this service makes.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        VoiceConnectorId::parse(text)
            .map(Self)
            .map_err(|it| Refused { what: "voice connector group id", ..it })
    }

    /// Makes a new identifier from 22 random bytes.
    pub fn from_random(bytes: [u8; VoiceConnectorId::LENGTH]) -> Self {
        Self(VoiceConnectorId::from_random(bytes))
    }

    /// The identifier's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

macro_rules! uuids {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Makes an identifier from 16 random bytes (RFC 9562 §5.4).
            pub const fn from_random(bytes: [u8; 16]) -> Self {
                Self(version_4(bytes))
            }

            /// Reads a UUID in its usual text form, in either case.
            pub fn parse(text: &str) -> Result<Self, Refused> {
                uuid_bytes(text).map(Self).ok_or_else(|| {
                    Refused::new($what, text, "an id is a UUID, 8-4-4-4-12 hex digits")
                })
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print_uuid(self.0, f)
            }
        }
    )+ };
}

uuids! {
    /// The service's own identifier of one call: a version 4 UUID.
    TransactionId = "transaction id";
    /// The identifier of a phone number order: a version 4 UUID.
    PhoneNumberOrderId = "phone number order id";
    /// The identifier of a proxy session: a version 4 UUID.
    ProxySessionId = "proxy session id";
    /// The identifier of a SIP media application: a version 4 UUID.
    SipMediaApplicationId = "SIP media application id";
    /// The identifier of a SIP rule: a version 4 UUID.
    SipRuleId = "SIP rule id";
    /// The identifier of a speaker search task: a version 4 UUID.
    SpeakerSearchTaskId = "speaker search task id";
    /// The identifier of a voice profile domain: a version 4 UUID.
    VoiceProfileDomainId = "voice profile domain id";
    /// The identifier of a voice tone analysis task: a version 4 UUID.
    VoiceToneAnalysisTaskId = "voice tone analysis task id";
}

/// The identifier of a voice profile: `vp-` and a version 4 UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VoiceProfileId([u8; 16]);

impl VoiceProfileId {
    const PREFIX: &str = "vp-";

    /// Makes an identifier from 16 random bytes (RFC 9562 §5.4).
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(version_4(bytes))
    }

    /// Reads `vp-` and a UUID in either case.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        text.strip_prefix(Self::PREFIX).and_then(uuid_bytes).map(Self).ok_or_else(|| {
            Refused::new("voice profile id", text, "an id is vp- and a UUID, 8-4-4-4-12 hex digits")
        })
    }
}

impl fmt::Display for VoiceProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        print_uuid(self.0, f)
    }
}

/// Marks random bytes as a version 4 UUID of the usual variant.
const fn version_4(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    if !is_lower_uuid(&text.to_ascii_lowercase()) {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16).map(u128::to_be_bytes).ok()
}

fn is_lower_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

fn print_uuid(bytes: [u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let it = u128::from_be_bytes(bytes);
    write!(
        f,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        it >> 96,
        it >> 80 & 0xffff,
        it >> 64 & 0xffff,
        it >> 48 & 0xffff,
        it & 0xffff_ffff_ffff
    )
}

macro_rules! text_form {
    ($($id:ty),+) => { $(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+ };
}
text_form!(AccountId, VoiceConnectorId, VoiceConnectorGroupId);

macro_rules! serde_by_text {
    ($($id:ty),+) => { $(
        impl TryFrom<String> for $id {
            type Error = Refused;
            fn try_from(text: String) -> Result<Self, Refused> {
                Self::parse(&text)
            }
        }
        impl From<$id> for String {
            fn from(it: $id) -> Self {
                it.to_string()
            }
        }
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
        impl std::str::FromStr for $id {
            type Err = Refused;
            fn from_str(text: &str) -> Result<Self, Refused> {
                Self::parse(text)
            }
        }
    )+ };
}
pub(crate) use serde_by_text;
serde_by_text!(
    AccountId,
    VoiceConnectorId,
    VoiceConnectorGroupId,
    TransactionId,
    PhoneNumberOrderId,
    ProxySessionId,
    SipMediaApplicationId,
    SipRuleId,
    SpeakerSearchTaskId,
    VoiceProfileDomainId,
    VoiceProfileId,
    VoiceToneAnalysisTaskId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_id_is_22_lower_case_alphanumerics_or_a_lower_case_uuid() {
        for good in [
            "dr3rbaar376u5r4ntcnlq4",
            "abcdefghijklmnopqrstu",
            "3e5b9f3a-2f4c-4e53-a9f1-5b7a6ad1a4f0",
        ] {
            assert_eq!(VoiceConnectorId::parse(good).map(|it| it.to_string()), Ok(good.into()));
        }
        for bad in
            ["", "DR3RBAAR376U5R4NTCNLQ4", "dr3rbaar376u5r4ntcnlq4x", "dr3rbaar376u5r4ntc/lq4"]
        {
            assert!(VoiceConnectorId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_connector_id_made_from_random_bytes_parses() {
        let made = VoiceConnectorId::from_random([255; 22]);
        assert_eq!(VoiceConnectorId::parse(made.as_str()), Ok(made.clone()));
        assert_eq!(made.as_str().len(), VoiceConnectorId::LENGTH);
    }

    #[test]
    fn a_transaction_id_prints_as_the_uuid_it_was_read_from() {
        let made = TransactionId::from_random([0xab; 16]);
        assert_eq!(made.to_string(), "abababab-abab-4bab-abab-abababababab");
        assert_eq!(TransactionId::parse(&made.to_string()), Ok(made));
        assert!(TransactionId::parse("abababab-abab-4bab-abab-ababababababab").is_err());
    }

    #[test]
    fn a_voice_profile_id_is_a_uuid_behind_its_prefix() {
        let made = VoiceProfileId::from_random([0xab; 16]);
        assert_eq!(made.to_string(), "vp-abababab-abab-4bab-abab-abababababab");
        assert_eq!(VoiceProfileId::parse(&made.to_string()), Ok(made));
        assert!(VoiceProfileId::parse("abababab-abab-4bab-abab-abababababab").is_err());
    }

    #[test]
    fn an_account_is_exactly_twelve_digits() {
        assert_eq!(AccountId::parse("000000000000"), Ok(AccountId::DEFAULT));
        for bad in ["", "00000000000", "0000000000000", "00000000000x"] {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }
}
