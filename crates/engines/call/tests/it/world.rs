//! A world for one engine: virtual time, a real relay, and two hand-driven peers.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use call::{
    Change, Command, Config, Directory, Engine, Input, Listener, MediaCommand, MediaEvent, Now,
    Output, ResolvedCarrier, Seeds,
};
use media::{LocalPort, PortRange, Relay, RelayConfig};
use model::{
    AccountId, CallRecord, Carrier, CarrierCredential, CarrierName, DigestKeys, E164Number,
    NetworkType, PhoneNumber, Region, Secret, SipUser, Termination, TerminationHealth, UnixMillis,
    Username, VoiceConnector, VoiceConnectorId,
};
use sip_message::{Flow, Transport};

/// Where the engine is reached.
pub(crate) const US: &str = "203.0.113.1:5060";
/// The customer's PBX.
pub(crate) const PBX: &str = "192.0.2.10:5060";
/// The first carrier.
pub(crate) const CARRIER: &str = "198.51.100.20:5060";
/// Another carrier.
pub(crate) const CARRIER_2: &str = "198.51.100.30:5060";
/// A number of the account.
pub(crate) const OWNED: &str = "+12065550199";
/// A number to call.
pub(crate) const CALLED: &str = "+12065550100";
/// The PBX's password.
pub(crate) const PASSWORD: &str = "correct horse";

const UNIX_START: u64 = 1_795_428_672_345;

/// The connector's identifier.
pub(crate) fn connector_id() -> VoiceConnectorId {
    VoiceConnectorId::parse("dr3rbaar376u5r4ntcnlq4").unwrap()
}

/// The connector's outbound host name.
pub(crate) fn host() -> String {
    format!("{}.voiceconnector.localhost", connector_id())
}

/// A message the engine sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) text: String,
}

#[expect(clippy::disallowed_methods, reason = "an instant can be had in no other way")]
fn epoch() -> Instant {
    Instant::now()
}

/// One engine and everything around it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) directory: Directory,
    pub(crate) relay: Relay,
    pub(crate) records: Vec<CallRecord>,
    pub(crate) health: Vec<TerminationHealth>,
    /// Places that went down or came back.
    pub(crate) peers: Vec<call::PeerHealth>,
    pub(crate) sent: VecDeque<Sent>,
    /// Whether the media thread answers a close.
    pub(crate) media_answers: bool,
    start: Instant,
    elapsed: Duration,
}

