//! `CreateSipMediaApplicationCall`.

use chime_api::types::{
    CreateSipMediaApplicationCallRequest, CreateSipMediaApplicationCallResponse,
    SipMediaApplicationCall,
};
use model::{AccountId, E164Number, PhoneNumber, Quota};
use store::TypedView as _;

use super::header;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::live::ApplicationCall;
use crate::operation::sip_media_application::find;

/// Places a call from a number of the account and asks the application what to do with it.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateSipMediaApplicationCallRequest,
) -> Result<CreateSipMediaApplicationCallResponse, ApiError> {
    let (account, now) = (permit.account(), context.clock.now());
    let pace = context.quotas.of(account).sip_media_application_calls_per_second;
    context.paces.admit(Quota::SipMediaApplicationCallsPerSecond, account, now, pace)?;
    let number = |member, text: &str| {
        E164Number::parse(text).map_err(|refused| ApiError::bad_value(member, &refused))
    };
    let from = number("FromPhoneNumber", wire.from_phone_number.expose())?;
    let to = number("ToPhoneNumber", wire.to_phone_number.expose())?;
    let headers = wire.sip_headers.unwrap_or_default();
    header::check(&headers)?;

    let id = wire.sip_media_application_id.clone();
    let (application, owner) = context
        .read(move |view| {
            let number = view.get::<PhoneNumber>(&AccountId::DEFAULT, &from.to_string())?;
            let owner = number.and_then(|it| it.at(now).usable_by());
            Ok((find(view, account, &id)?, owner))
        })
        .await?;
    // The operation declares no NotFoundException.
    let application = application.ok_or_else(|| {
        ApiError::bad_request(format!(
            "Could not find SipMediaApplication with Id '{}'",
            wire.sip_media_application_id
        ))
    })?;
    if owner != Some(account) {
        return Err(ApiError::bad_request(format!(
            "FromPhoneNumber: {from} is not a phone number of this account; call from one that \
             ListPhoneNumbers tells"
        )));
    }
    let call = ApplicationCall {
        application,
        from,
        to,
        headers,
        arguments: wire.arguments_map.unwrap_or_default(),
    };
    let transaction = context.live.place(call).await?;
    Ok(CreateSipMediaApplicationCallResponse {
        sip_media_application_call: Some(SipMediaApplicationCall {
            transaction_id: Some(transaction.to_string()),
        }),
    })
}
