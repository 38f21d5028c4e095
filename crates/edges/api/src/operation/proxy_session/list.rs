//! `ListProxySessions`.

use std::sync::Arc;

use chime_api::types::{ListProxySessionsRequest, ListProxySessionsResponse};
use model::{AccountId, ProxySession, ProxySessionStatus, Resource as _, VoiceConnector};
use store::{Listing as Stored, Page, StoreError, TypedView as _, View};

use super::{status as status_of, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::operation::voice_connector;
use crate::page::{Listing, page_length};

/// Sessions that one page looks at before it ends early.
const SCANNED_MAX: usize = 50_000;
/// Sessions read from the store at once.
const CHUNK: usize = 500;

/// Tells a connector's sessions, page by page, in the order of their ids; of one status if asked.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListProxySessionsRequest,
) -> Result<ListProxySessionsResponse, ApiError> {
    let connector = voice_connector::parse_id(&wire.voice_connector_id)?;
    let account = permit.account();
    let listing = Listing::new(&[
        "ListProxySessions",
        account.as_str(),
        connector.as_str(),
        wire.status.map(|it| it.as_str()).unwrap_or_default(),
    ]);
    let limit = page_length(wire.max_results.map(i64::from), 1..=100)?;
    let after = wire.next_token.map(|it| listing.key("NextToken", &it)).transpose()?;
    let status: Option<ProxySessionStatus> = wire.status.map(|it| ours(it.as_str()));
    let (key, now) = (connector.to_string(), context.clock.now());
    let talking = Arc::new(context.live.talking().await?);
    let known = Arc::clone(&talking);
    let page = context
        .read(move |view| {
            if view.get::<VoiceConnector>(&account, &key)?.is_none() {
                return Ok(None);
            }
            let is_wanted = |it: &ProxySession| {
                status.as_ref().is_none_or(|wanted| *wanted == status_of(it, now, &known))
            };
            scan(view, account, &key, is_wanted, after.unwrap_or_default(), limit).map(Some)
        })
        .await?;
    let page = page.ok_or_else(|| voice_connector::no_such(&connector))?;
    Ok(ListProxySessionsResponse {
        proxy_sessions: Some(page.items.iter().map(|it| to_wire(it, now, &talking)).collect()),
        next_token: page.next.map(|key| listing.token(&key)),
    })
}

/// Fills a page with sessions that are wanted; a page that looked at too much ends early.
fn scan(
    view: &dyn View,
    account: AccountId,
    connector: &str,
    is_wanted: impl Fn(&ProxySession) -> bool,
    mut after: String,
    limit: usize,
) -> Result<Stored<ProxySession>, StoreError> {
    let mut items = Vec::new();
    for _ in 0..SCANNED_MAX / CHUNK {
        let page = Page::after(&after, CHUNK);
        let chunk = view.children::<ProxySession>(&account, connector, page)?;
        for session in chunk.items {
            if items.len() == limit {
                return Ok(Stored { items, next: Some(after) });
            }
            after = session.key();
            if is_wanted(&session) {
                items.push(session);
            }
        }
        if chunk.next.is_none() {
            return Ok(Stored { items, next: None });
        }
    }
    Ok(Stored { items, next: Some(after) })
}
