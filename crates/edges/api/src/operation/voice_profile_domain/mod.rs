//! Voice profile domains.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use chime_api::{Sensitive, types};
use model::{AccountId, VoiceProfileDomain};
use store::{StoreError, TypedView as _, View};

use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// The error for a domain that the account does not have.
pub(super) fn no_such(id: &str) -> ApiError {
    ApiError::no_such("VoiceProfileDomain", id)
}

/// An account's domain by the id of a request, whatever text that is.
pub(super) fn find<V: View + ?Sized>(
    view: &V,
    account: AccountId,
    id: &str,
) -> Result<Option<VoiceProfileDomain>, StoreError> {
    view.get::<VoiceProfileDomain>(&account, id)
}

/// A domain as the API tells it.
fn to_wire(domain: &VoiceProfileDomain) -> types::VoiceProfileDomain {
    types::VoiceProfileDomain {
        voice_profile_domain_id: Some(domain.id.to_string()),
        voice_profile_domain_arn: Some(Sensitive::new(domain.arn().to_string())),
        name: Some(domain.name.clone()),
        description: domain.description.clone(),
        server_side_encryption_configuration: Some(types::ServerSideEncryptionConfiguration {
            kms_key_arn: Sensitive::new(domain.encryption_key.as_str()),
        }),
        created_timestamp: Some(timestamp(domain.created)),
        updated_timestamp: Some(timestamp(domain.updated)),
    }
}
