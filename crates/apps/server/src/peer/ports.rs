//! The audio sockets of a peer: pairs of an even port for RTP and the next odd one for RTCP.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use media::{Channel, LocalPort};
use net::{Interest, Reactor, Token};

/// Free ports that are tried for one pair.
const PAIR_TRIES: usize = 64;
/// What marks the name of an audio socket in the reactor; the port is in the low bits.
const MEDIA: u64 = 1 << 32;

/// The audio sockets of a peer.
pub(super) struct Ports {
    address: IpAddr,
    sockets: BTreeMap<u16, UdpSocket>,
}

impl Ports {
    pub(super) fn new(address: IpAddr) -> Self {
        Self { address, sockets: BTreeMap::new() }
    }

    /// Pairs that are bound.
    pub(super) fn pairs(&self) -> usize {
        self.sockets.len() / 2
    }

    /// Binds so many pairs more, on any free ports.
    pub(super) fn grow(&mut self, reactor: &Reactor, pairs: usize) -> io::Result<Vec<LocalPort>> {
        (0..pairs).map(|_| self.bind_pair(reactor)).collect()
    }

    fn bind_pair(&mut self, reactor: &Reactor) -> io::Result<LocalPort> {
        // The kernel picks ports of either parity; those that make no pair are held until one is
        // found, so that it picks others.
        let mut held = Vec::new();
        for _ in 0..PAIR_TRIES {
            let first = self.bind(0)?;
            let port = first.local_addr()?.port();
            let pair =
                LocalPort::parse(port).and_then(|even| Some((even, self.bind(even.rtcp()).ok()?)));
            let Some((even, second)) = pair else {
                held.push(first);
                continue;
            };
            for (port, socket) in [(even.rtp(), first), (even.rtcp(), second)] {
                reactor.add(&socket, token(port), Interest::Read)?;
                self.sockets.insert(port, socket);
            }
            return Ok(even);
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no two neighbouring UDP ports are free"))
    }

    fn bind(&self, port: u16) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(self.address, port))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// The port that a name in the reactor stands for, if it is one of ours.
    pub(super) fn port_of(&self, token: Token) -> Option<u16> {
        (token.0 & MEDIA != 0).then_some(token.0 as u16)
    }

    /// Reads one datagram; `None` if none is there or the network reports an earlier one's fate.
    pub(super) fn recv(&self, port: u16, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.sockets.get(&port)?.recv_from(buffer).ok()
    }

    /// Sends a datagram. What the network does not take is lost, as audio is.
    pub(super) fn send(&self, pair: LocalPort, channel: Channel, to: SocketAddr, bytes: &[u8]) {
        let port = match channel {
            Channel::Rtp => pair.rtp(),
            Channel::Rtcp => pair.rtcp(),
        };
        if let Some(socket) = self.sockets.get(&port) {
            let _ = socket.send_to(bytes, to);
        }
    }
}

fn token(port: u16) -> Token {
    Token(MEDIA | u64::from(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_an_even_port_and_the_next() {
        let reactor = Reactor::new().unwrap();
        let mut ports = Ports::new(IpAddr::from([127, 0, 0, 1]));
        let bound = ports.grow(&reactor, 3).unwrap();
        assert_eq!(ports.pairs(), 3);
        for port in bound {
            assert!(ports.sockets.contains_key(&port.rtp()) && port.rtp() % 2 == 0);
            assert!(ports.sockets.contains_key(&port.rtcp()));
        }
    }
}
