//! `GetSipMediaApplicationAlexaSkillConfiguration`.

use chime_api::types::{
    GetSipMediaApplicationAlexaSkillConfigurationRequest,
    GetSipMediaApplicationAlexaSkillConfigurationResponse,
};

use super::gone;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Says that the feature is gone.
pub(crate) async fn get(
    _context: &Context,
    _permit: Permit,
    _wire: GetSipMediaApplicationAlexaSkillConfigurationRequest,
) -> Result<GetSipMediaApplicationAlexaSkillConfigurationResponse, ApiError> {
    Err(gone())
}
