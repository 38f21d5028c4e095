//! A whole description, borrowed from its bytes.

use std::net::IpAddr;
use std::str;

use arrayvec::ArrayVec;

use crate::line::{Line, Lines, digits, word};
use crate::malformed::{Fault, Malformed};
use crate::section::{Direction, Section};

/// The longest body read, in bytes: what one datagram can hold.
pub const BYTES_MAX: usize = 65_535;

/// The most `m=` sections in one description. A trunk uses one; gateways offer a handful.
pub const SECTIONS_MAX: usize = 8;

/// A session description. RFC 8866.
///
/// The body is only looked at, never copied: lines are found again when asked for.
#[derive(Debug, Clone)]
pub struct Session<'a> {
    bytes: &'a [u8],
    origin: Origin<'a>,
    connection: Option<Connection<'a>>,
    sections: ArrayVec<Section<'a>, SECTIONS_MAX>,
}

/// The `o=` line. RFC 8866 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// Login name, `-` for none.
    pub username: &'a str,
    /// Session id, kept as its digits: some user agents send more than 64 bits.
    pub session_id: &'a str,
    /// Session version, kept as its digits; a new offer or answer of one session counts it up.
    pub version: &'a str,
    /// The address of the machine that made the session, as text: often private, never trusted.
    pub address: &'a str,
}

/// A `c=` line. RFC 8866 §5.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The address as written, without a multicast TTL.
    pub host: &'a str,
    /// The same as an IP address; `None` for a host name.
    pub address: Option<IpAddr>,
}

impl Connection<'_> {
    /// Whether this is the old way to hold, `0.0.0.0` (RFC 3264 §8.4), or `::`.
    pub fn is_unspecified(&self) -> bool {
        self.address.is_some_and(|address| address.is_unspecified())
    }
}

