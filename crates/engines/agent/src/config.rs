//! What an agent is told when it is made.

use std::net::{IpAddr, SocketAddr};

use model::DigestKeys;
use sip_core::digest::Algorithm;
use sip_message::Transport;

use crate::script::Script;

/// Addresses, habits and limits of one agent.
#[derive(Debug, Clone)]
pub struct Config {
    /// The SIP address that stands in Via and Contact, and that messages leave from.
    pub address: SocketAddr,
    /// The transport of that address.
    pub transport: Transport,
    /// Where audio goes.
    pub media: MediaPlan,
    /// Whether audio is encrypted.
    pub srtp: Srtp,
    /// What becomes of calls that come in.
    pub answering: Answering,
    /// Who may call; `None` for anybody.
    pub gate: Option<Gate>,
    /// Whether every message is told as [`Output::Traced`](crate::Output::Traced).
    pub trace: Trace,
    /// The value of User-Agent and Server headers.
    pub product: &'static str,
    /// Calls at once; the next one that comes in is answered 503, the next order fails.
    pub calls_max: usize,
    /// Transaction timing and limits.
    pub transactions: sip_core::Config,
}

impl Config {
    /// An agent over UDP that refuses calls, with audio at the same address, without traces.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            transport: Transport::Udp,
            media: MediaPlan::Ports { address: address.ip() },
            srtp: Srtp::Accept,
            answering: Answering::Refuse,
            gate: None,
            trace: Trace::Off,
            product: "trunkline-agent",
            calls_max: 100_000,
            transactions: sip_core::Config::default(),
        }
    }
}

/// How an agent's calls carry audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaPlan {
    /// Each call takes a port pair from [`Input::PortsReady`](crate::Input::PortsReady) at this
    /// address, plays and listens.
    Ports {
        /// The address that others send to.
        address: IpAddr,
    },
    /// Every call names this one port and nothing is sent or heard: signalling load without media.
    Named {
        /// The RTP port that offers and answers name.
        rtp: SocketAddr,
    },
}

/// Whether an agent's audio is encrypted, by keys in its descriptions (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Srtp {
    /// As the other side offers; our own offers are in clear.
    Accept,
    /// Always: an offer or answer in clear is refused.
    Require,
}

/// What becomes of calls that come in.
#[derive(Debug, Clone)]
pub enum Answering {
    /// 480 Temporarily Unavailable.
    Refuse,
    /// Each follows this script.
    Script(Script),
    /// Each follows the script of the number it calls: [`Script::simulated_carrier`].
    SimulatedCarrier,
}

/// Digest authentication of calls that come in, as a carrier may want it: 407, then 403.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The realm of the challenge.
    pub realm: String,
    /// What is offered, in this order.
    pub algorithms: Vec<Algorithm>,
    /// The users, by name.
    pub users: Vec<(String, DigestKeys)>,
    /// How long a nonce may be used.
    pub nonce_lifetime: std::time::Duration,
}

/// Whether messages are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// No.
    Off,
    /// Each one, with its bytes.
    Messages,
}
