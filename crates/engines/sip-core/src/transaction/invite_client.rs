//! The INVITE client transaction: RFC 3261 §17.1.1, as redrawn by RFC 6026 §7.2.

use std::time::Duration;

use sip_message::{Class, Flow, Message, Status};

use super::{Alarms, Delivery, End, Timer, Turn};
use crate::derived;

/// Sends one INVITE and takes what comes of it.
#[derive(Debug)]
pub(crate) struct InviteClient {
    state: State,
    cancel: Cancel,
    /// How often the INVITE has left.
    pub(crate) times_sent: u32,
    /// Where the INVITE, its ACK and its CANCEL go.
    pub(crate) flow: Flow,
    pub(crate) alarms: Alarms,
}

/// ```text
///                   | TU INVITE: send
///                   v
///             +-----------+ timer A: send, double
///             |  Calling  |--+
///             |           |<-+
///             +-----------+
///      2xx:     | |     | 300-699: send ACK, to the TU
///      to the TU| |     +--------------------+
///    +----------+ | 1xx: to the TU           |
///    |            v                          |
///    |        +-----------+                  |
///    |        |           |--+ 1xx:          |
///    |<-------| Proceeding|<-+ to the TU     |
///    |  2xx:  |           |                  |
///    |  to the+-----------+                  |
///    |  TU        | 300-699: send ACK,       |
///    v            v          to the TU       |
///  +--------+ +-----------+<-----------------+
///  |Accepted| | Completed |--+ 300-699: send ACK
///  |        | |           |<-+
///  +--------+ +-----------+
///   |  | 2xx: to the TU  | timer D
///   |  timer M           |
///   v                    v
///  +------------------------+  timer B, or a transport error in Calling or Completed:
///  |       Terminated       |  tell the TU
///  +------------------------+
/// ```
/// A CANCEL waits in Calling for the first 1xx (RFC 3261 §9.1); timer `Cancelled` ends a
/// Proceeding that stays without a final response afterwards.
#[derive(Debug)]
enum State {
    Calling {
        request: Vec<u8>,
        interval: Duration,
    },
    Proceeding {
        request: Vec<u8>,
    },
    /// The ACK is kept for repeated responses; empty over a reliable transport.
    Completed {
        ack: Vec<u8>,
    },
    Accepted,
    Terminated(End),
}

/// What the transaction user wants to be cancelled, and how far that is.
#[derive(Debug)]
enum Cancel {
    No,
    /// A provisional response must come first. Holds the value of a Reason header.
    Waiting(Option<Box<str>>),
    /// The CANCEL is ready to be taken.
    Due(Vec<u8>),
    Sent,
}

/// A CANCEL that is to be sent now, in a transaction of its own.
pub(crate) struct CancelDue(pub(crate) Vec<u8>);

pub(crate) enum Input<'m> {
    Response(Status, &'m Message<'m>),
    /// TU: give up; the value of a Reason header (RFC 3326).
    Cancel(Option<Box<str>>),
    TransportFailed,
    Timer(Timer),
}

impl InviteClient {
    /// Sends the INVITE for the first time.
    pub(crate) fn new(turn: &mut Turn<'_>, flow: Flow, request: Vec<u8>) -> Self {
        let mut alarms = Alarms::default();
        alarms.set(Timer::B, turn.now + turn.timing.give_up());
        if !flow.transport.is_reliable() {
            alarms.set(Timer::A, turn.now + turn.timing.t1);
        }
        turn.send(flow, request.clone());
        let state = State::Calling { request, interval: turn.timing.t1 };
        Self { state, cancel: Cancel::No, times_sent: 1, flow, alarms }
    }

