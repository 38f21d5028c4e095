//! `GetPhoneNumber`.

use chime_api::types::{GetPhoneNumberRequest, GetPhoneNumberResponse};

use super::owned::Owned;
use super::{ItemError, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one of the account's numbers.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetPhoneNumberRequest,
) -> Result<GetPhoneNumberResponse, ApiError> {
    let number = parse_id("PhoneNumberId", wire.phone_number_id.expose())?;
    let (account, now) = (permit.account(), context.clock.now());
    let found = context.read(move |view| Owned::find(view, account, number, now)).await?;
    let owned = found.ok_or_else(|| ItemError::no_such(number).into_error())?;
    Ok(GetPhoneNumberResponse { phone_number: Some(owned.to_wire(context.config.region, now)) })
}
