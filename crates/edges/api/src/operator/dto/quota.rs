//! Quotas on the wire.

use model::AccountId;
use serde::{Deserialize, Serialize};

/// `PUT /operator/quotas/{quota}`: sets a quota of one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// Whose.
    pub account: AccountId,
    /// Its value, at most [`model::Quota::VALUE_MAX`].
    pub value: u64,
}

/// A quota of one account, or of every account for which nothing was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountQuota {
    /// Its name in commands.
    pub quota: String,
    /// Its name at AWS, or one like it.
    pub name: String,
    /// Whose; absent: of every account for which nothing was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// What counts.
    pub value: u64,
    /// What counts where nothing was set.
    pub installation: u64,
}

/// `GET /operator/quotas[?account=]`: every quota of one account; or those of the installation, and
/// after them what was set for accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaList {
    /// By account.
    pub quotas: Vec<AccountQuota>,
}
