//! SIP transactions, dialogs and digest authentication, without I/O.
//!
//! - [`Endpoint`]: the four transactions of RFC 3261 §17 with the Accepted states of RFC 6026,
//!   behind four verbs. Messages and time go in, messages and events come out.
//! - [`Replies`]: responses made from what their request brought.
//! - [`dialog`]: the peer-to-peer relation that an INVITE leaves behind (RFC 3261 §12).
//! - [`digest`]: digest authentication on both ends (RFC 7616, RFC 8760).
//! - [`session`]: session timers, agreed on and kept (RFC 4028).
//!
//! It refuses to be a transport (it names flows and never opens one), a resolver, a user agent or
//! a proxy: what a request *means* is decided by whoever drives it.
//!
//! The invariant: whatever bytes come and whenever time moves, every transaction ends, once, and
//! everything that can grow has a limit with a name.
//!
//! ```
//! use sip_core::{Config, Endpoint, Received, Replies};
//! use sip_message::{Flow, Message, Status};
//! # let now = std::time::Instant::now();
//!
//! let mut endpoint = Endpoint::new(Config::default(), [7; 32]);
//! let flow = Flow::udp("198.51.100.1:5060".parse().unwrap(), "192.0.2.7:5060".parse().unwrap());
//! let options = b"OPTIONS sip:vc.example SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa\r\n\
//!     From: <sip:pbx@192.0.2.7>;tag=1\r\nTo: <sip:vc.example>\r\n\
//!     Call-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
//! let options = Message::parse(options).unwrap();
//!
//! let Received::Request { server } = endpoint.receive(now, flow, &options) else { panic!() };
//! let replies = Replies::new(&options, &flow).unwrap();
//! let tag = endpoint.tag(server).unwrap();
//! endpoint.respond(now, server, Status::OK, replies.bare(Status::OK, "OK", &tag)).unwrap();
//!
//! assert!(endpoint.poll_output().unwrap().bytes.starts_with(b"SIP/2.0 200 OK\r\n"));
//! // Asked again, the transaction answers by itself.
//! assert_eq!(endpoint.receive(now, flow, &options), Received::Absorbed);
//! assert!(endpoint.poll_output().is_some());
//! ```

pub mod dialog;
pub mod digest;
pub mod session;
pub mod wheel;

mod alarms;
mod config;
mod derived;
mod endpoint;
mod key;
mod reply;
mod respond;
mod slab;
mod stamp;
mod token;
mod transaction;

pub use alarms::Alarms;
pub use config::{Config, Limits, Timing};
pub use endpoint::{ClientId, Endpoint, Event, Full, Gone, Reason, Received, Refusal, ServerId};
pub use reply::reply_flow;
pub use respond::Replies;
pub use token::{Token, Tokens};
pub use transaction::{Repeats, Timer, Transmit};
pub use wheel::Wheel;

#[cfg(test)]
mod test_clock {
    use std::time::Instant;

    /// The instant that virtual time starts at; only differences from it matter.
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant has no other origin; tests add to it"
    )]
    pub(crate) fn start() -> Instant {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        *START
    }
}
