//! The non-INVITE server transaction: RFC 3261 §17.2.2.

use sip_message::{Flow, Status};

use super::{Alarms, Delivery, End, Timer, Turn};

/// Answers one request other than INVITE and ACK.
#[derive(Debug)]
pub(crate) struct Server {
    state: State,
    /// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
    pub(crate) reply: Flow,
    pub(crate) alarms: Alarms,
}

/// ```text
///                 | request
///                 v
///           +-----------+
///           |  Trying   |--+ request: none
///           |           |<-+
///           +-----------+
///   TU 1xx:   |       |   TU 200-699: send
///   send      v       +-----------------+
///           +-----------+               |
///        +--| Proceeding|  TU 1xx,      |
///        +->|           |  request: send|
///           +-----------+               |
///                 | TU 200-699: send    |
///                 v                     |
///           +-----------+<--------------+
///        +--| Completed |  request: send
///        +->|           |
///           +-----------+
///                 | timer J
///                 v
///           +-----------+
///           | Terminated|
///           +-----------+
/// ```
/// Timer J also runs in Trying and Proceeding: after 64·T1 the client has given up (its timer F),
/// so a request that our side forgot to answer does not live on.
#[derive(Debug)]
enum State {
    Trying,
    Proceeding {
        last: Vec<u8>,
    },
    /// Empty over a reliable transport, which brings no request twice.
    Completed {
        response: Vec<u8>,
    },
    Terminated(End),
}

pub(crate) enum Input {
    /// The request came again.
    Request,
    /// TU: a 1xx.
    Provisional(Vec<u8>),
    /// TU: a 2xx to 6xx.
    Final(Vec<u8>),
    Timer(Timer),
}

impl Input {
    pub(crate) fn response(status: Status, bytes: Vec<u8>) -> Self {
        if status.is_provisional() { Self::Provisional(bytes) } else { Self::Final(bytes) }
    }
}

impl Server {
    pub(crate) fn new(turn: &Turn<'_>, reply: Flow) -> Self {
        let mut alarms = Alarms::default();
        alarms.set(Timer::J, turn.now + turn.timing.give_up());
        Self { state: State::Trying, reply, alarms }
    }

    pub(crate) fn end(&self) -> Option<End> {
        match self.state {
            State::Terminated(end) => Some(end),
            State::Trying | State::Proceeding { .. } | State::Completed { .. } => None,
        }
    }

    /// Whether no final answer was given yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding { .. })
    }

    pub(crate) fn step(&mut self, turn: &mut Turn<'_>, input: Input) -> Delivery {
        use {Input as I, State as S};
        match (&mut self.state, input) {
            (S::Trying | S::Proceeding { .. }, I::Provisional(response)) => {
                self.state = S::Proceeding { last: response.clone() };
                turn.send(self.reply, response);
            }
            (S::Trying | S::Proceeding { .. }, I::Final(response)) => {
                self.complete(turn, response);
            }
            (S::Proceeding { last: response } | S::Completed { response }, I::Request) => {
                turn.request_again();
                turn.repeat_response(self.reply, response.clone());
            }
            (S::Trying, I::Request) => turn.request_again(),
            (S::Trying | S::Proceeding { .. } | S::Completed { .. }, I::Timer(Timer::J)) => {
                self.state = S::Terminated(End::Normally);
            }

            // Nothing: one answer is enough, and timers of other states come late.
            (S::Trying | S::Proceeding { .. }, I::Timer(_))
            | (S::Completed { .. }, I::Provisional(_) | I::Final(_) | I::Timer(_))
            | (S::Terminated(_), _) => {}
        }
        Delivery::Absorb
    }

    /// Timer J is zero over reliable transports.
    fn complete(&mut self, turn: &mut Turn<'_>, response: Vec<u8>) {
        self.alarms.clear();
        if self.reply.transport.is_reliable() {
            self.state = State::Terminated(End::Normally);
        } else {
            self.alarms.set(Timer::J, turn.now + turn.timing.give_up());
            self.state = State::Completed { response: response.clone() };
        }
        turn.send(self.reply, response);
    }
}
