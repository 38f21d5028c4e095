//! `DeleteVoiceConnectorStreamingConfiguration`.

use chime_api::types::{DeleteVoiceConnectorStreamingConfigurationRequest, NoContent};
use model::Streaming;
use store::TypedTx as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// Deletes a connector's streaming configuration. None is fine as well.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorStreamingConfigurationRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            tx.delete::<Streaming>(&account, id.as_str())?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
