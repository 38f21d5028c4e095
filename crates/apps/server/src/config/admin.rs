//! Where health and metrics are served.

use std::net::SocketAddr;

use super::key::Key;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[Key::text(
    "admin.listen",
    "127.0.0.1:8061",
    "Address and port of /livez, /readyz, /metrics and /version.",
)];

/// The health and metrics listener. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminConfig {
    /// Address and port; port 0 means any free one.
    pub listen: SocketAddr,
}

impl AdminConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        Ok(Self { listen: settings.socket("admin.listen")? })
    }
}
