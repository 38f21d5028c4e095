//! The audio of one call: what its SDP says and who plays what.

use std::net::SocketAddr;
use std::time::Instant;

use media::srtp::{Keys, MasterKey, Mki, Suite};
use media::{
    Channel, Endpoint, EndpointReport, EndpointSpec, Law, LocalPort, Outgoing, Play, Protection,
    Reply, Seed, SenderSpec,
};
use sdp::{
    Accepted, Agreed, AgreedKeys, Codec, Crypto, CryptoKey, CryptoSuite, Direction, KEY_BYTES_MAX,
    Local, Refusal, Rtcp, Session, SessionVersion,
};
use sip_core::Tokens;

use crate::config::Srtp;
use crate::io::Hold;
use crate::script::Sound;

/// One call's port, its session description and its player.
#[derive(Debug)]
pub(crate) struct Audio {
    port: AudioPort,
    session: SessionVersion,
    /// What our side wants, before the other side's wish is heard.
    wish: Direction,
    sound: Sound,
    player: Option<Box<Endpoint>>,
    seed: u64,
    srtp: Srtp,
    /// Our keys, one for each suite, from the first offer or answer to the call's end.
    keys: Vec<Crypto>,
}

/// Where a call's audio comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AudioPort {
    /// On a pair of our own.
    Own(LocalPort, std::net::IpAddr),
    /// Nowhere; this address is named all the same.
    Named(SocketAddr),
}

impl Audio {
    pub(crate) fn new(port: AudioPort, seed: u64, srtp: Srtp, random: &mut Tokens) -> Self {
        let tagged = (1..).zip(CryptoSuite::ALL);
        let keys = tagged.map(|(tag, suite)| fresh(random, tag, suite)).collect();
        Self {
            port,
            session: SessionVersion { id: seed >> 2, version: 0 },
            wish: Direction::SendRecv,
            sound: Sound::Nothing,
            player: None,
            seed,
            srtp,
            keys,
        }
    }

    /// The pair that is to be given back.
    pub(crate) fn own_port(&self) -> Option<LocalPort> {
        match self.port {
            AudioPort::Own(port, _) => Some(port),
            AudioPort::Named(_) => None,
        }
    }

