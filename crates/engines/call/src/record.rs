//! How a call ended, and the one record that tells it.

use std::fmt;
use std::sync::Arc;

use media::Side;
use model::{CallRecord, CallStatus, LegQuality, TransactionId, UnixMillis, Verdict};
use sip_message::Status;

use crate::admission::Facts;
use crate::directory::ResolvedCarrier;
use crate::explain::{self, Note};
use crate::limit::Exceeded;
use crate::redirect::Named;
use crate::reject::Reject;
use crate::route::Attempt;

/// What came of one INVITE.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It was not let in.
    Rejected(Reject),
    /// It was let in, and this is how it ended.
    Ended(End),
}

/// How a call that was let in came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// One side hung up an answered call.
    HungUp(Side),
    /// The caller gave up before there was an answer.
    Cancelled,
    /// The called party, or the network before it, said no.
    Declined(Status),
    /// Nobody answered in time.
    RingTimeout,
    /// No carrier took the call.
    RoutesExhausted,
    /// No route of the called connectors took the call; the last one's answer, or the status that
    /// its silence amounts to.
    NoRouteAnswered(Status),
    /// A carrier answered with media that cannot be carried.
    AnswerRefused(sdp::Refusal),
    /// The caller never acknowledged the answer.
    AckTimeout,
    /// The caller never acknowledged a provisional response (RFC 3262 §3).
    PrackTimeout,
    /// The call lasted as long as a call may.
    DurationMax,
    /// One side was not heard for too long.
    MediaSilent(Side),
    /// One side does not know the call any more: it answered 481 or 408 within it.
    DialogLost(Side),
    /// One side did not refresh its session in time (RFC 4028 §10).
    SessionExpired(Side),
    /// An operator hung up.
    Operator,
    /// The server was stopped.
    Shutdown,
}

impl End {
    /// The reason's stable name: record field and metric label.
    pub const fn code(self) -> &'static str {
        match self {
            Self::HungUp(_) => "completed",
            Self::Cancelled => "cancelled",
            Self::Declined(Status(486 | 600)) => "busy",
            Self::Declined(Status(603 | 607 | 608)) => "declined",
            Self::Declined(Status(404 | 410 | 484 | 604)) => "not-found",
            Self::Declined(Status(480)) => "unavailable",
            Self::Declined(_) => "refused-by-carrier",
            Self::RingTimeout => "no-answer",
            Self::RoutesExhausted | Self::NoRouteAnswered(_) => "routes-exhausted",
            Self::AnswerRefused(_) => "answer-refused",
            Self::AckTimeout => "ack-timeout",
            Self::PrackTimeout => "prack-timeout",
            Self::DurationMax => "duration-max",
            Self::MediaSilent(_) => "media-silent",
            Self::DialogLost(_) => "dialog-lost",
            Self::SessionExpired(_) => "session-expired",
            Self::Operator => "operator",
            Self::Shutdown => "shutdown",
        }
    }

    /// The SIP status that the caller gets if its INVITE is still open.
    pub const fn status(self) -> Status {
        match self {
            Self::Declined(status) | Self::NoRouteAnswered(status) => status,
            Self::Cancelled => Status::REQUEST_TERMINATED,
            Self::RingTimeout => Status::TEMPORARILY_UNAVAILABLE,
            Self::AnswerRefused(_) => Status::BAD_GATEWAY,
            Self::PrackTimeout => Status::SERVER_TIMEOUT,
            Self::RoutesExhausted
            | Self::Operator
            | Self::Shutdown
            | Self::HungUp(_)
            | Self::AckTimeout
            | Self::DurationMax
            | Self::MediaSilent(_)
            | Self::DialogLost(_)
            | Self::SessionExpired(_) => Status::SERVICE_UNAVAILABLE,
        }
    }

    /// The end as a sentence: the record's message.
    pub const fn message(self) -> &'static str {
        match self {
            Self::HungUp(_) => "Normal Call Clearing",
            Self::Cancelled => "Cancelled by the caller",
            Self::Declined(_) => "Refused by the called side",
            Self::RingTimeout => "No answer",
            Self::RoutesExhausted => "No carrier took the call",
            Self::NoRouteAnswered(_) => "No route took the call",
            Self::AnswerRefused(_) => "The answer's media cannot be carried",
            Self::AckTimeout => "ACK timeout",
            Self::PrackTimeout => "PRACK timeout",
            Self::DurationMax => "Maximum duration reached",
            Self::MediaSilent(_) => "Media timeout",
            Self::DialogLost(_) => "Call does not exist at the other side",
            Self::SessionExpired(_) => "Session timer expired",
            Self::Operator => "Hung up by the operator",
            Self::Shutdown => "Server shut down",
        }
    }

    /// What the explanation shows as seen.
    pub(crate) fn seen(self) -> String {
        match self {
            Self::HungUp(side) => format!("the {} hung up", party(side)),
            Self::Declined(status) => {
                format!("the called side answered {status} {}", status.reason())
            }
            Self::MediaSilent(side) => format!("no media from the {}", party(side)),
            Self::DialogLost(side) => {
                format!("the {} does not know the call any more", party(side))
            }
            Self::SessionExpired(side) => {
                format!("the session with the {} was not refreshed in time", party(side))
            }
            Self::AnswerRefused(refusal) => refusal.to_string(),
            Self::Cancelled
            | Self::RingTimeout
            | Self::RoutesExhausted
            | Self::NoRouteAnswered(_)
            | Self::AckTimeout
            | Self::PrackTimeout
            | Self::DurationMax
            | Self::Operator
            | Self::Shutdown => self.message().to_lowercase(),
        }
    }

    /// What can be done about it.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::RoutesExhausted => {
                "look at the answers of each carrier above; `trunkline carrier list` shows their \
                 addresses"
            }
            Self::NoRouteAnswered(_) => {
                "look at the answers of each route above; PutVoiceConnectorOrigination changes \
                 them"
            }
            Self::AckTimeout => {
                "the caller's ACK did not arrive: its device must send it to the Contact of our \
                 200 OK, through any NAT or firewall between"
            }
            Self::PrackTimeout => {
                "the caller's device says that it supports 100rel and does not send PRACK: mend it \
                 there, or set calls.reliable_progress = \"never\""
            }
            Self::MediaSilent(_) => {
                "check that RTP can reach media.advertised_address and the ports media.port_min to \
                 media.port_max, and that no firewall stands between"
            }
            Self::AnswerRefused(_) => "the carrier must answer with G.711 over RTP/AVP",
            Self::DialogLost(_) => "the device was restarted, or a NAT forgot it",
            Self::SessionExpired(_) => {
                "the device must refresh the session it agreed to (RFC 4028), or be told not to \
                 use session timers; calls.session_expires_s = 0 switches them off here"
            }
            Self::HungUp(_)
            | Self::Cancelled
            | Self::Declined(_)
            | Self::RingTimeout
            | Self::DurationMax
            | Self::Operator
            | Self::Shutdown => "",
        }
    }
}

