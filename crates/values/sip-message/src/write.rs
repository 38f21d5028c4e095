//! Printing messages into a caller's buffer.

use std::fmt;
use std::net::SocketAddr;

use arrayvec::ArrayString;

use crate::error::Problem;
use crate::grammar::{decimal, is_token};
use crate::message::Message;
use crate::method::Method;
use crate::name::Name;
use crate::status::Status;
use crate::via::{Rport, Via};

/// Longest text of an IP address: IPv6 with an IPv4 tail.
const IP_TEXT_MAX: usize = 45;

/// Prints one message at the end of a caller's buffer, header by header.
///
/// ```
/// use sip_message::{MessageWriter, Method, Name};
///
/// let mut buffer = Vec::new();
/// MessageWriter::request(&mut buffer, Method::Options, "sip:example.com")
///     .header(Name::MaxForwards, 70)
///     .header(Name::CallId, "a84b4c76e66710")
///     .extension("X-VoiceConnector-ID", "dr3rbaar376u5r4ntcnlq4")
///     .finish();
/// assert!(buffer.starts_with(b"OPTIONS sip:example.com SIP/2.0\r\nMax-Forwards: 70\r\n"));
/// assert!(buffer.ends_with(b"Content-Length: 0\r\n\r\n"));
/// ```
///
/// A value can never smuggle in a line of its own: CR and LF in what is printed become blanks,
/// which also unfolds folded values. One of `finish`, `body` and `raw_body` ends the
/// message and writes its Content-Length; it must be called once and last.
#[derive(Debug)]
pub struct MessageWriter<'b> {
    buffer: &'b mut Vec<u8>,
    finished: bool,
}

impl<'b> MessageWriter<'b> {
    /// Begins a request. Blanks and control characters in the URI are printed as `%` escapes.
    pub fn request(buffer: &'b mut Vec<u8>, method: Method<'_>, uri: impl fmt::Display) -> Self {
        buffer.extend_from_slice(method.as_str().as_bytes());
        buffer.push(b' ');
        print(&mut Escaped(buffer), uri);
        buffer.extend_from_slice(b" SIP/2.0\r\n");
        Self { buffer, finished: false }
    }

    /// Begins a response.
    pub fn response(buffer: &'b mut Vec<u8>, status: Status, reason: impl fmt::Display) -> Self {
        buffer.extend_from_slice(b"SIP/2.0 ");
        print_unfolded(buffer, format_args!("{status} {reason}"));
        buffer.extend_from_slice(b"\r\n");
        Self { buffer, finished: false }
    }

    /// Goes on with a message that stands in the buffer up to some header, the last line ended: a
    /// copy of what another writer printed, so that what many messages share is printed once.
    pub fn resume(buffer: &'b mut Vec<u8>) -> Self {
        Self { buffer, finished: false }
    }

    /// Begins a response to `request`: its Vias, the topmost one stamped with the source, From,
    /// To with `to_tag` if it had none, Call-ID and CSeq (RFC 3261 §8.2.6.2, §18.2.1; RFC 3581
    /// §4). A 100 passes an empty `to_tag`, which adds none.
    pub fn response_to(
        buffer: &'b mut Vec<u8>,
        request: &Message<'_>,
        status: Status,
        reason: impl fmt::Display,
        source: SocketAddr,
        to_tag: &str,
    ) -> Self {
        let mut writer = Self::response(buffer, status, reason);
        writer.vias_stamped(request, source).copy_all(request, Name::From);
        match request.to() {
            Ok(to) if to.tag().is_none() && !to_tag.is_empty() => {
                let value = request.first(Name::To).unwrap_or("");
                writer.header(Name::To, format_args!("{value};tag={to_tag}"));
            }
            Ok(_) | Err(_) => {
                writer.copy_all(request, Name::To);
            }
        }
        writer.copy_all(request, Name::CallId).copy_all(request, Name::CSeq);
        writer
    }

