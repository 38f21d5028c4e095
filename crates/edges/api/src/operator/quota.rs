//! Quotas of accounts.

use std::collections::BTreeMap;

use http::StatusCode;
use model::{AccountId, AccountQuotas, Quota};
use store::{Tx, TypedTx as _, TypedView as _};

use super::dto::{AccountQuota, QuotaList, SetQuota};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells the quotas of one account; or those of the installation, and what was set beside them.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let account: Option<AccountId> = query.take_as("account")?;
    query.finish()?;
    let mut quotas: Vec<AccountQuota> =
        Quota::ALL.iter().map(|quota| to_wire(context, *quota, account)).collect();
    if account.is_none() {
        for (account, values) in context.quotas.set() {
            quotas.extend(values.keys().map(|quota| to_wire(context, *quota, Some(account))));
        }
    }
    Ok(Answer::json(StatusCode::OK, &QuotaList { quotas }))
}

/// Sets a quota of an account, effective from this answer on. What an account has already stays.
pub(super) async fn set(
    context: &Context,
    _permit: OperatorPermit,
    quota: &str,
    wire: SetQuota,
) -> Result<Answer, ApiError> {
    let quota = parse(quota)?;
    let SetQuota { account, value } = wire;
    if value > Quota::VALUE_MAX {
        return Err(ApiError::bad_request(format!(
            "value is {value}; a quota is at most {}",
            Quota::VALUE_MAX
        )));
    }
    change(context, account, move |values| {
        values.insert(quota, value);
    })
    .await?;
    Ok(Answer::json(StatusCode::OK, &to_wire(context, quota, Some(account))))
}

/// Gives an account the installation's value again.
pub(super) async fn reset(
    context: &Context,
    _permit: OperatorPermit,
    quota: &str,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let quota = parse(quota)?;
    let account: Option<AccountId> = query.take_as("account")?;
    query.finish()?;
    let account = account.ok_or_else(|| {
        ApiError::bad_request("account is missing; name whose quota is reset: ?account=…")
    })?;
    change(context, account, move |values| {
        values.remove(&quota);
    })
    .await?;
    Ok(Answer::json(StatusCode::OK, &to_wire(context, quota, Some(account))))
}

async fn change(
    context: &Context,
    account: AccountId,
    change: impl FnOnce(&mut BTreeMap<Quota, u64>) + Send + 'static,
) -> Result<(), ApiError> {
    context
        .write(move |tx: &mut dyn Tx| {
            let stored = tx.get::<AccountQuotas>(&account, AccountQuotas::KEY)?;
            let mut values = stored.map(|it| it.values).unwrap_or_default();
            change(&mut values);
            if values.is_empty() {
                tx.delete::<AccountQuotas>(&account, AccountQuotas::KEY)?;
            } else {
                tx.put(&AccountQuotas { account, values })?;
            }
            Ok(())
        })
        .await
}

fn parse(quota: &str) -> Result<Quota, ApiError> {
    quota.parse().map_err(|refused| ApiError::bad_value("quota", &refused))
}

fn to_wire(context: &Context, quota: Quota, account: Option<AccountId>) -> AccountQuota {
    let installation = context.quotas.installation().get(quota);
    AccountQuota {
        quota: quota.to_string(),
        name: quota.name().into(),
        account,
        value: account.map_or(installation, |it| context.quotas.of(it).get(quota)),
        installation,
    }
}
