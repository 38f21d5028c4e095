//! What a trunk needs to know of the audio in a description.

use std::net::{IpAddr, SocketAddr};
use std::str;

use arrayvec::ArrayVec;

use crate::line::digits;
use crate::refusal::Refusal;
use crate::section::{Direction, Protocol, RtpMap, Section, parse_rtpmap};
use crate::session::Session;

/// The codecs a trunk carries. RFC 3551 §4.5.14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, 8000 Hz; static payload type 0.
    Pcmu,
    /// G.711 A-law, 8000 Hz; static payload type 8.
    Pcma,
}

impl Codec {
    /// The encoding name of `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The payload type that needs no `a=rtpmap`.
    pub const fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    fn of_static(payload_type: u8) -> Option<Self> {
        [Self::Pcmu, Self::Pcma].into_iter().find(|it| it.static_payload_type() == payload_type)
    }

    fn of(map: &RtpMap<'_>) -> Option<Self> {
        if map.clock_rate != 8000 || map.channels != 1 {
            return None;
        }
        [Self::Pcmu, Self::Pcma].into_iter().find(|it| map.encoding.eq_ignore_ascii_case(it.name()))
    }
}

/// The codecs of one description with their payload types, most wanted first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Codecs {
    listed: [Option<(Codec, u8)>; 2],
}

impl Codecs {
    /// The payload type `codec` has here.
    pub fn payload_type(&self, codec: Codec) -> Option<u8> {
        self.iter().find(|(listed, _)| *listed == codec).map(|(_, number)| number)
    }

    /// The most wanted codec.
    pub fn first(&self) -> Option<(Codec, u8)> {
        self.listed[0]
    }

    /// All, most wanted first.
    pub fn iter(&self) -> impl Iterator<Item = (Codec, u8)> + use<> {
        self.listed.into_iter().flatten()
    }

    fn add(&mut self, codec: Codec, payload_type: u8) {
        if self.payload_type(codec).is_some() {
            return;
        }
        if let Some(free) = self.listed.iter_mut().find(|slot| slot.is_none()) {
            *free = Some((codec, payload_type));
        }
    }
}

/// Where RTCP for the writer of a description goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rtcp {
    /// To a port of its own; `None` when no usable address is given.
    Separate(Option<SocketAddr>),
    /// To the RTP port, if the other side agrees too. RFC 5761 §5.1.1.
    Mux,
}

/// Whether a stream is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// In clear: `RTP/AVP`.
    Clear,
    /// `RTP/AVP` with keys beside it: encrypted if both sides give one, else in clear. Not in
    /// RFC 4568 §3.1, and what many user agents do.
    ClearWithKeys,
    /// Encrypted: `RTP/SAVP` with keys.
    Encrypted,
}

/// What one side of a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Media in clear; keys beside it are passed over.
    Clear,
    /// Media in clear, and encrypted where keys are given.
    Either,
    /// Encrypted media alone.
    Encrypted,
}

/// The audio stream of an offer or answer, as a trunk sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audio {
    /// Which `m=` section it is, from 0.
    pub section: usize,
    /// Where RTP goes; `None` while held by `c=` `0.0.0.0`.
    pub rtp: Option<SocketAddr>,
    /// Where RTCP goes.
    pub rtcp: Rtcp,
    /// PCMU and PCMA, as far as listed; never empty for audio.
    pub codecs: Codecs,
    /// The payload type of RFC 4733 events at 8000 Hz.
    pub telephone_event: Option<u8>,
    /// Who sends, seen from the writer.
    pub direction: Direction,
    /// Milliseconds of audio wanted in each packet.
    pub ptime: Option<u16>,
    /// Whether it is encrypted.
    pub profile: Profile,
    /// What the stream carries.
    pub content: Content,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Sound.
    Audio,
    /// A fax by T.38 over UDPTL, which has no codecs.
    Fax,
}

impl Audio {
    /// Whether the writer holds the call: it does not listen, or gave no address to send to.
    ///
    /// RFC 3264 §8.4 (`sendonly`, `inactive`) and RFC 2543's `c=0.0.0.0`.
    pub fn is_held(&self) -> bool {
        !self.direction.receives() || self.rtp.is_none()
    }

