//! A carrier with its addresses.

use std::net::SocketAddr;

use model::{Carrier, CarrierTransport};
use sip_message::Transport;

/// A carrier whose host name has been resolved: the engine itself never asks a name server.
#[derive(Debug, Clone)]
pub struct ResolvedCarrier {
    /// The carrier.
    pub carrier: Carrier,
    /// Where it is, in the order to try; empty while its name does not resolve.
    pub addresses: Vec<SocketAddr>,
}

impl ResolvedCarrier {
    /// What its messages are carried by.
    pub fn transport(&self) -> Transport {
        match self.carrier.transport {
            CarrierTransport::Udp => Transport::Udp,
            CarrierTransport::Tcp => Transport::Tcp,
        }
    }
}
