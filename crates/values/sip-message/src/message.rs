//! A message as a view of the bytes it came in.

use arrayvec::ArrayVec;

use crate::error::{Fault, ParseError};
use crate::grammar::is_token;
use crate::head::{self, Lines, Step};
use crate::method::Method;
use crate::name::Name;
use crate::status::Status;

/// Longest message read, bytes: what a UDP datagram can hold, and enough for any stream.
pub const MESSAGE_BYTES_MAX: usize = 65_535;

/// Most header lines read. More than that is an attack.
pub const HEADERS_MAX: usize = 255;

/// Header lines kept without a heap allocation; a message with more makes one.
pub const HEADERS_INLINE: usize = 64;

/// A request or response, borrowed from the bytes it was read from.
///
/// [`Message::parse`] finds the parts. It is forgiving on purpose: what is wrong inside a line
/// must not keep a server from answering `400`. [`Message::check`] is what decides whether the
/// message may be acted on; nothing else should be done with a message that has not passed it.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// The header section as text, unless some of it is not UTF-8.
    text: Option<&'a str>,
    start: StartLine<'a>,
    body_start: usize,
    fault: Option<Fault>,
    table: Table,
}

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `INVITE sip:bob@biloxi.com SIP/2.0`.
    Request(RequestLine<'a>),
    /// `SIP/2.0 200 OK`.
    Response(StatusLine<'a>),
}

/// A request line (RFC 3261 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: Method<'a>,
    /// The Request-URI as written; [`Uri::parse`](crate::Uri::parse) takes it apart.
    pub uri: &'a str,
    /// The protocol version, `SIP/2.0` in a message that passes its check.
    pub version: &'a str,
}

/// A status line of SIP/2.0 (RFC 3261 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// The status code, 100 to 699.
    pub status: Status,
    /// The reason phrase as written, perhaps empty; empty also if it is not UTF-8.
    pub reason: &'a str,
}

/// One header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which header it is.
    pub name: Name,
    /// Its name as written, perhaps compact.
    pub raw_name: &'a str,
    /// Its value without blanks at the ends, perhaps folded; empty if it is not UTF-8.
    pub value: &'a str,
    /// The whole line as it came, line end and folds included.
    pub line: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one message: a datagram, or what a [`FrameReader`](crate::FrameReader) gave.
    ///
    /// CRLFs before the start line are skipped (RFC 3261 §7.5); bytes after the body that
    /// Content-Length announces are ignored (§18.3).
    ///
    /// # Errors
    /// Only if there is nothing that could be answered: no start line, a response with a broken
    /// status line, too many headers. Every lesser defect is a [`Message::fault`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let skipped =
            bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
        let bytes = &bytes[skipped..];
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(ParseError::KeepAlive);
        }
        if bytes.len() > MESSAGE_BYTES_MAX {
            let max = MESSAGE_BYTES_MAX;
            return Err(ParseError::TooLarge { bytes: bytes.len(), max });
        }
        let newline = memchr::memchr(b'\n', bytes).ok_or(ParseError::StartLine)?;
        let mut fault = None;
        let mut body = BodyLength::default();
        let mut table = Table::new();
        let mut lines = Lines::new(bytes, newline + 1);
        let body_start = loop {
            match lines.step() {
                Step::Line { start, end } => match head::cut(bytes, start, end) {
                    Ok(cut) => {
                        if cut.name == Name::ContentLength {
                            body.note(&bytes[cut.value_start..cut.value_end]);
                        }
                        table.push(Entry::new(start, cut))?;
                    }
                    Err(defect) => {
                        fault = fault.or(Some(defect));
                        table.push(Entry::unreadable(start, end))?;
                    }
                },
                Step::End { start, body } => {
                    table.end = offset(start);
                    break body;
                }
                Step::Unterminated => {
                    fault = fault.or(Some(Fault::HeadUnterminated));
                    table.end = offset(bytes.len());
                    break bytes.len();
                }
            }
        };
        if !lines.ends_are_clean() || !has_clean_end(&bytes[..=newline]) {
            fault = fault.or(Some(Fault::LineEnding));
        }
        let end = match body.end(body_start, bytes.len()) {
            Ok(end) => end,
            Err(defect) => {
                fault = fault.or(Some(defect));
                bytes.len()
            }
        };
        let text = std::str::from_utf8(&bytes[..body_start]).ok();
        let (start, defect) = StartLine::parse(&bytes[..newline], text)?;
        fault = defect.or(fault);
        Ok(Self { bytes: &bytes[..end], text, start, body_start, fault, table })
    }

    /// The message's bytes, from the start line to the end of the body.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The body, empty if there is none.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[self.body_start..]
    }

    /// The start line.
    #[must_use]
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// The request line, if it is a request.
    #[must_use]
    pub fn request_line(&self) -> Option<RequestLine<'a>> {
        match self.start {
            StartLine::Request(line) => Some(line),
            StartLine::Response(_) => None,
        }
    }

    /// The method, if it is a request.
    #[must_use]
    pub fn method(&self) -> Option<Method<'a>> {
        self.request_line().map(|line| line.method)
    }

    /// The status, if it is a response.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self.start {
            StartLine::Request(_) => None,
            StartLine::Response(line) => Some(line.status),
        }
    }

    /// Whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.request_line().is_some()
    }

    /// The first defect in its lines or lengths, which [`Message::check`] will refuse it for.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Every readable header line, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> {
        self.table.entries().filter(|(entry, _)| entry.name_len > 0).map(|(entry, end)| Header {
            name: entry.name,
            raw_name: self.raw_name(entry),
            value: self.value(entry),
            line: &self.bytes[usize::from(entry.start)..usize::from(end)],
        })
    }

    /// The value of the first line of that header; see [`Header::value`].
    #[must_use]
    pub fn first(&self, name: Name) -> Option<&'a str> {
        self.table.first(name).map(|entry| self.value(entry))
    }

    /// Whether there is such a header.
    #[must_use]
    pub fn contains(&self, name: Name) -> bool {
        self.table.first(name).is_some()
    }

    /// The values of every line of that header, in order. A line may hold several values:
    /// [`Values`](crate::Values) splits it, and the typed reads do so themselves.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &'a str> {
        self.table.of(name).map(|(entry, _)| self.value(entry))
    }

    /// The whole lines of that header, as they came.
    pub fn lines(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes;
        let of = self.table.of(name);
        of.map(move |(entry, end)| &bytes[usize::from(entry.start)..usize::from(end)])
    }

    /// The values of every line of the header with that name in any case; also of headers this
    /// crate has no [`Name`] for, such as `X-…`.
    pub fn named(&self, raw: &str) -> impl Iterator<Item = &'a str> {
        let name = Name::parse(raw);
        let is_same = move |entry: &Entry| {
            let start = usize::from(entry.start);
            let spelled = &self.bytes[start..start + usize::from(entry.name_len)];
            name != Name::Other || spelled.eq_ignore_ascii_case(raw.as_bytes())
        };
        self.table.of(name).filter(move |(entry, _)| is_same(entry)).map(|(it, _)| self.value(it))
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.table.inline.iter().chain(&self.table.spill)
    }

    pub(crate) fn first_entry(&self, name: Name) -> Option<&Entry> {
        self.table.first(name)
    }

    /// A header's value, if it is UTF-8.
    #[inline]
    pub(crate) fn read_value(&self, entry: &Entry) -> Option<&'a str> {
        let range = usize::from(entry.value_start)..usize::from(entry.value_end);
        match self.text {
            Some(text) => Some(&text[range]),
            None => std::str::from_utf8(&self.bytes[range]).ok(),
        }
    }

    fn raw_name(&self, entry: &Entry) -> &'a str {
        let start = usize::from(entry.start);
        let range = start..start + usize::from(entry.name_len);
        match self.text {
            Some(text) => &text[range],
            // A name is a token, and that is ASCII.
            None => std::str::from_utf8(&self.bytes[range]).unwrap_or(""),
        }
    }

    #[inline]
    fn value(&self, entry: &Entry) -> &'a str {
        self.read_value(entry).unwrap_or("")
    }
}

