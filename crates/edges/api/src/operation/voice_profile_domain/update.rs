//! `UpdateVoiceProfileDomain`.

use chime_api::types::{UpdateVoiceProfileDomainRequest, UpdateVoiceProfileDomainResponse};
use store::TypedTx as _;

use super::{find, no_such, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Changes what the request names: the domain's name, its description (an empty one goes), or both.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateVoiceProfileDomainRequest,
) -> Result<UpdateVoiceProfileDomainResponse, ApiError> {
    let id = wire.voice_profile_domain_id;
    let (account, now) = (permit.account(), context.clock.now());
    let domain = context
        .write(move |tx| {
            let mut domain = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            if let Some(name) = wire.name {
                domain.name = name;
            }
            if let Some(description) = wire.description {
                domain.description = Some(description).filter(|it| !it.is_empty());
            }
            domain.updated = domain.updated.max(now);
            tx.put(&domain)?;
            Ok(domain)
        })
        .await?;
    Ok(UpdateVoiceProfileDomainResponse { voice_profile_domain: Some(to_wire(&domain)) })
}
