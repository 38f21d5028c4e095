//! SIP transactions, dialogs and digest authentication, without I/O.
//!
//! - [`Endpoint`]: the four transactions of RFC 3261 §17 with the Accepted states of RFC 6026,
//!   behind four verbs. Messages and time go in, messages and events come out.
//! - [`Replies`]: responses made from what their request brought.
//! - [`dialog`]: the peer-to-peer relation that an INVITE leaves behind (RFC 3261 §12).
//! - [`digest`]: digest authentication on both ends (RFC 7616, RFC 8760).
//!
//! It refuses to be a transport (it names flows and never opens one), a resolver, a user agent or
//! a proxy: what a request *means* is decided by whoever drives it.
//!
//! The invariant: whatever bytes come and whenever time moves, every transaction ends, once, and
//! everything that can grow has a limit with a name.

pub mod dialog;
pub mod digest;
pub mod wheel;

mod config;
mod derived;
mod endpoint;
mod key;
mod reply;
mod respond;
mod slab;
mod token;
mod transaction;

pub use config::{Config, Limits, Timing};
pub use endpoint::{ClientId, Endpoint, Event, Full, Gone, Reason, Received, Refusal, ServerId};
pub use reply::reply_flow;
pub use respond::Replies;
pub use token::{Token, Tokens};
pub use transaction::{Timer, Transmit};
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
