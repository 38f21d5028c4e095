//! How we are reached, as text that is printed once and written into every message.

use std::net::SocketAddr;

use ipnet::IpNet;
use sip_message::{Flow, Host, Transport, Via};

use crate::config::{Advertised, Listener};
use crate::directory::Hop;

/// One listener as others see it.
#[derive(Debug)]
pub(crate) struct Face {
    listener: Listener,
    /// The network whose peers see this face; all if there is none.
    toward: Option<IpNet>,
    /// The advertised host, as it stands in Via and From.
    pub(crate) host: Box<str>,
    /// The value of Contact.
    pub(crate) contact: Box<str>,
}

impl Face {
    fn new(listener: Listener, toward: Option<IpNet>) -> Self {
        let address = listener.advertised;
        let host = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        let contact = match listener.transport {
            Transport::Udp => format!("<sip:{address}>"),
            Transport::Tcp | Transport::Tls => {
                format!("<sip:{address};transport={}>", listener.transport.as_param())
            }
        };
        Self { listener, toward, host: host.into(), contact: contact.into() }
    }

    /// The Via of a request of ours.
    pub(crate) fn via<'a>(&'a self, branch: &'a str) -> Via<'a> {
        let transport = self.listener.transport.as_str();
        Via::new(transport, Host::Name(&self.host), Some(self.listener.advertised.port()), branch)
    }
}

/// All our faces.
#[derive(Debug)]
pub(crate) struct Faces(Vec<Face>);

impl Faces {
    pub(crate) fn new(listeners: &[Listener], advertised: &[Advertised]) -> Self {
        let faces = listeners.iter().flat_map(|listener| {
            let named = advertised.iter().map(|it| {
                let told = SocketAddr::new(it.address, listener.advertised.port());
                Face::new(Listener { advertised: told, ..*listener }, Some(it.toward))
            });
            std::iter::once(Face::new(*listener, None)).chain(named)
        });
        Self(faces.collect())
    }

    /// The face that a peer on `flow` sees: the listener it came by, else one of its transport and
    /// address family, else one of its transport; and of its addresses the one for the smallest
    /// network that the peer is in. A flow of a transport that nobody listens on
    /// sees whichever comes first.
    ///
    /// # Panics
    /// If there is no listener: an engine without one has no flows either.
    pub(crate) fn of(&self, flow: &Flow) -> &Face {
        let rank = |face: &&Face| {
            let Listener { transport, local, .. } = face.listener;
            let same_transport = transport == flow.transport;
            let same_family = local.is_ipv4() == flow.remote.is_ipv4();
            let network = face.toward.map_or(0, |it| usize::from(it.prefix_len()) + 1);
            (same_transport, same_transport && local == flow.local, network, same_family)
        };
        let remote = flow.remote.ip().to_canonical();
        let sees = |face: &&Face| face.toward.is_none_or(|it| it.contains(&remote));
        // Of equals the first: `max_by_key` takes the last.
        let seen = self.0.iter().rev().filter(sees).max_by_key(rank);
        seen.expect("an engine has a listener, whose own face everybody sees")
    }

    /// The flow on which a request to `hop` leaves; `None` if no listener can reach it.
    pub(crate) fn flow_to(&self, hop: &Hop) -> Option<Flow> {
        let Hop { transport, address, peer, .. } = *hop;
        let reaches = |local: SocketAddr| {
            let takes_both = local.is_ipv6() && local.ip().is_unspecified();
            takes_both || local.is_ipv4() == address.is_ipv4()
        };
        let can = |it: &&Listener| it.transport == transport && reaches(it.local);
        let listener = self.0.iter().map(|face| &face.listener).find(can)?;
        Some(Flow::toward(transport, listener.local, address, peer))
    }

