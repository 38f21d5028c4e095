//! Calls in: which number a carrier's INVITE is for, who calls it, and where it goes.

use std::sync::Arc;

use model::{CalledNumber, E164Number, ProxyCapability, ProxySessionStatus};
use sip_message::{Message, NameAddr, Uri};

use crate::admission::{self, Facts, Way};
use crate::caller_id::{self, Caller, Origin, Presentation};
use crate::directory::Directory;
use crate::hub::Turn;
use crate::landing::{self, Landing};
use crate::limit::{Lane, Seat};
use crate::reject::{NotTaken, Reject};

/// Asks every question about a call in, in order. A token of the pace of the connector that the
/// call goes to is spent.
pub(crate) fn admit(
    turn: &mut Turn<'_>,
    facts: &mut Facts,
    invite: &Message<'_>,
    uri: &Uri<'_>,
) -> Result<Way, Reject> {
    let carrier = Arc::clone(facts.origin.as_ref().expect("a call in comes from a carrier"));
    let caller = caller_id::of_carrier(invite);
    facts.caller_name = caller_id::name_of_carrier(invite, &caller);
    facts.caller = Some(caller);
    let called = called_number(invite, uri, carrier.carrier.called_number, turn.directory)?;
    facts.called = Some(called);
    facts.account = turn.directory.owner(called);
    if turn.directory.is_proxy(called) {
        return mask(turn, facts, called);
    }
    let landing =
        landing::find(turn.directory, called, &mut turn.hub.tokens).map_err(Reject::NotTaken)?;
    land(turn, facts, landing)
}

/// Chooses the first connector that has room for the call.
pub(crate) fn land(
    turn: &mut Turn<'_>,
    facts: &mut Facts,
    mut landing: Landing,
) -> Result<Way, Reject> {
    loop {
        let connector = Arc::clone(&landing.connectors[0]);
        let seat = Seat::of(&connector);
        let room = turn.take_room(&seat, Lane::In, connector.termination());
        let (is_last, is_inbound) = (landing.connectors.len() == 1, facts.origin.is_some());
        if is_inbound {
            facts.connector = Some(connector);
        }
        match room {
            Ok(()) => break,
            Err(exceeded) if is_last => return Err(Reject::Exceeded(exceeded)),
            Err(exceeded) => {
                landing.connectors.remove(0);
                landing.passed_over.push((seat.connector, Reject::Exceeded(exceeded)));
            }
        }
    }
    let connectors = landing.connectors.clone();
    facts.landing = Some(landing);
    Ok(Way::Connectors(connectors))
}

/// The number that was called, where the carrier writes it.
fn called_number(
    invite: &Message<'_>,
    uri: &Uri<'_>,
    policy: CalledNumber,
    directory: &Directory,
) -> Result<E164Number, Reject> {
    let to = invite.to().ok();
    let to = to.as_ref().and_then(|it| it.parsed_uri().ok());
    let party = invite.named("P-Called-Party-ID").find_map(|it| NameAddr::parse(it).ok());
    let party = party.as_ref().and_then(|it| it.parsed_uri().ok());
    let places = match policy {
        CalledNumber::RequestUri => [Some(*uri), to],
        CalledNumber::To => [to, Some(*uri)],
        CalledNumber::PCalledPartyId => [party, Some(*uri)],
    };
    let found = places.iter().flatten().find_map(|it| number_of(it, directory));
    found.ok_or_else(|| {
        let written = uri.user_unescaped().unwrap_or_default();
        Reject::DestinationInvalid(admission::readable(&written))
    })
}

/// A called number as carriers write it: E.164 with or without the plus, with an international
/// prefix, or ten digits of North America. Where the digits can be read in more than one way, the
/// one that is a number of ours counts.
fn number_of(uri: &Uri<'_>, directory: &Directory) -> Option<E164Number> {
    if let Some(number) = caller_id::e164(uri) {
        return Some(number);
    }
    let mut readings = caller_id::readings(uri);
    let first = readings.next()?;
    if directory.number(first).is_some() {
        return Some(first);
    }
    Some(readings.find(|it| directory.number(*it).is_some()).unwrap_or(first))
}

/// A call to a number that stands between two participants: to the other one, who sees that number.
fn mask(turn: &mut Turn<'_>, facts: &mut Facts, proxy: E164Number) -> Result<Way, Reject> {
    let directory = turn.directory;
    let landed = directory.association(proxy).and_then(|target| match target {
        model::AssociationTarget::Connector(id) => directory.connector(id),
        model::AssociationTarget::Group(_) => None,
    });
    let connector =
        Arc::clone(landed.ok_or(Reject::NotTaken(NotTaken::NumberUnassociated(proxy)))?);
    facts.connector = Some(Arc::clone(&connector));
    let caller = facts.caller.and_then(|it| it.number);
    let session = caller.and_then(|caller| directory.proxy_session(proxy, caller));
    let open = session.filter(|it| {
        it.status(turn.now.unix) != ProxySessionStatus::Closed
            && it.capabilities.contains(&ProxyCapability::Voice)
    });
    let dial = match open {
        Some(session) => {
            let other = session.participants.iter().find(|it| Some(it.number) != caller);
            facts.session = Some(session.id);
            other.map(|it| it.number)
        }
        None => connector.settings.proxy.as_ref().and_then(|it| it.fall_back),
    };
    let dial = dial.ok_or(Reject::NotTaken(NotTaken::SessionClosed { proxy, caller }))?;
    admission::check_destination(dial, connector.termination())
        .map_err(|why| Reject::NotTaken(NotTaken::DialRefused { dial, why }))?;
    facts.dial = Some(dial);
    facts.shown = Some(Caller {
        number: Some(proxy),
        origin: Origin::ProxyNumber,
        presentation: Presentation::Shown,
    });
    facts.caller_name = None;
    let seat = Seat::of(&connector);
    turn.take_room(&seat, Lane::In, connector.termination()).map_err(Reject::Exceeded)?;
    Ok(Way::Carriers)
}
