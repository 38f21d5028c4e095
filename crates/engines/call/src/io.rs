//! What goes into an engine and what comes out of it.

use media::{CallMediaId, LegSpec, LegTerms, LocalPort, Side};
use model::{CallRecord, TerminationHealth, TransactionId, UnixMillis};
use sip_message::Flow;
use std::time::Instant;

use crate::health::PeerHealth;

/// The time, as it is passed in with every input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For waiting and measuring.
    pub instant: Instant,
    /// For records, health and nonces.
    pub unix: UnixMillis,
}

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
    /// A message could not be delivered on a flow: an ICMP error, a refused connection.
    FlowFailed {
        /// Which flow, as it stood in [`Output::Send`].
        flow: Flow,
    },
    /// A stream connection is gone.
    FlowClosed {
        /// Which flow, its connection's number in it.
        flow: Flow,
    },
    /// The media thread has something to say.
    Media(MediaEvent),
    /// These port pairs have been bound and may be used.
    PortsReady(Vec<LocalPort>),
    /// The operator wants something.
    Command(Command),
}

/// What an operator can ask of a running engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// End one call on both sides.
    HangUp {
        /// Which one.
        transaction: TransactionId,
    },
    /// Take no new calls: they are answered 503. Calls in progress go on.
    Drain,
    /// End every call: the drain has taken long enough.
    HangUpAll,
}

/// Something is to be done.
#[derive(Debug)]
pub enum Output {
    /// Send a message. A stream flow whose connection is 0 asks for a connection to be found or
    /// made.
    Send {
        /// Where to.
        flow: Flow,
        /// The whole message.
        bytes: Vec<u8>,
    },
    /// Tell the media thread.
    Media(MediaCommand),
    /// Write down a call that ended.
    Record(Box<CallRecord>),
    /// Note that a connector's customer has sent a good OPTIONS.
    Health(TerminationHealth),
    /// A place that calls go to went down, or came back.
    Peer(Box<PeerHealth>),
}

/// An order to the media relay.
#[derive(Debug, Clone)]
pub enum MediaCommand {
    /// Begin to relay: `Relay::open`.
    Open {
        /// The call.
        call: CallMediaId,
        /// The caller's leg, the called leg.
        legs: Box<[LegSpec; 2]>,
    },
    /// A leg has new terms: `Relay::update`.
    Update {
        /// The call.
        call: CallMediaId,
        /// Which leg.
        side: Side,
        /// Its terms.
        terms: Box<LegTerms>,
    },
    /// Another peer has taken the place of a leg's own: `Relay::replace`.
    Replace {
        /// The call.
        call: CallMediaId,
        /// Which leg.
        side: Side,
        /// The newcomer's terms.
        terms: Box<LegTerms>,
    },
    /// A leg's peer pressed a key, as it told otherwise than in its media: `Relay::press`.
    Press {
        /// The call.
        call: CallMediaId,
        /// Whose key it is.
        side: Side,
        /// The key.
        press: media::Press,
    },
    /// Stop, and answer with [`MediaEvent::Closed`]: `Relay::close`.
    Close {
        /// The call.
        call: CallMediaId,
    },
}

/// A word from the media relay.
#[derive(Debug, Clone)]
pub enum MediaEvent {
    /// Something in a call's media.
    Relay(media::Event),
    /// A call's media is closed; its ports may be used again. Comes once for every
    /// [`MediaCommand::Close`].
    Closed {
        /// The call.
        call: CallMediaId,
        /// What was measured of the caller's leg and the called leg; `None` if the relay did not
        /// know the call.
        quality: Option<Box<[media::LegQuality; 2]>>,
    },
}

/// Why the engine wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A transaction timer.
    Transaction(sip_core::Reason),
    /// A place that calls go to wants to be asked.
    Probe,
    /// A call's own timer.
    Call(crate::timers::Timer),
    /// Far deadlines come near and are sorted; nothing fires.
    Sorting,
}
