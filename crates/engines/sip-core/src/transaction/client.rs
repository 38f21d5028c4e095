//! The non-INVITE client transaction: RFC 3261 §17.1.2.

use std::time::Duration;

use sip_message::{Flow, Status};

use super::{Alarms, Delivery, End, Timer, Turn};

/// Sends one request other than INVITE and ACK until it is answered.
#[derive(Debug)]
pub(crate) struct Client {
    state: State,
    /// Where the request goes.
    pub(crate) flow: Flow,
    pub(crate) alarms: Alarms,
}

/// ```text
///                 | TU request: send
///                 v
///           +-----------+
///        +--|  Trying   |  timer E: send, double up to T2
///        +->|           |
///           +-----------+
///   1xx:      |       |   200-699: to the TU
///   to the TU v       +-----------------+
///           +-----------+               |
///        +--| Proceeding|  timer E: send, every T2
///        +->|           |  1xx: to the TU
///           +-----------+               |
///                 | 200-699: to the TU  |
///                 v                     |
///           +-----------+<--------------+
///           | Completed |  any response: none
///           +-----------+
///                 | timer K
///                 v
///           +-----------+  timer F or a transport error in Trying and Proceeding: tell the TU
///           | Terminated|
///           +-----------+
/// ```
#[derive(Debug)]
enum State {
    Trying { request: Vec<u8>, interval: Duration },
    Proceeding { request: Vec<u8> },
    Completed,
    Terminated(End),
}

pub(crate) enum Input {
    Response(Status),
    TransportFailed,
    Timer(Timer),
}

impl Client {
    /// Sends the request for the first time.
    pub(crate) fn new(turn: &mut Turn<'_>, flow: Flow, request: Vec<u8>) -> Self {
        let mut alarms = Alarms::default();
        alarms.set(Timer::F, turn.now + turn.timing.give_up());
        let kept = if flow.transport.is_reliable() {
            Vec::new()
        } else {
            alarms.set(Timer::E, turn.now + turn.timing.t1);
            request.clone()
        };
        turn.send(flow, request);
        Self { state: State::Trying { request: kept, interval: turn.timing.t1 }, flow, alarms }
    }

    pub(crate) fn end(&self) -> Option<End> {
        match self.state {
            State::Terminated(end) => Some(end),
            State::Trying { .. } | State::Proceeding { .. } | State::Completed => None,
        }
    }

    pub(crate) fn step(&mut self, turn: &mut Turn<'_>, input: Input) -> Delivery {
        use {Input as I, State as S};
        match (&mut self.state, input) {
            (S::Trying { request, .. }, I::Response(status)) if status.is_provisional() => {
                self.state = S::Proceeding { request: std::mem::take(request) };
                return Delivery::Deliver;
            }
            (S::Proceeding { .. }, I::Response(status)) if status.is_provisional() => {
                return Delivery::Deliver;
            }
            (S::Trying { .. } | S::Proceeding { .. }, I::Response(_)) => {
                self.complete(turn);
                return Delivery::Deliver;
            }
            (S::Trying { request, interval }, I::Timer(Timer::E)) => {
                *interval = (*interval * 2).min(turn.timing.t2);
                self.alarms.set(Timer::E, turn.now + *interval);
                turn.repeat_request(self.flow, request.clone());
            }
            (S::Proceeding { request }, I::Timer(Timer::E)) => {
                self.alarms.set(Timer::E, turn.now + turn.timing.t2);
                turn.repeat_request(self.flow, request.clone());
            }
            (S::Trying { .. } | S::Proceeding { .. }, I::Timer(Timer::F)) => {
                turn.gave_up(Timer::F);
                self.terminate(End::TimedOut);
            }
            (S::Trying { .. } | S::Proceeding { .. }, I::TransportFailed) => {
                self.terminate(End::TransportFailed);
            }
            (S::Completed, I::Response(_)) => turn.response_again(),
            (S::Completed, I::Timer(Timer::K)) => self.terminate(End::Normally),

            // Nothing: late timers, and what comes after the end.
            (S::Trying { .. } | S::Proceeding { .. }, I::Timer(_))
            | (S::Completed, I::TransportFailed | I::Timer(_))
            | (S::Terminated(_), _) => {}
        }
        Delivery::Absorb
    }

    /// Timer K is zero over reliable transports.
    fn complete(&mut self, turn: &Turn<'_>) {
        self.alarms.clear();
        if self.flow.transport.is_reliable() {
            self.state = State::Terminated(End::Normally);
        } else {
            self.alarms.set(Timer::K, turn.now + turn.timing.t4);
            self.state = State::Completed;
        }
    }

    fn terminate(&mut self, end: End) {
        self.alarms.clear();
        self.state = State::Terminated(end);
    }
}
