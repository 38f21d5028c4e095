//! Redirections (RFC 3261 §8.1.3.4): which of the places that a carrier names are asked instead.
//!
//! A carrier is not believed further than its operator wants: a place counts if a carrier was added
//! for it, and a number if the call's connector may call it.

use std::sync::Arc;

use model::{E164Number, Redirects};
use sip_core::Tokens;
use sip_message::{Host, Message, NameAddr, Scheme, Status, Transport, Uri};

use crate::admission::{self, Facts, readable};
use crate::caller_id;
use crate::directory::{Directory, Hop, ResolvedCarrier, order};
use crate::record::{Tally, Tried};
use crate::reject::NotCallable;
use crate::route::{Attempt, Gateway};

/// Redirections that one call follows.
pub(crate) const FOLLOWED_MAX: usize = 5;
/// Places of one redirection that are looked at.
const CONTACTS_MAX: usize = 8;

/// One place that a redirection names, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// The Contact's URI.
    pub(crate) contact: Box<str>,
    /// Why it is not asked; `None` if it is.
    pub(crate) refused: Option<Why>,
}

/// Why a place that a redirection names is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It cannot be read, or is no SIP URI.
    Unreadable,
    /// No carrier was added for that host, port and transport.
    HostUnknown,
    /// Its user part is no telephone number.
    NumberInvalid,
    /// Its number leads to no country that we know of.
    NumberUnknown,
    /// Its number is charged by the minute to its caller.
    PremiumRate,
    /// Its number's country is not in `CallingRegions`.
    CountryNotAllowed,
    /// It was asked for that number already.
    AskedBefore,
    /// The call has followed as many redirections as a call may.
    TooMany,
}

impl Why {
    /// The reason's stable name, and what can be done about it.
    pub(crate) const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("redirect-unreadable", "the carrier must name SIP URIs"),
            Self::HostUnknown => (
                "redirect-host-unknown",
                "`trunkline carrier add` with that host, if calls may go there",
            ),
            Self::NumberInvalid => ("redirect-number-invalid", "the carrier must name a number"),
            Self::NumberUnknown => ("redirect-number-unknown", ""),
            Self::PremiumRate => {
                ("redirect-premium-rate", "none: premium-rate numbers are not called")
            }
            Self::CountryNotAllowed => {
                ("redirect-country-not-allowed", "add the number's country to CallingRegions")
            }
            Self::AskedBefore => ("redirect-loop", "the carrier sends the call in circles"),
            Self::TooMany => ("redirect-limit", "the carrier sends the call ever further"),
        }
    }
}

/// A redirection that came.
pub(crate) struct Redirection<'r> {
    pub(crate) facts: &'r Facts,
    pub(crate) directory: &'r Directory,
    /// Who sent it.
    pub(crate) from: &'r Arc<ResolvedCarrier>,
    /// What was tried before, the attempt that was redirected included.
    pub(crate) tried: &'r [Tried],
}

/// Whether a status names other places to ask, and the carrier's are to be asked. 305 and 380 name
/// something else.
pub(crate) fn is_followed(status: Status, carrier: &ResolvedCarrier) -> bool {
    matches!(status.0, 300..=302) && carrier.carrier.redirects == Redirects::Follow
}

