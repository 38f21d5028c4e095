//! `UpdateProxySession`.

use chime_api::types::{UpdateProxySessionRequest, UpdateProxySessionResponse};
use store::TypedTx as _;

use super::{load, minutes, parse_capabilities, parse_id, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector;

/// Sets what the participants of an open session may do and for how long; its time begins anew.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateProxySessionRequest,
) -> Result<UpdateProxySessionResponse, ApiError> {
    let connector = voice_connector::parse_id(&wire.voice_connector_id)?;
    let capabilities = parse_capabilities(&wire.capabilities)?;
    let expiry_minutes = wire.expiry_minutes.map(minutes).transpose()?;
    let (account, now) = (permit.account(), context.clock.now());
    // Asked first: what is refused has changed nothing.
    let talking = context.live.talking().await?;
    let session = context
        .write(move |tx| {
            voice_connector::load(&*tx, account, &connector)?;
            let mut session = load(&*tx, account, &connector, parse_id(&wire.proxy_session_id)?)?;
            if let Some(ended) = session.ended_by(now) {
                return Err(ApiError::bad_request(format!(
                    "ProxySession '{}' was closed at {ended} and cannot change; create another",
                    session.id
                )));
            }
            session.capabilities = capabilities;
            session.expiry_minutes = expiry_minutes.unwrap_or(session.expiry_minutes);
            session.updated = session.updated.max(now);
            tx.put(&session)?;
            Ok(session)
        })
        .await?;
    Ok(UpdateProxySessionResponse { proxy_session: Some(to_wire(&session, now, &talking)) })
}
