//! Quotas: how much of each thing an account may have.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Kind, Refused, Resource};

macro_rules! quotas {
    ($($(#[$doc:meta])* $quota:ident = $slug:literal, $name:literal;)+) => {
        /// A quota of an account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Quota { $($(#[$doc])* #[serde(rename = $slug)] $quota),+ }

        impl Quota {
            /// Every quota, in the order they are listed.
            pub const ALL: &[Self] = &[$(Self::$quota),+];

            /// The quota's name in commands: `voice-connectors`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$quota => $slug),+ }
            }

            /// The quota's name at AWS, or one like it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$quota => $name),+ }
            }
        }
    };
}

quotas! {
    /// Voice Connectors of the account; AWS starts at 3 per region.
    VoiceConnectors = "voice-connectors", "Amazon Chime SDK Voice Connectors";
    /// The most that a connector's `CpsLimit` may say; AWS starts at 1.
    CallsPerSecondPerConnector = "calls-per-second-per-voice-connector", "Calls per second per Voice Connector";
    /// Calls of the account that are open at once; AWS starts at 10 per region.
    ConcurrentCalls = "concurrent-calls", "Concurrent Voice Connector calls";
    /// Calls per second of the account, over all its connectors. A quota of this service's own.
    CallsPerSecond = "calls-per-second", "Calls per second per account";
    /// Voice Connector groups of the account; AWS starts at 3.
    VoiceConnectorGroups = "voice-connector-groups", "Voice Connector groups";
    /// Voice Connectors of one group; AWS starts at 3.
    VoiceConnectorsPerGroup = "voice-connectors-per-group", "Voice Connectors per group";
    /// Phone numbers of the account; AWS starts at 5.
    PhoneNumbers = "phone-numbers", "Phone numbers";
    /// SIP media applications of the account; AWS starts at 30 per region.
    SipMediaApplications = "sip-media-applications", "Amazon Chime SDK SIP media applications";
    /// `CreateSipMediaApplicationCall` requests per second of the account; AWS starts at 1.
    SipMediaApplicationCallsPerSecond = "sip-media-application-calls-per-second", "CreateSipMediaApplicationCall requests per second";
    /// `UpdateSipMediaApplicationCall` requests per second of the account; AWS starts at 5.
    SipMediaApplicationUpdatesPerSecond = "sip-media-application-updates-per-second", "UpdateSipMediaApplicationCall requests per second";
    /// SIP rules of the account.
    SipRules = "sip-rules", "SIP rules";
    /// Voice profile domains of the account; AWS starts at 3 per region.
    VoiceProfileDomains = "voice-profile-domains", "Voice profile domains";
    /// Voice profiles of one domain; AWS starts at 20.
    VoiceProfilesPerDomain = "voice-profiles-per-domain", "Voice profiles per domain";
    /// Speaker search tasks of the account that have not ended; AWS starts at 25.
    SpeakerSearchTasks = "active-speaker-search-tasks", "Active speaker search tasks";
    /// Voice tone analysis tasks of the account that have not ended; AWS starts at 25.
    VoiceToneAnalysisTasks = "active-voice-tone-analysis-tasks", "Active voice tone analysis tasks";
}

impl Quota {
    /// The largest value of any quota.
    pub const VALUE_MAX: u64 = 1_000_000_000;
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Quota {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or_else(|| {
            Refused::new(
                "quota",
                text,
                "no quota has this name; `trunkline quota list` has them all",
            )
        })
    }
}

/// What the operator set for one account; every other quota is the installation's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountQuotas {
    /// Whose quotas they are.
    pub account: AccountId,
    /// Values by quota, at most [`Quota::VALUE_MAX`]; never empty when stored.
    pub values: BTreeMap<Quota, u64>,
}

impl AccountQuotas {
    /// The one key in an account's scope.
    pub const KEY: &str = "quotas";
}

impl Resource for AccountQuotas {
    const KIND: Kind = Kind::AccountQuotas;

    fn account(&self) -> AccountId {
        self.account
    }
    fn key(&self) -> String {
        Self::KEY.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_reads_back_from_its_name() {
        for quota in Quota::ALL {
            assert_eq!(quota.as_str().parse(), Ok(*quota));
            let json = serde_json::to_string(quota).unwrap();
            assert_eq!(json, format!("\"{quota}\""));
        }
        assert!("quotas".parse::<Quota>().is_err());
    }
}
