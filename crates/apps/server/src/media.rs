//! The media thread: one relay over the pool of RTP sockets.
//!
//! A plain thread that waits for packets and for orders. Packets are decided by `media::Relay` and
//! leave at once; orders come from the signalling thread on a bounded queue, and what the relay has
//! to tell goes back. It holds no lock, allocates nothing for a packet, and logs none.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError, TrySendError};
use std::thread::JoinHandle;
use std::time::Instant;

use call::{MediaCommand, MediaEvent};
use media::{Drops, Gaps, LocalPort, OpenError, PortRange, Relay, RelayConfig};
use net::{Forward, PacketHandler, RtpCounters, RtpPool, RtpPoolConfig, Waker};
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use crate::config::{CallsConfig, MediaConfig};
use crate::credentials::random;

/// Orders that may wait; the signalling thread waits for a place beyond them.
const ORDERS_WAITING_MAX: usize = 4096;
/// Words that may wait for the signalling thread, apart from those that end a call's media.
const EVENTS_WAITING_MAX: usize = 4096;
/// Port pairs bound at the start: a burst of 128 calls.
const PAIRS_AT_START: usize = 256;

/// What the media thread is asked.
#[derive(Debug)]
pub(crate) enum Order {
    /// What the call engine wants of the relay.
    Relay(MediaCommand),
    /// Bind more port pairs; they come back as [`Word::Ports`].
    Grow(usize),
    /// Tell the counters.
    Count(oneshot::Sender<MediaCounters>),
    /// Stop.
    Stop,
    /// Break, as no thread should.
    #[cfg(test)]
    Panic,
}

/// What the media thread says.
#[derive(Debug)]
pub(crate) enum Word {
    /// What the call engine is told.
    Media(MediaEvent),
    /// Pairs that have been bound; none if there are no more.
    Ports(Vec<LocalPort>),
}

/// What the media thread has counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaCounters {
    /// Datagrams in and out.
    pub(crate) packets: RtpCounters,
    /// Packets that went no further, by reason.
    pub(crate) drops: Drops,
    /// Holes in the numbering of what peers sent.
    pub(crate) gaps: Gaps,
    /// Calls whose media is open.
    pub(crate) calls: usize,
    /// Port pairs that are bound.
    pub(crate) pairs_bound: usize,
    /// Words that nobody came to hear.
    pub(crate) events_lost: u64,
}

/// The other threads' end.
#[derive(Debug, Clone)]
pub(crate) struct MediaHandle {
    orders: SyncSender<Order>,
    waker: Waker,
}

impl MediaHandle {
    /// Gives an order; waits while too many wait already. The thread sees it before the next packet,
    /// or once it is woken.
    pub(crate) fn order(&self, order: Order) {
        if let Err(TrySendError::Full(order)) = self.orders.try_send(order) {
            self.waker.wake();
            // The thread is gone only while the process ends.
            let _ = self.orders.send(order);
        }
    }

    /// Has the thread look at its orders now.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// The counters as they are now; `None` if the thread is busy or gone.
    pub(crate) async fn counters(&self) -> Option<MediaCounters> {
        let (answer, answered) = oneshot::channel();
        self.orders.try_send(Order::Count(answer)).ok()?;
        self.waker.wake();
        answered.await.ok()
    }
}

/// The words of the media thread, oldest first.
#[derive(Debug)]
pub(crate) struct Words {
    events: Receiver<Word>,
    /// Ends of media and new ports: never lost, and bounded by what was ordered.
    answers: Receiver<Word>,
}

impl Words {
    /// The next word, if there is one.
    pub(crate) fn next(&self) -> Option<Word> {
        self.answers.try_recv().or_else(|_| self.events.try_recv()).ok()
    }
}

/// The media thread before it runs.
pub(crate) struct MediaThread {
    pool: RtpPool,
    relay: Relaying,
    orders: Receiver<Order>,
    events: SyncSender<Word>,
    answers: Sender<Word>,
    /// Wakes whoever hears the words.
    hearer: Option<Waker>,
}

