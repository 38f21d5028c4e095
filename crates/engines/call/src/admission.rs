//! Who may call what: pure questions with named answers, asked in the order of [`Rule`].
//!
//! [`Rule`]: crate::explain::Rule

use std::net::SocketAddr;
use std::sync::Arc;

use model::{
    AccountId, Direction, E164Number, NumberType, ProxySessionId, Termination, UnixMillis, Username,
};
use sip_core::digest::{Guard, Refusal, Stale, Verdict};
use sip_message::{Flow, Message, Name, Transport, Uri};

use crate::abilities::Toward;
use crate::caller_id::{self, Caller, CallerIdPolicy, Origin, Presentation};
use crate::country::{self, Country, Destination};
use crate::directory::{Connector, Directory, ResolvedCarrier};
use crate::emergency::{self, Emergency};
use crate::io::Now;
use crate::keying::Encryption;
use crate::landing::Landing;
use crate::reject::{NotCallable, NotTaken, Reject};

/// What has been found out about a call. Fields fill up in the order of the rules.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The carrier that a call in came from; `None` of a call out, and of a call in whose sender has
    /// not proven yet to be one.
    pub(crate) origin: Option<Arc<ResolvedCarrier>>,
    pub(crate) source: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) caller_id_policy: CallerIdPolicy,
    /// Whose call it is, where no connector tells.
    pub(crate) account: Option<AccountId>,
    /// The connector as it was when the INVITE came: the one called through, or called.
    pub(crate) connector: Option<Arc<Connector>>,
    pub(crate) username: Option<Username>,
    pub(crate) caller: Option<Caller>,
    /// The caller's name, which is shown besides its number.
    pub(crate) caller_name: Option<Box<str>>,
    /// Whom the called party sees, if it is not the caller.
    pub(crate) shown: Option<Caller>,
    pub(crate) called: Option<E164Number>,
    /// Where the call is sent, if it is not to the called number.
    pub(crate) dial: Option<E164Number>,
    pub(crate) country: Option<Country>,
    /// Who takes calls to the called number, if it is a number of this installation.
    pub(crate) landing: Option<Landing>,
    /// The emergency that the call is for.
    pub(crate) emergency: Option<Emergency>,
    /// The proxy session that the call belongs to.
    pub(crate) session: Option<ProxySessionId>,
    pub(crate) offer: Offer,
}

/// What the INVITE's body offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// No body: the answer will bring the offer (RFC 3261 §13.2.1).
    Late,
    /// This audio.
    Made(sdp::Audio),
}

impl Facts {
    /// A call out through a connector.
    pub(crate) fn outbound(flow: &Flow, policy: CallerIdPolicy, connector: Arc<Connector>) -> Self {
        Self { connector: Some(connector), ..Self::new(flow, policy) }
    }

    /// A call in from a carrier.
    pub(crate) fn inbound(flow: &Flow, origin: Arc<ResolvedCarrier>) -> Self {
        Self { origin: Some(origin), ..Self::new(flow, CallerIdPolicy::Any) }
    }

    /// A call in from whoever can prove to be a carrier.
    pub(crate) fn unproven(flow: &Flow) -> Self {
        Self::new(flow, CallerIdPolicy::Any)
    }

    fn new(flow: &Flow, policy: CallerIdPolicy) -> Self {
        Self {
            origin: None,
            source: SocketAddr::new(flow.remote.ip().to_canonical(), flow.remote.port()),
            transport: flow.transport,
            caller_id_policy: policy,
            account: None,
            connector: None,
            username: None,
            caller: None,
            caller_name: None,
            shown: None,
            called: None,
            dial: None,
            country: None,
            landing: None,
            emergency: None,
            session: None,
            offer: Offer::Late,
        }
    }

    /// Whether a connector calls a number that rings at the same connector.
    pub(crate) fn comes_back(&self) -> bool {
        let (Some(connector), Some(landing), None) = (&self.connector, &self.landing, &self.origin)
        else {
            return false;
        };
        landing.connectors.iter().any(|it| it.connector.id == connector.connector.id)
    }

