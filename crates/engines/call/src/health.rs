//! Whether the places that calls go to are there: learned from calls, and by asking with OPTIONS.
//!
//! ```text
//!            failures_max in a row: no response, not deliverable
//!   ┌────┐ ─────────────────────────────────────────────────► ┌──────┐
//!   │ Up │                                                    │ Down │──┐ asked and silent: rests
//!   └────┘ ◄───────────────────────────────────────────────── └──────┘◄─┘ twice as long, up to a limit
//!            any response, to a call or to OPTIONS
//! ```
//!
//! A place that is down is passed over by calls while another can be asked, and asked as a last
//! resort. When its rest is over it is tried again: by OPTIONS if places are probed, else by the one
//! call that comes first. Carriers are probed for as long as they exist; a route from its first call
//! on until an hour after the last one, so that what nobody calls costs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::UnixMillis;
use sip_core::Tokens;
use sip_message::{CSeq, MessageWriter, Method, Name, Status};

use crate::config::Probing;
use crate::directory::{Hop, ResolvedCarrier};
use crate::hub::{Request, Turn};
use crate::io::{Now, Output};
use crate::leg::{PRODUCT, uri_host};

/// How long an answer to OPTIONS is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// How long a route is probed after its last call.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// Places that are watched at once; of further ones nothing is remembered.
const PEERS_MAX: usize = 10_000;
/// The most places that are asked at one time, so that they do not all answer at once.
const ASKED_AT_ONCE_MAX: usize = 64;
/// Marks the owner of a transaction as a probe: no call's role has this number.
const OWNER_MARK: u64 = 0xff;

/// Whether a place answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// It does, or nothing else is known.
    Up,
    /// It does not.
    Down,
}

/// What is known of one place that calls go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerHealth {
    /// Where it is.
    pub hop: Hop,
    /// Whether it answers.
    pub state: PeerState,
    /// Since when it is so.
    pub since: UnixMillis,
    /// Failures in a row.
    pub failures: u32,
    /// When it last answered anything.
    pub answered: Option<UnixMillis>,
    /// When it last failed to.
    pub failed: Option<UnixMillis>,
    /// When it is asked again by OPTIONS; while it is down and nothing is asked by OPTIONS, from when
    /// on a call tries it again.
    pub next_try: Option<UnixMillis>,
    /// How long its last answer to OPTIONS took.
    pub round_trip: Option<Duration>,
}

/// Places are told apart by how they are reached; standing in a list does not count.
type Line = (sip_message::Transport, std::net::SocketAddr, sip_message::PeerId);

fn line_of(hop: &Hop) -> Line {
    (hop.transport, hop.address, hop.peer)
}

#[derive(Debug)]
struct Peer {
    health: PeerHealth,
    /// Its number in the owner of its probes.
    serial: u32,
    /// Until when it is probed; `None`: for as long as its carrier is there.
    until: Option<Instant>,
    /// The rest between two trials while it is down.
    rest: Duration,
    /// When it is asked next, or tried by a call.
    due: Instant,
    /// When it was asked, while the answer is open.
    asked: Option<Instant>,
}

/// Every place that is watched.
#[derive(Debug, Default)]
pub(crate) struct Health {
    peers: BTreeMap<Line, Peer>,
    by_serial: BTreeMap<u32, Line>,
    due: BTreeSet<(Instant, Line)>,
    next_serial: u32,
    /// The carriers as they were when their places were last looked at.
    carriers: Option<Arc<[Arc<ResolvedCarrier>]>>,
    /// When carriers are looked at again.
    look_at: Option<Instant>,
}

/// Whether a call may go to a place now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    /// It is down: only if nothing else is left.
    Shut,
}

impl Health {
    /// Whether a call may go to a place. One whose rest is over lets a single call try it, unless
    /// probes do that.
    pub(crate) fn standing(&mut self, now: Now, hop: &Hop, probing: &Probing) -> Standing {
        let line = line_of(hop);
        let Some(peer) = self.peers.get_mut(&line) else { return Standing::Open };
        match peer.health.state {
            PeerState::Up => Standing::Open,
            PeerState::Down if probing.interval.is_some() || peer.due > now.instant => {
                Standing::Shut
            }
            PeerState::Down => {
                peer.due = now.instant + peer.rest;
                peer.health.next_try = Some(later(now.unix, peer.rest));
                Standing::Open
            }
        }
    }

