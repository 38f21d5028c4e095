//! One `m=` section.

use std::net::SocketAddr;
use std::{fmt, str};

use crate::audio::Profile;
use crate::crypto::{CRYPTOS_MAX, Crypto, CryptoFault};
use crate::line::{Lines, digits, word};
use crate::session::{Connection, parse_connection};

/// One `m=` line and everything up to the next. RFC 8866 §5.14.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// Position among the sections, from 0.
    pub index: usize,
    /// `audio`, `video`, `image`, …
    pub media: &'a str,
    /// The transport port; 0 means rejected or no longer used (RFC 3264 §6, §8.2).
    pub port: u16,
    /// The transport, as written.
    pub protocol: Protocol<'a>,
    /// The format list of the `m=` line, as written.
    pub formats: &'a str,
    /// The `c=` line that counts here: the section's own, else the session's.
    pub connection: Option<Connection<'a>>,
    pub(crate) direction: Option<Direction>,
    pub(crate) bytes: &'a [u8],
    first_line: u32,
}

/// The transport of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol<'a> {
    /// `RTP/AVP` (RFC 3551).
    RtpAvp,
    /// `RTP/AVPF` (RFC 4585).
    RtpAvpf,
    /// `RTP/SAVP` (RFC 3711 §12): encrypted by keys in `a=crypto`.
    RtpSavp,
    /// `RTP/SAVPF` (RFC 5124).
    RtpSavpf,
    /// `UDP/TLS/RTP/SAVP` and its kin: encrypted by keys of DTLS (RFC 5764 §8).
    Dtls(&'a str),
    /// Anything else.
    Other(&'a str),
}

impl<'a> Protocol<'a> {
    fn of(text: &'a str) -> Self {
        if text.eq_ignore_ascii_case("RTP/AVP") {
            Self::RtpAvp
        } else if text.eq_ignore_ascii_case("RTP/AVPF") {
            Self::RtpAvpf
        } else if text.eq_ignore_ascii_case("RTP/SAVP") {
            Self::RtpSavp
        } else if text.eq_ignore_ascii_case("RTP/SAVPF") {
            Self::RtpSavpf
        } else if ["/SAVP", "/SAVPF"].iter().any(|kin| ends_with_ignore_case(text, kin)) {
            Self::Dtls(text)
        } else {
            Self::Other(text)
        }
    }
}

impl<'a> Protocol<'a> {
    /// The transport of the same stream with that protection; what is no RTP stays as it is.
    pub(crate) fn as_profile(self, profile: Profile) -> &'a str {
        match (self, profile) {
            (Self::RtpAvp | Self::RtpSavp, Profile::Clear | Profile::ClearWithKeys) => "RTP/AVP",
            (Self::RtpAvp | Self::RtpSavp, Profile::Encrypted) => "RTP/SAVP",
            (Self::RtpAvpf | Self::RtpSavpf, Profile::Clear | Profile::ClearWithKeys) => "RTP/AVPF",
            (Self::RtpAvpf | Self::RtpSavpf, Profile::Encrypted) => "RTP/SAVPF",
            (Self::Dtls(text) | Self::Other(text), _) => text,
        }
    }
}

impl fmt::Display for Protocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::Dtls(text) | Self::Other(text) => text,
        })
    }
}

/// Who sends media, seen from the side that wrote the description. RFC 8866 §6.7.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both sides send: what holds when nothing is said.
    #[default]
    SendRecv,
    /// The writer sends and does not listen: hold with music.
    SendOnly,
    /// The writer listens and does not send.
    RecvOnly,
    /// Nobody sends: hold without music.
    Inactive,
}

