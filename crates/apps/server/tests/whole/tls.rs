//! The API inside TLS, and each reason not to start it.

use std::fs;
use std::path::{Path, PathBuf};

use chime_client::types::ListVoiceConnectorsRequest;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use server::config::{Config, Sources};
use server::{Server, StartError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, client_of, configuration};

/// A certificate of the loopback that vouches for itself, with its key.
struct Certificate {
    dir: tempfile::TempDir,
}

impl Certificate {
    fn new() -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    /// Puts another certificate in the place of the one that is there.
    fn renew(&self) {
        let CertifiedKey { cert, signing_key } = made();
        fs::write(self.cert(), cert.pem()).unwrap();
        fs::write(self.key(), signing_key.serialize_pem()).unwrap();
    }

    fn cert(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    fn settings(&self) -> String {
        settings(&self.cert(), &self.key())
    }

    /// Why a server with these files does not start. Nothing of it is left.
    async fn refused(&self) -> String {
        let home = tempfile::tempdir().unwrap();
        let refused = Server::start(configuration(home.path(), &self.settings())).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StartError::Config(_)), "{refused}");
        assert!(!home.path().join("data").exists(), "nothing was begun");
        refused.to_string()
    }
}

fn made() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

fn settings(cert: &Path, key: &Path) -> String {
    format!("http.tls.cert = '{}'\nhttp.tls.key = '{}'\n", cert.display(), key.display())
}

/// What the key is blamed for, with its file and line.
fn assert_blamed(message: &str, key: &str, path: &Path, why: &str) {
    let blamed = format!("{key} = \"{}\" is refused: ", path.display());
    assert!(message.contains("trunkline.toml:") && message.contains(&blamed), "{message}");
    assert!(message.contains(why), "{message}");
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served_inside_tls() {
    let certificate = Certificate::new();
    let world = World::start_with(&certificate.settings()).await;
    let connector = world.connector().await;
    let world = world.restart().await;
    let listed = world.client.list_voice_connectors(ListVoiceConnectorsRequest::default()).await;
    let listed = listed.unwrap().voice_connectors.unwrap();
    assert_eq!(listed[0].voice_connector_id.as_deref(), Some(connector.id.as_str()));
    world.running.shutdown().await;
}

#[tokio::test]
async fn a_client_that_trusts_another_certificate_refuses_the_server() {
    let certificate = Certificate::new();
    let world = World::start_with(&certificate.settings()).await;
    fs::write(certificate.cert(), made().cert.pem()).unwrap();
    let stranger = client_of(&world.running);
    let refused = stranger.list_voice_connectors(ListVoiceConnectorsRequest::default()).await;
    assert!(refused.is_err());
    world.connector().await;
}

#[tokio::test]
async fn a_client_without_tls_is_counted_and_disturbs_nobody() {
    let certificate = Certificate::new();
    let world = World::start_with(&certificate.settings()).await;
    let mut plain = TcpStream::connect(world.running.addresses().http).await.unwrap();
    plain.write_all(b"GET /voice-connectors HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Cut with bytes unread, a connection may end in a reset.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    world.connector().await;
    let (_, page) = world.admin("/metrics").await;
    assert!(page.contains("\ntrunkline_api_tls_handshakes_failed_total 1\n"), "{page}");
}

#[tokio::test]
async fn a_renewed_certificate_is_served_once_it_is_read_again() {
    let certificate = Certificate::new();
    let world = World::start_with(&certificate.settings()).await;
    certificate.renew();
    world.running.reread_certificates().unwrap();
    let trusting = client_of(&world.running);
    trusting.list_voice_connectors(ListVoiceConnectorsRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_renewal_that_cannot_be_served_leaves_the_old_certificate_in_its_place() {
    let certificate = Certificate::new();
    let world = World::start_with(&certificate.settings()).await;
    fs::write(certificate.key(), "").unwrap();
    let refused = world.running.reread_certificates().unwrap_err().to_string();
    assert_blamed(&refused, "http.tls.key", &certificate.key(), "no private key in it");
    let trusting = client_of(&world.running);
    trusting.list_voice_connectors(ListVoiceConnectorsRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_certificate_or_key_that_is_missing_is_refused_by_name() {
    let certificate = Certificate::new();
    fs::remove_file(certificate.key()).unwrap();
    let refused = certificate.refused().await;
    assert_blamed(&refused, "http.tls.key", &certificate.key(), "correct the path");
    fs::remove_file(certificate.cert()).unwrap();
    let refused = certificate.refused().await;
    assert_blamed(&refused, "http.tls.cert", &certificate.cert(), "correct the path");
}

#[tokio::test]
async fn a_certificate_or_key_that_is_unreadable_is_refused_by_name() {
    let certificate = Certificate::new();
    fs::remove_file(certificate.cert()).unwrap();
    fs::create_dir(certificate.cert()).unwrap();
    let refused = certificate.refused().await;
    assert_blamed(&refused, "http.tls.cert", &certificate.cert(), "may read");
}

#[tokio::test]
async fn a_file_without_a_certificate_is_refused_by_name() {
    let certificate = Certificate::new();
    fs::copy(certificate.key(), certificate.cert()).unwrap();
    let refused = certificate.refused().await;
    assert_blamed(&refused, "http.tls.cert", &certificate.cert(), "no certificate in it");
}

#[tokio::test]
async fn the_key_of_another_certificate_is_refused_by_name() {
    let certificate = Certificate::new();
    fs::write(certificate.key(), made().signing_key.serialize_pem()).unwrap();
    let refused = certificate.refused().await;
    assert_blamed(&refused, "http.tls.key", &certificate.key(), "not the key of the first");
}

#[tokio::test]
async fn half_of_a_pair_is_no_configuration() {
    for (set, missing) in [("cert", "http.tls.key"), ("key", "http.tls.cert")] {
        let text = format!("http.tls.{set} = 'file.pem'");
        let refused = Config::load(Sources::text(&text)).unwrap_err().to_string();
        assert!(refused.contains(&format!("set {missing} too")), "{refused}");
    }
}
