//! `UntagResource`.

use chime_api::types::{NoContent, UntagResourceRequest};
use model::Tags;
use store::TypedTx as _;

use super::{exists, load, no_such, parse_arn};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Removes tags from a resource by key; keys that it does not have are passed over.
pub(crate) async fn untag(
    context: &Context,
    permit: Permit,
    wire: UntagResourceRequest,
) -> Result<NoContent, ApiError> {
    let arn = parse_arn(wire.resource_arn.expose())?;
    let account = permit.account();
    context
        .write(move |tx| {
            if !exists(&*tx, account, &arn)? {
                return Err(no_such(&arn));
            }
            let mut tags = load(&*tx, account, &arn)?;
            for key in &wire.tag_keys {
                tags.values.remove(key.expose());
            }
            if tags.values.is_empty() {
                tx.delete::<Tags>(&account, &tags.arn)?;
            } else {
                tx.put(&tags)?;
            }
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
