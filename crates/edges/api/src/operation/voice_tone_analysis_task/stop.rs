//! `StopVoiceToneAnalysisTask`.

use chime_api::types::{NoContent, StopVoiceToneAnalysisTaskRequest};
use model::VoiceToneAnalysisTask;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis;

/// Stops a task that has not ended.
pub(crate) async fn stop(
    context: &Context,
    permit: Permit,
    wire: StopVoiceToneAnalysisTaskRequest,
) -> Result<NoContent, ApiError> {
    let (connector, id) = (wire.voice_connector_id, wire.voice_tone_analysis_task_id);
    voice_analysis::stop::<VoiceToneAnalysisTask>(context, permit, &connector, id).await
}
