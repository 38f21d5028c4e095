//! Voice profiles.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod source;
pub(super) mod update;

use chime_api::{Sensitive, types};
use model::{AccountId, UnixMillis, VoiceProfile};
use store::{StoreError, TypedView as _, View};

use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// The error for a profile that the account does not have, or no longer.
fn no_such(id: &str) -> ApiError {
    ApiError::no_such("VoiceProfile", id)
}

/// An account's profile by the id of a request, whatever text that is, unless it has expired.
fn find<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    id: &str,
    now: UnixMillis,
) -> Result<Option<VoiceProfile>, StoreError> {
    Ok(view.get::<VoiceProfile>(&account, id)?.filter(|it| !it.is_expired(now)))
}

/// A profile as the API tells it.
fn to_wire(profile: &VoiceProfile) -> types::VoiceProfile {
    types::VoiceProfile {
        voice_profile_id: Some(profile.id.to_string()),
        voice_profile_arn: Some(Sensitive::new(profile.arn().to_string())),
        voice_profile_domain_id: Some(profile.domain.to_string()),
        created_timestamp: Some(timestamp(profile.created)),
        updated_timestamp: Some(timestamp(profile.updated)),
        expiration_timestamp: Some(timestamp(profile.expires())),
    }
}
