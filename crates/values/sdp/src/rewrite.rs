//! Printing a description again with a relay's own addresses in it.

use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;
use std::str;

use crate::line::{Line, digits, word};
use crate::section::Section;
use crate::session::{Origin, Session, parse_connection};

/// What a relay puts in place of the peer's addresses.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'r> {
    /// The relay's address, as the next hop must see it.
    pub address: IpAddr,
    /// What becomes of the `o=` line.
    pub origin: OriginRewrite<'r>,
    /// The sections that are relayed; every other one is printed with port 0 (RFC 3264 §6).
    pub relayed: &'r [Relayed<'r>],
}

/// What becomes of the `o=` line.
#[derive(Debug, Clone, Copy)]
pub enum OriginRewrite<'r> {
    /// Only the address changes; user name, id and version stay the peer's.
    Address,
    /// The relay is the origin: one session id for a whole call, whoever answers it.
    Whole {
        /// User name; `-` for none.
        username: &'r str,
        /// Session id.
        session_id: u64,
        /// Session version.
        version: u64,
    },
}

/// One relayed section.
#[derive(Debug, Clone, Copy)]
pub struct Relayed<'r> {
    /// Which section, from 0.
    pub section: usize,
    /// The relay's RTP port.
    pub port: u16,
    /// The relay's RTCP port, for an `a=rtcp` line that is there.
    pub rtcp_port: u16,
    /// The payload types to keep, in the order to print; `None` keeps the list as it is. Lines
    /// about the others (`a=rtpmap`, `a=fmtp`, `a=rtcp-fb`) go with them.
    pub formats: Option<&'r [u8]>,
}

impl Relayed<'_> {
    /// A section on `port` with RTCP on the next port and all formats kept.
    pub const fn new(section: usize, port: u16) -> Self {
        Self { section, port, rtcp_port: port.saturating_add(1), formats: None }
    }
}

/// Attributes that name the peer's own addresses or keys, which a relay must not hand on:
/// ICE (RFC 8839 §5), and SDES keys (RFC 4568) beside plain RTP.
const NOT_PASSED_ON: [&[u8]; 9] = [
    b"candidate",
    b"remote-candidates",
    b"end-of-candidates",
    b"ice-ufrag",
    b"ice-pwd",
    b"ice-options",
    b"ice-lite",
    b"ice-mismatch",
    b"crypto",
];

impl Session<'_> {
    /// Appends the description to `out`, with `rewrite` applied and all else byte for byte.
    ///
    /// A `c=` of `0.0.0.0` or `::` stays: it is the old way to hold (RFC 3264 §8.4).
    pub fn rewrite(&self, rewrite: &Rewrite<'_>, out: &mut Vec<u8>) {
        out.reserve(self.bytes().len() + 64);
        let mut section = None;
        for line in self.lines() {
            if line.kind == b'm' {
                section = Some(section.map_or(0, |index: usize| index + 1));
            }
            let place = match section {
                None => Place::Session,
                Some(index) => Place::Section(
                    &self.sections()[index],
                    rewrite.relayed.iter().find(|relayed| relayed.section == index),
                ),
            };
            rewrite.line(self.origin(), &line, place, out);
        }
    }
}

/// Where a line stands.
#[derive(Clone, Copy)]
enum Place<'p> {
    Session,
    Section(&'p Section<'p>, Option<&'p Relayed<'p>>),
}

