//! `UpdateSipMediaApplicationCall`.

use chime_api::types::{
    SipMediaApplicationCall, UpdateSipMediaApplicationCallRequest,
    UpdateSipMediaApplicationCallResponse,
};
use model::{Quota, TransactionId};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::live::{ApplicationUpdate, Updated};
use crate::operation::sip_media_application::{find, no_such};

/// Hands arguments to the application of a call in progress. That it is accepted does not mean that
/// the application has acted.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateSipMediaApplicationCallRequest,
) -> Result<UpdateSipMediaApplicationCallResponse, ApiError> {
    let (account, now) = (permit.account(), context.clock.now());
    let pace = context.quotas.of(account).sip_media_application_updates_per_second;
    context.paces.admit(Quota::SipMediaApplicationUpdatesPerSecond, account, now, pace)?;
    let id = wire.sip_media_application_id;
    let key = id.clone();
    let application = context.read(move |view| find(view, account, &key)).await?;
    let application = application.ok_or_else(|| no_such(&id))?;
    let no_such_call = || {
        ApiError::new(
            ErrorKind::NotFound,
            format!(
                "Could not find a call in progress of SipMediaApplication '{id}' with the transaction id '{}'",
                wire.transaction_id
            ),
        )
    };
    let call = TransactionId::parse(&wire.transaction_id).map_err(|_| no_such_call())?;
    let update =
        ApplicationUpdate { account, application: application.id, call, arguments: wire.arguments };
    match context.live.update(update).await? {
        Updated::Ordered => Ok(UpdateSipMediaApplicationCallResponse {
            sip_media_application_call: Some(SipMediaApplicationCall {
                transaction_id: Some(call.to_string()),
            }),
        }),
        Updated::NoSuchCall => Err(no_such_call()),
    }
}
