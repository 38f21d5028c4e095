//! Where the HTTP API listens, and its certificate.

use std::net::SocketAddr;
use std::path::PathBuf;

use api::{Identity, PemFile};

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
    Key::unset(
        CERT,
        Shape::Text,
        "Certificate chain of the HTTP API, a PEM file; with it the API speaks TLS alone. SIGHUP \
         has it read again.",
    ),
    Key::unset(
        KEY,
        Shape::Text,
        "Private key of the HTTP API, a PEM file: PKCS#8, SEC1 or PKCS#1, without a password.",
    ),
];

const CERT: &str = "http.tls.cert";
const KEY: &str = "http.tls.key";

/// The HTTP API's listener. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port; port 0 means any free one.
    pub listen: SocketAddr,
    /// What the API speaks TLS with; it speaks plaintext without.
    pub tls: Option<TlsFiles>,
}

/// A certificate and its key, as files that are yet to be [read](super::Config::http_identity).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl HttpConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let tls = TlsFiles::named(settings, [CERT, KEY])?;
        let listen = settings.socket("http.listen")?;
        let plaintext = settings.flag("http.allow_plaintext") == Some(true);
        if !listen.ip().is_loopback() && tls.is_none() && !plaintext {
            return Err(settings.refuse(
                "http.listen",
                "other machines reach this address and the API would speak plaintext there; \
                 set http.tls.cert and http.tls.key, or listen on 127.0.0.1, or set \
                 http.allow_plaintext = true if the network between is yours (a TLS proxy, a \
                 container's port mapping)",
            ));
        }
        Ok(Self { listen, tls })
    }
}

impl TlsFiles {
    /// The files that a pair of keys names: both, or none.
    pub(super) fn named(
        settings: &Settings,
        [cert_key, key_key]: [&'static str; 2],
    ) -> Result<Option<Self>, Problem> {
        match (settings.path(cert_key)?, settings.path(key_key)?) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some(Self { cert, key })),
            (Some(_), None) => Err(settings.refuse(
                cert_key,
                format!("a certificate is of no use without its private key; set {key_key} too"),
            )),
            (None, Some(_)) => Err(settings.refuse(
                key_key,
                format!("a private key is of no use without its certificate; set {cert_key} too"),
            )),
        }
    }

    /// Reads both files; what is wrong with one is told under its key.
    pub(super) fn read(&self, settings: &Settings) -> Result<Identity, Problem> {
        Identity::read(&self.cert, &self.key).map_err(|error| {
            let key = match error.file() {
                PemFile::Certificate => CERT,
                PemFile::Key => KEY,
            };
            settings.refuse(key, error.to_string())
        })
    }
}
