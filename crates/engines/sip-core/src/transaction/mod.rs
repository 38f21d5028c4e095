//! The four transactions of RFC 3261 §17, with the Accepted states of RFC 6026.
//!
//! Each is an enum of states and one `match (state, input)` table. A transaction sees no table, no
//! other transaction and no clock: a [`Turn`] brings the time and takes what is to be sent.

mod accepted;
mod client;
mod invite_client;
mod invite_server;
mod server;

mod repeats;

use std::collections::VecDeque;
use std::time::Instant;

use sip_message::Flow;

pub(crate) use client::{Client, Input as ClientInput};
pub(crate) use invite_client::{Input as InviteClientInput, InviteClient};
pub(crate) use invite_server::{Input as InviteServerInput, InviteServer};
pub use repeats::Repeats;
pub(crate) use server::{Input as ServerInput, Server};

use crate::Timing;

/// The timers of RFC 3261 §17 and RFC 6026, and two more that the RFCs describe without a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// INVITE retransmission, UDP only.
    A,
    /// INVITE without any response.
    B,
    /// Absorbs retransmissions of a final response to INVITE.
    D,
    /// Non-INVITE retransmission, UDP only.
    E,
    /// Non-INVITE without a final response.
    F,
    /// Retransmission of a final response to INVITE, UDP only.
    G,
    /// Final response to INVITE without ACK.
    H,
    /// Absorbs retransmissions of the ACK.
    I,
    /// Absorbs retransmissions of a non-INVITE request.
    J,
    /// Absorbs retransmissions of a response to non-INVITE.
    K,
    /// Absorbs retransmissions of an accepted INVITE (RFC 6026 §7.1).
    L,
    /// Takes further 2xx responses to an INVITE (RFC 6026 §7.2).
    M,
    /// Retransmission of a 2xx until its ACK, over every transport (RFC 3261 §13.3.1.4).
    Answer,
    /// A cancelled INVITE whose final response never comes (RFC 3261 §9.1).
    Cancelled,
}

/// What a step needs from outside and where it puts what it wants sent.
pub(crate) struct Turn<'t> {
    pub(crate) now: Instant,
    pub(crate) timing: &'t Timing,
    pub(crate) out: &'t mut Outbox,
}

/// What steps leave behind: messages to send, and counts.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) transmits: VecDeque<Transmit>,
    pub(crate) repeats: Repeats,
}

impl<'t> Turn<'t> {
    pub(crate) fn new(now: Instant, timing: &'t Timing, out: &'t mut Outbox) -> Self {
        Self { now, timing, out }
    }

    pub(crate) fn send(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.out.transmits.push_back(Transmit { flow, bytes });
    }

    /// Sends a request of ours again, or the ACK of a repeated rejection.
    pub(crate) fn repeat_request(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.out.repeats.requests_sent += 1;
        self.send(flow, bytes);
    }

    /// Sends a response of ours again.
    pub(crate) fn repeat_response(&mut self, flow: Flow, bytes: Vec<u8>) {
        self.out.repeats.responses_sent += 1;
        self.send(flow, bytes);
    }

    /// A peer's request, or its ACK, came again.
    pub(crate) fn request_again(&mut self) {
        self.out.repeats.requests_received += 1;
    }

    /// A peer's final response came again.
    pub(crate) fn response_again(&mut self) {
        self.out.repeats.responses_received += 1;
    }

    /// A timer that waits for the peer has fired.
    pub(crate) fn gave_up(&mut self, timer: Timer) {
        self.out.repeats.gave_up[match timer {
            Timer::B => 0,
            Timer::F => 1,
            Timer::H => 2,
            Timer::L => 3,
            Timer::Cancelled => 4,
            Timer::A
            | Timer::D
            | Timer::E
            | Timer::G
            | Timer::I
            | Timer::J
            | Timer::K
            | Timer::M
            | Timer::Answer => return,
        }] += 1;
    }
}

/// One message on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to. A stream flow whose connection is 0 asks for a connection to be made or found.
    pub flow: Flow,
    /// The whole message.
    pub bytes: Vec<u8>,
}

/// What becomes of the message that a step was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The transaction dealt with it.
    Absorb,
    /// The transaction user must see it.
    Deliver,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Normally,
    /// Nobody answered in time (timers B, F, or a cancelled INVITE).
    TimedOut,
    /// A 2xx was never acknowledged (timer L without the user's word).
    NoAck,
    /// A 3xx to 6xx was never acknowledged (timer H).
    RejectionNoAck,
    /// The transport could not deliver the request.
    TransportFailed,
}

/// The deadlines of one transaction: no state of any runs three timers.
pub(crate) type Alarms = crate::Alarms<Timer, 2>;

/// Any of the four.
#[derive(Debug)]
pub(crate) enum Transaction {
    InviteServer(InviteServer),
    InviteClient(InviteClient),
    Server(Server),
    Client(Client),
}

impl Transaction {
    pub(crate) fn alarms(&mut self) -> &mut Alarms {
        match self {
            Self::InviteServer(it) => &mut it.alarms,
            Self::InviteClient(it) => &mut it.alarms,
            Self::Server(it) => &mut it.alarms,
            Self::Client(it) => &mut it.alarms,
        }
    }

    /// Its soonest deadline.
    pub(crate) fn next_alarm(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::InviteServer(it) => it.alarms.next(),
            Self::InviteClient(it) => it.alarms.next(),
            Self::Server(it) => it.alarms.next(),
            Self::Client(it) => it.alarms.next(),
        }
    }

    pub(crate) fn timer(&mut self, turn: &mut Turn<'_>, timer: Timer) {
        match self {
            Self::InviteServer(it) => it.step(turn, InviteServerInput::Timer(timer)),
            Self::InviteClient(it) => it.step(turn, InviteClientInput::Timer(timer)),
            Self::Server(it) => it.step(turn, ServerInput::Timer(timer)),
            Self::Client(it) => it.step(turn, ClientInput::Timer(timer)),
        };
    }

    pub(crate) fn end(&self) -> Option<End> {
        match self {
            Self::InviteServer(it) => it.end(),
            Self::InviteClient(it) => it.end(),
            Self::Server(it) => it.end(),
            Self::Client(it) => it.end(),
        }
    }

    /// Where its messages go.
    pub(crate) fn flow(&self) -> &Flow {
        match self {
            Self::InviteServer(it) => &it.reply,
            Self::InviteClient(it) => &it.flow,
            Self::Server(it) => &it.reply,
            Self::Client(it) => &it.flow,
        }
    }

    /// Tells it that its transport cannot deliver.
    pub(crate) fn transport_failed(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::InviteClient(it) => _ = it.step(turn, InviteClientInput::TransportFailed),
            Self::Client(it) => _ = it.step(turn, ClientInput::TransportFailed),
            // A lost response is asked for again by its retransmitted request, or timer H tells.
            Self::InviteServer(_) | Self::Server(_) => {}
        }
    }
}
