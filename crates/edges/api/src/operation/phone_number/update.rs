//! `UpdatePhoneNumber`.

use chime_api::types::{UpdatePhoneNumberRequest, UpdatePhoneNumberResponse};

use super::change::Change;
use super::owned::Owned;
use super::{ItemError, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Changes one attribute of a number.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdatePhoneNumberRequest,
) -> Result<UpdatePhoneNumberResponse, ApiError> {
    let number = parse_id("PhoneNumberId", wire.phone_number_id.expose())?;
    let change = Change::parse(wire.product_type, wire.calling_name, wire.name)
        .map_err(ItemError::into_error)?;
    let (account, now) = (permit.account(), context.clock.now());
    let (delay, region) = (context.config.calling_name_delay, context.config.region);
    let told = context
        .write(move |tx| {
            change.apply(tx, account, number, now, delay)?.map_err(ItemError::into_error)?;
            Ok(Owned::find(tx, account, number, now)?.map(|it| it.to_wire(region, now)))
        })
        .await?;
    Ok(UpdatePhoneNumberResponse { phone_number: told })
}
