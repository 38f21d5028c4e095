//! `DeleteProxySession`.

use chime_api::types::{DeleteProxySessionRequest, NoContent};
use store::TypedTx as _;

use super::{load, parse_id};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector;

/// Closes a session. One that is closed already stays as it is.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteProxySessionRequest,
) -> Result<NoContent, ApiError> {
    let connector = voice_connector::parse_id(&wire.voice_connector_id)?;
    let (account, now) = (permit.account(), context.clock.now());
    context
        .write(move |tx| {
            voice_connector::load(&*tx, account, &connector)?;
            let mut session = load(&*tx, account, &connector, parse_id(&wire.proxy_session_id)?)?;
            if session.ended_by(now).is_none() {
                session.ended = Some(now);
                tx.put(&session)?;
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