/// The person on a leg of a call out.
pub(crate) const fn party(side: Side) -> &'static str {
    match side {
        Side::A => "caller",
        Side::B => "called",
    }
}

/// One attempt at one gateway, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) attempt: Attempt,
    pub(crate) result: Tally,
    /// The places that a redirection named, if they were looked at.
    pub(crate) named: Vec<Named>,
    /// How often the INVITE had left when that was known; more than once where packets are lost.
    pub(crate) times_sent: u32,
}

impl Tried {
    pub(crate) fn new(attempt: Attempt, result: Tally) -> Self {
        Self { attempt, result, named: Vec::new(), times_sent: 1 }
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tally {
    /// Nothing yet.
    Open,
    /// It answered.
    Answered,
    /// A final failure.
    Failed(Status),
    /// It named other places, and some of them are asked.
    Redirected(Status),
    /// Its challenge could not be answered: no credential, or a wrong one.
    Unauthorized(Status),
    /// No response of any kind in time.
    NoProgress,
    /// No final response in time.
    TimedOut,
    /// The message could not be delivered.
    Unreachable,
    /// We have no listener of that transport and address family.
    NoListener,
    /// It was down; it was left for the end.
    Down,
    /// The connector has no room for the call; it was not asked.
    Full(Exceeded),
    /// The caller gave up meanwhile.
    Abandoned,
}

impl Tally {
    pub(crate) fn verdict(self) -> (Verdict, &'static str) {
        match self {
            Self::Answered => (Verdict::Pass, ""),
            Self::Open | Self::Abandoned | Self::Redirected(_) => (Verdict::Note, ""),
            Self::Down => (
                Verdict::Note,
                "it did not answer lately: look at `trunkline carrier show`, or at the PBX there",
            ),
            Self::Failed(Status(300..=302)) => (
                Verdict::Refuse,
                "redirections are followed from carriers that are added with --redirects follow, to \
                 carriers that were added",
            ),
            Self::Failed(_) => (Verdict::Refuse, ""),
            Self::Unauthorized(_) => (
                Verdict::Refuse,
                "set the carrier's credential anew with `trunkline carrier add`; a \
                  PBX must not challenge calls in",
            ),
            Self::NoProgress | Self::TimedOut => {
                (Verdict::Refuse, "check the address there and that calls from here are accepted")
            }
            Self::Unreachable => (Verdict::Refuse, "check the address and transport there"),
            Self::Full(exceeded) => (Verdict::Refuse, explain::limit_remedy(exceeded)),
            Self::NoListener => {
                (Verdict::Refuse, "open a listener of that transport and address family")
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("no final answer"),
            Self::Answered => f.write_str("answered"),
            Self::Failed(status) => write!(f, "{status} {}", status.reason()),
            Self::Redirected(status) => {
                write!(f, "{status} {}, and it is followed", status.reason())
            }
            Self::Unauthorized(status) => write!(f, "{status}, and no credential that it takes"),
            Self::NoProgress => f.write_str("no response in time"),
            Self::TimedOut => f.write_str("no final response in time"),
            Self::Unreachable => f.write_str("not reachable"),
            Self::NoListener => f.write_str("no listener of its transport and address family"),
            Self::Down => f.write_str("down, left for the end"),
            Self::Full(_) => f.write_str("not asked: its connector is at its limit"),
            Self::Abandoned => f.write_str("given up: the caller hung up or time ran out"),
        }
    }
}

/// Everything a record is made of.
pub(crate) struct Story<'s> {
    pub(crate) transaction_id: TransactionId,
    pub(crate) call_id: &'s str,
    pub(crate) peer_call_id: Option<&'s str>,
    pub(crate) attempt_call_ids: Vec<String>,
    pub(crate) facts: &'s Facts,
    pub(crate) tried: &'s [Tried],
    pub(crate) notes: &'s [Note],
    pub(crate) outcome: &'s Outcome,
    /// Caller and called as written, for what did not become a number.
    pub(crate) written: [&'s str; 2],
    pub(crate) started: UnixMillis,
    pub(crate) answered: Option<UnixMillis>,
    pub(crate) ended: UnixMillis,
    pub(crate) quality: Vec<LegQuality>,
}

impl Story<'_> {
    /// Writes the record.
    pub(crate) fn tell(self) -> Box<CallRecord> {
        let Story { facts, outcome, answered, .. } = self;
        let (status, reason, message, sip_status) = match outcome {
            Outcome::Rejected(reject) => {
                (CallStatus::Rejected, reject.code(), reject.phrase(), reject.status())
            }
            Outcome::Ended(end) if answered.is_some() => {
                (CallStatus::Completed, end.code(), end.message().into(), Status::OK)
            }
            Outcome::Ended(end @ End::Declined(status)) => {
                (CallStatus::Failed, end.code(), status.reason().into(), *status)
            }
            Outcome::Ended(end) => {
                (CallStatus::Failed, end.code(), end.message().into(), end.status())
            }
        };
        let connector = facts.connector.as_deref();
        let [from, to] = self.written;
        Box::new(CallRecord {
            transaction_id: self.transaction_id,
            call_id: self.call_id.into(),
            peer_call_id: self.peer_call_id.map(Into::into),
            attempt_call_ids: self.attempt_call_ids,
            account: facts.account(),
            connector: connector.map(|it| it.connector.id.clone()),
            direction: facts.direction(),
            status,
            reason: reason.into(),
            status_message: message.into_owned(),
            sip_status: Some(sip_status.0),
            sip_user: facts.username.as_ref().map(ToString::to_string),
            from: facts.caller_text().unwrap_or_else(|| from.into()),
            to: facts.called_text().unwrap_or_else(|| to.into()),
            source: facts.source.to_string(),
            carrier: carrier(facts, self.tried).map(|it| it.carrier.name.to_string()),
            started: self.started,
            answered,
            ended: self.ended,
            decisions: explain::decisions(facts, self.tried, self.notes, outcome),
            quality: self.quality,
        })
    }
}

/// The carrier of the call: the one that it came from; else the one that answered, or had the last
/// word.
pub(crate) fn carrier<'c>(
    facts: &'c Facts,
    tried: &'c [Tried],
) -> Option<&'c Arc<ResolvedCarrier>> {
    facts.origin.as_ref().or_else(|| tried.last()?.attempt.gateway.carrier())
}

/// A leg's figures as records keep them.
pub(crate) fn quality(side: Side, measured: &media::LegQuality) -> LegQuality {
    let micros = |it: std::time::Duration| u64::try_from(it.as_micros()).unwrap_or(u64::MAX);
    LegQuality {
        leg: party(side).into(),
        packets: measured.rtp_packets_received,
        bytes: measured.rtp_bytes_received,
        lost: measured.packets_lost,
        jitter_us: micros(measured.jitter),
        rtt_us: measured.round_trip.map(micros),
        mos: measured.mos,
    }
}
