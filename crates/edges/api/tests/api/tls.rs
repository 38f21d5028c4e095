//! The same service inside TLS.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiConfig, Drained, Encryption, Identity, Limits, NoCalls, Tls};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{Answer, World};

/// A service inside TLS, and what its clients trust.
struct Encrypted {
    world: World,
    tls: Arc<Tls>,
    certificate: CertificateDer<'static>,
}

impl Encrypted {
    async fn start(limits: Limits) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let (chain, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&chain, cert.pem()).unwrap();
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        let tls = Arc::new(Tls::new(Identity::read(&chain, &key).unwrap()));
        let config = ApiConfig { limits, ..ApiConfig::default() };
        let encryption = Encryption::Tls(Arc::clone(&tls));
        let world = World::with_encryption(encryption, config, Arc::new(NoCalls)).await;
        Self { world, tls, certificate: cert.der().clone() }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_with(rustls::ALL_VERSIONS, b"http/1.1").await.unwrap()
    }

    async fn connect_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        inside: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![inside.to_vec()];
        let stream = TcpStream::connect(self.world.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Asks for the connectors, and reads to the end of the connection.
    async fn ask(&self, stream: &mut TlsStream<TcpStream>) -> Answer {
        let request = self.world.signed(&self.world.key, "GET", "/voice-connectors", b"");
        stream.write_all(&request.bytes("close")).await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        Answer::parse(&received)
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_with_http_1_1_inside() {
    let served = Encrypted::start(Limits::default()).await;
    for (asked, agreed) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let mut stream = served.connect_with(&[asked], b"http/1.1").await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(agreed));
        assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
        served.ask(&mut stream).await.expect(200);
    }
    assert_eq!(served.tls.handshakes_failed(), 0);
}

#[tokio::test]
async fn a_client_of_another_protocol_is_refused_in_the_handshake_and_counted() {
    let served = Encrypted::start(Limits::default()).await;
    let refused = served.connect_with(rustls::ALL_VERSIONS, b"h2").await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
    served.ask(&mut served.connect().await).await.expect(200);
    assert_eq!(served.tls.handshakes_failed(), 1);
}

#[tokio::test]
async fn a_client_without_tls_is_cut_off_and_counted() {
    let served = Encrypted::start(Limits::default()).await;
    let mut plain = TcpStream::connect(served.world.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut received = Vec::new();
    // Cut with bytes unread, a connection may end in a reset.
    let _ = plain.read_to_end(&mut received).await;
    assert!(!received.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&received));
    served.ask(&mut served.connect().await).await.expect(200);
    assert_eq!(served.tls.handshakes_failed(), 1);
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_handshake_is_cut_off_within_the_header_time() {
    let header_time = Duration::from_millis(50);
    let served = Encrypted::start(Limits { header_time, ..Limits::default() }).await;
    let mut silent = TcpStream::connect(served.world.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(served.tls.handshakes_failed(), 1);
}

#[tokio::test]
async fn a_handshake_takes_a_place_and_who_comes_after_the_last_one_is_told_to_come_back() {
    let served = Encrypted::start(Limits { connections: 1, ..Limits::default() }).await;
    let silent = TcpStream::connect(served.world.address).await.unwrap();
    let answer = served.ask(&mut served.connect().await).await;
    answer.refused(503, "ServiceUnavailableException");
    drop(silent);
}

#[tokio::test]
async fn shutdown_ends_idle_connections_with_a_farewell_and_waits_for_no_handshake() {
    let served = Encrypted::start(Limits::default()).await;
    let mut silent = TcpStream::connect(served.world.address).await.unwrap();
    let mut idle = served.connect().await;
    let request = served.world.signed(&served.world.key, "GET", "/voice-connectors", b"");
    idle.write_all(&request.bytes("keep-alive")).await.unwrap();
    assert_ne!(idle.read(&mut [0; 4096]).await.unwrap(), 0);

    assert_eq!(served.world.stop().await, Drained::Clean);
    // Without close_notify (RFC 8446 §6.1) this would be an error: a peer cannot tell it from a cut.
    assert_eq!(idle.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
}