impl Rewrite<'_> {
    fn line(&self, origin: Origin<'_>, line: &Line<'_>, place: Place<'_>, out: &mut Vec<u8>) {
        match (line.kind, place) {
            (b'o', _) => self.origin(origin, line, out),
            (b'c', _) => self.connection(line, out),
            (b'm', Place::Section(section, relayed)) => media(section, relayed, line, out),
            (b'a', place) => self.attribute(line, place, out),
            _ => out.extend_from_slice(line.raw),
        }
    }

    fn origin(&self, seen: Origin<'_>, line: &Line<'_>, out: &mut Vec<u8>) {
        let kind = family(self.address);
        let address = self.address;
        match self.origin {
            OriginRewrite::Address => {
                let Origin { username, session_id, version, .. } = seen;
                print(out, format_args!("o={username} {session_id} {version} IN {kind} {address}"));
            }
            OriginRewrite::Whole { username, session_id, version } => {
                print(out, format_args!("o={username} {session_id} {version} IN {kind} {address}"));
            }
        }
        out.extend_from_slice(line.end());
    }

    fn connection(&self, line: &Line<'_>, out: &mut Vec<u8>) {
        let seen = str::from_utf8(line.value).ok().and_then(parse_connection);
        if seen.is_some_and(|connection| connection.is_unspecified()) {
            out.extend_from_slice(line.raw);
            return;
        }
        print(out, format_args!("c=IN {} {}", family(self.address), self.address));
        out.extend_from_slice(line.end());
    }

    fn attribute(&self, line: &Line<'_>, place: Place<'_>, out: &mut Vec<u8>) {
        let (name, value) = line.attribute().expect("an a= line is an attribute");
        if NOT_PASSED_ON.contains(&name) {
            return;
        }
        match place {
            // RFC 3605 §2.1 has it in sections only; above them it would still name the peer.
            Place::Session | Place::Section(_, None) if name == b"rtcp" => {}
            Place::Section(_, Some(relayed)) if name == b"rtcp" => {
                self.rtcp(relayed, line, value, out);
            }
            Place::Section(_, Some(Relayed { formats: Some(kept), .. }))
                if is_about_other_format(name, value, kept) => {}
            Place::Session | Place::Section(..) => out.extend_from_slice(line.raw),
        }
    }

    /// `a=rtcp:port` or `a=rtcp:port IN IP4 address`: the form stays. RFC 3605 §2.1.
    fn rtcp(&self, relayed: &Relayed<'_>, line: &Line<'_>, value: &[u8], out: &mut Vec<u8>) {
        print(out, format_args!("a=rtcp:{}", relayed.rtcp_port));
        if memchr::memchr(b' ', value).is_some() {
            print(out, format_args!(" IN {} {}", family(self.address), self.address));
        }
        out.extend_from_slice(line.end());
    }
}

fn media(section: &Section<'_>, relayed: Option<&Relayed<'_>>, line: &Line<'_>, out: &mut Vec<u8>) {
    let port = relayed.filter(|_| !section.is_rejected()).map_or(0, |relayed| relayed.port);
    let text = str::from_utf8(line.value).expect("parse read this m= line as text");
    // The protocol is printed as it was written, whatever its case.
    let (_, after_media) = word(text);
    let (_, after_port) = word(after_media);
    let (protocol, _) = word(after_port);
    print(out, format_args!("m={} {port} {protocol}", section.media));
    match relayed.and_then(|relayed| relayed.formats) {
        Some(kept) if kept.iter().any(|&number| section.payload_types().any(|it| it == number)) => {
            for number in
                kept.iter().filter(|&&number| section.payload_types().any(|it| it == number))
            {
                print(out, format_args!(" {number}"));
            }
        }
        // An m= line must name a format (RFC 8866 §5.14), even when none of the wanted is there.
        Some(_) | None => print(out, format_args!(" {}", section.formats)),
    }
    out.extend_from_slice(line.end());
}

fn is_about_other_format(name: &[u8], value: &[u8], kept: &[u8]) -> bool {
    if ![&b"rtpmap"[..], b"fmtp", b"rtcp-fb"].contains(&name) {
        return false;
    }
    let number = str::from_utf8(value).ok().and_then(|text| digits::<u8>(word(text).0));
    number.is_some_and(|number| !kept.contains(&number))
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IP4",
        IpAddr::V6(_) => "IP6",
    }
}

fn print(out: &mut Vec<u8>, text: impl Display) {
    write!(out, "{text}").expect("a Vec takes every byte");
}
