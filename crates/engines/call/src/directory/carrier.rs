//! A carrier with its addresses.

use std::net::SocketAddr;

use model::{Carrier, CarrierLookup, CarrierTls, CarrierTransport, SrtpPolicy};
use sip_message::{Flow, Transport};

use super::{Place, Resolved};

/// The most realms in which carriers' users are challenged for.
pub const REALMS_MAX: usize = 4;

/// A carrier whose host name has been resolved.
#[derive(Debug, Clone)]
pub struct ResolvedCarrier {
    /// The carrier.
    pub carrier: Carrier,
    /// Where it is; nowhere while its name does not resolve.
    pub resolved: Resolved,
}

impl ResolvedCarrier {
    /// A carrier that is found at these addresses, by its own transport.
    pub fn new(carrier: Carrier, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let resolved = Resolved::by(transport_of(&carrier), addresses);
        Self { carrier, resolved }
    }

    /// What a resolver is asked for. Where NAPTR records would choose the transport and the carrier's
    /// settings mean encryption, TLS is the only choice (RFC 3263 §4.1).
    pub fn place(&self) -> Place {
        let Carrier { host, port, lookup, .. } = &self.carrier;
        let place = match self.must_be_encrypted() {
            true => Place::new(host, Transport::Tls.default_port(), Transport::Tls),
            false => Place::new(host, *port, self.transport()),
        };
        place.looked_up(*lookup)
    }

    /// Whether a carrier that the name servers are to find is reached by TLS alone: it has settings
    /// for TLS, or the keys of its media stand in the messages.
    fn must_be_encrypted(&self) -> bool {
        let Carrier { lookup, tls, srtp, .. } = &self.carrier;
        *lookup == CarrierLookup::Everything
            && (*tls != CarrierTls::default() || *srtp == SrtpPolicy::Require)
    }

    /// What its messages are carried by.
    pub fn transport(&self) -> Transport {
        transport_of(&self.carrier)
    }

    /// Whether a message on `flow` comes from one of the networks that its calls in come from, by a
    /// transport that it may use.
    pub(crate) fn lists(&self, flow: &Flow) -> bool {
        let ip = flow.remote.ip().to_canonical();
        self.may_use(flow.transport) && self.carrier.sources.iter().any(|net| net.contains(&ip))
    }

    /// A carrier over TLS calls in over TLS: the source of a datagram is anybody's to write.
    pub(crate) fn may_use(&self, transport: Transport) -> bool {
        self.transport() != Transport::Tls || transport == Transport::Tls
    }

    /// Whether a message on `flow` comes from where calls out to it go. Over UDP the port counts
    /// too, so that what merely shares an address with it, on one machine or behind one NAT, is
    /// not taken for it.
    pub(crate) fn is_at(&self, flow: &Flow) -> bool {
        let remote = SocketAddr::new(flow.remote.ip().to_canonical(), flow.remote.port());
        let is_there = |it: SocketAddr| match flow.transport {
            Transport::Udp => it == remote,
            Transport::Tcp | Transport::Tls => it.ip() == remote.ip() && !remote.ip().is_loopback(),
        };
        self.may_use(flow.transport) && self.resolved.hops().iter().any(|it| is_there(it.address))
    }
}

fn transport_of(carrier: &Carrier) -> Transport {
    match carrier.transport {
        CarrierTransport::Udp => Transport::Udp,
        CarrierTransport::Tcp => Transport::Tcp,
        CarrierTransport::Tls => Transport::Tls,
    }
}
