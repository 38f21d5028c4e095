//! `GetPhoneNumberOrder`.

use chime_api::types::{GetPhoneNumberOrderRequest, GetPhoneNumberOrderResponse};
use model::{PhoneNumberOrder, PhoneNumberOrderId};
use store::TypedView as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one order and what became of its numbers.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetPhoneNumberOrderRequest,
) -> Result<GetPhoneNumberOrderResponse, ApiError> {
    let id = PhoneNumberOrderId::parse(&wire.phone_number_order_id)
        .map_err(|refused| ApiError::bad_value("PhoneNumberOrderId", &refused))?;
    let (account, key) = (permit.account(), id.to_string());
    let found = context.read(move |view| view.get::<PhoneNumberOrder>(&account, &key)).await?;
    let order = found.ok_or_else(|| ApiError::no_such("PhoneNumberOrder", &id.to_string()))?;
    Ok(GetPhoneNumberOrderResponse { phone_number_order: Some(to_wire(&order)) })
}
