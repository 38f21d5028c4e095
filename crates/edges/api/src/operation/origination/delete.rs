//! `DeleteVoiceConnectorOrigination`.

use chime_api::types::{DeleteVoiceConnectorOriginationRequest, NoContent};
use model::Origination;
use store::TypedTx as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::emergency_calling::refuse_while_needed;
use crate::operation::voice_connector::{load, parse_id};

/// Deletes a connector's origination, so that no call is let in. None is fine as well.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorOriginationRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            refuse_while_needed(&*tx, account, &id, "delete its Origination")?;
            tx.delete::<Origination>(&account, id.as_str())?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