/// Why media cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MediaStartError {
    /// No socket could be bound.
    #[error("cannot bind RTP ports on {address}: {error}; check media.address and media.port_min")]
    Bind {
        /// The address asked for.
        address: IpAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The system does not give what packets come and go by.
    #[error("media.backend cannot be used here: {0}; set it to epoll, or to auto")]
    Backend(#[source] std::io::Error),
    /// Every port of the range is taken.
    #[error(
        "every RTP port from {} to {} is taken by other programs; widen media.port_min and media.port_max",
        range.start(), range.end()
    )]
    AllTaken {
        /// The range.
        range: RangeInclusive<u16>,
    },
}

impl MediaThread {
    /// Binds the first ports.
    pub(crate) fn bind(
        config: &MediaConfig,
        calls: &CallsConfig,
    ) -> Result<(Self, MediaHandle, Words), MediaStartError> {
        let range = config.ports.clone().unwrap_or_else(any_range);
        let bind_error = |error| MediaStartError::Bind { address: config.address, error };
        let pool_config = RtpPoolConfig {
            address: config.address,
            port_min: *range.start(),
            port_max: *range.end(),
            backend: config.backend,
            gather: config.gather,
        };
        let mut pool = RtpPool::new(pool_config).map_err(MediaStartError::Backend)?;
        let backend = pool.backend();
        info!(?backend, "media packets come and go by this");
        let ports = pool.grow(PAIRS_AT_START).map_err(bind_error)?;
        if ports.is_empty() {
            return Err(MediaStartError::AllTaken { range });
        }
        let (order_sender, orders) = mpsc::sync_channel(ORDERS_WAITING_MAX);
        let (event_sender, events) = mpsc::sync_channel(EVENTS_WAITING_MAX);
        let (answer_sender, answers) = mpsc::channel();
        let handle = MediaHandle { orders: order_sender, waker: pool.waker() };
        let first = Word::Ports(local_ports(&ports));
        answer_sender.send(first).expect("the receiver is at hand");
        let thread = Self {
            pool,
            relay: Relaying {
                relay: Relay::new(relay_config(config, calls, &range)),
                now: Instant::now(),
            },
            orders,
            events: event_sender,
            answers: answer_sender,
            hearer: None,
        };
        Ok((thread, handle, Words { events, answers }))
    }

    /// Runs on a thread of its own until told to stop.
    pub(crate) fn spawn(mut self, hearer: Waker) -> std::io::Result<JoinHandle<()>> {
        self.hearer = Some(hearer);
        std::thread::Builder::new().name("media".into()).spawn(move || self.run())
    }

    fn run(mut self) {
        loop {
            let timeout = self
                .relay
                .relay
                .poll_timeout()
                .map(|(at, _why)| at.saturating_duration_since(Instant::now()));
            if let Err(error) = self.pool.wait(timeout) {
                error!(%error, "the media thread cannot wait for packets and ends");
                return;
            }
            self.relay.now = Instant::now();
            // Orders first: a packet may be of a call whose opening still waits.
            if self.obey() == Obeyed::Stop {
                return;
            }
            self.pool.receive(&mut self.relay);
            self.relay.relay.handle_timeout(self.relay.now);
            self.tell_events();
        }
    }

