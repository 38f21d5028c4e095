//! SDP as a trunk needs it: a lossless line editor and the offer/answer rules for G.711 audio.
//!
//! A session description is a list of lines (RFC 8866). A trunk reads a few of them — `o=`, `c=`,
//! `m=`, `a=rtpmap`, `a=rtcp`, directions — and replaces fewer: addresses, ports and what a relay
//! must not pass on. [`Session`] borrows the body and finds those lines; [`Session::rewrite`] prints
//! the body again with them replaced **and every other line byte for byte as it came**. That is the
//! one invariant. This crate is no general SDP object model, opens no socket and keeps no state.
//!
//! ```
//! use sdp::{Codec, OriginRewrite, Relayed, Rewrite, Session};
//!
//! let offer = b"v=0\r\no=pbx 7 1 IN IP4 10.0.0.5\r\ns=call\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
//!     m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=x-odd:kept\r\n";
//! let session = Session::parse(offer).unwrap();
//! let audio = session.audio().unwrap();
//! assert_eq!(audio.codecs.first(), Some((Codec::Pcmu, 0)));
//! assert_eq!(audio.telephone_event, Some(101));
//!
//! let mut relayed = Vec::new();
//! session.rewrite(
//!     &Rewrite {
//!         address: "192.0.2.1".parse().unwrap(),
//!         origin: OriginRewrite::Address,
//!         relayed: &[Relayed::new(audio.section, 20_000)],
//!     },
//!     &mut relayed,
//! );
//! let relayed = String::from_utf8(relayed).unwrap();
//! assert!(relayed.contains("c=IN IP4 192.0.2.1\r\n"));
//! assert!(relayed.contains("m=audio 20000 RTP/AVP 0 101\r\n"));
//! assert!(relayed.contains("a=x-odd:kept\r\n"));
//! ```

mod audio;
mod build;
mod crypto;
pub mod fuzzing;
mod line;
mod malformed;
mod refusal;
mod rewrite;
mod section;
mod session;

pub use audio::{Accepted, Audio, Codec, Codecs, Content, Profile, Rtcp, payload_pairs};
pub use build::{
    Agreed, AgreedKeys, Local, SessionVersion, TELEPHONE_EVENT, build_answer, build_offer,
    read_answer,
};
pub use crypto::{
    CRYPTOS_MAX, Crypto, CryptoFault, CryptoKey, CryptoMki, CryptoSuite, KEY_BYTES_MAX,
};
pub use line::{Line, Lines};
pub use malformed::{Fault, Malformed};
pub use refusal::Refusal;
pub use rewrite::{OriginRewrite, Relayed, Rewrite};
pub use section::{Direction, Protocol, RtpMap, Section};
pub use session::{BYTES_MAX, Connection, Origin, SECTIONS_MAX, Session};
