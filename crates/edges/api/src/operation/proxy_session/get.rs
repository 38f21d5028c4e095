//! `GetProxySession`.

use chime_api::types::{GetProxySessionRequest, GetProxySessionResponse};
use model::{ProxySession, VoiceConnector};
use store::TypedView as _;

use super::{no_such, parse_id, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector;

/// Tells one session, open or closed.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetProxySessionRequest,
) -> Result<GetProxySessionResponse, ApiError> {
    let connector = voice_connector::parse_id(&wire.voice_connector_id)?;
    let (account, now) = (permit.account(), context.clock.now());
    let (key, id) = (connector.to_string(), wire.proxy_session_id);
    let session_key = parse_id(&id).map(|it| ProxySession::key_of(&connector, it));
    let (exists, session) = context
        .read(move |view| {
            let exists = view.get::<VoiceConnector>(&account, &key)?.is_some();
            let session = match session_key {
                Ok(key) => view.get::<ProxySession>(&account, &key)?,
                Err(_) => None,
            };
            Ok((exists, session))
        })
        .await?;
    if !exists {
        return Err(voice_connector::no_such(&connector));
    }
    let session = session.ok_or_else(|| no_such(&id))?;
    let talking = context.live.talking().await?;
    Ok(GetProxySessionResponse { proxy_session: Some(to_wire(&session, now, &talking)) })
}
