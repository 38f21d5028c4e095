//! Calls in progress, as an operator sees them.

use std::net::SocketAddr;

use model::{AccountId, Direction, TransactionId, UnixMillis, VoiceConnectorId};

/// One call in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCall {
    /// The service's identifier of the call.
    pub transaction_id: TransactionId,
    /// The Call-ID of the leg that came in.
    pub call_id: String,
    /// The Call-ID of the leg that goes out.
    pub peer_call_id: Option<String>,
    /// The Call-IDs of the INVITEs that went out before it, to gateways that did not take the call, and
    /// of those that came and wanted the place of a leg.
    pub attempt_call_ids: Vec<String>,
    /// The connector's owner.
    pub account: AccountId,
    /// The connector.
    pub connector: VoiceConnectorId,
    /// Which way it goes.
    pub direction: Direction,
    /// How far it is.
    pub state: LiveState,
    /// The digest user, if the call was authenticated.
    pub sip_user: Option<String>,
    /// The caller: E.164, or `anonymous`.
    pub from: String,
    /// The called number.
    pub to: String,
    /// Where the INVITE came from.
    pub source: SocketAddr,
    /// The carrier that has the call, or that it came from.
    pub carrier: Option<String>,
    /// When the INVITE came.
    pub started: UnixMillis,
    /// When it was answered.
    pub answered: Option<UnixMillis>,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// A carrier has been asked and has not rung yet.
    Routing,
    /// The called party rings.
    Ringing,
    /// They talk.
    Answered,
    /// It is being hung up.
    Ending,
}

impl LiveState {
    /// The state's stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Ending => "ending",
        }
    }
}