    /// Writes a header this crate has a name for.
    ///
    /// Content-Length is written where the message ends, and an extension has no name here: both
    /// are passed over.
    pub fn header(&mut self, name: Name, value: impl fmt::Display) -> &mut Self {
        self.assert_open();
        if !matches!(name, Name::Other | Name::ContentLength) {
            self.line(name.as_str(), value);
        }
        self
    }

    /// Writes a header whose value is text: the same as [`MessageWriter::header`], and quicker.
    pub fn text(&mut self, name: Name, value: &str) -> &mut Self {
        self.assert_open();
        if !matches!(name, Name::Other | Name::ContentLength) {
            self.line_of_text(name.as_str(), value);
        }
        self
    }

    /// Writes a header by its spelling. One that is no token is passed over.
    pub fn extension(&mut self, name: &str, value: impl fmt::Display) -> &mut Self {
        self.assert_open();
        if is_token(name) && Name::parse(name) != Name::ContentLength {
            self.line(name, value);
        }
        self
    }

    /// Writes a whole header line as it came, folds and all, with or without its line end.
    ///
    /// A CR or LF in it that is neither its end nor part of a fold becomes a blank.
    pub fn raw(&mut self, line: &[u8]) -> &mut Self {
        self.assert_open();
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let Some(end) = end else { return self };
        let mut rest = &line[..=end];
        while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
            self.buffer.extend_from_slice(&rest[..at]);
            let is_fold = matches!(rest[at..], [b'\r', b'\n', b' ' | b'\t', ..]);
            let (written, passed): (&[u8], usize) = if is_fold { (b"\r\n", 2) } else { (b" ", 1) };
            self.buffer.extend_from_slice(written);
            rest = &rest[at + passed..];
        }
        self.buffer.extend_from_slice(rest);
        self.buffer.extend_from_slice(b"\r\n");
        self
    }

    /// Copies every line of one header as it came.
    pub fn copy_all(&mut self, from: &Message<'_>, name: Name) -> &mut Self {
        for line in from.lines(name) {
            self.raw(line);
        }
        self
    }

    /// Copies the Vias of a request, the topmost stamped with `received` and `rport` where
    /// RFC 3261 §18.2.1 and RFC 3581 §4 ask for them.
    pub fn vias_stamped(&mut self, request: &Message<'_>, source: SocketAddr) -> &mut Self {
        let mut lines = request.lines(Name::Via);
        let top = request.first(Name::Via).map_or(Err(Problem::Missing), Via::parse_first);
        match (top, lines.next()) {
            (Ok((via, rest)), Some(_)) if needs_stamp(&via, source) => {
                let mut address = ArrayString::<IP_TEXT_MAX>::new();
                print(&mut address, source.ip().to_canonical());
                let rport = match via.rport {
                    Rport::Absent => Rport::Absent,
                    Rport::Requested | Rport::Port(_) => Rport::Port(source.port()),
                };
                let stamped = Via { received: Some(&address), rport, ..via };
                let comma = if rest.is_empty() { "" } else { "," };
                self.header(Name::Via, format_args!("{stamped}{comma}{rest}"));
            }
            (Ok(_) | Err(_), Some(line)) => {
                self.raw(line);
            }
            (Ok(_) | Err(_), None) => {}
        }
        for line in lines {
            self.raw(line);
        }
        self
    }

    /// Ends the message with a body. With an empty body it is [`MessageWriter::finish`].
    pub fn body(&mut self, content_type: impl fmt::Display, body: &[u8]) {
        if body.is_empty() {
            return self.finish();
        }
        self.header(Name::ContentType, content_type);
        self.raw_body(body);
    }

    /// Ends a message that has no body.
    pub fn finish(&mut self) {
        self.raw_body(b"");
    }

    /// Ends a message with a body whose Content-Type was written before, or with none.
    pub fn raw_body(&mut self, body: &[u8]) {
        self.assert_open();
        match u32::try_from(body.len()) {
            Ok(length) => self.line_of_text("Content-Length", &decimal(length)),
            Err(_) => self.line("Content-Length", body.len()),
        }
        self.buffer.extend_from_slice(b"\r\n");
        self.buffer.extend_from_slice(body);
        self.finished = true;
    }

    fn line(&mut self, name: &str, value: impl fmt::Display) {
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b": ");
        print_unfolded(self.buffer, value);
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn line_of_text(&mut self, name: &str, value: &str) {
        self.buffer.reserve(name.len() + value.len() + 4);
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b": ");
        let start = self.buffer.len();
        self.buffer.extend_from_slice(value.as_bytes());
        unfold(&mut self.buffer[start..]);
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn assert_open(&self) {
        debug_assert!(!self.finished, "a message that was ended takes no more headers");
    }
}

