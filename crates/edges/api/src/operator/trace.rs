//! The SIP messages of one call.

use http::StatusCode;

use super::dto::{Call, Trace};
use super::query::Query;
use crate::answer::Answer;
use crate::authorize::OperatorPermit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Tells the messages of a call, by its transaction id or the Call-ID of either leg. A Call-ID that
/// belongs to no call is looked for all the same: OPTIONS and INVITEs of strangers have one too.
pub(super) async fn get(
    context: &Context,
    _permit: OperatorPermit,
    mut query: Query,
) -> Result<Answer, ApiError> {
    let wanted = query.take("call").filter(|it| !it.is_empty());
    query.finish()?;
    let wanted = wanted.ok_or_else(|| {
        ApiError::bad_request("call is missing; give a transaction id or a SIP Call-ID: ?call=…")
    })?;
    let call = match context.live.find(&wanted).await? {
        Some(live) => Some(live.into_dto(context.clock.now())),
        None => context.store.record(&wanted).await?.map(Call::from),
    };
    let kept = context.live.messages(call_ids(&wanted, call.as_ref())).await?;
    if call.is_none() && kept.messages.is_empty() {
        let shown: String = wanted.chars().take(80).collect();
        return Err(ApiError::new(
            ErrorKind::NotFound,
            format!(
                "Could not find a call or a message with the transaction id or Call-ID '{shown}'; messages are kept \
                 in memory until newer ones need the room (sip.trace_bytes_max) or the service stops"
            ),
        ));
    }
    let trace = Trace { call, messages: kept.messages, since: kept.since };
    Ok(Answer::json(StatusCode::OK, &trace))
}

fn call_ids(wanted: &str, call: Option<&Call>) -> Vec<String> {
    match call {
        Some(call) => {
            let legs = std::iter::once(&call.call_id).chain(&call.peer_call_id);
            legs.chain(&call.attempt_call_ids).cloned().collect()
        }
        None => vec![wanted.into()],
    }
}
