//! `GetVoiceConnectorTerminationHealth`.

use chime_api::types::{
    self, GetVoiceConnectorTerminationHealthRequest, GetVoiceConnectorTerminationHealthResponse,
};
use model::{Termination, TerminationHealth};

use super::unset;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};
use crate::operator::dto::timestamp;

/// Tells when and from where the last SIP OPTIONS came; empty if none came yet.
pub(crate) async fn get_health(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorTerminationHealthRequest,
) -> Result<GetVoiceConnectorTerminationHealthResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    if setting::<Termination>(context, account, &id).await?.is_none() {
        return Err(unset(&id));
    }
    let health = setting::<TerminationHealth>(context, account, &id).await?;
    let health =
        health.map_or_else(types::TerminationHealth::default, |it| types::TerminationHealth {
            source: Some(it.source.to_string()),
            timestamp: Some(timestamp(it.timestamp)),
        });
    Ok(GetVoiceConnectorTerminationHealthResponse { termination_health: Some(health) })
}
