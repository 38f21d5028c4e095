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
        let mut reader = Reader::new(bytes);
        for line in Lines::new(bytes, 1) {
            reader.read(&line).map_err(|fault| Malformed { line: line.number, fault })?;
        }
        reader.finish()
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

/// A description being read. It is filled in place: with its sections it is large to move.
struct Reader<'a> {
    session: Session<'a>,
    direction: Option<Direction>,
    /// Where the section being read starts in the body.
    section_start: usize,
    /// Where the line being read starts in the body.
    at: usize,
    has_origin: bool,
    has_nul: bool,
    blank_seen: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let origin = Origin { username: "", session_id: "", version: "", address: "" };
        Self {
            session: Session { bytes, origin, connection: None, sections: ArrayVec::new() },
            direction: None,
            section_start: 0,
            at: 0,
            has_origin: false,
            has_nul: memchr::memchr(0, bytes).is_some(),
            blank_seen: false,
        }
    }

    fn read(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        let end = line.end();
        let content = &line.raw[..line.raw.len() - end.len()];
        if line.number == 1 && content != b"v=0" {
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
        let has_nul = self.has_nul && content.contains(&0);
        if has_nul || end == b"\r" || memchr::memchr(b'\r', content).is_some() {
            return Err(Fault::ControlByte);
        }
        match line.kind {
            b'a' => self.read_direction(line),
            b'o' => self.read_origin(line)?,
            b'c' => self.read_connection(line)?,
            b'm' => self.read_media(line)?,
            _ => {}
        }
        self.at += line.raw.len();
        Ok(())
    }

    fn read_origin(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        if self.has_origin || !self.session.sections.is_empty() {
            return Err(Fault::OriginCount);
        }
        let text = str::from_utf8(line.value).map_err(|_| Fault::Origin)?;
        self.session.origin = parse_origin(text).ok_or(Fault::Origin)?;
        self.has_origin = true;
        Ok(())
    }

    fn read_connection(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        let text = str::from_utf8(line.value).map_err(|_| Fault::Connection)?;
        let connection = parse_connection(text).ok_or(Fault::Connection)?;
        let here = match self.session.sections.last_mut() {
            Some(section) => &mut section.connection,
            None => &mut self.session.connection,
        };
        // With several addresses (RFC 8866 §5.7 has them for layered multicast) the first counts.
        here.get_or_insert(connection);
        Ok(())
    }

    fn read_media(&mut self, line: &Line<'a>) -> Result<(), Fault> {
        self.close_section(self.at);
        let text = str::from_utf8(line.value).map_err(|_| Fault::Media)?;
        let sections = &mut self.session.sections;
        let section = Section::parse(text, sections.len(), line.number).ok_or(Fault::Media)?;
        sections.try_push(section).map_err(|_| Fault::TooManySections)?;
        self.section_start = self.at;
        Ok(())
    }

    fn read_direction(&mut self, line: &Line<'a>) {
        let Some(direction) = Direction::of_attribute(line.value) else { return };
        match self.session.sections.last_mut() {
            Some(section) => section.direction = Some(direction),
            None => self.direction = Some(direction),
        }
    }

    fn close_section(&mut self, end: usize) {
        if let Some(section) = self.session.sections.last_mut() {
            section.bytes = &self.session.bytes[self.section_start..end];
        }
    }

    fn finish(mut self) -> Result<Session<'a>, Malformed> {
        if !self.has_origin {
            return Err(Malformed { line: 1, fault: Fault::OriginCount });
        }
        self.close_section(self.session.bytes.len());
        let connection = self.session.connection;
        for section in &mut self.session.sections {
            section.connection = section.connection.or(connection);
            section.direction = section.direction.or(self.direction);
        }
        Ok(self.session)
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
