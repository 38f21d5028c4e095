//! SIP over TLS: handshakes, certificates, renewal, and peers that behave badly.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::{
    CloseReason, Reactor, StreamConfig, StreamEvent, Streams, TlsAcceptor, TlsDial, TlsDialer,
    TlsFault,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite,
};
use sip_message::{Flow, PeerId, Transport};
use socket2::{Domain, Socket, Type};

#[path = "tls/reuse.rs"]
mod reuse;

const PATIENCE: Duration = Duration::from_secs(5);
const OPTIONS: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\nhi";
const ANOTHER: &[u8] = b"OPTIONS sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n";
const PEER: PeerId = PeerId(7);
const NAME: &str = "sip.example.com";

/// An authority that vouches for certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn vouch(&self, name: &str) -> Shown {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Shown { chain: vec![certificate.der().clone()], key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn client(&self, shown: Option<Shown>) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder().with_root_certificates(self.roots());
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(it) => builder.with_client_auth_cert(it.chain, it.key).unwrap(),
        })
    }
}

fn serving(shown: Shown) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder().with_no_client_auth();
    Arc::new(builder.with_single_cert(shown.chain, shown.key).unwrap())
}

/// Tells every peer apart by nothing: all are dialled alike.
struct Dialer(TlsDial);

impl TlsDialer for Dialer {
    fn dial(&self, peer: PeerId, _remote: SocketAddr) -> Option<TlsDial> {
        (peer == PEER).then(|| self.0.clone())
    }
}

/// A loop around [`Streams`] that remembers what came.
struct World {
    reactor: Reactor,
    streams: Streams,
    acceptor: TlsAcceptor,
    local: SocketAddr,
    messages: Vec<(Flow, Vec<u8>)>,
    closed: Vec<(Flow, CloseReason)>,
}

impl World {
    fn new(tls: Arc<ServerConfig>, config: StreamConfig) -> Self {
        let reactor = Reactor::new().unwrap();
        let mut streams = Streams::new(3, config);
        let acceptor = TlsAcceptor::new(tls);
        let any = "127.0.0.1:0".parse().unwrap();
        let local = streams.listen_tls(&reactor, any, acceptor.clone()).unwrap();
        Self { reactor, streams, acceptor, local, messages: vec![], closed: vec![] }
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.local).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    /// A connection from another address of the loopback network.
    fn dial_from(&self, source: Ipv4Addr) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
        socket.connect(&self.local.into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.into()
    }

    fn turn(&mut self) {
        let Self { reactor, streams, messages, .. } = self;
        let ready: Vec<_> = reactor.wait(Some(Duration::from_millis(2))).unwrap().collect();
        for ready in ready {
            streams.handle_ready(Instant::now(), reactor, &ready, |event| {
                let (StreamEvent::Message { flow, bytes }
                | StreamEvent::Broken { flow, bytes, .. }) = event;
                messages.push((flow, bytes.to_vec()));
            });
        }
        streams.flush(Instant::now(), reactor);
        self.closed.extend(std::iter::from_fn(|| streams.poll_closed()));
    }

    /// Turns the loop until `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < give_up, "waited in vain until {what}: {:?}", self.closed);
            self.turn();
        }
    }

    fn time_out(&mut self, after: Duration) {
        self.streams.handle_timeout(Instant::now() + after, &self.reactor);
        self.closed.extend(std::iter::from_fn(|| self.streams.poll_closed()));
    }

    fn send(&mut self, flow: Flow, bytes: &[u8]) {
        self.streams.send_to(Instant::now(), &self.reactor, flow, bytes).unwrap();
        self.streams.flush(Instant::now(), &self.reactor);
    }
}

/// The other end: a session that never waits, turned by hand.
struct Far {
    tcp: TcpStream,
    session: rustls::Connection,
    heard: Vec<u8>,
    fault: Option<rustls::Error>,
    is_over: bool,
}

impl Far {
    fn client(tcp: TcpStream, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from(NAME).unwrap();
        Self::new(tcp, ClientConnection::new(config, name).unwrap().into())
    }

    fn server(tcp: TcpStream, config: Arc<ServerConfig>) -> Self {
        tcp.set_nonblocking(true).unwrap();
        Self::new(tcp, ServerConnection::new(config).unwrap().into())
    }

