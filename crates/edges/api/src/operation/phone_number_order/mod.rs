//! Orders of phone numbers: accepted at once, fulfilled from the inventory right after.

pub(super) mod create;
pub(crate) mod fulfil;
pub(super) mod get;
pub(super) mod list;

use chime_api::{Sensitive, types};
use model::{OrderedNumber, PhoneNumberOrder};

use super::name::theirs;
use crate::operator::dto::timestamp;

/// An order as the API tells it.
fn to_wire(order: &PhoneNumberOrder) -> types::PhoneNumberOrder {
    let number = |it: &OrderedNumber| types::OrderedPhoneNumber {
        e164_phone_number: Some(Sensitive::new(it.number.to_string())),
        status: Some(theirs(it.status, types::OrderedPhoneNumberStatus::parse)),
    };
    types::PhoneNumberOrder {
        phone_number_order_id: Some(order.id.to_string()),
        product_type: Some(theirs(order.product_type, types::PhoneNumberProductType::parse)),
        status: Some(theirs(order.status, types::PhoneNumberOrderStatus::parse)),
        order_type: Some(types::PhoneNumberOrderType::New),
        ordered_phone_numbers: Some(order.numbers.iter().map(number).collect()),
        created_timestamp: Some(timestamp(order.created)),
        updated_timestamp: Some(timestamp(order.updated)),
        foc_date: None,
    }
}
