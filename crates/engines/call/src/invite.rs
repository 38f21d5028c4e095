//! A new INVITE: asked every question in order, and let in or answered.

use std::net::SocketAddr;
use std::sync::Arc;

use model::{AssociationTarget, TransactionId};
use sip_core::digest::Stale;
use sip_core::{Replies, ServerId, Token, session};
use sip_message::{Flow, Message, Name, Status, Uri, Violation};

use crate::abilities;
use crate::admission::{self, Facts, Gate, Known, Offer, Way};
use crate::bridge::{Admitted, Call};
use crate::caller_id::user_as_written;
use crate::calls::Calls;
use crate::carrier_digest::{self, Realms};
use crate::directory::{Connector, ResolvedCarrier};
use crate::explain::Rule;
use crate::hub::{Asked, Service, Turn};
use crate::inbound;
use crate::io::Output;
use crate::keying::Encryption;
use crate::landing;
use crate::leg::PRODUCT;
use crate::limit::{Lane, Seat};
use crate::media_plan::{Said, description};
use crate::record::{Outcome, Story};
use crate::reject::{NotTaken, Reject, Retry};
use crate::replaces;
use crate::route::Plan;

/// An INVITE that names a connector, or that comes from a carrier, or may.
pub(crate) struct Ask<'m> {
    pub(crate) server: ServerId,
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    /// The Request-URI.
    pub(crate) uri: Uri<'m>,
    pub(crate) replies: Replies,
    pub(crate) tag: Token,
}

/// Lets the INVITE in, challenges it, or refuses it with a record.
pub(crate) fn receive(turn: &mut Turn<'_>, calls: &mut Calls, ask: Ask<'_>, from: Party) {
    let mut facts = match from {
        Party::Customer(connector) => {
            Facts::outbound(&ask.flow, turn.hub.config.caller_id, connector)
        }
        Party::Carrier(carrier) => Facts::inbound(&ask.flow, carrier),
        Party::Unproven => Facts::unproven(&ask.flow),
    };
    match admit(turn, &mut facts, &ask) {
        Ok(Gate::Challenge(stale)) => challenge(turn, &ask, &facts, stale),
        Ok(Gate::Replace) => {
            // One that is let in is no call of its own, and has no record but that of the call.
            let begun = read_offer(ask.message, facts.encryption())
                .and_then(|said| replaces::begin(turn, calls, &facts, &ask, said));
            if let Err(reject) = begun {
                turn.hub.counters.attempts += 1;
                refuse(turn, &facts, &ask, reject);
            }
        }
        Ok(Gate::Open(way)) => {
            turn.hub.counters.attempts += 1;
            open(turn, calls, facts, ask, &way);
        }
        Err(reject) => {
            turn.hub.counters.attempts += 1;
            refuse(turn, &facts, &ask, reject);
        }
    }
}

/// Who an INVITE comes from.
pub(crate) enum Party {
    /// A customer: it names this connector.
    Customer(Arc<Connector>),
    /// This carrier.
    Carrier(Arc<ResolvedCarrier>),
    /// Somebody who may be a carrier.
    Unproven,
}

/// Every question that can be asked without taking anything but a token of the connector's pace.
fn admit(turn: &mut Turn<'_>, facts: &mut Facts, ask: &Ask<'_>) -> Result<Gate, Reject> {
    // Who may be anybody is asked who it is before all else: what else a stranger writes is not
    // worth a record.
    if facts.origin.is_none() && facts.connector.is_none() {
        let (guard, now) = (&mut turn.hub.guard, turn.now);
        match carrier_digest::authenticate(facts, ask.message, guard, turn.directory, now)? {
            Known::Yes => {}
            Known::NotYet(stale) => return Ok(Gate::Challenge(stale)),
        }
    }
    check_request(turn, facts, ask)?;
    if facts.origin.is_some() {
        return inbound::admit(turn, facts, ask.message, &ask.uri).map(Gate::Open);
    }
    admission::check_connector(facts)?;
    match admission::authenticate(facts, ask.message, &mut turn.hub.guard, turn.now)? {
        Known::Yes => {}
        Known::NotYet(stale) => return Ok(Gate::Challenge(stale)),
    }
    if ask.message.contains(Name::Replaces) {
        return Ok(Gate::Replace);
    }
    admit_numbers(turn, facts, ask.message, &ask.uri).map(Gate::Open)
}

