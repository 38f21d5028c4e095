//! `BatchDeletePhoneNumber`.

use chime_api::types::{BatchDeletePhoneNumberRequest, BatchDeletePhoneNumberResponse};
use model::E164Number;

use super::delete::queue;
use super::parse_id;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Puts several numbers into the deletion queue; what cannot be done is told for each number.
pub(crate) async fn batch_delete(
    context: &Context,
    permit: Permit,
    wire: BatchDeletePhoneNumberRequest,
) -> Result<BatchDeletePhoneNumberResponse, ApiError> {
    let parse = |(at, text): (usize, &String)| parse_id(&format!("PhoneNumberIds[{at}]"), text);
    let numbers: Vec<E164Number> =
        wire.phone_number_ids.iter().enumerate().map(parse).collect::<Result<_, _>>()?;
    let (account, now) = (permit.account(), context.clock.now());
    let errors = context
        .write(move |tx| {
            let mut errors = Vec::new();
            for number in numbers {
                if let Err(refused) = queue(tx, account, number, now)? {
                    errors.push(refused.to_wire(number));
                }
            }
            Ok(errors)
        })
        .await?;
    Ok(BatchDeletePhoneNumberResponse { phone_number_errors: Some(errors) })
}
