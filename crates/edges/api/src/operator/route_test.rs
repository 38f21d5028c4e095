//! Which rules a call would meet.

use std::net::{IpAddr, SocketAddr};

use http::StatusCode;
use model::{CarrierName, VoiceConnectorId};

use super::dto;
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::ApiError;
use crate::live::{RouteQuestion, Untold};

/// Tells what would become of a call, without placing it.
pub(super) async fn get(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let mut wanted = |name: &'static str| {
        query.take(name).filter(|it| !it.is_empty()).ok_or_else(|| {
            ApiError::bad_request(format!(
                "{name} is missing; a trial wants from, to and src: ?from=%2B1…&to=%2B1…&src=192.0.2.1"
            ))
        })
    };
    let (from, to, source) = (wanted("from")?, wanted("to")?, wanted("src")?);
    let connector: Option<VoiceConnectorId> = query.take_as("connector")?;
    let carrier: Option<CarrierName> = query.take_as("carrier")?;
    query.finish()?;
    if connector.is_some() && carrier.is_some() {
        return Err(ApiError::bad_request(
            "connector and carrier are both given; a call goes out through a connector, or comes in from a carrier",
        ));
    }
    let question = RouteQuestion { from, to, source: parse_source(&source)?, connector, carrier };
    let told: dto::RouteTest = match context.live.try_route(question).await? {
        Ok(told) => told,
        Err(why) => return Err(ApiError::bad_request(refusal(why, &source))),
    };
    Ok(Answer::json(StatusCode::OK, &told))
}

/// An address, with or without a port.
fn parse_source(text: &str) -> Result<SocketAddr, ApiError> {
    const PORT: u16 = 5060;
    let address =
        text.parse().or_else(|_| text.parse().map(|ip: IpAddr| SocketAddr::new(ip, PORT)));
    address.map_err(|_| {
        ApiError::bad_request(format!(
            "src: '{text}' is no address; write it like 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060"
        ))
    })
}

fn refusal(why: Untold, source: &str) -> String {
    match why {
        Untold::Number => "from and to are user parts of SIP URIs: +, digits and letters".into(),
        Untold::ConnectorUnknown => {
            "no such Voice Connector; `trunkline api ListVoiceConnectors` tells which there are"
                .into()
        }
        Untold::NobodysSource => format!(
            "no connector is named, and {source} is no carrier's; name the connector that is called out \
             through with --connector, or the carrier that proves to be one with --carrier; or see \
             `trunkline carrier list` for the sources of calls in"
        ),
        Untold::CarrierUnknown => {
            "no such carrier; `trunkline carrier list` tells which there are".into()
        }
        Untold::CarrierWithoutUser => {
            "that carrier has no user for calls in: leave --carrier out, and give one of its sources as src"
                .into()
        }
    }
}
