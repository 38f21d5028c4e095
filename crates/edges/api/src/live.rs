//! The door to what is going on now: calls in progress and the running process.
//!
//! This crate defines the trait and the server implements it, with a bounded queue toward the
//! signalling thread, so that the API knows nothing of engines.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use chime_api::Sensitive;
use model::{
    AccountId, CarrierName, Decision, Direction, E164Number, LegQuality, ProxySessionId,
    SipMediaApplication, SipMediaApplicationId, TransactionId, UnixMillis, VoiceConnectorId,
};

use crate::operator::dto;

/// What a method of [`LiveCalls`] returns.
pub type LiveFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, LiveError>> + Send + 'a>>;

/// Calls in progress, as the signalling side knows them.
pub trait LiveCalls: Send + Sync + 'static {
    /// Every call in progress, oldest first.
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>>;

    /// One call, by its transaction id or by the Call-ID of either leg.
    fn find<'a>(&'a self, call: &'a str) -> LiveFuture<'a, Option<LiveCall>>;

    /// Ends a call. The answer tells whether there was one to end, not that its legs are gone.
    fn hang_up(&self, call: TransactionId) -> LiveFuture<'_, HungUp>;

    /// The proxy sessions whose two participants talk now. Without an engine, none.
    fn talking(&self) -> LiveFuture<'_, BTreeSet<ProxySessionId>> {
        Box::pin(async { Ok(BTreeSet::new()) })
    }

    /// What is known of the places that calls go to. Without an engine, nothing.
    fn peers(&self) -> LiveFuture<'_, Vec<dto::Peer>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What would become of a call. Without an engine, [`LiveError::NotServed`].
    fn try_route(
        &self,
        _question: RouteQuestion,
    ) -> LiveFuture<'_, Result<dto::RouteTest, Untold>> {
        Box::pin(async { Err(LiveError::NotServed) })
    }

    /// The running process.
    fn service(&self) -> LiveFuture<'_, ServiceInfo>;

    /// The SIP messages of these Call-IDs that are still kept, oldest first. Secrets in them are
    /// overwritten. Without a recorder of messages, none.
    fn messages(&self, _call_ids: Vec<String>) -> LiveFuture<'_, KeptMessages> {
        Box::pin(async { Ok(KeptMessages::default()) })
    }

    /// Whether the audio of a call goes to an analyser. Without an analyser, none does.
    fn streamed(&self, _call: TransactionId) -> LiveFuture<'_, Streamed> {
        Box::pin(async { Ok(Streamed::No) })
    }

    /// Places a call for a SIP media application; the answer is the new call's identifier.
    /// Without an engine for them, [`LiveError::NotServed`].
    fn place(&self, _call: ApplicationCall) -> LiveFuture<'_, TransactionId> {
        Box::pin(async { Err(LiveError::NotServed) })
    }

    /// Hands arguments to the application of a call in progress. Without an engine for them,
    /// [`LiveError::NotServed`].
    fn update(&self, _update: ApplicationUpdate) -> LiveFuture<'_, Updated> {
        Box::pin(async { Err(LiveError::NotServed) })
    }
}

/// Messages that are still kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptMessages {
    /// Those that were asked for, oldest first.
    pub messages: Vec<dto::TraceMessage>,
    /// When the oldest message of all that are kept came or left; `None` if none is.
    pub since: Option<chime_api::Timestamp>,
}

/// A call that is only thought of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteQuestion {
    /// What stands in From.
    pub from: String,
    /// What is called.
    pub to: String,
    /// Where it comes from.
    pub source: std::net::SocketAddr,
    /// The connector that is called out through; `None`: it comes in from a carrier.
    pub connector: Option<VoiceConnectorId>,
    /// The carrier that it comes in from, as if it had proven to be that; `None`: the source tells.
    pub carrier: Option<CarrierName>,
}

/// Why nothing can be told of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untold {
    /// A number has characters that no SIP URI's user part has.
    Number,
    /// There is no such connector.
    ConnectorUnknown,
    /// No connector is named, and the source is no carrier's.
    NobodysSource,
    /// There is no such carrier.
    CarrierUnknown,
    /// That carrier has no user for calls in, so that only its sources tell who it is.
    CarrierWithoutUser,
}

