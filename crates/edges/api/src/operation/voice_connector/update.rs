//! `UpdateVoiceConnector`.

use chime_api::types::{UpdateVoiceConnectorRequest, UpdateVoiceConnectorResponse};
use store::TypedTx as _;

use super::{load, not_before, parse_id, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Sets a connector's name and whether it requires encryption. All else is fixed at its creation.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateVoiceConnectorRequest,
) -> Result<UpdateVoiceConnectorResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let (account, now) = (permit.account(), context.clock.now());
    let connector = context
        .write(move |tx| {
            let mut connector = load(&*tx, account, &id)?;
            connector.name = wire.name;
            connector.require_encryption = wire.require_encryption;
            connector.updated = not_before(connector.updated, now);
            tx.put(&connector)?;
            Ok(connector)
        })
        .await?;
    Ok(UpdateVoiceConnectorResponse { voice_connector: Some(to_wire(&connector)) })
}
