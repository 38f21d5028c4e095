//! The signalling thread: the one loop that touches the world of SIP.
//!
//! Drain what the engine wants done, wait for one thing, feed the engine, repeat. It has no `if`
//! about SIP in it: every decision is the engine's.

mod closed;
pub(crate) mod live;
mod sockets;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::Cache;
use call::{Command, Directory, Engine, Input, MediaCommand, Now, Output};
use model::UnixMillis;
use net::{BATCH, Clock, Ready, Reused, StreamEvent};
use sip_message::Flow;
use tokio::sync::oneshot;
use tracing::{debug, error, info};

use crate::flight::FlightRecorder;
use crate::media::{MediaHandle, Order, Word, Words};
use crate::projection::SharedDirectory;
use crate::records::Recorder;
use closed::Handshakes;
use live::{Ask, SignallingCounters, Work};
pub(crate) use sockets::Sockets;

/// Port pairs that should be free for the next calls; fewer, and more are bound. One batch of
/// datagrams may hold 64 INVITEs, and each call takes two pairs.
const PAIRS_FREE_MIN: usize = 192;
/// Port pairs that are bound at a time: packets wait for a millisecond or two meanwhile.
const PAIRS_GROWTH: usize = 64;

/// Batches of datagrams read in a row before streams, timers and orders get their turn: a flood must
/// not stop the clock. What is left is told again.
const BATCHES_MAX: usize = 16;

/// How long an order may lie before the media thread is woken for it. It looks at its orders before
/// each packet anyway, so only what must happen without packets needs the wake.
const ORDER_REST: Duration = Duration::from_millis(250);
/// The same for the end of a call's media, which the call's record waits for.
const CLOSE_REST: Duration = Duration::from_millis(20);
/// How often the media thread's answers are looked for while one is expected.
const ANSWER_LOOK: Duration = Duration::from_millis(25);

/// How long the last answers are waited for when the service stops.
const FINISH_MAX: Duration = Duration::from_secs(1);
/// How often they are looked for then.
const FINISH_LOOK: Duration = Duration::from_millis(1);

/// What the loop works with.
pub(crate) struct Signalling {
    pub(crate) sockets: Sockets,
    pub(crate) engine: Engine,
    pub(crate) directory: SharedDirectory,
    pub(crate) media: MediaHandle,
    pub(crate) words: Words,
    pub(crate) recorder: Recorder,
    pub(crate) asks: Receiver<Ask>,
    pub(crate) clock: Clock,
    pub(crate) flight: FlightRecorder,
}

/// The loop and what it remembers from turn to turn.
struct Loop {
    sockets: Sockets,
    engine: Engine,
    directory: Cache<SharedDirectory, Arc<Directory>>,
    media: MediaHandle,
    words: Words,
    recorder: Recorder,
    asks: Receiver<Ask>,
    clock: Clock,
    flight: FlightRecorder,
    /// What the engine wants done, in order.
    outputs: Vec<Output>,
    /// When the media thread must be woken for the orders it has.
    wake_media_at: Option<Instant>,
    /// Ends of media that were ordered, and those of them that were answered, in the same order.
    closes: Closes,
    /// Who waits for the ends of media that were ordered before they asked.
    settling: Vec<(u64, oneshot::Sender<()>)>,
    ports: PortSupply,
    handshakes: Handshakes,
}

/// Ends of media since the loop began.
#[derive(Debug, Clone, Copy, Default)]
struct Closes {
    ordered: u64,
    answered: u64,
}

impl Closes {
    fn are_open(self) -> bool {
        self.answered < self.ordered
    }
}

/// Whether more ports can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortSupply {
    /// They can be ordered.
    Open,
    /// An order is under way.
    Ordered,
    /// The range is used up.
    Exhausted,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Again,
    Stop,
}

impl Signalling {
    /// Runs on a thread of its own until told to stop.
    pub(crate) fn spawn(self) -> std::io::Result<JoinHandle<()>> {
        let turning = Loop {
            sockets: self.sockets,
            engine: self.engine,
            directory: Cache::new(self.directory),
            media: self.media,
            words: self.words,
            recorder: self.recorder,
            asks: self.asks,
            clock: self.clock,
            flight: self.flight,
            outputs: Vec::new(),
            wake_media_at: None,
            closes: Closes::default(),
            settling: Vec::new(),
            // The media thread binds the first ones unasked.
            ports: PortSupply::Ordered,
            handshakes: Handshakes::default(),
        };
        std::thread::Builder::new().name("signalling".into()).spawn(move || turning.run())
    }
}

impl Loop {
    fn run(mut self) {
        // The media thread has told of the first ports before this loop began.
        self.take_words(self.now());
        loop {
            let now = self.now();
            let retry = self.settle(now);
            let ready = match self.sockets.wait(self.patience(now.instant, retry)) {
                Ok(ready) => ready,
                Err(error) => {
                    error!(%error, "the signalling thread cannot wait for messages and ends");
                    return;
                }
            };
            let now = self.now();
            let turn = self.take(now, &ready);
            self.sockets.give_back(ready);
            if turn == Turn::Stop {
                self.finish();
                return;
            }
        }
    }

