//! One world: its parties, its network, its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use agent::{Agent, Answering, CallId, Config, Ended, Event, Hold, Input, Output, Srtp};
use media::{Channel, EndpointReport, LocalPort};
use model::CallRecord;
use sip_message::{Flow, Message, Method, Name};

use crate::attacker::{AMPLIFICATION_MAX, Attacker};
use crate::customer::{CARRIERS, PBX, Party, Plan, TRUNK, socket};
use crate::encryption::Encryption;
use crate::mischief::{Manners, Meddler, STRANGER};
use crate::network::{Link, Network, Parcel, Rng};
use crate::service::Service;

/// RTP port pairs of each agent.
const AGENT_PORT_PAIRS: u16 = 32;

/// How long the longest chain of timers runs once everybody has given up: a BYE that nobody
/// answers after an answer that nobody acknowledges after an INVITE that rang its three minutes,
/// and what lingers behind.
const SETTLING: Duration = Duration::from_secs(600);

/// The instant that every world's time starts at; only differences from it matter.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A PBX, the trunk and two carriers.
#[derive(Debug)]
pub struct World {
    /// The customer's PBX.
    pub pbx: Agent,
    /// The carriers, the first of which is tried first.
    pub carriers: [Agent; 2],
    /// The trunk.
    pub service: Service,
    network: Network,
    meddler: Meddler,
    pub(crate) attacker: Attacker,
    now: Instant,
    pub(crate) placed: Vec<Placed>,
    pub(crate) ends: BTreeMap<Placed, Vec<Ended>>,
    pub(crate) seen: Seen,
    journal: Vec<String>,
}

/// A call of one of the parties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// Who placed it.
    pub party: Party,
    call: CallId,
}

/// Which way a stranger's datagram goes.
#[derive(Debug, Clone, Copy)]
enum Toward {
    Trunk,
    Stranger,
}

/// What went over the wire, as far as the laws ask for it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Call-IDs of INVITEs that reached the trunk: a carrier's, and a PBX's with credentials.
    pub(crate) invites_in: BTreeSet<String>,
    /// Call-IDs of INVITEs that the trunk sent.
    pub(crate) invites_out: BTreeSet<String>,
    /// Packets of audio that the trunk sent before any INVITE, or to somebody who is in no call.
    pub(crate) stray_media: usize,
    /// What an attacker achieved: at first nothing, and nothing ever after.
    pub(crate) attacks_won: Vec<String>,
    /// Things that the attacker sent.
    pub(crate) attacks: usize,
    /// Those of them that went to encrypted legs.
    pub(crate) attacks_on_encrypted: usize,
    /// Datagrams of signalling that strangers sent, and that they were sent.
    pub(crate) strangers: [usize; 2],
}

fn agent(address: &str, srtp: Srtp, seed: u8) -> Agent {
    let answering = Answering::SimulatedCarrier;
    let config = Config { answering, srtp, ..Config::new(socket(address)) };
    let mut agent = Agent::new(config, [seed; 32]);
    let ports = (0..AGENT_PORT_PAIRS).filter_map(|at| LocalPort::parse(30_000 + 2 * at));
    agent.handle_input(*START, Input::PortsReady(ports.collect()));
    agent
}

impl World {
    /// A well-mannered world in which nothing has happened, with the link that everything goes over.
    #[must_use]
    pub fn new(seed: u64, link: Link) -> Self {
        Self::with(seed, link, Manners::Good, Encryption::CLEAR)
    }

    /// The same, with parties of these manners, who encrypt their audio so.
    #[must_use]
    pub fn with(seed: u64, link: Link, manners: Manners, encryption: Encryption) -> Self {
        let mark = seed as u8;
        Self {
            pbx: agent(PBX, encryption.pbx, mark.wrapping_add(1)),
            carriers: [2, 3].map(|at: u8| {
                let index = usize::from(at) - 2;
                let srtp = Encryption::of_carrier(encryption.carriers[index]);
                agent(CARRIERS[index], srtp, mark.wrapping_add(at))
            }),
            service: Service::new(*START, mark, encryption),
            network: Network::new(link, Rng::new(seed ^ 0x5eed)),
            meddler: Meddler::new(manners, Rng::new(seed ^ 0x00de)),
            attacker: Attacker::new(Rng::new(seed ^ 0xa77a_c4ed)),
            now: *START,
            placed: Vec::new(),
            ends: BTreeMap::new(),
            seen: Seen::default(),
            journal: Vec::new(),
        }
    }

    /// The time here.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What the trunk wrote down.
    #[must_use]
    pub fn records(&self) -> &[CallRecord] {
        &self.service.records
    }

