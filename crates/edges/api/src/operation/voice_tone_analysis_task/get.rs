//! `GetVoiceToneAnalysisTask`.

use chime_api::types::{GetVoiceToneAnalysisTaskRequest, GetVoiceToneAnalysisTaskResponse};
use model::VoiceToneAnalysisTask;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_analysis;

/// Tells a task's status, until seven days after its end.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceToneAnalysisTaskRequest,
) -> Result<GetVoiceToneAnalysisTaskResponse, ApiError> {
    let (connector, id) = (wire.voice_connector_id, wire.voice_tone_analysis_task_id);
    let task: VoiceToneAnalysisTask = voice_analysis::get(context, permit, &connector, id).await?;
    let told = to_wire(&task, Some(wire.is_caller));
    Ok(GetVoiceToneAnalysisTaskResponse { voice_tone_analysis_task: Some(told) })
}
