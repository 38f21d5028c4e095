//! Believing a certificate for other reasons than that an authority vouches for it.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use model::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Which certificates are believed without authorities. That the peer has the certificate's key is
/// checked all the same.
#[derive(Debug)]
pub(crate) struct Unvouched {
    believed: Believed,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Believed {
    Pinned(Fingerprint),
    Anything,
}

impl Unvouched {
    /// The one certificate with this fingerprint.
    pub(crate) fn pinned(pin: Fingerprint, provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { believed: Believed::Pinned(pin), provider })
    }

    /// Any certificate: for tests.
    pub(crate) fn anything(provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(Self { believed: Believed::Anything, provider })
    }
}

impl ServerCertVerifier for Unvouched {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.believed {
            Believed::Anything => Ok(ServerCertVerified::assertion()),
            Believed::Pinned(pin) if digest(&SHA256, shown).as_ref() == pin.0 => {
                Ok(ServerCertVerified::assertion())
            }
            Believed::Pinned(_) => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
