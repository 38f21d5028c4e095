//! External systems: what stands on the customer's side of a connector.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use chime_api::types;
use model::{ExternalSystems, VoiceConnectorId};

use super::name::theirs;
use crate::error::{ApiError, ErrorKind};

/// The error for a connector that has none.
fn unset(id: &VoiceConnectorId) -> ApiError {
    ApiError::new(
        ErrorKind::NotFound,
        format!(
            "VoiceConnector '{id}' has no ExternalSystemsConfiguration; put one with PutVoiceConnectorExternalSystemsConfiguration"
        ),
    )
}

/// An external systems configuration as the API tells it: both lists.
fn to_wire(systems: &ExternalSystems) -> types::ExternalSystemsConfiguration {
    let border = systems.border_controllers.iter();
    let centers = systems.contact_centers.iter();
    types::ExternalSystemsConfiguration {
        session_border_controller_types: Some(
            border.map(|it| theirs(*it, types::SessionBorderControllerType::parse)).collect(),
        ),
        contact_center_system_types: Some(
            centers.map(|it| theirs(*it, types::ContactCenterSystemType::parse)).collect(),
        ),
    }
}
