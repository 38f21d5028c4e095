//! TLS of SIP: what we show, what we believe, and how both are renewed while calls go on.

mod peers;
mod self_signed;
mod trust;

use std::path::Path;
use std::sync::Arc;

use api::{Identity, KeyReaders, PemFile, certificates};
use net::TlsAcceptor;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};
use tracing::{info, warn};

use crate::config::{ClientCertificates, Config, ConfigError, SipTlsConfig};
pub(crate) use peers::{Dialer, TlsPeers};
pub(crate) use trust::Unvouched;

/// SIP over TLS as a whole: the listener's side, and that of connections of ours.
#[derive(Clone)]
pub(crate) struct SipTls {
    acceptor: TlsAcceptor,
    peers: Arc<TlsPeers>,
}

/// What was read of files, ready to be used.
struct Material {
    server: Arc<ServerConfig>,
    identity: Identity,
    /// What carriers' certificates are judged by if nothing else is said.
    roots: Arc<RootCertStore>,
}

impl SipTls {
    /// Reads every file that the configuration names, and makes a certificate if it names none. It
    /// waits for the disk.
    ///
    /// # Errors
    /// [`ConfigError`] with the file that is to blame.
    pub(crate) fn open(config: &Config) -> Result<Self, ConfigError> {
        let material = Material::read(config)?;
        Ok(Self {
            acceptor: TlsAcceptor::new(material.server),
            peers: Arc::new(TlsPeers::new(material.identity, material.roots)),
        })
    }

    /// Reads every file again. Connections that begin from now on see what they hold now; open ones
    /// stay as they are.
    ///
    /// # Errors
    /// [`ConfigError`]; then everything stays as it was.
    pub(crate) fn reread(&self, config: &Config) -> Result<(), ConfigError> {
        let material = Material::read(config)?;
        self.acceptor.replace(material.server);
        self.peers.renew(material.identity, material.roots);
        Ok(())
    }

    /// How accepted connections are secured.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Whom connections of ours are made to.
    pub(crate) fn peers(&self) -> Arc<TlsPeers> {
        Arc::clone(&self.peers)
    }
}

/// Reads every file that the configuration names, without making any.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    let tls = &config.sip.tls;
    if tls.identity.is_some() {
        server(config, tls, &identity(config, tls)?)?;
    }
    match &tls.client_certificates {
        ClientCertificates::Ignored => {}
        ClientCertificates::Accepted(path) | ClientCertificates::Required(path) => {
            authorities(config, "sip.tls.client_ca", path)?;
        }
    }
    match &tls.authorities {
        Some(path) => authorities(config, "sip.tls.ca", path).map(drop),
        None => Ok(()),
    }
}

impl Material {
    fn read(config: &Config) -> Result<Self, ConfigError> {
        let tls = &config.sip.tls;
        let identity = identity(config, tls)?;
        let server = server(config, tls, &identity)?;
        let roots = match &tls.authorities {
            Some(path) => authorities(config, "sip.tls.ca", path)?,
            None => system_roots(),
        };
        Ok(Self { server, identity, roots: Arc::new(roots) })
    }
}

/// The certificate that is shown: the operator's, or one that was made on the first start.
fn identity(config: &Config, tls: &SipTlsConfig) -> Result<Identity, ConfigError> {
    let Some(files) = &tls.identity else {
        let names = self_signed::names(&config.sip);
        return self_signed::read_or_make(&config.storage.data_dir, names)
            .map_err(|error| config.refused("sip.tls.cert", error.to_string()));
    };
    let identity = Identity::read(&files.cert, &files.key).map_err(|error| {
        let key = match error.file() {
            PemFile::Certificate => "sip.tls.cert",
            PemFile::Key => "sip.tls.key",
        };
        config.refused(key, error.to_string())
    })?;
    if identity.key_readers() == KeyReaders::Everybody {
        warn!("every user of this machine can read sip.tls.key; take that right away (chmod o-r)");
    }
    Ok(identity)
}

fn server(
    config: &Config,
    tls: &SipTlsConfig,
    identity: &Identity,
) -> Result<Arc<ServerConfig>, ConfigError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3");
    let verifier = |path: &Path| {
        let roots = Arc::new(authorities(config, "sip.tls.client_ca", path)?);
        Ok(WebPkiClientVerifier::builder_with_provider(roots, provider()))
    };
    let refused = |error: rustls::server::VerifierBuilderError| {
        config.refused("sip.tls.client_ca", error.to_string())
    };
    let builder = match &tls.client_certificates {
        ClientCertificates::Ignored => builder.with_no_client_auth(),
        ClientCertificates::Accepted(path) => builder.with_client_cert_verifier(
            verifier(path)?.allow_unauthenticated().build().map_err(refused)?,
        ),
        ClientCertificates::Required(path) => {
            builder.with_client_cert_verifier(verifier(path)?.build().map_err(refused)?)
        }
    };
    let shown = rustls::sign::CertifiedKey::clone(&identity.certified());
    let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    // Sessions are resumed by tickets that only we can read (RFC 8446 §2.2): nothing is kept here.
    match rustls::crypto::aws_lc_rs::Ticketer::new() {
        Ok(ticketer) => server.ticketer = ticketer,
        Err(error) => warn!(%error, "TLS sessions will not be resumed by tickets"),
    }
    Ok(Arc::new(server))
}

/// The authorities in a PEM file that a key of the configuration names.
fn authorities(
    config: &Config,
    key: &'static str,
    path: &Path,
) -> Result<RootCertStore, ConfigError> {
    let pem = std::fs::read(path).map_err(|error| {
        config.refused(key, format!("it cannot be read ({error}); correct the path"))
    })?;
    roots_of(&pem).map_err(|rule| config.refused(key, rule))
}

/// The authorities in a PEM text.
fn roots_of(pem: &[u8]) -> Result<RootCertStore, String> {
    let found = certificates(pem, PemFile::Certificate).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in found {
        roots.add(certificate).map_err(|error| {
            format!("a certificate in it is of no authority ({error}); give X.509 version 3")
        })?;
    }
    Ok(roots)
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        warn!(%error, "an authority of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (kept, _passed_over) = roots.add_parsable_certificates(found.certs);
    if kept == 0 {
        info!(
            "the system names no certificate authorities: carriers over TLS need sip.tls.ca, or a \
             pin or authorities of their own"
        );
    }
    roots
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
