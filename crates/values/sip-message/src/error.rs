//! Everything that can be wrong with a message, each cause by name.
//!
//! Three layers: [`ParseError`] — there is no message to speak of, nothing can be answered;
//! [`HeaderError`] — one header does not read as what it should be; [`Violation`] — the message as
//! a whole is refused, with the status a server answers.

use crate::{Name, Status};

/// Why bytes are no message at all. Nothing can be answered; count it and drop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but CRLFs or NULs: a keep-alive (RFC 5626 §3.5.1, and what NAT keepers send).
    #[error("nothing but line ends: a keep-alive, not a message")]
    KeepAlive,
    /// Longer than [`MESSAGE_BYTES_MAX`](crate::MESSAGE_BYTES_MAX).
    #[error("message of {bytes} bytes exceeds the {max} that are read")]
    TooLarge {
        /// Length of what was given, bytes.
        bytes: usize,
        /// The limit, bytes.
        max: usize,
    },
    /// The first line is neither `method URI version` nor `version status reason`.
    #[error("first line is neither a request line nor a status line")]
    StartLine,
    /// The status code of a response is not three digits from 100 to 699.
    #[error("status code is not a number from 100 to 699")]
    StatusCode,
    /// The response is not SIP/2.0.
    #[error("response of another protocol version than SIP/2.0")]
    ResponseVersion,
    /// More header lines than [`HEADERS_MAX`](crate::HEADERS_MAX).
    #[error("more than {max} header lines")]
    TooManyHeaders {
        /// The limit, header lines.
        max: usize,
    },
}

/// The part of a message that an error speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Where a message starts and ends.
    Framing,
    /// Its first line.
    StartLine,
    /// Its header lines.
    Header,
}

impl ParseError {
    /// The part of the message that could not be read.
    #[must_use]
    pub fn layer(self) -> Layer {
        match self {
            Self::KeepAlive | Self::TooLarge { .. } => Layer::Framing,
            Self::StartLine | Self::StatusCode | Self::ResponseVersion => Layer::StartLine,
            Self::TooManyHeaders { .. } => Layer::Header,
        }
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive",
            Self::TooLarge { .. } => "message-too-large",
            Self::StartLine => "start-line-malformed",
            Self::StatusCode => "status-code-out-of-range",
            Self::ResponseVersion => "response-version-unsupported",
            Self::TooManyHeaders { .. } => "headers-too-many",
        }
    }
}

/// A defect in a message's lines or lengths that still leaves most of it readable.
///
/// [`Message::parse`](crate::Message::parse) notes the first one and goes on, so that the request
/// can be answered; [`Message::check`](crate::Message::check) refuses the message for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the empty line that ends the header section.
    #[error("No Empty Line After Headers")]
    HeadUnterminated,
    /// A line ends in LF alone, or a CR stands alone.
    #[error("Line Not Ended By CRLF")]
    LineEnding,
    /// A line is not `name: value` (RFC 3261 §7.3.1).
    #[error("Header Line Without Name")]
    HeaderLine,
    /// A header name has more than 255 bytes.
    #[error("Header Name Too Long")]
    NameTooLong,
    /// The start line has blanks besides its two single spaces (RFC 4475 §3.1.2.9, §3.1.2.10).
    #[error("Extra Blanks In Request Line")]
    StartLineBlanks,
    /// The method is not a token (RFC 3261 §25.1).
    #[error("Method Is Not A Token")]
    Method,
    /// Content-Length is not a number (RFC 4475 §3.1.2.3) or is out of all range.
    #[error("Bad Content-Length")]
    ContentLength,
    /// Content-Length stands more than once (RFC 4475 §3.3.9).
    #[error("Repeated Content-Length")]
    ContentLengthRepeated,
    /// Content-Length promises more than the datagram holds (RFC 3261 §18.3).
    #[error("Body Shorter Than Content-Length")]
    BodyTruncated,
}

impl Fault {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::HeadUnterminated => "head-unterminated",
            Self::LineEnding => "line-ending",
            Self::HeaderLine => "header-line-malformed",
            Self::NameTooLong => "header-name-too-long",
            Self::StartLineBlanks => "start-line-blanks",
            Self::Method => "method-malformed",
            Self::ContentLength => "content-length-malformed",
            Self::ContentLengthRepeated => "content-length-repeated",
            Self::BodyTruncated => "body-truncated",
        }
    }
}

/// Why a URI is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no text.
    #[error("Empty URI")]
    Empty,
    /// No `scheme:` at the start.
    #[error("No URI Scheme")]
    Scheme,
    /// A blank, quote, angle bracket or other character no URI may hold.
    #[error("Character Not Allowed In URI")]
    Character,
    /// `%` without two hexadecimal digits.
    #[error("Bad Escape In URI")]
    Escape,
    /// The user or password part.
    #[error("Bad User In URI")]
    User,
    /// The host is no name, IPv4 address or bracketed IPv6 address.
    #[error("Bad Host In URI")]
    Host,
    /// The port is no number from 0 to 65535.
    #[error("Bad Port In URI")]
    Port,
    /// A parameter is empty or misspelled.
    #[error("Bad Parameter In URI")]
    Param,
    /// A parameter stands twice (RFC 3261 §19.1.1).
    #[error("Repeated Parameter In URI")]
    ParamRepeated,
    /// A header (`?name=value`) is misspelled.
    #[error("Bad Header In URI")]
    Header,
    /// More parameters or headers than [`URI_PARAMS_MAX`](crate::URI_PARAMS_MAX).
    #[error("Too Many Parameters In URI")]
    TooManyParams,
    /// The telephone number of a `tel` URI (RFC 3966 §3).
    #[error("Bad Telephone Number In URI")]
    Number,
    /// A Request-URI may not carry headers (RFC 3261 §19.1.1, RFC 4475 §3.1.2.11).
    #[error("Headers In Request-URI")]
    HeadersInRequestUri,
}

