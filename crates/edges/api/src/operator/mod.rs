//! The operator API under `/operator/`: keys, carriers, numbers, calls, quotas, the audit, the seal, status.
//!
//! Signed like the rest, for keys of the operator's account that are full or whose policy allows the
//! request's action (`trunkline:GetCalls`). JSON with `snake_case` names
//! ([`dto`]); errors in the same envelope as everywhere. `trunkline` commands are its client.
//!
//! Its OpenAPI document is made of this table, the routes below and [`dto`] by `cargo xtask codegen`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /operator/status` | [`dto::Status`] |
//! | `GET /operator/keys[?account=]` | [`dto::KeyList`] |
//! | `POST /operator/keys` [`dto::CreateKey`] | 201 [`dto::CreatedKey`] |
//! | `POST /operator/keys/{id}/enable` | [`dto::Key`] |
//! | `POST /operator/keys/{id}/disable` | [`dto::Key`] |
//! | `PUT /operator/keys/{id}/policy` [`dto::SetKeyPolicy`] | [`dto::Key`] |
//! | `DELETE /operator/keys/{id}` | 204 |
//! | `GET /operator/carriers` | [`dto::CarrierList`] |
//! | `GET /operator/carriers/{name}` | [`dto::Carrier`] |
//! | `POST /operator/carriers` [`dto::AddCarrier`] | 201 [`dto::Carrier`] |
//! | `DELETE /operator/carriers/{name}` | 204 |
//! | `GET /operator/peers` | [`dto::PeerList`] |
//! | `GET /operator/route-test?from=&to=&src=[&connector=]` | [`dto::RouteTest`] |
//! | `GET /operator/numbers[?account=][&free=true][&prefix=][&max-results=][&next-token=]` | [`dto::NumberList`] |
//! | `POST /operator/numbers` [`dto::AddNumbers`] | 201 [`dto::AddedNumbers`] |
//! | `DELETE /operator/numbers/{number}` | 204 |
//! | `GET /operator/calls[?state=][&account=][&connector=][&direction=][&from=][&to=][&since=][&until=][&max-results=][&next-token=]` | [`dto::CallList`] |
//! | `GET /operator/explain?call=` | [`dto::Call`] with its decisions |
//! | `GET /operator/trace?call=` | [`dto::Trace`] |
//! | `POST /operator/calls/{transaction}/hang-up` | 204 |
//! | `POST /operator/backups` | 202 [`dto::Backup`] |
//! | `GET /operator/backups/{id}` | [`dto::Backup`] |
//! | `GET /operator/backups/{id}/data?offset=` | at most 4 MiB of the file |
//! | `DELETE /operator/backups/{id}` | 204 |
//! | `GET /operator/quotas[?account=]` | [`dto::QuotaList`] |
//! | `PUT /operator/quotas/{quota}` [`dto::SetQuota`] | [`dto::AccountQuota`] |
//! | `DELETE /operator/quotas/{quota}?account=` | [`dto::AccountQuota`] as it is then |
//! | `GET /operator/audit[?account=][&key=][&operation=][&outcome=][&since=][&until=][&max-results=][&next-token=]` | [`dto::AuditPage`] |
//! | `POST /operator/seal/rotate` | [`dto::SealRotation`] |

mod action;
mod audit;
pub(crate) mod backup;
mod call;
mod carrier;
mod carrier_tls;
pub mod dto;
mod key;
mod number;
mod query;
mod quota;
mod route_test;
mod seal;
mod status;
mod trace;

use http::Method;
use serde::de::DeserializeOwned;

pub(crate) use self::action::{action, is_audited};
use self::query::Query;
use crate::answer::Answer;
use crate::authenticate::Caller;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::origin::Origin;

/// The most items on one page.
const PAGE_MAX: i64 = 1000;

/// The part of a path after `/operator/`, if it is there.
pub(crate) fn path_within(path: &str) -> Option<&str> {
    path.strip_prefix("/operator/").or_else(|| (path == "/operator").then_some(""))
}

/// Answers a verified request to the operator API. `path` is what follows `/operator/`.
pub(crate) async fn answer(
    context: &Context,
    caller: Caller,
    origin: Origin,
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &[u8],
) -> Result<Answer, ApiError> {
    let permit = caller.authorize_operator(context, origin, &action(method, path))?;
    let query = Query::parse(query.unwrap_or_default())?;
    let segments: Vec<String> = path.split('/').map(query::decode).collect::<Result<_, _>>()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (method, segments.as_slice()) {
        (&Method::GET, ["status"]) => status::get(context, permit, query).await,

        (&Method::GET, ["keys"]) => key::list(context, permit, query).await,
        (&Method::POST, ["keys"]) => key::create(context, permit, parse_body(body)?).await,
        (&Method::POST, ["keys", id, "enable"]) => key::enable(context, permit, id).await,
        (&Method::POST, ["keys", id, "disable"]) => key::disable(context, permit, id).await,
        (&Method::PUT, ["keys", id, "policy"]) => {
            key::set_policy(context, permit, id, parse_body(body)?).await
        }
        (&Method::DELETE, ["keys", id]) => key::delete(context, permit, id).await,

        (&Method::GET, ["carriers"]) => carrier::list(context, permit, query).await,
        (&Method::POST, ["carriers"]) => carrier::add(context, permit, parse_body(body)?).await,
        (&Method::GET, ["carriers", name]) => carrier::get(context, permit, name).await,
        (&Method::DELETE, ["carriers", name]) => carrier::remove(context, permit, name).await,

        (&Method::GET, ["peers"]) => carrier::peers(context, permit, query).await,

        (&Method::GET, ["route-test"]) => route_test::get(context, permit, query).await,

        (&Method::GET, ["numbers"]) => number::list(context, permit, query).await,
        (&Method::POST, ["numbers"]) => number::add(context, permit, parse_body(body)?).await,
        (&Method::DELETE, ["numbers", number]) => number::remove(context, permit, number).await,

        (&Method::GET, ["calls"]) => call::list(context, permit, query).await,
        (&Method::GET, ["explain"]) => call::explain(context, permit, query).await,
        (&Method::GET, ["trace"]) => trace::get(context, permit, query).await,
        (&Method::POST, ["calls", id, "hang-up"]) => call::hang_up(context, permit, id).await,

        (&Method::POST, ["backups"]) => backup::begin(context, permit),
        (&Method::GET, ["backups", id]) => backup::get(context, permit, id),
        (&Method::GET, ["backups", id, "data"]) => backup::data(context, permit, id, query).await,
        (&Method::DELETE, ["backups", id]) => backup::delete(context, permit, id),

        (&Method::GET, ["quotas"]) => quota::list(context, permit, query).await,
        (&Method::PUT, ["quotas", quota]) => {
            quota::set(context, permit, quota, parse_body(body)?).await
        }
        (&Method::DELETE, ["quotas", quota]) => quota::reset(context, permit, quota, query).await,

        (&Method::GET, ["audit"]) => audit::list(context, permit, query).await,

        (&Method::POST, ["seal", "rotate"]) => seal::rotate(context, permit).await,

        _ => Err(ApiError::new(
            ErrorKind::UnknownOperation,
            format!(
                "the operator API has no {method} of this path; it has status, keys, carriers, peers, numbers, calls, \
                 explain, trace, backups, quotas, audit and seal under /operator/"
            ),
        )),
    }
}

/// Reads a JSON body. An empty one stands for `{}`.
fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    // Without this, a list would be read as the members in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("the request's body is no JSON object; send { … }"));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("the request's body is refused: {error}")))
}