impl Direction {
    pub(crate) fn of_attribute(value: &[u8]) -> Option<Self> {
        match value {
            b"sendrecv" => Some(Self::SendRecv),
            b"sendonly" => Some(Self::SendOnly),
            b"recvonly" => Some(Self::RecvOnly),
            b"inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    /// The attribute's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The same from the other side: what `sendonly` is to its hearer is `recvonly`.
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// What remains when both `self` and `other` must allow it. RFC 3264 §6.1.
    pub const fn and(self, other: Self) -> Self {
        let sends = self.sends() && other.sends();
        let receives = self.receives() && other.receives();
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer listens.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// What a payload type number stands for: `a=rtpmap`. RFC 8866 §6.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpMap<'a> {
    /// The payload type, 0–127.
    pub payload_type: u8,
    /// The encoding name; compared without regard to case.
    pub encoding: &'a str,
    /// Timestamp units per second.
    pub clock_rate: u32,
    /// Audio channels, 1 when not said.
    pub channels: u8,
}

impl<'a> Section<'a> {
    /// Reads the value of an `m=` line.
    pub(crate) fn parse(text: &'a str, index: usize, first_line: u32) -> Option<Self> {
        let (media, rest) = word(text);
        let (port, rest) = word(rest);
        let (protocol, formats) = word(rest);
        let formats = formats.trim_end_matches(' ');
        let (port, count) = port.split_once('/').unwrap_or((port, "1"));
        digits::<u16>(count)?;
        if media.is_empty() || protocol.is_empty() || formats.is_empty() {
            return None;
        }
        Some(Self {
            index,
            media,
            port: digits(port)?,
            protocol: Protocol::of(protocol),
            formats,
            connection: None,
            direction: None,
            bytes: b"",
            first_line,
        })
    }

    /// The section's lines, the `m=` line first.
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.bytes, self.first_line)
    }

    /// The values of the section's own attributes called `name`; empty for a bare flag.
    pub fn attributes(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.lines()
            .filter_map(|line| line.attribute())
            .filter(move |(seen, _)| *seen == name.as_bytes())
            .filter_map(|(_, value)| str::from_utf8(value).ok())
    }

    /// Whether the section is an audio section.
    pub fn is_audio(&self) -> bool {
        self.media.eq_ignore_ascii_case("audio")
    }

    /// Whether the section is rejected or switched off: port 0.
    pub fn is_rejected(&self) -> bool {
        self.port == 0
    }

    /// Who sends: the section's attribute, else the session's, else both.
    pub fn direction(&self) -> Direction {
        self.direction.unwrap_or_default()
    }

    /// The payload type numbers of the `m=` line in order of preference; other words are skipped.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.formats.split(' ').filter_map(digits::<u8>).filter(|payload_type| *payload_type < 128)
    }

    /// All readable `a=rtpmap` lines.
    pub fn rtpmaps(&self) -> impl Iterator<Item = RtpMap<'a>> + use<'a> {
        self.attributes("rtpmap").filter_map(parse_rtpmap)
    }

    /// What `a=fmtp` says of a payload type.
    pub fn fmtp(&self, payload_type: u8) -> Option<&'a str> {
        self.attributes("fmtp").find_map(|value| {
            let (number, parameters) = word(value);
            (digits::<u8>(number)? == payload_type).then_some(parameters)
        })
    }

    /// `a=ptime`: milliseconds of audio wanted in each packet.
    pub fn ptime(&self) -> Option<u16> {
        self.attributes("ptime").find_map(|value| digits(value.trim()))
    }

    /// Whether RTCP may share the RTP port: `a=rtcp-mux` (RFC 5761 §5.1.1).
    pub fn has_rtcp_mux(&self) -> bool {
        self.attributes("rtcp-mux").next().is_some()
    }

    /// Where RTP for the writer goes; `None` when rejected, held by `0.0.0.0`, or without an address.
    pub fn rtp_address(&self) -> Option<SocketAddr> {
        let address = self.connection?.address.filter(|address| !address.is_unspecified())?;
        (self.port != 0).then_some(SocketAddr::new(address, self.port))
    }

    /// Where RTCP for the writer goes: `a=rtcp` (RFC 3605), else the port above RTP's.
    pub fn rtcp_address(&self) -> Option<SocketAddr> {
        self.rtcp_address_of(self.attributes("rtcp").next())
    }

    /// The same, given the value of `a=rtcp`.
    pub(crate) fn rtcp_address_of(&self, value: Option<&str>) -> Option<SocketAddr> {
        let rtp = self.rtp_address()?;
        let Some(value) = value else {
            return Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
        };
        let (port, address) = word(value);
        let ip = match address {
            "" => rtp.ip(),
            written => parse_connection(written)?.address?,
        };
        let port = digits(port).filter(|port| *port != 0)?;
        Some(SocketAddr::new(ip, port))
    }

    /// The `a=crypto` lines of SDES, each read or refused. RFC 4568.
    pub fn cryptos(&self) -> impl Iterator<Item = Result<Crypto, CryptoFault>> + use<'a> {
        self.attributes("crypto").take(CRYPTOS_MAX).map(Crypto::parse)
    }
}

pub(crate) fn parse_rtpmap(value: &str) -> Option<RtpMap<'_>> {
    let (number, rest) = word(value);
    let mut parts = rest.trim().split('/');
    let encoding = parts.next().filter(|name| !name.is_empty())?;
    let clock_rate = digits(parts.next()?)?;
    let channels = match parts.next() {
        Some(written) => digits(written)?,
        None => 1,
    };
    let payload_type = digits::<u8>(number).filter(|number| *number < 128)?;
    Some(RtpMap { payload_type, encoding, clock_rate, channels })
}

fn ends_with_ignore_case(text: &str, end: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
}
