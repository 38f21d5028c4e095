//! `DeleteVoiceProfileDomain`.

use chime_api::types::{DeleteVoiceProfileDomainRequest, NoContent};
use model::{Resource as _, Tags, VoiceProfile, VoiceProfileDomain};
use store::{Page, TypedTx as _, TypedView as _};

use super::{find, no_such};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Deletes a domain with its tags and all of its profiles.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceProfileDomainRequest,
) -> Result<NoContent, ApiError> {
    let id = wire.voice_profile_domain_id;
    let account = permit.account();
    context
        .write(move |tx| {
            let domain = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            for profile in tx.children::<VoiceProfile>(&account, &id, Page::WHOLE)?.items {
                tx.delete::<VoiceProfile>(&account, &profile.key())?;
            }
            tx.delete::<Tags>(&account, &domain.arn().to_string())?;
            tx.delete::<VoiceProfileDomain>(&account, &id)?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
