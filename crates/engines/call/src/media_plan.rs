//! What a call's two sides have told each other about their media, and what follows for the relay.

use std::net::IpAddr;

use media::{
    CallMediaId, Content, Events, Expects, LegSpec, LegTerms, LocalPort, PayloadMap, Remote,
    RtcpTo, Side, Sources,
};
use sdp::{Accepted, Audio, OriginRewrite, Profile, Refusal, Relayed, Rewrite, Rtcp, Session};
use sip_message::{Flow, MediaType, Message, Multipart};

use crate::bodies;
use crate::dtmf::{Place, Translation, Types};
use crate::hub::Turn;
use crate::io::MediaCommand;
use crate::keying::{Encryption, Keying, Renewed, Told};
use crate::reject::Reject;

/// The media of one call.
#[derive(Debug)]
pub(crate) struct MediaPlan {
    id: CallMediaId,
    /// The relay's port on each leg.
    ports: [LocalPort; 2],
    /// What each side told last and the other accepted.
    told: [Option<Told>; 2],
    /// Our keys on each leg.
    keying: [Keying; 2],
    /// Digits between sides that tell them differently.
    digits: Translation,
    /// Where each side signals from.
    signaling: [Option<IpAddr>; 2],
    /// Whether silence is a sign of trouble yet.
    talk: Talk,
    /// Whether the relay knows the call.
    relay: Relaying,
    /// By side: whether the relay knows who is there now.
    peers: [Peer; 2],
    /// By side: the session that its descriptions go on with, if it is not its own.
    lineages: [Option<Box<Lineage>>; 2],
}

/// Whether the relay knows who is on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Known,
    /// Somebody has taken its place: nothing that was learned counts any more.
    New,
}

/// The `o=` line that one side has of the other: it stays what it was when somebody else is there,
/// and counts its descriptions (RFC 3264 §8).
#[derive(Debug)]
struct Lineage {
    username: Box<str>,
    session_id: Box<str>,
    version: u64,
}

impl Lineage {
    /// What goes on from a description that was told.
    fn of(told: &[u8]) -> Option<Box<Self>> {
        let session = Session::parse(told).ok()?;
        let origin = session.origin();
        Some(Box::new(Self {
            username: origin.username.into(),
            session_id: origin.session_id.into(),
            version: origin.version.parse().unwrap_or_default(),
        }))
    }

    /// The next description's.
    fn next(&mut self) -> OriginRewrite<'_> {
        self.version = self.version.saturating_add(1);
        let Self { username, session_id, version } = self;
        OriginRewrite::Whole { username, session_id, version: *version }
    }
}

/// Whether the relay knows the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relaying {
    NotYet,
    Open,
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    Early,
    Answered,
}

impl MediaPlan {
    /// The media of a call whose caller signals on `caller`.
    pub(crate) fn new(
        id: CallMediaId,
        ports: [LocalPort; 2],
        caller: &Flow,
        wants: Encryption,
        digits: Translation,
    ) -> Self {
        Self {
            id,
            ports,
            told: [None, None],
            // Nobody is called yet.
            keying: [
                Keying::new(wants, caller.transport),
                Keying::new(Encryption::Never, caller.transport),
            ],
            digits,
            signaling: [Some(caller.remote.ip()), None],
            talk: Talk::Early,
            relay: Relaying::NotYet,
            peers: [Peer::Known; 2],
            lineages: [None, None],
        }
    }

    /// Begins to relay to a called side that signals on `called` and has not told anything yet;
    /// what another one told before is forgotten.
    pub(crate) fn aim(&mut self, turn: &mut Turn<'_>, called: &Flow, wants: Encryption) {
        let side = Side::B.index();
        self.told[side] = None;
        self.digits.forget(Side::B);
        self.keying[side] = Keying::new(wants, called.transport);
        self.signaling[side] = Some(called.remote.ip());
        match std::mem::replace(&mut self.relay, Relaying::Open) {
            Relaying::NotYet => self.open(turn),
            Relaying::Open => self.update(turn),
        }
    }

    fn open(&self, turn: &mut Turn<'_>) {
        let leg = |side: Side| LegSpec { port: self.ports[side.index()], terms: self.terms(side) };
        let legs = Box::new([leg(Side::A), leg(Side::B)]);
        turn.media(MediaCommand::Open { call: self.id, legs });
    }

