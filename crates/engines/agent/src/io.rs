//! What goes into an agent and what comes out of it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use media::{Channel, EndpointReport, LocalPort};
use model::Secret;
use sip_core::digest::Unanswerable;
use sip_message::{Flow, Status, Transport};

use crate::script::Sound;

/// One call of an agent. Never reused while the agent lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(crate) u64);

/// Something happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A message came in: one datagram, or one framed message of a stream.
    Message {
        /// Where from.
        flow: Flow,
        /// The whole message.
        bytes: &'a [u8],
    },
    /// A message could not be delivered, or a connection is gone.
    FlowFailed {
        /// Which flow.
        flow: Flow,
    },
    /// These port pairs have been bound and may be used; each is told once.
    PortsReady(Vec<LocalPort>),
    /// A datagram came in on a port of ours.
    Media {
        /// The port: the even one of a pair for RTP, the odd one for RTCP.
        port: u16,
        /// Who sent it.
        from: SocketAddr,
        /// The datagram; changed in place if it is echoed.
        packet: &'a mut [u8],
    },
}

/// Something is to be done.
#[derive(Debug)]
pub enum Output {
    /// Send a message.
    Send {
        /// Where to. A stream flow whose connection is 0 asks for a connection to be found or made.
        flow: Flow,
        /// The whole message.
        bytes: Vec<u8>,
    },
    /// Send a datagram of audio or of its reports.
    Media {
        /// The pair it leaves by.
        port: LocalPort,
        /// Which of the pair.
        channel: Channel,
        /// Where it goes.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Something happened to a call.
    Event {
        /// Which call.
        call: CallId,
        /// What happened.
        event: Event,
    },
    /// A message was sent or has come, if [`Trace::Messages`](crate::config::Trace) was asked for.
    Traced(Traced),
}

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct CallOrder {
    /// Where the INVITE is sent; the local end must be the agent's.
    pub flow: Flow,
    /// The Request-URI and To: `sip:+12065550100@host`.
    pub to: String,
    /// The From URI: `sip:+12065550199@host`.
    pub from: String,
    /// What a challenge is answered with.
    pub credential: Option<Credential>,
    /// What the other side hears.
    pub sound: Sound,
    /// Hang up this long after the answer; `None` to wait for the other side or
    /// [`Agent::hang_up`](crate::Agent::hang_up).
    pub hang_up_after: Option<std::time::Duration>,
    /// Give up if there is no final answer by then.
    pub give_up_after: Option<std::time::Duration>,
    /// Further headers, by name and value.
    pub headers: Vec<(String, String)>,
}

impl CallOrder {
    /// A call without credentials that lets the other side hear the test tone.
    #[must_use]
    pub fn new(flow: Flow, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            flow,
            to: to.into(),
            from: from.into(),
            credential: None,
            sound: Sound::Tone,
            hang_up_after: None,
            give_up_after: None,
            headers: Vec::new(),
        }
    }
}

/// A digest user.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Something that happened to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A call has come in.
    Incoming {
        /// The From URI.
        from: String,
        /// The Request-URI.
        to: String,
    },
    /// A challenge came, and the request was sent again with credentials.
    Challenged {
        /// 401 or 407.
        status: Status,
    },
    /// A provisional response came.
    Progress {
        /// 100 to 199.
        status: Status,
    },
    /// The call is answered and the ACK sent, or has come.
    Answered,
    /// The other side holds the call, or takes it up again.
    PeerHold(Hold),
    /// The other side agreed to our hold, or to its end.
    Hold(Hold),
    /// A re-INVITE of ours was refused; the call goes on as it was.
    HoldRefused {
        /// The final status.
        status: Status,
    },
    /// Our OPTIONS in the dialog was answered.
    OptionsAnswered {
        /// The final status.
        status: Status,
    },
    /// The call is over; nothing more comes of it.
    Ended(Box<Ended>),
}

/// Whether a call is on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// One side does not listen.
    On,
    /// Both sides talk.
    Off,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Why.
    pub cause: Cause,
    /// When the call was ordered or came in.
    pub began: Instant,
    /// When the final answer was a 2xx.
    pub answered: Option<Instant>,
    /// What was heard and sent; `None` without media.
    pub report: Option<EndpointReport>,
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Our side hung up.
    #[error("hung up")]
    HungUp,
    /// The other side hung up.
    #[error("the other side hung up")]
    PeerHungUp,
    /// Our side gave up before the answer.
    #[error("cancelled before the answer")]
    Cancelled,
    /// The other side gave up before the answer.
    #[error("the other side cancelled before the answer")]
    PeerCancelled,
    /// The called side refused.
    #[error("rejected with {0}")]
    Rejected(Status),
    /// A challenge could not be answered.
    #[error("challenged with {status}: {why}")]
    Challenged {
        /// 401 or 407.
        status: Status,
        /// Why there is no further answer.
        why: Unanswerable,
    },
    /// A challenge came, and there are no credentials.
    #[error("challenged with {0}, and there are no credentials to answer with")]
    NoCredential(Status),
    /// Nobody answered in time.
    #[error("no response in time")]
    TimedOut,
    /// The request could not be delivered.
    #[error("the request could not be delivered")]
    TransportFailed,
    /// Our 2xx was never acknowledged.
    #[error("the answer was never acknowledged")]
    NoAck,
    /// The other side's session description cannot be used.
    #[error("the session description cannot be used: {0}")]
    Media(sdp::Refusal),
    /// Every port pair is in use.
    #[error("no port pair is free")]
    NoPorts,
    /// `calls_max` or a limit of the transaction layer is reached.
    #[error("too many calls")]
    TooManyCalls,
    /// A message of the other side lacks what a dialog needs.
    #[error("the other side's message makes no dialog")]
    NoDialog,
}

/// One message on the wire, for ladders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// When.
    pub at: Instant,
    /// Who sent it.
    pub from: SocketAddr,
    /// Who gets it.
    pub to: SocketAddr,
    /// What carries it.
    pub transport: Transport,
    /// Whether the agent sent it.
    pub way: Way,
    /// The method, or status and reason: `INVITE`, `407 Proxy Authentication Required`.
    pub summary: String,
    /// The whole message.
    pub bytes: Arc<[u8]>,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The agent sent it.
    Sent,
    /// It came to the agent.
    Received,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {}", self.from, self.to, self.summary)
    }
}

/// Why an agent wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A transaction timer.
    Transaction(sip_core::Reason),
    /// A step of a script, or the end of a caller's patience.
    Script,
    /// A packet is due.
    Media,
    /// Far deadlines come near and are sorted; nothing fires.
    Sorting,
}
