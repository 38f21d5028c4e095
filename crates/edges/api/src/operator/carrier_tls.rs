//! TLS toward a carrier: what an operator says of it, checked, and what is told back.

use aws_lc_rs::digest::{SHA256, digest};
use model::{
    Carrier, CarrierIdentity, CarrierTls, CarrierTransport, CarrierTrust, Fingerprint, Secret,
};

use super::dto::{self, AddCarrierTls};
use crate::error::ApiError;
use crate::tls::{Identity, IdentityError, PemFile, certificates};

/// The longest PEM text taken, in bytes: a chain has some ten thousand.
const PEM_BYTES_MAX: usize = 64 << 10;

/// Checks what an operator says of TLS toward a carrier of this transport.
pub(super) fn parse(
    wire: AddCarrierTls,
    transport: Option<CarrierTransport>,
) -> Result<CarrierTls, ApiError> {
    let AddCarrierTls { server_name, authorities, pin, insecure, certificate, key } = wire;
    let tls = CarrierTls {
        server_name: server_name.map(parse_server_name).transpose()?,
        trust: parse_trust(authorities, pin, insecure.then_some(CarrierTrust::Anything))?,
        identity: parse_identity(certificate, key)?,
    };
    match transport {
        Some(CarrierTransport::Udp | CarrierTransport::Tcp) if tls != CarrierTls::default() => {
            Err(ApiError::bad_request(
                "tls: the carrier's transport is not TLS, so nothing of it would be used; set \
                 transport to tls, or leave tls out",
            ))
        }
        Some(_) | None => Ok(tls),
    }
}

/// What is told of a carrier's TLS; nothing if it never speaks TLS.
pub(super) fn to_wire(carrier: &Carrier) -> Option<dto::CarrierTls> {
    let tls = &carrier.tls;
    if carrier.transport != CarrierTransport::Tls && *tls == CarrierTls::default() {
        return None;
    }
    let trust = match tls.trust {
        CarrierTrust::System => "system",
        CarrierTrust::Authorities(_) => "authorities",
        CarrierTrust::Pinned(_) => "pin",
        CarrierTrust::Anything => "anything",
    };
    let pin = match &tls.trust {
        CarrierTrust::Pinned(pin) => Some(pin.to_string()),
        CarrierTrust::System | CarrierTrust::Authorities(_) | CarrierTrust::Anything => None,
    };
    let shown = tls.identity.as_ref().and_then(|it| fingerprint(&it.certificate));
    Some(dto::CarrierTls {
        server_name: tls.server_name.clone().unwrap_or_else(|| carrier.host.clone()),
        trust: trust.into(),
        pin,
        certificate: shown.map(|it| it.to_string()),
    })
}

/// The fingerprint of the first certificate in a PEM text.
fn fingerprint(pem: &str) -> Option<Fingerprint> {
    let chain = certificates(pem.as_bytes(), PemFile::Certificate).ok()?;
    let hash = digest(&SHA256, chain.first()?);
    Some(Fingerprint(hash.as_ref().try_into().expect("SHA-256 has 32 bytes")))
}

fn parse_server_name(name: String) -> Result<String, ApiError> {
    match rustls::pki_types::ServerName::try_from(name.as_str()) {
        Ok(_) => Ok(name),
        Err(_) => Err(ApiError::bad_request(format!(
            "tls.server_name: '{}' is neither a host name nor an IP address; write the name that \
             stands in the carrier's certificate",
            name.chars().take(80).collect::<String>()
        ))),
    }
}

fn parse_trust(
    authorities: Option<String>,
    pin: Option<String>,
    anything: Option<CarrierTrust>,
) -> Result<CarrierTrust, ApiError> {
    match (authorities, pin, anything) {
        (None, None, None) => Ok(CarrierTrust::System),
        (Some(pem), None, None) => {
            bounded("tls.authorities", &pem)?;
            certificates(pem.as_bytes(), PemFile::Certificate)
                .map_err(|error| refused("tls.authorities", &error))?;
            Ok(CarrierTrust::Authorities(pem))
        }
        (None, Some(pin), None) => Fingerprint::parse(&pin)
            .map(CarrierTrust::Pinned)
            .map_err(|refused| ApiError::bad_value("tls.pin", &refused)),
        (None, None, Some(anything)) => Ok(anything),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err(ApiError::bad_request(
                "tls: authorities, pin and insecure each say alone which certificates are believed; \
                 give one of them",
            ))
        }
    }
}

fn parse_identity(
    certificate: Option<String>,
    key: Option<Secret>,
) -> Result<Option<CarrierIdentity>, ApiError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            bounded("tls.certificate", &certificate)?;
            bounded("tls.key", key.expose())?;
            Identity::parse(certificate.as_bytes(), key.expose().as_bytes()).map_err(|error| {
                let member = match error.file() {
                    PemFile::Certificate => "tls.certificate",
                    PemFile::Key => "tls.key",
                };
                refused(member, &error)
            })?;
            Ok(Some(CarrierIdentity { certificate, key }))
        }
        (Some(_), None) => Err(ApiError::bad_request(
            "tls.key is missing; a certificate is of no use without its private key",
        )),
        (None, Some(_)) => Err(ApiError::bad_request(
            "tls.certificate is missing; a private key is of no use without its certificate",
        )),
    }
}

fn bounded(member: &str, pem: &str) -> Result<(), ApiError> {
    if pem.len() <= PEM_BYTES_MAX {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "{member} has {} bytes; give at most {PEM_BYTES_MAX}, the certificates that matter alone",
        pem.len()
    )))
}

fn refused(member: &str, error: &IdentityError) -> ApiError {
    ApiError::bad_request(format!("{member} is refused: {error}"))
}