/// Whether `received` or `rport` must be written: the client asks for them, or wrote another host
/// than the one it sent from. What it wrote there itself is never believed.
fn needs_stamp(via: &Via<'_>, source: SocketAddr) -> bool {
    via.rport != Rport::Absent
        || via.received.is_some()
        || via.host.ip() != Some(source.ip().to_canonical())
}

fn print(sink: &mut impl fmt::Write, value: impl fmt::Display) {
    // No sink here ever fails, and a `Display` that does so by itself breaks its own contract.
    write!(sink, "{value}").expect("there is room, and printing into memory does not fail");
}

/// Prints text with each CR and LF as a blank.
fn print_unfolded(buffer: &mut Vec<u8>, value: impl fmt::Display) {
    let start = buffer.len();
    print(&mut Plain(buffer), value);
    unfold(&mut buffer[start..]);
}

/// Makes each CR and LF a blank.
fn unfold(mut printed: &mut [u8]) {
    while let Some(at) = memchr::memchr2(b'\r', b'\n', printed) {
        printed[at] = b' ';
        printed = &mut printed[at + 1..];
    }
}

/// Prints text as it is.
struct Plain<'a>(&'a mut Vec<u8>);

impl fmt::Write for Plain<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Prints a URI's text with what would end the request line as `%` escapes.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let ends_line = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(ends_line) {
            let (high, low) = (usize::from(rest[at] >> 4), usize::from(rest[at] & 15));
            self.0.extend_from_slice(&rest[..at]);
            self.0.extend_from_slice(&[b'%', HEX[high], HEX[low]]);
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_resumed_from_a_copy_is_the_one_written_in_one_go() {
        let mut whole = Vec::new();
        let mut writer = MessageWriter::request(&mut whole, Method::Bye, "sip:a@example.com");
        writer.header(Name::CallId, "1").header(Name::CSeq, "2 BYE").finish();

        let mut shared = Vec::new();
        MessageWriter::request(&mut shared, Method::Bye, "sip:a@example.com")
            .header(Name::CallId, "1");
        let mut copy = shared.clone();
        MessageWriter::resume(&mut copy).header(Name::CSeq, "2 BYE").finish();
        assert_eq!(copy, whole);
    }

    #[test]
    fn content_length_is_written_once_whatever_is_asked_for() {
        let mut buffer = Vec::new();
        MessageWriter::response(&mut buffer, Status::OK, "OK")
            .header(Name::ContentLength, 7)
            .extension("l", 7)
            .extension("content-length", 7)
            .body("text/plain", b"hello");
        assert_eq!(
            String::from_utf8(buffer).unwrap(),
            "SIP/2.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        );
    }

    #[test]
    fn what_would_end_the_request_line_is_escaped() {
        let mut buffer = Vec::new();
        MessageWriter::request(&mut buffer, Method::Bye, "sip:a b@x\r\nEvil: 1").finish();
        assert!(buffer.starts_with(b"BYE sip:a%20b@x%0D%0AEvil:%201 SIP/2.0\r\n"));
    }

    #[test]
    fn a_raw_line_keeps_its_folds_and_nothing_else_that_ends_lines() {
        let mut buffer = Vec::new();
        MessageWriter::response(&mut buffer, Status::OK, "OK")
            .raw(b"Subject: a\r\n\tb\rc\nd\r\n")
            .raw(b"\r\n")
            .finish();
        let text = String::from_utf8(buffer).unwrap();
        assert!(text.contains("\r\nSubject: a\r\n\tb c d\r\nContent-Length: 0\r\n"), "{text:?}");
    }
}
