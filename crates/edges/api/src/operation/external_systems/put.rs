//! `PutVoiceConnectorExternalSystemsConfiguration`.

use chime_api::types::{
    PutVoiceConnectorExternalSystemsConfigurationRequest,
    PutVoiceConnectorExternalSystemsConfigurationResponse,
};
use model::{AccountId, ExternalSystems, Named, VoiceConnectorId};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::voice_connector::{load, parse_id};

/// Sets all of a connector's external systems configuration; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorExternalSystemsConfigurationRequest,
) -> Result<PutVoiceConnectorExternalSystemsConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let parsed = parse(account, id, wire)?;
    let answer = PutVoiceConnectorExternalSystemsConfigurationResponse {
        external_systems_configuration: Some(to_wire(&parsed)),
    };
    context
        .write(move |tx| {
            load(&*tx, account, &parsed.connector)?;
            tx.put(&parsed)?;
            Ok(())
        })
        .await?;
    Ok(answer)
}

fn parse(
    account: AccountId,
    connector: VoiceConnectorId,
    wire: PutVoiceConnectorExternalSystemsConfigurationRequest,
) -> Result<ExternalSystems, ApiError> {
    if wire.session_border_controller_types.is_none() && wire.contact_center_system_types.is_none()
    {
        return Err(ApiError::bad_request(
            "SessionBorderControllerTypes and ContactCenterSystemTypes are both missing; send at least one of them",
        ));
    }
    let border = wire.session_border_controller_types.unwrap_or_default();
    let centers = wire.contact_center_system_types.unwrap_or_default();
    Ok(ExternalSystems {
        account,
        connector,
        border_controllers: each_once(
            "SessionBorderControllerTypes",
            border.iter().map(|it| it.as_str()),
        )?,
        contact_centers: each_once(
            "ContactCenterSystemTypes",
            centers.iter().map(|it| it.as_str()),
        )?,
    })
}

fn each_once<'a, T: Named>(
    member: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<T>, ApiError> {
    let mut all = Vec::new();
    for name in names {
        let value = ours(name);
        if all.contains(&value) {
            return Err(ApiError::bad_request(format!(
                "{member}: {name} is in the list twice; name each system once"
            )));
        }
        all.push(value);
    }
    Ok(all)
}
