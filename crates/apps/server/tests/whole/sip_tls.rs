//! SIP over TLS through a whole server: calls in both of its directions, renewal, refusals.

use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::{Answering, Cause, Event, Trace};
use http::Method;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use serde_json::{Value, json};
use server::config::Config;
use server::peer::{Peer, PeerConfig, PeerTls};
use server::{Server, StartError};
use sip_message::{Status, Transport};

use crate::world::{ECHO, World, configuration, eventually};

/// A connection over TLS of a client that trusts one certificate or authority.
type Line = StreamOwned<ClientConnection, std::net::TcpStream>;

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

/// Connects and agrees on TLS with whom `pem` vouches for, under `name`.
fn connect(to: SocketAddr, pem: &str, name: &'static str) -> std::io::Result<Line> {
    let config = ClientConfig::builder().with_root_certificates(roots(pem)).with_no_client_auth();
    let name = ServerName::try_from(name).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = std::net::TcpStream::connect(to)?;
    tcp.set_read_timeout(Some(std::time::Duration::from_secs(20)))?;
    let mut line = StreamOwned::new(session, tcp);
    line.conn.complete_io(&mut line.sock)?;
    Ok(line)
}

/// The service's answer to an OPTIONS of this CSeq.
fn options(line: &mut Line, cseq: u32) -> String {
    use std::io::Write as _;
    write!(
        line,
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: c\r\n\
         CSeq: {cseq} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        line.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

fn made_certificate(world: &World) -> String {
    fs::read_to_string(world.dir.path().join("data/sip-tls.crt")).unwrap()
}

/// An authority of the test, and certificates that it vouches for, as files.
struct Authority {
    dir: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let made = Self { dir: tempfile::tempdir().unwrap(), issuer };
        fs::write(made.path("ca.pem"), made.pem()).unwrap();
        made
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate for `name` and its key, in PEM form.
    fn vouch(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// The same as files that the configuration can name.
    fn write(&self, name: &str) -> String {
        let (certificate, key) = self.vouch(name);
        fs::write(self.path("cert.pem"), certificate).unwrap();
        fs::write(self.path("key.pem"), key).unwrap();
        let line =
            |key: &str, file: &str| format!("sip.tls.{key} = '{}'\n", self.path(file).display());
        line("cert", "cert.pem") + &line("key", "key.pem")
    }

    /// What a carrier shows as `name` and believes; it wants a certificate of this authority.
    fn carrier(&self, name: &str) -> PeerTls {
        let (certificate, key) = self.vouch(name);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let roots = Arc::new(roots(&self.pem()));
        let verifier = WebPkiClientVerifier::builder(roots).build().unwrap();
        let shown = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        PeerTls { shown: Arc::new(shown), ..PeerTls::believing_anything().unwrap() }
    }
}

#[tokio::test]
async fn a_certificate_is_made_that_a_client_which_trusts_it_can_use_at_once() {
    let world = World::start().await;
    let at = world.running.addresses().sip_tls.unwrap();
    let mut line = connect(at, &made_certificate(&world), "127.0.0.1").unwrap();
    let answer = options(&mut line, 1);
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    let made = made_certificate(&world);
    let world = world.restart().await;
    assert_eq!(made_certificate(&world), made, "it is made once");
}

#[tokio::test]
async fn a_call_over_tls_is_carried_and_one_without_is_refused_where_encryption_is_required() {
    let world = World::start().await;
    let connector = world.connector().await;
    world.put_user(&connector, "pbx", "secret").await;
    let dial = world.dial(&connector, ECHO).user("pbx", "secret").over(Transport::Tls);
    let ended = dial.and_wait().await;
    assert_eq!(ended.cause, Cause::HungUp);
    assert!(ended.report.unwrap().heard.has_tone());

    let path = format!("/voice-connectors/{}", connector.id);
    let body = json!({"Name": "office", "RequireEncryption": true});
    world.operator(Method::PUT, &path, "", Some(body)).await.unwrap();
    let plain = world.dial(&connector, ECHO).user("pbx", "secret").over(Transport::Tcp);
    assert_eq!(plain.and_wait().await.cause, Cause::Rejected(Status(403)));
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_a_call_on_the_old_connection_goes_on() {
    let authority = Authority::new();
    let world = World::start_with(&authority.write("first.example.com")).await;
    let at = world.running.addresses().sip_tls.unwrap();
    let connector = world.connector().await;
    world.put_user(&connector, "pbx", "secret").await;
    let dial = world.dial(&connector, ECHO).user("pbx", "secret").over(Transport::Tls);
    let mut phone = dial.for_ever().place();
    phone.until(|event| matches!(event, Event::Answered)).await;
    let pem = authority.pem();
    let mut old = connect(at, &pem, "first.example.com").unwrap();

    authority.write("second.example.com");
    world.running.reread_certificates().unwrap();
    let mut new = connect(at, &pem, "second.example.com").unwrap();
    assert!(options(&mut new, 1).starts_with("SIP/2.0 200"));
    assert!(connect(at, &pem, "first.example.com").is_err(), "the old one is shown no more");
    assert!(options(&mut old, 2).starts_with("SIP/2.0 200"), "the old connection goes on");
    phone.hang_up();
    assert_eq!(phone.ended().await.cause, Cause::HungUp, "the BYE went over the old connection");
}

#[tokio::test]
async fn a_renewal_that_cannot_be_used_leaves_the_old_certificate_in_its_place() {
    let authority = Authority::new();
    let world = World::start_with(&authority.write("first.example.com")).await;
    fs::write(authority.path("key.pem"), "").unwrap();
    let refused = world.running.reread_certificates().unwrap_err().to_string();
    assert!(refused.contains("sip.tls.key") && refused.contains("no private key"), "{refused}");
    let at = world.running.addresses().sip_tls.unwrap();
    connect(at, &authority.pem(), "first.example.com").unwrap();
}

#[tokio::test]
async fn a_listener_that_requires_certificates_serves_nobody_without_one() {
    let authority = Authority::new();
    let settings = format!(
        "sip.tls.client_certificates = 'required'\nsip.tls.client_ca = '{}'\n",
        authority.path("ca.pem").display()
    );
    let world = World::start_with(&settings).await;
    let at = world.running.addresses().sip_tls.unwrap();
    // With TLS 1.3 the client is done before the server has judged it: the refusal comes after.
    let line = connect(at, &made_certificate(&world), "127.0.0.1");
    let heard = line.and_then(|mut it| it.read(&mut [0; 64]));
    assert!(heard.is_err(), "{heard:?}");
    let page = eventually("the refusal is counted", async || {
        let (_, page) = world.admin("/metrics").await;
        page.contains("fault=\"certificate-missing\"} 1").then_some(page)
    });
    page.await;
}

/// A carrier that is added, with what the operator says of TLS.
async fn add_carrier(world: &World, at: SocketAddr, tls: Value) {
    let body = json!({
        "name": "upstream", "host": at.ip().to_string(), "port": at.port(), "transport": "tls",
        "tls": tls,
    });
    world.operator(Method::POST, "/operator/carriers", "", Some(body)).await.unwrap();
}

fn start_carrier(tls: PeerTls) -> Peer {
    let config = PeerConfig {
        address: [127, 0, 0, 1].into(),
        transport: Transport::Tls,
        srtp: agent::Srtp::Accept,
        answering: Answering::SimulatedCarrier,
        trace: Trace::Off,
        tls: Some(tls),
    };
    Peer::start(&config, |_| {}).unwrap()
}

#[tokio::test]
async fn a_carrier_that_wants_a_certificate_takes_calls_over_tls_from_who_has_one() {
    let authority = Authority::new();
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let carrier = start_carrier(authority.carrier("sbc.example.com"));
    let (certificate, key) = authority.vouch("us.example.com");
    let tls = json!({
        "server_name": "sbc.example.com", "authorities": authority.pem(),
        "certificate": certificate, "key": key,
    });
    add_carrier(&world, carrier.local(), tls).await;
    let ended = world.dial(&connector, ECHO).and_wait().await;
    assert_eq!(ended.cause, Cause::HungUp);
    assert!(ended.report.unwrap().heard.has_tone());
    assert_eq!(world.record().await["carrier"], "upstream");
}

#[tokio::test]
async fn a_carrier_that_cannot_be_believed_gets_no_call_and_the_log_and_metrics_say_why() {
    let authority = Authority::new();
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let carrier = start_carrier(PeerTls::believing_anything().unwrap());
    let other = json!({"server_name": "localhost", "authorities": authority.pem()});
    add_carrier(&world, carrier.local(), other).await;
    let ended = world.dial(&connector, ECHO).and_wait().await;
    assert!(matches!(ended.cause, Cause::Rejected(_)), "{}", ended.cause);
    let (_, page) = world.admin("/metrics").await;
    assert!(page.contains("handshakes_failed_total{fault=\"issuer-unknown\"} 1"), "{page}");

    world.operator(Method::DELETE, "/operator/carriers/upstream", "", None).await.unwrap();
    add_carrier(&world, carrier.local(), json!({"insecure": true})).await;
    let ended = world.dial(&connector, ECHO).and_wait().await;
    assert_eq!(ended.cause, Cause::HungUp, "believed without being vouched for, as asked");
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_and_no_other() {
    let world = World::start().await;
    let connector = world.connector_for(vec!["127.0.0.1/32".into()]).await;
    let carrier = start_carrier(PeerTls::believing_anything().unwrap());
    add_carrier(&world, carrier.local(), json!({"pin": "ab".repeat(32)})).await;
    let ended = world.dial(&connector, ECHO).and_wait().await;
    assert!(matches!(ended.cause, Cause::Rejected(_)), "{}", ended.cause);
    let (_, page) = world.admin("/metrics").await;
    assert!(page.contains("fault=\"certificate-unpinned\"} 1"), "{page}");
}

#[tokio::test]
async fn tls_that_is_off_is_not_listened_for() {
    let world = World::start_with("sip.tls.listen = 'off'").await;
    assert_eq!(world.running.addresses().sip_tls, None);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_by_the_key_that_names_them() {
    let refused = async |settings: &str, dir: &Path| {
        let config: Config = configuration(dir, settings);
        let error = Server::start(config).await.unwrap_err();
        let StartError::Config(refused) = error else { panic!("{error}") };
        refused.to_string()
    };
    let home = tempfile::tempdir().unwrap();
    for (settings, key) in [
        ("sip.tls.cert = 'no.pem'\nsip.tls.key = 'no.pem'", "sip.tls.cert"),
        ("sip.tls.ca = 'no.pem'", "sip.tls.ca"),
        (
            "sip.tls.client_certificates = 'accepted'\nsip.tls.client_ca = 'no.pem'",
            "sip.tls.client_ca",
        ),
    ] {
        let refused = refused(settings, home.path()).await;
        assert!(refused.contains(key) && refused.contains("correct the path"), "{refused}");
    }
}