    /// Waits for the media thread's last answers, without which the last calls have no record, and
    /// sends what is left to send.
    fn finish(&mut self) {
        let end = self.now().instant + FINISH_MAX;
        loop {
            let now = self.now();
            self.take_words(now);
            self.settle(now);
            if !self.closes.are_open() || now.instant >= end {
                return;
            }
            self.media.wake();
            // Nothing but the answers matters any more; what comes in meanwhile is left unread.
            std::thread::sleep(FINISH_LOOK);
        }
    }

    fn now(&self) -> Now {
        let net::Now { instant, unix_ms } = self.clock.now();
        Now { instant, unix: UnixMillis(unix_ms) }
    }

    /// How long the next wait may be.
    fn patience(&self, now: Instant, retry: Option<Duration>) -> Option<Duration> {
        let engine = self.engine.poll_timeout().map(|(at, _why)| at);
        let answer = self.closes.are_open().then(|| now + ANSWER_LOOK);
        let retry = retry.map(|after| now + after);
        [engine, answer, retry, self.wake_media_at, self.sockets.streams.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.saturating_duration_since(now))
    }

    /// Takes in everything that has happened.
    fn take(&mut self, now: Now, ready: &[Ready]) -> Turn {
        let mut turn = Turn::Again;
        for ready in ready {
            if ready.token == sockets::UDP {
                self.take_datagrams(now);
            } else if ready.token == sockets::WAKER {
                self.sockets.waker.acknowledge();
                turn = self.take_asks(now);
            } else if self.sockets.streams.owns(ready.token) {
                self.take_stream(now, ready);
            }
        }
        self.take_words(now);
        self.take_closed(now);
        self.sockets.streams.handle_timeout(now.instant, &self.sockets.reactor);
        let directory = self.directory.load();
        self.engine.handle_timeout(now, directory);
        drain(&mut self.engine, &mut self.outputs);
        turn
    }

    /// Reads datagrams, up to 16 batches. Each batch is answered before the next is read.
    fn take_datagrams(&mut self, now: Now) {
        for _ in 0..BATCHES_MAX {
            let count = match self.sockets.udp.recv() {
                Ok(count) => count,
                Err(error) => {
                    error!(%error, "the SIP socket cannot be read");
                    return;
                }
            };
            let directory = self.directory.load();
            let local = self.sockets.udp.local();
            for datagram in self.sockets.udp.received() {
                let flow = Flow::udp(local, datagram.from);
                self.flight.received(now, &flow, datagram.bytes);
                let input = Input::Message { flow, bytes: datagram.bytes };
                self.engine.handle_input(now, input, directory);
                drain(&mut self.engine, &mut self.outputs);
            }
            if count < BATCH {
                return;
            }
            self.settle(now);
        }
    }

    fn take_stream(&mut self, now: Now, ready: &Ready) {
        let Self { sockets, engine, directory, outputs, flight, .. } = self;
        let directory = directory.load();
        let Sockets { streams, reactor, .. } = sockets;
        streams.handle_ready(now.instant, reactor, ready, |event| match event {
            StreamEvent::Message { flow, bytes } => {
                flight.received(now, &flow, bytes);
                engine.handle_input(now, Input::Message { flow, bytes }, directory);
                drain(engine, outputs);
            }
            StreamEvent::Broken { flow, error, bytes } => {
                debug!(remote = %flow.remote, %error, "a stream is not SIP and is closed");
                flight.received(now, &flow, bytes);
                // What came may be enough of a request to be answered.
                engine.handle_input(now, Input::Message { flow, bytes }, directory);
                drain(engine, outputs);
            }
        });
    }

    fn take_closed(&mut self, now: Now) {
        while let Some((flow, reason)) = self.sockets.streams.poll_closed() {
            let input = self.handshakes.note(now, flow, reason);
            self.feed(now, input);
        }
    }

    fn take_words(&mut self, now: Now) {
        while let Some(word) = self.words.next() {
            match word {
                Word::Media(event) => {
                    if matches!(event, call::MediaEvent::Closed { .. }) {
                        self.closes.answered += 1;
                    }
                    self.feed(now, Input::Media(event));
                }
                Word::Ports(ports) if ports.is_empty() => self.ports = PortSupply::Exhausted,
                Word::Ports(ports) => {
                    self.ports = PortSupply::Open;
                    self.feed(now, Input::PortsReady(ports));
                }
            }
        }
    }