/// A call that a SIP media application shall make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationCall {
    /// The application, which is asked when the call proceeds.
    pub application: SipMediaApplication,
    /// The caller: a number of the application's owner.
    pub from: E164Number,
    /// The called party.
    pub to: E164Number,
    /// Headers for the INVITE, by name: `X-…`, `User-to-User` and `Diversion` alone, without line
    /// breaks.
    pub headers: BTreeMap<Sensitive, Sensitive>,
    /// What the application is told.
    pub arguments: BTreeMap<Sensitive, Sensitive>,
}

/// Arguments for the application of a call in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationUpdate {
    /// The owner of both.
    pub account: AccountId,
    /// The application.
    pub application: SipMediaApplicationId,
    /// The call.
    pub call: TransactionId,
    /// What the application is told.
    pub arguments: BTreeMap<Sensitive, Sensitive>,
}

/// What came of an [`ApplicationUpdate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// The application will be asked.
    Ordered,
    /// The application has no such call in progress.
    NoSuchCall,
}

/// Whether the audio of a call goes to an analyser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streamed {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// A call in progress.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCall {
    /// The service's identifier.
    pub transaction_id: TransactionId,
    /// The Call-ID of the leg that came in.
    pub call_id: String,
    /// The Call-ID of the leg that goes out, once there is one.
    pub peer_call_id: Option<String>,
    /// The Call-IDs of the legs that went out before it, to gateways that did not take the call, and
    /// of those that wanted the place of a leg.
    pub attempt_call_ids: Vec<String>,
    /// The connector's owner.
    pub account: Option<AccountId>,
    /// The connector.
    pub connector: Option<VoiceConnectorId>,
    /// Which way it goes.
    pub direction: Direction,
    /// The caller as presented.
    pub from: String,
    /// The called party.
    pub to: String,
    /// The address and port that the INVITE came from.
    pub source: String,
    /// The digest user, if the call was authenticated.
    pub sip_user: Option<String>,
    /// The carrier it was sent to.
    pub carrier: Option<String>,
    /// When the INVITE came.
    pub started: UnixMillis,
    /// When it was answered; `None` while it rings.
    pub answered: Option<UnixMillis>,
    /// Every decision so far.
    pub decisions: Vec<Decision>,
    /// What was heard from each side so far, if the media side told.
    pub quality: Vec<LegQuality>,
}

impl LiveCall {
    /// The call as the operator API tells it at `now`.
    pub fn into_dto(self, now: UnixMillis) -> dto::Call {
        dto::Call {
            transaction_id: self.transaction_id.to_string(),
            call_id: self.call_id,
            peer_call_id: self.peer_call_id,
            attempt_call_ids: self.attempt_call_ids,
            state: match self.answered {
                Some(_) => dto::CallState::Answered,
                None => dto::CallState::Ringing,
            },
            direction: self.direction,
            account: self.account,
            connector: self.connector.map(|it| it.to_string()),
            from: self.from,
            to: self.to,
            source: self.source,
            sip_user: self.sip_user,
            carrier: self.carrier,
            reason: String::new(),
            status_message: String::new(),
            sip_status: None,
            started: dto::timestamp(self.started),
            answered: self.answered.map(dto::timestamp),
            ended: None,
            duration_ms: self.answered.map_or(0, |at| now.since(at)),
            quality: self.quality,
            decisions: self.decisions,
        }
    }
}

/// What came of an order to hang up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HungUp {
    /// The call is being ended.
    Ordered,
    /// No such call goes on.
    NoSuchCall,
}

/// The running process, for `GET /operator/status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceInfo {
    /// When it became ready.
    pub started: UnixMillis,
    /// What is bound where.
    pub listeners: Vec<dto::Listener>,
    /// Whether the built-in simulated carrier takes calls.
    pub simulated_carrier: bool,
    /// Calls that go on now.
    pub calls_live: u64,
}

/// Why the signalling side gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// Its queue is full.
    #[error("the signalling side is busy")]
    Busy,
    /// It has stopped.
    #[error("the signalling side has stopped")]
    Stopped,
    /// It has no engine for this.
    #[error("this release has no engine for calls of SIP media applications")]
    NotServed,
}

/// No calls at all: for a control plane without a data plane, as tests run it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCalls;

impl LiveCalls for NoCalls {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn find<'a>(&'a self, _call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        Box::pin(async { Ok(None) })
    }
    fn hang_up(&self, _call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async { Ok(HungUp::NoSuchCall) })
    }
    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(async {
            Ok(ServiceInfo {
                started: UnixMillis(0),
                listeners: Vec::new(),
                simulated_carrier: false,
                calls_live: 0,
            })
        })
    }
}
