//! `PutVoiceConnectorStreamingConfiguration`.

use chime_api::types::{
    self, PutVoiceConnectorStreamingConfigurationRequest,
    PutVoiceConnectorStreamingConfigurationResponse,
};
use model::{AccountId, MediaInsights, Streaming, StreamingTarget, VoiceConnectorId};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::voice_connector::{load, parse_id};

/// Sets all of a connector's streaming configuration; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorStreamingConfigurationRequest,
) -> Result<PutVoiceConnectorStreamingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let parsed = parse(account, id, wire.streaming_configuration)?;
    let answer = PutVoiceConnectorStreamingConfigurationResponse {
        streaming_configuration: Some(to_wire(&parsed)),
    };
    context
        .write(move |tx| {
            load(&*tx, account, &parsed.connector)?;
            tx.put(&parsed)?;
            Ok(())
        })
        .await?;
    Ok(answer)
}

fn parse(
    account: AccountId,
    connector: VoiceConnectorId,
    wire: types::StreamingConfiguration,
) -> Result<Streaming, ApiError> {
    let targets = parse_targets(wire.streaming_notification_targets.unwrap_or_default())?;
    let retention_hours = u32::try_from(wire.data_retention_in_hours).map_err(|_| {
        ApiError::bad_request("StreamingConfiguration.DataRetentionInHours is below 0")
    })?;
    let insights = wire.media_insights_configuration.map(parse_insights).transpose()?;
    Ok(Streaming {
        account,
        connector,
        retention_hours,
        disabled: wire.disabled,
        targets,
        insights,
    })
}

/// Who is told: nobody twice.
fn parse_targets(
    wire: Vec<types::StreamingNotificationTarget>,
) -> Result<Vec<StreamingTarget>, ApiError> {
    let mut targets = Vec::new();
    for (at, entry) in wire.into_iter().enumerate() {
        let member = format!("StreamingConfiguration.StreamingNotificationTargets[{at}]");
        let target = entry.notification_target.ok_or_else(|| {
            ApiError::bad_request(format!(
                "{member}.NotificationTarget is missing; name EventBridge, SNS or SQS"
            ))
        })?;
        let target = ours(target.as_str());
        if targets.contains(&target) {
            return Err(ApiError::bad_request(format!(
                "{member} is in the list twice; name each target once"
            )));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// An analysis that is switched on names its configuration.
fn parse_insights(wire: types::MediaInsightsConfiguration) -> Result<MediaInsights, ApiError> {
    let disabled = wire.disabled.unwrap_or(false);
    let configuration_arn = wire.configuration_arn.map(|it| it.into_exposed());
    if !disabled && configuration_arn.is_none() {
        return Err(ApiError::bad_request(
            "StreamingConfiguration.MediaInsightsConfiguration.ConfigurationArn is missing; name the \
             configuration, or send Disabled as true",
        ));
    }
    Ok(MediaInsights { disabled, configuration_arn })
}
