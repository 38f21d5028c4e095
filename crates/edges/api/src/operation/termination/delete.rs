//! `DeleteVoiceConnectorTermination`.

use chime_api::types::{DeleteVoiceConnectorTerminationRequest, NoContent};
use model::{Termination, TerminationHealth};
use store::TypedTx as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::emergency_calling::refuse_while_needed;
use crate::operation::voice_connector::{load, parse_id};

/// Deletes a connector's termination, so that nothing is let out. Its credentials stay, and count
/// again once there is a termination again.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorTerminationRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            refuse_while_needed(&*tx, account, &id, "delete its Termination")?;
            tx.delete::<Termination>(&account, id.as_str())?;
            tx.delete::<TerminationHealth>(&account, id.as_str())?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