    /// Gives the relay new terms for both legs: what one side told changes what the other's
    /// payload types mean.
    pub(crate) fn update(&mut self, turn: &mut Turn<'_>) {
        for side in [Side::A, Side::B] {
            let (call, terms) = (self.id, Box::new(self.terms(side)));
            let peer = std::mem::replace(&mut self.peers[side.index()], Peer::Known);
            turn.media(match peer {
                Peer::Known => MediaCommand::Update { call, side, terms },
                Peer::New => MediaCommand::Replace { call, side, terms },
            });
        }
    }

    /// Somebody comes to take a side's place, whom the other side has told `told` of the one before:
    /// how digits are told depends on the newcomer from now on. Gives how they were told.
    pub(crate) fn welcome(
        &mut self,
        side: Side,
        invite: &Message<'_>,
        told: Option<&[u8]>,
    ) -> Translation {
        let lineage = &mut self.lineages[side.index()];
        *lineage = lineage.take().or_else(|| Lineage::of(told?));
        let before = self.digits.clone();
        self.digits.forget(side);
        self.digits.learn(side, invite);
        before
    }

    /// It did not come: digits are told as before.
    pub(crate) fn send_away(&mut self, digits: Translation) {
        self.digits = digits;
    }

    /// It has come, and signals on `flow`: it has said nothing yet, and has new keys.
    pub(crate) fn give_place(&mut self, side: Side, flow: &Flow, wants: Encryption) {
        let at = side.index();
        self.told[at] = None;
        self.keying[at] = Keying::new(wants, flow.transport);
        self.signaling[at] = Some(flow.remote.ip());
        self.peers[at] = Peer::New;
    }

    pub(crate) fn close(&self, turn: &mut Turn<'_>) {
        turn.media(MediaCommand::Close { call: self.id });
    }

    /// Takes note of what a side can do, before what it says of its media is handed on.
    pub(crate) fn learn(&mut self, side: Side, message: &Message<'_>) {
        self.digits.learn(side, message);
    }

    /// The event types of a side whose digits are told to the other side by INFO, and back; `None`
    /// if they cross as they are.
    pub(crate) fn translates(&self, side: Side) -> Option<Types> {
        self.digits.of(side, self.told[side.index()].as_ref().map(|told| &told.audio))
    }

    /// Lets the other side of `side` hear a key.
    pub(crate) fn press(&self, turn: &mut Turn<'_>, side: Side, press: media::Press) {
        turn.media(MediaCommand::Press { call: self.id, side, press });
    }

    /// The call is answered: from now on silence counts.
    pub(crate) fn answered(&mut self) {
        self.talk = Talk::Answered;
    }

