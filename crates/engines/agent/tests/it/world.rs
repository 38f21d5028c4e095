//! A caller, a called party, and a link that may lose, repeat and delay what they send.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use agent::{
    Agent, Answering, CallId, CallOrder, Cause, Config, Ended, Event, Input, Output, Trace, Traced,
    Way,
};
use media::{Channel, LocalPort};
use sip_message::Flow;

/// The instant that virtual time starts at; only differences from it matter.
#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin; tests add to it")]
pub(crate) fn start() -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    *START
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const CALLER: &str = "192.0.2.1:5060";
pub(crate) const CALLED: &str = "192.0.2.2:5060";
/// RTP port pairs that each agent has.
const PORT_PAIRS: u16 = 8;

/// A small generator of pseudorandom numbers (SplitMix64).
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ it >> 31) % bound
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) loss_percent: u64,
    pub(crate) repeat_percent: u64,
    pub(crate) delay_ms_max: u64,
}

impl Link {
    pub(crate) const PERFECT: Self = Self { loss_percent: 0, repeat_percent: 0, delay_ms_max: 1 };
}

#[derive(Debug)]
struct Parcel {
    at: Instant,
    order: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) caller: Agent,
    pub(crate) called: Agent,
    pub(crate) now: Instant,
    pub(crate) link: Link,
    pub(crate) rng: Rng,
    wire: Vec<Parcel>,
    posted: u64,
    /// What happened at the caller's end, in order.
    pub(crate) events: Vec<(CallId, Event)>,
    /// What happened at the called end, in order.
    pub(crate) called_events: Vec<(CallId, Event)>,
    pub(crate) ladder: Vec<Traced>,
}

fn ports() -> Input<'static> {
    let pairs = (0..PORT_PAIRS).map(|at| LocalPort::parse(20_000 + 2 * at).unwrap());
    Input::PortsReady(pairs.collect())
}

impl World {
    pub(crate) fn new(answering: Answering) -> Self {
        Self::with(|config| config.answering = answering)
    }

