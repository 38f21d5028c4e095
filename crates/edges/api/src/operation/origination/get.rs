//! `GetVoiceConnectorOrigination`.

use chime_api::types::{GetVoiceConnectorOriginationRequest, GetVoiceConnectorOriginationResponse};
use model::Origination;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's origination.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorOriginationRequest,
) -> Result<GetVoiceConnectorOriginationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<Origination>(context, permit.account(), &id).await?;
    let origination = found.ok_or_else(|| {
        ApiError::new(
            ErrorKind::NotFound,
            format!(
                "VoiceConnector '{id}' has no Origination; put one with PutVoiceConnectorOrigination"
            ),
        )
    })?;
    Ok(GetVoiceConnectorOriginationResponse { origination: Some(to_wire(&origination)) })
}
