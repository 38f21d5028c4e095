//! Worlds of rude parties: they support anything or nothing, contradict themselves, send what
//! cannot be read, fall silent, and lose their connections.
//!
//! There is no audio to be judged here, so a world costs milliseconds and there can be thousands.

mod manners;
mod party;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use call::{DtmfPolicy, Input, ReliableProgress};
use model::{CallRecord, Verdict};
use sip_core::session::Policy;
use sip_message::{Flow, Message, Method, Name, PeerId, Transport};

use crate::customer::{CARRIERS, PBX, TRUNK, call_uri, caller, socket};
use crate::network::{Link, Network, Parcel, Rng};
use crate::service::{Service, Setting};
use crate::verdict::Broken;
use party::Party;

/// How long an answered call may last here.
const DURATION_MAX: Duration = Duration::from_secs(300);

/// After this nothing may be left: a call that rang its three minutes, and one that was answered
/// last of all and lasted as long as it may, and their timers.
const SETTLING: Duration = Duration::from_secs(900);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One world of rude parties.
#[derive(Debug)]
pub struct RudeWorld {
    service: Service,
    parties: Vec<Party>,
    network: Network,
    rng: Rng,
    now: Instant,
    /// By peer: the connection with it.
    streams: BTreeMap<SocketAddr, Stream>,
    streams_made: u64,
    /// Call-IDs of INVITEs that the trunk sent to begin a call.
    invites_out: BTreeSet<String>,
    broken: Option<Broken>,
}

