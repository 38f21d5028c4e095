//! What connections are limited by, what they bring, and what is counted.

use std::io;
use std::time::{Duration, Instant};

use sip_message::Flow;
use sip_message::frame::FrameError;

use crate::connection::{CloseReason, Connection, Origin, Pongs, State};

/// How long a broken connection may take to be told so.
const LEAVE_TIME: Duration = Duration::from_secs(1);

/// Limits of the connections.
#[derive(Debug, Clone, Copy)]
pub struct StreamConfig {
    /// Connections open at once, at most 65,536; the next is closed as soon as it is accepted.
    pub connections_max: usize,
    /// Of those, how many are kept for connections of ours: what is accepted never takes them. At
    /// most an eighth of all.
    pub own_connections_min: usize,
    /// Connections from one address, or from one /64 network of IPv6, open at once.
    pub source_connections_max: usize,
    /// Connections that were accepted and have not agreed on TLS yet, at once.
    pub handshakes_max: usize,
    /// Of those, how many from one source: a few hosts cannot keep everybody else waiting.
    pub source_handshakes_max: usize,
    /// How long a connect may take.
    pub connect_timeout: Duration,
    /// How long TLS may take to be agreed upon.
    pub handshake_timeout: Duration,
    /// How long the first message of an accepted connection may take, and the rest of any message
    /// that has begun.
    pub message_timeout: Duration,
    /// How long a connection may say nothing.
    pub idle_timeout: Duration,
    /// How long a peer may leave what we write unread.
    pub stall_timeout: Duration,
    /// How long a connection of ours may be quiet before a keep-alive is sent (RFC 5626 §4.4.1).
    pub ping_interval: Duration,
    /// How long a peer that has ever answered one may leave the next one unanswered.
    pub pong_timeout: Duration,
    /// Bytes that may wait to be written to one peer.
    pub queue_bytes_max: usize,
}

impl Default for StreamConfig {
    /// 4,096 connections, 512 of them for ours, 256 from one source, 256 handshakes at once, 32 of
    /// them from one source; connect 5 s, handshake 10 s, message 32 s, idle 10 min, stall 30 s; keep-alives after 100 s, answered
    /// within 10 s; 256 KiB queued for each.
    fn default() -> Self {
        Self {
            connections_max: 4096,
            own_connections_min: 512,
            source_connections_max: 256,
            handshakes_max: 256,
            source_handshakes_max: 32,
            connect_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(32),
            idle_timeout: Duration::from_mins(10),
            stall_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(100),
            pong_timeout: Duration::from_secs(10),
            queue_bytes_max: 256 << 10,
        }
    }
}

/// What came in on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// One whole message.
    Message {
        /// The connection.
        flow: Flow,
        /// The message's bytes.
        bytes: &'a [u8],
    },
    /// The stream cannot be read on. The connection closes by itself within a second; an answer
    /// sent until then still leaves.
    Broken {
        /// The connection.
        flow: Flow,
        /// What is wrong.
        error: FrameError,
        /// The message that broke it, as far as it came.
        bytes: &'a [u8],
    },
}

/// Why a message was not queued for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamSendError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The peer reads more slowly than we write; its connection is closed.
    #[error("too many bytes wait to be written to the peer")]
    QueueFull,
    /// All connections are in use.
    #[error("too many connections are open")]
    TooManyConnections,
    /// The connect could not even begin.
    #[error("cannot connect: {0}")]
    ConnectFailed(io::ErrorKind),
    /// TLS toward this peer is not set up.
    #[error("TLS toward the peer is not set up")]
    PeerUnknown,
}

/// What has passed through the connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Those of them that came to speak TLS.
    pub accepted_tls: u64,
    /// Connections of ours that were begun.
    pub connects: u64,
    /// Connections that peers made and that came to be used for requests of ours (RFC 5923).
    pub reused: u64,
    /// Connections closed at once because too many were open.
    pub over_limit: u64,
    /// Connections closed at once because too many came from one source.
    pub over_source_limit: u64,
    /// Connections closed at once because too many were agreeing on TLS.
    pub over_handshakes: u64,
    /// Messages received over plain connections.
    pub received: u64,
    /// Messages received over TLS.
    pub received_tls: u64,
    /// Messages queued to be sent over plain connections.
    pub sent: u64,
    /// Messages queued to be sent over TLS.
    pub sent_tls: u64,
    /// Messages refused because a queue was full.
    pub queue_full: u64,
}

/// What a connection's deadline asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Close(CloseReason),
    /// A keep-alive is to be sent.
    Ping,
    /// A keep-alive stays unanswered by a peer that never answered one: let it.
    Unanswered,
}

impl StreamConfig {
    /// When something is due, and what.
    pub(super) fn deadline(&self, connection: &Connection) -> (Instant, Due) {
        match connection.state {
            State::Connecting => {
                (connection.active + self.connect_timeout, Due::Close(CloseReason::ConnectTimedOut))
            }
            // A trickle of handshake bytes is no life either.
            State::Handshaking => (
                connection.pinged + self.handshake_timeout,
                Due::Close(CloseReason::HandshakeTimedOut),
            ),
            State::Leaving(reason) => (connection.active + LEAVE_TIME, Due::Close(reason)),
            State::Open => {
                let idle = (connection.active + self.idle_timeout, Due::Close(CloseReason::Idle));
                let stalled = connection
                    .stalled
                    .map(|at| (at + self.stall_timeout, Due::Close(CloseReason::Stalled)));
                let owing = connection.owing.map(|at| {
                    (at + self.message_timeout, Due::Close(CloseReason::MessageTimedOut))
                });
                let all = [Some(idle), stalled, owing, self.keep_alive(connection)];
                all.into_iter().flatten().min_by_key(|(at, _)| *at).unwrap_or(idle)
            }
        }
    }

    /// What is due about keep-alives; only whoever made the connection sends them.
    fn keep_alive(&self, connection: &Connection) -> Option<(Instant, Due)> {
        if connection.origin != Origin::Ours {
            return None;
        }
        if !connection.is_pinging {
            let quiet_since = connection.active.max(connection.pinged);
            return Some((quiet_since + self.ping_interval, Due::Ping));
        }
        let due = match connection.pongs {
            Pongs::Seen => Due::Close(CloseReason::NoPong),
            Pongs::NoneYet => Due::Unanswered,
        };
        Some((connection.pinged + self.pong_timeout, due))
    }

    /// What is due by `now`.
    pub(super) fn due(&self, now: Instant, connection: &Connection) -> Option<Due> {
        let (at, due) = self.deadline(connection);
        (at <= now).then_some(due)
    }
}