impl<'a> StartLine<'a> {
    /// Reads the first line, its LF cut off; gives a defect that still leaves it readable.
    ///
    /// `head` is the text the line begins, if all of that is UTF-8.
    fn parse(line: &'a [u8], head: Option<&'a str>) -> Result<(Self, Option<Fault>), ParseError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) {
            return StatusLine::parse(line).map(|line| (Self::Response(line), None));
        }
        let text = match head {
            Some(head) => &head[..line.len()],
            None => std::str::from_utf8(line).map_err(|_| ParseError::StartLine)?,
        };
        RequestLine::parse(text).map(|(line, fault)| (Self::Request(line), fault))
    }
}

impl<'a> RequestLine<'a> {
    fn parse(text: &'a str) -> Result<(Self, Option<Fault>), ParseError> {
        let is_blank = |c| matches!(c, ' ' | '\t');
        let trimmed = text.trim_end_matches(is_blank);
        let (method, rest) = trimmed.split_once(' ').ok_or(ParseError::StartLine)?;
        let (spaced_uri, version) = rest.rsplit_once(' ').ok_or(ParseError::StartLine)?;
        let is_sip = version.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("SIP/"));
        if method.is_empty() || !is_sip {
            return Err(ParseError::StartLine);
        }
        let uri = spaced_uri.trim_matches(is_blank);
        let fault = if trimmed.len() != text.len() || uri.len() != spaced_uri.len() {
            Some(Fault::StartLineBlanks)
        } else if !is_token(method) {
            Some(Fault::Method)
        } else {
            None
        };
        Ok((Self { method: Method::parse(method), uri, version }, fault))
    }

    /// Whether the version is the one there is. Its letters have no case (RFC 3261 §7.1).
    #[must_use]
    pub fn is_sip_2(&self) -> bool {
        self.version.eq_ignore_ascii_case("SIP/2.0")
    }
}

