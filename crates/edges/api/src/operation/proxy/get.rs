//! `GetVoiceConnectorProxy`.

use chime_api::types::{GetVoiceConnectorProxyRequest, GetVoiceConnectorProxyResponse};
use model::Proxy;

use super::{to_wire, unset};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{parse_id, setting};

/// Tells a connector's proxy configuration.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceConnectorProxyRequest,
) -> Result<GetVoiceConnectorProxyResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let found = setting::<Proxy>(context, permit.account(), &id).await?;
    let found = found.ok_or_else(|| unset(&id))?;
    Ok(GetVoiceConnectorProxyResponse { proxy: Some(to_wire(&found)) })
}
