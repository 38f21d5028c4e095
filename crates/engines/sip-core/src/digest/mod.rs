//! Digest authentication, on both ends: RFC 7616 (and RFC 2617 before it) with the algorithms that
//! RFC 8760 brings to SIP.
//!
//! [`Guard`] is the server: it challenges, and turns a right answer into an [`Authenticated`],
//! which nothing else can make. [`Client`] is the other end, toward carriers.

mod algorithm;
mod client;
mod guard;
mod nonce;
mod offer;
mod replay;

pub use algorithm::Algorithm;
pub use client::{Authorization, Client, Unanswerable};
pub use guard::{Authenticated, Challenge, Guard, GuardConfig, Refusal, Stale, Verdict};