    fn obey(&mut self) -> Obeyed {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Relay(command)) => self.relay_order(command),
                Ok(Order::Grow(pairs)) => self.grow(pairs),
                Ok(Order::Count(answer)) => {
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(self.counters());
                }
                #[cfg(test)]
                Ok(Order::Panic) => panic!("a test asked for it"),
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return Obeyed::Stop,
                Err(TryRecvError::Empty) => return Obeyed::GoOn,
            }
        }
    }

    fn relay_order(&mut self, command: MediaCommand) {
        let now = self.relay.now;
        match command {
            MediaCommand::Open { call, legs } => match self.relay.relay.open(now, call, *legs) {
                Ok(()) => {}
                Err(
                    error @ (OpenError::CallExists(_)
                    | OpenError::PortOutOfRange(_)
                    | OpenError::PortTaken(_)),
                ) => error!(%error, "a call's media could not be opened; the call will be silent"),
            },
            MediaCommand::Update { call, side, terms } => {
                if let Err(unknown) = self.relay.relay.update(now, call, side, *terms) {
                    warn!(error = %unknown, "a call's media could not be changed");
                }
            }
            MediaCommand::Replace { call, side, terms } => {
                if let Err(unknown) = self.relay.relay.replace(now, call, side, *terms) {
                    warn!(error = %unknown, "a call's media could not be changed");
                }
            }
            MediaCommand::Press { call, side, press } => {
                if let Err(error) = self.relay.relay.press(call, side, press) {
                    debug!(%error, "a digit is lost");
                }
            }
            MediaCommand::Close { call } => {
                let quality = self.relay.relay.close(call).ok().map(Box::new);
                // The signalling thread looks for it while it expects one: no wake for each call.
                self.answer(Word::Media(MediaEvent::Closed { call, quality }));
            }
        }
    }

    fn grow(&mut self, pairs: usize) {
        let ports = self.pool.grow(pairs).unwrap_or_else(|error| {
            warn!(%error, bound = self.pool.bound(), "no more RTP ports could be bound");
            Vec::new()
        });
        self.answer(Word::Ports(local_ports(&ports)));
        self.wake_hearer();
    }

    fn tell_events(&mut self) {
        while let Some(event) = self.relay.relay.poll_event() {
            let is_urgent = matches!(
                event,
                media::Event::Silent { .. }
                    | media::Event::OneWay { .. }
                    | media::Event::Dtmf { .. }
            );
            match self.events.try_send(Word::Media(MediaEvent::Relay(event))) {
                Ok(()) if is_urgent => self.wake_hearer(),
                Ok(()) => {}
                // The relay keeps and counts what is not polled, and tells of a silence again; but
                // a hearer that sleeps would never make room.
                Err(TrySendError::Full(_)) => return self.wake_hearer(),
                // The hearer is gone only while the process ends.
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }

    fn answer(&self, word: Word) {
        // The hearer is gone only while the process ends.
        let _ = self.answers.send(word);
    }

    fn wake_hearer(&self) {
        if let Some(hearer) = &self.hearer {
            hearer.wake();
        }
    }

    fn counters(&self) -> MediaCounters {
        let relay = &self.relay.relay;
        MediaCounters {
            packets: self.pool.counters(),
            drops: *relay.drops(),
            gaps: relay.gaps(),
            calls: relay.calls(),
            pairs_bound: self.pool.bound(),
            events_lost: relay.events_lost(),
        }
    }
}

/// What came of the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obeyed {
    GoOn,
    Stop,
}

/// The relay as the pool's handler. `now` is read once per batch.
struct Relaying {
    relay: Relay,
    now: Instant,
}

impl PacketHandler for Relaying {
    fn packet(
        &mut self,
        port: u16,
        from: SocketAddr,
        buffer: &mut [u8],
        len: usize,
    ) -> Option<Forward> {
        // A refusal is counted by the relay under its reason.
        let sent = self.relay.handle_in(self.now, port, from, buffer, len).ok()?;
        Some(Forward { from: sent.from, to: sent.to, len: sent.len })
    }

    fn not_sent(&mut self, forward: Forward, packet: &[u8]) {
        let Forward { from, to, len } = forward;
        self.relay.not_sent(media::Sent { from, to, len }, packet);
    }
}

fn relay_config(
    config: &MediaConfig,
    calls: &CallsConfig,
    range: &RangeInclusive<u16>,
) -> RelayConfig {
    let ports = PortRange::parse(*range.start(), *range.end())
        .expect("the configuration leaves room for four ports at least");
    let mut own_addresses = vec![config.address, config.advertised_address];
    own_addresses.extend(config.advertised.iter().map(|it| it.address));
    own_addresses.dedup();
    RelayConfig {
        own_addresses,
        first_packet_timeout: Some(config.first_packet_max),
        silence_timeout: Some(calls.silence_max),
        one_way_after: config.one_way_after,
        packets_per_second_max: config.packets_per_second_max,
        unverified: config.unheard,
        ..RelayConfig::new(ports)
    }
}

/// A range that begins anywhere in the upper half of the ports, so that servers on one machine
/// (tests, above all) rarely ask for the same ones.
fn any_range() -> RangeInclusive<u16> {
    let [high, low] = random();
    let offset = u16::from_be_bytes([high, low]) % 24_000;
    (32_768 + offset / 2 * 2)..=65_535
}

fn local_ports(ports: &[u16]) -> Vec<LocalPort> {
    ports
        .iter()
        .map(|port| LocalPort::parse(*port).expect("the pool binds even ports for RTP"))
        .collect()
}
