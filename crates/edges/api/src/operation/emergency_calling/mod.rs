//! Emergency calling: where a connector's emergency calls go.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use chime_api::{Sensitive, types};
use model::{AccountId, EmergencyCalling, EmergencyNumber, VoiceConnectorId};
use store::{Tx, TypedView as _};

use crate::error::{ApiError, ErrorKind};

/// The error for a connector that has none.
fn unset(id: &VoiceConnectorId) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "VoiceConnector '{id}' has no EmergencyCallingConfiguration; put one with PutVoiceConnectorEmergencyCallingConfiguration"
        ),
    )
}

/// Refuses a deed, such as "delete its Termination", that would leave emergency calls without a way.
pub(super) fn refuse_while_needed(
    tx: &dyn Tx,
    account: AccountId,
    id: &VoiceConnectorId,
    deed: &str,
) -> Result<(), ApiError> {
    if tx.get::<EmergencyCalling>(&account, id.as_str())?.is_none() {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "VoiceConnector '{id}' has an EmergencyCallingConfiguration, which needs calls out and in; delete that \
         (DeleteVoiceConnectorEmergencyCallingConfiguration) before you {deed}"
    )))
}

/// An emergency calling configuration as the API tells it.
fn to_wire(emergency: &EmergencyCalling) -> types::EmergencyCallingConfiguration {
    let entry = |it: &EmergencyNumber| types::DNISEmergencyCallingConfiguration {
        emergency_phone_number: Sensitive::new(it.emergency.to_string()),
        test_phone_number: it.test.map(|number| Sensitive::new(number.to_string())),
        calling_country: it.country.clone(),
    };
    types::EmergencyCallingConfiguration {
        dnis: Some(emergency.numbers.iter().map(entry).collect()),
    }
}