impl<'a> Session<'a> {
    /// Reads a body.
    ///
    /// Tolerant of LF line ends, unknown lines, wrong line order and blank lines at the end; strict
    /// about what a relay must be sure of: `v=`, `o=`, `c=`, `m=`, and where lines end.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Err(Malformed { line: 1, fault: Fault::Empty });
        }
        if bytes.len() > BYTES_MAX {
            return Err(Malformed { line: 1, fault: Fault::TooLong });
        }
        let mut reader = Reader::default();
        for line in Lines::new(bytes, 1) {
            reader.read(bytes, &line).map_err(|fault| Malformed { line: line.number, fault })?;
        }
        reader.finish(bytes)
    }

    /// The body as it came.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Every line in order.
    pub fn lines(&self) -> Lines<'a> {
        Lines::new(self.bytes, 1)
    }

    /// The `o=` line.
    pub fn origin(&self) -> Origin<'a> {
        self.origin
    }

    /// The `c=` line above all sections.
    pub fn connection(&self) -> Option<Connection<'a>> {
        self.connection
    }

    /// The `m=` sections in order.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader<'a> {
    origin: Option<Origin<'a>>,
    connection: Option<Connection<'a>>,
    direction: Option<Direction>,
    sections: ArrayVec<Section<'a>, SECTIONS_MAX>,
    /// Where the section being read starts in the body.
    section_start: usize,
    blank_seen: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self, bytes: &'a [u8], line: &Line<'a>) -> Result<(), Fault> {
        let content = &line.raw[..line.raw.len() - line.end().len()];
        if line.number == 1 && (line.kind != b'v' || line.value != b"0") {
            return Err(Fault::Version);
        }
        if content.is_empty() {
            self.blank_seen = true;
            return Ok(());
        }
        if self.blank_seen || !line.kind.is_ascii_lowercase() {
            return Err(Fault::NotALine);
        }
        // A lone CR at the very end of the body is a line end to some and a byte to others.
        if memchr::memchr2(0, b'\r', content).is_some() || line.end() == b"\r" {
            return Err(Fault::ControlByte);
        }
        match line.kind {
            b'o' => self.read_origin(line),
            b'c' => self.read_connection(line),
            b'm' => self.read_media(bytes, line),
            b'a' => {
                self.read_direction(line);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_origin(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        if self.origin.is_some() || !self.sections.is_empty() {
            return Err(Fault::OriginCount);
        }
        let text = str::from_utf8(line.value).map_err(|_| Fault::Origin)?;
        self.origin = Some(parse_origin(text).ok_or(Fault::Origin)?);
        Ok(())
    }

    fn read_connection(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        let text = str::from_utf8(line.value).map_err(|_| Fault::Connection)?;
        let connection = parse_connection(text).ok_or(Fault::Connection)?;
        match self.sections.last_mut() {
            Some(section) => section.connection = section.connection.or(Some(connection)),
            None => self.connection = self.connection.or(Some(connection)),
        }
        Ok(())
    }

    fn read_media(&mut self, bytes: &'a [u8], line: &Line<'a>) -> Result<(), Fault> {
        let at = line.raw.as_ptr().addr() - bytes.as_ptr().addr();
        self.close_section(bytes, at);
        let text = str::from_utf8(line.value).map_err(|_| Fault::Media)?;
        let section = Section::parse(text, self.sections.len(), line.number).ok_or(Fault::Media)?;
        self.sections.try_push(section).map_err(|_| Fault::TooManySections)?;
        self.section_start = at;
        Ok(())
    }

    fn read_direction(&mut self, line: &Line<'a>) {
        let Some(direction) = Direction::of_attribute(line.value) else { return };
        match self.sections.last_mut() {
            Some(section) => section.direction = Some(direction),
            None => self.direction = Some(direction),
        }
    }

    fn close_section(&mut self, bytes: &'a [u8], end: usize) {
        if let Some(section) = self.sections.last_mut() {
            section.bytes = &bytes[self.section_start..end];
        }
    }

    fn finish(mut self, bytes: &'a [u8]) -> Result<Session<'a>, Malformed> {
        self.close_section(bytes, bytes.len());
        for section in &mut self.sections {
            section.connection = section.connection.or(self.connection);
            section.direction = section.direction.or(self.direction);
        }
        let origin = self.origin.ok_or(Malformed { line: 1, fault: Fault::OriginCount })?;
        Ok(Session { bytes, origin, connection: self.connection, sections: self.sections })
    }
}

fn parse_origin(text: &str) -> Option<Origin<'_>> {
    let (username, rest) = word(text);
    let (session_id, rest) = word(rest);
    let (version, rest) = word(rest);
    let (network, rest) = word(rest);
    let (kind, rest) = word(rest);
    let (address, rest) = word(rest);
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = !username.is_empty()
        && number(session_id)
        && number(version)
        && network.eq_ignore_ascii_case("IN")
        && (kind.eq_ignore_ascii_case("IP4") || kind.eq_ignore_ascii_case("IP6"))
        && !address.is_empty()
        && rest.is_empty();
    sound.then_some(Origin { username, session_id, version, address })
}

pub(crate) fn parse_connection(text: &str) -> Option<Connection<'_>> {
    let (network, rest) = word(text);
    let (kind, rest) = word(rest);
    let (address, rest) = word(rest);
    if !network.eq_ignore_ascii_case("IN") || address.is_empty() || !rest.is_empty() {
        return None;
    }
    let (host, ttl) = address.split_once('/').unwrap_or((address, "0"));
    if host.is_empty() || ttl.split('/').any(|part| digits::<u32>(part).is_none()) {
        return None;
    }
    let address = if kind.eq_ignore_ascii_case("IP4") {
        host.parse().ok().map(IpAddr::V4)
    } else if kind.eq_ignore_ascii_case("IP6") {
        host.parse().ok().map(IpAddr::V6)
    } else {
        return None;
    };
    Some(Connection { host, address })
}
