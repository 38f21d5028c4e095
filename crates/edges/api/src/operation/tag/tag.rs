//! `TagResource`.

use chime_api::types::{NoContent, TagResourceRequest};
use model::Tags;
use store::TypedTx as _;

use super::{exists, load, no_such, parse_arn, parse_tags};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};

/// Adds tags to a resource; a key that it has gets the new value.
pub(crate) async fn tag(
    context: &Context,
    permit: Permit,
    wire: TagResourceRequest,
) -> Result<NoContent, ApiError> {
    let arn = parse_arn(wire.resource_arn.expose())?;
    let added = parse_tags("Tags", wire.tags)?;
    let account = permit.account();
    context.write(move |tx| {
            if !exists(&*tx, account, &arn)? {
                return Err(no_such(&arn));
            }
            let mut tags = load(&*tx, account, &arn)?;
            tags.values.extend(added);
            if tags.values.len() > Tags::COUNT_MAX {
                return Err(ApiError::new(
                    ErrorKind::ResourceLimitExceeded,
                    format!(
                        "'{arn}' would have {} tags, and at most {} are allowed; remove some first (UntagResource)",
                        tags.values.len(),
                        Tags::COUNT_MAX
                    ),
                ));
            }
            tx.put(&tags)?;
            Ok(())
        })
        .await?;
    Ok(NoContent {})
}