    /// Whether another call is of the same connector, from the same caller to the same number.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let who = |facts: &Self| facts.caller.as_ref().map(|caller| caller.number);
        let by = |facts: &Self| facts.connector.as_ref().map(|it| it.connector.id.clone());
        self.origin.is_none()
            && self.called == other.called
            && who(self) == who(other)
            && by(self) == by(other)
    }

    /// Which way the call goes.
    pub(crate) fn direction(&self) -> Direction {
        match (&self.origin, &self.connector) {
            (None, Some(_)) => Direction::Outbound,
            (Some(_), _) | (None, None) => Direction::Inbound,
        }
    }

    /// Whose call it is.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.connector.as_deref().map(Connector::account).or(self.account)
    }

    /// The connector of an emergency call.
    pub(crate) fn emergency_connector(&self) -> Option<&model::VoiceConnectorId> {
        self.emergency?;
        self.connector.as_deref().map(|it| &it.connector.id)
    }

    pub(crate) fn termination(&self) -> Option<&Termination> {
        self.connector.as_deref()?.termination()
    }

    /// What the calling side wants of its media: the carrier of a call in, the connector of a call
    /// out.
    pub(crate) fn encryption(&self) -> Encryption {
        match (&self.origin, &self.connector) {
            (Some(carrier), _) => Encryption::of_carrier(&carrier.carrier),
            (None, Some(connector)) => Encryption::of_connector(connector),
            (None, None) => Encryption::Accept,
        }
    }

    /// Whom the calling leg leads to.
    pub(crate) fn caller_toward(&self) -> Toward {
        match (&self.origin, &self.connector) {
            (None, Some(_)) => Toward::Customer,
            (Some(_), _) | (None, None) => Toward::Carrier,
        }
    }

    /// The called party as records show it; `None` before it is known.
    pub(crate) fn called_text(&self) -> Option<String> {
        let code = self.emergency.map(|it| it.code.to_owned());
        code.or_else(|| self.called.map(|it| it.to_string()))
    }

    /// What stands in the Request-URI of the INVITE that leaves.
    pub(crate) fn dialled(&self) -> String {
        let dial = self.dial.map(|it| it.to_string());
        dial.or_else(|| self.called_text()).expect("a call was admitted to a number")
    }

    /// Why a call has nowhere to go.
    pub(crate) fn nowhere(&self) -> Reject {
        match &self.landing {
            Some(landing) => {
                let id = landing.connectors[0].connector.id.clone();
                Reject::NotTaken(NotTaken::RoutesUnresolved(id))
            }
            None => Reject::NoCarrier,
        }
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
            Offer::Made(audio) => {
                let names = audio.codecs.iter().map(|(codec, _)| codec.name());
                let event = audio.telephone_event.map(|_| "telephone-event");
                let names: Vec<&str> = names.chain(event).collect();
                let protection = match audio.profile {
                    sdp::Profile::Clear => "in clear",
                    sdp::Profile::ClearWithKeys => "in clear with keys beside it",
                    sdp::Profile::Encrypted => "encrypted",
                };
                format!("{}, {protection}", names.join(", "))
            }
        }
    }
}

/// Which gateways a call may be offered to.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Carriers, to the PSTN.
    Carriers,
    /// The routes of these connectors, one connector after another.
    Connectors(Vec<Arc<Connector>>),
}

/// Whether the call may go on as it is.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    /// It may.
    Open(Way),
    /// It may take the place of a leg, if there is one that it names and may have.
    Replace,
    /// It must come back with credentials.
    Challenge(Stale),
}

/// Whether a caller has shown who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It has, or need not.
    Yes,
    /// It must come back with credentials.
    NotYet(Stale),
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
) -> Result<Known, Reject> {
    let connector =
        Arc::clone(facts.connector.as_ref().expect("admission begins with a connector"));
    if connector.users().is_empty() {
        return Ok(Known::Yes);
    }
    let keys = |name: &str| connector.user(name).map(|user| &user.keys);
    match guard.check(now.unix, request, Name::ProxyAuthorization, connector.host(), keys) {
        Verdict::Pass(authenticated) => {
            facts.username = Some(authenticated.username().clone());
            Ok(Known::Yes)
        }
        Verdict::Challenge(stale) => Ok(Known::NotYet(stale)),
        Verdict::Refuse(Refusal::ForgedNonce) => Ok(Known::NotYet(Stale::No)),
        Verdict::Refuse(why) => Err(Reject::Credentials { username: offered_user(request), why }),
    }
}