    fn new(tcp: TcpStream, session: rustls::Connection) -> Self {
        Self { tcp, session, heard: Vec::new(), fault: None, is_over: false }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.session.writer().write_all(bytes).unwrap();
    }

    fn turn(&mut self) {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.tcp).is_err() {
                break;
            }
        }
        match self.session.read_tls(&mut self.tcp) {
            Ok(0) => self.is_over = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_over = true,
        }
        if let Err(fault) = self.session.process_new_packets() {
            self.fault.get_or_insert(fault);
        }
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = self.session.reader().read(&mut buffer) {
            self.heard.extend_from_slice(&buffer[..len]);
        }
    }
}

/// Turns both ends until `done`.
fn both(world: &mut World, far: &mut Far, what: &str, mut done: impl FnMut(&World, &Far) -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !done(world, far) {
        let seen = (&world.closed, &far.fault);
        assert!(Instant::now() < give_up, "waited in vain until {what}: {seen:?}");
        far.turn();
        world.turn();
    }
}

#[test]
fn messages_come_and_go_inside_tls_1_3_and_1_2() {
    let authority = Authority::new();
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
        let client = ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(authority.roots())
            .with_no_client_auth();
        let mut far = Far::client(world.dial(), Arc::new(client));
        far.say(&[OPTIONS, OPTIONS].concat());
        both(&mut world, &mut far, "two messages are there", |world, _| world.messages.len() == 2);
        let (flow, bytes) = world.messages[0].clone();
        assert_eq!(
            (flow.transport, flow.local, &bytes[..]),
            (Transport::Tls, world.local, OPTIONS)
        );
        world.streams.send_on(flow.connection, b"SIP/2.0 200 OK\r\n\r\n").unwrap();
        both(&mut world, &mut far, "the answer is there", |_, far| far.heard.len() == 18);
        assert_eq!(far.session.protocol_version(), Some(versions[0].version));
        let counted = world.streams.counters();
        assert_eq!((counted.accepted_tls, counted.received_tls, counted.sent_tls), (1, 2, 1));
    }
}

#[test]
fn a_large_message_crosses_many_records_in_both_directions() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut far = Far::client(world.dial(), authority.client(None));
    let body = "x".repeat(50_000);
    let large = format!("MESSAGE sip:a SIP/2.0\r\nContent-Length: 50000\r\n\r\n{body}");
    both(&mut world, &mut far, "TLS is agreed upon", |_, far| !far.session.is_handshaking());
    far.say(large.as_bytes());
    both(&mut world, &mut far, "the message is there", |world, _| world.messages.len() == 1);
    assert_eq!(world.messages[0].1, large.as_bytes());
    let flow = world.messages[0].0;
    for _ in 0..4 {
        world.streams.send_on(flow.connection, large.as_bytes()).unwrap();
    }
    let all = large.len() * 4;
    both(&mut world, &mut far, "all of it is back", |_, far| far.heard.len() == all);
    assert_eq!(far.heard, large.repeat(4).as_bytes());
}

