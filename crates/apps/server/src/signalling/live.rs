//! The door from the API to the signalling thread: a bounded queue of questions and orders.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

use api::live::{
    HungUp, KeptMessages, LiveCall, LiveCalls, LiveError, LiveFuture, RouteQuestion, ServiceInfo,
    Untold,
};
use api::operator::dto;
use call::{Command, Counters};
use model::{ProxySessionId, TransactionId, UnixMillis};
use net::{StreamCounters, UdpCounters, Waker};
use sip_message::Transport;
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::credentials::random;
use crate::flight::{self, Shelf};
use crate::projection::Projection;
use crate::records::Recorder;

/// Questions that may wait.
const ASKS_WAITING_MAX: usize = 256;
/// Calls told at once: a turn of the loop that copies more would hold up messages.
const PAGE: usize = 256;
/// Places that metrics name; those that are down come first. Further ones are counted alone.
pub(crate) const PLACES_NAMED_MAX: usize = 200;
/// How long an answer may take: far longer than any turn of the loop.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a listing waits for the records of calls that have just ended.
const CATCH_UP_MAX: Duration = Duration::from_millis(500);

/// What the signalling thread is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Calls in progress, by their identifiers, behind one.
    List {
        /// The identifier to begin behind.
        after: Option<TransactionId>,
        /// The most calls to tell.
        limit: usize,
        /// Where to.
        answer: oneshot::Sender<Vec<call::LiveCall>>,
    },
    /// End a call; the answer is whether there is one.
    HangUp(TransactionId, oneshot::Sender<bool>),
    /// An order to the engine.
    Command(Command),
    /// Tell when every call that has been hung up by now has left its record.
    Settle(oneshot::Sender<()>),
    /// Tell the messages that are in no full segment of the flight recorder yet.
    Messages(oneshot::Sender<Vec<u8>>),
    /// Tell what is known of the places that calls go to.
    Peers(oneshot::Sender<Vec<call::PeerHealth>>),
    /// Tell the proxy sessions whose two participants talk.
    Talking(oneshot::Sender<BTreeSet<ProxySessionId>>),
    /// Tell the counters.
    Count(oneshot::Sender<SignallingCounters>),
    /// Stop.
    Stop,
    /// Break, as no thread should.
    #[cfg(test)]
    Panic,
}

/// What the signalling thread has counted.
#[derive(Debug, Clone)]
pub(crate) struct SignallingCounters {
    /// Calls in progress.
    pub(crate) calls_live: usize,
    /// Whether anything is left to do for a call.
    pub(crate) work: Work,
    /// Media port pairs that are free, and those in calls.
    pub(crate) ports: (usize, usize),
    /// What the engine counts.
    pub(crate) engine: Counters,
    /// What SIP transactions repeated.
    pub(crate) repeats: sip_core::Repeats,
    /// Datagrams.
    pub(crate) udp: UdpCounters,
    /// Streams.
    pub(crate) streams: StreamCounters,
    /// Places that calls go to and that are watched: those that answer, those that do not.
    pub(crate) peers: (usize, usize),
    /// The first of them, those that are down before the others.
    pub(crate) places: Vec<call::PeerHealth>,
    /// Connections that are open.
    pub(crate) connections: usize,
    /// TLS handshakes that failed, by fault.
    pub(crate) handshakes_failed: BTreeMap<&'static str, u64>,
}

/// Whether anything is left to do for a call: a BYE to be answered, a record to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Something is.
    Left,
    /// Nothing is.
    Done,
}

/// The asking end.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    asks: SyncSender<Ask>,
    waker: Waker,
}

/// A queue toward the loop that `waker` wakes.
pub(crate) fn channel(waker: Waker) -> (Asker, Receiver<Ask>) {
    let (asks, asked) = mpsc::sync_channel(ASKS_WAITING_MAX);
    (Asker { asks, waker }, asked)
}

impl Asker {
    /// Gives an order that needs no answer.
    pub(crate) fn order(&self, ask: Ask) -> Result<(), LiveError> {
        self.asks.try_send(ask).map_err(|error| match error {
            TrySendError::Full(_) => LiveError::Busy,
            TrySendError::Disconnected(_) => LiveError::Stopped,
        })?;
        self.waker.wake();
        Ok(())
    }

