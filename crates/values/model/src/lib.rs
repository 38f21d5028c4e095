//! The product's nouns, as checked values.
//!
//! What a [`VoiceConnector`], a [`Termination`], a [`Carrier`] or a [`CallRecord`] *is*; nothing here
//! has state, reads a clock or touches the world. A value that exists is valid: constructors that
//! can fail are called `parse`, and there is no `validate` afterwards.
//!
//! The words are those of the Chime SDK Voice API. **Termination** is customer → PSTN (calls out),
//! **origination** is PSTN → customer (calls in).
//!
//! ```
//! use model::{E164Number, VoiceConnectorId};
//!
//! let number = E164Number::parse("+12065550100").unwrap();
//! assert_eq!(number.to_string(), "+12065550100");
//! assert!(VoiceConnectorId::parse("too-short").is_err());
//! ```

pub mod access_key;
pub mod arn;
pub mod audit;
pub mod carrier;
pub mod client_request;
pub mod credential;
pub mod emergency_calling;
pub mod external_systems;
pub mod global_settings;
pub mod id;
pub mod logging;
pub mod name;
pub mod number;
pub mod number_order;
pub mod numbering;
pub mod origination;
pub mod phone_number;
pub mod policy;
pub mod proxy;
pub mod quota;
pub mod record;
pub mod region;
pub mod resource;
pub mod secret;
pub mod sip_media_application;
pub mod sip_rule;
pub mod streaming;
pub mod tag;
pub mod termination;
pub mod time;
pub mod voice_analysis;
pub mod voice_connector;
pub mod voice_connector_group;
pub mod voice_profile;

pub use access_key::{AccessKey, AccessKeyId, KeyPolicy, KeyStatus};
pub use arn::Arn;
pub use audit::{AuditOutcome, AuditRecord};
pub use carrier::{
    CalledNumber, Carrier, CarrierCredential, CarrierIdentity, CarrierLookup, CarrierName,
    CarrierTls, CarrierTransport, CarrierTrust, CarrierUser, Fingerprint, Probing, Redirects,
    SrtpPolicy,
};
pub use client_request::ClientRequest;
pub use credential::{DigestKey, DigestKeys, SipUser, Username};
pub use emergency_calling::{EmergencyCalling, EmergencyNumber};
pub use external_systems::{ContactCenterSystem, ExternalSystems, SessionBorderController};
pub use global_settings::GlobalSettings;
pub use id::{
    AccountId, PhoneNumberOrderId, ProxySessionId, SipMediaApplicationId, SipRuleId,
    SpeakerSearchTaskId, TransactionId, VoiceConnectorGroupId, VoiceConnectorId,
    VoiceProfileDomainId, VoiceProfileId, VoiceToneAnalysisTaskId,
};
pub use logging::Logging;
pub use name::Named;
pub use number::E164Number;
pub use number_order::{OrderStatus, OrderedNumber, OrderedStatus, PhoneNumberOrder};
pub use numbering::{Country, NumberType};
pub use origination::{Origination, Route, RouteProtocol};
pub use phone_number::{
    AssociationTarget, CallingName, Holding, PhoneNumber, PhoneNumberAssociation,
    PhoneNumberSettings, ProductType,
};
pub use policy::{Policy, PolicyError};
pub use proxy::{
    GeoMatch, NumberSelection, Participant, Proxy, ProxyCapability, ProxySession,
    ProxySessionStatus,
};
pub use quota::{AccountQuotas, Quota};
pub use record::{CallRecord, CallStatus, Decision, Direction, LegQuality, Verdict};
pub use region::Region;
pub use resource::{Kind, Resource};
pub use secret::Secret;
pub use sip_media_application::{FunctionArn, SipMediaApplication};
pub use sip_rule::{SipRule, SipRuleLink, SipTrigger, SipTriggerClaim, TargetApplication};
pub use streaming::{MediaInsights, Streaming, StreamingTarget};
pub use tag::{Tag, Tags};
pub use termination::{Termination, TerminationHealth};
pub use time::UnixMillis;
pub use voice_analysis::{
    AnalysedLeg, Analysis, SpeakerMatch, SpeakerSearchTask, Stopped, TaskStatus,
    VoiceToneAnalysisTask, Voiceprint, VoiceprintState,
};
pub use voice_connector::{IntegrationType, NetworkType, VoiceConnector};
pub use voice_connector_group::{CallDistribution, GroupItem, VoiceConnectorGroup};
pub use voice_profile::{KmsKeyArn, VoiceProfile, VoiceProfileDomain};

/// A value that a rule refused: which rule, and what was seen.
///
/// `Display` is a sentence for the person who sent the value. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} \"{seen}\" is refused: {rule}")]
pub struct Refused {
    /// The noun, in words: "phone number", "CIDR block".
    pub what: &'static str,
    /// The text that was seen, cut to a readable length.
    pub seen: String,
    /// The rule it broke, ending in what would be right.
    pub rule: &'static str,
}

impl Refused {
    /// The longest part of a refused value that is repeated to its sender, in characters.
    pub const SEEN_CHARS_MAX: usize = 80;

    /// Refuses `seen` as a `what`, by `rule`.
    pub fn new(what: &'static str, seen: &str, rule: &'static str) -> Self {
        Self { what, seen: seen.chars().take(Self::SEEN_CHARS_MAX).collect(), rule }
    }
}