impl<'a> StatusLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, ParseError> {
        let (version, rest) = split_at_space(line);
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(ParseError::ResponseVersion);
        }
        let (digits, reason) = split_at_space(rest);
        let status = match *digits {
            [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte - b'0');
                Status(digit(a) * 100 + digit(b) * 10 + digit(c))
            }
            _ => return Err(ParseError::StatusCode),
        };
        Ok(Self { status, reason: std::str::from_utf8(reason).unwrap_or("") })
    }
}

fn split_at_space(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&byte| byte == b' ') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// Whether the start line ends in CRLF and holds no other CR.
fn has_clean_end(line: &[u8]) -> bool {
    line.ends_with(b"\r\n") && memchr::memchr(b'\r', line) == Some(line.len() - 2)
}

/// What Content-Length said so far.
#[derive(Debug, Default)]
enum BodyLength {
    #[default]
    Unsaid,
    Said(usize),
    Wrong(Fault),
}

impl BodyLength {
    fn note(&mut self, value: &[u8]) {
        *self = match (&self, head::content_length(value)) {
            (Self::Unsaid, Ok(length)) => Self::Said(length),
            (Self::Unsaid, Err(_)) => Self::Wrong(Fault::ContentLength),
            (Self::Said(_) | Self::Wrong(_), _) => Self::Wrong(Fault::ContentLengthRepeated),
        };
    }

    /// Where the body that starts at `start` ends, given `available` bytes in all.
    fn end(&self, start: usize, available: usize) -> Result<usize, Fault> {
        match *self {
            Self::Unsaid => Ok(available),
            Self::Said(length) if length <= available - start => Ok(start + length),
            Self::Said(_) => Err(Fault::BodyTruncated),
            Self::Wrong(fault) => Err(fault),
        }
    }
}

/// One header line: eight bytes. It ends where the next one starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) start: u16,
    value_start: u16,
    value_end: u16,
    pub(crate) name: Name,
    /// 0 for a line that is no header.
    name_len: u8,
}

impl Entry {
    fn new(start: usize, cut: head::Cut) -> Self {
        Self {
            start: offset(start),
            value_start: offset(cut.value_start),
            value_end: offset(cut.value_end),
            name: cut.name,
            name_len: cut.name_len,
        }
    }

    fn unreadable(start: usize, end: usize) -> Self {
        let end = offset(end);
        Self {
            start: offset(start),
            value_start: end,
            value_end: end,
            name: Name::Other,
            name_len: 0,
        }
    }
}

/// An offset into a message, whose length was checked.
fn offset(at: usize) -> u16 {
    u16::try_from(at).expect("a message has at most 65,535 bytes")
}

/// The header lines of a message, with the first of each kind at hand.
#[derive(Debug, Clone)]
struct Table {
    inline: ArrayVec<Entry, HEADERS_INLINE>,
    spill: Vec<Entry>,
    /// Index of the first entry of each name; `NONE` if there is none.
    first: [u8; Name::COUNT],
    /// Where the last line ends: before the empty line.
    end: u16,
}

const NONE: u8 = u8::MAX;

impl Table {
    fn new() -> Self {
        Self { inline: ArrayVec::new(), spill: Vec::new(), first: [NONE; Name::COUNT], end: 0 }
    }

    #[inline]
    fn push(&mut self, entry: Entry) -> Result<(), ParseError> {
        let index = self.inline.len() + self.spill.len();
        if index >= HEADERS_MAX {
            return Err(ParseError::TooManyHeaders { max: HEADERS_MAX });
        }
        let first = &mut self.first[entry.name as usize];
        if *first == NONE && entry.name_len > 0 {
            *first = u8::try_from(index).expect("HEADERS_MAX fits a byte");
        }
        if let Err(full) = self.inline.try_push(entry) {
            self.spill.push(full.element());
        }
        Ok(())
    }

    fn get(&self, index: usize) -> Option<&Entry> {
        match self.inline.get(index) {
            Some(entry) => Some(entry),
            None => self.spill.get(index.checked_sub(HEADERS_INLINE)?),
        }
    }

    #[inline]
    fn first(&self, name: Name) -> Option<&Entry> {
        match self.first[name as usize] {
            NONE => None,
            index => self.get(usize::from(index)),
        }
    }

    /// Every line from `index` on, readable or not, with its end.
    fn from(&self, index: usize) -> impl Iterator<Item = (&Entry, u16)> {
        let mut index = index;
        std::iter::from_fn(move || {
            let entry = self.get(index)?;
            index += 1;
            Some((entry, self.get(index).map_or(self.end, |next| next.start)))
        })
    }

    fn entries(&self) -> impl Iterator<Item = (&Entry, u16)> {
        self.from(0)
    }

    /// The readable lines of one name, with their ends.
    fn of(&self, name: Name) -> impl Iterator<Item = (&Entry, u16)> {
        // No name: start behind the last line.
        let start = match self.first[name as usize] {
            NONE => HEADERS_MAX,
            index => usize::from(index),
        };
        self.from(start).filter(move |(entry, _)| entry.name == name && entry.name_len > 0)
    }
}