    /// Asks, and waits for the answer.
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, LiveError> {
        let (answer, answered) = oneshot::channel();
        self.order(ask(answer))?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_dropped)) => Err(LiveError::Stopped),
            Err(_elapsed) => Err(LiveError::Busy),
        }
    }

    /// The counters as they are now.
    pub(crate) async fn counters(&self) -> Result<SignallingCounters, LiveError> {
        self.ask(Ask::Count).await
    }

    /// Every call in progress.
    async fn all(&self) -> Result<Vec<call::LiveCall>, LiveError> {
        let mut calls: Vec<call::LiveCall> = Vec::new();
        loop {
            let after = calls.last().map(|it| it.transaction_id);
            let page = self.ask(|answer| Ask::List { after, limit: PAGE, answer }).await?;
            let is_last = page.len() < PAGE;
            calls.extend(page);
            if is_last {
                return Ok(calls);
            }
        }
    }
}

/// What the API may ask of the running process.
pub(crate) struct Live {
    pub(crate) asker: Asker,
    pub(crate) recorder: Recorder,
    pub(crate) projection: Arc<Projection>,
    pub(crate) started: UnixMillis,
    /// The engine's settings, for calls that are only thought of.
    pub(crate) config: call::Config,
    /// The messages that were kept.
    pub(crate) shelf: Arc<Shelf>,
    /// What is bound where, by name.
    pub(crate) listeners: Vec<(&'static str, SocketAddr)>,
}

impl Live {
    /// Waits until calls that have ended can be read from the store, so that whoever hangs up and
    /// then asks is told. While the store is away the answer is without them.
    async fn catch_up(&self) {
        let caught_up = async {
            if self.asker.ask(Ask::Settle).await.is_ok() {
                self.recorder.flush().await;
            }
        };
        let _ = tokio::time::timeout(CATCH_UP_MAX, caught_up).await;
    }
}

impl LiveCalls for Live {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        Box::pin(async {
            self.catch_up().await;
            let mut calls: Vec<_> = self.asker.all().await?.into_iter().map(told).collect();
            calls.sort_by_key(|it| it.started);
            Ok(calls)
        })
    }

    fn find<'a>(&'a self, call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        Box::pin(async move {
            self.catch_up().await;
            let id = TransactionId::parse(call).ok();
            let is_meant = |it: &call::LiveCall| {
                Some(it.transaction_id) == id
                    || it.call_id == call
                    || it.peer_call_id.as_deref() == Some(call)
                    || it.attempt_call_ids.iter().any(|it| it == call)
            };
            Ok(self.asker.all().await?.into_iter().find(is_meant).map(told))
        })
    }

    fn hang_up(&self, call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async move {
            let known = self.asker.ask(|answer| Ask::HangUp(call, answer)).await?;
            Ok(if known { HungUp::Ordered } else { HungUp::NoSuchCall })
        })
    }

    fn messages(&self, call_ids: Vec<String>) -> LiveFuture<'_, KeptMessages> {
        Box::pin(async move {
            // What is on the shelf is asked for last: a segment may fill meanwhile, and is then found
            // twice rather than never.
            let current = self.asker.ask(Ask::Messages).await?;
            let shelf = Arc::clone(&self.shelf);
            let search = move || flight::search(&shelf, &current, &call_ids);
            tokio::task::spawn_blocking(search).await.map_err(|_ended| LiveError::Stopped)
        })
    }

    fn talking(&self) -> LiveFuture<'_, BTreeSet<ProxySessionId>> {
        Box::pin(self.asker.ask(Ask::Talking))
    }

    fn peers(&self) -> LiveFuture<'_, Vec<dto::Peer>> {
        Box::pin(async {
            let peers = self.asker.ask(Ask::Peers).await?;
            let directory = self.projection.directory().load_full();
            let told =
                |peer: call::PeerHealth| peer_told(carriers_at(&directory, &peer.hop), &peer);
            Ok(peers.into_iter().map(told).collect())
        })
    }

    fn try_route(&self, question: RouteQuestion) -> LiveFuture<'_, Result<dto::RouteTest, Untold>> {
        Box::pin(async move {
            let RouteQuestion { from, to, source, connector, carrier } = &question;
            let transport = Transport::Udp;
            let (connector, carrier) = (connector.as_ref(), carrier.as_ref());
            let trial = call::Trial { from, to, source: *source, transport, connector, carrier };
            let directory = self.projection.directory().load_full();
            let net::Now { instant, unix_ms } = net::Clock.now();
            let now = call::Now { instant, unix: UnixMillis(unix_ms) };
            let seeds = call::Seeds { random: random(), nonce_secret: random(), process: 0 };
            let tried = call::try_route(&self.config, &seeds, &directory, now, &trial);
            Ok(tried.map(route_told).map_err(|why| match why {
                call::Untried::Number => Untold::Number,
                call::Untried::ConnectorUnknown => Untold::ConnectorUnknown,
                call::Untried::NobodysSource => Untold::NobodysSource,
                call::Untried::CarrierUnknown => Untold::CarrierUnknown,
                call::Untried::CarrierWithoutUser => Untold::CarrierWithoutUser,
            }))
        })
    }

    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(async {
            let calls_live = self.asker.counters().await?.calls_live as u64;
            let listener = |(name, address): &(&'static str, SocketAddr)| dto::Listener {
                name: (*name).into(),
                address: address.to_string(),
            };
            Ok(ServiceInfo {
                started: self.started,
                listeners: self.listeners.iter().map(listener).collect(),
                simulated_carrier: self.projection.simulated_is_seated(),
                calls_live,
            })
        })
    }
}

