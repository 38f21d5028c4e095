//! Printing a description again with a relay's own addresses in it.

use std::io::Write;
use std::net::IpAddr;
use std::str;

use arrayvec::ArrayVec;

use crate::audio::Profile;
use crate::crypto::Crypto;
use crate::line::{Line, digits, word};
use crate::session::{Session, parse_connection};

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
        /// Session id, as its digits.
        session_id: &'r str,
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
    /// Whether the other side is told that the stream is encrypted; `None` keeps the transport as
    /// it is written.
    pub profile: Option<Profile>,
    /// Our keys for the other side. The peer's own are never handed on.
    pub cryptos: &'r [Crypto],
    /// A payload type for RFC 4733 events that the peer does not name: it is added to the list.
    pub telephone_event: Option<u8>,
}

impl Relayed<'_> {
    /// A section on `port` with RTCP on the next port, all formats kept and no keys.
    pub const fn new(section: usize, port: u16) -> Self {
        let rtcp_port = port.saturating_add(1);
        Self {
            section,
            port,
            rtcp_port,
            formats: None,
            profile: None,
            cryptos: &[],
            telephone_event: None,
        }
    }
}

/// Attributes that name the peer's own addresses or keys, which a relay must not hand on:
/// ICE (RFC 8839 §5), and keys by SDES (RFC 4568) and DTLS (RFC 8122 §5, RFC 4145 §4).
const NOT_PASSED_ON: [&[u8]; 11] = [
    b"candidate",
    b"remote-candidates",
    b"end-of-candidates",
    b"ice-ufrag",
    b"ice-pwd",
    b"ice-options",
    b"ice-lite",
    b"ice-mismatch",
    b"crypto",
    b"fingerprint",
    b"setup",
];

impl Session<'_> {
    /// Appends the description to `out`, with `rewrite` applied and all else byte for byte.
    ///
    /// A `c=` of `0.0.0.0` or `::` stays: it is the old way to hold (RFC 3264 §8.4).
    pub fn rewrite(&self, rewrite: &Rewrite<'_>, out: &mut Vec<u8>) {
        out.reserve(self.bytes().len() + 64);
        let mut printer = Printer {
            session: self,
            rewrite,
            address: AddressText::of(rewrite.address),
            section: None,
            keys: Keys::Written,
            out,
        };
        // Untouched lines are copied in runs: from `kept` up to the line being looked at.
        let (mut kept, mut at) = (0, 0);
        for line in self.lines() {
            let end = at + line.raw.len();
            if printer.keys_are_due(&line) {
                printer.out.extend_from_slice(&self.bytes()[kept..at]);
                printer.print_keys();
                kept = at;
            }
            if printer.is_touched(&line) {
                printer.out.extend_from_slice(&self.bytes()[kept..at]);
                printer.print(&line);
                kept = end;
            }
            at = end;
        }
        printer.out.extend_from_slice(&self.bytes()[kept..]);
        if printer.keys == Keys::Due {
            printer.print_keys();
        }
    }
}

/// The new network address as `IN IP4 192.0.2.1`.
struct AddressText(ArrayVec<u8, ADDRESS_TEXT_BYTES>);

/// `IN IP6 ` and the longest way to write an IPv6 address.
const ADDRESS_TEXT_BYTES: usize = 7 + 45;

impl AddressText {
    fn of(address: IpAddr) -> Self {
        let mut text = ArrayVec::new();
        match address {
            IpAddr::V4(v4) => write!(text, "IN IP4 {v4}"),
            IpAddr::V6(v6) => write!(text, "IN IP6 {v6}"),
        }
        .expect("the longest address fits");
        Self(text)
    }
}

/// A description being printed.
struct Printer<'p> {
    session: &'p Session<'p>,
    rewrite: &'p Rewrite<'p>,
    address: AddressText,
    /// The section that the last `m=` line began.
    section: Option<usize>,
    keys: Keys,
    out: &'p mut Vec<u8>,
}

/// Whether our own lines for the section, keys and an event type, are still to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Due,
    Written,
}

impl<'p> Printer<'p> {
    /// Attributes come last in a section (RFC 8866 §5): our own stand before the first of them, or
    /// where the section ends without one.
    fn keys_are_due(&self, line: &Line<'_>) -> bool {
        self.keys == Keys::Due && matches!(line.kind, b'a' | b'm' | 0)
    }

    fn print_keys(&mut self) {
        self.keys = Keys::Written;
        if !self.out.ends_with(b"\n") {
            self.out.extend_from_slice(b"\r\n");
        }
        let cryptos = self.relayed().map_or(&[][..], |relayed| relayed.cryptos);
        for crypto in cryptos {
            crypto.write(self.out);
        }
        if let Some(number) = self.relayed().and_then(|relayed| relayed.telephone_event) {
            let lines =
                format!("a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-15\r\n");
            self.out.extend_from_slice(lines.as_bytes());
        }
    }

    /// Whether the line is printed otherwise than it came, or not at all.
    fn is_touched(&mut self, line: &Line<'_>) -> bool {
        match line.kind {
            b'o' => true,
            b'c' => !is_hold(line),
            b'm' => {
                self.section = Some(self.section.map_or(0, |index| index + 1));
                let has_lines = self.relayed().is_some_and(|relayed| {
                    !relayed.cryptos.is_empty() || relayed.telephone_event.is_some()
                });
                self.keys = if has_lines { Keys::Due } else { Keys::Written };
                true
            }
            b'a' => self.is_attribute_touched(line),
            _ => false,
        }
    }