    /// Whether a place has failed since it last answered.
    pub(crate) fn is_doubted(&self, hop: &Hop) -> bool {
        self.peers.get(&line_of(hop)).is_some_and(|it| it.health.failures > 0)
    }

    /// What is known, by place, behind one.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerHealth> {
        self.peers.values().map(|it| &it.health)
    }

    /// When [`wake`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let due = self.due.first().map(|(at, _)| *at);
        [due, self.look_at].into_iter().flatten().min()
    }

    fn insert(&mut self, now: Now, hop: &Hop, due: Instant) -> Option<&mut Peer> {
        let line = line_of(hop);
        if !self.peers.contains_key(&line) {
            if self.peers.len() >= PEERS_MAX {
                return None;
            }
            self.next_serial = self.next_serial.wrapping_add(1);
            self.by_serial.insert(self.next_serial, line);
            let health = PeerHealth {
                hop: *hop,
                state: PeerState::Up,
                since: now.unix,
                failures: 0,
                answered: None,
                failed: None,
                next_try: None,
                round_trip: None,
            };
            let serial = self.next_serial;
            let rest = Duration::ZERO;
            let peer = Peer { health, serial, until: None, rest, due, asked: None };
            self.peers.insert(line, peer);
        }
        self.peers.get_mut(&line)
    }

    fn remove(&mut self, line: &Line) {
        if let Some(peer) = self.peers.remove(line) {
            self.by_serial.remove(&peer.serial);
            self.due.remove(&(peer.due, *line));
        }
    }

    /// Sets when a place is asked next; only probing asks.
    fn schedule(&mut self, line: &Line, now: Now, wait: Duration, probing: &Probing) {
        let Some(peer) = self.peers.get_mut(line) else { return };
        self.due.remove(&(peer.due, *line));
        let at = now.instant + wait;
        peer.due = at;
        let is_tried = probing.interval.is_some() || peer.health.state == PeerState::Down;
        peer.health.next_try = is_tried.then(|| later(now.unix, wait));
        if probing.interval.is_some() {
            self.due.insert((at, *line));
        }
    }

    /// A place has answered something: it is there.
    fn answered(&mut self, now: Now, line: &Line) -> Option<PeerHealth> {
        let peer = self.peers.get_mut(line)?;
        let health = &mut peer.health;
        (health.failures, health.answered) = (0, Some(now.unix));
        if health.state == PeerState::Down && !self.due.contains(&(peer.due, *line)) {
            health.next_try = None;
        }
        peer.rest = Duration::ZERO;
        if health.state == PeerState::Up {
            return None;
        }
        (health.state, health.since) = (PeerState::Up, now.unix);
        Some(health.clone())
    }

    /// A place has not answered, or could not be reached.
    fn failed(&mut self, now: Now, line: &Line, probing: &Probing) -> Option<PeerHealth> {
        let peer = self.peers.get_mut(line)?;
        let health = &mut peer.health;
        health.failures = health.failures.saturating_add(1);
        health.failed = Some(now.unix);
        let (changed, at) = match health.state {
            PeerState::Up if health.failures < probing.failures_max.get() => {
                (None, probing.interval.unwrap_or(probing.rest).min(ANSWER_MAX))
            }
            PeerState::Up => {
                (health.state, health.since) = (PeerState::Down, now.unix);
                peer.rest = probing.rest;
                (Some(health.clone()), peer.rest)
            }
            PeerState::Down => {
                peer.rest = (peer.rest * 2).clamp(probing.rest, probing.rest_max);
                (None, peer.rest)
            }
        };
        self.schedule(line, now, at, probing);
        changed
    }
}

fn later(from: UnixMillis, wait: Duration) -> UnixMillis {
    UnixMillis(from.0 + u64::try_from(wait.as_millis()).unwrap_or(0))
}

