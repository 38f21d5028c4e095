//! `GetVoiceConnectorGroup`.

use chime_api::types::{GetVoiceConnectorGroupRequest, GetVoiceConnectorGroupResponse};
use model::VoiceConnectorGroup;
use store::TypedView as _;

use super::{no_such, parse_id, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one group.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorGroupRequest,
) -> Result<GetVoiceConnectorGroupResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_group_id)?;
    let (account, key) = (permit.account(), id.to_string());
    let found = context.read(move |view| view.get::<VoiceConnectorGroup>(&account, &key)).await?;
    let group = found.ok_or_else(|| no_such(&id))?;
    Ok(GetVoiceConnectorGroupResponse { voice_connector_group: Some(to_wire(&group)) })
}
