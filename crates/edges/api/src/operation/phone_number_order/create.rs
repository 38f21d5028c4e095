//! `CreatePhoneNumberOrder`.

use std::collections::BTreeSet;

use chime_api::Sensitive;
use chime_api::types::{CreatePhoneNumberOrderRequest, CreatePhoneNumberOrderResponse};
use model::{
    E164Number, OrderStatus, OrderedNumber, OrderedStatus, PhoneNumberOrder, PhoneNumberOrderId,
    ProductType,
};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::phone_number::{admit, count_owned, parse_number, refuse_product};
use crate::random;

/// Accepts an order, to be fulfilled right after: what becomes of each number, the order tells.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreatePhoneNumberOrderRequest,
) -> Result<CreatePhoneNumberOrderResponse, ApiError> {
    let product_type = ours(wire.product_type.as_str());
    let numbers = parse_numbers(&wire.e164_phone_numbers, product_type)?;
    let now = context.clock.now();
    let order = PhoneNumberOrder {
        id: PhoneNumberOrderId::from_random(random::bytes()),
        account: permit.account(),
        product_type,
        name: wire.name.map(Sensitive::into_exposed).filter(|it| !it.is_empty()),
        status: OrderStatus::Processing,
        numbers,
        created: now,
        updated: now,
    };
    let answer = CreatePhoneNumberOrderResponse { phone_number_order: Some(to_wire(&order)) };
    let (account, id) = (order.account, order.id);
    let quota = context.quotas.of(account).phone_numbers;
    context
        .write(move |tx| {
            let count = count_owned(tx, order.account, quota)?;
            admit(account, count, order.numbers.len() as u64, quota)?;
            tx.put(&order)?;
            Ok(())
        })
        .await?;
    context.fulfilment().begin(account, id);
    Ok(answer)
}

/// Reads the numbers of an order: at least one, none twice, each fit for the product.
fn parse_numbers(wire: &[Sensitive], product: ProductType) -> Result<Vec<OrderedNumber>, ApiError> {
    if wire.is_empty() {
        return Err(ApiError::bad_request(
            "E164PhoneNumbers is empty; name at least one number that SearchAvailablePhoneNumbers told",
        ));
    }
    let mut seen: BTreeSet<E164Number> = BTreeSet::new();
    let parse = |(at, text): (usize, &Sensitive)| {
        let member = format!("E164PhoneNumbers[{at}]");
        let number = parse_number(&member, text.expose())?;
        if !seen.insert(number) {
            return Err(ApiError::bad_request(format!(
                "{member}: {number} is in the list twice; name each number once"
            )));
        }
        if let Some(reason) = refuse_product(number, product) {
            return Err(ApiError::bad_request(format!("{member}: {reason}")));
        }
        Ok(OrderedNumber { number, status: OrderedStatus::Processing })
    };
    wire.iter().enumerate().map(parse).collect()
}
