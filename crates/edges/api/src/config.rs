//! What the operator can set about the control plane. Values come checked from the server's
//! configuration.

use std::time::Duration;

use model::{Quota, Region};

use crate::address::AddressRules;

/// Settings of the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// A new connector's outbound host name is `{id}.{sip_domain}`.
    pub sip_domain: String,
    /// The region of a connector that is created without one.
    pub region: Region,
    /// Whether private addresses may stand in allow lists and routes.
    pub private_networks: PrivateNetworks,
    /// The shortest IPv4 prefix of an allow list; AWS takes /27 to /32.
    pub cidr_prefix_min: u8,
    /// The release, told by `GET /operator/status`.
    pub version: String,
    /// What one client can make the service hold or wait for.
    pub limits: Limits,
    /// What one account may have.
    pub quotas: Quotas,
    /// How fast one key may ask.
    pub rate: Rate,
    /// How long a number's calling name is pending after it was changed; AWS takes up to 72 hours.
    pub calling_name_delay: Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            sip_domain: "voiceconnector.localhost".into(),
            region: Region::UsEast1,
            private_networks: PrivateNetworks::Allowed,
            cidr_prefix_min: 27,
            version: env!("CARGO_PKG_VERSION").into(),
            limits: Limits::default(),
            quotas: Quotas::default(),
            rate: Rate::default(),
            calling_name_delay: Duration::from_secs(60),
        }
    }
}

impl ApiConfig {
    /// What customers may name in allow lists and routes.
    pub(crate) fn address_rules(&self) -> AddressRules {
        AddressRules {
            private_networks: self.private_networks,
            cidr_prefix_min: self.cidr_prefix_min,
        }
    }
}

/// Whether loopback, private and link-local addresses may stand in allow lists and routes.
///
/// AWS refuses them; who hosts the service himself cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateNetworks {
    /// As a self-hosted service needs it.
    #[default]
    Allowed,
    /// As AWS does it.
    Refused,
}

/// Limits on requests and connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of all bodies that are held at once; more are told to come back. Of requests that name
    /// a key nobody has, a quarter of it.
    pub body_bytes_all: usize,
    /// Bytes of a request's line and headers together.
    pub header_bytes: usize,
    /// Time from the first wait for a request on a connection to the end of its headers. It also
    /// ends idle connections.
    pub header_time: Duration,
    /// Time from the end of the headers to the end of the body.
    pub body_time: Duration,
    /// Time from the end of the headers to the answer.
    pub request_time: Duration,
    /// Connections served at once; more are told to come back.
    pub connections: usize,
    /// Time that open requests get to finish at shutdown.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            body_bytes_all: 64 << 20,
            header_bytes: 16 << 10,
            header_time: Duration::from_secs(20),
            body_time: Duration::from_secs(20),
            request_time: Duration::from_secs(30),
            connections: 1024,
            drain_time: Duration::from_secs(10),
        }
    }
}

/// AWS's quotas under AWS's names, with generous defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// "Amazon Chime SDK Voice Connectors" of an account; AWS starts at 3 per region.
    pub voice_connectors: u64,
    /// "Calls per second per Voice Connector": the most that `CpsLimit` may say; AWS starts at 1.
    pub calls_per_second: u32,
    /// "Voice Connector groups" of an account; AWS starts at 3.
    pub voice_connector_groups: u64,
    /// "Voice Connectors per group"; AWS starts at 3.
    pub voice_connectors_per_group: usize,
    /// "Phone numbers" of an account; AWS starts at 5.
    pub phone_numbers: u64,
    /// "Amazon Chime SDK SIP media applications" of an account; AWS starts at 30 per region.
    pub sip_media_applications: u64,
    /// `CreateSipMediaApplicationCall` requests per second of an account; AWS starts at 1.
    pub sip_media_application_calls_per_second: u32,
    /// `UpdateSipMediaApplicationCall` requests per second of an account; AWS starts at 5.
    pub sip_media_application_updates_per_second: u32,
    /// SIP rules of an account.
    pub sip_rules: u64,
    /// "Voice profile domains" of an account; AWS starts at 3 per region.
    pub voice_profile_domains: u64,
    /// "Voice profiles per domain"; AWS starts at 20.
    pub voice_profiles: u64,
    /// "Active speaker search tasks" of an account; AWS starts at 25.
    pub speaker_search_tasks: u64,
    /// "Active voice tone analysis tasks" of an account; AWS starts at 25.
    pub voice_tone_analysis_tasks: u64,
    /// "Concurrent Voice Connector calls" of an account; AWS starts at 10 per region. The call path
    /// enforces it.
    pub concurrent_calls: u64,
    /// Calls per second of an account, over all its connectors. The call path enforces it.
    pub account_calls_per_second: u64,
}