    fn is_attribute_touched(&self, line: &Line<'_>) -> bool {
        // Nearly all attributes are told apart from the touched ones by their first letter.
        match line.value.first() {
            Some(b'c' | b'i' | b'e' | b's') => is_not_passed_on(line),
            Some(b'r') => {
                let Some((name, value)) = line.attribute() else { return false };
                name == b"rtcp" || is_not_passed_on(line) || self.is_about_dropped(name, value)
            }
            Some(b'f') => {
                let Some((name, value)) = line.attribute() else { return false };
                is_not_passed_on(line) || self.is_about_dropped(name, value)
            }
            Some(_) | None => false,
        }
    }

    /// Whether the attribute is about a payload type that is not kept.
    fn is_about_dropped(&self, name: &[u8], value: &[u8]) -> bool {
        let Some(kept) = self.relayed().and_then(|relayed| relayed.formats) else { return false };
        if ![&b"rtpmap"[..], b"fmtp", b"rtcp-fb"].contains(&name) {
            return false;
        }
        let number = str::from_utf8(value).ok().and_then(|text| digits::<u8>(word(text).0));
        number.is_some_and(|number| !kept.contains(&number))
    }

    fn relayed(&self) -> Option<&'p Relayed<'p>> {
        let index = self.section?;
        self.rewrite.relayed.iter().find(|relayed| relayed.section == index)
    }

    /// Prints a touched line.
    fn print(&mut self, line: &Line<'_>) {
        match line.kind {
            b'o' => self.print_origin(),
            b'c' => {
                self.out.extend_from_slice(b"c=");
                self.out.extend_from_slice(&self.address.0);
            }
            b'm' => self.print_media(line),
            b'a' if line.value.starts_with(b"rtcp:") && self.relayed().is_some() => {
                self.print_rtcp(line);
            }
            // Anything else that is touched is left out: RFC 3605 §2.1 has a=rtcp in sections only,
            // and above them, or in a rejected one, it would still name the peer.
            _ => return,
        }
        self.out.extend_from_slice(line.end());
    }

    fn print_origin(&mut self) {
        let seen = self.session.origin();
        self.out.extend_from_slice(b"o=");
        match self.rewrite.origin {
            OriginRewrite::Address => {
                for part in [seen.username, " ", seen.session_id, " ", seen.version] {
                    self.out.extend_from_slice(part.as_bytes());
                }
            }
            OriginRewrite::Whole { username, session_id, version } => {
                for part in [username, " ", session_id, " "] {
                    self.out.extend_from_slice(part.as_bytes());
                }
                print_number(version, self.out);
            }
        }
        self.out.push(b' ');
        self.out.extend_from_slice(&self.address.0);
    }

    fn print_media(&mut self, line: &Line<'_>) {
        let Self { session, section: Some(index), .. } = *self else { return };
        let section = &session.sections()[index];
        let relayed = self.relayed().copied();
        let port = relayed.filter(|_| !section.is_rejected()).map_or(0, |relayed| relayed.port);
        let text = str::from_utf8(line.value).expect("parse read this m= line as text");
        // Unless it changes, the protocol is printed as it was written, whatever its case.
        let (_, after_media) = word(text);
        let (_, after_port) = word(after_media);
        let (written, _) = word(after_port);
        let wanted = relayed.and_then(|relayed| relayed.profile);
        let protocol = wanted.map_or(written, |profile| section.protocol.as_profile(profile));

        self.out.extend_from_slice(b"m=");
        self.out.extend_from_slice(section.media.as_bytes());
        self.out.push(b' ');
        print_number(port.into(), self.out);
        self.out.push(b' ');
        self.out.extend_from_slice(protocol.as_bytes());
        let kept = relayed.and_then(|relayed| relayed.formats).unwrap_or_default();
        let is_listed = |number: u8| section.payload_types().any(|listed| listed == number);
        // An m= line must name a format (RFC 8866 §5.14), even when none of the wanted is there.
        if !kept.iter().any(|number| is_listed(*number)) {
            self.out.push(b' ');
            self.out.extend_from_slice(section.formats.as_bytes());
        }
        let added = relayed.and_then(|relayed| relayed.telephone_event);
        for number in kept.iter().copied().filter(|number| is_listed(*number)).chain(added) {
            self.out.push(b' ');
            print_number(number.into(), self.out);
        }
    }

    /// `a=rtcp:port` or `a=rtcp:port IN IP4 address`: the form stays. RFC 3605 §2.1.
    fn print_rtcp(&mut self, line: &Line<'_>) {
        let Some(port) = self.relayed().map(|relayed| relayed.rtcp_port) else { return };
        self.out.extend_from_slice(b"a=rtcp:");
        print_number(port.into(), self.out);
        if line.value.contains(&b' ') {
            self.out.push(b' ');
            self.out.extend_from_slice(&self.address.0);
        }
    }
}

fn is_not_passed_on(line: &Line<'_>) -> bool {
    line.attribute().is_some_and(|(name, _)| NOT_PASSED_ON.contains(&name))
}

fn is_hold(line: &Line<'_>) -> bool {
    let seen = str::from_utf8(line.value).ok().and_then(parse_connection);
    seen.is_some_and(|connection| connection.is_unspecified())
}

fn print_number(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
