//! TLS of the API's listener: a certificate and its key, read and checked, and replaced while it
//! serves.
//!
//! TLS 1.2 and 1.3 (RFC 5246, RFC 8446) by `rustls` on `aws-lc-rs`; the one protocol inside is
//! `http/1.1` (RFC 7301).

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// Bytes of a PEM file; a chain of certificates has some ten thousand.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// Whether the API's connections are encrypted.
#[derive(Debug, Clone)]
pub enum Encryption {
    /// HTTP as it is.
    Plaintext,
    /// HTTP inside TLS; who does not speak TLS is not served.
    Tls(Arc<Tls>),
}

/// The server's side of TLS. Its identity can be replaced while connections go on.
pub struct Tls {
    current: ArcSwap<ServerConfig>,
    handshakes_failed: AtomicU64,
}

impl Tls {
    /// TLS under an identity.
    pub fn new(identity: Identity) -> Self {
        Self { current: ArcSwap::new(identity.http()), handshakes_failed: AtomicU64::new(0) }
    }

    /// Connections that begin from now on see this identity; those that are open stay as they are.
    pub fn replace(&self, identity: Identity) {
        self.current.store(identity.http());
    }

    /// Connections that ended before TLS was agreed upon, since the start.
    pub fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Ordering::Relaxed)
    }

    /// Agrees on TLS within `patience`; a peer that cannot is counted, and told to the log at debug.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        match timeout(patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_elapsed) => tracing::debug!(?patience, "a TLS handshake took too long"),
        }
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("handshakes_failed", &self.handshakes_failed())
            .finish_non_exhaustive()
    }
}

/// A certificate chain with the key of its first certificate. A value of this type can be served.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    key_readers: KeyReaders,
}

/// Who may read the file of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyReaders {
    /// Its owner, and perhaps a group that the operator chose.
    Chosen,
    /// Every user of the machine.
    Everybody,
}

impl Identity {
    /// Reads a PEM file with a certificate chain, the server's own certificate first, and a PEM file
    /// with its private key: PKCS#8 (RFC 5958), SEC1 (RFC 5915) or PKCS#1 (RFC 8017).
    ///
    /// # Errors
    /// [`IdentityError`], which tells the file that is to blame by [`IdentityError::file`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let (certificate, _) = read_pem(certificate, PemFile::Certificate)?;
        let (key, key_readers) = read_pem(key, PemFile::Key)?;
        Ok(Self { key_readers, ..Self::parse(&certificate, &key)? })
    }

    /// Reads both from memory. The key has no readers that anybody could know of.
    ///
    /// # Errors
    /// [`IdentityError`], as [`Identity::read`].
    pub fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain = certificates(certificate, PemFile::Certificate)?;
        let key = rustls::crypto::aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(private_key(key)?)
            .map_err(IdentityError::KeyRefused)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // A kind of key that cannot tell its public half is not at fault.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => return Err(IdentityError::KeyMismatch),
            Err(error) => return Err(IdentityError::CertificateRefused(error)),
        }
        Ok(Self { certified: Arc::new(certified), key_readers: KeyReaders::Chosen })
    }

    /// The chain and the key, for another protocol inside TLS than HTTP.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    fn http(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certified = CertifiedKey::clone(&self.certified);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has cipher suites for TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Who may read the key's file.
    pub fn key_readers(&self) -> KeyReaders {
        self.key_readers
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("key_readers", &self.key_readers).finish_non_exhaustive()
    }
}

/// One of the two files of an [`Identity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PemFile {
    /// The certificate chain.
    Certificate,
    /// The private key.
    Key,
}