/// A call got a response from a place.
pub(crate) fn call_answered(turn: &mut Turn<'_>, hop: &Hop) {
    if let Some(changed) = turn.hub.health.answered(turn.now, &line_of(hop)) {
        turn.hub.outputs.push_back(Output::Peer(Box::new(changed)));
    }
}

/// A call went to a place and got nothing.
pub(crate) fn call_failed(turn: &mut Turn<'_>, hop: &Hop) {
    let probing = turn.hub.config.probing;
    let now = turn.now;
    turn.hub.health.insert(now, hop, now.instant);
    if let Some(changed) = turn.hub.health.failed(now, &line_of(hop), &probing) {
        turn.hub.counters.drop("peer-down");
        turn.hub.outputs.push_back(Output::Peer(Box::new(changed)));
    }
}

/// A call goes to a connector's route: it is worth watching for a while.
pub(crate) fn route_used(turn: &mut Turn<'_>, hop: &Hop) {
    let probing = turn.hub.config.probing;
    let Some(interval) = probing.interval else { return };
    let (now, line) = (turn.now, line_of(hop));
    let is_new = !turn.hub.health.peers.contains_key(&line);
    let Some(peer) = turn.hub.health.insert(now, hop, now.instant) else { return };
    if is_new || peer.until.is_some() {
        peer.until = Some(now.instant + REMEMBERED);
    }
    if is_new {
        turn.hub.health.schedule(&line, now, interval, &probing);
    }
}

/// Looks whether carriers have come or gone, takes silence for an answer, and asks who is due.
pub(crate) fn wake(turn: &mut Turn<'_>) {
    let probing = turn.hub.config.probing;
    let Some(interval) = probing.interval else { return };
    let now = turn.now.instant;
    let carriers = turn.directory.carriers();
    let is_known =
        turn.hub.health.carriers.as_ref().is_some_and(|known| Arc::ptr_eq(known, carriers));
    if !is_known {
        watch_carriers(turn, interval);
    }
    turn.hub.health.look_at = Some(now + interval.min(ANSWER_MAX));
    for _ in 0..ASKED_AT_ONCE_MAX {
        let Some((at, line)) = turn.hub.health.due.first().copied().filter(|(at, _)| *at <= now)
        else {
            return;
        };
        turn.hub.health.due.remove(&(at, line));
        fire(turn, &line, &probing);
    }
}

fn watch_carriers(turn: &mut Turn<'_>, interval: Duration) {
    let probing = turn.hub.config.probing;
    let now = turn.now;
    let carriers = Arc::clone(turn.directory.carriers());
    let is_probed = |it: &&Arc<ResolvedCarrier>| it.carrier.probing == model::Probing::On;
    let hops: BTreeSet<Line> =
        carriers.iter().filter(is_probed).flat_map(|it| it.resolved.hops()).map(line_of).collect();
    let health = &mut turn.hub.health;
    let gone = |(line, peer): (&Line, &Peer)| {
        (peer.until.is_none() && !hops.contains(line)).then_some(*line)
    };
    let gone: Vec<Line> = health.peers.iter().filter_map(gone).collect();
    gone.iter().for_each(|line| health.remove(line));
    for hop in carriers.iter().filter(is_probed).flat_map(|it| it.resolved.hops()) {
        let line = line_of(hop);
        let is_new = !health.peers.contains_key(&line);
        let Some(peer) = health.insert(now, hop, now.instant) else { break };
        peer.until = None;
        if is_new {
            // Spread over the interval, so that a thousand are not asked in one instant.
            let first = spread(&mut turn.hub.tokens, interval.min(ANSWER_MAX));
            health.schedule(&line, now, first, &probing);
        }
    }
    health.carriers = Some(carriers);
}

fn spread(random: &mut Tokens, within: Duration) -> Duration {
    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(crate::route::below(random, millis))
}

