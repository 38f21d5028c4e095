//! How many of a thing an account has, without counting them each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{AccountId, VoiceConnector};
use store::{StoreError, Tx, TypedView as _};

use crate::error::{ApiError, ErrorKind};

/// Voice Connectors per account, counted once and then kept up to date.
///
/// The store's documents are the truth; this only saves counting a million of them for each new
/// one. It is asked on the writer's thread alone, and before it refuses, it counts anew.
#[derive(Debug, Default)]
pub(crate) struct VoiceConnectorCount(Mutex<HashMap<AccountId, u64>>);

impl VoiceConnectorCount {
    /// Makes room for one more within a transaction, or refuses.
    ///
    /// If the transaction fails afterwards, the caller [forgets](Self::forget) the count.
    pub(crate) fn admit(
        &self,
        tx: &dyn Tx,
        account: AccountId,
        quota: u64,
    ) -> Result<(), ApiError> {
        let count = || -> Result<u64, StoreError> { tx.count::<VoiceConnector>(&account, quota) };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut now = match counts.get(&account) {
            Some(known) if *known < quota => *known,
            Some(_) | None => count()?,
        };
        if now >= quota {
            counts.insert(account, now);
            return Err(ApiError::new(
                ErrorKind::ResourceLimitExceeded,
                format!(
                    "the quota \"Amazon Chime SDK Voice Connectors\" of this account is {quota}, and {now} exist; \
                     delete one, or have the operator raise api.voice_connectors_max"
                ),
            ));
        }
        now += 1;
        counts.insert(account, now);
        Ok(())
    }

    /// Forgets an account's count after a deletion or a failed transaction; the next creation counts.
    pub(crate) fn forget(&self, account: AccountId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }

    /// One less, within a transaction that deletes.
    pub(crate) fn release(&self, account: AccountId) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&account) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Refuses one more of what is counted cheaply. `quota` is the quota's name at AWS, or a like one.
pub(crate) fn admit(quota: &str, now: u64, max: u64) -> Result<(), ApiError> {
    if now < max {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::ResourceLimitExceeded,
        format!("the quota \"{quota}\" is {max}, and {now} exist; delete one first"),
    ))
}
