//! The pages that show something: what they ask, and what they make of it.

use std::cmp::Reverse;

use api::operator::dto::{Call, CallList, Carrier, CarrierList, Peer, PeerList, Status, Trace};
use api::pages::Desk;
use askama::Template;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::answer::{Refused, html, link};
use crate::text::{encode, field};

/// Calls of each kind on the overview.
const GLANCE: &str = "20";
/// Calls on one page of the list.
const PAGE: &str = "100";

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    key_id: Option<String>,
    status: Status,
    carriers: Vec<CarrierRow>,
    routes: Vec<Peer>,
    live: Vec<Call>,
    refused: Vec<Call>,
}

/// A carrier with the addresses of it that were asked or have failed.
struct CarrierRow {
    carrier: Carrier,
    peers: Vec<Peer>,
}

/// `/console`: the service at a glance.
pub(crate) async fn overview(desk: Desk<'_>) -> Result<Response<Full<Bytes>>, Refused> {
    let status: Status = desk.get("status", "").await?;
    let carriers: CarrierList = desk.get("carriers", "").await?;
    let peers: PeerList = desk.get("peers", "").await?;
    let live: CallList = desk.get("calls", &format!("state=live&max-results={GLANCE}")).await?;
    let ask = |state: &str| format!("state={state}&max-results={GLANCE}");
    let rejected: CallList = desk.get("calls", &ask("rejected")).await?;
    let failed: CallList = desk.get("calls", &ask("failed")).await?;
    let carriers = carriers.carriers.into_iter().map(|carrier| CarrierRow {
        peers: peers
            .peers
            .iter()
            .filter(|it| it.carriers.contains(&carrier.name))
            .cloned()
            .collect(),
        carrier,
    });
    let mut refused = [rejected.calls, failed.calls].concat();
    refused.sort_by_key(|it| Reverse(it.started.to_string()));
    refused.truncate(GLANCE.parse().unwrap_or_default());
    let page = OverviewPage {
        key_id: desk.key_id(),
        carriers: carriers.collect(),
        routes: peers.peers.iter().filter(|it| it.carriers.is_empty()).cloned().collect(),
        status,
        live: live.calls,
        refused,
    };
    html(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "calls.html")]
struct CallsPage {
    key_id: Option<String>,
    filter: Filter,
    calls: Vec<Call>,
    next: Option<String>,
}

/// What the list is filtered by: texts that the API judges.
#[derive(Debug, Default)]
struct Filter {
    state: String,
    direction: String,
    from: String,
    to: String,
    connector: String,
}

impl Filter {
    fn read(query: &str) -> Self {
        let read = |name| field(query.as_bytes(), name).unwrap_or_default().trim().to_owned();
        Self {
            state: read("state"),
            direction: read("direction"),
            from: read("from"),
            to: read("to"),
            connector: read("connector"),
        }
    }

    fn pairs(&self) -> [(&str, &str); 5] {
        [
            ("state", &self.state),
            ("direction", &self.direction),
            ("from", &self.from),
            ("to", &self.to),
            ("connector", &self.connector),
        ]
    }
}

/// `/console/calls`: calls, filtered and paged.
pub(crate) async fn calls(desk: Desk<'_>, query: &str) -> Result<Response<Full<Bytes>>, Refused> {
    let filter = Filter::read(query);
    let token = field(query.as_bytes(), "next-token").unwrap_or_default();
    let mut pairs = filter.pairs().to_vec();
    pairs.extend([("max-results", PAGE), ("next-token", &token)]);
    let asked = link("", &pairs);
    let list: CallList = desk.get("calls", asked.trim_start_matches('?')).await?;
    let next = list.next_token.map(|token| {
        let mut pairs = filter.pairs().to_vec();
        pairs.push(("next-token", &token));
        link("/console/calls", &pairs)
    });
    html(StatusCode::OK, &CallsPage { key_id: desk.key_id(), calls: list.calls, next, filter })
}

#[derive(Template)]
#[template(path = "call.html")]
struct CallPage {
    key_id: Option<String>,
    call: Call,
    trace: Option<Trace>,
}

/// `/console/calls/{id}`: one call, by its transaction id or a Call-ID.
pub(crate) async fn call(desk: Desk<'_>, id: &str) -> Result<Response<Full<Bytes>>, Refused> {
    let query = format!("call={}", encode(id));
    let call: Call = desk.get("explain", &query).await?;
    // Messages are gone sooner than records, and a key may be allowed the one without the other.
    let trace: Option<Trace> = desk.get("trace", &query).await.ok();
    html(StatusCode::OK, &CallPage { key_id: desk.key_id(), call, trace })
}