    /// Reads what `side` offers.
    pub(crate) fn read_offer<'a>(&self, side: Side, body: &'a [u8]) -> Result<Said<'a>, Refusal> {
        Said::read(body, self.keying[side.index()].accepts(), self.takes_fax())
    }

    /// Reads the answer of `side` to our last offer.
    pub(crate) fn read_answer<'a>(&self, side: Side, body: &'a [u8]) -> Result<Said<'a>, Refusal> {
        let keying = &self.keying[side.index()];
        let said = Said::read(body, keying.accepts_answer(), self.takes_fax())?;
        keying.check_answer(&said.told)?;
        Ok(said)
    }

    /// Whether the call may become a fax: once it is answered, and in clear on both legs, since
    /// nothing protects UDPTL here.
    fn takes_fax(&self) -> Fax {
        let in_clear = |told: &Option<Told>| {
            told.as_ref().is_some_and(|told| told.audio.profile == Profile::Clear)
        };
        match self.talk {
            Talk::Answered if self.told.iter().all(in_clear) => Fax::Taken,
            Talk::Answered | Talk::Early => Fax::Refused,
        }
    }

    /// Remembers what `side` told, once it is settled.
    pub(crate) fn settle(&mut self, side: Side, told: Told) {
        if told.audio.profile == Profile::Clear {
            self.keying[side.index()].retire();
        }
        self.told[side.index()] = Some(told);
    }

    /// The suites that protect the two legs, by name; `None` for media in clear.
    pub(crate) fn suites(&self) -> [Option<&'static str>; 2] {
        [Side::A, Side::B].map(|side| {
            let at = side.index();
            self.keying[at].suite(self.told[at].as_ref())
        })
    }

    /// Hands on an offer of `from`: with our address and port, our keys if the other side wants any,
    /// and without codecs that we do not carry.
    pub(crate) fn hand_on_offer(
        &mut self,
        turn: &mut Turn<'_>,
        from: Side,
        said: &Said<'_>,
    ) -> Vec<u8> {
        let to = from.other().index();
        self.keying[to].offer(&mut turn.hub.keys, self.told[to].as_ref());
        self.write(self.address(turn, from.other()), from, said, Place::Offer)
    }

    /// Hands on an answer of `from` to what the other side offered, which is settled already.
    pub(crate) fn hand_on_answer(
        &mut self,
        turn: &mut Turn<'_>,
        from: Side,
        said: &Said<'_>,
    ) -> Vec<u8> {
        let to = from.other().index();
        let renewed = self.keying[to].answer(&mut turn.hub.keys, self.told[to].as_ref());
        if renewed == Renewed::Yes {
            self.update(turn);
        }
        self.write(self.address(turn, from.other()), from, said, Place::Answer)
    }

    /// Where `side` is told to send its media: what its network reaches. A side whose media is of
    /// another address family than its signalling is told an address of that family.
    fn address(&self, turn: &Turn<'_>, side: Side) -> IpAddr {
        let config = &turn.hub.config;
        let signals = self.signaling[side.index()].map(|ip| ip.to_canonical());
        let told = self.told[side.index()].as_ref().and_then(|told| told.audio.rtp);
        let hears = told.map(|rtp| rtp.ip().to_canonical());
        let is_foreign = |ip: &IpAddr| signals.is_none_or(|it| it.is_ipv4() != ip.is_ipv4());
        let peer = hears.filter(is_foreign).or(signals);
        peer.map_or(config.media_address, |peer| config.media_address_for(peer))
    }

    fn write(&mut self, address: IpAddr, from: Side, said: &Said<'_>, place: Place) -> Vec<u8> {
        let audio = &said.told.audio;
        let mut formats = audio.payload_types();
        let is_audio = audio.content == sdp::Content::Audio;
        let to = from.other().index();
        let heard = self.told[to].as_ref().map(|told| &told.audio);
        if place == Place::Answer && self.digits.asked(from, heard) {
            formats.retain(|number| Some(*number) != audio.telephone_event);
        }
        let telephone_event = self.digits.give(from, audio, place, heard);
        let port = self.ports[to];
        let (profile, cryptos) = self.keying[to].description();
        let relayed = [Relayed {
            rtcp_port: port.rtcp(),
            formats: is_audio.then_some(&formats),
            profile: is_audio.then_some(profile),
            cryptos,
            telephone_event,
            ..Relayed::new(said.told.audio.section, port.rtp())
        }];
        let lineage = self.lineages[from.index()].as_deref_mut();
        let origin = lineage.map_or(OriginRewrite::Address, Lineage::next);
        let rewrite = Rewrite { address, origin, relayed: &relayed };
        let mut out = Vec::new();
        said.session.rewrite(&rewrite, &mut out);
        out
    }

    fn terms(&self, side: Side) -> LegTerms {
        let told = self.told[side.index()].as_ref();
        let own = told.map(|told| told.audio);
        let peer = self.told[side.other().index()].as_ref().map(|told| told.audio);
        let remote = own.map_or(Remote { rtp: None, rtcp: RtcpTo::Port(None) }, |own| {
            remote(&own, peer.as_ref())
        });
        let translated = self.translates(side);
        LegTerms {
            remote,
            sources: Sources::SameHost { signaling: self.signaling[side.index()] },
            payload_types: payload_map(own.as_ref(), peer.as_ref()),
            telephone_event: match translated {
                Some(types) => Some(types.sends),
                None => peer.or(own).and_then(|it| it.telephone_event),
            },
            events: if translated.is_some() { Events::Told } else { Events::Relayed },
            expects: self.expects(own.as_ref(), peer.as_ref()),
            content: content(own.as_ref(), peer.as_ref()),
            protection: self.keying[side.index()].protection(told),
        }
    }

    fn expects(&self, own: Option<&Audio>, peer: Option<&Audio>) -> Expects {
        match (self.talk, own, peer) {
            (Talk::Answered, Some(own), Some(peer))
                if own.content == sdp::Content::Audio
                    && own.direction.sends()
                    && peer.direction.receives()
                    && peer.rtp.is_some() =>
            {
                Expects::Media
            }
            (Talk::Answered | Talk::Early, _, _) => Expects::Nothing,
        }
    }
}

