//! What every stored thing has: a kind, an owner, a key, a parent.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::AccountId;

macro_rules! kinds {
    ($($(#[$attr:meta])* $variant:ident = $name:literal, $seal:ident;)+) => {
        /// The kinds of stored resources.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind { $($(#[$attr])* $variant),+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The kind's name in the database; never changes once released.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Whether the store encrypts documents of this kind at rest.
            pub const fn is_sealed(self) -> bool {
                match self { $(Self::$variant => kinds!(@$seal)),+ }
            }
        }
    };
    (@sealed) => { true };
    (@clear) => { false };
}

kinds! {
    /// An [`AccessKey`](crate::AccessKey).
    AccessKey = "access_key", sealed;
    /// [`AccountQuotas`](crate::AccountQuotas).
    AccountQuotas = "account_quotas", clear;
    /// A [`Carrier`](crate::Carrier).
    Carrier = "carrier", sealed;
    /// A [`ClientRequest`](crate::ClientRequest).
    ClientRequest = "client_request", clear;
    /// An [`EmergencyCalling`](crate::EmergencyCalling).
    EmergencyCalling = "emergency_calling", clear;
    /// An [`ExternalSystems`](crate::ExternalSystems).
    ExternalSystems = "external_systems", clear;
    /// [`GlobalSettings`](crate::GlobalSettings).
    GlobalSettings = "global_settings", clear;
    /// A [`Logging`](crate::Logging).
    Logging = "logging", clear;
    /// An [`Origination`](crate::Origination).
    Origination = "origination", clear;
    /// A [`PhoneNumber`](crate::PhoneNumber).
    PhoneNumber = "phone_number", clear;
    /// A [`PhoneNumberAssociation`](crate::PhoneNumberAssociation).
    PhoneNumberAssociation = "phone_number_association", clear;
    /// A [`PhoneNumberOrder`](crate::PhoneNumberOrder).
    PhoneNumberOrder = "phone_number_order", clear;
    /// [`PhoneNumberSettings`](crate::PhoneNumberSettings).
    PhoneNumberSettings = "phone_number_settings", clear;
    /// A [`Proxy`](crate::Proxy).
    Proxy = "proxy", clear;
    /// A [`ProxySession`](crate::ProxySession).
    ProxySession = "proxy_session", clear;
    /// A [`SipMediaApplication`](crate::SipMediaApplication).
    SipMediaApplication = "sip_media_application", clear;
    /// A [`SipRule`](crate::SipRule).
    SipRule = "sip_rule", clear;
    /// A [`SipRuleLink`](crate::SipRuleLink).
    SipRuleLink = "sip_rule_link", clear;
    /// A [`SipTriggerClaim`](crate::SipTriggerClaim).
    SipTriggerClaim = "sip_trigger_claim", clear;
    /// A [`SipUser`](crate::SipUser).
    SipUser = "sip_user", sealed;
    /// A [`SpeakerSearchTask`](crate::SpeakerSearchTask).
    SpeakerSearchTask = "speaker_search_task", clear;
    /// A [`Streaming`](crate::Streaming).
    Streaming = "streaming", clear;
    /// [`Tags`](crate::Tags).
    Tags = "tags", clear;
    /// A [`Termination`](crate::Termination).
    Termination = "termination", clear;
    /// A [`TerminationHealth`](crate::TerminationHealth).
    TerminationHealth = "termination_health", clear;
    /// A [`VoiceConnector`](crate::VoiceConnector).
    VoiceConnector = "voice_connector", clear;
    /// A [`VoiceConnectorGroup`](crate::VoiceConnectorGroup).
    VoiceConnectorGroup = "voice_connector_group", clear;
    /// A [`VoiceProfile`](crate::VoiceProfile).
    VoiceProfile = "voice_profile", clear;
    /// A [`VoiceProfileDomain`](crate::VoiceProfileDomain).
    VoiceProfileDomain = "voice_profile_domain", clear;
    /// A [`VoiceToneAnalysisTask`](crate::VoiceToneAnalysisTask).
    VoiceToneAnalysisTask = "voice_tone_analysis_task", clear;
}

impl Kind {
    /// Finds a kind by its name in the database.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == name)
    }
}

/// A thing the store keeps, found by `(kind, account, key)` and listed by `(kind, account)` or
/// `(kind, account, parent)` in key order.
pub trait Resource: Serialize + DeserializeOwned + Send + 'static {
    /// What it is.
    const KIND: Kind;

    /// In whose scope its key is unique.
    fn account(&self) -> AccountId;
    /// Its key: unique within its kind and account.
    fn key(&self) -> String;
    /// The key of what it belongs to; empty if it stands alone.
    fn parent(&self) -> String {
        String::new()
    }
}