    /// Whether an address is one that we are reached by.
    pub(crate) fn are_at(&self, address: SocketAddr) -> bool {
        self.0.iter().any(|face| face.listener.advertised == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faces() -> Faces {
        let listener = |transport, local: &str, advertised: &str| Listener {
            transport,
            local: local.parse().unwrap(),
            advertised: advertised.parse().unwrap(),
        };
        let listeners = [
            listener(Transport::Udp, "10.0.0.1:5060", "203.0.113.1:5060"),
            listener(Transport::Udp, "[::1]:5060", "[2001:db8::1]:5060"),
            listener(Transport::Tcp, "10.0.0.1:5060", "203.0.113.1:5062"),
        ];
        Faces::new(&listeners, &[])
    }

    #[test]
    fn a_peer_is_told_the_address_for_the_smallest_network_that_it_is_in() {
        let any = "[::]:5060".parse().unwrap();
        let advertised = "203.0.113.1:5060".parse().unwrap();
        let listener = Listener { transport: Transport::Udp, local: any, advertised };
        let toward = |network: &str, address: &str| Advertised {
            toward: network.parse().unwrap(),
            address: address.parse().unwrap(),
        };
        let faces = Faces::new(
            &[listener],
            &[
                toward("10.0.0.0/8", "10.0.0.5"),
                toward("10.9.0.0/16", "10.9.0.5"),
                toward("::/0", "2001:db8::5"),
            ],
        );
        let told = |remote: &str| {
            let remote = remote.parse().unwrap();
            let flow = faces.flow_to(&Hop::new(Transport::Udp, remote)).unwrap();
            assert_eq!(flow.local, any, "one socket takes both families");
            faces.of(&flow).host.to_string()
        };
        assert_eq!(told("198.51.100.1:5060"), "203.0.113.1");
        assert_eq!(told("10.1.2.3:5060"), "10.0.0.5");
        assert_eq!(told("10.9.2.3:5060"), "10.9.0.5");
        assert_eq!(told("[2001:db8::9]:5060"), "[2001:db8::5]");
        assert!(faces.are_at("10.9.0.5:5060".parse().unwrap()), "each is known as ours");
    }

    #[test]
    fn a_peer_is_told_the_advertised_address_of_the_listener_it_uses() {
        let contact = |transport, local: &str, remote: &str| {
            let flow = Flow {
                transport,
                local: local.parse().unwrap(),
                remote: remote.parse().unwrap(),
                connection: 7,
            };
            faces().of(&flow).contact.clone()
        };
        let remote = "198.51.100.1:9";
        assert_eq!(&*contact(Transport::Udp, "10.0.0.1:5060", remote), "<sip:203.0.113.1:5060>");
        // The local end of a connection that we made has a port of its own.
        assert_eq!(
            &*contact(Transport::Tcp, "10.0.0.1:40000", remote),
            "<sip:203.0.113.1:5062;transport=tcp>"
        );
        assert_eq!(
            &*contact(Transport::Udp, "[::]:5060", "[2001:db8::9]:5060"),
            "<sip:[2001:db8::1]:5060>"
        );
        assert_eq!(&*contact(Transport::Tls, "10.0.0.1:5061", remote), "<sip:203.0.113.1:5060>");
    }

    #[test]
    fn a_via_names_the_advertised_address_and_asks_for_the_port_back() {
        let faces = faces();
        assert_eq!(
            faces.0[1].via("z9hG4bK1").to_string(),
            "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport"
        );
    }

    #[test]
    fn a_request_leaves_by_a_listener_of_its_transport_and_address_family() {
        let local = |transport, remote: &str| {
            let hop = Hop::new(transport, remote.parse().unwrap());
            faces().flow_to(&hop).map(|flow| flow.local.to_string())
        };
        assert_eq!(local(Transport::Udp, "192.0.2.1:5060").as_deref(), Some("10.0.0.1:5060"));
        assert_eq!(local(Transport::Udp, "[2001:db8::9]:5060").as_deref(), Some("[::1]:5060"));
        assert_eq!(local(Transport::Tcp, "[2001:db8::9]:5060"), None);
        assert_eq!(local(Transport::Tls, "192.0.2.1:5061"), None);
    }
}
