//! `GetVoiceProfile`.

use chime_api::types::{GetVoiceProfileRequest, GetVoiceProfileResponse};

use super::{find, no_such, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one profile that has not expired.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceProfileRequest,
) -> Result<GetVoiceProfileResponse, ApiError> {
    let id = wire.voice_profile_id;
    let (account, now, key) = (permit.account(), context.clock.now(), id.clone());
    let found = context.read(move |view| find(view, account, &key, now)).await?;
    let profile = found.ok_or_else(|| no_such(&id))?;
    Ok(GetVoiceProfileResponse { voice_profile: Some(to_wire(&profile)) })
}
