//! `GetVoiceConnectorEmergencyCallingConfiguration`.

use chime_api::types::{
    GetVoiceConnectorEmergencyCallingConfigurationRequest,
    GetVoiceConnectorEmergencyCallingConfigurationResponse,
};
use model::EmergencyCalling;

use super::{to_wire, unset};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's emergency calling configuration.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorEmergencyCallingConfigurationRequest,
) -> Result<GetVoiceConnectorEmergencyCallingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<EmergencyCalling>(context, permit.account(), &id).await?;
    let found = found.ok_or_else(|| unset(&id))?;
    Ok(GetVoiceConnectorEmergencyCallingConfigurationResponse {
        emergency_calling_configuration: Some(to_wire(&found)),
    })
}
