//! `ListPhoneNumberOrders`.

use chime_api::types::{ListPhoneNumberOrdersRequest, ListPhoneNumberOrdersResponse};
use model::PhoneNumberOrder;
use store::{Page, TypedView as _};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::page::{Listing, page_length};

/// Tells an account's orders, page by page, in the order of their ids.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListPhoneNumberOrdersRequest,
) -> Result<ListPhoneNumberOrdersResponse, ApiError> {
    let account = permit.account();
    let listing = Listing::new(&["ListPhoneNumberOrders", account.as_str()]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;
    let page = context
        .read(move |view| {
            view.list::<PhoneNumberOrder>(&account, Page { after: after.as_deref(), limit })
        })
        .await?;
    Ok(ListPhoneNumberOrdersResponse {
        phone_number_orders: Some(page.items.iter().map(to_wire).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}
