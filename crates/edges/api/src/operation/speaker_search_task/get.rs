//! `GetSpeakerSearchTask`.

use chime_api::types::{GetSpeakerSearchTaskRequest, GetSpeakerSearchTaskResponse};
use model::SpeakerSearchTask;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis;

/// Tells a task with what it found, until seven days after its end.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetSpeakerSearchTaskRequest,
) -> Result<GetSpeakerSearchTaskResponse, ApiError> {
    let (connector, id) = (wire.voice_connector_id, wire.speaker_search_task_id);
    let task: SpeakerSearchTask = voice_analysis::get(context, permit, &connector, id).await?;
    Ok(GetSpeakerSearchTaskResponse { speaker_search_task: Some(to_wire(&task)) })
}
