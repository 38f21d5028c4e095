//! SIP grammar: parse and print messages, headers, URIs; frame streams.
//!
//! A [`Message`] is a view of the bytes it came in: parsing finds the lines and remembers where
//! each header stands, a typed read looks at one header when somebody asks, and nothing is copied
//! or allocated for any ordinary message. A [`MessageWriter`] prints into a caller's buffer. A
//! [`FrameReader`] finds messages in a stream.
//!
//! What it refuses to be: a transaction or dialog layer, a judge of who may call whom, an SDP
//! reader. It has no state between messages, no clock and no I/O.
//!
//! The one invariant: **no bytes, however hostile, make it panic, loop or work more than linearly**
//! in their number, and what [`Message::check`] accepts is a message every line of which this
//! crate and a reader by the letter of RFC 3261 understand alike.
//!
//! ```
//! use sip_message::{Message, Method, Name};
//!
//! let bytes = b"OPTIONS sip:carol@chicago.com SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKhjhs8ass877\r\n\
//!     Max-Forwards: 70\r\n\
//!     To: <sip:carol@chicago.com>\r\n\
//!     From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n\
//!     Call-ID: a84b4c76e66710\r\n\
//!     CSeq: 63104 OPTIONS\r\n\
//!     X-VoiceConnector-ID: dr3rbaar376u5r4ntcnlq4\r\n\
//!     Content-Length: 0\r\n\r\n";
//! let message = Message::parse(bytes)?;
//! message.check()?;
//! assert_eq!(message.method(), Some(Method::Options));
//! assert_eq!(message.via()?.branch, Some("z9hG4bKhjhs8ass877"));
//! assert_eq!(message.from()?.tag(), Some("1928301774"));
//! assert_eq!(message.cseq()?.number, 63104);
//! assert_eq!(message.first(Name::MaxForwards), Some("70"));
//! assert_eq!(message.named("x-voiceconnector-id").next(), Some("dr3rbaar376u5r4ntcnlq4"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it takes more than the grammar
//!
//! Each of these is sent by equipment in the field and can be read in one way only; each has its
//! test in `tests/leniency.rs`.
//!
//! - A status line may end after its code.
//! - Unquoted parameter values may hold `/ = @ ? & $ :`.
//! - A Call-ID is any visible ASCII text.
//! - Unquoted display names may go beyond ASCII.
//! - `#` may stand unescaped in a user part.
//! - Host names may have underscores, and labels that begin with a digit.
//! - A local `tel` number needs no `phone-context`.
//! - Privacy may be separated by commas, and several challenges may stand on one line.
//! - Headers nobody here acts on may hold anything, bytes that are not UTF-8 included.

mod address;
mod check;
mod credentials;
mod date;
mod error;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod grammar;
mod head;
mod message;
mod method;
mod multipart;
mod name;
mod params;
mod read;
mod sequence;
mod status;
mod transport;
mod uri;
mod uri_match;
mod value;
mod via;
mod write;

pub use address::{Addresses, NameAddr};
pub use check::CSEQ_NUMBER_MAX;
pub use credentials::{AUTH_PARAMS_MAX, AuthItems, ChallengeSplit, DigestFields};
pub use date::Date;
pub use error::{Fault, HeaderError, Layer, ParseError, Problem, UriError, Violation};
pub use frame::{Frame, FrameError, FrameReader};
pub use grammar::{Quoted, Values, is_token, unquote};
pub use message::{
    HEADERS_INLINE, HEADERS_MAX, Header, MESSAGE_BYTES_MAX, Message, RequestLine, StartLine,
    StatusLine,
};
pub use method::Method;
pub use multipart::{Multipart, Part};
pub use name::Name;
pub use params::{Param, ParamIter, Params};
pub use sequence::{CSeq, RAck};
pub use status::{Class, Status};
pub use transport::{Flow, PeerId, Transport};
pub use uri::{Host, Scheme, URI_PARAMS_MAX, Uri};
pub use value::{MediaType, Reason, Refresher, Replaces, RetryAfter, SessionExpires, Word};
pub use via::{MAGIC_COOKIE, Rport, Via};
pub use write::MessageWriter;
