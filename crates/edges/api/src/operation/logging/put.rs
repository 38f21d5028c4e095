//! `PutVoiceConnectorLoggingConfiguration`.

use chime_api::types::{
    self, PutVoiceConnectorLoggingConfigurationRequest,
    PutVoiceConnectorLoggingConfigurationResponse,
};
use model::{AccountId, Logging, VoiceConnectorId};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// Sets all of a connector's logging configuration; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorLoggingConfigurationRequest,
) -> Result<PutVoiceConnectorLoggingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let parsed = parse(account, id, wire.logging_configuration);
    let answer = PutVoiceConnectorLoggingConfigurationResponse {
        logging_configuration: Some(to_wire(&parsed)),
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
    wire: types::LoggingConfiguration,
) -> Logging {
    Logging {
        account,
        connector,
        sip: wire.enable_sip_logs.unwrap_or(false),
        media_metrics: wire.enable_media_metric_logs.unwrap_or(false),
    }
}
