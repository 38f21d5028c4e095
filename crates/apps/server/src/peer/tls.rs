//! TLS of a test peer.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use net::{TlsAcceptor, TlsDial, TlsDialer};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use sip_message::PeerId;

use crate::tls::{Unvouched, provider};

/// What a peer over TLS shows, and whom it believes.
#[derive(Clone)]
pub struct PeerTls {
    /// How connections to it are secured.
    pub shown: Arc<ServerConfig>,
    /// How its own connections are secured.
    pub believed: Arc<ClientConfig>,
}

impl PeerTls {
    /// Shows a certificate that nobody vouches for, and believes any: for test calls, which want to
    /// know whether a call works and tell nobody anything.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn believing_anything() -> io::Result<Self> {
        let made =
            rcgen::generate_simple_self_signed(["localhost".into()]).map_err(io::Error::other)?;
        let key =
            PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(io::Error::other)?;
        let shown = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|it| {
                it.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .map_err(io::Error::other)?;
        let believed = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Unvouched::anything(provider()))
            .with_no_client_auth();
        Ok(Self { shown: Arc::new(shown), believed: Arc::new(believed) })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::new(Arc::clone(&self.shown))
    }

    pub(super) fn dialer(&self) -> Box<dyn TlsDialer> {
        Box::new(Dialer(Arc::clone(&self.believed)))
    }
}

impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerTls(…)")
    }
}

/// Takes everybody for the address that it is at.
struct Dialer(Arc<ClientConfig>);

impl TlsDialer for Dialer {
    fn dial(&self, _peer: PeerId, remote: SocketAddr) -> Option<TlsDial> {
        let name = ServerName::IpAddress(remote.ip().into());
        Some(TlsDial { config: Arc::clone(&self.0), name })
    }
}
