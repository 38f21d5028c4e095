//! `DeleteVoiceConnectorTerminationCredentials`.

use chime_api::types::{DeleteVoiceConnectorTerminationCredentialsRequest, NoContent};
use model::SipUser;
use store::TypedTx as _;

use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::voice_connector::{load, parse_id};

/// The most names in one request. A connector has fewer users; more names are a mistake.
const NAMES_MAX: usize = 100;

/// Deletes users by name; names that no user has are passed over, so that a repeated request is
/// answered like the first.
pub(crate) async fn delete(
    context: &Context,
    permit: Permit,
    wire: DeleteVoiceConnectorTerminationCredentialsRequest,
) -> Result<NoContent, ApiError> {
    let id = parse_id(&wire.voice_connector_id)?;
    let names = wire.usernames;
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err(ApiError::bad_request(format!(
            "Usernames has {} names; give 1 to {NAMES_MAX} names of users to delete",
            names.len()
        )));
    }
    let account = permit.account();
    context
        .write(move |tx| {
            load(&*tx, account, &id)?;
            for name in names {
                tx.delete::<SipUser>(&account, &SipUser::key_of(&id, name.expose()))?;
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
