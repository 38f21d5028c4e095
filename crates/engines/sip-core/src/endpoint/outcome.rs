//! What an endpoint tells its user.

use sip_message::{HeaderError, Status, Violation};

use crate::slab::Place;
use crate::transaction::Timer;

/// A server transaction: one request that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) Place);

/// A client transaction: one request that went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) Place);

/// What became of a message that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A request that nobody has seen before, now to be answered through `server`. No 100 has been
    /// sent for an INVITE: RFC 3261 §17.2.1 wants one within 200 ms unless something else is said.
    Request {
        /// The new transaction.
        server: ServerId,
    },
    /// A retransmission or a message that a transaction deals with; nothing is left to do.
    Absorbed,
    /// An ACK that belongs to no rejection: for a 2xx, to be found by its dialog, or stray.
    Ack,
    /// The caller gave up an INVITE that has no final response; the CANCEL is answered, the
    /// INVITE wants a 487.
    Cancel {
        /// The INVITE's transaction.
        invite: ServerId,
        /// Its owner.
        owner: u64,
    },
    /// A response that the owner must see: provisional, or the first final one, or a further 2xx
    /// to an INVITE.
    Response {
        /// The transaction of the request.
        client: ClientId,
        /// Its owner.
        owner: u64,
    },
    /// A response without a transaction: a 2xx to an INVITE that comes late, or nonsense
    /// (RFC 3261 §17.1.1.2, §18.1.2).
    StrayResponse,
    /// Not let in; answered if it could be.
    Refused(Refusal),
}

/// Why a message was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A request that breaks the rules, answered with their status.
    #[error("malformed request: {0}")]
    Malformed(Violation),
    /// A request so broken that no response can be addressed.
    #[error("request that cannot be answered: {0}")]
    Unanswerable(HeaderError),
    /// The same request came by another way (RFC 3261 §8.2.2.2), answered 482.
    #[error("request that has come by another way already")]
    Merged,
    /// `invites_open_max` is reached, answered 503.
    #[error("too many INVITEs wait for an answer")]
    InvitesOpen,
    /// `transactions_max` is reached, answered 503.
    #[error("too many transactions exist")]
    Transactions,
    /// A CANCEL without its INVITE, answered 481 (RFC 3261 §9.2).
    #[error("CANCEL of a request that does not exist")]
    NothingToCancel,
    /// A response that breaks the rules, dropped.
    #[error("malformed response: {0}")]
    MalformedResponse(Violation),
    /// A response with another than one Via, which is not for us (RFC 3261 §8.1.3.3), dropped.
    #[error("response that passed us by: its Via is not ours alone")]
    ForeignResponse,
}

impl Refusal {
    /// A stable word for metrics and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed(violation) | Self::MalformedResponse(violation) => violation.code(),
            Self::Unanswerable(_) => "request-unanswerable",
            Self::Merged => "request-merged",
            Self::InvitesOpen => "invites-open-max",
            Self::Transactions => "transactions-max",
            Self::NothingToCancel => "cancel-unmatched",
            Self::ForeignResponse => "response-foreign",
        }
    }

    /// The status that was answered, if one was.
    #[must_use]
    pub fn status(self) -> Option<Status> {
        match self {
            Self::Malformed(violation) => Some(violation.status()),
            Self::Merged => Some(Status::LOOP_DETECTED),
            Self::InvitesOpen | Self::Transactions => Some(Status::SERVICE_UNAVAILABLE),
            Self::NothingToCancel => Some(Status::CALL_DOES_NOT_EXIST),
            Self::Unanswerable(_) | Self::MalformedResponse(_) | Self::ForeignResponse => None,
        }
    }
}

/// Something that happened to a transaction without a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A request stayed without a final response; to its owner it is as good as a 408
    /// (RFC 3261 §8.1.3.1).
    TimedOut {
        /// The request's transaction, now ended.
        client: ClientId,
        /// Its owner.
        owner: u64,
    },
    /// A request could not be delivered; to its owner it is as good as a 503 (RFC 3261 §8.1.3.1).
    TransportFailed {
        /// The request's transaction, now ended.
        client: ClientId,
        /// Its owner.
        owner: u64,
    },
    /// A 2xx was repeated for 64·T1 and never acknowledged: the call wants a BYE
    /// (RFC 3261 §13.3.1.4).
    NoAck {
        /// The INVITE's transaction, now ended.
        server: ServerId,
        /// Its owner.
        owner: u64,
    },
    /// A rejection was never acknowledged. Nothing is left to do.
    RejectionNoAck {
        /// The INVITE's transaction, now ended.
        server: ServerId,
        /// Its owner.
        owner: u64,
    },
}

/// Why an endpoint wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A transaction's timer.
    Timer(Timer),
    /// Far deadlines come near and are sorted; nothing fires.
    Sorting,
}

/// The transaction has ended, or has its final response already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transaction has ended or is answered already")]
pub struct Gone;

/// No further transaction may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many transactions exist")]
pub struct Full;
