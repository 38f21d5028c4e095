//! Access keys: what signs requests to the API.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::serde_by_text;
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

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPolicy {
    /// Everything in its account. A full key of [`AccountId::DEFAULT`], the operator's account, may
    /// use the operator's API as well.
    #[default]
    Full,
    /// Operations that read.
    ReadOnly,
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
