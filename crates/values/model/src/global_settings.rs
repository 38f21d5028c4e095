//! What an account has chosen for all of its connectors.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Resource};

/// An account's settings for Voice Connectors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalSettings {
    /// The account.
    pub account: AccountId,
    /// The bucket that call detail records go to.
    pub cdr_bucket: String,
}

impl GlobalSettings {
    /// The one key of an account's settings.
    pub const KEY: &'static str = "settings";
}

impl Resource for GlobalSettings {
    const KIND: Kind = Kind::GlobalSettings;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::KEY.into()
    }
}
