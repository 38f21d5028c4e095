//! `UpdateVoiceProfile`.

use chime_api::types::{UpdateVoiceProfileRequest, UpdateVoiceProfileResponse};
use store::TypedTx as _;

use super::{find, no_such, source, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Gives a profile the voiceprint of a speaker search in its own domain, and three years more.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateVoiceProfileRequest,
) -> Result<UpdateVoiceProfileResponse, ApiError> {
    let id = wire.voice_profile_id;
    let (account, now) = (permit.account(), context.clock.now());
    let profile = context
        .write(move |tx| {
            let mut profile = find(&*tx, account, &id, now)?.ok_or_else(|| no_such(&id))?;
            let task = source::load(&*tx, account, &wire.speaker_search_task_id, now)?;
            if task.domain != profile.domain {
                return Err(ApiError::bad_request(format!(
                    "SpeakerSearchTaskId: SpeakerSearchTask '{}' searched VoiceProfileDomain '{}', and the profile \
                     is in '{}'; search that one",
                    task.id, task.domain, profile.domain
                )));
            }
            profile.source = task.id;
            profile.updated = profile.updated.max(now);
            tx.put(&profile)?;
            Ok(profile)
        })
        .await?;
    Ok(UpdateVoiceProfileResponse { voice_profile: Some(to_wire(&profile)) })
}
