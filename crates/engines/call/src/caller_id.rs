//! Which number a call comes from, whether the account may show it, and whether it is shown.

use model::E164Number;
use sip_message::{Message, Name, NameAddr, Scheme, Uri, Values};

use crate::directory::{Connector, Directory};
use crate::reject::Reject;

/// Which callers' numbers are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallerIdPolicy {
    /// The numbers that the account owns, as AWS has it.
    #[default]
    Inventory,
    /// Any E.164 number, and anonymous callers.
    Any,
}

/// Where the caller's number was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// P-Asserted-Identity (RFC 3325 §9.1): the first E.164 number in it.
    AssertedIdentity,
    /// P-Preferred-Identity (RFC 3325 §9.2), for want of the one above.
    PreferredIdentity,
    /// Remote-Party-ID, which older devices send instead, for want of those above.
    RemotePartyId,
    /// The user part of From.
    From,
    /// The connector's `DefaultPhoneNumber`, whatever the caller said.
    DefaultPhoneNumber,
    /// The number that stands between the participants of a proxy session.
    ProxyNumber,
}

/// Whether the called party sees the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presentation {
    /// It does.
    Shown,
    /// It does not; the carrier still learns it (RFC 3325 §7).
    Withheld,
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The number; `None` for an anonymous caller without an identity.
    pub number: Option<E164Number>,
    /// Where it was read.
    pub origin: Origin,
    /// Whether the called party sees it.
    pub presentation: Presentation,
}

/// What one URI says of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Number(E164Number),
    Anonymous,
    Other,
}

/// Decides who calls.
///
/// `DefaultPhoneNumber` overrides everything, unless another account owns it. Else the first E.164 number of P-Asserted-Identity
/// counts, else From. What is neither E.164 nor anonymous is refused, and then, by the inventory
/// policy, what the account does not own: an anonymous caller must show an owned number in
/// P-Asserted-Identity, or have the connector's default.
pub(crate) fn decide(
    invite: &Message<'_>,
    connector: &Connector,
    directory: &Directory,
    policy: CallerIdPolicy,
) -> Result<Caller, Reject> {
    let from = invite.from().ok();
    let claimed = from.map_or(Claim::Other, |address| claim(&address));
    let presentation = match claimed {
        Claim::Anonymous => Presentation::Withheld,
        Claim::Number(_) | Claim::Other => asked_privacy(invite),
    };
    if let Some(number) = connector.termination().and_then(|it| it.default_phone_number) {
        let origin = Origin::DefaultPhoneNumber;
        let of_another = directory.owner(number).is_some_and(|it| it != connector.account());
        return match policy {
            CallerIdPolicy::Inventory if of_another => Err(Reject::CallerIdNotOwned(Some(number))),
            CallerIdPolicy::Inventory | CallerIdPolicy::Any => {
                Ok(Caller { number: Some(number), origin, presentation })
            }
        };
    }
    let (number, origin) = match (shown(invite), claimed) {
        (Some((number, origin)), _) => (Some(number), origin),
        (None, Claim::Number(number)) => (Some(number), Origin::From),
        (None, Claim::Anonymous) => (None, Origin::From),
        (None, Claim::Other) => {
            return Err(Reject::CallerIdInvalid(user_as_written(from.as_ref()).into()));
        }
    };
    let owned = number.is_some_and(|it| directory.owner(it) == Some(connector.account()));
    match policy {
        CallerIdPolicy::Inventory if !owned => Err(Reject::CallerIdNotOwned(number)),
        CallerIdPolicy::Inventory | CallerIdPolicy::Any => {
            Ok(Caller { number, origin, presentation })
        }
    }
}

/// Who calls in, by a carrier's word: P-Asserted-Identity, else From, in whatever way it writes
/// numbers. Who asked not to be shown, or is anonymous, is withheld from the called party.
pub(crate) fn of_carrier(invite: &Message<'_>) -> Caller {
    let from = invite.from().ok();
    let from_uri = from.as_ref().and_then(|it| it.parsed_uri().ok());
    let claimed = from.as_ref().map_or(Claim::Other, claim);
    let presentation = match claimed {
        Claim::Anonymous => Presentation::Withheld,
        Claim::Number(_) | Claim::Other => asked_privacy(invite),
    };
    let read = |uri: &Uri<'_>| e164(uri).or_else(|| readings(uri).next());
    let asserted = invite
        .addresses(Name::PAssertedIdentity)
        .filter_map(Result::ok)
        .find_map(|it| it.parsed_uri().ok().as_ref().and_then(read));
    let (number, origin) = match asserted {
        Some(number) => (Some(number), Origin::AssertedIdentity),
        None => (from_uri.as_ref().and_then(read), Origin::From),
    };
    Caller { number, origin, presentation }
}

