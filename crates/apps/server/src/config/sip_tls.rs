//! SIP over TLS: where it is spoken, what we show, and what we believe.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::http::TlsFiles;
use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::unset(
        LISTEN,
        Shape::Text,
        "Address and port of SIP over TLS, or \"off\"; by default sip.listen's address and the port \
         after its own, 127.0.0.1:5061.",
    ),
    Key::unset(
        CERT,
        Shape::Text,
        "Certificate chain of SIP over TLS, a PEM file; without it one is made in data_dir that \
         nobody vouches for. SIGHUP has it read again.",
    ),
    Key::unset(
        KEY,
        Shape::Text,
        "Private key of SIP over TLS, a PEM file: PKCS#8, SEC1 or PKCS#1, without a password.",
    ),
    Key::unset(
        "sip.tls.ca",
        Shape::Text,
        "Authorities that carriers' certificates are judged by instead of the system's, a PEM file.",
    ),
    Key::text(
        CLIENTS,
        "ignored",
        "Certificates of peers that connect to us: \"ignored\", \"accepted\" or \"required\".",
    ),
    Key::unset(
        CLIENT_CA,
        Shape::Text,
        "Authorities that peers' certificates are judged by, a PEM file.",
    ),
];

const LISTEN: &str = "sip.tls.listen";
const CERT: &str = "sip.tls.cert";
const KEY: &str = "sip.tls.key";
const CLIENTS: &str = "sip.tls.client_certificates";
const CLIENT_CA: &str = "sip.tls.client_ca";

/// SIP over TLS. A value of this type has passed its checks; the files are yet to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipTlsConfig {
    /// Address and port; port 0 means any free one. `None` if TLS is not accepted, only made.
    pub listen: Option<SocketAddr>,
    /// The certificate and its key; one is made if there is none.
    pub identity: Option<TlsFiles>,
    /// The authorities that carriers' certificates are judged by; the system's if there is none.
    pub authorities: Option<PathBuf>,
    /// What peers that connect to us must show.
    pub client_certificates: ClientCertificates,
}

/// What peers that connect to us must show, and the file with the authorities that judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Nothing is asked for.
    Ignored,
    /// Who shows a certificate must show a good one.
    Accepted(PathBuf),
    /// Everybody must show a good one.
    Required(PathBuf),
}

impl SipTlsConfig {
    /// `beside` is where plain SIP is spoken.
    pub(super) fn read(settings: &Settings, beside: SocketAddr) -> Result<Self, Problem> {
        Ok(Self {
            listen: listen(settings, beside)?,
            identity: TlsFiles::named(settings, [CERT, KEY])?,
            authorities: settings.path("sip.tls.ca")?,
            client_certificates: client_certificates(settings)?,
        })
    }
}

fn listen(settings: &Settings, beside: SocketAddr) -> Result<Option<SocketAddr>, Problem> {
    match settings.text(LISTEN) {
        Some("off") => Ok(None),
        Some(_) => settings.socket(LISTEN).map(Some),
        None if beside.port() == 0 => Ok(Some(beside)),
        None => match beside.port().checked_add(1) {
            Some(port) => Ok(Some(SocketAddr::new(beside.ip(), port))),
            None => Err(settings.refuse(
                "sip.listen",
                "there is no port after it for SIP over TLS; name one in sip.tls.listen",
            )),
        },
    }
}

fn client_certificates(settings: &Settings) -> Result<ClientCertificates, Problem> {
    let file = settings.path(CLIENT_CA)?;
    match (settings.text(CLIENTS), file) {
        (Some("ignored"), None) => Ok(ClientCertificates::Ignored),
        (Some("ignored"), Some(_)) => Err(settings.refuse(
            CLIENT_CA,
            "it is of no use while sip.tls.client_certificates is \"ignored\"; set that to \
             \"accepted\" or \"required\"",
        )),
        (Some("accepted"), Some(file)) => Ok(ClientCertificates::Accepted(file)),
        (Some("required"), Some(file)) => Ok(ClientCertificates::Required(file)),
        (Some("accepted" | "required"), None) => Err(settings.refuse(
            CLIENTS,
            "somebody must vouch for the certificates; name the authorities in sip.tls.client_ca",
        )),
        (_, _) => Err(settings.refuse(CLIENTS, "choose \"ignored\", \"accepted\" or \"required\"")),
    }
}
