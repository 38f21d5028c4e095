//! Termination: the rules for calls out of a connector, customer → PSTN.

pub(super) mod calling_region;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod get_health;
pub(super) mod put;

use chime_api::{Sensitive, types};
use model::{Termination, VoiceConnectorId};

use crate::error::{ApiError, ErrorKind};

/// The error for a connector that has no termination.
pub(super) fn unset(id: &VoiceConnectorId) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "VoiceConnector '{id}' has no Termination; put one with PutVoiceConnectorTermination"
        ),
    )
}

/// A termination as the API tells it: every member except an absent number.
fn to_wire(termination: &Termination) -> types::Termination {
    types::Termination {
        cps_limit: Some(i32::try_from(termination.cps_limit.get()).unwrap_or(i32::MAX)),
        default_phone_number: termination
            .default_phone_number
            .map(|number| Sensitive::new(number.to_string())),
        calling_regions: Some(termination.calling_regions.clone()),
        cidr_allowed_list: Some(
            termination.cidr_allowed_list.iter().map(ToString::to_string).collect(),
        ),
        disabled: Some(termination.disabled),
    }
}
