//! The INVITE server transaction: RFC 3261 §17.2.1, as redrawn by RFC 6026 §7.1.

use std::time::Duration;

use sip_message::{Class, Flow, Status};

use super::accepted::AcceptedInvite;
use super::{Alarms, Delivery, End, Timer, Turn};

/// Answers one INVITE. Memory after the final answer: the answer itself, until its ACK.
#[derive(Debug)]
pub(crate) struct InviteServer {
    state: State,
    /// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
    pub(crate) reply: Flow,
    pub(crate) alarms: Alarms,
}

/// ```text
///                                     | INVITE
///                                     v
///                               +-----------+ INVITE: send the last provisional
///          TU 2xx: send         |           |<--+
///       +-----------------------| Proceeding|   | TU 1xx: send
///       |                       |           |---+
///       |                       +-----------+
///       |                             | TU 300-699: send
///       v                             v
/// +-----------+                 +-----------+ INVITE, timer G: send the response
/// |           |--+ INVITE: none |           |<--+
/// |  Accepted |<-+              | Completed |---+
/// |           |--+ TU 2xx: send |           |
/// +-----------+<-+              +-----------+
///   |  ACK: to the TU             | ACK: none         | timer H: tell the TU
///   |                             v                   |
///   |                       +-----------+             |
///   |                       | Confirmed |--+ ACK: none|
///   |                       +-----------+<-+          |
///   | timer L                     | timer I           |
///   v                             v                   v
/// +-----------------------------------------------------+
/// |                      Terminated                      |
/// +-----------------------------------------------------+
/// ```
/// Timer `Answer` in Accepted is not the transaction's but its user's (RFC 3261 §13.3.1.4); it is
/// kept here because both end together.
#[derive(Debug)]
enum State {
    /// `last` is the latest provisional response, empty if none was sent or the transport is
    /// reliable.
    Proceeding {
        last: Vec<u8>,
    },
    Completed {
        response: Vec<u8>,
        interval: Duration,
    },
    Confirmed,
    /// `None` once the TU has seen the ACK.
    Accepted {
        answer: Option<AcceptedInvite>,
    },
    Terminated(End),
}

pub(crate) enum Input {
    /// The INVITE came again.
    Invite,
    /// An ACK came with the INVITE's branch.
    Ack,
    /// TU: a 1xx.
    Provisional(Vec<u8>),
    /// TU: a 2xx.
    Success(Vec<u8>),
    /// TU: a 3xx to 6xx.
    Failure(Vec<u8>),
    /// TU: a 3xx to 6xx to somebody whose address may be forged: repeated when the INVITE is, and
    /// never by itself.
    FailureOnce(Vec<u8>),
    /// TU: the ACK for the 2xx has come.
    Acknowledged,
    Timer(Timer),
}

impl Input {
    pub(crate) fn response(status: Status, bytes: Vec<u8>) -> Self {
        match status.class() {
            Class::Provisional => Self::Provisional(bytes),
            Class::Success => Self::Success(bytes),
            Class::Redirection | Class::ClientError | Class::ServerError | Class::GlobalFailure => {
                Self::Failure(bytes)
            }
        }
    }
}

impl InviteServer {
    pub(crate) fn new(reply: Flow) -> Self {
        Self { state: State::Proceeding { last: Vec::new() }, reply, alarms: Alarms::default() }
    }

    pub(crate) fn end(&self) -> Option<End> {
        match self.state {
            State::Terminated(end) => Some(end),
            State::Proceeding { .. }
            | State::Completed { .. }
            | State::Confirmed
            | State::Accepted { .. } => None,
        }
    }

