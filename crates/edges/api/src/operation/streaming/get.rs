//! `GetVoiceConnectorStreamingConfiguration`.

use chime_api::types::{
    GetVoiceConnectorStreamingConfigurationRequest, GetVoiceConnectorStreamingConfigurationResponse,
};
use model::Streaming;

use super::{to_wire, unset};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's streaming configuration.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorStreamingConfigurationRequest,
) -> Result<GetVoiceConnectorStreamingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<Streaming>(context, permit.account(), &id).await?;
    let found = found.ok_or_else(|| unset(&id))?;
    Ok(GetVoiceConnectorStreamingConfigurationResponse {
        streaming_configuration: Some(to_wire(&found)),
    })
}