#[test]
fn a_request_of_ours_goes_to_the_name_that_was_asked_for() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch("us")), StreamConfig::default());
    let name = ServerName::try_from(NAME).unwrap();
    let dial = TlsDial { config: authority.client(None), name };
    world.streams.dial_tls_by(Box::new(Dialer(dial)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = Flow::toward(Transport::Tls, world.local, listener.local_addr().unwrap(), PEER);
    world.send(flow, OPTIONS);
    let mut far = Far::server(listener.accept().unwrap().0, serving(authority.vouch(NAME)));
    both(&mut world, &mut far, "the request is there", |_, far| far.heard == OPTIONS);
    let rustls::Connection::Server(session) = &far.session else { panic!("a server") };
    assert_eq!(session.server_name(), Some(NAME));

    far.say(OPTIONS);
    both(&mut world, &mut far, "a request comes back on it", |world, _| world.messages.len() == 1);
    assert_eq!(world.messages[0].0, flow, "told as the way to the peer");
    world.send(flow, OPTIONS);
    both(&mut world, &mut far, "the next goes the same way", |_, far| {
        far.heard.len() == 2 * OPTIONS.len()
    });
    assert_eq!(world.streams.counters().connects, 1);

    // Lost, it is made again without anybody having to know.
    far.session.send_close_notify();
    both(&mut world, &mut far, "it is closed", |world, _| !world.closed.is_empty());
    assert_eq!(world.closed, [(flow, CloseReason::ByPeer)]);
    world.send(flow, OPTIONS);
    let mut again = Far::server(listener.accept().unwrap().0, serving(authority.vouch(NAME)));
    both(&mut world, &mut again, "it is made again", |_, far| far.heard == OPTIONS);
}

/// What becomes of a connect of ours to a server that shows `shown`.
fn refused(authority: &Authority, shown: Shown) -> CloseReason {
    let mut world = World::new(serving(authority.vouch("us")), StreamConfig::default());
    let name = ServerName::try_from(NAME).unwrap();
    let dial = TlsDial { config: authority.client(None), name };
    world.streams.dial_tls_by(Box::new(Dialer(dial)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = Flow::toward(Transport::Tls, world.local, listener.local_addr().unwrap(), PEER);
    world.send(flow, OPTIONS);
    let mut far = Far::server(listener.accept().unwrap().0, serving(shown));
    both(&mut world, &mut far, "it is refused", |world, far| {
        !world.closed.is_empty() && far.fault.is_some()
    });
    assert_eq!(far.heard, b"", "nothing leaves before the certificate is believed");
    assert!(matches!(far.fault, Some(rustls::Error::AlertReceived(_))), "the peer is told why");
    let (told, reason) = world.closed[0];
    assert_eq!(told, flow);
    assert!(reason.is_failed_connect());
    reason
}

#[test]
fn a_carrier_with_another_name_or_an_unknown_authority_is_refused_by_name() {
    let authority = Authority::new();
    let wrong_name = refused(&authority, authority.vouch("other.example.com"));
    assert_eq!(wrong_name, CloseReason::HandshakeFailed(TlsFault::Name));
    let stranger = refused(&authority, Authority::new().vouch(NAME));
    assert_eq!(stranger, CloseReason::HandshakeFailed(TlsFault::IssuerUnknown));
}

#[test]
fn a_peer_nobody_knows_is_not_dialled() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch("us")), StreamConfig::default());
    let flow = Flow::toward(Transport::Tls, world.local, world.local, PeerId(9));
    let refused = world.streams.send_to(Instant::now(), &world.reactor, flow, OPTIONS);
    assert_eq!(refused, Err(net::StreamSendError::PeerUnknown));
}

#[test]
fn a_listener_that_wants_certificates_takes_those_of_its_authority_alone() {
    let authority = Authority::new();
    let verifier = WebPkiClientVerifier::builder(Arc::new(authority.roots())).build().unwrap();
    let shown = authority.vouch(NAME);
    let wanting = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(shown.chain, shown.key)
        .unwrap();
    let mut world = World::new(Arc::new(wanting), StreamConfig::default());

    let mut known = Far::client(world.dial(), authority.client(Some(authority.vouch("pbx"))));
    known.say(OPTIONS);
    both(&mut world, &mut known, "the known one is heard", |world, _| world.messages.len() == 1);

    for (shown, fault) in [
        (None, TlsFault::CertificateMissing),
        (Some(Authority::new().vouch("pbx")), TlsFault::IssuerUnknown),
    ] {
        let mut far = Far::client(world.dial(), authority.client(shown));
        far.say(OPTIONS);
        both(&mut world, &mut far, "it is refused", |world, _| !world.closed.is_empty());
        let (_, reason) = world.closed.remove(0);
        assert_eq!(reason, CloseReason::HandshakeFailed(fault));
    }
    assert_eq!(world.messages.len(), 1);
    assert_eq!(world.streams.connections(), 1);
}