    /// Whether no final answer was given yet.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Whether a final failure still waits for its ACK, or no final answer was given.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Proceeding { .. } | State::Completed { .. })
    }

    /// Whether a 2xx was given.
    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted { .. })
    }

    pub(crate) fn step(&mut self, turn: &mut Turn<'_>, input: Input) -> Delivery {
        use {Input as I, State as S};
        match (&mut self.state, input) {
            (S::Proceeding { last }, I::Invite) => {
                turn.request_again();
                if !last.is_empty() {
                    turn.repeat_response(self.reply, last.clone());
                }
            }
            (S::Proceeding { last }, I::Provisional(response)) => {
                if !self.reply.transport.is_reliable() {
                    last.clone_from(&response);
                }
                turn.send(self.reply, response);
            }
            (S::Proceeding { .. }, I::Success(response)) => self.accept(turn, response),
            (S::Proceeding { .. }, I::Failure(response)) => self.complete(turn, response),
            (S::Proceeding { .. }, I::FailureOnce(response)) => {
                self.complete(turn, response);
                self.alarms.stop(Timer::G);
            }

            (S::Completed { response, .. }, I::Invite) => {
                turn.request_again();
                turn.repeat_response(self.reply, response.clone());
            }
            (S::Completed { response, interval }, I::Timer(Timer::G)) => {
                *interval = (*interval * 2).min(turn.timing.t2);
                self.alarms.set(Timer::G, turn.now + *interval);
                turn.repeat_response(self.reply, response.clone());
            }
            (S::Completed { .. }, I::Ack) => self.confirm(turn),
            (S::Completed { .. }, I::Timer(Timer::H)) => {
                turn.gave_up(Timer::H);
                self.terminate(End::RejectionNoAck);
            }

            (S::Accepted { .. }, I::Invite) | (S::Confirmed, I::Ack) => turn.request_again(),
            (S::Confirmed, I::Timer(Timer::I)) => self.terminate(End::Normally),

            (S::Accepted { .. }, I::Ack) => return Delivery::Deliver,
            (S::Accepted { answer: Some(answer) }, I::Timer(Timer::Answer)) => {
                let again = answer.repeat(turn.now, turn.timing, &mut self.alarms);
                turn.repeat_response(self.reply, again);
            }
            (S::Accepted { answer }, I::Acknowledged) => {
                *answer = None;
                self.alarms.stop(Timer::Answer);
            }
            (S::Accepted { .. }, I::Success(response)) => turn.send(self.reply, response),
            (S::Accepted { answer }, I::Timer(Timer::L)) => {
                let end = if answer.is_some() { End::NoAck } else { End::Normally };
                if end == End::NoAck {
                    turn.gave_up(Timer::L);
                }
                self.terminate(end);
            }

            // Nothing: late timers, late answers of the TU, and ACKs that precede their answer.
            (S::Proceeding { .. }, I::Ack | I::Acknowledged | I::Timer(_))
            | (
                S::Completed { .. },
                I::Provisional(_)
                | I::Success(_)
                | I::Failure(_)
                | I::FailureOnce(_)
                | I::Acknowledged
                | I::Timer(_),
            )
            | (
                S::Accepted { .. },
                I::Provisional(_) | I::Failure(_) | I::FailureOnce(_) | I::Timer(_),
            )
            | (S::Confirmed | S::Terminated(_), _) => {}
        }
        Delivery::Absorb
    }

    fn accept(&mut self, turn: &mut Turn<'_>, response: Vec<u8>) {
        self.alarms.clear();
        self.alarms.set(Timer::L, turn.now + turn.timing.give_up());
        let answer = AcceptedInvite::new(turn.now, turn.timing, &mut self.alarms, &response);
        self.state = State::Accepted { answer: Some(answer) };
        turn.send(self.reply, response);
    }

    fn complete(&mut self, turn: &mut Turn<'_>, response: Vec<u8>) {
        self.alarms.clear();
        self.alarms.set(Timer::H, turn.now + turn.timing.give_up());
        if !self.reply.transport.is_reliable() {
            self.alarms.set(Timer::G, turn.now + turn.timing.t1);
        }
        self.state = State::Completed { response: response.clone(), interval: turn.timing.t1 };
        turn.send(self.reply, response);
    }

    /// Timer I is zero over reliable transports.
    fn confirm(&mut self, turn: &Turn<'_>) {
        self.alarms.clear();
        if self.reply.transport.is_reliable() {
            self.terminate(End::Normally);
        } else {
            self.alarms.set(Timer::I, turn.now + turn.timing.t4);
            self.state = State::Confirmed;
        }
    }

    fn terminate(&mut self, end: End) {
        self.alarms.clear();
        self.state = State::Terminated(end);
    }
}