/// What is wrong with one header value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The header is not there.
    #[error("Missing")]
    Missing,
    /// The header is there and says nothing.
    #[error("Empty")]
    Empty,
    /// The value is not UTF-8 (RFC 3261 §7).
    #[error("Not UTF-8")]
    NotUtf8,
    /// A token was expected and something else stands there.
    #[error("Token Expected")]
    Token,
    /// A quoted string does not end.
    #[error("Unbalanced Quote")]
    QuoteUnbalanced,
    /// `<` without `>`.
    #[error("Unbalanced Angle Bracket")]
    AngleUnbalanced,
    /// `\` before something that cannot be escaped.
    #[error("Bad Escape")]
    Escape,
    /// A control character outside an escape.
    #[error("Control Character")]
    ControlCharacter,
    /// Unquoted display name with more than tokens in it (RFC 4475 §3.1.2.15).
    #[error("Display Name Needs Quotes")]
    DisplayName,
    /// A URI with `?`, `,` or `;` that needs `<…>` around it (RFC 3261 §20).
    #[error("URI Needs Angle Brackets")]
    NeedsBrackets,
    /// A parameter is empty or misspelled.
    #[error("Bad Parameter")]
    Param,
    /// A parameter that may stand once stands twice.
    #[error("Repeated Parameter")]
    ParamRepeated,
    /// More parameters than are read (64 in credentials).
    #[error("Too Many Parameters")]
    TooManyParams,
    /// Digits were expected.
    #[error("Number Expected")]
    Number,
    /// The number is too large.
    #[error("Number Out Of Range")]
    OutOfRange,
    /// The host is no name, IPv4 address or bracketed IPv6 address.
    #[error("Bad Host")]
    Host,
    /// The port is no number from 0 to 65535.
    #[error("Bad Port")]
    Port,
    /// `SIP/2.0/transport` was expected.
    #[error("Bad Protocol")]
    Protocol,
    /// Something stands after the value.
    #[error("Unexpected Text After Value")]
    Trailing,
    /// Not a date of RFC 3261 §20.17, which knows GMT alone.
    #[error("Not A Date In GMT")]
    Date,
    /// The URI in it is refused.
    #[error("{0}")]
    Uri(#[from] UriError),
}

/// A header that does not read as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("Bad {name}: {problem}")]
pub struct HeaderError {
    /// Which header.
    pub name: Name,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Why a message that could be read is refused.
///
/// `Display` is fit for a reason phrase. For a response there is nobody to answer: it is dropped
/// (RFC 3261 §8.1.3.3 ff.) and [`Violation::code`] is what gets counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Lines or lengths are wrong.
    #[error("{0}")]
    Fault(Fault),
    /// Not SIP/2.0 (RFC 3261 §21.5.6, RFC 4475 §3.1.2.16).
    #[error("Version Not Supported")]
    Version,
    /// The Request-URI is refused.
    #[error("Bad Request-URI: {0}")]
    RequestUri(UriError),
    /// A mandatory header is missing (RFC 3261 §8.1.1, RFC 4475 §3.3.1).
    #[error("Missing {0} Header")]
    Missing(Name),
    /// A header that may stand once stands more often (RFC 4475 §3.3.8).
    #[error("Repeated {0} Header")]
    Repeated(Name),
    /// A header does not read as what it should be.
    #[error("{0}")]
    Header(HeaderError),
    /// CSeq names another method than the request line (RFC 3261 §8.1.1.5, RFC 4475 §3.1.2.17).
    #[error("CSeq Method Does Not Match")]
    MethodMismatch,
    /// The Request-URI's scheme is none we serve (RFC 3261 §8.2.2.1, RFC 4475 §3.3.2).
    #[error("Unsupported URI Scheme")]
    Scheme,
    /// Require or Proxy-Require names an extension we do not serve (RFC 3261 §8.2.2.3).
    #[error("Bad Extension")]
    Extension,
}

impl Violation {
    /// The status a server answers a request with.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Version => Status::VERSION_NOT_SUPPORTED,
            Self::Scheme => Status::UNSUPPORTED_URI_SCHEME,
            Self::Extension => Status::BAD_EXTENSION,
            Self::Fault(_)
            | Self::RequestUri(_)
            | Self::Missing(_)
            | Self::Repeated(_)
            | Self::Header(_)
            | Self::MethodMismatch => Status::BAD_REQUEST,
        }
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.code(),
            Self::Version => "version-unsupported",
            Self::RequestUri(_) => "request-uri-malformed",
            Self::Missing(_) => "header-missing",
            Self::Repeated(_) => "header-repeated",
            Self::Header(_) => "header-malformed",
            Self::MethodMismatch => "cseq-method-mismatch",
            Self::Scheme => "uri-scheme-unsupported",
            Self::Extension => "extension-unsupported",
        }
    }

    /// The header it speaks of, if it is about one.
    #[must_use]
    pub fn name(self) -> Option<Name> {
        match self {
            Self::Missing(name) | Self::Repeated(name) => Some(name),
            Self::Header(error) => Some(error.name),
            Self::MethodMismatch => Some(Name::CSeq),
            Self::Fault(Fault::ContentLength | Fault::ContentLengthRepeated) => {
                Some(Name::ContentLength)
            }
            Self::Fault(_)
            | Self::Version
            | Self::RequestUri(_)
            | Self::Scheme
            | Self::Extension => None,
        }
    }
}
