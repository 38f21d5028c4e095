//! What can go wrong between two ends of TLS, in words that say what to do about it.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// Why TLS was not agreed upon, or broke later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsFault {
    /// What the peer speaks is no TLS.
    NotTls,
    /// No version of TLS in common: we speak 1.2 and 1.3.
    Version,
    /// No cipher suite, group or signature in common.
    Cipher,
    /// The peer's certificate comes from an authority that we do not know.
    IssuerUnknown,
    /// The peer's certificate is out of date.
    Expired,
    /// The peer's certificate begins later.
    NotYetValid,
    /// The peer's certificate bears another name.
    Name,
    /// The peer's certificate is not the one that was pinned.
    Unpinned,
    /// The peer's certificate is wrong otherwise.
    Certificate,
    /// The peer showed no certificate, and we want one.
    CertificateMissing,
    /// The peer does not believe our certificate.
    OursRefused,
    /// The peer wants a certificate of ours.
    OursMissing,
    /// The peer refused without saying more.
    RefusedByPeer,
    /// The peer left before TLS was agreed upon.
    Ended,
    /// The peer broke a rule of the protocol.
    Protocol,
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may learn new faults, and those that call for no remedy of their own share one"
)]
impl TlsFault {
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            Error::PeerIncompatible(peer) => Self::of_incompatible(peer),
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::NoCertificatesPresented => Self::CertificateMissing,
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            _ => Self::Protocol,
        }
    }

    fn of_incompatible(peer: &PeerIncompatible) -> Self {
        match peer {
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::ServerDoesNotSupportTls12Or13 => Self::Version,
            _ => Self::Cipher,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            // A signature that does not fit is that of another authority of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::IssuerUnknown,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::Name
            }
            CertificateError::ApplicationVerificationFailure => Self::Unpinned,
            _ => Self::Certificate,
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::ProtocolVersion => Self::Version,
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                Self::Cipher
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA => Self::OursRefused,
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
                Self::OursMissing
            }
            _ => Self::RefusedByPeer,
        }
    }
}

impl TlsFault {
    /// A stable word for metrics and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotTls => "not-tls",
            Self::Version => "version",
            Self::Cipher => "cipher",
            Self::IssuerUnknown => "issuer-unknown",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::Name => "certificate-name",
            Self::Unpinned => "certificate-unpinned",
            Self::Certificate => "certificate-refused",
            Self::CertificateMissing => "certificate-missing",
            Self::OursRefused => "our-certificate-refused",
            Self::OursMissing => "our-certificate-missing",
            Self::RefusedByPeer => "refused-by-peer",
            Self::Ended => "ended",
            Self::Protocol => "protocol",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NotTls => "have the peer speak TLS to this port, or use the port of plain SIP",
            Self::Version => "have the peer speak TLS 1.2 or 1.3",
            Self::Cipher => {
                "have the peer offer a suite with ECDHE and AES-GCM or ChaCha20-Poly1305"
            }
            Self::IssuerUnknown => {
                "name the authority of the peer's certificate (sip.tls.ca, sip.tls.client_ca, or \
                 `trunkline carrier add --tls-ca`), or pin the certificate"
            }
            Self::Expired => "have the peer renew its certificate, and check this machine's clock",
            Self::NotYetValid => "check the clocks of both machines",
            Self::Name => {
                "name the peer as its certificate does (`trunkline carrier add --tls-server-name`)"
            }
            Self::Unpinned => {
                "pin the certificate that the peer has now, if it is the peer that it should be"
            }
            Self::Certificate => "have the peer show another certificate",
            Self::CertificateMissing => {
                "give the peer a certificate, or let sip.tls.client_certificates be \"accepted\""
            }
            Self::OursRefused => {
                "have the peer trust the certificate in sip.tls.cert, or, toward a carrier, the one \
                 of --tls-client-cert"
            }
            Self::OursMissing => "give the carrier its certificate (--tls-client-cert)",
            Self::RefusedByPeer | Self::Protocol => "ask the owner of the peer what its log says",
            Self::Ended => {
                "see whether the peer speaks TLS on this port, and trusts our certificate"
            }
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTls => "the peer speaks no TLS",
            Self::Version => "no version of TLS in common",
            Self::Cipher => "no cipher suite in common",
            Self::IssuerUnknown => "the peer's certificate comes from an unknown authority",
            Self::Expired => "the peer's certificate has expired",
            Self::NotYetValid => "the peer's certificate is not valid yet",
            Self::Name => "the peer's certificate bears another name",
            Self::Unpinned => "the peer's certificate is not the pinned one",
            Self::Certificate => "the peer's certificate cannot be accepted",
            Self::CertificateMissing => "the peer showed no certificate",
            Self::OursRefused => "the peer does not accept our certificate",
            Self::OursMissing => "the peer wants a certificate of ours",
            Self::RefusedByPeer => "the peer refused",
            Self::Ended => "the peer left in the middle of the handshake",
            Self::Protocol => "the peer broke the protocol",
        })
    }
}