    /// Every SIP message that reached or left the trunk, one line each.
    #[must_use]
    pub fn journal(&self) -> &[String] {
        &self.journal
    }

    /// How a call ended for who placed it, if it has.
    #[must_use]
    pub fn end_of(&self, call: Placed) -> Option<&Ended> {
        self.ends.get(&call)?.first()
    }

    /// What who placed a call hears of it, while it is up.
    #[must_use]
    pub fn report(&self, call: Placed) -> Option<EndpointReport> {
        match call.party {
            Party::Pbx => self.pbx.report(call.call),
            Party::Carrier => self.carriers[0].report(call.call),
        }
    }

    /// Places a call.
    pub fn place(&mut self, plan: &Plan) -> Placed {
        let (now, party) = (self.now, plan.party);
        let call = self.agent(party).call(now, plan.order());
        let placed = Placed { party, call };
        self.placed.push(placed);
        self.drain();
        placed
    }

    /// Lets who placed a call hang up.
    pub fn hang_up(&mut self, call: Placed) {
        let now = self.now;
        self.agent(call.party).hang_up(now, call.call);
    }

    /// Lets who placed a call put it on hold, or take it back.
    pub fn hold(&mut self, call: Placed, wanted: Hold) {
        let now = self.now;
        self.agent(call.party).hold(now, call.call, wanted);
    }

    /// Lets who placed a call ask whether the other side is there.
    pub fn options(&mut self, call: Placed) {
        let now = self.now;
        self.agent(call.party).options(now, call.call);
    }

    fn agent(&mut self, party: Party) -> &mut Agent {
        match party {
            Party::Pbx => &mut self.pbx,
            Party::Carrier => &mut self.carriers[0],
        }
    }