/// The questions about a call out whose caller is known. An emergency call meets no limit but its own
/// and the engine's.
pub(crate) fn admit_numbers(
    turn: &mut Turn<'_>,
    facts: &mut Facts,
    message: &Message<'_>,
    uri: &Uri<'_>,
) -> Result<Way, Reject> {
    admission::check_numbers(facts, message, uri, turn.directory, turn.now.unix)?;
    let connector = Arc::clone(facts.connector.as_ref().expect("a call out names a connector"));
    if facts.emergency.is_some() {
        let (usage, limits) = (&turn.hub.usage, &turn.hub.config.limits);
        usage.check_emergency(&connector.connector.id, limits).map_err(Reject::Exceeded)?;
        return Ok(Way::Carriers);
    }
    if turn.directory.host_rule(&connector).is_some() {
        return Err(Reject::NotTaken(NotTaken::ApplicationNotServed(connector.host().into())));
    }
    turn.take_room(&Seat::of(&connector), Lane::Out, connector.termination())
        .map_err(Reject::Exceeded)?;
    stay_or_leave(turn, facts)
}

/// A number of this installation's own is called without a carrier, by the routes that calls in to
/// it would take; one that takes no calls in here leaves like any other.
fn stay_or_leave(turn: &mut Turn<'_>, facts: &mut Facts) -> Result<Way, Reject> {
    let called = facts.called.expect("a call out was checked to go to a number");
    let directory = turn.directory;
    let takes_calls = match directory.association(called) {
        Some(AssociationTarget::Connector(id)) => {
            directory.connector(id).is_some_and(|it| it.origination().is_some())
        }
        Some(AssociationTarget::Group(_)) => true,
        None => false,
    };
    if !takes_calls || directory.is_proxy(called) {
        return Ok(Way::Carriers);
    }
    let landing =
        landing::find(directory, called, &mut turn.hub.tokens).map_err(Reject::NotTaken)?;
    inbound::land(turn, facts, landing)
}

/// Whether it is a request that we can serve at all.
fn check_request(turn: &Turn<'_>, facts: &Facts, ask: &Ask<'_>) -> Result<(), Reject> {
    let message = ask.message;
    let extensions = abilities::extensions(&turn.hub.config, facts.caller_toward());
    let tags: Vec<&str> = message.unsupported(&extensions).collect();
    if !tags.is_empty() {
        return Err(Reject::ExtensionUnsupported(tags.join(", ").into()));
    }
    if !message.contains(Name::Contact) {
        return Err(Reject::Malformed(Violation::Missing(Name::Contact)));
    }
    replaces::check_policy(turn, facts, message)?;
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
fn open(turn: &mut Turn<'_>, calls: &mut Calls, mut facts: Facts, ask: Ask<'_>, way: &Way) {
    let said = match read_offer(ask.message, facts.encryption()) {
        Ok(said) => said,
        Err(reject) => return refuse(turn, &facts, &ask, reject),
    };
    if let Some(said) = &said {
        facts.offer = Offer::Made(said.told.audio);
    }
    if let Some(laps) = laps(calls, &facts).filter(|laps| *laps >= turn.hub.config.laps_max) {
        return refuse(turn, &facts, &ask, Reject::Circling { laps });
    }
    let transaction = new_transaction(turn);
    let Ask { server, flow, message, uri, replies, tag } = ask;
    let again = replies.clone();
    let plan = plan(turn, way);
    let admitted = Admitted { facts, plan, server, replies, tag, flow, message, said };
    match Call::begin(turn, calls.next_key(), transaction, admitted) {
        Ok(call) => calls.insert(turn.now.instant, call),
        Err((facts, reject)) => {
            refuse(turn, &facts, &Ask { server, flow, message, uri, replies: again, tag }, reject);
        }
    }
}

/// How many calls ring that this one may be another lap of; `None` if it does not come back to the
/// connector that it comes from. A PBX that sends a call back begins it anew, with 70 hops left and
/// none of our Vias in it, and each lap rings as long as those behind it: what they have in common is
/// who calls whom, and by which connector. A call that is forwarded goes to another number.
fn laps(calls: &Calls, facts: &Facts) -> Option<u32> {
    facts.comes_back().then(|| {
        let alike = calls.keys_after(None).filter_map(|key| calls.get(key));
        let count = alike.filter(|call| call.may_be_a_lap_of(facts)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    })
}

/// The gateways that a call may be offered to.
pub(crate) fn plan(turn: &Turn<'_>, way: &Way) -> Plan {
    match way {
        Way::Carriers => Plan::to_carriers(turn.directory.carriers()),
        Way::Connectors(connectors) => Plan::to_connectors(connectors, turn.directory),
    }
}

fn read_offer<'m>(invite: &Message<'m>, wanted: Encryption) -> Result<Option<Said<'m>>, Reject> {
    let read = |body| Said::first(body, wanted.accepted());
    description(invite)?.map(read).transpose().map_err(Reject::Offer)
}

