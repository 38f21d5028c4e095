//! `CreateVoiceConnector`.

use std::sync::Arc;

use chime_api::types::{self, CreateVoiceConnectorRequest, CreateVoiceConnectorResponse};
use model::{IntegrationType, NetworkType, Region, Tags, VoiceConnector, VoiceConnectorId};
use store::TypedTx as _;

use super::to_wire;
use crate::authorize::Permit;
use crate::context::Context;
use crate::error::ApiError;
use crate::operation::tag::parse_tags;
use crate::random;

/// Makes a connector with a name, an id and a host name of its own; names need not be unique.
pub(crate) async fn create(
    context: &Context,
    permit: Permit,
    wire: CreateVoiceConnectorRequest,
) -> Result<CreateVoiceConnectorResponse, ApiError> {
    let tags = parse_tags("Tags", wire.tags.unwrap_or_default())?;
    let region = match wire.aws_region {
        None => context.config.region,
        Some(region) => Region::parse(region.as_str())
            .map_err(|refused| ApiError::bad_value("AwsRegion", &refused))?,
    };
    let id = VoiceConnectorId::from_random(random::bytes());
    let now = context.clock.now();
    let connector = VoiceConnector {
        outbound_host_name: format!("{id}.{}", context.config.sip_domain),
        id,
        account: permit.account(),
        region,
        name: wire.name,
        require_encryption: wire.require_encryption,
        integration_type: wire.integration_type.map(integration_type),
        network_type: wire.network_type.map(network_type).unwrap_or_default(),
        created: now,
        updated: now,
    };
    let answer = CreateVoiceConnectorResponse { voice_connector: Some(to_wire(&connector)) };

    let account = permit.account();
    let quota = context.quotas.of(account).voice_connectors;
    let count = Arc::clone(&context.voice_connectors);
    let written = context
        .write(move |tx| {
            count.admit(&*tx, account, quota)?;
            tx.put(&connector)?;
            if !tags.is_empty() {
                tx.put(&Tags { account, arn: connector.arn().to_string(), values: tags })?;
            }
            Ok(())
        })
        .await;
    if written.is_err() {
        context.voice_connectors.forget(account);
    }
    written?;
    Ok(answer)
}

fn integration_type(wire: types::VoiceConnectorIntegrationType) -> IntegrationType {
    use types::VoiceConnectorIntegrationType as Wire;
    match wire {
        Wire::ConnectCallTransferConnector => IntegrationType::ConnectCallTransferConnector,
        Wire::ConnectAnalyticsConnector => IntegrationType::ConnectAnalyticsConnector,
    }
}

fn network_type(wire: types::NetworkType) -> NetworkType {
    match wire {
        types::NetworkType::Ipv4Only => NetworkType::Ipv4Only,
        types::NetworkType::DualStack => NetworkType::DualStack,
    }
}
