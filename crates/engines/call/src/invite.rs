//! A new INVITE: asked every question in order, and let in or answered.

use std::net::SocketAddr;
use std::sync::Arc;

use model::TransactionId;
use sip_core::digest::Stale;
use sip_core::{Replies, ServerId, Token, session};
use sip_message::{Flow, Message, Name, Status, Uri, Violation};

use crate::abilities;
use crate::admission::{self, Facts, Gate, Offer};
use crate::bridge::{Admitted, Call};
use crate::caller_id::user_as_written;
use crate::calls::Calls;
use crate::directory::Connector;
use crate::explain::Rule;
use crate::hub::{Service, Turn};
use crate::io::Output;
use crate::leg::PRODUCT;
use crate::media_plan::{Said, description};
use crate::record::{Outcome, Story};
use crate::reject::{Reject, Retry};

/// An INVITE that names a connector.
pub(crate) struct Ask<'m> {
    pub(crate) server: ServerId,
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    /// The Request-URI, which named the connector.
    pub(crate) uri: Uri<'m>,
    pub(crate) replies: Replies,
    pub(crate) tag: Token,
}

/// Lets the INVITE in, challenges it, or refuses it with a record.
pub(crate) fn receive(
    turn: &mut Turn<'_>,
    calls: &mut Calls,
    ask: Ask<'_>,
    connector: Arc<Connector>,
) {
    let policy = turn.hub.config.caller_id;
    let mut facts = Facts::new(&ask.flow, policy, connector);
    match admit(turn, &mut facts, &ask) {
        Ok(Gate::Challenge(stale)) => challenge(turn, &ask, &facts, stale),
        Ok(Gate::Open) => {
            turn.hub.counters.attempts += 1;
            open(turn, calls, facts, ask);
        }
        Err(reject) => {
            turn.hub.counters.attempts += 1;
            refuse(turn, &facts, &ask, reject);
        }
    }
}

/// Every question that can be asked without taking anything but a token of the connector's pace.
fn admit(turn: &mut Turn<'_>, facts: &mut Facts, ask: &Ask<'_>) -> Result<Gate, Reject> {
    check_request(turn, ask)?;
    admission::check_connector(facts)?;
    match admission::authenticate(facts, ask.message, &mut turn.hub.guard, turn.now)? {
        Gate::Open => {}
        Gate::Challenge(stale) => return Ok(Gate::Challenge(stale)),
    }
    admission::check_numbers(facts, ask.message, &ask.uri, turn.directory)?;
    let termination = facts.termination().expect("a connector was checked to have one");
    turn.hub.usage.take_token(turn.now.instant, termination).map_err(Reject::Exceeded)?;
    let limits = turn.hub.config.limits;
    turn.hub.usage.check_room(termination.account, &limits).map_err(Reject::Exceeded)?;
    Ok(Gate::Open)
}

/// Whether it is a request that we can serve at all.
fn check_request(turn: &Turn<'_>, ask: &Ask<'_>) -> Result<(), Reject> {
    let message = ask.message;
    let extensions = abilities::extensions(&turn.hub.config);
    let tags: Vec<&str> = message.unsupported(&extensions).collect();
    if !tags.is_empty() {
        return Err(Reject::ExtensionUnsupported(tags.join(", ").into()));
    }
    if !message.contains(Name::Contact) {
        return Err(Reject::Malformed(Violation::Missing(Name::Contact)));
    }
    if message.max_forwards().ok().flatten() == Some(0) {
        return Err(Reject::TooManyHops);
    }
    let ours = |via: &sip_message::Via<'_>| {
        let port = via.port.unwrap_or(ask.flow.transport.default_port());
        via.host.ip().is_some_and(|ip| turn.hub.faces.are_at(SocketAddr::new(ip, port)))
    };
    if message.vias().filter_map(Result::ok).any(|via| ours(&via)) {
        return Err(Reject::Loop);
    }
    if let Some(policy) = turn.hub.config.session {
        session::answer(policy, None, message).map_err(Reject::SessionInterval)?;
    }
    match turn.hub.service {
        Service::Open => Ok(()),
        Service::Draining => Err(Reject::Draining),
    }
}

