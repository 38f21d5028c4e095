//! The logging configuration of SIP media applications. Every application has one.

pub(super) mod get;
pub(super) mod put;

use chime_api::types;
use model::SipMediaApplication;

/// The configuration as the API tells it.
fn to_wire(application: &SipMediaApplication) -> types::SipMediaApplicationLoggingConfiguration {
    types::SipMediaApplicationLoggingConfiguration {
        enable_sip_media_application_message_logs: Some(application.message_logs),
    }
}
