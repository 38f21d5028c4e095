//! What a leg measured.

use std::net::SocketAddr;
use std::time::Duration;

use crate::dropped::Drops;

/// One leg's traffic and quality. "Received" is from the leg's peer to us, "sent" is from us to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegQuality {
    /// RTP packets taken from the peer.
    pub rtp_packets_received: u64,
    /// Their bytes, RTP headers included.
    pub rtp_bytes_received: u64,
    /// RTP packets sent to the peer.
    pub rtp_packets_sent: u64,
    /// Their bytes, RTP headers included.
    pub rtp_bytes_sent: u64,
    /// RTCP datagrams taken from the peer.
    pub rtcp_packets_received: u64,
    /// Their bytes.
    pub rtcp_bytes_received: u64,
    /// RTCP datagrams sent to the peer.
    pub rtcp_packets_sent: u64,
    /// Their bytes.
    pub rtcp_bytes_sent: u64,
    /// RTP packets that the peer's numbering says it sent.
    pub packets_expected: u64,
    /// Those of them that did not come. RFC 3550 A.3.
    pub packets_lost: u64,
    /// Interarrival jitter at the end. RFC 3550 A.8.
    pub jitter: Duration,
    /// The highest the jitter has been.
    pub jitter_max: Duration,
    /// Round trip between us and the peer, from RTCP; `None` if the peer sent no usable report.
    pub round_trip: Option<Duration>,
    /// Mean opinion score of what the peer sent, 1.0–4.4; `None` if it sent nothing.
    pub mos: Option<f32>,
    /// Time from the leg's opening to its first packet.
    pub first_packet_after: Option<Duration>,
    /// Where the peer's media comes from and goes to.
    pub remote: Option<SocketAddr>,
    /// Packets of the peer that went no further, by reason.
    pub drops: Drops,
}
