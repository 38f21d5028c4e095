//! `CreateProxySession`.

use std::collections::BTreeSet;

use chime_api::Sensitive;
use chime_api::types::{
    CreateProxySessionRequest, CreateProxySessionResponse, GeoMatchLevel, GeoMatchParams,
};
use model::{E164Number, GeoMatch, Participant, Proxy, ProxySession, ProxySessionId};
use store::{TypedTx as _, TypedView as _};

use super::select::{Wish, choose};
use super::{minutes, parse_capabilities, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::phone_number::parse_number;
use crate::operation::proxy::unset;
use crate::operation::voice_connector::{load, parse_id};
use crate::random;

/// Opens a session of two participants and chooses the number that stands between them.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateProxySessionRequest,
) -> Result<CreateProxySessionResponse, ApiError> {
    let connector = parse_id(&wire.voice_connector_id)?;
    let numbers = parse_participants(&wire.participant_phone_numbers)?;
    let wish = Wish {
        participants: numbers,
        selection: wire.number_selection_behavior.map(|it| ours(it.as_str())),
        geo_match: parse_geo_match(wire.geo_match_level, wire.geo_match_params, numbers[0])?,
    };
    let capabilities = parse_capabilities(&wire.capabilities)?;
    let expiry_minutes = wire.expiry_minutes.map(minutes).transpose()?;
    let name = wire.name.map(Sensitive::into_exposed).filter(|it| !it.is_empty());
    let id = ProxySessionId::from_random(random::bytes());
    let (account, now) = (permit.account(), context.clock.now());
    let session = context
        .write(move |tx| {
            load(&*tx, account, &connector)?;
            let proxy = tx.get::<Proxy>(&account, connector.as_str())?;
            let proxy = proxy.ok_or_else(|| unset(&connector))?;
            if proxy.disabled {
                return Err(ApiError::bad_request(format!(
                    "the Proxy of VoiceConnector '{connector}' is disabled; enable it first \
                     (PutVoiceConnectorProxy)"
                )));
            }
            let chosen = choose(tx, &proxy, &wish, now)?;
            let session = ProxySession {
                id,
                account,
                connector,
                name,
                expiry_minutes: expiry_minutes.unwrap_or(proxy.default_expiry_minutes),
                capabilities,
                selection: wish.selection,
                geo_match: wish.geo_match,
                participants: numbers.map(|number| Participant { number, proxy: chosen }),
                created: now,
                updated: now,
                ended: None,
            };
            tx.put(&session)?;
            Ok(session)
        })
        .await?;
    Ok(CreateProxySessionResponse { proxy_session: Some(to_wire(&session, now, &BTreeSet::new())) })
}

/// Reads the two: each a number, and not the same.
fn parse_participants(wire: &[Sensitive]) -> Result<[E164Number; 2], ApiError> {
    let [one, other] = wire else {
        return Err(ApiError::bad_request("ParticipantPhoneNumbers has two numbers"));
    };
    let one = parse_number("ParticipantPhoneNumbers[0]", one.expose())?;
    let other = parse_number("ParticipantPhoneNumbers[1]", other.expose())?;
    if one == other {
        return Err(ApiError::bad_request(
            "ParticipantPhoneNumbers names one number twice; a session has two participants",
        ));
    }
    Ok([one, other])
}

/// Reads which place is wished: the one that is named, or that of the first participant.
fn parse_geo_match(
    level: Option<GeoMatchLevel>,
    named: Option<GeoMatchParams>,
    first: E164Number,
) -> Result<Option<GeoMatch>, ApiError> {
    let Some(level) = level else {
        return match named {
            None => Ok(None),
            Some(_) => Err(ApiError::bad_request(
                "GeoMatchParams is there without GeoMatchLevel; send that as well, Country or AreaCode",
            )),
        };
    };
    let is_named = named.is_some();
    let (country, area_code) = match named {
        Some(named) => (Some(named.country), Some(named.area_code)),
        None => (first.country().map(|it| it.to_string()), first.area_code()),
    };
    let some = |text: Option<String>, member: &str| {
        text.filter(|it| !it.is_empty()).ok_or_else(|| {
            ApiError::bad_request(format!(
                "GeoMatchLevel is {level}, and neither GeoMatchParams nor the first participant's number tells \
                 the {member}; name it in GeoMatchParams"
            ))
        })
    };
    let country = some(country, "Country")?;
    let area_code = match level {
        GeoMatchLevel::Country => None,
        GeoMatchLevel::AreaCode => Some(some(area_code, "AreaCode")?),
    };
    Ok(Some(GeoMatch { country, area_code, is_named }))
}
