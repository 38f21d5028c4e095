//! A certificate that nobody vouches for, made on the first start, so that TLS can be tried at once.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use api::Identity;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use tracing::info;

use crate::config::SipConfig;

/// The certificate's file in the data directory.
const CERTIFICATE: &str = "sip-tls.crt";
/// Its key's.
const KEY: &str = "sip-tls.key";

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SelfSignedError {
    #[error("the certificate made for SIP over TLS cannot be kept in the data directory: {0}")]
    File(#[from] io::Error),
    #[error("a certificate for SIP over TLS cannot be made: {0}; name one of yours")]
    Make(#[from] rcgen::Error),
    #[error(
        "the certificate made for SIP over TLS cannot be read again: {0}; remove sip-tls.crt and \
         sip-tls.key from the data directory to have it made anew"
    )]
    Read(#[from] api::IdentityError),
}

/// What we are called: the names and addresses that a peer may have connected to.
pub(super) fn names(config: &SipConfig) -> Vec<String> {
    let bound = [Some(config.listen), config.tls.listen].into_iter().flatten().map(|it| it.ip());
    let mut names = vec![config.domain.clone(), format!("*.{}", config.domain), "localhost".into()];
    for address in bound
        .chain(config.advertised_address)
        .chain(config.advertised.iter().map(|it| it.address))
        .filter(|it| !it.is_unspecified())
    {
        let text = address.to_string();
        if !names.contains(&text) {
            names.push(text);
        }
    }
    names
}

/// The certificate in the data directory, made if there is none.
pub(super) fn read_or_make(
    data_dir: &Path,
    names: Vec<String>,
) -> Result<Identity, SelfSignedError> {
    let (certificate, key) = (data_dir.join(CERTIFICATE), data_dir.join(KEY));
    if !certificate.exists() || !key.exists() {
        make(&certificate, &key, names)?;
        info!(
            certificate = %certificate.display(),
            "certificate made for SIP over TLS; nobody vouches for it: peers must trust this file, \
             or sip.tls.cert and sip.tls.key name another"
        );
    }
    Ok(Identity::read(&certificate, &key)?)
}

fn make(certificate: &Path, key: &Path, names: Vec<String>) -> Result<(), SelfSignedError> {
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "trunkline");
    let made = params.self_signed(&pair)?;
    // The key first: a certificate without a key is made anew, a key alone is replaced.
    write(key, 0o600, pair.serialize_pem().as_bytes())?;
    write(certificate, 0o644, made.pem().as_bytes())?;
    Ok(())
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_nobody_elses_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let names = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = read_or_make(dir.path(), names()).unwrap();
        let again = read_or_make(dir.path(), names()).unwrap();
        assert_eq!(made.certified().cert, again.certified().cert);
        let mode = dir.path().join(KEY).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        std::fs::remove_file(dir.path().join(CERTIFICATE)).unwrap();
        let anew = read_or_make(dir.path(), names()).unwrap();
        assert_ne!(made.certified().cert, anew.certified().cert);
    }
}
