//! `BatchUpdatePhoneNumber`.

use std::collections::BTreeSet;

use chime_api::types::{
    BatchUpdatePhoneNumberRequest, BatchUpdatePhoneNumberResponse, UpdatePhoneNumberRequestItem,
};
use model::E164Number;

use super::change::Change;
use super::{ItemError, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Changes one attribute of each of several numbers; what cannot be done is told for each number.
pub(crate) async fn batch_update(
    context: &Context,
    permit: Permit,
    wire: BatchUpdatePhoneNumberRequest,
) -> Result<BatchUpdatePhoneNumberResponse, ApiError> {
    let items = parse_all(wire.update_phone_number_request_items)?;
    let (account, now) = (permit.account(), context.clock.now());
    let delay = context.config.calling_name_delay;
    let errors = context
        .write(move |tx| {
            let mut errors = Vec::new();
            for (number, change) in items {
                let done = match change {
                    Ok(change) => change.apply(tx, account, number, now, delay)?,
                    Err(refused) => Err(refused),
                };
                if let Err(refused) = done {
                    errors.push(refused.to_wire(number));
                }
            }
            Ok(errors)
        })
        .await?;
    Ok(BatchUpdatePhoneNumberResponse { phone_number_errors: Some(errors) })
}

type Item = (E164Number, Result<Change, ItemError>);

/// Reads the list: at least one number, none twice.
fn parse_all(wire: Vec<UpdatePhoneNumberRequestItem>) -> Result<Vec<Item>, ApiError> {
    if wire.is_empty() {
        return Err(ApiError::bad_request(
            "UpdatePhoneNumberRequestItems is empty; name at least one number",
        ));
    }
    let mut seen = BTreeSet::new();
    let item = |(at, item): (usize, UpdatePhoneNumberRequestItem)| {
        let member = format!("UpdatePhoneNumberRequestItems[{at}].PhoneNumberId");
        let number = parse_id(&member, item.phone_number_id.expose())?;
        if !seen.insert(number) {
            return Err(ApiError::bad_request(format!(
                "{member}: {number} is in the list twice; name each number once"
            )));
        }
        Ok((number, Change::parse(item.product_type, item.calling_name, item.name)))
    };
    wire.into_iter().enumerate().map(item).collect()
}