    pub(crate) fn end(&self) -> Option<End> {
        match self.state {
            State::Terminated(end) => Some(end),
            State::Calling { .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted => None,
        }
    }

    /// Takes the CANCEL, once, when its time has come.
    pub(crate) fn cancel_due(&mut self) -> Option<CancelDue> {
        match std::mem::replace(&mut self.cancel, Cancel::Sent) {
            Cancel::Due(request) => Some(CancelDue(request)),
            other @ (Cancel::No | Cancel::Waiting(_) | Cancel::Sent) => {
                self.cancel = other;
                None
            }
        }
    }

    pub(crate) fn step(&mut self, turn: &mut Turn<'_>, input: Input<'_>) -> Delivery {
        use {Class as C, Delivery as D, Input as I, State as S};
        match (&mut self.state, input) {
            (
                S::Calling { request, .. } | S::Proceeding { request },
                I::Response(status, message),
            ) => {
                let request = std::mem::take(request);
                match status.class() {
                    C::Provisional => self.proceed(turn, request),
                    C::Success => self.accept(turn),
                    C::Redirection | C::ClientError | C::ServerError | C::GlobalFailure => {
                        self.complete(turn, &request, message);
                    }
                }
                return D::Deliver;
            }
            (S::Calling { request, interval }, I::Timer(Timer::A)) => {
                *interval *= 2;
                self.alarms.set(Timer::A, turn.now + *interval);
                self.times_sent += 1;
                turn.repeat_request(self.flow, request.clone());
            }
            (S::Calling { .. }, I::Timer(timer @ Timer::B))
            | (S::Proceeding { .. }, I::Timer(timer @ Timer::Cancelled)) => {
                turn.gave_up(timer);
                self.terminate(End::TimedOut);
            }
            (S::Calling { .. }, I::Cancel(reason)) => {
                if matches!(self.cancel, Cancel::No) {
                    self.cancel = Cancel::Waiting(reason);
                }
            }
            (S::Proceeding { request }, I::Cancel(reason)) => {
                if matches!(self.cancel, Cancel::No) {
                    self.cancel = Cancel::Due(derived::cancel(request, reason.as_deref()));
                    self.alarms.set(Timer::Cancelled, turn.now + turn.timing.give_up());
                }
            }
            (S::Completed { ack }, I::Response(status, _)) if status.is_failure() => {
                turn.response_again();
                turn.repeat_request(self.flow, ack.clone());
            }
            (S::Completed { .. }, I::Timer(Timer::D)) | (S::Accepted, I::Timer(Timer::M)) => {
                self.terminate(End::Normally);
            }
            (S::Accepted, I::Response(status, _)) if status.is_success() => {
                turn.response_again();
                return D::Deliver;
            }
            (
                S::Calling { .. } | S::Proceeding { .. } | S::Completed { .. },
                I::TransportFailed,
            ) => {
                self.terminate(End::TransportFailed);
            }

            // Nothing: late timers, responses that contradict the first final one, cancelling
            // what is over.
            (S::Calling { .. } | S::Proceeding { .. }, I::Timer(_))
            | (S::Completed { .. }, I::Response(..) | I::Cancel(_) | I::Timer(_))
            | (S::Accepted, I::Response(..) | I::Cancel(_) | I::TransportFailed | I::Timer(_))
            | (S::Terminated(_), _) => {}
        }
        D::Absorb
    }

    fn proceed(&mut self, turn: &Turn<'_>, request: Vec<u8>) {
        self.alarms.stop(Timer::A);
        self.alarms.stop(Timer::B);
        if let Cancel::Waiting(reason) = &self.cancel {
            self.cancel = Cancel::Due(derived::cancel(&request, reason.as_deref()));
            self.alarms.set(Timer::Cancelled, turn.now + turn.timing.give_up());
        }
        self.state = State::Proceeding { request };
    }

    fn accept(&mut self, turn: &Turn<'_>) {
        self.alarms.clear();
        self.alarms.set(Timer::M, turn.now + turn.timing.give_up());
        self.state = State::Accepted;
    }

    /// Timer D is zero over reliable transports.
    fn complete(&mut self, turn: &mut Turn<'_>, request: &[u8], response: &Message<'_>) {
        self.alarms.clear();
        let ack = derived::ack(request, response);
        if self.flow.transport.is_reliable() {
            self.state = State::Terminated(End::Normally);
        } else {
            self.alarms.set(Timer::D, turn.now + turn.timing.timer_d());
            self.state = State::Completed { ack: ack.clone() };
        }
        turn.send(self.flow, ack);
    }

    fn terminate(&mut self, end: End) {
        self.alarms.clear();
        self.state = State::Terminated(end);
    }
}
