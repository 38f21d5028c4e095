//! Logging: what of a connector's calls is written down. It cannot be deleted, only switched off.

pub(super) mod get;
pub(super) mod put;

use chime_api::types;
use model::Logging;

/// A logging configuration as the API tells it: every member.
fn to_wire(logging: &Logging) -> types::LoggingConfiguration {
    types::LoggingConfiguration {
        enable_sip_logs: Some(logging.sip),
        enable_media_metric_logs: Some(logging.media_metrics),
    }
}