/// The caller's name as a carrier tells it: the display name of P-Asserted-Identity, else of From.
pub(crate) fn name_of_carrier(invite: &Message<'_>, caller: &Caller) -> Option<Box<str>> {
    const CHARS_MAX: usize = 64;
    if caller.presentation == Presentation::Withheld {
        return None;
    }
    let asserted = invite.addresses(Name::PAssertedIdentity).filter_map(Result::ok);
    let said = asserted.chain(invite.from().ok()).find_map(|it| {
        let name = it.display_name()?.into_owned();
        (!name.trim().is_empty()).then_some(name)
    });
    let kept = |name: String| {
        let plain = name.chars().filter(|it| !it.is_control()).take(CHARS_MAX);
        plain.collect::<String>().trim().into()
    };
    said.map(kept)
}

/// The numbers that digits without a plus may mean, the likeliest first: behind an international
/// prefix; E.164 whose plus was left out; ten digits of North America.
pub(crate) fn readings(uri: &Uri<'_>) -> impl Iterator<Item = E164Number> + use<> {
    let digits = uri.phone_digits().map(|it| it.into_owned()).unwrap_or_default();
    let plain = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    let behind = digits.strip_prefix("011").or_else(|| digits.strip_prefix("00"));
    let international = behind.map(|rest| format!("+{rest}"));
    let north_american = (digits.len() == 10).then(|| format!("+1{digits}"));
    let whole = (digits.len() > 7).then(|| format!("+{digits}"));
    let all = [international, north_american, whole];
    all.into_iter().flatten().filter(move |_| plain).filter_map(|it| E164Number::parse(&it).ok())
}

/// A number as the trunk wants it: with a plus, without an international prefix.
///
/// Visual separators (RFC 3966 §3) do not count. A number without a plus is refused even where it
/// could be guessed: an extension `1001` would be somebody's number elsewhere.
pub(crate) fn e164(uri: &Uri<'_>) -> Option<E164Number> {
    match uri.scheme {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => {}
        Scheme::Other(_) => return None,
    }
    let digits = uri.phone_digits()?;
    digits.starts_with('+').then(|| E164Number::parse(&digits).ok()).flatten()
}

/// The user part of an address as it stands there, cut to what a record keeps.
pub(crate) fn user_as_written(address: Option<&NameAddr<'_>>) -> String {
    const CHARS_MAX: usize = 64;
    let uri = address.and_then(|it| it.parsed_uri().ok());
    let user = uri.as_ref().and_then(Uri::user_unescaped).unwrap_or_default();
    user.chars().filter(|it| !it.is_control()).take(CHARS_MAX).collect()
}

fn claim(address: &NameAddr<'_>) -> Claim {
    let Ok(uri) = address.parsed_uri() else { return Claim::Other };
    if let Some(number) = e164(&uri) {
        return Claim::Number(number);
    }
    let says_anonymous = |text: &str| text.eq_ignore_ascii_case("anonymous");
    let host = uri.host.to_string();
    let is_anonymous = uri.user.is_some_and(says_anonymous)
        || host.eq_ignore_ascii_case("anonymous.invalid")
        || (uri.user.is_none() && says_anonymous(&host));
    if is_anonymous { Claim::Anonymous } else { Claim::Other }
}

/// The first E.164 number of the identity headers, the strongest first.
fn shown(invite: &Message<'_>) -> Option<(E164Number, Origin)> {
    [
        (Name::PAssertedIdentity, Origin::AssertedIdentity),
        (Name::PPreferredIdentity, Origin::PreferredIdentity),
        (Name::RemotePartyId, Origin::RemotePartyId),
    ]
    .into_iter()
    .find_map(|(name, origin)| Some((first_number(invite, name)?, origin)))
}

fn first_number(invite: &Message<'_>, name: Name) -> Option<E164Number> {
    invite
        .all(name)
        .flat_map(Values::new)
        .filter_map(|value| NameAddr::parse(value).ok()?.parsed_uri().ok().as_ref().and_then(e164))
        .next()
}

/// `Privacy: id`, `user` or `header` (RFC 3323 §4.2, RFC 3325 §9.3) withholds the number; `none`
/// and silence do not. Remote-Party-ID says it by `privacy`, with anything but `off`.
fn asked_privacy(invite: &Message<'_>) -> Presentation {
    let asks = |word: &str| {
        ["id", "user", "header"].iter().any(|known| word.trim().eq_ignore_ascii_case(known))
    };
    let asked = invite.all(Name::Privacy).any(|value| value.split([';', ',']).any(asks));
    let hidden = invite.all(Name::RemotePartyId).flat_map(Values::new).any(|value| {
        let privacy = NameAddr::parse(value).ok().and_then(|it| it.params.get("privacy"));
        privacy.is_some_and(|it| !it.eq_ignore_ascii_case("off"))
    });
    if asked || hidden { Presentation::Withheld } else { Presentation::Shown }
}
