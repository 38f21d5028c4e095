//! The calling side: one small state per call, found again by the number in its Call-ID.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use md5::{Digest, Md5};
use serde::Serialize;

use crate::called;
use crate::text::{between, header, header_lines, status};

/// What to do.
pub(crate) struct Plan {
    /// Where the calling side listens.
    pub(crate) local: SocketAddr,
    /// The host part of the Request-URI.
    pub(crate) domain: String,
    /// The caller's number.
    pub(crate) from: String,
    /// The called number.
    pub(crate) to: String,
    /// The digest user.
    pub(crate) user: String,
    /// The digest password.
    pub(crate) password: String,
    /// Calls per second.
    pub(crate) rate: u32,
    /// Calls in all.
    pub(crate) calls: u32,
    /// Time from answer to BYE.
    pub(crate) hold: Duration,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Calls that were answered and hung up.
    pub(crate) completed: u32,
    /// Calls that were refused or did not finish.
    pub(crate) failed: u32,
    /// Requests that had to be sent again.
    pub(crate) retransmissions: u32,
    /// Wall time in seconds.
    pub(crate) seconds: f64,
    /// Authenticated INVITE to 180, milliseconds.
    pub(crate) ring_ms_p50: f64,
    /// Authenticated INVITE to 180, milliseconds.
    pub(crate) ring_ms_p99: f64,
    /// The first unexpected status line, if any.
    pub(crate) surprise: Option<String>,
}

/// RFC 3261 T1, the first retransmission interval.
const T1: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unborn,
    Invited,
    Authorized,
    Answered,
    Leaving,
    Done,
    Failed,
}

struct Call {
    state: State,
    sent_at: Duration,
    rang: bool,
    last: String,
    farewell: String,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    HangUp,
    Retransmit(Duration),
}

/// All calls of one run.
pub(crate) struct Caller {
    plan: Plan,
    calls: Vec<Call>,
    born: usize,
    over: u32,
    due: BinaryHeap<Reverse<(Duration, usize, Due)>>,
    output: VecDeque<String>,
    ring_ms: Vec<f64>,
    retransmissions: u32,
    surprise: Option<String>,
}

impl Caller {
    pub(crate) fn new(plan: Plan) -> Self {
        let unborn = || Call {
            state: State::Unborn,
            sent_at: Duration::ZERO,
            rang: false,
            last: String::new(),
            farewell: String::new(),
        };
        Self {
            calls: (0..plan.calls).map(|_| unborn()).collect(),
            plan,
            born: 0,
            over: 0,
            due: BinaryHeap::new(),
            output: VecDeque::new(),
            ring_ms: Vec::new(),
            retransmissions: 0,
            surprise: None,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.over == self.plan.calls
    }

    pub(crate) fn poll_output(&mut self) -> Option<String> {
        self.output.pop_front()
    }

    /// Starts the calls that are due, hangs up and retransmits.
    pub(crate) fn tick(&mut self, now: Duration) {
        let target = (now.as_secs_f64() * f64::from(self.plan.rate)) as usize + 1;
        while self.born < target.min(self.calls.len()) {
            let invite = self.invite(self.born, 1, "");
            self.send(now, self.born, State::Invited, invite);
            self.born += 1;
        }
        while let Some(Reverse((at, _, _))) = self.due.peek()
            && *at <= now
        {
            let Some(Reverse((_, n, due))) = self.due.pop() else { break };
            match due {
                Due::HangUp => {
                    let bye = std::mem::take(&mut self.calls[n].farewell);
                    self.send(now, n, State::Leaving, bye);
                }
                Due::Retransmit(sent_at) => self.retransmit(now, n, sent_at),
            }
        }
    }

    /// Reads one response.
    pub(crate) fn receive(&mut self, now: Duration, message: &str) {
        let (Some(status), Some(n)) = (status(message), self.call_number(message)) else { return };
        let method = header(message, "CSeq").and_then(|it| it.split(' ').nth(1));
        match (self.calls[n].state, status, method) {
            (_, 100, _) => self.calls[n].last.clear(),
            (State::Invited, 401 | 407, _) => self.authorize(now, n, message),
            (State::Authorized, 180..=199, _) => self.rang(now, n),
            (State::Authorized, 200, Some("INVITE")) => self.answered(now, n, message),
            (State::Answered | State::Leaving | State::Done, 200, Some("INVITE")) => {
                let ack = self.in_dialog("ACK", n, 2, message);
                self.output.push_back(ack);
            }
            (State::Leaving, 200, Some("BYE")) => self.end(n, State::Done),
            (State::Invited | State::Authorized | State::Leaving, 300.., _) => {
                // A 407 to the first INVITE may come twice.
                let late = status == 407 && header(message, "CSeq") == Some("1 INVITE");
                if !late {
                    self.surprise.get_or_insert_with(|| {
                        message.lines().next().unwrap_or_default().to_owned()
                    });
                    self.end(n, State::Failed);
                }
            }
            (
                State::Unborn
                | State::Invited
                | State::Authorized
                | State::Answered
                | State::Leaving
                | State::Done
                | State::Failed,
                _,
                _,
            ) => {}
        }
    }

    pub(crate) fn report(&mut self, now: Duration) -> Report {
        self.ring_ms.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = self.ring_ms.len().saturating_sub(1);
            self.ring_ms.get((last as f64 * share) as usize).copied().unwrap_or(f64::NAN)
        };
        let completed = self.calls.iter().filter(|it| it.state == State::Done).count() as u32;
        Report {
            completed,
            failed: self.plan.calls - completed,
            retransmissions: self.retransmissions,
            seconds: now.as_secs_f64(),
            ring_ms_p50: at(0.50),
            ring_ms_p99: at(0.99),
            surprise: self.surprise.take(),
        }
    }

