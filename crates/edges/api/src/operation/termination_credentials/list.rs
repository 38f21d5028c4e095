//! `ListVoiceConnectorTerminationCredentials`.

use chime_api::Sensitive;
use chime_api::types::{
    ListVoiceConnectorTerminationCredentialsRequest,
    ListVoiceConnectorTerminationCredentialsResponse,
};
use model::{SipUser, VoiceConnector};
use store::{Page, TypedView as _};

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{no_such, parse_id};

/// Tells the names of a connector's users in byte order; none is an empty list, not an error.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListVoiceConnectorTerminationCredentialsRequest,
) -> Result<ListVoiceConnectorTerminationCredentialsResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let (account, key) = (permit.account(), id.to_string());
    let users = context
        .read(move |view| {
            if view.get::<VoiceConnector>(&account, &key)?.is_none() {
                return Ok(None);
            }
            Ok(Some(view.children::<SipUser>(&account, &key, Page::WHOLE)?.items))
        })
        .await?
        .ok_or_else(|| no_such(&id))?;
    let usernames = users.iter().map(|user| Sensitive::new(user.username.as_str())).collect();
    Ok(ListVoiceConnectorTerminationCredentialsResponse { usernames: Some(usernames) })
}
