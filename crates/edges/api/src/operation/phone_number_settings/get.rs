//! `GetPhoneNumberSettings`.

use chime_api::Sensitive;
use chime_api::types::{GetPhoneNumberSettingsRequest, GetPhoneNumberSettingsResponse};
use model::PhoneNumberSettings;
use store::TypedView as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// Tells the account's default calling name and when it was set; empty if it never was.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    _wire: GetPhoneNumberSettingsRequest,
) -> Result<GetPhoneNumberSettingsResponse, ApiError> {
    let account = permit.account();
    let found = context
        .read(move |view| view.get::<PhoneNumberSettings>(&account, PhoneNumberSettings::KEY))
        .await?;
    Ok(found.map_or_else(GetPhoneNumberSettingsResponse::default, |it| {
        GetPhoneNumberSettingsResponse {
            calling_name: it.calling_name.map(Sensitive::new),
            calling_name_updated_timestamp: Some(timestamp(it.updated)),
        }
    }))
}
