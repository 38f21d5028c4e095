//! `PutVoiceConnectorOrigination`.

use chime_api::types::{
    self, PutVoiceConnectorOriginationRequest, PutVoiceConnectorOriginationResponse,
};
use model::{Origination, Route, RouteProtocol, VoiceConnector};
use store::TypedTx as _;

use super::to_wire;
use crate::address::AddressRules;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::emergency_calling::refuse_while_needed;
use crate::operation::voice_connector::{load, parse_id};

/// SIP's own port, for a route that names none.
const PORT_DEFAULT: u16 = 5060;
/// First, and of equal share: for a route that names no priority or weight.
const RANK_DEFAULT: u8 = 1;

/// Sets all of a connector's origination; what the request leaves out gets its default.
pub(crate) async fn put(
    context: &Context,
    permit: Permit,
    wire: PutVoiceConnectorOriginationRequest,
) -> Result<PutVoiceConnectorOriginationResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    check_presence(&wire.origination)?;
    let rules = context.config.address_rules();
    let account = permit.account();
    let origination = context
        .write(move |tx| {
            let origination = parse(wire.origination, &load(&*tx, account, &id)?, rules)?;
            if origination.disabled {
                refuse_while_needed(&*tx, account, &id, "disable its Origination")?;
            }
            tx.put(&origination)?;
            Ok(origination)
        })
        .await?;
    Ok(PutVoiceConnectorOriginationResponse { origination: Some(to_wire(&origination)) })
}

/// Routes or Disabled must be there; not too many routes.
fn check_presence(wire: &types::Origination) -> Result<(), ApiError> {
    if wire.routes.is_none() && wire.disabled.is_none() {
        return Err(ApiError::bad_request(
            "Origination has neither Routes nor Disabled; give at least one of them",
        ));
    }
    let count = wire.routes.as_ref().map_or(0, Vec::len);
    if count > Origination::ROUTES_MAX {
        return Err(ApiError::bad_request(format!(
            "Origination.Routes has {count} routes, and at most {} are taken; leave some out",
            Origination::ROUTES_MAX
        )));
    }
    Ok(())
}

fn parse(
    wire: types::Origination,
    connector: &VoiceConnector,
    rules: AddressRules,
) -> Result<Origination, ApiError> {
    let routes = wire
        .routes
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(at, route)| parse_route(at, route, connector, rules))
        .collect::<Result<_, _>>()?;
    Ok(Origination {
        account: connector.account,
        connector: connector.id.clone(),
        routes,
        disabled: wire.disabled.unwrap_or(false),
    })
}

fn parse_route(
    at: usize,
    wire: types::OriginationRoute,
    connector: &VoiceConnector,
    rules: AddressRules,
) -> Result<Route, ApiError> {
    let host = wire.host.ok_or_else(|| {
        ApiError::bad_request(format!(
            "Origination.Routes[{at}].Host is missing; name the host name or IP address of your SIP system"
        ))
    })?;
    let host = rules.parse_host(&host, connector.network_type).map_err(|rule| {
        let shown: String = host.chars().take(80).collect();
        ApiError::bad_request(format!("Origination.Routes[{at}].Host: the host '{shown}' {rule}"))
    })?;
    // An encrypted connector speaks TLS, which the API spells TCP.
    let protocol_default =
        if connector.require_encryption { RouteProtocol::Tcp } else { RouteProtocol::Udp };
    Ok(Route {
        host,
        port: narrow(at, "Port", wire.port, PORT_DEFAULT)?,
        protocol: wire.protocol.map_or(protocol_default, |it| match it {
            types::OriginationRouteProtocol::Tcp => RouteProtocol::Tcp,
            types::OriginationRouteProtocol::Udp => RouteProtocol::Udp,
        }),
        priority: narrow(at, "Priority", wire.priority, RANK_DEFAULT)?,
        weight: narrow(at, "Weight", wire.weight, RANK_DEFAULT)?,
    })
}

/// A number of the wire in the product's narrower type. The model has checked its range before.
fn narrow<T: TryFrom<i32>>(
    at: usize,
    member: &str,
    wire: Option<i32>,
    default: T,
) -> Result<T, ApiError> {
    wire.map_or(Ok(default), |number| {
        T::try_from(number).map_err(|_| {
            ApiError::bad_request(format!("Origination.Routes[{at}].{member} is out of its range"))
        })
    })
}