    /// From now on the attacker answers every packet and message that goes by.
    pub fn besiege(&mut self) {
        self.attacker.never_rests();
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(at) = self.next_moment().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.service.handle_timeout(self.now);
            self.pbx.handle_timeout(self.now);
            for carrier in &mut self.carriers {
                carrier.handle_timeout(self.now);
            }
            self.drain();
            while let Some(parcel) = self.network.arrived(self.now) {
                self.deliver(parcel);
                self.drain();
            }
        }
        self.now = end;
    }

    /// Every call is given up by who placed it, and everything is left to end.
    pub fn settle(&mut self) {
        for call in self.placed.clone() {
            self.hang_up(call);
        }
        self.run_for(SETTLING);
    }

    fn next_moment(&self) -> Option<Instant> {
        let agents = [&self.pbx, &self.carriers[0], &self.carriers[1]];
        let agents = agents.into_iter().filter_map(|it| it.poll_timeout()).map(|it| it.0);
        let others = [self.service.poll_timeout(), self.network.next_arrival()];
        agents.chain(others.into_iter().flatten()).min()
    }

    fn drain(&mut self) {
        for (from, to, bytes) in self.service.drain(self.now) {
            self.note(from, to, &bytes);
            self.count_stranger(to, Toward::Stranger);
            self.network.post(self.now, from, to, &bytes);
        }
        let agents = [(&mut self.pbx, PBX)].into_iter();
        for (agent, address) in agents.chain(self.carriers.iter_mut().zip(CARRIERS)) {
            while let Some(output) = agent.poll_output() {
                match output {
                    Output::Send { flow, bytes } => {
                        self.network.post(self.now, flow.local, flow.remote, &bytes);
                    }
                    Output::Media { port, channel, to, bytes } => {
                        let port = match channel {
                            Channel::Rtp => port.rtp(),
                            Channel::Rtcp => port.rtcp(),
                        };
                        let from = SocketAddr::new(socket(address).ip(), port);
                        self.network.post(self.now, from, to, &bytes);
                    }
                    // The second carrier places none.
                    Output::Event { call, event: Event::Ended(ended) }
                        if address != CARRIERS[1] =>
                    {
                        let party = if address == PBX { Party::Pbx } else { Party::Carrier };
                        self.ends.entry(Placed { party, call }).or_default().push(*ended);
                    }
                    Output::Event { .. } | Output::Traced(_) => {}
                }
            }
        }
    }

    fn deliver(&mut self, parcel: Parcel) {
        let Parcel { from, to, mut bytes, .. } = parcel;
        if to == socket(TRUNK) {
            for (from, mut bytes) in self.meddler.meddle(from, bytes) {
                self.note(from, to, &bytes);
                self.count_stranger(from, Toward::Trunk);
                self.service.receive(self.now, from, to, &mut bytes);
                if self.attacker.strikes() {
                    self.attack_signalling(&bytes);
                }
            }
            return;
        }
        if to.ip() == socket(TRUNK).ip() {
            let went_on = self.relay(from, to, &mut bytes);
            if went_on && self.attacker.strikes() {
                self.attack_media(to, &bytes);
                self.attack_encrypted(from, to, &bytes);
            }
            if self.meddler.injects() {
                self.relay(socket(STRANGER), to, &mut bytes);
            }
            return;
        }
        let agent = match CARRIERS.iter().position(|it| socket(it).ip() == to.ip()) {
            Some(at) => &mut self.carriers[at],
            None => &mut self.pbx,
        };
        let input = if to.port() == socket(PBX).port() {
            Input::Message { flow: Flow::udp(to, from), bytes: &bytes }
        } else {
            Input::Media { port: to.port(), from, packet: &mut bytes }
        };
        agent.handle_input(self.now, input);
    }

    /// Lets the trunk have a packet of audio, and sends what it makes of it; whether it went on.
    fn relay(&mut self, from: SocketAddr, to: SocketAddr, bytes: &mut [u8]) -> bool {
        let Some((from, to, bytes)) = self.service.receive(self.now, from, to, bytes) else {
            return false;
        };
        // A party may name any address in its description; the stranger is in no call.
        if to.ip() == socket(STRANGER).ip() || self.seen.invites_out.is_empty() {
            self.seen.stray_media += 1;
        }
        self.network.post(self.now, from, to, &bytes);
        true
    }

    /// An attacker sends audio to where audio just went on, and to the other legs' ports.
    fn attack_media(&mut self, to: SocketAddr, seen: &[u8]) {
        for mut packet in self.attacker.audio(seen) {
            for port in [to.port(), to.port() ^ 2] {
                self.seen.attacks += 1;
                let to = SocketAddr::new(to.ip(), port);
                let from = socket(STRANGER);
                if self.service.receive(self.now, from, to, &mut packet).is_some() {
                    self.seen.attacks_won.push(format!("audio for port {port} went on"));
                }
            }
        }
    }

    /// An attacker sends a message of a call that it knows of: it may be told no, and that is all.
    fn attack_signalling(&mut self, seen: &[u8]) {
        self.drain();
        let Some(forged) = self.attacker.message(seen) else { return };
        let before = (self.service.engine.calls_open(), self.records().len());
        let (from, trunk) = (socket(STRANGER), socket(TRUNK));
        let mut bytes = forged.clone();
        self.seen.attacks += 1;
        self.count_stranger(from, Toward::Trunk);
        self.service.receive(self.now, from, trunk, &mut bytes);
        let answers = self.service.drain(self.now);
        let text = || String::from_utf8_lossy(&forged).into_owned();
        if (self.service.engine.calls_open(), self.records().len()) != before {
            self.seen.attacks_won.push(format!("a call ended by\n{}", text()));
        }
        for (_, to, answer) in answers {
            self.count_stranger(to, Toward::Stranger);
            if to != from {
                self.seen.attacks_won.push(format!("{to} was reached by\n{}", text()));
            }
            if answer.len() > AMPLIFICATION_MAX * forged.len() {
                self.seen.attacks_won.push(format!("{} bytes answer\n{}", answer.len(), text()));
            }
        }
    }

    fn count_stranger(&mut self, address: SocketAddr, toward: Toward) {
        if address == socket(STRANGER) {
            self.seen.strangers[toward as usize] += 1;
        }
    }

    /// What attackers sent so far.
    #[must_use]
    pub fn attacks(&self) -> usize {
        self.seen.attacks
    }

    /// Notes the INVITEs that the laws speak of.
    fn note(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let trunk = socket(TRUNK);
        if from != trunk && to != trunk {
            return;
        }
        self.journal.push(entry(self.now, from, to, bytes));
        let Ok(message) = Message::parse(bytes) else { return };
        let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
        if message.method() != Some(Method::Invite) || in_dialog {
            return;
        }
        let call_id = message.first(Name::CallId).unwrap_or_default().to_owned();
        if from == trunk {
            self.seen.invites_out.insert(call_id);
        } else if from != socket(PBX) || message.contains(Name::ProxyAuthorization) {
            self.seen.invites_in.insert(call_id);
        }
    }
}

/// `   3.583  192.0.2.10:5060 → 203.0.113.1:5060  INVITE sip:… SIP/2.0  3 INVITE  abc@def`
fn entry(now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default();
    let header = |name: &str| {
        let found = text.lines().find_map(|it| it.strip_prefix(name));
        found.unwrap_or_default().trim().to_owned()
    };
    let at = now.duration_since(*START).as_secs_f64();
    format!("{at:8.3}  {from} → {to}  {line}  {}  {}", header("CSeq:"), header("Call-ID:"))
}