    fn send(&mut self, now: Duration, n: usize, state: State, message: String) {
        let call = &mut self.calls[n];
        call.state = state;
        call.sent_at = now;
        call.last.clone_from(&message);
        self.output.push_back(message);
        self.due.push(Reverse((now + T1, n, Due::Retransmit(now))));
    }

    fn retransmit(&mut self, now: Duration, n: usize, sent_at: Duration) {
        let call = &self.calls[n];
        let waiting = matches!(call.state, State::Invited | State::Authorized | State::Leaving);
        if waiting && call.sent_at == sent_at && !call.last.is_empty() && now < sent_at + 64 * T1 {
            self.retransmissions += 1;
            self.output.push_back(call.last.clone());
            self.due.push(Reverse((now + 2 * (now - sent_at), n, Due::Retransmit(sent_at))));
        }
    }

    fn end(&mut self, n: usize, state: State) {
        self.calls[n].state = state;
        self.calls[n].last = String::new();
        self.over += 1;
    }

    fn rang(&mut self, now: Duration, n: usize) {
        let call = &mut self.calls[n];
        if !std::mem::replace(&mut call.rang, true) {
            self.ring_ms.push((now - call.sent_at).as_secs_f64() * 1000.0);
        }
    }

    fn authorize(&mut self, now: Duration, n: usize, message: &str) {
        let ack = self.in_dialog_to(&self.target(), "ACK", n, 1, message, "");
        self.output.push_back(ack);
        let Some(challenge) = header(message, "Proxy-Authenticate") else { return };
        let authorization = self.authorization(n, challenge);
        let invite = self.invite(n, 2, &authorization);
        self.send(now, n, State::Authorized, invite);
    }

    fn answered(&mut self, now: Duration, n: usize, message: &str) {
        let ack = self.in_dialog("ACK", n, 2, message);
        self.output.push_back(ack);
        let call = &mut self.calls[n];
        call.state = State::Answered;
        call.last.clear();
        self.calls[n].farewell = self.in_dialog("BYE", n, 3, message);
        self.due.push(Reverse((now + self.plan.hold, n, Due::HangUp)));
    }

    fn call_number(&self, message: &str) -> Option<usize> {
        let number = header(message, "Call-ID")?.strip_prefix("load-")?.split('@').next()?;
        number.parse().ok().filter(|n| *n < self.calls.len())
    }

    fn target(&self) -> String {
        format!("sip:{}@{}", self.plan.to, self.plan.domain)
    }

    fn invite(&self, n: usize, cseq: u32, extra: &str) -> String {
        let Plan { local, from, .. } = &self.plan;
        let (target, body) = (self.target(), called::sdp(*local));
        format!(
            "INVITE {target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bKload-{n}-{cseq}\r\n\
             From: <sip:{from}@{local}>;tag=caller{n}\r\n\
             To: <{target}>\r\n\
             Call-ID: load-{n}@{local}\r\n\
             CSeq: {cseq} INVITE\r\n\
             Contact: <sip:caller@{local}>\r\n\
             Max-Forwards: 70\r\n\
             User-Agent: load\r\n\
             {extra}\
             Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// An ACK or BYE within the dialog that a 200 made: to its Contact, along its routes.
    fn in_dialog(&self, method: &str, n: usize, cseq: u32, answer: &str) -> String {
        let target = header(answer, "Contact").and_then(|it| between(it, "<", ">"));
        let mut routes: Vec<&str> = header_lines(answer, "Record-Route").collect();
        routes.reverse();
        let routes: String = routes
            .into_iter()
            .filter_map(|line| line.split_once(':'))
            .map(|(_, value)| format!("Route: {}\r\n", value.trim()))
            .collect();
        self.in_dialog_to(target.unwrap_or_default(), method, n, cseq, answer, &routes)
    }

    fn in_dialog_to(
        &self,
        target: &str,
        method: &str,
        n: usize,
        cseq: u32,
        answer: &str,
        routes: &str,
    ) -> String {
        let Plan { local, from, .. } = &self.plan;
        let to = header(answer, "To").unwrap_or_default();
        // The ACK of a failure belongs to its INVITE's transaction; everything else has its own.
        let of = if status(answer).is_some_and(|it| it >= 300) { "" } else { method };
        format!(
            "{method} {target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bKload-{n}-{cseq}{of}\r\n\
             {routes}\
             From: <sip:{from}@{local}>;tag=caller{n}\r\n\
             To: {to}\r\n\
             Call-ID: load-{n}@{local}\r\n\
             CSeq: {cseq} {method}\r\n\
             Max-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    /// The digest of RFC 2617 §3.2.2, with or without `qop=auth` as the challenge asks.
    fn authorization(&self, n: usize, challenge: &str) -> String {
        let quoted =
            |name: &str| between(challenge, &format!("{name}=\""), "\"").unwrap_or_default();
        let (realm, nonce) = (quoted("realm"), quoted("nonce"));
        let uri = self.target();
        let a1 = hash(&format!("{}:{realm}:{}", self.plan.user, self.plan.password));
        let a2 = hash(&format!("INVITE:{uri}"));
        let (response, qop) = if challenge.contains("qop=") {
            let cnonce = format!("{n:08x}");
            let response = hash(&format!("{a1}:{nonce}:00000001:{cnonce}:auth:{a2}"));
            (response, format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""))
        } else {
            (hash(&format!("{a1}:{nonce}:{a2}")), String::new())
        };
        format!(
            "Proxy-Authorization: Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{response}\", algorithm=MD5{qop}\r\n",
            self.plan.user
        )
    }
}

fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