/// What would become of a call, as the API tells it.
fn route_told(tried: call::Tried) -> dto::RouteTest {
    let refused = tried.refused.map(|(reason, sip_status, status_message)| dto::RouteRefusal {
        reason: reason.into(),
        sip_status,
        status_message,
    });
    dto::RouteTest { direction: tried.direction, refused, decisions: tried.decisions }
}

/// The names of the carriers that a place is of; none for a route's.
pub(crate) fn carriers_at(directory: &call::Directory, hop: &call::directory::Hop) -> Vec<String> {
    let is_there = |it: &&Arc<call::ResolvedCarrier>| {
        let same =
            |at: &call::directory::Hop| (at.transport, at.address) == (hop.transport, hop.address);
        it.resolved.hops().iter().any(same)
    };
    let found = directory.carriers().iter().filter(is_there);
    found.map(|it| it.carrier.name.to_string()).collect()
}

/// A place that calls go to, as the API tells it.
fn peer_told(carriers: Vec<String>, peer: &call::PeerHealth) -> dto::Peer {
    dto::Peer {
        carriers,
        transport: peer.hop.transport.as_param().into(),
        address: peer.hop.address.to_string(),
        state: match peer.state {
            call::PeerState::Up => dto::PeerState::Up,
            call::PeerState::Down => dto::PeerState::Down,
        },
        since: dto::timestamp(peer.since),
        failures: peer.failures,
        answered: peer.answered.map(dto::timestamp),
        failed: peer.failed.map(dto::timestamp),
        next_try: peer.next_try.map(dto::timestamp),
        round_trip_ms: peer.round_trip.map(|it| it.as_secs_f64() * 1000.0),
    }
}

/// Says in the log that a place that calls go to went down, or came back.
pub(crate) fn tell_peer(peer: &call::PeerHealth) {
    let call::directory::Hop { transport, address, .. } = peer.hop;
    match peer.state {
        call::PeerState::Down => warn!(event = "peer_down", %transport, %address,
            failures = peer.failures, "a place that calls go to does not answer; calls go there \
            only when nothing else is left"),
        call::PeerState::Up => info!(event = "peer_up", %transport, %address,
            "a place that calls go to answers again"),
    }
}

/// A call of the engine as the API tells it.
fn told(call: call::LiveCall) -> LiveCall {
    LiveCall {
        transaction_id: call.transaction_id,
        call_id: call.call_id,
        peer_call_id: call.peer_call_id,
        attempt_call_ids: call.attempt_call_ids,
        account: Some(call.account),
        connector: Some(call.connector),
        direction: call.direction,
        from: call.from,
        to: call.to,
        source: call.source.to_string(),
        sip_user: call.sip_user,
        carrier: call.carrier,
        started: call.started,
        answered: call.answered,
        decisions: Vec::new(),
        quality: Vec::new(),
    }
}
