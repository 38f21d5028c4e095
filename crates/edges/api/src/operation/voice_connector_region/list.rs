//! `ListAvailableVoiceConnectorRegions`.

use chime_api::types::{
    ListAvailableVoiceConnectorRegionsRequest, ListAvailableVoiceConnectorRegionsResponse,
    VoiceConnectorAwsRegion,
};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells the ten regions that a connector can be created in.
pub(crate) async fn list(
    _context: &Context,
    _permit: Permit,
    _wire: ListAvailableVoiceConnectorRegionsRequest,
) -> Result<ListAvailableVoiceConnectorRegionsResponse, ApiError> {
    Ok(ListAvailableVoiceConnectorRegionsResponse {
        voice_connector_regions: Some(VoiceConnectorAwsRegion::ALL.to_vec()),
    })
}
