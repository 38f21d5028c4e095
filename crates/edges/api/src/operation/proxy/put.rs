//! `PutVoiceConnectorProxy`.

use chime_api::types::{PutVoiceConnectorProxyRequest, PutVoiceConnectorProxyResponse};
use model::{AccountId, Proxy, VoiceConnectorId};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::phone_number::parse_number;
use crate::operation::termination::calling_region::is_country;
use crate::operation::voice_connector::{load, parse_id};

/// Sets all of a connector's proxy configuration; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorProxyRequest,
) -> Result<PutVoiceConnectorProxyResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let parsed = parse(account, id, wire)?;
    let answer = PutVoiceConnectorProxyResponse { proxy: Some(to_wire(&parsed)) };
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
    wire: PutVoiceConnectorProxyRequest,
) -> Result<Proxy, ApiError> {
    let minutes = wire.default_session_expiry_minutes;
    let default_expiry_minutes =
        u32::try_from(minutes).ok().filter(|it| *it > 0).ok_or_else(|| {
            ApiError::bad_request(format!(
                "DefaultSessionExpiryMinutes is {minutes}; a session lasts at least 1 minute"
            ))
        })?;
    let mut countries = Vec::new();
    for (at, country) in wire.phone_number_pool_countries.into_iter().enumerate() {
        if !is_country(&country) {
            return Err(ApiError::bad_request(format!(
                "PhoneNumberPoolCountries[{at}] is '{country}', which is no ISO 3166-1 alpha-2 country code; \
                 write two capital letters, such as \"US\""
            )));
        }
        if !countries.contains(&country) {
            countries.push(country);
        }
    }
    let fall_back = wire.fall_back_phone_number;
    let fall_back =
        fall_back.map(|it| parse_number("FallBackPhoneNumber", it.expose())).transpose()?;
    Ok(Proxy {
        account,
        connector,
        default_expiry_minutes,
        countries,
        fall_back,
        disabled: wire.disabled.unwrap_or(false),
    })
}