impl Redirection<'_> {
    /// Looks at each place, those with the highest `q` first, and tells what becomes of it.
    pub(crate) fn follow(
        &self,
        response: &Message<'_>,
        random: &mut Tokens,
    ) -> (Vec<Attempt>, Vec<Named>) {
        let mut contacts: Vec<(u16, Option<NameAddr<'_>>)> = response
            .contacts()
            .take(CONTACTS_MAX)
            .map(|it| (it.as_ref().map_or(0, preference), it.ok()))
            .collect();
        contacts.sort_by_key(|(preference, _)| std::cmp::Reverse(*preference));
        let (mut attempts, mut named) = (Vec::new(), Vec::new());
        for (_, contact) in contacts {
            let found = match &contact {
                Some(contact) => self.look(contact, &attempts, random),
                None => Err(Why::Unreadable),
            };
            let refused = match found {
                Ok(more) => {
                    attempts.extend(more);
                    None
                }
                Err(why) => Some(why),
            };
            let contact = contact.map(|it| readable(it.uri)).unwrap_or_default();
            named.push(Named { contact, refused });
        }
        (attempts, named)
    }

    /// The ways to one place.
    fn look(
        &self,
        contact: &NameAddr<'_>,
        before: &[Attempt],
        random: &mut Tokens,
    ) -> Result<Vec<Attempt>, Why> {
        let followed = |it: &&Tried| matches!(it.result, Tally::Redirected(_));
        if self.tried.iter().filter(followed).count() >= FOLLOWED_MAX {
            return Err(Why::TooMany);
        }
        let uri = contact.parsed_uri().map_err(|_| Why::Unreadable)?;
        if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return Err(Why::Unreadable);
        }
        let (carrier, hops) = self.place(&uri, random).ok_or(Why::HostUnknown)?;
        let dial = self.number(&uri)?;
        let is_new = |attempt: &Attempt| {
            let same = |it: &Attempt| it.hop == attempt.hop && it.dial == attempt.dial;
            !self.tried.iter().any(|it| same(&it.attempt)) && !before.iter().any(same)
        };
        let gateway = Gateway::Carrier(Arc::clone(carrier));
        let ways = hops.into_iter().map(|hop| Attempt {
            gateway: gateway.clone(),
            hop,
            dial,
            datagram: None,
        });
        let ways: Vec<Attempt> = ways.filter(is_new).collect();
        if ways.is_empty() { Err(Why::AskedBefore) } else { Ok(ways) }
    }

    /// The carrier that a URI's host is, and the ways there that the URI allows.
    fn place(
        &self,
        uri: &Uri<'_>,
        random: &mut Tokens,
    ) -> Option<(&Arc<ResolvedCarrier>, Vec<Hop>)> {
        std::iter::once(self.from).chain(self.directory.carriers().iter()).find_map(|carrier| {
            let hops = carrier.resolved.hops();
            let open = order(hops, random);
            let hops = open.iter().rev().map(|at| hops[usize::from(*at)]);
            let hops: Vec<Hop> = hops.filter(|hop| allows(uri, carrier, hop)).collect();
            (!hops.is_empty()).then_some((carrier, hops))
        })
    }

    /// The number to call there; `None` if it stays as it is.
    fn number(&self, uri: &Uri<'_>) -> Result<Option<E164Number>, Why> {
        let Some(user) = uri.user_unescaped() else { return Ok(None) };
        if *user == *self.facts.dialled() {
            return Ok(None);
        }
        let number = caller_id::e164(uri).or_else(|| caller_id::readings(uri).next());
        let number = number.ok_or(Why::NumberInvalid)?;
        if number.to_string() == self.facts.dialled() {
            return Ok(None);
        }
        match admission::check_destination(number, self.facts.termination()) {
            Ok(()) => Ok(Some(number)),
            Err(NotCallable::PremiumRate) => Err(Why::PremiumRate),
            Err(NotCallable::Country(_)) => Err(Why::CountryNotAllowed),
            Err(NotCallable::Unknown) => Err(Why::NumberUnknown),
        }
    }
}

/// Whether a URI leads to a carrier by that way: by the carrier's own host name, or by the address.
fn allows(uri: &Uri<'_>, carrier: &ResolvedCarrier, hop: &Hop) -> bool {
    let is_encrypted = hop.transport == Transport::Tls;
    let carried = match uri.transport() {
        Some(written) if written.eq_ignore_ascii_case("tcp") => hop.transport.is_reliable(),
        Some(written) => written.eq_ignore_ascii_case(hop.transport.as_param()),
        None => true,
    };
    if !carried || (uri.scheme == Scheme::Sips && !is_encrypted) {
        return false;
    }
    match uri.host {
        Host::Name(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let port = uri.port.is_none_or(|it| it == hop.address.port());
            name.eq_ignore_ascii_case(&carrier.carrier.host) && port
        }
        Host::V4(_) | Host::V6(_) => {
            let port = uri.port.unwrap_or(hop.transport.default_port());
            uri.host.ip() == Some(hop.address.ip()) && port == hop.address.port()
        }
        Host::Absent => false,
    }
}

/// `q` in thousandths; 1 where it is not said.
fn preference(contact: &NameAddr<'_>) -> u16 {
    let written = contact.params.get("q").map(|it| it.parse::<f32>().unwrap_or(0.0));
    (written.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u16
}
