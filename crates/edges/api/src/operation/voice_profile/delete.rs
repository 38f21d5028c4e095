//! `DeleteVoiceProfile`.

use chime_api::types::{DeleteVoiceProfileRequest, NoContent};
use model::VoiceProfile;
use store::TypedTx as _;

use super::{find, no_such};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Deletes a profile; its speaker is not known any more.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceProfileRequest,
) -> Result<NoContent, ApiError> {
    let id = wire.voice_profile_id;
    let (account, now) = (permit.account(), context.clock.now());
    context
        .write(move |tx| {
            find(&*tx, account, &id, now)?.ok_or_else(|| no_such(&id))?;
            tx.delete::<VoiceProfile>(&account, &id)?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
