//! Voice Connectors.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use chime_api::types;
use model::{
    AccountId, IntegrationType, NetworkType, Region, Resource, UnixMillis, VoiceConnector,
    VoiceConnectorId,
};
use store::{Tx, TypedView as _};

use crate::context::Context;
use crate::error::ApiError;
use crate::operator::dto::timestamp;

/// Reads the id that a request names.
pub(super) fn parse_id(text: &str) -> Result<VoiceConnectorId, ApiError> {
    VoiceConnectorId::parse(text).map_err(|it| ApiError::bad_value("VoiceConnectorId", &it))
}

/// The error for a connector that the account does not have.
pub(super) fn no_such(id: &VoiceConnectorId) -> ApiError {
    ApiError::no_such("VoiceConnector", id.as_str())
}

/// Loads a connector within a transaction.
pub(super) fn load(
    tx: &dyn Tx,
    account: AccountId,
    id: &VoiceConnectorId,
) -> Result<VoiceConnector, ApiError> {
    tx.get(&account, id.as_str())?.ok_or_else(|| no_such(id))
}

/// Loads one of a connector's settings, which is kept under the connector's id.
///
/// The connector's absence is told before the setting's.
pub(super) async fn setting<T: Resource>(
    context: &Context,
    account: AccountId,
    id: &VoiceConnectorId,
) -> Result<Option<T>, ApiError> {
    let key = id.to_string();
    let (setting, exists) = context
        .read(move |view| {
            let setting = view.get::<T>(&account, &key)?;
            let exists = setting.is_some() || view.get::<VoiceConnector>(&account, &key)?.is_some();
            Ok((setting, exists))
        })
        .await?;
    if exists { Ok(setting) } else { Err(no_such(id)) }
}

/// A connector as the API tells it.
pub(super) fn to_wire(connector: &VoiceConnector) -> types::VoiceConnector {
    types::VoiceConnector {
        voice_connector_id: Some(connector.id.to_string()),
        aws_region: Some(region_to_wire(connector.region)),
        name: Some(connector.name.clone()),
        outbound_host_name: Some(connector.outbound_host_name.clone()),
        require_encryption: Some(connector.require_encryption),
        created_timestamp: Some(timestamp(connector.created)),
        updated_timestamp: Some(timestamp(connector.updated)),
        voice_connector_arn: Some(connector.arn().to_string()),
        integration_type: connector.integration_type.map(|it| match it {
            IntegrationType::ConnectCallTransferConnector => {
                types::VoiceConnectorIntegrationType::ConnectCallTransferConnector
            }
            IntegrationType::ConnectAnalyticsConnector => {
                types::VoiceConnectorIntegrationType::ConnectAnalyticsConnector
            }
        }),
        network_type: Some(match connector.network_type {
            NetworkType::Ipv4Only => types::NetworkType::Ipv4Only,
            NetworkType::DualStack => types::NetworkType::DualStack,
        }),
    }
}

/// A region as the API tells it.
pub(super) fn region_to_wire(region: Region) -> types::VoiceConnectorAwsRegion {
    types::VoiceConnectorAwsRegion::parse(region.as_str())
        .expect("the product's regions are those of the API; a test compares them")
}

/// When a change happens that must not seem earlier than the one before it.
fn not_before(earlier: UnixMillis, now: UnixMillis) -> UnixMillis {
    earlier.max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regions_of_the_product_are_those_of_the_api() {
        for region in Region::ALL {
            assert_eq!(region_to_wire(*region).as_str(), region.as_str());
        }
        assert_eq!(Region::ALL.len(), types::VoiceConnectorAwsRegion::ALL.len());
    }
}
