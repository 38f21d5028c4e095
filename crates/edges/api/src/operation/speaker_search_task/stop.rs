//! `StopSpeakerSearchTask`.

use chime_api::types::{NoContent, StopSpeakerSearchTaskRequest};
use model::SpeakerSearchTask;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis;

/// Stops a task that has not ended.
pub(crate) async fn stop(
    context: &Context,
    permit: Permit,
    wire: StopSpeakerSearchTaskRequest,
) -> Result<NoContent, ApiError> {
    let (connector, id) = (wire.voice_connector_id, wire.speaker_search_task_id);
    voice_analysis::stop::<SpeakerSearchTask>(context, permit, &connector, id).await
}
