//! Origination: where a connector's incoming calls go, PSTN → customer.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod put;

use chime_api::types;
use model::{Origination, RouteProtocol};

/// An origination as the API tells it: every member.
fn to_wire(origination: &Origination) -> types::Origination {
    let route = |route: &model::Route| types::OriginationRoute {
        host: Some(route.host.clone()),
        port: Some(i32::from(route.port)),
        protocol: Some(match route.protocol {
            RouteProtocol::Tcp => types::OriginationRouteProtocol::Tcp,
            RouteProtocol::Udp => types::OriginationRouteProtocol::Udp,
        }),
        priority: Some(i32::from(route.priority)),
        weight: Some(i32::from(route.weight)),
    };
    types::Origination {
        routes: Some(origination.routes.iter().map(route).collect()),
        disabled: Some(origination.disabled),
    }
}
