//! Connections that a peer made and that it offers for requests of ours (RFC 5923).
//!
//! A peer offers one by `;alias` in the Via of a request. What is sent to the address and port that
//! this Via names may then go over it, but only to a peer whose name the connection's certificate
//! proves: the judge is whoever would judge the certificate if we had made the connection (§5, §9).
//! Without a certificate of the peer nothing is proven, so over plain TCP the offer is passed over:
//! anybody could draw the calls of an address to itself.

use std::net::SocketAddr;

use sip_message::{Flow, Message, PeerId, StartLine, Transport};

use super::Streams;
use crate::connection::{Connection, Origin, State};

/// The port of a Via over TLS that names none (RFC 3261 §19.1.2).
const PORT: u16 = 5061;
/// How far into a message the parameter is looked for.
const HEAD_BYTES: usize = 2048;
/// Peers that one connection may stand for: one certificate may bear the names of a few.
const PEERS_MAX: usize = 16;

/// A connection of a peer that requests of ours go over from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reused {
    /// What was asked for.
    pub asked: Flow,
    /// The connection that the peer made.
    pub over: Flow,
}

/// The port that a request offers its connection for, if it does.
pub(super) fn offered(bytes: &[u8]) -> Option<u16> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    if !head.windows(6).any(|it| it.eq_ignore_ascii_case(b";alias")) {
        return None;
    }
    let message = Message::parse(bytes).ok()?;
    let StartLine::Request(_) = message.start() else { return None };
    let via = message.via().ok()?;
    via.params.contains("alias").then(|| via.port.unwrap_or(PORT))
}

impl Streams {
    /// Takes a peer's offer down. The latest of several for one address counts.
    pub(super) fn take_offer(&mut self, id: u64, port: u16) {
        let Some(connection) = self.connection(id) else { return };
        let is_proven = connection.stream.certificates().is_some();
        if connection.origin != Origin::Accepted || !is_proven {
            return;
        }
        let at = SocketAddr::new(connection.flow.remote.ip(), port);
        let before = connection.offered.replace(at);
        if let Some(before) = before.filter(|before| *before != at) {
            self.withdraw(before, id);
        }
        self.offers.insert(at, id);
    }

    /// The connection that the peer of `flow` offers, if it proves to be that peer's. From then on
    /// it is found as one of ours is.
    pub(super) fn reuse(&mut self, flow: Flow, peer: PeerId) -> Option<u64> {
        if flow.transport != Transport::Tls {
            return None;
        }
        let id = *self.offers.get(&flow.remote)?;
        let slot = (id & ((1 << super::SLOT_BITS) - 1)) as usize;
        let connection: &mut Connection = self.slots.get_mut(slot)?.as_mut()?;
        let is_usable = connection.id == id
            && connection.state == State::Open
            && connection.reused_for.len() < PEERS_MAX;
        let chain = connection.stream.certificates().filter(|_| is_usable)?;
        if !self.dialer.as_ref()?.proves(peer, flow.remote, chain) {
            return None;
        }
        connection.reused_for.push(flow);
        let over = connection.flow;
        self.by_peer.insert((flow.transport, flow.remote, peer), id);
        self.counters.reused += 1;
        self.reused.push_back(Reused { asked: flow, over });
        Some(id)
    }

    /// The next connection of a peer that came to be used for requests of ours.
    pub fn poll_reused(&mut self) -> Option<Reused> {
        self.reused.pop_front()
    }

    /// The connection that a message on `flow` goes over, as far as a peer made it.
    pub fn way(&self, flow: Flow) -> Flow {
        let id = flow
            .peer()
            .and_then(|peer| self.by_peer.get(&(flow.transport, flow.remote, peer)).copied());
        let slot = id.map(|id| (id & ((1 << super::SLOT_BITS) - 1)) as usize);
        let connection = slot.and_then(|slot| self.slots.get(slot)?.as_ref());
        connection.filter(|it| Some(it.id) == id).map_or(flow, |it| it.flow)
    }

    /// A connection that was offered is gone: what was asked for over it is told of as closed.
    pub(super) fn end_offer(&mut self, connection: &Connection) -> Vec<Flow> {
        if let Some(at) = connection.offered {
            self.withdraw(at, connection.id);
        }
        for flow in &connection.reused_for {
            let peer = flow.peer().expect("only what names a peer is asked for");
            self.by_peer.remove(&(flow.transport, flow.remote, peer));
        }
        connection.reused_for.clone()
    }

    fn withdraw(&mut self, at: SocketAddr, id: u64) {
        if self.offers.get(&at) == Some(&id) {
            self.offers.remove(&at);
        }
    }
}
