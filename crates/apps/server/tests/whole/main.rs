//! Whole servers on free ports of the loopback: through the HTTP API in, through SIP and RTP out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod lifecycle;
mod operator;
mod sip_tls;
mod tls;
mod world;
