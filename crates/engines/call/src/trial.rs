//! Which rules a call would meet, without placing it.
//!
//! The same questions are asked by the same code, of an INVITE that nobody sent and an engine that
//! has no other calls: limits are shown, and not what is used of them now.

use std::net::SocketAddr;

use model::{CarrierName, Decision, Direction, Verdict, VoiceConnectorId};
use sip_message::{Flow, Message, Transport, Uri};

use crate::admission::{self, Facts};
use crate::config::{Config, Seeds};
use crate::directory::Directory;
use crate::explain::{self, Rule};
use crate::health::Standing;
use crate::hub::{Hub, Turn};
use crate::io::Now;
use crate::reject::Reject;
use crate::route::Next;
use crate::{inbound, invite};

/// A call that is only thought of.
#[derive(Debug, Clone)]
pub struct Trial<'t> {
    /// The caller's number, or whatever stands in From.
    pub from: &'t str,
    /// The called number.
    pub to: &'t str,
    /// Where the INVITE would come from.
    pub source: SocketAddr,
    /// What would carry it.
    pub transport: Transport,
    /// The connector called out through; `None`: the call comes in from a carrier.
    pub connector: Option<&'t VoiceConnectorId>,
    /// The carrier that it comes in from and has proven to be; `None`: the source tells.
    pub carrier: Option<&'t CarrierName>,
}

/// What would become of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Which way it goes.
    pub direction: Direction,
    /// The reason's name, SIP status and phrase, if it would be refused.
    pub refused: Option<(&'static str, u16, String)>,
    /// Every decision, in the order they are taken; then the places that would be asked, in one
    /// order that chance may give them.
    pub decisions: Vec<Decision>,
}

/// Why a trial cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untried {
    /// A number has characters that no user part of a SIP URI has.
    Number,
    /// There is no such connector.
    ConnectorUnknown,
    /// No connector is named, and the source is no carrier's.
    NobodysSource,
    /// There is no such carrier.
    CarrierUnknown,
    /// That carrier has no user for calls in.
    CarrierWithoutUser,
}

/// Asks every question about a call, and where it would be sent.
///
/// # Errors
/// [`Untried`] if there is nothing to ask about.
pub fn try_route(
    config: &Config,
    seeds: &Seeds,
    directory: &Directory,
    now: Now,
    trial: &Trial<'_>,
) -> Result<Tried, Untried> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "+-.*#_".contains(it);
    if [trial.from, trial.to].iter().any(|it| it.is_empty() || !it.chars().all(plain)) {
        return Err(Untried::Number);
    }
    let mut hub = Hub::new(config.clone(), seeds);
    let local = config.listeners.iter().find(|it| it.transport == trial.transport);
    let local = local.or(config.listeners.first()).expect("an engine has a listener").local;
    let flow = Flow { transport: trial.transport, local, remote: trial.source, connection: 0 };
    let mut turn = Turn { now, directory, hub: &mut hub };
    let (mut facts, host) = match (trial.connector, trial.carrier) {
        (Some(id), _) => {
            let connector = directory.connector(id).ok_or(Untried::ConnectorUnknown)?;
            let policy = config.caller_id;
            let host = connector.host().to_owned();
            (Facts::outbound(&flow, policy, std::sync::Arc::clone(connector)), host)
        }
        (None, Some(name)) => {
            let carrier = directory.carrier(name).ok_or(Untried::CarrierUnknown)?;
            let user = carrier.carrier.inbound.as_ref().ok_or(Untried::CarrierWithoutUser)?;
            let mut facts = Facts::inbound(&flow, std::sync::Arc::clone(carrier));
            facts.username = Some(user.username.clone());
            (facts, turn.hub.faces.of(&flow).host.to_string())
        }
        (None, None) => {
            let carrier = directory.carrier_by_source(&flow).ok_or(Untried::NobodysSource)?;
            let host = turn.hub.faces.of(&flow).host.to_string();
            (Facts::inbound(&flow, std::sync::Arc::clone(carrier)), host)
        }
    };
    let text = text_of(trial, &host);
    let message = Message::parse(text.as_bytes()).expect("an INVITE of plain parts is readable");
    let line = message.request_line().expect("it is a request");
    let uri = Uri::parse(line.uri).expect("a URI of plain parts is readable");
    let way = match facts.connector.clone() {
        None => inbound::admit(&mut turn, &mut facts, &message, &uri),
        Some(_) => admission::check_connector(&facts)
            .and_then(|()| invite::admit_numbers(&mut turn, &mut facts, &message, &uri)),
    };
    let outcome = way.and_then(|way| places(&mut turn, &facts, &way));
    Ok(told(&facts, outcome))
}

fn text_of(trial: &Trial<'_>, host: &str) -> String {
    let Trial { from, to, source, .. } = trial;
    format!(
        "INVITE sip:{to}@{host} SIP/2.0\r\nVia: SIP/2.0/{} {source};branch=z9hG4bKtrial\r\n\
         From: <sip:{from}@{source}>;tag=trial\r\nTo: <sip:{to}@{host}>\r\nCall-ID: trial\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:{source}>\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n",
        trial.transport,
    )
}

/// The places that would be asked, in an order that chance may give them.
fn places(
    turn: &mut Turn<'_>,
    facts: &Facts,
    way: &admission::Way,
) -> Result<Vec<Decision>, Reject> {
    let mut plan = invite::plan(turn, way);
    if plan.leads_nowhere() {
        return Err(facts.nowhere());
    }
    let mut rows = Vec::new();
    while let Some(Next::Now(attempt)) = plan.next(&mut turn.hub.tokens, |_| Standing::Open) {
        let nth = rows.len() + 1;
        let seen = format!("{nth}: {} at {}", attempt.gateway, attempt.hop.address);
        rows.push(explain::row(Rule::Route, Verdict::Note, seen, "", ""));
    }
    Ok(rows)
}

fn told(facts: &Facts, outcome: Result<Vec<Decision>, Reject>) -> Tried {
    let (mut decisions, refused) = match outcome {
        Ok(places) => {
            let mut rows = explain::passed_until(facts, Rule::Media);
            rows.extend(places);
            (rows, None)
        }
        Err(reject) => {
            let refused = (reject.code(), reject.status().0, reject.phrase().into_owned());
            (explain::refused(facts, &reject), Some(refused))
        }
    };
    let challenged = match facts.origin {
        Some(_) => facts.username.is_some(),
        None => facts.connector.as_deref().is_some_and(|it| !it.users().is_empty()),
    };
    if challenged {
        for row in decisions.iter_mut().filter(|it| it.rule == Rule::Digest.as_str()) {
            row.verdict = Verdict::Challenge;
            row.seen = "it would be challenged; the rest holds for a right answer".into();
        }
    }
    Tried { direction: facts.direction(), refused, decisions }
}
