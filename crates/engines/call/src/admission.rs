//! Who may call what: pure questions with named answers, asked in the order of [`Rule`].
//!
//! [`Rule`]: crate::explain::Rule

use std::net::SocketAddr;
use std::sync::Arc;

use model::{E164Number, Termination, Username};
use sip_core::digest::{Guard, Refusal, Stale, Verdict};
use sip_message::{Flow, Message, Name, Transport, Uri};

use crate::caller_id::{self, Caller, CallerIdPolicy};
use crate::country::{self, Country, Destination};
use crate::directory::{Connector, Directory};
use crate::io::Now;
use crate::reject::Reject;

/// What has been found out about a call. Fields fill up in the order of the rules.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) source: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) caller_id_policy: CallerIdPolicy,
    /// The connector as it was when the INVITE came.
    pub(crate) connector: Option<Arc<Connector>>,
    pub(crate) username: Option<Username>,
    pub(crate) caller: Option<Caller>,
    pub(crate) called: Option<E164Number>,
    pub(crate) country: Option<Country>,
    pub(crate) offer: Offer,
}

/// What the INVITE's body offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// No body: the answer will bring the offer (RFC 3261 §13.2.1).
    Late,
    /// These codecs, and events or not.
    Made(sdp::Codecs, Option<u8>),
}

impl Facts {
    pub(crate) fn new(flow: &Flow, policy: CallerIdPolicy, connector: Arc<Connector>) -> Self {
        Self {
            source: SocketAddr::new(flow.remote.ip().to_canonical(), flow.remote.port()),
            transport: flow.transport,
            caller_id_policy: policy,
            connector: Some(connector),
            username: None,
            caller: None,
            called: None,
            country: None,
            offer: Offer::Late,
        }
    }

    pub(crate) fn termination(&self) -> Option<&Termination> {
        self.connector.as_deref()?.termination()
    }

    /// The caller as records show it; `None` before it is known.
    pub(crate) fn caller_text(&self) -> Option<String> {
        let caller = self.caller?;
        Some(caller.number.map_or_else(|| "anonymous".into(), |number| number.to_string()))
    }

    /// What was offered, in words.
    pub(crate) fn media_seen(&self) -> String {
        match self.offer {
            Offer::Late => "no offer: the called side will make it".into(),
            Offer::Made(codecs, event) => {
                let names = codecs.iter().map(|(codec, _)| codec.name());
                let names: Vec<&str> = names.chain(event.map(|_| "telephone-event")).collect();
                names.join(", ")
            }
        }
    }
}

/// Whether the call may go on as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may.
    Open,
    /// It must come back with credentials.
    Challenge(Stale),
}

/// Whether a source may use a connector at all, without credentials: the first half of admission,
/// which OPTIONS shares.
pub(crate) fn check_source(connector: &Connector, source: SocketAddr) -> Result<(), Reject> {
    let Some(termination) = connector.termination() else {
        return Err(Reject::TerminationAbsent);
    };
    let list = &termination.cidr_allowed_list;
    if !list.is_empty() && !list.iter().any(|network| network.contains(&source.ip())) {
        return Err(Reject::SourceNotAllowed(source));
    }
    Ok(())
}

/// Whether a connector that is found may be called out through, from there, by that transport.
pub(crate) fn check_connector(facts: &Facts) -> Result<(), Reject> {
    let connector = facts.connector.as_deref().expect("admission begins with a connector");
    check_source(connector, facts.source)?;
    if connector.connector.require_encryption && facts.transport != Transport::Tls {
        return Err(Reject::EncryptionRequired);
    }
    let termination = connector.termination().expect("a source was checked against it");
    if termination.disabled {
        return Err(Reject::TerminationDisabled);
    }
    if termination.cidr_allowed_list.is_empty() && connector.users().is_empty() {
        return Err(Reject::NothingAllowed(facts.source));
    }
    Ok(())
}

/// Who it is, if the connector has users. Credentials for another realm do not count.
///
/// A wrong response to a nonce of ours is refused with 403 and not challenged again: a device with
/// a wrong password learns it at once instead of asking for ever. A nonce that is not ours, from
/// another node or a lost secret, is challenged anew.
pub(crate) fn authenticate(
    facts: &mut Facts,
    request: &Message<'_>,
    guard: &mut Guard,
    now: Now,
) -> Result<Gate, Reject> {
    let connector =
        Arc::clone(facts.connector.as_ref().expect("admission begins with a connector"));
    if connector.users().is_empty() {
        return Ok(Gate::Open);
    }
    let keys = |name: &str| connector.user(name).map(|user| &user.keys);
    match guard.check(now.unix, request, Name::ProxyAuthorization, connector.host(), keys) {
        Verdict::Pass(authenticated) => {
            facts.username = Some(authenticated.username().clone());
            Ok(Gate::Open)
        }
        Verdict::Challenge(stale) => Ok(Gate::Challenge(stale)),
        Verdict::Refuse(Refusal::ForgedNonce) => Ok(Gate::Challenge(Stale::No)),
        Verdict::Refuse(why) => Err(Reject::Credentials { username: offered_user(request), why }),
    }
}

fn offered_user(request: &Message<'_>) -> Box<str> {
    let mut offered = request.credentials(Name::ProxyAuthorization).filter_map(Result::ok);
    offered.find_map(|it| it.username().map(|name| readable(&name))).unwrap_or_default()
}

/// Text of a stranger as a record may keep it.
fn readable(text: &str) -> Box<str> {
    const CHARS_MAX: usize = 64;
    text.chars().filter(|it| !it.is_control()).take(CHARS_MAX).collect::<String>().into()
}

/// Who calls whom, and whether that is allowed.
pub(crate) fn check_numbers(
    facts: &mut Facts,
    invite: &Message<'_>,
    uri: &Uri<'_>,
    directory: &Directory,
) -> Result<(), Reject> {
    let connector =
        Arc::clone(facts.connector.as_ref().expect("admission begins with a connector"));
    facts.caller = Some(caller_id::decide(invite, &connector, directory, facts.caller_id_policy)?);
    let called = caller_id::e164(uri).ok_or_else(|| {
        Reject::DestinationInvalid(readable(&uri.user_unescaped().unwrap_or_default()))
    })?;
    facts.called = Some(called);
    let country = match country::destination(called) {
        Destination::Country(country) => country,
        Destination::NonGeographic | Destination::Unknown => {
            return Err(Reject::DestinationUnknown(called));
        }
        Destination::PremiumRate => return Err(Reject::PremiumRate(called)),
    };
    facts.country = Some(country);
    let regions = facts.termination().map_or(&[][..], |it| &it.calling_regions);
    if !regions.iter().any(|region| region.eq_ignore_ascii_case(country.as_str())) {
        return Err(Reject::CountryNotAllowed(country));
    }
    Ok(())
}
