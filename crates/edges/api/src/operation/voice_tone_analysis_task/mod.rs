//! Voice tone analysis tasks. What they find goes to notifications, never to the API.

pub(super) mod get;
pub(super) mod start;
pub(super) mod stop;

use chime_api::types;
use model::VoiceToneAnalysisTask;

use super::voice_analysis::told;

/// A task as the API tells it; both legs are analysed, and `is_caller` says which one was asked for.
fn to_wire(task: &VoiceToneAnalysisTask, is_caller: Option<bool>) -> types::VoiceToneAnalysisTask {
    let told = told(&task.analysis, is_caller);
    types::VoiceToneAnalysisTask {
        voice_tone_analysis_task_id: Some(task.id.to_string()),
        voice_tone_analysis_task_status: told.status,
        call_details: told.call,
        created_timestamp: told.created,
        started_timestamp: told.started,
        updated_timestamp: told.updated,
        status_message: told.message,
    }
}
