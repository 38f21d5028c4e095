//! Sockets for two loops: one for signalling, one for media.
//!
//! A loop is a plain thread: wait with a timeout, read what is there in batches, feed an engine,
//! drain its outputs, send them in batches, wait again. This crate gives it the pieces —
//! [`Reactor`] (epoll), [`Waker`], [`UdpBatch`] (one SIP socket), [`Streams`] (SIP over TCP and TLS),
//! [`RtpPool`] (pairs of RTP and RTCP sockets), [`Clock`] — and takes no decision about calls. Nothing
//! here blocks but [`Reactor::wait`] and [`RtpPool::wait`]; everything that can grow has a limit.
//! All `unsafe` of the product is in this crate's `lent`, `sys` and `uring` modules, but for one question
//! to SQLite (`store`). Linux only.
//!
//! ```
//! use std::time::Duration;
//! use net::{Reactor, Token, UdpBatch};
//!
//! let mut reactor = Reactor::new().unwrap();
//! let mut sip = UdpBatch::bind("127.0.0.1:0".parse().unwrap()).unwrap();
//! reactor.add(&sip, Token(0), net::Interest::Read).unwrap();
//!
//! sip.push(sip.local(), b"OPTIONS sip:me SIP/2.0").unwrap();
//! sip.flush();
//! while !reactor.wait(Some(Duration::from_secs(5))).unwrap().any(|ready| ready.token == Token(0)) {}
//! sip.recv().unwrap();
//! assert_eq!(sip.received().next().unwrap().bytes, b"OPTIONS sip:me SIP/2.0");
//! ```

mod clock;
mod connection;
mod fd_limit;
mod lent;
mod reactor;
mod rtp_pool;
mod streams;
mod sys;
mod tls;
mod udp_batch;
mod uring;
mod waker;

pub use clock::{Clock, Now};
pub use connection::CloseReason;
pub use fd_limit::{FdLimit, raise_fd_limit};
pub use reactor::{Interest, Reactor, Ready, Token};
pub use rtp_pool::{
    Forward, MediaBackend, PacketHandler, ROOM_BYTES, RtpCounters, RtpPool, RtpPoolConfig, Woken,
};
pub use streams::{Reused, StreamConfig, StreamCounters, StreamEvent, StreamSendError, Streams};
pub use tls::{TlsAcceptor, TlsDial, TlsDialer, TlsFault};
pub use udp_batch::{BATCH, Datagram, Flushed, QueueFull, UdpBatch, UdpCounters};
pub use waker::Waker;

/// A socket that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {transport} {address}: {source}")]
pub struct BindError {
    /// `UDP`, `TCP` or `TLS`.
    pub transport: &'static str,
    /// The address asked for.
    pub address: std::net::SocketAddr,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