    /// A world whose called party is configured otherwise than usual.
    pub(crate) fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let traced = |address: &str| Config {
            trace: Trace::Messages,
            ..Config::new(address.parse().unwrap())
        };
        let mut called = Config { product: "called", ..traced(CALLED) };
        configure(&mut called);
        let mut world = Self {
            caller: Agent::new(traced(CALLER), [1; 32]),
            called: Agent::new(called, [2; 32]),
            now: start(),
            link: Link::PERFECT,
            rng: Rng(1),
            wire: Vec::new(),
            posted: 0,
            events: Vec::new(),
            called_events: Vec::new(),
            ladder: Vec::new(),
        };
        world.caller.handle_input(start(), ports());
        world.called.handle_input(start(), ports());
        world
    }

    pub(crate) fn order(number: &str) -> CallOrder {
        let flow = Flow::udp(CALLER.parse().unwrap(), CALLED.parse().unwrap());
        CallOrder::new(flow, "sip:+12065550199@192.0.2.1", format!("sip:{number}@192.0.2.2"))
    }

    pub(crate) fn call(&mut self, order: CallOrder) -> CallId {
        let id = self.caller.call(self.now, order);
        self.drain();
        id
    }

    fn post(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let copies = 1 + u64::from(self.rng.below(100) < self.link.repeat_percent);
        for _ in 0..copies {
            if self.rng.below(100) >= self.link.loss_percent {
                let at = self.now + ms(self.rng.below(self.link.delay_ms_max + 1));
                self.posted += 1;
                let order = self.posted;
                self.wire.push(Parcel { at, order, from, to, bytes: bytes.clone() });
            }
        }
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.caller.poll_output() {
            self.take(output, CALLER);
        }
        while let Some(output) = self.called.poll_output() {
            self.take(output, CALLED);
        }
    }

    fn take(&mut self, output: Output, side: &str) {
        match output {
            Output::Send { flow, bytes } => self.post(flow.local, flow.remote, bytes),
            Output::Media { port, channel, to, bytes } => {
                let port = if channel == Channel::Rtp { port.rtp() } else { port.rtcp() };
                let from = SocketAddr::new(side.parse::<SocketAddr>().unwrap().ip(), port);
                self.post(from, to, bytes);
            }
            Output::Event { call, event } if side == CALLER => self.events.push((call, event)),
            Output::Event { call, event } => self.called_events.push((call, event)),
            Output::Traced(traced) if side == CALLER => self.ladder.push(traced),
            Output::Traced(_) => {}
        }
    }

    /// Lets time pass until nothing is left to happen before `end`.
    pub(crate) fn run_until(&mut self, end: Duration) {
        self.drain();
        let end = start() + end;
        while let Some(at) = self.next_moment().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.caller.handle_timeout(self.now);
            self.called.handle_timeout(self.now);
            self.drain();
            while let Some(at) = self.first_due() {
                let parcel = self.wire.swap_remove(at);
                self.deliver(parcel);
                self.drain();
            }
        }
        self.now = self.now.max(end);
    }

    /// Delivers what is on the wire now, and nothing that comes of it.
    pub(crate) fn run_one(&mut self) {
        self.drain();
        for parcel in std::mem::take(&mut self.wire) {
            self.deliver(parcel);
        }
    }

    fn next_moment(&self) -> Option<Instant> {
        let wire = self.wire.iter().map(|it| it.at).min();
        let caller = self.caller.poll_timeout().map(|it| it.0);
        let called = self.called.poll_timeout().map(|it| it.0);
        [wire, caller, called].into_iter().flatten().min()
    }

    fn first_due(&self) -> Option<usize> {
        let due = self.wire.iter().enumerate().filter(|(_, it)| it.at <= self.now);
        due.min_by_key(|(_, it)| (it.at, it.order)).map(|(at, _)| at)
    }

    fn deliver(&mut self, parcel: Parcel) {
        let Parcel { from, to, mut bytes, .. } = parcel;
        let caller = to.ip() == CALLER.parse::<SocketAddr>().unwrap().ip();
        let agent = if caller { &mut self.caller } else { &mut self.called };
        let input = if to.port() == 5060 {
            Input::Message { flow: Flow::udp(to, from), bytes: &bytes }
        } else {
            Input::Media { port: to.port(), from, packet: &mut bytes }
        };
        agent.handle_input(self.now, input);
    }

    /// The end of a call at the caller's side.
    pub(crate) fn ended(&self, call: CallId) -> Option<&Ended> {
        ended(&self.events, call)
    }

    pub(crate) fn cause(&self, call: CallId) -> Option<Cause> {
        self.ended(call).map(|it| it.cause)
    }

    /// Everything the caller sent and heard, as `> INVITE`, `< 200 OK`.
    pub(crate) fn messages(&self) -> Vec<String> {
        let arrow = |way| if way == Way::Sent { '>' } else { '<' };
        self.ladder.iter().map(|it| format!("{} {}", arrow(it.way), it.summary)).collect()
    }

    /// Asserts that both sides hold nothing any more.
    pub(crate) fn assert_clean(&self, context: &str) {
        for (agent, side) in [(&self.caller, "caller"), (&self.called, "called")] {
            assert_eq!(agent.calls(), 0, "{side}: {context}");
            assert_eq!(agent.ports_free(), usize::from(PORT_PAIRS), "{side}: {context}");
        }
    }
}

pub(crate) fn ended(events: &[(CallId, Event)], call: CallId) -> Option<&Ended> {
    events.iter().find_map(|(id, event)| match event {
        Event::Ended(ended) if *id == call => Some(&**ended),
        Event::Ended(_)
        | Event::Incoming { .. }
        | Event::Challenged { .. }
        | Event::Progress { .. }
        | Event::Answered
        | Event::PeerHold(_)
        | Event::Hold(_)
        | Event::HoldRefused { .. }
        | Event::OptionsAnswered { .. } => None,
    })
}
