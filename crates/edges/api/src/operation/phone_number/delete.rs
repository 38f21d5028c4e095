//! `DeletePhoneNumber`.

use chime_api::types::{DeletePhoneNumberRequest, ErrorCode, NoContent};
use model::{AccountId, E164Number, UnixMillis};
use store::{Tx, TypedTx as _};

use super::owned::Owned;
use super::{ItemError, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Puts a number that belongs to nothing into the deletion queue. It stays the account's for seven
/// days, without calls, and can be restored; then it is free for others.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeletePhoneNumberRequest,
) -> Result<NoContent, ApiError> {
    let number = parse_id("PhoneNumberId", wire.phone_number_id.expose())?;
    let (account, now) = (permit.account(), context.clock.now());
    context
        .write(move |tx| queue(tx, account, number, now)?.map_err(ItemError::into_error))
        .await?;
    Ok(NoContent {})
}

/// Puts one number into the queue; one that is there already stays as it is.
pub(super) fn queue(
    tx: &mut dyn Tx,
    account: AccountId,
    number: E164Number,
    now: UnixMillis,
) -> Result<Result<(), ItemError>, ApiError> {
    let Some(mut owned) = Owned::find(tx, account, number, now)? else {
        return Ok(Err(ItemError::no_such(number)));
    };
    if owned.phone.holding.deleted.is_some() {
        return Ok(Ok(()));
    }
    let refused = owned.refuse_assigned(ErrorCode::PhoneNumberAssociationsExist, "delete it");
    if refused.is_err() {
        return Ok(refused);
    }
    owned.phone.holding.deleted = Some(now);
    owned.phone.holding.updated = Some(owned.phone.updated().max(now));
    tx.put(&owned.phone)?;
    Ok(Ok(()))
}
