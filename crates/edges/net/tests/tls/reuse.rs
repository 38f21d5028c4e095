//! Connections that a peer made and offers for requests of ours (RFC 5923).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use net::{CloseReason, StreamConfig, TlsDial, TlsDialer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConnection, ServerConfig};
use sip_message::{Flow, PeerId, Transport};
use socket2::{Domain, Socket, Type};

use super::{Authority, Far, NAME, OPTIONS, PEER, World, both};

/// Judges certificates as a connection of ours would.
struct Judging(TlsDial, Arc<WebPkiServerVerifier>);

impl TlsDialer for Judging {
    fn dial(&self, _peer: PeerId, _remote: SocketAddr) -> Option<TlsDial> {
        Some(self.0.clone())
    }

    fn proves(&self, _: PeerId, _: SocketAddr, shown: &[CertificateDer<'static>]) -> bool {
        let TlsDial { name, .. } = &self.0;
        self.1.verify_server_cert(&shown[0], &shown[1..], name, &[], UnixTime::now()).is_ok()
    }
}

/// A request that offers its connection for the port in its Via.
fn offering(port: u16) -> String {
    format!(
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:{port};branch=z9hG4bKa;ALIAS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A peer that shows `shown`, if anything, and has said `request`; and a way to it, where nobody
/// listens.
fn offered(shown: Option<&str>, request: fn(u16) -> String) -> (World, Far, Flow) {
    let authority = Authority::new();
    let roots = Arc::new(authority.roots());
    let wanted = WebPkiClientVerifier::builder(Arc::clone(&roots)).allow_unauthenticated();
    let us = authority.vouch("us");
    let serving = ServerConfig::builder()
        .with_client_cert_verifier(wanted.build().unwrap())
        .with_single_cert(us.chain, us.key)
        .unwrap();
    let mut world = World::new(Arc::new(serving), StreamConfig::default());
    let name = ServerName::try_from(NAME).unwrap();
    let dial = TlsDial { config: authority.client(None), name };
    let judge = WebPkiServerVerifier::builder(roots).build().unwrap();
    world.streams.dial_tls_by(Box::new(Judging(dial, judge)));
    // Bound and never listening: a connection of ours is refused there.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let at = silent.local_addr().unwrap().as_socket().unwrap();
    let config = authority.client(shown.map(|name| authority.vouch(name)));
    let name = ServerName::try_from("us").unwrap();
    let session = ClientConnection::new(config, name).unwrap();
    let mut far = Far::new(world.dial(), session.into());
    far.say(request(at.port()).as_bytes());
    both(&mut world, &mut far, "the request is there", |world, _| world.messages.len() == 1);
    let flow = Flow::toward(Transport::Tls, world.local, at, PEER);
    (world, far, flow)
}

#[test]
fn a_connection_that_a_peer_offers_takes_requests_to_the_name_that_its_certificate_proves() {
    let (mut world, mut far, flow) = offered(Some(NAME), offering);
    let theirs = world.messages[0].0;
    world.send(flow, OPTIONS);
    both(&mut world, &mut far, "our request is there", |_, far| far.heard == OPTIONS);
    world.send(flow, OPTIONS);
    both(&mut world, &mut far, "and the next", |_, far| far.heard.len() == 2 * OPTIONS.len());
    let counted = world.streams.counters();
    assert_eq!((counted.reused, counted.connects), (1, 0));
    assert_eq!(world.streams.way(flow), theirs);
    assert_eq!(world.streams.poll_reused(), Some(net::Reused { asked: flow, over: theirs }));

    // Its end is told of by both names, and the next request is for a connection of ours.
    far.session.send_close_notify();
    both(&mut world, &mut far, "it is closed", |world, _| world.closed.len() == 2);
    assert_eq!(world.closed, [(flow, CloseReason::ByPeer), (theirs, CloseReason::ByPeer)]);
    world.send(flow, OPTIONS);
    assert_eq!(world.streams.counters().connects, 1);
}

#[test]
fn an_offer_without_a_proof_of_the_name_or_for_another_port_is_passed_over() {
    let plain: fn(u16) -> String = |port| offering(port).replace(";ALIAS", "");
    let elsewhere: fn(u16) -> String = |port| offering(port - 1);
    let offering: fn(u16) -> String = offering;
    for (shown, request) in [
        (None, offering),
        (Some("other.example.com"), offering),
        (Some(NAME), plain),
        (Some(NAME), elsewhere),
    ] {
        let (mut world, far, flow) = offered(shown, request);
        world.send(flow, OPTIONS);
        let counted = world.streams.counters();
        assert_eq!((counted.reused, counted.connects), (0, 1), "{shown:?}");
        assert_eq!(far.heard, b"");
    }
}
