//! The trunk under test: the call engine and its relay, wired as the server wires them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use call::{
    Change, Config, Directory, DtmfPolicy, Engine, Input, Listener, MediaCommand, MediaEvent, Now,
    Output, ReliableProgress, Seeds,
};
use media::srtp::TRAILER_BYTES_MAX;
use media::{CallMediaId, PortRange, Protection, Relay, RelayConfig, Side};
use model::{CallRecord, UnixMillis};
use sip_core::session::Policy;
use sip_message::{Flow, Transport};

use crate::customer::{self, TRUNK, socket};
use crate::encryption::Encryption;

const UNIX_START: u64 = 1_795_428_672_345;

/// The engines of one shard, and what they have written down.
#[derive(Debug)]
pub struct Service {
    /// The B2BUA.
    pub engine: Engine,
    /// Its relay.
    pub relay: Relay,
    /// Call records, in the order they were written.
    pub records: Vec<CallRecord>,
    directory: Directory,
    start: Instant,
    port_pairs: usize,
    /// The RTP ports of calls that are open, each with what its leg is told to be protected by.
    legs: BTreeMap<(CallMediaId, Side), (u16, Protects)>,
}

/// Whether a leg's packets are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protects {
    Nothing,
    All,
}

impl Protects {
    fn of(protection: &Protection) -> Self {
        match protection {
            Protection::Clear | Protection::Awaited => Self::Nothing,
            Protection::Srtp(_) => Self::All,
        }
    }
}

/// What a world of rude parties sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// What reaches the carriers.
    pub(crate) carriers: [Transport; 2],
    /// How long an answered call may last.
    pub(crate) duration: Duration,
    pub(crate) session: Option<Policy>,
    pub(crate) reliable: ReliableProgress,
    pub(crate) dtmf: DtmfPolicy,
}

/// A datagram that the service wants sent.
pub(crate) type Datagram = (SocketAddr, SocketAddr, Vec<u8>);

impl Service {
    pub(crate) fn new(start: Instant, seed: u8, encryption: Encryption) -> Self {
        let us = socket(TRUNK);
        let listener = Listener { transport: Transport::Udp, local: us, advertised: us };
        let config = Config::new(vec![listener], us.ip());
        Self::with(start, seed, config, customer::directory(encryption.carriers))
    }

    /// A trunk without digest, over UDP and TCP, with settings of its own.
    pub(crate) fn set(start: Instant, seed: u8, setting: Setting) -> Self {
        let us = socket(TRUNK);
        let listener = |transport| Listener { transport, local: us, advertised: us };
        let listeners = [Transport::Udp, Transport::Tcp].map(listener);
        let mut config = Config::new(listeners.into(), us.ip());
        config.patience.duration = setting.duration;
        config.session = setting.session;
        config.reliable = setting.reliable;
        config.dtmf = setting.dtmf;
        Self::with(start, seed, config, customer::open_directory(setting.carriers))
    }

    fn with(start: Instant, seed: u8, config: Config, content: Vec<Change>) -> Self {
        let seeds = Seeds { random: [seed; 32], nonce_secret: [8; 16], process: 9 };
        let ports = PortRange::parse(20_000, 20_099).expect("an even range");
        let mut directory = Directory::new();
        content.into_iter().for_each(|change| directory.apply(change));
        let mut service = Self {
            engine: Engine::new(config, &seeds),
            relay: Relay::new(RelayConfig::new(ports)),
            records: Vec::new(),
            directory,
            start,
            port_pairs: ports.pairs(),
            legs: BTreeMap::new(),
        };
        let bound = (0..ports.pairs()).filter_map(|index| ports.port(index)).collect();
        service.put(start, Input::PortsReady(bound));
        service
    }

    fn now(&self, instant: Instant) -> Now {
        let since = instant.duration_since(self.start);
        Now { instant, unix: UnixMillis(UNIX_START + since.as_millis() as u64) }
    }

    pub(crate) fn put(&mut self, now: Instant, input: Input<'_>) {
        self.engine.handle_input(self.now(now), input, &self.directory);
    }

    /// Takes a datagram; gives what the relay made of it.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &mut [u8],
    ) -> Option<Datagram> {
        if to == socket(TRUNK) {
            self.put(now, Input::Message { flow: Flow::udp(to, from), bytes });
            return None;
        }
        let mut buffer = [&*bytes, &[0; TRAILER_BYTES_MAX]].concat();
        let sent = self.relay.handle_in(now, to.port(), from, &mut buffer, bytes.len()).ok()?;
        buffer.truncate(sent.len);
        Some((SocketAddr::new(to.ip(), sent.from), sent.to, buffer))
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.relay.handle_timeout(now);
        self.engine.handle_timeout(self.now(now), &self.directory);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let relay = self.relay.poll_timeout().map(|it| it.0);
        let engine = self.engine.poll_timeout().map(|it| it.0);
        [relay, engine].into_iter().flatten().min()
    }

    /// Carries out what the engine wants until it wants nothing; gives what is to be sent.
    pub(crate) fn drain(&mut self, now: Instant) -> Vec<Datagram> {
        let sent = self.drain_flows(now).into_iter();
        sent.map(|(flow, bytes)| (flow.local, flow.remote, bytes)).collect()
    }

    /// The same, with the flow that each message is to leave on.
    pub(crate) fn drain_flows(&mut self, now: Instant) -> Vec<(Flow, Vec<u8>)> {
        let mut sent = Vec::new();
        loop {
            let mut said = Vec::new();
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::Send { flow, bytes } => sent.push((flow, bytes)),
                    Output::Media(command) => said.extend(self.order(now, command)),
                    Output::Record(record) => self.records.push(*record),
                    Output::Health(_) | Output::Peer(_) => {}
                }
            }
            said.extend(std::iter::from_fn(|| self.relay.poll_event()).map(MediaEvent::Relay));
            if said.is_empty() {
                return sent;
            }
            for event in said {
                self.put(now, Input::Media(event));
            }
        }
    }

    fn order(&mut self, now: Instant, command: MediaCommand) -> Option<MediaEvent> {
        match command {
            MediaCommand::Open { call, legs } => {
                for (side, leg) in [Side::A, Side::B].into_iter().zip(legs.iter()) {
                    let protects = Protects::of(&leg.terms.protection);
                    self.legs.insert((call, side), (leg.port.rtp(), protects));
                }
                self.relay.open(now, call, *legs).expect("ports are free and names are new");
                None
            }
            MediaCommand::Update { call, side, terms } => {
                let leg = self.legs.get_mut(&(call, side)).expect("the call is open");
                leg.1 = Protects::of(&terms.protection);
                self.relay.update(now, call, side, *terms).expect("the call is open");
                None
            }
            MediaCommand::Replace { call, side, terms } => {
                self.relay.replace(now, call, side, *terms).expect("the call is open");
                None
            }
            MediaCommand::Press { call, side, press } => {
                // A party may press more keys than there is audio to put them into.
                let _ = self.relay.press(call, side, press);
                None
            }
            MediaCommand::Close { call } => {
                self.legs.retain(|(of, _), _| *of != call);
                let quality = self.relay.close(call).ok().map(Box::new);
                Some(MediaEvent::Closed { call, quality })
            }
        }
    }

    /// Whether packets to a port, RTP's or RTCP's, belong to a leg that is encrypted now.
    pub(crate) fn encrypts(&self, port: u16) -> bool {
        self.legs.values().any(|leg| *leg == (port & !1, Protects::All))
    }

    /// Media port pairs that there are.
    #[must_use]
    pub fn port_pairs(&self) -> usize {
        self.port_pairs
    }
}
