//! `GetVoiceConnectorExternalSystemsConfiguration`.

use chime_api::types::{
    GetVoiceConnectorExternalSystemsConfigurationRequest,
    GetVoiceConnectorExternalSystemsConfigurationResponse,
};
use model::ExternalSystems;

use super::{to_wire, unset};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's external systems configuration.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorExternalSystemsConfigurationRequest,
) -> Result<GetVoiceConnectorExternalSystemsConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<ExternalSystems>(context, permit.account(), &id).await?;
    let found = found.ok_or_else(|| unset(&id))?;
    Ok(GetVoiceConnectorExternalSystemsConfigurationResponse {
        external_systems_configuration: Some(to_wire(&found)),
    })
}