impl World {
    /// A connector with a user and an allow list, an owned number, and one carrier.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let us: SocketAddr = US.parse().unwrap();
        let listener = |transport| Listener { transport, local: us, advertised: us };
        let listeners = [Transport::Udp, Transport::Tcp, Transport::Tls].map(listener);
        let mut config = Config::new(listeners.into(), us.ip());
        change(&mut config);
        let seeds = Seeds { random: [7; 32], nonce_secret: [8; 16], process: 9 };
        let ports = PortRange::parse(20_000, 20_019).unwrap();
        let mut world = Self {
            engine: Engine::new(config, &seeds),
            directory: Directory::new(),
            relay: Relay::new(RelayConfig::new(ports)),
            records: Vec::new(),
            health: Vec::new(),
            peers: Vec::new(),
            sent: VecDeque::new(),
            media_answers: true,
            start: epoch(),
            elapsed: Duration::ZERO,
        };
        let bound = (0..ports.pairs()).filter_map(|index| ports.port(index)).collect();
        world.put(Input::PortsReady(bound));
        world.apply(Change::PutConnector(connector()));
        world.apply(Change::PutTermination(termination()));
        world.apply(Change::PutUser(user("pbx")));
        world.own(OWNED);
        world.apply(Change::PutCarrier(carrier("first", CARRIER, 1)));
        world
    }

    /// A world whose connector admits its allow list without digest.
    pub(crate) fn without_users() -> Self {
        let mut world = Self::new();
        world.remove_users();
        world
    }

    pub(crate) fn remove_users(&mut self) {
        let username = Username::parse("pbx").unwrap();
        self.apply(Change::DeleteUser { connector: connector_id(), username });
    }

    pub(crate) fn apply(&mut self, change: Change) {
        self.directory.apply(change);
    }

    pub(crate) fn terminate(&mut self, change: impl FnOnce(&mut Termination)) {
        let mut changed = termination();
        change(&mut changed);
        self.apply(Change::PutTermination(changed));
    }

    pub(crate) fn own(&mut self, number: &str) {
        let number = E164Number::parse(number).unwrap();
        let phone = PhoneNumber::new(number, Some(AccountId::DEFAULT), UnixMillis(0));
        self.apply(Change::PutNumber(phone));
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            instant: self.start + self.elapsed,
            unix: UnixMillis(UNIX_START + u64::try_from(self.elapsed.as_millis()).unwrap()),
        }
    }

    /// Puts one input in and carries out what comes of it.
    pub(crate) fn put(&mut self, input: Input<'_>) {
        self.engine.handle_input(self.now(), input, &self.directory);
        self.drain();
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.put(Input::Command(command));
    }

    /// A datagram from an address.
    pub(crate) fn send(&mut self, from: &str, text: &str) {
        self.send_bytes(from, text.as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, from: &str, bytes: &[u8]) {
        let flow = Flow::udp(US.parse().unwrap(), from.parse().unwrap());
        self.put(Input::Message { flow, bytes });
    }

    /// A message over a stream.
    pub(crate) fn send_over(&mut self, transport: Transport, from: &str, text: &str) {
        let remote = from.parse().unwrap();
        let flow = Flow { transport, local: US.parse().unwrap(), remote, connection: 77 };
        self.put(Input::Message { flow, bytes: text.as_bytes() });
    }

    fn drain(&mut self) {
        let mut closed = Vec::new();
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let message = sip_message::Message::parse(&bytes).unwrap();
                    // A refusal for its grammar echoes the headers that it is about.
                    if !text.starts_with("SIP/2.0 400 ") && !text.starts_with("SIP/2.0 505 ") {
                        message.check().unwrap_or_else(|it| panic!("we sent {it}:\n{text}"));
                    }
                    self.sent.push_back(Sent { flow, text });
                }
                Output::Media(command) => closed.extend(self.order(command)),
                Output::Record(record) => self.records.push(*record),
                Output::Health(health) => self.health.push(health),
                Output::Peer(peer) => self.peers.push(*peer),
            }
        }
        for event in closed {
            self.put(Input::Media(event));
        }
    }

    fn order(&mut self, command: MediaCommand) -> Option<MediaEvent> {
        let now = self.now().instant;
        match command {
            MediaCommand::Open { call, legs } => {
                self.relay.open(now, call, *legs).expect("ports are free and names are new");
                None
            }
            MediaCommand::Update { call, side, terms } => {
                self.relay.update(now, call, side, *terms).expect("the call is open");
                None
            }
            MediaCommand::Replace { call, side, terms } => {
                self.relay.replace(now, call, side, *terms).expect("the call is open");
                None
            }
            MediaCommand::Press { call, side, press } => {
                self.relay.press(call, side, press).expect("the call is open");
                None
            }
            MediaCommand::Close { call } => {
                let quality = self.relay.close(call).ok().map(Box::new);
                self.media_answers.then_some(MediaEvent::Closed { call, quality })
            }
        }
    }

    /// Lets time pass, firing every timer on its way.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let end = self.elapsed + duration;
        loop {
            let due = self.engine.poll_timeout().map(|(at, _)| at.duration_since(self.start));
            match due.filter(|due| *due <= end) {
                Some(due) => self.elapsed = self.elapsed.max(due),
                None => break,
            }
            self.engine.handle_timeout(self.now(), &self.directory);
            self.drain();
        }
        self.elapsed = end;
    }

    /// Takes the oldest message to an address.
    pub(crate) fn take(&mut self, to: &str) -> Option<String> {
        let to: SocketAddr = to.parse().unwrap();
        let at = self.sent.iter().position(|it| it.flow.remote == to)?;
        self.sent.remove(at).map(|it| it.text)
    }

    /// Takes the oldest message to an address, which begins so.
    #[track_caller]
    pub(crate) fn expect(&mut self, to: &str, start: &str) -> String {
        let Some(text) = self.take(to) else {
            panic!("nothing was sent to {to}, expected {start}; sent: {:#?}", self.sent)
        };
        assert!(text.starts_with(start), "expected {start}, got:\n{text}");
        text
    }

    #[track_caller]
    pub(crate) fn expect_nothing(&mut self, to: &str) {
        if let Some(text) = self.take(to) {
            panic!("expected nothing to {to}, got:\n{text}");
        }
    }

    /// Forgets what was sent.
    pub(crate) fn forget_sent(&mut self) {
        self.sent.clear();
    }

    pub(crate) fn forget_sent_to(&mut self, to: &str) {
        while self.take(to).is_some() {}
    }

    #[track_caller]
    pub(crate) fn only_record(&self) -> &CallRecord {
        assert_eq!(self.records.len(), 1, "{:#?}", self.records);
        &self.records[0]
    }

    /// The record of the only call, once `peer` has answered its BYE.
    #[track_caller]
    pub(crate) fn only_record_after_bye(&mut self, peer: &str) -> &CallRecord {
        let bye = self.expect(peer, "BYE ");
        self.send(peer, &crate::peer::response(&bye, "200 OK", "", &[], None));
        self.only_record()
    }

    /// Everything that a call holds has been given back.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert!(self.engine.is_idle(), "a call is left: {:#?}", self.engine.live_calls(None, 9));
        assert_eq!(self.engine.calls_open(), 0);
        assert_eq!(self.engine.ports(), (10, 0), "(free, taken) pairs");
        assert_eq!(self.engine.dialogs(), 0, "dialogs");
        assert_eq!(self.relay.calls(), 0, "media calls");
    }
}

