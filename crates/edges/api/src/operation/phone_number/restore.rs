//! `RestorePhoneNumber`.

use chime_api::types::{RestorePhoneNumberRequest, RestorePhoneNumberResponse};
use store::TypedTx as _;

use super::owned::Owned;
use super::{ItemError, admit, count_owned, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Takes a number out of the deletion queue, back to the account's unassigned ones.
pub(crate) async fn restore(
    context: &Context,
    permit: Permit,
    wire: RestorePhoneNumberRequest,
) -> Result<RestorePhoneNumberResponse, ApiError> {
    let number = parse_id("PhoneNumberId", wire.phone_number_id.expose())?;
    let (account, now) = (permit.account(), context.clock.now());
    let quota = context.quotas.of(account).phone_numbers;
    let owned = context
        .write(move |tx| {
            let found = Owned::find(tx, account, number, now)?;
            let mut owned = found.ok_or_else(|| ItemError::no_such(number).into_error())?;
            if owned.phone.holding.deleted.take().is_none() {
                return Err(ApiError::bad_request(format!(
                    "{number} is not in the deletion queue, so there is nothing to restore"
                )));
            }
            admit(account, count_owned(tx, account, quota)?, 1, quota)?;
            owned.phone.holding.updated = Some(owned.phone.updated().max(now));
            tx.put(&owned.phone)?;
            Ok(owned)
        })
        .await?;
    let told = owned.to_wire(context.config.region, now);
    Ok(RestorePhoneNumberResponse { phone_number: Some(told) })
}
