//! The audio of one call: what its SDP says and who plays what.

use std::net::SocketAddr;
use std::time::Instant;

use media::{
    Channel, Endpoint, EndpointReport, EndpointSpec, Law, LocalPort, Outgoing, Play, Reply, Seed,
    SenderSpec,
};
use sdp::{Agreed, Codec, Direction, Local, Refusal, Rtcp, Session, SessionVersion};

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
    pub(crate) fn new(port: AudioPort, seed: u64) -> Self {
        Self {
            port,
            session: SessionVersion { id: seed >> 2, version: 0 },
            wish: Direction::SendRecv,
            sound: Sound::Nothing,
            player: None,
            seed,
        }
    }

    /// The pair that is to be given back.
    pub(crate) fn own_port(&self) -> Option<LocalPort> {
        match self.port {
            AudioPort::Own(port, _) => Some(port),
            AudioPort::Named(_) => None,
        }
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
        sdp::build_offer(&self.local(), &mut body);
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
        let agreed = sdp::build_answer(&session, &self.local(), &mut body)?;
        self.settle(now, &agreed, agreed.telephone_event);
        Ok((body, hold_of(&session.audio()?)))
    }

    /// Takes the answer to our last offer.
    pub(crate) fn take_answer(&mut self, now: Instant, answer: &[u8]) -> Result<(), Refusal> {
        let agreed = sdp::read_answer(&self.local(), &Session::parse(answer)?)?;
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

    /// Takes a datagram; gives where to send it back, if it is echoed.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Option<SocketAddr> {
        match self.player.as_mut()?.handle(now, channel, from, packet) {
            Ok(Reply::Echo(to)) => Some(to),
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

fn hold_of(audio: &sdp::Audio) -> Hold {
    if audio.is_held() { Hold::On } else { Hold::Off }
}