#[test]
fn a_renewed_certificate_is_shown_to_new_connections_and_the_old_ones_go_on() {
    let authority = Authority::new();
    let renewed = authority.vouch(NAME);
    let renewed_der = renewed.chain[0].clone();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut old = Far::client(world.dial(), authority.client(None));
    old.say(OPTIONS);
    both(&mut world, &mut old, "the first is there", |world, _| world.messages.len() == 1);

    world.acceptor.replace(serving(renewed));
    let mut new = Far::client(world.dial(), authority.client(None));
    new.say(OPTIONS);
    both(&mut world, &mut new, "the second is there", |world, _| world.messages.len() == 2);
    assert_eq!(new.session.peer_certificates(), Some(&[renewed_der][..]));
    old.say(OPTIONS);
    both(&mut world, &mut old, "the old one goes on", |world, _| world.messages.len() == 3);
    assert_eq!(world.closed, []);
}

#[test]
fn who_speaks_no_tls_is_told_apart_and_closed() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut plain = world.dial();
    plain.write_all(OPTIONS).unwrap();
    world.until("it is refused", |world| !world.closed.is_empty());
    assert_eq!(world.closed[0].1, CloseReason::HandshakeFailed(TlsFault::NotTls));
    assert_eq!(world.messages, []);

    let gone = world.dial();
    world.until("the next is accepted", |world| world.streams.connections() == 1);
    drop(gone);
    world.until("it has left", |world| world.closed.len() == 2);
    assert_eq!(world.closed[1].1, CloseReason::HandshakeFailed(TlsFault::Ended));
}

#[test]
fn a_handshake_that_takes_too_long_is_given_up_and_gives_its_place_back() {
    let authority = Authority::new();
    let config = StreamConfig { handshakes_max: 1, ..StreamConfig::default() };
    let mut world = World::new(serving(authority.vouch(NAME)), config);
    let mut slow = world.dial();
    // The beginning of a handshake record, and no more.
    slow.write_all(b"\x16\x03\x01\x02\x00").unwrap();
    world.until("the slow one is accepted", |world| world.streams.connections() == 1);
    let _next = world.dial();
    world.until("another is refused", |world| world.streams.counters().over_handshakes == 1);

    world.time_out(Duration::from_secs(9));
    assert_eq!(world.closed, []);
    world.time_out(Duration::from_secs(11));
    assert_eq!(world.closed[0].1, CloseReason::HandshakeTimedOut);
    let mut far = Far::client(world.dial(), authority.client(None));
    far.say(OPTIONS);
    both(&mut world, &mut far, "there is room again", |world, _| world.messages.len() == 1);
}

#[test]
fn one_source_cannot_hold_the_handshakes_of_all() {
    let authority = Authority::new();
    let config = StreamConfig { source_handshakes_max: 2, ..StreamConfig::default() };
    let mut world = World::new(serving(authority.vouch(NAME)), config);
    let _silent = [world.dial(), world.dial()];
    world.until("both are accepted", |world| world.streams.connections() == 2);
    let _third = world.dial();
    world.until("the third is refused", |world| world.streams.counters().over_handshakes == 1);

    let neighbour = world.dial_from(Ipv4Addr::new(127, 0, 0, 2));
    let mut far = Far::client(neighbour, authority.client(None));
    far.say(OPTIONS);
    both(&mut world, &mut far, "another is heard", |world, _| world.messages.len() == 1);
}

#[test]
fn a_session_is_resumed_without_another_certificate() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let client = authority.client(None);
    for (already, kind) in [(0, rustls::HandshakeKind::Full), (1, rustls::HandshakeKind::Resumed)] {
        let mut far = Far::client(world.dial(), Arc::clone(&client));
        far.say(OPTIONS);
        both(&mut world, &mut far, "it is heard", |world, _| world.messages.len() == already + 1);
        let flow = world.messages[already].0;
        world.streams.send_on(flow.connection, b"\r\n").unwrap();
        both(&mut world, &mut far, "it is answered", |_, far| !far.heard.is_empty());
        assert_eq!(far.session.handshake_kind(), Some(kind));
    }
}

#[test]
fn a_connection_that_we_close_says_goodbye() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut far = Far::client(world.dial(), authority.client(None));
    far.say(OPTIONS);
    both(&mut world, &mut far, "it is heard", |world, _| world.messages.len() == 1);
    world.time_out(Duration::from_secs(601));
    assert_eq!(world.closed[0].1, CloseReason::Idle);
    both(&mut world, &mut far, "the end is told", |_, far| far.is_over);
    assert_eq!(far.fault, None);
    let state = far.session.process_new_packets().unwrap();
    assert!(state.peer_has_closed(), "close_notify came before the end");
}

