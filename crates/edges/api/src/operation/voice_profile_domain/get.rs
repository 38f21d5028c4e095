//! `GetVoiceProfileDomain`.

use chime_api::types::{GetVoiceProfileDomainRequest, GetVoiceProfileDomainResponse};

use super::{find, no_such, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one domain.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetVoiceProfileDomainRequest,
) -> Result<GetVoiceProfileDomainResponse, ApiError> {
    let id = wire.voice_profile_domain_id;
    let (account, key) = (permit.account(), id.clone());
    let found = context.read(move |view| find(view, account, &key)).await?;
    let domain = found.ok_or_else(|| no_such(&id))?;
    Ok(GetVoiceProfileDomainResponse { voice_profile_domain: Some(to_wire(&domain)) })
}