fn new_transaction(turn: &mut Turn<'_>) -> TransactionId {
    TransactionId::from_random(turn.hub.tokens.bits().to_le_bytes())
}

/// 407, one challenge for each algorithm. It is no decision about a call, so there is no record.
fn challenge(turn: &mut Turn<'_>, ask: &Ask<'_>, facts: &Facts, stale: Stale) {
    let realms = match facts.connector.as_deref() {
        Some(connector) => Realms::from_iter([connector.host()]),
        None => turn.directory.carrier_realms(),
    };
    let status = Status::PROXY_AUTHENTICATION_REQUIRED;
    let mut bytes = Vec::new();
    let mut writer = ask.replies.start(&mut bytes, status, status.reason(), &ask.tag);
    for realm in realms {
        for challenge in turn.hub.guard.challenges(turn.now.unix, realm, stale) {
            writer.header(Name::ProxyAuthenticate, challenge);
        }
    }
    writer.finish();
    turn.hub.counters.challenges += 1;
    let asked = Asked { flow: ask.flow, message: ask.message };
    turn.respond_to_stranger(&asked, ask.server, status, bytes);
}

/// Refuses an INVITE that named a connector or came from a carrier: the answer, the count, the
/// record.
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
        let asked = Asked { flow: ask.flow, message: ask.message };
        turn.respond_to_stranger(&asked, ask.server, status, bytes);
        if !turn.hub.records_stranger(turn.now, ask.flow.remote.ip()) {
            return turn.hub.counters.drop("stranger-records-max");
        }
    } else {
        turn.respond(ask.server, status, bytes);
        // Nothing but its address says that it is the carrier, and anybody can write that.
        let may_be_forged =
            facts.origin.is_some() && facts.username.is_none() && !ask.flow.transport.is_reliable();
        if may_be_forged && !turn.hub.records_carrier(turn.now) {
            return turn.hub.counters.drop("carrier-records-max");
        }
    }
    let record = record(turn, facts, ask, reject);
    turn.hub.outputs.push_back(record);
}

/// As much of a refused INVITE's Call-ID as its record keeps: who is refused must not choose how
/// large records are.
fn shortened(call_id: &str) -> &str {
    const BYTES_MAX: usize = 256;
    let end = (0..=BYTES_MAX.min(call_id.len())).rev().find(|at| call_id.is_char_boundary(*at));
    &call_id[..end.unwrap_or(0)]
}

fn record(turn: &mut Turn<'_>, facts: &Facts, ask: &Ask<'_>, reject: Reject) -> Output {
    let from = user_as_written(ask.message.from().ok().as_ref());
    let to = user_as_written(ask.message.to().ok().as_ref());
    let story = Story {
        transaction_id: new_transaction(turn),
        call_id: shortened(ask.message.call_id().unwrap_or_default()),
        peer_call_id: None,
        attempt_call_ids: Vec::new(),
        facts,
        tried: &[],
        notes: &[],
        outcome: &Outcome::Rejected(reject),
        written: [&from, &to],
        started: turn.now.unix,
        answered: None,
        ended: turn.now.unix,
        quality: Vec::new(),
    };
    Output::Record(story.tell())
}