/// Reads the offer and begins the call.
fn open(turn: &mut Turn<'_>, calls: &mut Calls, mut facts: Facts, ask: Ask<'_>) {
    let said = match read_offer(ask.message) {
        Ok(said) => said,
        Err(reject) => return refuse(turn, &facts, &ask, reject),
    };
    if let Some(said) = &said {
        facts.offer = Offer::Made(said.audio.codecs, said.audio.telephone_event);
    }
    let transaction = new_transaction(turn);
    let Ask { server, flow, message, uri, replies, tag } = ask;
    let again = replies.clone();
    let admitted = Admitted { facts, server, replies, tag, flow, message, said };
    match Call::begin(turn, calls.next_key(), transaction, admitted) {
        Ok(call) => calls.insert(turn.now.instant, call),
        Err((facts, reject)) => {
            refuse(turn, &facts, &Ask { server, flow, message, uri, replies: again, tag }, reject);
        }
    }
}

fn read_offer<'m>(invite: &Message<'m>) -> Result<Option<Said<'m>>, Reject> {
    description(invite)?.map(Said::read).transpose().map_err(Reject::Offer)
}

fn new_transaction(turn: &mut Turn<'_>) -> TransactionId {
    TransactionId::from_random(turn.hub.tokens.bits().to_le_bytes())
}

/// 407, one challenge for each algorithm. It is no decision about a call, so there is no record.
fn challenge(turn: &mut Turn<'_>, ask: &Ask<'_>, facts: &Facts, stale: Stale) {
    let connector = facts.connector.as_deref().expect("admission begins with a connector");
    let status = Status::PROXY_AUTHENTICATION_REQUIRED;
    let mut bytes = Vec::new();
    let mut writer = ask.replies.start(&mut bytes, status, status.reason(), &ask.tag);
    for challenge in turn.hub.guard.challenges(turn.now.unix, connector.host(), stale) {
        writer.header(Name::ProxyAuthenticate, challenge);
    }
    writer.finish();
    turn.hub.counters.challenges += 1;
    turn.respond_to_stranger(ask.server, status, bytes);
}

/// Refuses an INVITE that named a connector: the answer, the count, the record.
fn refuse(turn: &mut Turn<'_>, facts: &Facts, ask: &Ask<'_>, reject: Reject) {
    let status = reject.status();
    let mut bytes = Vec::new();
    let phrase = reject.phrase();
    let mut writer = ask.replies.start(&mut bytes, status, &phrase, &ask.tag);
    if let Retry::After(seconds) = reject.retry() {
        writer.header(Name::RetryAfter, seconds);
    }
    if let Reject::ExtensionUnsupported(tags) = &reject {
        writer.header(Name::Unsupported, tags);
    }
    if let Reject::SessionInterval(refused) = &reject {
        writer.header(Name::MinSe, refused.min);
    }
    if let Reject::BodyUnsupported(_) = &reject {
        writer.header(Name::Accept, "application/sdp");
    }
    // Who has shown that it may call here is told the reason's name; a stranger is not.
    let is_stranger = reject.rule() <= Rule::Digest;
    if !is_stranger {
        let code = reject.code();
        writer.header(Name::Reason, format_args!("SIP;cause={status};text=\"{code}\""));
        writer.header(Name::Server, PRODUCT);
    }
    writer.finish();
    turn.hub.counters.reject(reject.code());
    if is_stranger {
        turn.respond_to_stranger(ask.server, status, bytes);
        if !turn.hub.records_stranger(turn.now) {
            return turn.hub.counters.drop("stranger-records-max");
        }
    } else {
        turn.respond(ask.server, status, bytes);
    }
    let record = record(turn, facts, ask, reject);
    turn.hub.outputs.push_back(record);
}

fn record(turn: &mut Turn<'_>, facts: &Facts, ask: &Ask<'_>, reject: Reject) -> Output {
    let from = user_as_written(ask.message.from().ok().as_ref());
    let to = user_as_written(ask.message.to().ok().as_ref());
    let story = Story {
        transaction_id: new_transaction(turn),
        call_id: ask.message.call_id().unwrap_or_default(),
        peer_call_id: None,
        facts,
        tried: &[],
        outcome: &Outcome::Rejected(reject),
        written: [&from, &to],
        started: turn.now.unix,
        answered: None,
        ended: turn.now.unix,
        quality: Vec::new(),
    };
    Output::Record(story.tell())
}
