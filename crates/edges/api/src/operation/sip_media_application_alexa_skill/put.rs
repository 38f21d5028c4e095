//! `PutSipMediaApplicationAlexaSkillConfiguration`.

use chime_api::types::{
    PutSipMediaApplicationAlexaSkillConfigurationRequest,
    PutSipMediaApplicationAlexaSkillConfigurationResponse,
};

use super::gone;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Says that the feature is gone.
pub(crate) async fn put(
    _context: &Context,
    _permit: Permit,
    _wire: PutSipMediaApplicationAlexaSkillConfigurationRequest,
) -> Result<PutSipMediaApplicationAlexaSkillConfigurationResponse, ApiError> {
    Err(gone())
}