    /// The payload types a relay carries for this stream: codecs in order, then telephone-event.
    pub fn payload_types(&self) -> ArrayVec<u8, 3> {
        self.codecs.iter().map(|(_, number)| number).chain(self.telephone_event).collect()
    }
}

impl Session<'_> {
    /// The first audio stream that this trunk can carry, or why there is none.
    pub fn audio(&self) -> Result<Audio, Refusal> {
        self.audio_as(Accepted::Either)
    }

    /// The first audio stream that can be carried and is protected as `accepted` says, or why there
    /// is none.
    pub fn audio_as(&self, accepted: Accepted) -> Result<Audio, Refusal> {
        let mut refusal = Refusal::NoAudio;
        for section in self.sections() {
            if !section.is_audio() || section.is_rejected() {
                continue;
            }
            match read(section, accepted) {
                Ok(audio) => return Ok(audio),
                // The first stream's reason is the one its sender will recognise.
                Err(reason) if refusal == Refusal::NoAudio => refusal = reason,
                Err(_) => {}
            }
        }
        Err(refusal)
    }
}

impl Session<'_> {
    /// The first fax stream (ITU-T T.38, `m=image` over UDPTL) in the place of an audio stream.
    ///
    /// # Errors
    /// If there is none, or nobody may send to its address.
    pub fn fax(&self) -> Result<Audio, Refusal> {
        let is_udptl = |section: &Section<'_>| matches!(section.protocol, Protocol::Other(text) if text.eq_ignore_ascii_case("udptl"));
        let is_fax = |section: &&Section<'_>| {
            section.media.eq_ignore_ascii_case("image")
                && is_udptl(section)
                && !section.is_rejected()
        };
        let section = self.sections().iter().find(is_fax).ok_or(Refusal::NoAudio)?;
        let connection = section.connection.ok_or(Refusal::NoAddress)?;
        connection.address.filter(may_send_to).ok_or(Refusal::NoAddress)?;
        Ok(Audio {
            section: section.index,
            rtp: section.rtp_address(),
            rtcp: Rtcp::Separate(None),
            codecs: Codecs::default(),
            telephone_event: None,
            direction: section.direction(),
            ptime: None,
            profile: Profile::Clear,
            content: Content::Fax,
        })
    }
}

/// Pairs of payload types that mean the same: `(number in from, number in to)`.
///
/// A packet toward the writer of a description carries that description's numbers (RFC 3264 §5.1),
/// so a relay maps what one side sends by `from` into what the other expects by `to`.
pub fn payload_pairs(from: &Audio, to: &Audio) -> impl Iterator<Item = (u8, u8)> + use<> {
    let events = from.telephone_event.zip(to.telephone_event);
    let to = to.codecs;
    from.codecs
        .iter()
        .filter_map(move |(codec, number)| Some((number, to.payload_type(codec)?)))
        .chain(events)
}

/// Whether a section is encrypted, and may be so.
fn read_profile(section: &Section<'_>, accepted: Accepted) -> Result<Profile, Refusal> {
    let has_keys = || section.cryptos().any(|crypto| crypto.is_ok());
    match (section.protocol, accepted) {
        (Protocol::RtpAvp | Protocol::RtpAvpf, Accepted::Clear) => Ok(Profile::Clear),
        (Protocol::RtpAvp | Protocol::RtpAvpf, _) if has_keys() => Ok(Profile::ClearWithKeys),
        (Protocol::RtpAvp | Protocol::RtpAvpf, Accepted::Either) => Ok(Profile::Clear),
        (Protocol::RtpAvp | Protocol::RtpAvpf, Accepted::Encrypted) => {
            Err(Refusal::EncryptionRequired)
        }
        (Protocol::RtpSavp | Protocol::RtpSavpf, Accepted::Clear) => Err(Refusal::Encrypted),
        (Protocol::RtpSavp | Protocol::RtpSavpf, _) if has_keys() => Ok(Profile::Encrypted),
        (Protocol::RtpSavp | Protocol::RtpSavpf, _) => Err(Refusal::NoCommonSuite),
        (Protocol::Dtls(_), _) => Err(Refusal::Dtls),
        (Protocol::Other(_), _) => Err(Refusal::UnknownProtocol),
    }
}

