//! `CreateVoiceConnectorGroup`.

use chime_api::Operation;
use chime_api::types::{CreateVoiceConnectorGroupRequest, CreateVoiceConnectorGroupResponse};
use model::{VoiceConnectorGroup, VoiceConnectorGroupId};
use store::TypedTx as _;

use super::{admit, check_items, parse_items, to_wire};
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::name::ours;
use crate::random;

/// Makes a group of connectors that exist; it may be empty. Names need not be unique.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateVoiceConnectorGroupRequest,
) -> Result<CreateVoiceConnectorGroupResponse, ApiError> {
    let quotas = context.quotas.of(permit.account());
    let items = parse_items(
        wire.voice_connector_items.unwrap_or_default(),
        quotas.voice_connectors_per_group,
        (permit.account(), Operation::CreateVoiceConnectorGroup),
    )?;
    let now = context.clock.now();
    let group = VoiceConnectorGroup {
        id: VoiceConnectorGroupId::from_random(random::bytes()),
        account: permit.account(),
        region: context.config.region,
        name: wire.name,
        items,
        distribution: wire.call_distribution_type.map(|it| ours(it.as_str())).unwrap_or_default(),
        created: now,
        updated: now,
    };
    let answer = CreateVoiceConnectorGroupResponse { voice_connector_group: Some(to_wire(&group)) };
    let quota = quotas.voice_connector_groups;
    context
        .write(move |tx| {
            admit(&*tx, group.account, quota)?;
            check_items(&*tx, group.account, &group.items)?;
            tx.put(&group)?;
            Ok(())
        })
        .await?;
    Ok(answer)
}