impl RudeWorld {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x0dd_ba11);
        let link = Link::any(&mut rng);
        let mut transport =
            |chance| if rng.percent(chance) { Transport::Tcp } else { Transport::Udp };
        let transports = [transport(30), transport(20), transport(20)];
        let setting = Setting {
            carriers: [transports[1], transports[2]],
            duration: DURATION_MAX,
            session: [None, Some(Policy { interval: 90, min: 90 }), Some(Policy::default())]
                [rng.below(3) as usize],
            reliable: [
                ReliableProgress::Never,
                ReliableProgress::AsAsked,
                ReliableProgress::Always,
            ][rng.below(3) as usize],
            dtmf: [DtmfPolicy::AsIs, DtmfPolicy::Translate][rng.below(2) as usize],
        };
        let addresses = [PBX, CARRIERS[0], CARRIERS[1]].map(socket);
        let parties = addresses
            .into_iter()
            .zip(transports)
            .map(|(address, transport)| Party::new(address, transport, &mut rng))
            .collect();
        Self {
            service: Service::set(*START, seed as u8, setting),
            parties,
            network: Network::new(link, Rng::new(seed ^ 0x5eed)),
            rng,
            now: *START,
            streams: BTreeMap::new(),
            streams_made: 0,
            invites_out: BTreeSet::new(),
            broken: None,
        }
    }

    /// Lets everything happen that the seed has in store, and settle.
    pub fn run(&mut self) {
        for _ in 0..1 + self.rng.below(4) {
            self.place();
            let wait = Duration::from_millis(self.rng.below(3_000));
            self.run_for(wait);
        }
        for _ in 0..self.rng.below(8) {
            match self.rng.below(4) {
                0 => self.close_a_stream(),
                // Late enough to find an answered call whose leg it may want.
                1 => self.place(),
                _ => self.send_media(),
            }
            let wait = Duration::from_millis(self.rng.below(20_000));
            self.run_for(wait);
        }
        self.parties.iter_mut().for_each(Party::calm_down);
        self.run_for(SETTLING);
    }

    fn place(&mut self) {
        let number = format!("+120655501{:02}", self.rng.below(60));
        self.parties[0].place(self.now, caller(), &call_uri(&number));
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(at) = self.next_moment().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.service.handle_timeout(self.now);
            self.parties.iter_mut().for_each(|party| party.handle_timeout(self.now));
            self.drain();
            while let Some(parcel) = self.network.arrived(self.now) {
                self.deliver(parcel);
                self.drain();
            }
        }
        self.now = end;
    }

    fn next_moment(&self) -> Option<Instant> {
        let parties = self.parties.iter().filter_map(Party::poll_timeout);
        let others = [self.service.poll_timeout(), self.network.next_arrival()];
        parties.chain(others.into_iter().flatten()).min()
    }

    fn drain(&mut self) {
        for (flow, bytes) in self.service.drain_flows(self.now) {
            self.note(&bytes);
            match self.number(flow, flow.remote, Maker::Trunk) {
                Ok(number) => {
                    self.network.post_on(self.now, flow.local, flow.remote, number, &bytes);
                }
                Err(Gone) => self.service.put(self.now, Input::FlowFailed { flow }),
            }
        }
        for at in 0..self.parties.len() {
            while let Some(sent) = self.parties[at].poll_output() {
                let flow = sent.flow;
                if let Ok(number) = self.number(flow, flow.local, Maker::Peer) {
                    self.network.post_on(self.now, flow.local, flow.remote, number, &sent.bytes);
                }
            }
        }
    }

    /// The connection that a message of a stream leaves on: the one it names, else the one that
    /// there is with that peer, else a new one. 0 for datagrams.
    fn number(&mut self, flow: Flow, peer: SocketAddr, maker: Maker) -> Result<u64, Gone> {
        if flow.transport == Transport::Udp {
            return Ok(0);
        }
        let open = self.streams.get(&peer).map(|it| it.number);
        let named = if flow.peer().is_some() { 0 } else { flow.connection };
        match (named, open) {
            (0, Some(open)) => Ok(open),
            (0, None) => {
                self.streams_made += 1;
                let number = self.streams_made;
                self.streams.insert(peer, Stream { number, maker });
                Ok(number)
            }
            (named, open) if open == Some(named) => Ok(named),
            _ => Err(Gone),
        }
    }

    /// A connection as the trunk names it: those that it made by their peer.
    fn seen_by_trunk(peer: SocketAddr, stream: Stream) -> Flow {
        let local = socket(TRUNK);
        match stream.maker {
            Maker::Trunk => Flow::toward(Transport::Tcp, local, peer, PeerId::ANYBODY),
            Maker::Peer => {
                let connection = stream.number;
                Flow { transport: Transport::Tcp, local, remote: peer, connection }
            }
        }
    }

    fn close_a_stream(&mut self) {
        let pick = self.rng.below(3) as usize % self.streams.len().max(1);
        let Some((&peer, &stream)) = self.streams.iter().nth(pick) else { return };
        self.streams.remove(&peer);
        let flow = Self::seen_by_trunk(peer, stream);
        self.service.put(self.now, Input::FlowClosed { flow });
        for party in self.parties.iter_mut().filter(|it| it.address == peer) {
            party.stream_closed(self.now, stream.number);
        }
    }

    /// A packet to any port of the trunk, from a party or a stranger. It may go on only if a call
    /// holds ports.
    fn send_media(&mut self) {
        let port = 20_000 + 2 * self.rng.below(20) as u16;
        let from = [PBX, CARRIERS[0], "203.0.113.99:4000"][self.rng.below(3) as usize];
        let from = SocketAddr::new(socket(from).ip(), 4000);
        let mut packet = [0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff];
        let to = SocketAddr::new(socket(TRUNK).ip(), port);
        let went_on = self.service.receive(self.now, from, to, &mut packet).is_some();
        if went_on && self.service.engine.ports().1 == 0 {
            self.broken = Some(Broken::law("media went on without a call".into()));
        }
    }

    fn deliver(&mut self, parcel: Parcel) {
        let Parcel { from, to, bytes, connection, .. } = parcel;
        let (trunk, peer) = (socket(TRUNK), if to == socket(TRUNK) { from } else { to });
        let stream = self.streams.get(&peer).copied().filter(|it| it.number == connection);
        let flow = match (connection, stream) {
            (0, _) => Flow::udp(to, from),
            (_, None) => return,
            (_, Some(stream)) if to == trunk => Self::seen_by_trunk(peer, stream),
            (connection, Some(_)) => {
                Flow { transport: Transport::Tcp, local: to, remote: from, connection }
            }
        };
        if to == trunk {
            return self.service.put(self.now, Input::Message { flow, bytes: &bytes });
        }
        for party in self.parties.iter_mut().filter(|it| it.address == to) {
            party.receive(self.now, flow, &bytes);
        }
    }

    /// Notes what the trunk sends: it must be well-formed, whatever it answers to.
    fn note(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let Ok(message) = Message::parse(bytes) else {
            self.broken = Some(Broken::law(format!("the trunk sent what cannot be read:\n{text}")));
            return;
        };
        let echoes = text.starts_with("SIP/2.0 400 ") || text.starts_with("SIP/2.0 505 ");
        if let (Err(violation), false) = (message.check(), echoes) {
            self.broken = Some(Broken::law(format!("the trunk sent {violation}:\n{text}")));
        }
        let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
        if message.method() == Some(Method::Invite) && !in_dialog {
            self.invites_out.insert(message.first(Name::CallId).unwrap_or_default().to_owned());
        }
    }

    /// What the trunk wrote down.
    #[must_use]
    pub fn records(&self) -> &[CallRecord] {
        &self.service.records
    }

    /// Legs whose place a newcomer took.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.service.engine.counters().replaced
    }

    /// Whether every law held in a world that has run.
    ///
    /// # Errors
    /// The first law that was broken.
    pub fn judge(&self) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let counters = self.service.engine.counters();
        let (records, attempts) = (self.records().len() as u64, counters.attempts);
        if records != attempts {
            return Err(Broken::law(format!("{attempts} attempts have {records} records")));
        }
        let ended = counters.ended.values().sum::<u64>();
        if counters.admitted != ended {
            let admitted = counters.admitted;
            return Err(Broken::law(format!("{admitted} calls were let in, and {ended} ended")));
        }
        let ids: BTreeSet<_> = self.records().iter().map(|it| it.transaction_id).collect();
        if ids.len() != self.records().len() {
            return Err(Broken::law("two records are of one call".into()));
        }
        self.nothing_went_out_without_a_verdict()?;
        // What the parties leave of their own is theirs.
        self.service.nothing_is_left(&[])
    }

    /// Each INVITE that left belongs to an attempt that a record tells of, and no record of a
    /// refusal has one.
    fn nothing_went_out_without_a_verdict(&self) -> Result<(), Broken> {
        let mut told = 0;
        for record in self.records() {
            let routes = record.decisions.iter().filter(|it| it.rule == "route").count();
            let refused =
                |it: &&model::Decision| it.verdict == Verdict::Refuse && it.rule != "route";
            let of_the_way = ["within-the-call", "replaces"];
            let refusal =
                record.decisions.iter().filter(|it| !of_the_way.contains(&it.rule.as_ref()));
            if let (Some(refusal), true) = (refusal.clone().find(refused), routes > 0) {
                return Err(Broken::law(format!("a call was routed in spite of {refusal:?}")));
            }
            told += routes;
        }
        match self.invites_out.len() {
            left if left > told => {
                Err(Broken::law(format!("{left} INVITEs left, and records tell of {told}")))
            }
            _ => Ok(()),
        }
    }
}

/// The connection is not there any more.
struct Gone;

/// A connection between the trunk and a peer.
#[derive(Debug, Clone, Copy)]
struct Stream {
    number: u64,
    maker: Maker,
}

/// Who made a connection.
#[derive(Debug, Clone, Copy)]
enum Maker {
    Trunk,
    Peer,
}