/// A fax goes where either side has told of one: the other has agreed to it.
fn content(own: Option<&Audio>, peer: Option<&Audio>) -> Content {
    let is_fax = |told: &&Audio| told.content == sdp::Content::Fax;
    match own.iter().chain(peer.iter()).any(is_fax) {
        true => Content::Opaque,
        false => Content::Rtp,
    }
}

fn remote(own: &Audio, peer: Option<&Audio>) -> Remote {
    let above = own
        .rtp
        .and_then(|rtp| Some(std::net::SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)));
    let rtcp = match (own.rtcp, peer.map(|peer| peer.rtcp)) {
        (Rtcp::Mux, Some(Rtcp::Mux)) => RtcpTo::Mux,
        (Rtcp::Mux, Some(Rtcp::Separate(_)) | None) => RtcpTo::Port(above),
        (Rtcp::Separate(address), _) => RtcpTo::Port(address),
    };
    Remote { rtp: own.rtp, rtcp }
}

/// What the payload types that `own` sends become for `peer`.
///
/// By the standard a sender uses the numbers of whoever receives (RFC 3264 §5.1), so `peer`'s
/// numbers pass as they are; many senders use their own, so those are translated where they do not
/// mean something else to `peer`.
fn payload_map(own: Option<&Audio>, peer: Option<&Audio>) -> PayloadMap {
    let same = |audio: &Audio| audio.payload_types().into_iter().map(|it| (it, it));
    match (own, peer) {
        // A pair that comes later replaces one that came before.
        (Some(own), Some(peer)) => PayloadMap::of(sdp::payload_pairs(own, peer).chain(same(peer))),
        (Some(known), None) | (None, Some(known)) => PayloadMap::of(same(known)),
        (None, None) => PayloadMap::of([]),
    }
}

/// Whether a description may tell of a fax instead of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fax {
    Taken,
    Refused,
}

/// A description that was read and can be carried.
pub(crate) struct Said<'a> {
    pub(crate) session: Session<'a>,
    pub(crate) told: Told,
}

impl<'a> Said<'a> {
    /// Reads the offer that a call begins with.
    pub(crate) fn first(body: &'a [u8], accepted: Accepted) -> Result<Self, Refusal> {
        Self::read(body, accepted, Fax::Refused)
    }

    fn read(body: &'a [u8], accepted: Accepted, fax: Fax) -> Result<Self, Refusal> {
        let session = Session::parse(body)?;
        let audio = match (session.audio_as(accepted), fax) {
            (Err(Refusal::NoAudio), Fax::Taken) => session.fax()?,
            (audio, Fax::Taken | Fax::Refused) => audio?,
        };
        let cryptos = match audio.profile {
            Profile::Clear => Vec::new(),
            Profile::ClearWithKeys | Profile::Encrypted => {
                session.sections()[audio.section].cryptos().flatten().collect()
            }
        };
        Ok(Self { session, told: Told { audio, cryptos } })
    }
}

fn has_parts(kind: &MediaType<'_>, body: &[u8]) -> bool {
    Multipart::of(kind, body).is_some_and(|it| it.parts().next().is_some())
}

/// The description in a message's body, or in a part of it; `None` if there is none.
///
/// # Errors
/// The media type, if the body is something else.
pub(crate) fn description<'a>(message: &Message<'a>) -> Result<Option<&'a [u8]>, Reject> {
    let body = message.body();
    if body.is_empty() {
        return Ok(None);
    }
    let encoded = message.contains(sip_message::Name::ContentEncoding);
    match message.content_type() {
        Ok(Some(kind)) if kind.is("application", "sdp") && !encoded => Ok(Some(body)),
        Ok(Some(kind)) if has_parts(&kind, body) && !encoded => {
            Ok(bodies::place_of_description(&kind, body).map(|place| &body[place]))
        }
        Ok(Some(kind)) => {
            Err(Reject::BodyUnsupported(format!("{}/{}", kind.kind, kind.subtype).into()))
        }
        Ok(None) | Err(_) => Err(Reject::BodyUnsupported("no media type".into())),
    }
}
