//! `GET /operator/status`.

use http::StatusCode;

use super::dto::{Status, timestamp};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells the running process.
pub(super) async fn get(
    context: &Context,
    permit: OperatorPermit,
    query: Query,
) -> Result<Answer, ApiError> {
    query.finish()?;
    let service = context.live.service().await?;
    Ok(Answer::json(
        StatusCode::OK,
        &Status {
            version: context.config.version.clone(),
            started: timestamp(service.started),
            now: timestamp(context.clock.now()),
            account: permit.account(),
            revision: context.store.revision(),
            listeners: service.listeners,
            simulated_carrier: service.simulated_carrier,
            calls_live: service.calls_live,
        },
    ))
}
