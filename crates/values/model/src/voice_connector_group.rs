//! Voice Connector groups: several connectors that share numbers, so that calls in survive the loss
//! of one.

use serde::{Deserialize, Serialize};

use crate::name::named;
use crate::{
    AccountId, Arn, Kind, Region, Resource, UnixMillis, VoiceConnectorGroupId, VoiceConnectorId,
};

/// Connectors that take calls to the group's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceConnectorGroup {
    /// Its identifier.
    pub id: VoiceConnectorGroupId,
    /// Its owner.
    pub account: AccountId,
    /// The region that its ARN names; never changes.
    pub region: Region,
    /// A name of 1–256 characters of `[a-zA-Z0-9 _.-]`; need not be unique.
    pub name: String,
    /// Its connectors in the order they were given, none twice; may be empty.
    pub items: Vec<GroupItem>,
    /// How calls spread over them.
    pub distribution: CallDistribution,
    /// When it was created.
    pub created: UnixMillis,
    /// When it was last updated.
    pub updated: UnixMillis,
}

/// A connector of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupItem {
    /// The connector.
    pub connector: VoiceConnectorId,
    /// 1–99; 1 is tried first, equals share.
    pub priority: u8,
}

named! {
    /// The API's `CallDistributionType`.
    #[derive(Default)]
    CallDistribution {
        /// By priority, the next when one fails.
        #[default]
        PriorityWeighted = "PriorityWeightedDistribution",
        /// Evenly over all connectors, whatever their priority.
        LoadBalanced = "LoadBalancedDistribution",
    }
}

impl VoiceConnectorGroup {
    /// `arn:aws:chime:{region}:{account}:vcg/{id}`.
    pub fn arn(&self) -> Arn {
        Arn {
            region: self.region,
            account: self.account,
            kind: Arn::VOICE_CONNECTOR_GROUP.into(),
            id: self.id.to_string(),
        }
    }

    /// Whether a connector is in the group.
    pub fn has(&self, connector: &VoiceConnectorId) -> bool {
        self.items.iter().any(|it| it.connector == *connector)
    }
}

impl Resource for VoiceConnectorGroup {
    const KIND: Kind = Kind::VoiceConnectorGroup;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        self.id.to_string()
    }
}