    /// Our side of an answer, or of the reading of one. Both may be encrypted or not, as is offered.
    fn answering(&self) -> Local<'_> {
        let accepted = match self.srtp {
            Srtp::Accept => Accepted::Either,
            Srtp::Require => Accepted::Encrypted,
        };
        Local { accepted, keys: &self.keys, ..self.local() }
    }

    /// Our side of an offer.
    fn offering(&self) -> Local<'_> {
        match self.srtp {
            Srtp::Accept if self.is_encrypted() => {
                Local { accepted: Accepted::Encrypted, keys: &self.keys, ..self.local() }
            }
            Srtp::Accept => self.local(),
            Srtp::Require => self.answering(),
        }
    }

    /// Whether the call is encrypted now: then a further offer of ours is too.
    fn is_encrypted(&self) -> bool {
        self.player.as_ref().is_some_and(|player| player.is_encrypted())
    }

    fn local(&self) -> Local<'static> {
        let (address, port) = match self.port {
            AudioPort::Own(port, address) => (address, port.rtp()),
            AudioPort::Named(address) => (address.ip(), address.port()),
        };
        Local { direction: self.wish, session: self.session, ..Local::new(address, port) }
    }

    /// A new offer. The wish stands until the next one.
    pub(crate) fn offer(&mut self, hold: Hold) -> Vec<u8> {
        self.wish = match hold {
            Hold::On => Direction::SendOnly,
            Hold::Off => Direction::SendRecv,
        };
        self.session.version += 1;
        let mut body = Vec::with_capacity(256);
        sdp::build_offer(&self.offering(), &mut body);
        body
    }

    /// Answers an offer; tells whether its sender holds the call.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        offer: &[u8],
    ) -> Result<(Vec<u8>, Hold), Refusal> {
        self.session.version += 1;
        let mut body = Vec::with_capacity(256);
        let session = Session::parse(offer)?;
        let agreed = sdp::build_answer(&session, &self.answering(), &mut body)?;
        self.settle(now, &agreed, agreed.telephone_event);
        Ok((body, hold_of(&session.audio()?)))
    }

    /// Takes the answer to our last offer.
    pub(crate) fn take_answer(&mut self, now: Instant, answer: &[u8]) -> Result<(), Refusal> {
        let agreed = sdp::read_answer(&self.offering(), &Session::parse(answer)?)?;
        self.settle(now, &agreed, Some(sdp::TELEPHONE_EVENT));
        Ok(())
    }

    fn settle(&mut self, now: Instant, agreed: &Agreed, heard_events: Option<u8>) {
        if self.own_port().is_none() {
            return;
        }
        let law = match agreed.codec {
            Codec::Pcmu => Law::Mu,
            Codec::Pcma => Law::A,
        };
        let spec = EndpointSpec {
            sender: SenderSpec {
                law,
                payload_type: agreed.payload_type,
                telephone_event: agreed.telephone_event,
            },
            telephone_event: heard_events,
            rtp: agreed.rtp.filter(|_| agreed.direction.sends()),
            rtcp: match agreed.rtcp {
                Rtcp::Separate(address) => address,
                Rtcp::Mux => agreed.rtp,
            },
            protection: agreed.keys.as_ref().map_or(Protection::Clear, protection),
        };
        match &mut self.player {
            Some(player) => player.agree(spec),
            None => {
                let player = Endpoint::new(now, spec, Seed::of(self.seed));
                self.player = Some(Box::new(player));
                self.start(now, self.sound);
            }
        }
    }

    /// Lets the other side hear something from now on; at the latest from when there is an answer.
    pub(crate) fn start(&mut self, now: Instant, sound: Sound) {
        self.sound = sound;
        let Some(player) = &mut self.player else { return };
        match sound {
            Sound::Echo => player.echo(now),
            Sound::Tone => player.play(now, Play::Tone),
            Sound::Silence => player.play(now, Play::Silence),
            Sound::Nothing => player.play(now, Play::Nothing),
        }
    }

    /// Queues digits; those that find no room are lost, as on a telephone.
    pub(crate) fn press(&mut self, now: Instant, digits: &[media::Digit]) {
        if let Some(player) = &mut self.player {
            _ = player.send_digits(now, digits);
        }
    }

    /// Takes a datagram; gives where to send it back and how much of it, if it is echoed.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Option<(SocketAddr, usize)> {
        match self.player.as_mut()?.handle(now, channel, from, packet) {
            Ok(Reply::Echo { to, len }) => Some((to, len)),
            // A refused packet is counted in the report.
            Ok(Reply::Kept) | Err(_) => None,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.player.as_ref()?.poll_timeout()
    }

    pub(crate) fn poll_output(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Outgoing> {
        self.player.as_mut()?.poll_output(now, out)
    }

    pub(crate) fn report(&self) -> Option<EndpointReport> {
        self.player.as_ref().map(|it| it.report())
    }
}

fn fresh(random: &mut Tokens, tag: u32, suite: CryptoSuite) -> Crypto {
    let mut bytes = [0; KEY_BYTES_MAX];
    for part in bytes.chunks_mut(16) {
        part.copy_from_slice(&random.bits().to_le_bytes()[..part.len()]);
    }
    let key = CryptoKey::new(&bytes[..suite.key_bytes()]).expect("no suite has more");
    Crypto { tag, suite, key, mki: None }
}

/// What protects the packets, as two descriptions settled it.
fn protection(agreed: &AgreedKeys) -> Protection {
    let of = |crypto: &Crypto| {
        let suite = Suite::of_name(crypto.suite.name())?;
        MasterKey::parse(suite, crypto.key.bytes())
    };
    let mki = agreed.theirs.mki.map(|mki| Mki::parse(mki.value, mki.bytes.into()));
    let keys = of(&agreed.ours).zip(of(&agreed.theirs)).map(|(outbound, inbound)| Keys {
        outbound,
        inbound,
        inbound_mki: mki.flatten(),
    });
    keys.map_or(Protection::Awaited, |keys| Protection::Srtp(Box::new(keys)))
}

fn hold_of(audio: &sdp::Audio) -> Hold {
    if audio.is_held() { Hold::On } else { Hold::Off }
}
