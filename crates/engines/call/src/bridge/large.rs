//! INVITEs that are too large for a datagram (RFC 3261 §18.1.1).

use std::time::Duration;

use sip_message::Transport;

use super::Call;
use crate::directory::Hop;
use crate::health;
use crate::hub::Turn;
use crate::route::Attempt;

/// What leaves in one datagram at the most, in bytes, where the path's MTU is not known.
const DATAGRAM_MAX: usize = 1300;
/// What the answer to a challenge adds: where one may come, the INVITE must leave room for it.
const CREDENTIALS_BYTES: usize = 300;
/// How long a stream is waited for before the datagram is sent after all. Far less than other places
/// are waited for: a firewall may swallow what nobody there listens for.
const STREAM_PATIENCE: Duration = Duration::from_secs(1);

/// Where an INVITE goes if it is too large for the datagram that was meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// The same place over TCP.
    pub(super) hop: Hop,
    /// The most bytes that go by datagram all the same.
    pub(super) datagram_max: usize,
}

/// The stream to the same place: the one that its host's records list beside the datagrams, else one
/// to the same address and port. Not if it was tried lately and failed.
pub(super) fn stream(turn: &Turn<'_>, attempt: &Attempt) -> Option<Stream> {
    let Attempt { gateway, hop, .. } = attempt;
    if hop.transport != Transport::Udp {
        return None;
    }
    let beside = |it: &&Hop| it.transport == Transport::Tcp && it.address.ip() == hop.address.ip();
    let listed = gateway.carrier().and_then(|it| it.resolved.hops().iter().find(beside));
    let found = listed.copied().unwrap_or(Hop { transport: Transport::Tcp, ..*hop });
    let is_doubted = match listed {
        Some(listed) => turn.hub.health.is_doubted(listed),
        None => turn.hub.streamless.knows(turn.now.instant, found.address),
    };
    let is_usable = !is_doubted && turn.hub.faces.flow_to(&found).is_some();
    let room = if gateway.credential().is_some() { CREDENTIALS_BYTES } else { 0 };
    is_usable.then_some(Stream { hop: found, datagram_max: DATAGRAM_MAX - room })
}

/// Whether the stream of an attempt is one that nothing lists: that it fails says nothing of the
/// place.
fn is_a_guess(attempt: &Attempt) -> bool {
    let is_listed = |it: &Hop| (it.transport, it.address) == (Transport::Tcp, attempt.hop.address);
    let carrier = attempt.gateway.carrier();
    attempt.datagram.is_some()
        && !carrier.is_some_and(|it| it.resolved.hops().iter().any(is_listed))
}

/// The place that was asked has not answered anything.
pub(super) fn note_silence(turn: &mut Turn<'_>, attempt: &Attempt) {
    if is_a_guess(attempt) {
        turn.hub.streamless.note(turn.now.instant, attempt.hop.address);
    } else {
        health::call_failed(turn, &attempt.hop);
    }
}

impl Call {
    /// Waits less for a stream that took a datagram's place.
    pub(super) fn watch_stream(&mut self, turn: &Turn<'_>, attempt: &Attempt) {
        if attempt.datagram.is_some() {
            let at = turn.now.instant + STREAM_PATIENCE;
            self.alarms.set(crate::timers::Timer::Progress, at);
        }
    }

    /// The stream came to nothing: the datagram is sent after all, before any other place is asked.
    pub(super) fn fall_back_to_datagram(&mut self) {
        let Some(attempt) = self.tried.last().map(|it| &it.attempt) else { return };
        let Some(hop) = attempt.datagram else { return };
        let again = Attempt { hop, datagram: None, ..attempt.clone() };
        if let Some(setup) = self.setup() {
            setup.detour(vec![again]);
        }
    }
}
