//! Finding messages in a stream (RFC 3261 §18.3) and the keep-alives between them (RFC 5626 §3.5.1).

use memchr::memmem;

use crate::error::Problem;
use crate::grammar::{class, is};
use crate::head::{self, Lines, Step};
use crate::message::MESSAGE_BYTES_MAX;
use crate::name::Name;
use crate::status::Status;

/// Most memory a reader keeps between messages, bytes: one large message must not cost an idle
/// connection its buffer for ever.
const IDLE_BYTES_MAX: usize = 8 * 1024;

/// What a stream holds next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// One whole message, for [`Message::parse`](crate::Message::parse).
    Message(&'a [u8]),
    /// A second CRLF right after another: the peer asks for a CRLF back (RFC 5626 §4.4.1).
    Ping,
    /// A CRLF: the answer to a ping of ours, or half a ping of the peer's, which the next CRLF
    /// will tell. Who did not ping ignores it.
    Pong,
}

/// Why a stream cannot be read on. What follows cannot be told apart from it: close the
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The first byte of a message begins no method and no version.
    #[error("stream does not speak SIP")]
    NotSip,
    /// No empty line within the size limit.
    #[error("header section exceeds {max} bytes")]
    HeadTooLarge {
        /// The limit, bytes.
        max: usize,
    },
    /// Content-Length takes the message beyond the size limit.
    #[error("message of {bytes} bytes exceeds {max}")]
    MessageTooLarge {
        /// Header section and announced body, bytes.
        bytes: usize,
        /// The limit, bytes.
        max: usize,
    },
    /// No Content-Length, which a stream needs (RFC 3261 §20.14).
    #[error("no Content-Length")]
    ContentLengthMissing,
    /// Content-Length is not a number.
    #[error("Content-Length is not a number")]
    ContentLengthMalformed,
    /// Content-Length stands more than once (RFC 4475 §3.3.9).
    #[error("Content-Length stands more than once")]
    ContentLengthRepeated,
    /// A CR or LF alone, which two readers could take for two different things.
    #[error("header line not ended by CRLF")]
    LineEnding,
}

impl FrameError {
    /// What a request that broke the stream is answered with before the connection closes, if
    /// enough of it is in [`FrameReader::buffered`] to answer.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::HeadTooLarge { .. } | Self::MessageTooLarge { .. } => Status::MESSAGE_TOO_LARGE,
            Self::NotSip
            | Self::ContentLengthMissing
            | Self::ContentLengthMalformed
            | Self::ContentLengthRepeated
            | Self::LineEnding => Status::BAD_REQUEST,
        }
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotSip => "stream-not-sip",
            Self::HeadTooLarge { .. } => "head-too-large",
            Self::MessageTooLarge { .. } => "message-too-large",
            Self::ContentLengthMissing => "content-length-missing",
            Self::ContentLengthMalformed => "content-length-malformed",
            Self::ContentLengthRepeated => "content-length-repeated",
            Self::LineEnding => "line-ending",
        }
    }
}

