//! Access keys: what signs requests to the API.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::serde_by_text;
use crate::policy::{Kept, Policy};
use crate::{AccountId, Kind, Refused, Resource, Secret, UnixMillis};

/// The public half of an access key: 16–128 of `[A-Z0-9]`, `AKIA…` when made here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKeyId(Box<str>);

impl AccessKeyId {
    /// Reads an access key id.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(1..=128).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(Refused::new(
                "access key id",
                text,
                "an access key id is 1 to 128 letters, digits or underscores",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
serde_by_text!(AccessKeyId);

/// A key that signs requests for an account. Sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The account it acts for.
    pub account: AccountId,
    /// What people call it, at most [`AccessKey::NAME_CHARS_MAX`] characters; may be empty, need not
    /// be unique.
    #[serde(default)]
    pub name: String,
    /// The secret half; Signature Version 4 needs it back in clear.
    pub secret: Secret,
    /// Whether it may be used.
    pub status: KeyStatus,
    /// What it may do.
    #[serde(deserialize_with = "KeyPolicy::kept")]
    pub policy: KeyPolicy,
    /// When it was made.
    pub created: UnixMillis,
}

impl AccessKey {
    /// The longest name of a key, in characters.
    pub const NAME_CHARS_MAX: usize = 64;
}

/// Whether a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyStatus {
    /// Requests signed by it are served.
    #[default]
    Enabled,
    /// Requests signed by it are refused until it is enabled again.
    Disabled,
}

/// What a key may do. On the wire and at rest: `"full"`, `"read-only"`, or a policy document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyPolicy {
    /// Everything in its account. A full key of [`AccountId::DEFAULT`], the operator's account, may
    /// use the operator's API as well.
    #[default]
    Full,
    /// Operations that read.
    ReadOnly,
    /// What a policy in IAM's language allows.
    Custom(Arc<Policy>),
}

impl KeyPolicy {
    const FULL: &str = "full";
    const READ_ONLY: &str = "read-only";

    /// Finds a built-in policy by its name.
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            Self::FULL => Some(Self::Full),
            Self::READ_ONLY => Some(Self::ReadOnly),
            _ => None,
        }
    }

    /// The policy in a word: `full`, `read-only` or `custom`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Full => Self::FULL,
            Self::ReadOnly => Self::READ_ONLY,
            Self::Custom(_) => "custom",
        }
    }

    /// Reads a policy out of a key that was stored.
    fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData::<Kept>))
    }
}

impl Serialize for KeyPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Full | Self::ReadOnly => serializer.serialize_str(self.name()),
            Self::Custom(policy) => policy.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for KeyPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData::<Policy>))
    }
}

/// Reads a name, or a document as a `P`.
struct Reader<P>(PhantomData<P>);

impl<'de, P: Deserialize<'de> + Into<Policy>> Visitor<'de> for Reader<P> {
    type Value = KeyPolicy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"full\", \"read-only\" or a policy document")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<KeyPolicy, E> {
        KeyPolicy::built_in(text)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyPolicy, A::Error> {
        let policy = P::deserialize(MapAccessDeserializer::new(map))?;
        Ok(KeyPolicy::Custom(Arc::new(policy.into())))
    }
}

impl Resource for AccessKey {
    const KIND: Kind = Kind::AccessKey;

    /// A key is looked up before its account is known, so keys live in no account's scope.
    fn account(&self) -> AccountId {
        AccountId::DEFAULT
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn parent(&self) -> String {
        self.account.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_name_or_a_document() {
        for text in [
            r#""full""#,
            r#""read-only""#,
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        ] {
            let policy: KeyPolicy = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        }
        for bad in [r#""all""#, "1", "[]", "{}", r#"{"Statement":[]}"#] {
            assert!(serde_json::from_str::<KeyPolicy>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn conditions_that_compare_nothing_are_refused_in_a_new_policy_and_hold_in_a_kept_one() {
        let here = crate::policy::Circumstances::example();
        for (condition, is_allowed) in [
            ("{}", true),
            (r#"{"StringEquals":{}}"#, true),
            (r#"{"StringEquals":{},"Bool":{"aws:SecureTransport":"true"}}"#, false),
        ] {
            let policy = format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
            );
            assert!(serde_json::from_str::<KeyPolicy>(&policy).is_err(), "{condition}");

            let key = format!(
                r#"{{"id":"AKIAOLD","account":"000000000000","secret":"s","status":"enabled",
                    "policy":{policy},"created":0}}"#
            );
            let key: AccessKey = serde_json::from_str(&key).unwrap();
            let KeyPolicy::Custom(policy) = key.policy else { panic!("it is a document") };
            let ruling = policy.decide("chime:ListVoiceConnectors", "*", &here);
            assert_eq!(ruling.is_allowed(), is_allowed, "{condition}");
        }
    }
}