pub(crate) fn offered_user(request: &Message<'_>) -> Box<str> {
    let mut offered = request.credentials(Name::ProxyAuthorization).filter_map(Result::ok);
    offered.find_map(|it| it.username().map(|name| readable(&name))).unwrap_or_default()
}

/// Text of a stranger as a record may keep it.
pub(crate) fn readable(text: &str) -> Box<str> {
    const CHARS_MAX: usize = 64;
    text.chars().filter(|it| !it.is_control()).take(CHARS_MAX).collect::<String>().into()
}

/// The name that goes with a shown number (facts §8.6): one of the United States that is not
/// toll-free.
fn calling_name(caller: &Caller, directory: &Directory, now: UnixMillis) -> Option<Box<str>> {
    let number = caller.number.filter(|_| caller.presentation == Presentation::Shown)?;
    let is_of_us = number.country().is_some_and(|it| it.as_str() == "US");
    let name = directory.calling_name(number, now).filter(|_| is_of_us)?;
    (number.number_type() == NumberType::Local).then(|| name.into())
}

/// Who calls whom, and whether that is allowed.
pub(crate) fn check_numbers(
    facts: &mut Facts,
    invite: &Message<'_>,
    uri: &Uri<'_>,
    directory: &Directory,
    now: UnixMillis,
) -> Result<(), Reject> {
    let connector =
        Arc::clone(facts.connector.as_ref().expect("admission begins with a connector"));
    if let Some(emergency) = emergency::of(&connector, uri) {
        let caller = caller_id::decide(invite, &connector, directory, CallerIdPolicy::Any);
        facts.caller = Some(caller.unwrap_or(Caller {
            number: None,
            origin: Origin::From,
            presentation: Presentation::Shown,
        }));
        facts.emergency = Some(emergency);
        facts.dial = emergency.dial;
        return check_emergency(&connector, &emergency);
    }
    let caller = caller_id::decide(invite, &connector, directory, facts.caller_id_policy)?;
    facts.caller = Some(caller);
    facts.caller_name = calling_name(&caller, directory, now);
    let called = caller_id::e164(uri).ok_or_else(|| {
        Reject::DestinationInvalid(readable(&uri.user_unescaped().unwrap_or_default()))
    })?;
    facts.called = Some(called);
    let refused = |why: NotCallable| why.reject(called);
    let country = country_of(called).map_err(refused)?;
    facts.country = Some(country);
    check_region(country, facts.termination()).map_err(refused)
}

/// Whether a number may be called through a connector: it leads to a country of its calling
/// regions, and to nobody who is paid by the minute.
pub(crate) fn check_destination(
    number: E164Number,
    termination: Option<&Termination>,
) -> Result<(), NotCallable> {
    check_region(country_of(number)?, termination)
}

fn country_of(number: E164Number) -> Result<Country, NotCallable> {
    match country::destination(number) {
        Destination::Country(country) => Ok(country),
        Destination::NonGeographic | Destination::Unknown => Err(NotCallable::Unknown),
        Destination::PremiumRate => Err(NotCallable::PremiumRate),
    }
}

fn check_region(country: Country, termination: Option<&Termination>) -> Result<(), NotCallable> {
    let regions = termination.map_or(&[][..], |it| &it.calling_regions);
    if regions.iter().any(|region| region.eq_ignore_ascii_case(country.as_str())) {
        return Ok(());
    }
    Err(NotCallable::Country(country))
}

/// Where an emergency call may be sent: no caller ID stops it, so it must be a number of the code's
/// own country or of a country that calls are let out to, and none that earns money.
fn check_emergency(connector: &Connector, emergency: &Emergency) -> Result<(), Reject> {
    let Some(number) = emergency.dial else { return Ok(()) };
    let country = country_of(number).map_err(|why| why.reject(number))?;
    if emergency.country.eq_ignore_ascii_case(country.as_str()) {
        return Ok(());
    }
    check_region(country, connector.termination()).map_err(|why| why.reject(number))
}
