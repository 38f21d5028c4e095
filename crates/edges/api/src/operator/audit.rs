//! The audit.

use chime_api::Timestamp;
use http::StatusCode;
use model::UnixMillis;
use store::AuditFilter;

use super::dto::{AuditEntry, AuditPage};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::ApiError;
use crate::page::Listing;

/// Tells who asked for which change, newest first.
pub(super) async fn list(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let filter = AuditFilter {
        account: query.take_as("account")?,
        key: query.take("key"),
        action: query.take("operation"),
        outcome: query.take_as("outcome")?,
        since: query.take_as::<Timestamp>("since")?.map(unix_millis),
        until: query.take_as::<Timestamp>("until")?.map(unix_millis),
    };
    let limit = query.take_page_length()?;
    let token = query.take("next-token");
    query.finish()?;
    let listing = Listing::new(&["audit", &format!("{filter:?}")]);
    let after = token.map(|it| listing.key("next-token", &it)).transpose()?;
    let after = after
        .map(|it| it.parse())
        .transpose()
        .map_err(|refused| ApiError::bad_value("next-token", &refused))?;
    let page = context.store.audit(filter, after, limit).await?;
    let answer = AuditPage {
        records: page.records.into_iter().map(AuditEntry::from).collect(),
        next_token: page.next.map(|it| listing.token(&it.to_string())),
    };
    Ok(Answer::json(StatusCode::OK, &answer))
}

fn unix_millis(at: Timestamp) -> UnixMillis {
    UnixMillis(u64::try_from(at.unix_ms()).unwrap_or(0))
}
