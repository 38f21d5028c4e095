//! `GetVoiceConnector`.

use chime_api::types::{GetVoiceConnectorRequest, GetVoiceConnectorResponse};
use model::VoiceConnector;
use store::TypedView as _;

use super::{no_such, parse_id, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one connector.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorRequest,
) -> Result<GetVoiceConnectorResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let (account, key) = (permit.account(), id.to_string());
    let found = context.read(move |view| view.get::<VoiceConnector>(&account, &key)).await?;
    let connector = found.ok_or_else(|| no_such(&id))?;
    Ok(GetVoiceConnectorResponse { voice_connector: Some(to_wire(&connector)) })
}
