//! How we are reached, as text that is printed once and written into every message.

use std::net::SocketAddr;

use sip_message::{Flow, Host, Transport, Via};

use crate::config::Listener;
use crate::directory::Hop;

/// One listener as others see it.
#[derive(Debug)]
pub(crate) struct Face {
    listener: Listener,
    /// The advertised host, as it stands in Via and From.
    pub(crate) host: Box<str>,
    /// The value of Contact.
    pub(crate) contact: Box<str>,
}

impl Face {
    fn new(listener: Listener) -> Self {
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
        Self { listener, host: host.into(), contact: contact.into() }
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
    pub(crate) fn new(listeners: &[Listener]) -> Self {
        Self(listeners.iter().copied().map(Face::new).collect())
    }

    /// The face that a peer on `flow` sees: the listener it came by, else one of its transport and
    /// address family, else one of its transport. A flow of a transport that nobody listens on
    /// sees whichever comes first.
    ///
    /// # Panics
    /// If there is no listener: an engine without one has no flows either.
    pub(crate) fn of(&self, flow: &Flow) -> &Face {
        let rank = |face: &&Face| {
            let Listener { transport, local, .. } = face.listener;
            let same_transport = transport == flow.transport;
            let same_family = local.is_ipv4() == flow.remote.is_ipv4();
            (same_transport, same_transport && local == flow.local, same_family)
        };
        // Of equals the first: `max_by_key` takes the last.
        self.0.iter().rev().max_by_key(rank).expect("an engine has a listener")
    }

    /// The flow on which a request to `hop` leaves; `None` if no listener can reach it.
    pub(crate) fn flow_to(&self, hop: &Hop) -> Option<Flow> {
        let Hop { transport, address, peer, .. } = *hop;
        let can =
            |it: &&Listener| it.transport == transport && it.local.is_ipv4() == address.is_ipv4();
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
        Faces::new(&[
            listener(Transport::Udp, "10.0.0.1:5060", "203.0.113.1:5060"),
            listener(Transport::Udp, "[::1]:5060", "[2001:db8::1]:5060"),
            listener(Transport::Tcp, "10.0.0.1:5060", "203.0.113.1:5062"),
        ])
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
