//! `UpdateSipMediaApplication`.

use chime_api::types::{UpdateSipMediaApplicationRequest, UpdateSipMediaApplicationResponse};
use store::TypedTx as _;

use super::{find, no_such, parse_endpoint, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Changes what the request names: the application's name, its function, or both.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateSipMediaApplicationRequest,
) -> Result<UpdateSipMediaApplicationResponse, ApiError> {
    let id = wire.sip_media_application_id;
    let (account, now) = (permit.account(), context.clock.now());
    let application = context
        .write(move |tx| {
            let mut application = find(&*tx, account, &id)?.ok_or_else(|| no_such(&id))?;
            if let Some(name) = wire.name {
                application.name = name;
            }
            if let Some(endpoints) = wire.endpoints {
                application.function = parse_endpoint(&endpoints, application.region)?;
            }
            application.updated = application.updated.max(now);
            tx.put(&application)?;
            Ok(application)
        })
        .await?;
    Ok(UpdateSipMediaApplicationResponse { sip_media_application: Some(to_wire(&application)) })
}
