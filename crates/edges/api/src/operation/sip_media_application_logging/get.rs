//! `GetSipMediaApplicationLoggingConfiguration`.

use chime_api::types::{
    GetSipMediaApplicationLoggingConfigurationRequest,
    GetSipMediaApplicationLoggingConfigurationResponse,
};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::sip_media_application::{find, no_such};

/// Tells whether the SIP messages of an application's calls are logged; not, unless it was set.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetSipMediaApplicationLoggingConfigurationRequest,
) -> Result<GetSipMediaApplicationLoggingConfigurationResponse, ApiError> {
    let id = wire.sip_media_application_id;
    let (account, key) = (permit.account(), id.clone());
    let found = context.read(move |view| find(view, account, &key)).await?;
    let application = found.ok_or_else(|| no_such(&id))?;
    Ok(GetSipMediaApplicationLoggingConfigurationResponse {
        sip_media_application_logging_configuration: Some(to_wire(&application)),
    })
}