/// Cuts a stream into messages.
///
/// Push what was read, then take frames until there are no more. What comes out does not depend on
/// how the stream was cut into pushes. As long as the caller does that, the buffer never holds
/// more than one message at its limit and one push.
///
/// ```
/// use sip_message::frame::{Frame, FrameReader};
///
/// let mut reader = FrameReader::new();
/// reader.push(b"OPTIONS sip:example.com SIP/2.0\r\nContent-Le");
/// assert_eq!(reader.next(), None);
/// reader.push(b"ngth: 2\r\n\r\nhi\r\n\r\n");
/// assert!(matches!(reader.next(), Some(Ok(Frame::Message(m))) if m.ends_with(b"\r\n\r\nhi")));
/// assert_eq!(reader.next(), Some(Ok(Frame::Pong)));
/// assert_eq!(reader.next(), Some(Ok(Frame::Ping)));
/// assert_eq!(reader.next(), None);
/// ```
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    /// Where the first byte that was not given out stands.
    start: usize,
    /// How far the current header section was searched for its end.
    searched: usize,
    /// Length of the current message, once its header section is whole.
    length: Option<usize>,
    message_bytes_max: usize,
    after_crlf: bool,
    failed: Option<FrameError>,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameReader {
    /// A reader of messages up to [`MESSAGE_BYTES_MAX`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_limit(MESSAGE_BYTES_MAX)
    }

    /// A reader of messages up to `message_bytes_max`, which counts header section and body and
    /// cannot exceed [`MESSAGE_BYTES_MAX`].
    #[must_use]
    pub fn with_limit(message_bytes_max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            length: None,
            message_bytes_max: message_bytes_max.min(MESSAGE_BYTES_MAX),
            after_crlf: false,
            failed: None,
        }
    }

    /// Adds bytes that were read. After an error they are dropped.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.buffer.drain(..self.start);
        self.searched = self.searched.saturating_sub(self.start);
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BYTES_MAX {
            self.buffer.shrink_to(IDLE_BYTES_MAX);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// What was pushed and not given out yet: after an error, the message that caused it as far
    /// as it came.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The next frame; `None` if more bytes are needed. An error stays: it is given again and
    /// again.
    #[expect(
        clippy::should_implement_trait,
        reason = "a frame borrows the reader, which no Iterator can say"
    )]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, FrameError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        match self.advance() {
            Ok(Some(Found::Message { start, end })) => {
                Some(Ok(Frame::Message(&self.buffer[start..end])))
            }
            Ok(Some(Found::Ping)) => Some(Ok(Frame::Ping)),
            Ok(Some(Found::Pong)) => Some(Ok(Frame::Pong)),
            Ok(None) => None,
            Err(error) => {
                self.failed = Some(error);
                Some(Err(error))
            }
        }
    }

    fn advance(&mut self) -> Result<Option<Found>, FrameError> {
        if self.length.is_none() {
            match self.buffered() {
                [] | [b'\r'] => return Ok(None),
                [b'\r', b'\n', ..] => return Ok(Some(self.take_crlf())),
                [first, ..] if !is(*first, class::TOKEN) => return Err(FrameError::NotSip),
                [..] => {}
            }
            self.after_crlf = false;
            self.length = self.find_length()?;
        }
        let Some(length) = self.length else { return Ok(None) };
        let (start, end) = (self.start, self.start + length);
        if self.buffer.len() < end {
            return Ok(None);
        }
        self.start = end;
        self.searched = end;
        self.length = None;
        Ok(Some(Found::Message { start, end }))
    }

    fn take_crlf(&mut self) -> Found {
        self.start += 2;
        self.searched = self.start;
        let is_ping = self.after_crlf;
        self.after_crlf = !is_ping;
        if is_ping { Found::Ping } else { Found::Pong }
    }

    /// The length of the message at `start`, if its header section is all there.
    fn find_length(&mut self) -> Result<Option<usize>, FrameError> {
        let max = self.message_bytes_max;
        // The end may straddle what was searched before by up to three bytes.
        let from = self.searched.saturating_sub(3).max(self.start);
        let Some(found) = memmem::find(&self.buffer[from..], b"\r\n\r\n") else {
            self.searched = self.buffer.len();
            let is_over = self.buffered().len() > max;
            return if is_over { Err(FrameError::HeadTooLarge { max }) } else { Ok(None) };
        };
        let head = &self.buffer[self.start..from + found + 4];
        if head.len() > max {
            return Err(FrameError::HeadTooLarge { max });
        }
        let bytes = head.len().saturating_add(content_length(head)?);
        match bytes <= max {
            true => Ok(Some(bytes)),
            false => Err(FrameError::MessageTooLarge { bytes, max }),
        }
    }
}

enum Found {
    Message { start: usize, end: usize },
    Ping,
    Pong,
}

/// The one Content-Length of a header section, found by the same walk as the parser's.
fn content_length(head: &[u8]) -> Result<usize, FrameError> {
    let first_line = memchr::memchr(b'\n', head).ok_or(FrameError::LineEnding)?;
    if !head[..first_line].ends_with(b"\r") || head[..first_line - 1].contains(&b'\r') {
        return Err(FrameError::LineEnding);
    }
    let mut length = None;
    let mut lines = Lines::new(head, first_line + 1);
    while let Step::Line { start, end } = lines.step() {
        // A line that is no header has no say here; the message's check will refuse it.
        let Ok(cut) = head::cut(head, start, end) else { continue };
        if cut.name != Name::ContentLength {
            continue;
        }
        if length.is_some() {
            return Err(FrameError::ContentLengthRepeated);
        }
        length = Some(head::content_length(&head[cut.value_start..cut.value_end]));
    }
    if !lines.ends_are_clean() {
        return Err(FrameError::LineEnding);
    }
    match length {
        Some(Ok(length)) => Ok(length),
        Some(Err(Problem::OutOfRange)) => Ok(usize::MAX),
        Some(Err(_)) => Err(FrameError::ContentLengthMalformed),
        None => Err(FrameError::ContentLengthMissing),
    }
}
