//! How much of a thing an account may have, and how much it has.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use chime_api::{ErrorShape, Operation};
use model::{AccountId, AccountQuotas, Kind, Quota, UnixMillis, VoiceConnector};
use store::{Committed, Observer, Store, StoreError, Tx, TypedView as _};

use crate::config::{Quotas, Rate};
use crate::error::{ApiError, ErrorKind};
use crate::throttle::Bucket;

/// The quotas of every account: the installation's, and over them what the operator set for one
/// account.
///
/// A change is visible here before the write that made it is answered.
pub(crate) struct QuotaBook {
    installation: Quotas,
    accounts: RwLock<HashMap<AccountId, BTreeMap<Quota, u64>>>,
}

impl QuotaBook {
    /// Loads what was set in `store` and follows its changes from then on.
    pub(crate) async fn load(store: &Store, installation: Quotas) -> Result<Arc<Self>, StoreError> {
        store
            .project(|view| {
                let mut accounts = HashMap::new();
                view.all(|it: AccountQuotas| {
                    accounts.insert(it.account, it.values);
                })?;
                Ok(Arc::new(Self { installation, accounts: RwLock::new(accounts) }))
            })
            .await
    }

    /// What one account may have.
    pub(crate) fn of(&self, account: AccountId) -> Quotas {
        let mut quotas = self.installation.clone();
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        for (quota, value) in accounts.get(&account).into_iter().flatten() {
            quotas.set(*quota, *value);
        }
        quotas
    }

    /// What an account may have for which nothing was set.
    pub(crate) fn installation(&self) -> &Quotas {
        &self.installation
    }

    /// What was set, by account, in the order of their ids.
    pub(crate) fn set(&self) -> BTreeMap<AccountId, BTreeMap<Quota, u64>> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.iter().map(|(account, values)| (*account, values.clone())).collect()
    }
}

impl Observer for QuotaBook {
    fn committed(&self, committed: &Committed) {
        for change in committed.changes.iter().filter(|it| it.kind == Kind::AccountQuotas) {
            let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
            match change.decode::<AccountQuotas>() {
                Some(quotas) => accounts.insert(change.account, quotas.values),
                None => accounts.remove(&change.account),
            };
        }
    }
}

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
        if let Err(refusal) = admit(Quota::VoiceConnectors, account, now, quota) {
            counts.insert(account, now);
            return Err(refusal);
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

/// How many requests per second each account makes of operations with a quota of their own.
///
/// There is a bucket for each account and quota that was asked for, so accounts, which have keys, bound
/// them.
#[derive(Debug, Default)]
pub(crate) struct Paces(Mutex<HashMap<(AccountId, Quota), Bucket>>);

impl Paces {
    /// Takes one request's worth of a quota, of which a rested account may send a second's worth at
    /// once; or refuses it and says when to come back.
    pub(crate) fn admit(
        &self,
        quota: Quota,
        account: AccountId,
        now: UnixMillis,
        per_second: u32,
    ) -> Result<(), ApiError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry((account, quota)).or_insert_with(Bucket::full);
        bucket.draw(now, Rate { per_second, burst: per_second }).map_err(|wait_s| {
            let used = "this second's are used up; slow down";
            let mut refusal =
                exceeded(quota, account, per_second.into(), used, u64::from(per_second) + 1);
            refusal.kind = ErrorKind::Throttled;
            // With none at all, no wait is long enough.
            if per_second == 0 { refusal } else { refusal.retry_after(wait_s) }
        })
    }
}

/// Refuses one more of what is counted cheaply.
pub(crate) fn admit(quota: Quota, account: AccountId, now: u64, max: u64) -> Result<(), ApiError> {
    if now < max {
        return Ok(());
    }
    Err(exceeded(quota, account, max, &format!("{now} exist; delete one"), now + 1))
}

/// The error for a quota that is used up: its name, its value, how it is used, and the remedy.
/// `wanted` is the value with which the request would be done.
pub(crate) fn exceeded(
    quota: Quota,
    account: AccountId,
    max: u64,
    used: &str,
    wanted: u64,
) -> ApiError {
    ApiError::new(
        ErrorKind::ResourceLimitExceeded,
        format!(
            "the quota \"{}\" is {max} for the account {account}, and {used}, or have the operator raise it: \
             trunkline quota set {quota} {wanted} --account {account}",
            quota.name()
        ),
    )
}

/// The same, as a bad request where the operation declares nothing nearer.
pub(crate) fn declared_by(operation: Operation, mut refusal: ApiError) -> ApiError {
    if !operation.spec().declares(ErrorShape::ResourceLimitExceededException) {
        refusal.kind = ErrorKind::BadRequest;
    }
    refusal
}
