//! Name servers for the hosts of carriers and routes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::key::Key;
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::list(
        SERVERS,
        "",
        "Name servers asked for carriers and routes, such as 192.0.2.53 or 192.0.2.53:5353; the \
         system's if empty.",
    ),
    Key::integer(
        "sip.dns.stale_max_s",
        "86400",
        "How long the last known addresses of a host are used while it does not resolve, in seconds.",
    ),
];

const SERVERS: &str = "sip.dns.servers";
const PORT: u16 = 53;

/// How hosts are found. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// The name servers; the system's if there are none.
    pub servers: Vec<SocketAddr>,
    /// How long the last known addresses outlive their name servers.
    pub stale_max: Duration,
}

impl DnsConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let read = |text: &String| {
            let bare = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
            bare.or_else(|_| text.parse()).map_err(|_| {
                settings.refuse(
                    SERVERS,
                    format!("\"{text}\" is no address; write 192.0.2.53, or 192.0.2.53:5353"),
                )
            })
        };
        Ok(Self {
            servers: settings.list(SERVERS).iter().map(read).collect::<Result<_, _>>()?,
            stale_max: settings.seconds("sip.dns.stale_max_s", 0..=30 * 86_400)?,
        })
    }
}
