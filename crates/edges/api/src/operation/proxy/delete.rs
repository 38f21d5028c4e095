//! `DeleteVoiceConnectorProxy`.

use chime_api::types::{DeleteVoiceConnectorProxyRequest, NoContent};
use model::{Proxy, ProxySession};
use store::{Page, TypedTx as _, TypedView as _};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// Deletes a connector's proxy configuration, which ends its sessions. None is fine as well.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorProxyRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let (account, now) = (permit.account(), context.clock.now());
    context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            if !tx.delete::<Proxy>(&account, id.as_str())? {
                return Ok(());
            }
            for mut session in
                tx.children::<ProxySession>(&account, id.as_str(), Page::WHOLE)?.items
            {
                if session.ended_by(now).is_none() {
                    session.ended = Some(now);
                    tx.put(&session)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
