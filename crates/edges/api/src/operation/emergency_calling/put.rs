//! `PutVoiceConnectorEmergencyCallingConfiguration`.

use chime_api::Sensitive;
use chime_api::types::{
    self, PutVoiceConnectorEmergencyCallingConfigurationRequest,
    PutVoiceConnectorEmergencyCallingConfigurationResponse,
};
use model::{
    AccountId, EmergencyCalling, EmergencyNumber, Origination, Termination, VoiceConnectorId,
};
use store::{Tx, TypedTx as _, TypedView as _};

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::phone_number::parse_number;
use crate::operation::termination::calling_region::is_country;
use crate::operation::voice_connector::{load, parse_id};

/// Sets all of a connector's emergency calling configuration; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorEmergencyCallingConfigurationRequest,
) -> Result<PutVoiceConnectorEmergencyCallingConfigurationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let parsed = parse(account, id, wire.emergency_calling_configuration)?;
    let answer = PutVoiceConnectorEmergencyCallingConfigurationResponse {
        emergency_calling_configuration: Some(to_wire(&parsed)),
    };
    context
        .write(move |tx| {
            load(&*tx, account, &parsed.connector)?;
            check_both_ways(&*tx, account, &parsed.connector)?;
            tx.put(&parsed)?;
            Ok(())
        })
        .await?;
    Ok(answer)
}

/// Refuses unless calls go out and come in: help must be reachable, and must be able to call back.
fn check_both_ways(
    tx: &dyn Tx,
    account: AccountId,
    connector: &VoiceConnectorId,
) -> Result<(), ApiError> {
    let out = tx.get::<Termination>(&account, connector.as_str())?.map(|it| it.disabled);
    let back = tx.get::<Origination>(&account, connector.as_str())?.map(|it| it.disabled);
    for (what, disabled) in [("Termination", out), ("Origination", back)] {
        let state = match disabled {
            Some(false) => continue,
            Some(true) => "is disabled",
            None => "is missing",
        };
        return Err(ApiError::bad_request(format!(
            "emergency calling needs a Termination and an Origination that are enabled, and the {what} of \
             VoiceConnector '{connector}' {state}; put one that is enabled first (PutVoiceConnector{what})"
        )));
    }
    Ok(())
}

fn parse(
    account: AccountId,
    connector: VoiceConnectorId,
    wire: types::EmergencyCallingConfiguration,
) -> Result<EmergencyCalling, ApiError> {
    let wire = wire.dnis.unwrap_or_default();
    if wire.is_empty() {
        return Err(ApiError::bad_request(
            "EmergencyCallingConfiguration.DNIS is missing or empty; name at least one emergency number, or \
             delete the configuration (DeleteVoiceConnectorEmergencyCallingConfiguration)",
        ));
    }
    let mut numbers: Vec<EmergencyNumber> = Vec::new();
    for (at, entry) in wire.iter().enumerate() {
        let number = parse_entry(&format!("EmergencyCallingConfiguration.DNIS[{at}]"), entry)?;
        if numbers.iter().any(|it| it.country == number.country) {
            return Err(ApiError::bad_request(format!(
                "EmergencyCallingConfiguration.DNIS[{at}].CallingCountry: {} is in the list twice; name one \
                 emergency number for each country",
                number.country
            )));
        }
        numbers.push(number);
    }
    Ok(EmergencyCalling { account, connector, numbers })
}

fn parse_entry(
    member: &str,
    wire: &types::DNISEmergencyCallingConfiguration,
) -> Result<EmergencyNumber, ApiError> {
    let number =
        |name: &str, text: &Sensitive| parse_number(&format!("{member}.{name}"), text.expose());
    let test =
        wire.test_phone_number.as_ref().map(|it| number("TestPhoneNumber", it)).transpose()?;
    if !is_country(&wire.calling_country) {
        return Err(ApiError::bad_request(format!(
            "{member}.CallingCountry is '{}', which is no ISO 3166-1 alpha-2 country code; write two capital \
             letters, such as \"US\"",
            wire.calling_country
        )));
    }
    Ok(EmergencyNumber {
        emergency: number("EmergencyPhoneNumber", &wire.emergency_phone_number)?,
        test,
        country: wire.calling_country.clone(),
    })
}
