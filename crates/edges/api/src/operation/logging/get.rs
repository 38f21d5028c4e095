//! `GetVoiceConnectorLoggingConfiguration`.

use chime_api::types::{
    GetVoiceConnectorLoggingConfigurationRequest, GetVoiceConnectorLoggingConfigurationResponse,
};
use model::Logging;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's logging configuration: all off until something was put.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorLoggingConfigurationRequest,
) -> Result<GetVoiceConnectorLoggingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let found = setting::<Logging>(context, account, &id).await?;
    let found =
        found.unwrap_or(Logging { account, connector: id, sip: false, media_metrics: false });
    Ok(GetVoiceConnectorLoggingConfigurationResponse {
        logging_configuration: Some(to_wire(&found)),
    })
}
