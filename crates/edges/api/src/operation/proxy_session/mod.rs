//! Proxy phone sessions: two participants who reach each other through a number of the connector.
//!
//! A session is open until its time is over or somebody deletes it; then it is closed and tells when
//! it ended. While the two talk it is in progress, which the calls tell and nothing that is stored.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod select;
pub(super) mod update;

use std::collections::BTreeSet;

use chime_api::{Sensitive, types};
use model::{
    AccountId, GeoMatch, Participant, ProxyCapability, ProxySession, ProxySessionId,
    ProxySessionStatus, UnixMillis, VoiceConnectorId,
};
use store::{Tx, TypedView as _};

use super::name::{ours, theirs};
use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// Reads the id that a request names. One that this service cannot have made names no session.
fn parse_id(text: &str) -> Result<ProxySessionId, ApiError> {
    ProxySessionId::parse(text).map_err(|_| no_such(text))
}

/// The error for a session that the connector does not have.
fn no_such(id: &str) -> ApiError {
    ApiError::no_such("ProxySession", id)
}

/// Loads a session within a transaction.
fn load(
    tx: &dyn Tx,
    account: AccountId,
    connector: &VoiceConnectorId,
    id: ProxySessionId,
) -> Result<ProxySession, ApiError> {
    let found = tx.get(&account, &ProxySession::key_of(connector, id))?;
    found.ok_or_else(|| no_such(&id.to_string()))
}

/// Reads what participants may do: at least one thing, none twice.
fn parse_capabilities(wire: &[types::Capability]) -> Result<Vec<ProxyCapability>, ApiError> {
    let mut all = Vec::new();
    for capability in wire {
        let value = ours(capability.as_str());
        if all.contains(&value) {
            return Err(ApiError::bad_request(format!(
                "Capabilities: {capability} is in the list twice; name each once"
            )));
        }
        all.push(value);
    }
    if all.is_empty() {
        return Err(ApiError::bad_request("Capabilities is empty; name Voice, SMS or both"));
    }
    Ok(all)
}

/// Minutes as the product counts them. The model has checked that there is at least one.
fn minutes(wire: i32) -> Result<u32, ApiError> {
    u32::try_from(wire).map_err(|_| ApiError::bad_request("ExpiryMinutes is below 1"))
}

/// A session's status while these sessions' participants talk. One that is over is closed, even if
/// a call that began before goes on.
fn status(
    session: &ProxySession,
    now: UnixMillis,
    talking: &BTreeSet<ProxySessionId>,
) -> ProxySessionStatus {
    let status = session.status(now);
    if status == ProxySessionStatus::Open && talking.contains(&session.id) {
        return ProxySessionStatus::InProgress;
    }
    status
}

/// A session as the API tells it at `now`.
fn to_wire(
    session: &ProxySession,
    now: UnixMillis,
    talking: &BTreeSet<ProxySessionId>,
) -> types::ProxySession {
    let participant = |it: &Participant| types::Participant {
        phone_number: Some(Sensitive::new(it.number.to_string())),
        proxy_phone_number: Some(Sensitive::new(it.proxy.to_string())),
    };
    let capabilities = session.capabilities.iter();
    let geo = session.geo_match.as_ref();
    types::ProxySession {
        voice_connector_id: Some(session.connector.to_string()),
        proxy_session_id: Some(session.id.to_string()),
        name: session.name.clone(),
        status: Some(theirs(status(session, now, talking), types::ProxySessionStatus::parse)),
        expiry_minutes: Some(i32::try_from(session.expiry_minutes).unwrap_or(i32::MAX)),
        capabilities: Some(capabilities.map(|it| theirs(*it, types::Capability::parse)).collect()),
        created_timestamp: Some(timestamp(session.created)),
        updated_timestamp: Some(timestamp(session.updated)),
        ended_timestamp: session.ended_by(now).map(timestamp),
        participants: Some(session.participants.iter().map(participant).collect()),
        number_selection_behavior: session
            .selection
            .map(|it| theirs(it, types::NumberSelectionBehavior::parse)),
        geo_match_level: geo.map(level_to_wire),
        geo_match_params: geo.filter(|it| it.is_named).map(|it| types::GeoMatchParams {
            country: it.country.clone(),
            area_code: it.area_code.clone().unwrap_or_default(),
        }),
    }
}

fn level_to_wire(geo: &GeoMatch) -> types::GeoMatchLevel {
    match geo.area_code {
        Some(_) => types::GeoMatchLevel::AreaCode,
        None => types::GeoMatchLevel::Country,
    }
}
