//! Limits of the HTTP API.

use std::num::NonZeroU32;
use std::time::Duration;

use super::key::Key;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::integer(
        "api.requests_per_second",
        "1000",
        "Requests per second that one access key may make; more are answered 429.",
    ),
    Key::integer("api.burst", "2000", "Requests that one access key may make at once."),
    Key::integer(
        "api.voice_connectors_max",
        "10000000",
        "Voice Connectors that one account may have.",
    ),
    Key::integer(
        "api.calls_per_second_max",
        "10000",
        "The most that a Voice Connector's CpsLimit may say.",
    ),
    Key::integer(
        "api.voice_connector_groups_max",
        "1000",
        "Voice Connector groups that one account may have.",
    ),
    Key::integer(
        "api.voice_connectors_per_group_max",
        "100",
        "Voice Connectors that one group may have.",
    ),
    Key::integer("api.phone_numbers_max", "10000000", "Phone numbers that one account may have."),
    Key::integer(
        "api.sip_media_applications_max",
        "1000",
        "SIP media applications that one account may have.",
    ),
    Key::integer(
        "api.sip_media_application_calls_per_second_max",
        "1000",
        "CreateSipMediaApplicationCall requests per second that one account may make; more are answered 429.",
    ),
    Key::integer(
        "api.sip_media_application_updates_per_second_max",
        "1000",
        "UpdateSipMediaApplicationCall requests per second that one account may make; more are answered 429.",
    ),
    Key::integer("api.sip_rules_max", "1000", "SIP rules that one account may have."),
    Key::integer(
        "api.voice_profile_domains_max",
        "100",
        "Voice profile domains that one account may have.",
    ),
    Key::integer(
        "api.voice_profiles_per_domain_max",
        "1000",
        "Voice profiles that one domain may have.",
    ),
    Key::integer(
        "api.speaker_search_tasks_max",
        "1000",
        "Speaker search tasks that one account may have active.",
    ),
    Key::integer(
        "api.voice_tone_analysis_tasks_max",
        "1000",
        "Voice tone analysis tasks that one account may have active.",
    ),
    Key::integer(
        "api.calling_name_delay_s",
        "60",
        "Seconds until a phone number's changed calling name is effective; it cannot change before.",
    ),
    Key::integer("api.connections_max", "1024", "HTTP connections open at once."),
    Key::integer("api.request_timeout_s", "30", "Seconds that one request may take."),
];

/// Limits of the HTTP API. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// Requests per second of one access key.
    pub requests_per_second: NonZeroU32,
    /// Requests at once of one access key.
    pub burst: NonZeroU32,
    /// Voice Connectors of one account.
    pub voice_connectors_max: u64,
    /// The most that a `CpsLimit` may say.
    pub calls_per_second_max: u32,
    /// Voice Connector groups of one account.
    pub voice_connector_groups_max: u64,
    /// Voice Connectors of one group.
    pub voice_connectors_per_group_max: usize,
    /// Phone numbers of one account.
    pub phone_numbers_max: u64,
    /// SIP media applications of one account.
    pub sip_media_applications_max: u64,
    /// `CreateSipMediaApplicationCall` requests per second of one account.
    pub sip_media_application_calls_per_second_max: u32,
    /// `UpdateSipMediaApplicationCall` requests per second of one account.
    pub sip_media_application_updates_per_second_max: u32,
    /// SIP rules of one account.
    pub sip_rules_max: u64,
    /// Voice profile domains of one account.
    pub voice_profile_domains_max: u64,
    /// Voice profiles of one domain.
    pub voice_profiles_per_domain_max: u64,
    /// Speaker search tasks of one account that are active.
    pub speaker_search_tasks_max: u64,
    /// Voice tone analysis tasks of one account that are active.
    pub voice_tone_analysis_tasks_max: u64,
    /// How long a changed calling name is pending.
    pub calling_name_delay: Duration,
    /// Connections open at once.
    pub connections_max: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
}

impl ApiConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let positive = |path| {
            settings
                .integer(path, 1..=1_000_000_u32)
                .map(|it| NonZeroU32::new(it).expect("the range begins at 1"))
        };
        Ok(Self {
            requests_per_second: positive("api.requests_per_second")?,
            burst: positive("api.burst")?,
            voice_connectors_max: settings
                .integer("api.voice_connectors_max", 1..=1_000_000_000)?,
            calls_per_second_max: settings.integer("api.calls_per_second_max", 1..=1_000_000)?,
            voice_connector_groups_max: settings
                .integer("api.voice_connector_groups_max", 1..=100_000)?,
            voice_connectors_per_group_max: settings
                .integer("api.voice_connectors_per_group_max", 1..=1_000)?,
            phone_numbers_max: settings.integer("api.phone_numbers_max", 1..=1_000_000_000)?,
            sip_media_applications_max: settings
                .integer("api.sip_media_applications_max", 1..=1_000_000)?,
            sip_media_application_calls_per_second_max: settings
                .integer("api.sip_media_application_calls_per_second_max", 1..=1_000_000)?,
            sip_media_application_updates_per_second_max: settings
                .integer("api.sip_media_application_updates_per_second_max", 1..=1_000_000)?,
            sip_rules_max: settings.integer("api.sip_rules_max", 1..=1_000_000)?,
            voice_profile_domains_max: settings
                .integer("api.voice_profile_domains_max", 1..=1_000_000)?,
            voice_profiles_per_domain_max: settings
                .integer("api.voice_profiles_per_domain_max", 1..=1_000_000)?,
            speaker_search_tasks_max: settings
                .integer("api.speaker_search_tasks_max", 1..=1_000_000)?,
            voice_tone_analysis_tasks_max: settings
                .integer("api.voice_tone_analysis_tasks_max", 1..=1_000_000)?,
            calling_name_delay: settings.seconds("api.calling_name_delay_s", 1..=2_592_000)?,
            connections_max: settings.integer("api.connections_max", 1..=100_000)?,
            request_timeout: settings.seconds("api.request_timeout_s", 1..=3_600)?,
        })
    }
}
