//! The speaker search that a profile's voiceprint comes from.

use model::{AccountId, SpeakerSearchTask, UnixMillis, VoiceprintState};
use store::{Tx, TypedView as _};

use crate::error::{ApiError, ErrorKind};

/// A speaker search whose voiceprint a profile can be made from.
pub(super) fn load(
    tx: &dyn Tx,
    account: AccountId,
    id: &str,
    now: UnixMillis,
) -> Result<SpeakerSearchTask, ApiError> {
    let task = tx.get::<SpeakerSearchTask>(&account, id)?;
    let task = task
        .filter(|it| !it.analysis.is_expired(now))
        .ok_or_else(|| ApiError::no_such("SpeakerSearchTask", id))?;
    let refuse = |kind, what: &str| {
        Err(ApiError::new(kind, format!("SpeakerSearchTaskId: SpeakerSearchTask '{id}' {what}")))
    };
    match task.voiceprint_state(now) {
        VoiceprintState::Ready => Ok(task),
        VoiceprintState::Pending => refuse(
            ErrorKind::Conflict,
            "goes on and has no voiceprint yet; ask again when GetSpeakerSearchTask tells \
             VoiceprintGenerationSuccess",
        ),
        VoiceprintState::Missing => refuse(
            ErrorKind::BadRequest,
            "ended without a voiceprint, which takes 20 seconds of speech; start another search",
        ),
        VoiceprintState::Expired => refuse(
            ErrorKind::Gone,
            "made its voiceprint more than 24 hours ago, and it was not kept; start another search",
        ),
    }
}