fn read(section: &Section<'_>, accepted: Accepted) -> Result<Audio, Refusal> {
    let profile = read_profile(section, accepted)?;
    let connection = section.connection.ok_or(Refusal::NoAddress)?;
    connection.address.filter(may_send_to).ok_or(Refusal::NoAddress)?;
    let seen = Attributes::of(section);
    let (codecs, telephone_event) = seen.formats(section);
    if codecs.first().is_none() {
        return Err(Refusal::NoCommonCodec);
    }
    let rtcp = match seen.rtcp_mux {
        true => Rtcp::Mux,
        false => Rtcp::Separate(
            section.rtcp_address_of(seen.rtcp).filter(|rtcp| may_send_to(&rtcp.ip())),
        ),
    };
    Ok(Audio {
        section: section.index,
        rtp: section.rtp_address(),
        rtcp,
        codecs,
        telephone_event,
        direction: section.direction(),
        ptime: seen.ptime,
        profile,
        content: Content::Audio,
    })
}

/// One host, or nobody yet (hold): a relay must not be aimed at a group.
fn may_send_to(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_multicast() && !v4.is_broadcast(),
        IpAddr::V6(v6) => !v6.is_multicast(),
    }
}

/// What the attributes of an audio section say, found in one walk over its lines.
struct Attributes<'a> {
    /// What each payload type is.
    meanings: [Meaning; 128],
    ptime: Option<u16>,
    rtcp: Option<&'a str>,
    rtcp_mux: bool,
}

/// What a payload type stands for, as far as a trunk cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// No `a=rtpmap` says.
    Unsaid,
    Codec(Codec),
    TelephoneEvent,
    Other,
}

impl<'a> Attributes<'a> {
    fn of(section: &Section<'a>) -> Self {
        let mut seen =
            Self { meanings: [Meaning::Unsaid; 128], ptime: None, rtcp: None, rtcp_mux: false };
        for line in section.lines().filter(|line| line.kind == b'a') {
            let Ok(text) = str::from_utf8(line.value) else { continue };
            if let Some(map) = text.strip_prefix("rtpmap:").and_then(parse_rtpmap) {
                let meaning = &mut seen.meanings[usize::from(map.payload_type)];
                if *meaning == Meaning::Unsaid {
                    *meaning = Meaning::of(&map);
                }
            } else if let Some(ptime) = text.strip_prefix("ptime:") {
                seen.ptime = seen.ptime.or_else(|| digits(ptime.trim()));
            } else if let Some(rtcp) = text.strip_prefix("rtcp:") {
                seen.rtcp = seen.rtcp.or(Some(rtcp));
            } else if text == "rtcp-mux" {
                seen.rtcp_mux = true;
            }
        }
        seen
    }

    /// The codecs and the event type of the `m=` line, in its order.
    fn formats(&self, section: &Section<'_>) -> (Codecs, Option<u8>) {
        let mut codecs = Codecs::default();
        let mut telephone_event = None;
        for number in section.payload_types() {
            match self.meanings[usize::from(number)] {
                Meaning::Codec(codec) => codecs.add(codec, number),
                Meaning::TelephoneEvent => telephone_event = telephone_event.or(Some(number)),
                Meaning::Unsaid => {
                    if let Some(codec) = Codec::of_static(number) {
                        codecs.add(codec, number);
                    }
                }
                Meaning::Other => {}
            }
        }
        (codecs, telephone_event)
    }
}

impl Meaning {
    fn of(map: &RtpMap<'_>) -> Self {
        match Codec::of(map) {
            Some(codec) => Self::Codec(codec),
            None if map.clock_rate == 8000
                && map.encoding.eq_ignore_ascii_case("telephone-event") =>
            {
                Self::TelephoneEvent
            }
            None => Self::Other,
        }
    }
}