pub(crate) fn connector() -> VoiceConnector {
    VoiceConnector {
        id: connector_id(),
        account: AccountId::DEFAULT,
        region: Region::default(),
        name: "trunk".into(),
        require_encryption: false,
        outbound_host_name: host(),
        integration_type: None,
        network_type: NetworkType::default(),
        created: UnixMillis(0),
        updated: UnixMillis(0),
    }
}

pub(crate) fn termination() -> Termination {
    Termination {
        account: AccountId::DEFAULT,
        connector: connector_id(),
        cps_limit: NonZeroU32::new(10).unwrap(),
        default_phone_number: None,
        calling_regions: vec!["US".into(), "CA".into()],
        cidr_allowed_list: vec!["192.0.2.0/24".parse().unwrap()],
        disabled: false,
    }
}

pub(crate) fn user(name: &str) -> SipUser {
    SipUser {
        account: AccountId::DEFAULT,
        connector: connector_id(),
        username: Username::parse(name).unwrap(),
        keys: DigestKeys::derive(name, &host(), Secret::new(PASSWORD.into())),
    }
}

pub(crate) fn carrier(name: &str, address: &str, priority: u8) -> ResolvedCarrier {
    let address: SocketAddr = address.parse().unwrap();
    let name = CarrierName::parse(name).unwrap();
    let host = address.ip().to_string();
    let carrier = Carrier { priority, ..Carrier::new(name, host, address.port(), UnixMillis(0)) };
    ResolvedCarrier::new(carrier, [address])
}

pub(crate) fn with_credential(mut carrier: ResolvedCarrier) -> ResolvedCarrier {
    carrier.carrier.credential = Some(CarrierCredential {
        username: "trunk".into(),
        password: Secret::new("carrier secret".into()),
    });
    carrier
}

/// A local port by its number.
pub(crate) fn port(number: u16) -> LocalPort {
    LocalPort::parse(number).unwrap()
}