/// Why a certificate and a key cannot be served. `Display` says what is wrong with the
/// [file](Self::file) and what would be right, for a sentence that has named the file; it never
/// repeats what the file holds.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is not there, or not ours to read.
    #[error("it cannot be read ({error}); {}", remedy_of_unreadable(error))]
    Unreadable {
        /// Which file.
        file: PemFile,
        /// Why.
        error: io::Error,
    },
    /// A file is far larger than any of its kind.
    #[error("it has more than {PEM_BYTES_MAX} bytes, so it is no PEM file of certificates or keys")]
    TooLarge {
        /// Which file.
        file: PemFile,
    },
    /// A file is damaged.
    #[error("it is not well-formed PEM: {fault}; write it anew from its source")]
    Malformed {
        /// Which file.
        file: PemFile,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// No certificate is there.
    #[error(
        "there is no certificate in it; it must be the chain in PEM form (-----BEGIN \
         CERTIFICATE-----), the server's own certificate first"
    )]
    NoCertificate,
    /// The first certificate is not one that can be served.
    #[error(
        "its first certificate cannot be used ({0}); it must be an X.509 certificate, version 3"
    )]
    CertificateRefused(rustls::Error),
    /// No private key is there.
    #[error(
        "there is no private key in it; it must hold one in PEM form: PKCS#8 (-----BEGIN PRIVATE \
         KEY-----), SEC1 (EC PRIVATE KEY) or PKCS#1 (RSA PRIVATE KEY)"
    )]
    NoKey,
    /// The private key has a password.
    #[error(
        "the private key in it is encrypted and nobody is there to type its password; decrypt it \
         with `openssl pkey -in ENCRYPTED -out PLAIN` into a file that only the service may read"
    )]
    KeyEncrypted,
    /// The private key is of no kind that can sign.
    #[error(
        "the private key in it cannot be used ({0}); take RSA of 2048 bits or more, ECDSA on \
         P-256, P-384 or P-521, or Ed25519"
    )]
    KeyRefused(rustls::Error),
    /// The key belongs to another certificate.
    #[error(
        "it is not the key of the first certificate in the chain; name the key that this \
         certificate was made with, and see that the server's own certificate comes first"
    )]
    KeyMismatch,
}

impl IdentityError {
    /// The file to blame.
    pub fn file(&self) -> PemFile {
        match self {
            Self::Unreadable { file, .. }
            | Self::TooLarge { file }
            | Self::Malformed { file, .. } => *file,
            Self::NoCertificate | Self::CertificateRefused(_) => PemFile::Certificate,
            Self::NoKey | Self::KeyEncrypted | Self::KeyRefused(_) | Self::KeyMismatch => {
                PemFile::Key
            }
        }
    }
}

fn remedy_of_unreadable(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::NotFound {
        "correct the path, or put the file there"
    } else {
        "it must be a file that the user of this process may read"
    }
}

/// The bytes of a PEM file, wiped when they are dropped, and who else may read them.
fn read_pem(path: &Path, file: PemFile) -> Result<(Zeroizing<Vec<u8>>, KeyReaders), IdentityError> {
    let unreadable = |error| IdentityError::Unreadable { file, error };
    let opened = File::open(path).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    let size = usize::try_from(metadata.len().min(PEM_BYTES_MAX)).expect("a megabyte fits");
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(size + 1));
    opened.take(PEM_BYTES_MAX + 1).read_to_end(&mut pem).map_err(unreadable)?;
    if pem.len() as u64 > PEM_BYTES_MAX {
        return Err(IdentityError::TooLarge { file });
    }
    let everybody = metadata.permissions().mode() & 0o004 != 0;
    Ok((pem, if everybody { KeyReaders::Everybody } else { KeyReaders::Chosen }))
}

/// The certificates in a PEM text, at least one; `file` is what is blamed.
///
/// # Errors
/// [`IdentityError`] if the text is damaged or has none.
pub fn certificates(
    pem: &[u8],
    file: PemFile,
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| IdentityError::Malformed { file, fault: fault(&error) })?;
    if chain.is_empty() { Err(IdentityError::NoCertificate) } else { Ok(chain) }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, IdentityError> {
    // Told in the label (RFC 7468 §11), or in a header of the older form (RFC 1421 §4.6.1.1).
    let encrypted = pem.split(|byte| *byte == b'\n').any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED") || line.starts_with(b"Proc-Type: 4,ENCRYPTED")
    });
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(_) if encrypted => Err(IdentityError::KeyEncrypted),
        Err(PemError::NoItemsFound) => Err(IdentityError::NoKey),
        Err(error) => Err(IdentityError::Malformed { file: PemFile::Key, fault: fault(&error) }),
    }
}

/// What is wrong, without the bytes that are wrong: they may be of a key.
fn fault(error: &PemError) -> &'static str {
    if matches!(error, PemError::MissingSectionEnd { .. }) {
        "a section has no END line"
    } else if matches!(error, PemError::IllegalSectionStart { .. }) {
        "a BEGIN line is broken off"
    } else {
        "what stands between BEGIN and END is not base64"
    }
}

#[cfg(test)]
mod tests;
