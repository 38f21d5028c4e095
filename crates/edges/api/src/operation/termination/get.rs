//! `GetVoiceConnectorTermination`.

use chime_api::types::{GetVoiceConnectorTerminationRequest, GetVoiceConnectorTerminationResponse};
use model::Termination;

use super::{to_wire, unset};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's termination.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorTerminationRequest,
) -> Result<GetVoiceConnectorTerminationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<Termination>(context, permit.account(), &id).await?;
    let termination = found.ok_or_else(|| unset(&id))?;
    Ok(GetVoiceConnectorTerminationResponse { termination: Some(to_wire(&termination)) })
}
