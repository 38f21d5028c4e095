//! Which files make an identity, and what is said of those that do not.

use std::fs::{self, Permissions};
use std::path::PathBuf;

use rcgen::{CertifiedKey as Made, KeyPair, generate_simple_self_signed};
use tempfile::TempDir;

use super::*;

/// A certificate and its key in files of their own.
struct Files {
    made: Made<KeyPair>,
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let files = Self { made, dir: tempfile::tempdir().expect("a directory") };
        files.write("cert.pem", files.made.cert.pem());
        files.write("key.pem", files.made.signing_key.serialize_pem());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("a mode");
    }

    fn read(&self) -> Result<Identity, IdentityError> {
        Identity::read(&self.path("cert.pem"), &self.path("key.pem"))
    }

    /// The file that is blamed, and what is said of it.
    fn refused(&self) -> (PemFile, String) {
        let error = self.read().expect_err("refused");
        (error.file(), error.to_string())
    }
}

#[test]
fn a_chain_and_its_key_are_an_identity_for_http_1_1() {
    let files = Files::new();
    let other = Files::new();
    files.write("cert.pem", files.made.cert.pem() + &other.made.cert.pem());
    let identity = files.read().expect("an identity");
    assert_eq!(identity.key_readers(), KeyReaders::Chosen);
    assert_eq!(identity.http().alpn_protocols, [b"http/1.1"]);
}

#[test]
fn a_key_that_everybody_may_read_is_told_apart() {
    let files = Files::new();
    fs::set_permissions(files.path("key.pem"), Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(files.read().expect("an identity").key_readers(), KeyReaders::Everybody);
    fs::set_permissions(files.path("key.pem"), Permissions::from_mode(0o640)).expect("a mode");
    assert_eq!(files.read().expect("an identity").key_readers(), KeyReaders::Chosen);
}

#[test]
fn a_file_that_is_not_there_is_refused_with_its_path_to_correct() {
    for (name, file) in [("cert.pem", PemFile::Certificate), ("key.pem", PemFile::Key)] {
        let files = Files::new();
        fs::remove_file(files.path(name)).expect("removed");
        let (blamed, said) = files.refused();
        assert_eq!(blamed, file);
        assert!(said.contains("No such file") && said.contains("correct the path"), "{said}");
    }
}

#[test]
fn a_directory_is_refused_as_unreadable() {
    let files = Files::new();
    fs::remove_file(files.path("cert.pem")).expect("removed");
    fs::create_dir(files.path("cert.pem")).expect("made");
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Certificate);
    assert!(said.contains("must be a file that the user of this process may read"), "{said}");
}

#[test]
fn a_certificate_file_without_a_certificate_is_refused() {
    let files = Files::new();
    for content in ["", "hello\n", &files.made.signing_key.serialize_pem()] {
        files.write("cert.pem", content);
        let (blamed, said) = files.refused();
        assert_eq!(blamed, PemFile::Certificate);
        assert!(said.contains("no certificate in it"), "{said}");
    }
}

#[test]
fn a_certificate_of_nonsense_is_refused() {
    let files = Files::new();
    files.write("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Certificate);
    assert!(said.contains("first certificate cannot be used"), "{said}");
}

#[test]
fn a_file_cut_short_is_refused_as_damaged_and_nothing_of_it_is_repeated() {
    let files = Files::new();
    let key = files.made.signing_key.serialize_pem();
    files.write("key.pem", &key[..key.len() / 2]);
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Key);
    assert!(said.contains("no END line"), "{said}");
    let secret = key.lines().nth(1).expect("base64");
    files.write("key.pem", key.replace(secret, &format!("!{secret}")));
    let (_, said) = files.refused();
    assert!(said.contains("not base64") && !said.contains(secret), "{said}");
}

#[test]
fn a_key_file_without_a_key_is_refused() {
    let files = Files::new();
    files.write("key.pem", files.made.cert.pem());
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Key);
    assert!(said.contains("no private key in it"), "{said}");
}

#[test]
fn a_key_with_a_password_is_refused_with_the_way_to_decrypt_it() {
    let files = Files::new();
    for content in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        files.write("key.pem", content);
        let (blamed, said) = files.refused();
        assert_eq!(blamed, PemFile::Key);
        assert!(said.contains("openssl pkey"), "{said}");
    }
}

#[test]
fn a_key_of_no_known_kind_is_refused_with_the_known_ones() {
    let files = Files::new();
    files.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Key);
    assert!(said.contains("Ed25519"), "{said}");
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    let files = Files::new();
    files.write("key.pem", KeyPair::generate().expect("a key").serialize_pem());
    let (blamed, said) = files.refused();
    assert_eq!(blamed, PemFile::Key);
    assert!(said.contains("not the key of the first certificate"), "{said}");
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let files = Files::new();
    let (blamed, said) = {
        let error = Identity::read(Path::new("/dev/zero"), &files.path("key.pem"));
        let error = error.expect_err("refused");
        (error.file(), error.to_string())
    };
    assert_eq!(blamed, PemFile::Certificate);
    assert!(said.contains("1048576 bytes"), "{said}");
}
