//! Proxy configuration: whether a connector lends its numbers to sessions of two participants.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use chime_api::{Sensitive, types};
use model::{Proxy, VoiceConnectorId};

use crate::error::{ApiError, ErrorKind};

/// The error for a connector that has none.
pub(super) fn unset(id: &VoiceConnectorId) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!("VoiceConnector '{id}' has no Proxy; put one with PutVoiceConnectorProxy"),
    )
}

/// A proxy configuration as the API tells it: every member except an absent number.
fn to_wire(proxy: &Proxy) -> types::Proxy {
    types::Proxy {
        default_session_expiry_minutes: Some(
            i32::try_from(proxy.default_expiry_minutes).unwrap_or(i32::MAX),
        ),
        disabled: Some(proxy.disabled),
        fall_back_phone_number: proxy.fall_back.map(|it| Sensitive::new(it.to_string())),
        phone_number_countries: Some(proxy.countries.clone()),
    }
}
