//! Streaming: whether a connector's calls are copied to a media stream, and who is told.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use chime_api::{Sensitive, types};
use model::{MediaInsights, Streaming, StreamingTarget, VoiceConnectorId};

use super::name::theirs;
use crate::error::{ApiError, ErrorKind};

/// The error for a connector that has none.
fn unset(id: &VoiceConnectorId) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "VoiceConnector '{id}' has no StreamingConfiguration; put one with PutVoiceConnectorStreamingConfiguration"
        ),
    )
}

/// A streaming configuration as the API tells it; targets and analysis only if there are any.
fn to_wire(streaming: &Streaming) -> types::StreamingConfiguration {
    let target = |it: &StreamingTarget| types::StreamingNotificationTarget {
        notification_target: Some(theirs(*it, types::NotificationTarget::parse)),
    };
    let insights = |it: &MediaInsights| types::MediaInsightsConfiguration {
        disabled: Some(it.disabled),
        configuration_arn: it.configuration_arn.clone().map(Sensitive::new),
    };
    let targets: Vec<_> = streaming.targets.iter().map(target).collect();
    types::StreamingConfiguration {
        data_retention_in_hours: i32::try_from(streaming.retention_hours).unwrap_or(i32::MAX),
        disabled: streaming.disabled,
        streaming_notification_targets: Some(targets).filter(|it| !it.is_empty()),
        media_insights_configuration: streaming.insights.as_ref().map(insights),
    }
}