    fn take_asks(&mut self, now: Now) -> Turn {
        loop {
            match self.asks.try_recv() {
                Ok(Ask::Stop) | Err(TryRecvError::Disconnected) => return Turn::Stop,
                Ok(Ask::Command(command)) => self.feed(now, Input::Command(command)),
                Ok(Ask::HangUp(transaction, answer)) => {
                    let known = self.engine.live_call(transaction).is_some();
                    self.feed(now, Input::Command(Command::HangUp { transaction }));
                    // Whoever asked may have stopped waiting; so below.
                    let _ = answer.send(known);
                }
                Ok(Ask::List { after, limit, answer }) => {
                    let _ = answer.send(self.engine.live_calls(after, limit));
                }
                Ok(Ask::Settle(answer)) => {
                    self.media.wake();
                    self.settling.push((self.closes.ordered, answer));
                }
                Ok(Ask::Messages(answer)) => {
                    let _ = answer.send(self.flight.current());
                }
                Ok(Ask::Peers(answer)) => {
                    let _ = answer.send(self.engine.peers().cloned().collect());
                }
                Ok(Ask::Talking(answer)) => {
                    let _ = answer.send(self.engine.talking().collect());
                }
                Ok(Ask::Count(answer)) => {
                    let _ = answer.send(self.counters());
                }
                #[cfg(test)]
                Ok(Ask::Panic) => panic!("a test asked for it"),
                Err(TryRecvError::Empty) => return Turn::Again,
            }
        }
    }

    fn counters(&self) -> SignallingCounters {
        SignallingCounters {
            calls_live: self.engine.calls_open(),
            work: if self.engine.is_idle() { Work::Done } else { Work::Left },
            ports: self.engine.ports(),
            peers: {
                let is_up = |it: &&call::PeerHealth| it.state == call::PeerState::Up;
                let (all, up) = (self.engine.peers().count(), self.engine.peers().filter(is_up));
                let up = up.count();
                (up, all - up)
            },
            places: self.places(),
            engine: self.engine.counters().clone(),
            repeats: *self.engine.repeats(),
            udp: self.sockets.udp.counters(),
            streams: self.sockets.streams.counters(),
            connections: self.sockets.streams.connections(),
            handshakes_failed: self.handshakes.failed(),
        }
    }

    /// As many places that calls go to as metrics name.
    fn places(&self) -> Vec<call::PeerHealth> {
        let (down, up): (Vec<_>, Vec<_>) =
            self.engine.peers().partition(|it| it.state == call::PeerState::Down);
        down.into_iter().chain(up).take(live::PLACES_NAMED_MAX).cloned().collect()
    }

    fn feed(&mut self, now: Now, input: Input<'_>) {
        let directory = self.directory.load();
        self.engine.handle_input(now, input, directory);
        drain(&mut self.engine, &mut self.outputs);
    }

    /// Does what the engine wants done, until it wants nothing more.
    fn settle(&mut self, now: Now) -> Option<Duration> {
        while !self.outputs.is_empty() {
            let mut outputs = std::mem::take(&mut self.outputs);
            for output in outputs.drain(..) {
                self.act(now, output);
            }
            // The list is given back unless acting on it has brought something new.
            if self.outputs.is_empty() {
                self.outputs = outputs;
                break;
            }
        }
        self.supply_ports();
        self.wake_media(now.instant);
        let retry = self.sockets.flush(now.instant);
        self.tell_settled();
        retry
    }

    fn act(&mut self, now: Now, output: Output) {
        match output {
            Output::Send { flow, bytes } => {
                let sent = self.sockets.send(now.instant, flow, &bytes);
                // The connection is known only now: it may be one that the peer made (RFC 5923).
                self.flight.sent(now, &self.sockets.streams.way(flow), &bytes);
                while let Some(Reused { asked, over }) = self.sockets.streams.poll_reused() {
                    info!(event = "connection_reused", to = %asked.remote, over = %over.remote,
                        "a reused connection of a peer that offered it (RFC 5923) takes requests");
                }
                if let Err(flow) = sent {
                    self.feed(now, Input::FlowFailed { flow });
                }
            }
            Output::Media(command) => {
                let rest = match &command {
                    MediaCommand::Open { .. }
                    | MediaCommand::Update { .. }
                    | MediaCommand::Replace { .. }
                    | MediaCommand::Press { .. } => ORDER_REST,
                    MediaCommand::Close { .. } => {
                        self.closes.ordered += 1;
                        CLOSE_REST
                    }
                };
                self.media.order(Order::Relay(command));
                let due = now.instant + rest;
                self.wake_media_at = Some(self.wake_media_at.map_or(due, |at| at.min(due)));
            }
            Output::Record(record) => self.recorder.record(*record),
            Output::Health(health) => self.recorder.health(health),
            Output::Peer(peer) => live::tell_peer(&peer),
        }
    }

    fn wake_media(&mut self, now: Instant) {
        if self.wake_media_at.is_some_and(|at| at <= now) {
            self.wake_media_at = None;
            self.media.wake();
        }
    }

    /// Answers those whose calls have all left their records.
    fn tell_settled(&mut self) {
        let answered = self.closes.answered;
        for (_, answer) in self.settling.extract_if(.., |(ordered, _)| *ordered <= answered) {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(());
        }
    }

    /// Orders more ports before the last ones are taken.
    fn supply_ports(&mut self) {
        let (free, _taken) = self.engine.ports();
        if self.ports == PortSupply::Open && free < PAIRS_FREE_MIN {
            self.ports = PortSupply::Ordered;
            self.media.order(Order::Grow(PAIRS_GROWTH));
            self.media.wake();
        }
    }
}

fn drain(engine: &mut Engine, outputs: &mut Vec<Output>) {
    while let Some(output) = engine.poll_output() {
        outputs.push(output);
    }
}
