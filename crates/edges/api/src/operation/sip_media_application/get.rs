//! `GetSipMediaApplication`.

use chime_api::types::{GetSipMediaApplicationRequest, GetSipMediaApplicationResponse};

use super::{find, no_such, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells one application.
pub(crate) async fn get(
    context: &Context,
    permit: Permit,
    wire: GetSipMediaApplicationRequest,
) -> Result<GetSipMediaApplicationResponse, ApiError> {
    let id = wire.sip_media_application_id;
    let (account, key) = (permit.account(), id.clone());
    let found = context.read(move |view| find(view, account, &key)).await?;
    let application = found.ok_or_else(|| no_such(&id))?;
    Ok(GetSipMediaApplicationResponse { sip_media_application: Some(to_wire(&application)) })
}
