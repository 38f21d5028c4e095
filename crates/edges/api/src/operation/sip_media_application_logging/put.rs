//! `PutSipMediaApplicationLoggingConfiguration`.

use chime_api::types::{
    PutSipMediaApplicationLoggingConfigurationRequest,
    PutSipMediaApplicationLoggingConfigurationResponse,
};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::sip_media_application::{find, no_such};

/// Sets whether the SIP messages of an application's calls are logged; left out, they are not.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutSipMediaApplicationLoggingConfigurationRequest,
) -> Result<PutSipMediaApplicationLoggingConfigurationResponse, ApiError> {
    let configuration = wire.sip_media_application_logging_configuration.ok_or_else(|| {
        ApiError::bad_request(
            "SipMediaApplicationLoggingConfiguration is missing; say whether SIP messages are logged: \
             {\"EnableSipMediaApplicationMessageLogs\": true}",
        )
    })?;
    let id = wire.sip_media_application_id;
    let account = permit.account();
    let application = context
        .write(move |tx| {
            let mut application = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            application.message_logs =
                configuration.enable_sip_media_application_message_logs.unwrap_or(false);
            tx.put(&application)?;
            Ok(application)
        })
        .await?;
    Ok(PutSipMediaApplicationLoggingConfigurationResponse {
        sip_media_application_logging_configuration: Some(to_wire(&application)),
    })
}
