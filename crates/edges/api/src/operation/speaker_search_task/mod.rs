//! Speaker search tasks.

pub(super) mod get;
pub(super) mod start;
pub(super) mod stop;

use chime_api::types;
use model::{AnalysedLeg, SpeakerMatch, SpeakerSearchTask, Voiceprint};

use super::voice_analysis::told;

/// A task as the API tells it.
fn to_wire(task: &SpeakerSearchTask) -> types::SpeakerSearchTask {
    let told = told(&task.analysis, Some(task.leg == AnalysedLeg::Caller));
    types::SpeakerSearchTask {
        speaker_search_task_id: Some(task.id.to_string()),
        speaker_search_task_status: told.status,
        call_details: told.call,
        speaker_search_details: details(task),
        created_timestamp: told.created,
        started_timestamp: told.started,
        updated_timestamp: told.updated,
        status_message: told.message,
    }
}

/// What was found; nothing before there is something to tell.
fn details(task: &SpeakerSearchTask) -> Option<types::SpeakerSearchDetails> {
    if task.analysis.status.is_active() && task.matches.is_empty() && task.voiceprint.is_none() {
        return None;
    }
    let result = |it: &SpeakerMatch| types::SpeakerSearchResult {
        confidence_score: Some(it.confidence),
        voice_profile_id: Some(it.profile.to_string()),
    };
    Some(types::SpeakerSearchDetails {
        results: Some(task.matches.iter().map(result).collect()),
        voiceprint_generation_status: task.voiceprint.map(|it| match it {
            Voiceprint::Made { .. } => "VoiceprintGenerationSuccess".into(),
            Voiceprint::Failed => "VoiceprintGenerationFailure".into(),
        }),
    })
}