impl Quotas {
    /// The value of a quota.
    pub fn get(&self, quota: Quota) -> u64 {
        match quota {
            Quota::VoiceConnectors => self.voice_connectors,
            Quota::CallsPerSecondPerConnector => self.calls_per_second.into(),
            Quota::ConcurrentCalls => self.concurrent_calls,
            Quota::CallsPerSecond => self.account_calls_per_second,
            Quota::VoiceConnectorGroups => self.voice_connector_groups,
            Quota::VoiceConnectorsPerGroup => self.voice_connectors_per_group as u64,
            Quota::PhoneNumbers => self.phone_numbers,
            Quota::SipMediaApplications => self.sip_media_applications,
            Quota::SipMediaApplicationCallsPerSecond => {
                self.sip_media_application_calls_per_second.into()
            }
            Quota::SipMediaApplicationUpdatesPerSecond => {
                self.sip_media_application_updates_per_second.into()
            }
            Quota::SipRules => self.sip_rules,
            Quota::VoiceProfileDomains => self.voice_profile_domains,
            Quota::VoiceProfilesPerDomain => self.voice_profiles,
            Quota::SpeakerSearchTasks => self.speaker_search_tasks,
            Quota::VoiceToneAnalysisTasks => self.voice_tone_analysis_tasks,
        }
    }

    /// Gives a quota a value, at most [`Quota::VALUE_MAX`].
    pub fn set(&mut self, quota: Quota, value: u64) {
        let value = value.min(Quota::VALUE_MAX);
        let per_second = u32::try_from(value).unwrap_or(u32::MAX);
        match quota {
            Quota::VoiceConnectors => self.voice_connectors = value,
            Quota::CallsPerSecondPerConnector => self.calls_per_second = per_second,
            Quota::ConcurrentCalls => self.concurrent_calls = value,
            Quota::CallsPerSecond => self.account_calls_per_second = value,
            Quota::VoiceConnectorGroups => self.voice_connector_groups = value,
            Quota::VoiceConnectorsPerGroup => {
                self.voice_connectors_per_group = usize::try_from(value).unwrap_or(usize::MAX);
            }
            Quota::PhoneNumbers => self.phone_numbers = value,
            Quota::SipMediaApplications => self.sip_media_applications = value,
            Quota::SipMediaApplicationCallsPerSecond => {
                self.sip_media_application_calls_per_second = per_second;
            }
            Quota::SipMediaApplicationUpdatesPerSecond => {
                self.sip_media_application_updates_per_second = per_second;
            }
            Quota::SipRules => self.sip_rules = value,
            Quota::VoiceProfileDomains => self.voice_profile_domains = value,
            Quota::VoiceProfilesPerDomain => self.voice_profiles = value,
            Quota::SpeakerSearchTasks => self.speaker_search_tasks = value,
            Quota::VoiceToneAnalysisTasks => self.voice_tone_analysis_tasks = value,
        }
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            voice_connectors: 10_000_000,
            calls_per_second: 10_000,
            voice_connector_groups: 1000,
            voice_connectors_per_group: 100,
            phone_numbers: 10_000_000,
            sip_media_applications: 1000,
            sip_media_application_calls_per_second: 1000,
            sip_media_application_updates_per_second: 1000,
            sip_rules: 1000,
            voice_profile_domains: 100,
            voice_profiles: 1000,
            speaker_search_tasks: 1000,
            voice_tone_analysis_tasks: 1000,
            concurrent_calls: 10_000,
            account_calls_per_second: 1_000_000,
        }
    }
}

/// The token bucket of each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second that a key earns.
    pub per_second: u32,
    /// Requests that a rested key may send at once.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 1000, burst: 2000 }
    }
}
