//! `UpdateVoiceConnectorGroup`.

use chime_api::Operation;
use chime_api::types::{UpdateVoiceConnectorGroupRequest, UpdateVoiceConnectorGroupResponse};
use store::TypedTx as _;

use super::{check_items, load, parse_id, parse_items, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;

/// Sets a group's name and all of its connectors, which may be none. How calls spread stays as it
/// was when the request does not say.
pub(crate) async fn update(
    context: &Context,
    permit: Permit,
    wire: UpdateVoiceConnectorGroupRequest,
) -> Result<UpdateVoiceConnectorGroupResponse, ApiError> {
    let id = parse_id(&wire.voice_connector_group_id)?;
    let (account, now) = (permit.account(), context.clock.now());
    let quota = context.quotas.of(account).voice_connectors_per_group;
    let asked = (account, Operation::UpdateVoiceConnectorGroup);
    let items = parse_items(wire.voice_connector_items, quota, asked)?;
    let group = context
        .write(move |tx| {
            let mut group = load(&*tx, account, &id)?;
            check_items(&*tx, account, &items)?;
            group.name = wire.name;
            group.items = items;
            group.distribution =
                wire.call_distribution_type.map_or(group.distribution, |it| ours(it.as_str()));
            group.updated = group.updated.max(now);
            tx.put(&group)?;
            Ok(group)
        })
        .await?;
    Ok(UpdateVoiceConnectorGroupResponse { voice_connector_group: Some(to_wire(&group)) })
}
