//! Where the HTTP API listens.

use std::net::SocketAddr;

use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::text("http.listen", "127.0.0.1:8060", "Address and port of the HTTP API."),
    Key::flag(
        "http.allow_plaintext",
        "false",
        "Lets the API listen without TLS on an address that other machines reach.",
    ),
    Key::unset("http.tls.cert", Shape::Text, "Certificate chain of the HTTP API, a PEM file."),
    Key::unset("http.tls.key", Shape::Text, "Private key of the HTTP API, a PEM file."),
];

const NO_TLS_YET: &str = "remove it and put a TLS proxy in front of http.listen";

/// The HTTP API's listener. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port; port 0 means any free one.
    pub listen: SocketAddr,
}

impl HttpConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        settings.not_yet("http.tls.cert", NO_TLS_YET)?;
        settings.not_yet("http.tls.key", NO_TLS_YET)?;
        let listen = settings.socket("http.listen")?;
        let plaintext = settings.flag("http.allow_plaintext") == Some(true);
        if !listen.ip().is_loopback() && !plaintext {
            return Err(settings.refuse(
                "http.listen",
                "other machines reach this address and the API would speak plaintext there; \
                 listen on 127.0.0.1, or set http.allow_plaintext = true if the network between \
                 is yours (a TLS proxy, a container's port mapping)",
            ));
        }
        Ok(Self { listen })
    }
}
