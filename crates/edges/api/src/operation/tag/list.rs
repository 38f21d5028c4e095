//! `ListTagsForResource`.

use chime_api::Sensitive;
use chime_api::types::{ListTagsForResourceRequest, ListTagsForResourceResponse, Tag};

use super::{exists, load, no_such, parse_arn};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;

/// Tells a resource's tags in the order of their keys; none is an empty list.
pub(crate) async fn list(
    context: &Context,
    permit: Permit,
    wire: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, ApiError> {
    let arn = parse_arn(wire.resource_arn.expose())?;
    let (account, asked) = (permit.account(), arn.clone());
    let tags = context
        .read(move |view| {
            if exists(view, account, &asked)? {
                load(view, account, &asked).map(Some)
            } else {
                Ok(None)
            }
        })
        .await?
        .ok_or_else(|| no_such(&arn))?;
    let tags = tags
        .values
        .into_iter()
        .map(|(key, value)| Tag { key: Sensitive::new(key), value: Sensitive::new(value) })
        .collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}
