//! Whole servers on free ports of the loopback: through the HTTP API in, through SIP and RTP out.

mod calls;
mod lifecycle;
mod operator;
mod world;
