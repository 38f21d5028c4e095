//! Tags on resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Resource};

/// One tag. The API admits keys of 1–128 and values of 0–256 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// All tags of one resource, ordered by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// The resource's owner.
    pub account: AccountId,
    /// The resource's ARN.
    pub arn: String,
    /// Values by key.
    pub values: BTreeMap<String, String>,
}

impl Tags {
    /// The most tags one resource may carry.
    pub const COUNT_MAX: usize = 50;
}

impl Resource for Tags {
    const KIND: Kind = Kind::Tags;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.arn.clone()
    }
}