/// A place's time has come: it is asked, forgotten, or has not answered.
fn fire(turn: &mut Turn<'_>, line: &Line, probing: &Probing) {
    let now = turn.now;
    let Some(peer) = turn.hub.health.peers.get_mut(line) else { return };
    if peer.asked.take().is_some() {
        turn.hub.counters.probes_failed += 1;
        if let Some(changed) = turn.hub.health.failed(now, line, probing) {
            turn.hub.counters.drop("peer-down");
            turn.hub.outputs.push_back(Output::Peer(Box::new(changed)));
        }
        return;
    }
    if peer.until.is_some_and(|until| until <= now.instant) {
        return turn.hub.health.remove(line);
    }
    let (hop, serial) = (peer.health.hop, peer.serial);
    peer.asked = Some(now.instant);
    turn.hub.health.schedule(line, now, ANSWER_MAX, probing);
    turn.hub.counters.probes += 1;
    if let Some(request) = options(turn, &hop) {
        turn.request(Method::Options, request, u64::from(serial) << 8 | OWNER_MARK);
    }
}

/// OPTIONS outside of any dialog (RFC 3261 §11). `None` if no listener reaches the place, which
/// then will not have answered.
fn options(turn: &mut Turn<'_>, hop: &Hop) -> Option<Request> {
    let to = turn.hub.faces.flow_to(hop)?;
    let branch = turn.hub.endpoint.new_branch();
    let (call_id, tag) = (turn.hub.endpoint.new_call_id(), turn.hub.endpoint.new_tag());
    let face = turn.hub.faces.of(&to);
    let at = uri_host(&hop.address.ip().to_string(), hop.address.port(), 0);
    let uri = format!("sip:{at};transport={}", hop.transport.as_param());
    let mut bytes = Vec::with_capacity(512);
    let mut writer = MessageWriter::request(&mut bytes, Method::Options, &uri);
    writer.header(Name::Via, face.via(&branch));
    writer.header(Name::MaxForwards, 70);
    writer.header(Name::From, format_args!("<sip:{PRODUCT}@{}>;tag={tag}", face.host));
    writer.header(Name::To, format_args!("<{uri}>"));
    writer.text(Name::CallId, &call_id);
    writer.header(Name::CSeq, CSeq { number: 1, method: Method::Options });
    writer.text(Name::Contact, &face.contact);
    writer.text(Name::Accept, "application/sdp").text(Name::UserAgent, PRODUCT).finish();
    Some(Request { to, branch, bytes })
}

/// The number of the place that a transaction's owner stands for, if it is a probe's.
pub(crate) fn probed(owner: u64) -> Option<u32> {
    (owner & 0xff == OWNER_MARK).then_some(u32::try_from(owner >> 8).ok()?)
}

/// A place has answered a probe. Any answer shows that it is there, but for those that say that it
/// is not to be used now: 408, which only something before it says, and 503.
pub(crate) fn on_answer(turn: &mut Turn<'_>, serial: u32, status: Status) {
    if status.is_provisional() {
        return;
    }
    let probing = turn.hub.config.probing;
    let now = turn.now;
    let Some(line) = turn.hub.health.by_serial.get(&serial).copied() else { return };
    let Some(peer) = turn.hub.health.peers.get_mut(&line) else { return };
    if let Some(asked) = peer.asked.take() {
        peer.health.round_trip = Some(now.instant.duration_since(asked));
    }
    let changed = if matches!(status, Status::REQUEST_TIMEOUT | Status::SERVICE_UNAVAILABLE) {
        turn.hub.counters.probes_failed += 1;
        turn.hub.health.failed(now, &line, &probing)
    } else {
        let changed = turn.hub.health.answered(now, &line);
        let interval = probing.interval.unwrap_or(probing.rest);
        turn.hub.health.schedule(&line, now, interval, &probing);
        changed
    };
    if let Some(changed) = changed {
        turn.hub.outputs.push_back(Output::Peer(Box::new(changed)));
    }
}

/// A probe could not be delivered.
pub(crate) fn on_failure(turn: &mut Turn<'_>, serial: u32) {
    let probing = turn.hub.config.probing;
    let Some(line) = turn.hub.health.by_serial.get(&serial).copied() else { return };
    let Some(peer) = turn.hub.health.peers.get_mut(&line) else { return };
    // Its silence has been taken for an answer already.
    if peer.asked.take().is_none() {
        return;
    }
    turn.hub.counters.probes_failed += 1;
    if let Some(changed) = turn.hub.health.failed(turn.now, &line, &probing) {
        turn.hub.outputs.push_back(Output::Peer(Box::new(changed)));
    }
}
