//! `ListVoiceProfiles`.

use chime_api::types::{ListVoiceProfilesRequest, ListVoiceProfilesResponse, VoiceProfileSummary};
use model::{AccountId, UnixMillis, VoiceProfile};
use store::{Page, StoreError, TypedView as _, View};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_profile_domain::{self, no_such};
use crate::page::{Listing, page_length};

/// Tells a domain's profiles that have not expired, page by page, in the order of their ids.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListVoiceProfilesRequest,
) -> Result<ListVoiceProfilesResponse, ApiError> {
    let domain = wire.voice_profile_domain_id;
    let (account, now) = (permit.account(), context.clock.now());
    let listing = Listing::new(&["ListVoiceProfiles", account.as_str(), &domain]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;

    let asked = domain.clone();
    let found = context
        .read(move |view| {
            if voice_profile_domain::find(view, account, &asked)?.is_none() {
                return Ok(None);
            }
            unexpired(view, account, &asked, after, limit, now).map(Some)
        })
        .await?;
    let (profiles, next) = found.ok_or_else(|| no_such(&domain))?;
    Ok(ListVoiceProfilesResponse {
        voice_profiles: Some(profiles.iter().map(summary).collect()),
        next_token: next.map(|key| listing.token(&key)),
    })
}

/// Up to `limit` profiles after a key, and the key that the next page begins after.
fn unexpired(
    view: &dyn View,
    account: AccountId,
    domain: &str,
    mut after: Option<String>,
    limit: usize,
    now: UnixMillis,
) -> Result<(Vec<VoiceProfile>, Option<String>), StoreError> {
    let mut profiles: Vec<VoiceProfile> = Vec::new();
    loop {
        // No more than what is missing, so that the next page begins right after this one.
        let page = Page { after: after.as_deref(), limit: limit - profiles.len() };
        let page = view.children::<VoiceProfile>(&account, domain, page)?;
        profiles.extend(page.items.into_iter().filter(|it| !it.is_expired(now)));
        after = page.next;
        if after.is_none() || profiles.len() == limit {
            return Ok((profiles, after));
        }
    }
}

fn summary(profile: &VoiceProfile) -> VoiceProfileSummary {
    let whole = to_wire(profile);
    VoiceProfileSummary {
        voice_profile_id: whole.voice_profile_id,
        voice_profile_arn: whole.voice_profile_arn,
        voice_profile_domain_id: whole.voice_profile_domain_id,
        created_timestamp: whole.created_timestamp,
        updated_timestamp: whole.updated_timestamp,
        expiration_timestamp: whole.expiration_timestamp,
    }
}
