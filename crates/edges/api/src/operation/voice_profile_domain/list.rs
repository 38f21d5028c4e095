//! `ListVoiceProfileDomains`.

use chime_api::types::{
    ListVoiceProfileDomainsRequest, ListVoiceProfileDomainsResponse, VoiceProfileDomainSummary,
};
use model::VoiceProfileDomain;
use store::{Page, TypedView as _};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::page::{Listing, page_length};

/// Tells an account's domains, page by page, in the order of their ids.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListVoiceProfileDomainsRequest,
) -> Result<ListVoiceProfileDomainsResponse, ApiError> {
    let account = permit.account();
    let listing = Listing::new(&["ListVoiceProfileDomains", account.as_str()]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;

    let page = context
        .read(move |view| {
            view.list::<VoiceProfileDomain>(&account, Page { after: after.as_deref(), limit })
        })
        .await?;
    Ok(ListVoiceProfileDomainsResponse {
        voice_profile_domains: Some(page.items.iter().map(summary).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}

/// Everything of a domain but its key.
fn summary(domain: &VoiceProfileDomain) -> VoiceProfileDomainSummary {
    let whole = to_wire(domain);
    VoiceProfileDomainSummary {
        voice_profile_domain_id: whole.voice_profile_domain_id,
        voice_profile_domain_arn: whole.voice_profile_domain_arn,
        name: whole.name,
        description: whole.description,
        created_timestamp: whole.created_timestamp,
        updated_timestamp: whole.updated_timestamp,
    }
}