/// A client that writes its TLS 1.3 records by itself once TLS is agreed upon, empty ones among them,
/// which rustls makes none of.
struct Records {
    tcp: TcpStream,
    number: u64,
    encrypter: Box<dyn MessageEncrypter>,
}

impl Records {
    fn agreed(world: &mut World, authority: &Authority) -> Self {
        let mut config = (*authority.client(None)).clone();
        config.enable_secret_extraction = true;
        let mut far = Far::client(world.dial(), Arc::new(config));
        far.say(OPTIONS);
        both(world, &mut far, "it was heard", |world, _| !world.messages.is_empty());
        world.messages.clear();
        let Some(SupportedCipherSuite::Tls13(suite)) = far.session.negotiated_cipher_suite() else {
            panic!("TLS 1.3 is agreed upon");
        };
        let (number, secrets) = far.session.dangerous_extract_secrets().unwrap().tx;
        let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
        else {
            panic!("a suite of today");
        };
        let encrypter = suite.aead_alg.encrypter(key, iv);
        let mut records = Self { tcp: far.tcp, number: 0, encrypter };
        // It wants to see each number, from the first: those of what was said already lead nowhere.
        while records.number < number {
            records.record(b"");
        }
        records
    }

    /// One record with this content (RFC 8446 §5.2).
    fn record(&mut self, content: &[u8]) -> Vec<u8> {
        self.encrypted(ContentType::ApplicationData, content)
    }

    /// One without content: padding alone, behind the type that stands where the content would (§5.4).
    fn padding(&mut self, bytes: usize) -> Vec<u8> {
        let mut padded = vec![0; bytes];
        padded[0] = u8::from(ContentType::ApplicationData);
        self.encrypted(ContentType::Unknown(0), &padded)
    }

    fn encrypted(&mut self, typ: ContentType, content: &[u8]) -> Vec<u8> {
        let (version, payload) = (ProtocolVersion::TLSv1_2, OutboundChunks::Single(content));
        let plain = OutboundPlainMessage { typ, version, payload };
        self.number += 1;
        self.encrypter.encrypt(plain, self.number - 1).unwrap().encode()
    }
}

#[test]
fn records_without_content_keep_nobody_else_waiting_and_hide_nothing_behind_them() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut padder = Records::agreed(&mut world, &authority);
    let mut other = Far::client(world.dial(), authority.client(None));
    both(&mut world, &mut other, "TLS is agreed upon", |_, far| !far.session.is_handshaking());

    // As much as lies in the socket all at once: several times what eight reads take.
    let mut records: Vec<u8> = (0..20).flat_map(|_| padder.padding(6_000)).collect();
    records.extend(padder.record(OPTIONS));
    padder.tcp.set_nonblocking(false).unwrap();
    padder.tcp.write_all(&records).unwrap();
    other.say(ANOTHER);
    other.turn();
    world.until("both messages are there", |world| world.messages.len() == 2);
    let came: Vec<_> = world.messages.iter().map(|(_, bytes)| bytes.escape_ascii()).collect();
    let came: Vec<_> = came.iter().map(ToString::to_string).collect();
    let [first, second] = [ANOTHER, OPTIONS].map(|it| it.escape_ascii().to_string());
    assert_eq!(came, [first, second], "what lies behind all the padding comes later");
    assert!(world.closed.is_empty(), "{:?}", world.closed);
}

#[test]
fn a_peer_that_sends_one_empty_record_after_the_other_is_closed() {
    let authority = Authority::new();
    let mut world = World::new(serving(authority.vouch(NAME)), StreamConfig::default());
    let mut flood = Records::agreed(&mut world, &authority);
    let records: Vec<u8> = (0..4_000).flat_map(|_| flood.record(b"")).collect();
    flood.tcp.set_nonblocking(false).unwrap();
    flood.tcp.write_all(&records).unwrap();
    world.until("it is closed", |world| !world.closed.is_empty());
    let [(_, why)] = &world.closed[..] else { panic!("one connection: {:?}", world.closed) };
    assert_eq!(*why, CloseReason::TlsFailed(TlsFault::Protocol));
}
