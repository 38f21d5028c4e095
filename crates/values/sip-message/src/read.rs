//! Typed reads: each header becomes a value when somebody asks for it, and not before.

use std::net::SocketAddr;

use crate::address::{Addresses, NameAddr};
use crate::credentials::{AuthItems, ChallengeSplit, DigestFields};
use crate::date::Date;
use crate::error::{HeaderError, Problem, UriError};
use crate::grammar::{self, Values, trim};
use crate::message::{Entry, Message};
use crate::method::Method;
use crate::name::Name;
use crate::sequence::{CSeq, RAck};
use crate::uri::Uri;
use crate::value::{MediaType, Reason, Replaces, RetryAfter, SessionExpires, Word};
use crate::via::Via;

/// The headers every message has.
impl<'a> Message<'a> {
    /// The topmost Via.
    ///
    /// # Errors
    /// If there is none or it does not read as one.
    pub fn via(&self) -> Result<Via<'a>, HeaderError> {
        self.mandatory(Name::Via, |value| Via::parse_first(value).map(|(via, _)| via))
    }

    /// Every Via, topmost first, over all lines and commas.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'a>, HeaderError>> {
        self.all(Name::Via).flat_map(|line| {
            let mut rest = Some(line);
            std::iter::from_fn(move || {
                // What follows a value that cannot be read cannot be told from it: stop there.
                let parsed = Via::parse_first(rest.take()?);
                rest = parsed.ok().map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
                Some(parsed.map(|(via, _)| via).map_err(error_of(Name::Via)))
            })
        })
    }

    /// Whether there is more below the topmost Via, be it readable or not.
    #[must_use]
    pub fn has_more_vias(&self) -> bool {
        let mut lines = self.all(Name::Via);
        let first = lines.next().filter(|line| line.contains(','));
        lines.next().is_some()
            || first.is_some_and(|it| Via::parse_first(it).is_ok_and(|(_, rest)| !rest.is_empty()))
    }

    /// Who the request is from.
    ///
    /// # Errors
    /// If it is missing or does not read as an address.
    pub fn from(&self) -> Result<NameAddr<'a>, HeaderError> {
        self.mandatory(Name::From, NameAddr::parse)
    }

    /// Whom the request is for.
    ///
    /// # Errors
    /// If it is missing or does not read as an address.
    pub fn to(&self) -> Result<NameAddr<'a>, HeaderError> {
        self.mandatory(Name::To, NameAddr::parse)
    }

    /// The Call-ID. It has case and is compared byte by byte (RFC 3261 §20.8).
    ///
    /// # Errors
    /// If it is missing, empty or holds a blank.
    pub fn call_id(&self) -> Result<&'a str, HeaderError> {
        self.mandatory(Name::CallId, |value| match grammar::is_call_id(value) {
            true => Ok(value),
            false => Err(if value.is_empty() { Problem::Empty } else { Problem::Token }),
        })
    }

    /// The CSeq.
    ///
    /// # Errors
    /// If it is missing or not a 32-bit number and a method.
    pub fn cseq(&self) -> Result<CSeq<'a>, HeaderError> {
        self.mandatory(Name::CSeq, CSeq::parse)
    }

    /// The Request-URI in parts; `None` for a response.
    ///
    /// # Errors
    /// If it does not read as a URI.
    pub fn request_uri(&self) -> Result<Option<Uri<'a>>, UriError> {
        self.request_line().map(|line| Uri::parse(line.uri)).transpose()
    }

    /// Whether enough can be read to answer the request, whatever else is wrong with it: the
    /// topmost Via, and lines for From, To, Call-ID and CSeq to copy. ACK is never answered.
    #[must_use]
    pub fn can_be_answered(&self) -> bool {
        let copied = [Name::From, Name::To, Name::CallId, Name::CSeq];
        self.method().is_some_and(|method| method != Method::Ack)
            && self.via().is_ok()
            && copied.iter().all(|&name| self.contains(name))
    }

    /// Where a response to this request goes over UDP, given where the request came from:
    /// RFC 3261 §18.2.2 with RFC 3581 §4. `maddr` is not followed.
    ///
    /// # Errors
    /// If the topmost Via cannot be read.
    pub fn response_target(&self, source: SocketAddr) -> Result<SocketAddr, HeaderError> {
        let via = self.via()?;
        let port = match via.rport {
            crate::Rport::Requested | crate::Rport::Port(_) => source.port(),
            crate::Rport::Absent => via.port.unwrap_or(5060),
        };
        Ok(SocketAddr::new(source.ip(), port))
    }
}

/// Dialogs and routes.
impl<'a> Message<'a> {
    /// The first Contact; `None` if there is none, or only the `*` of RFC 3261 §10.2.2.
    ///
    /// # Errors
    /// If it does not read as an address.
    pub fn contact(&self) -> Result<Option<NameAddr<'a>>, HeaderError> {
        self.contacts().next().transpose()
    }

    /// Every Contact, over all lines and commas; `*` is none.
    pub fn contacts(&self) -> impl Iterator<Item = Result<NameAddr<'a>, HeaderError>> {
        let values = self.values(Name::Contact).filter(|&value| value != "*");
        Addresses { name: Name::Contact, values }
    }

    /// Whether Contact is the `*` that removes every binding (RFC 3261 §10.2.2).
    #[must_use]
    pub fn has_wildcard_contact(&self) -> bool {
        self.first(Name::Contact) == Some("*")
    }

    /// The Route set, nearest hop first.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr<'a>, HeaderError>> {
        self.addresses(Name::Route)
    }

    /// The Record-Route set in the order of the lines.
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr<'a>, HeaderError>> {
        self.addresses(Name::RecordRoute)
    }

    /// Every address of a header that lists some: P-Asserted-Identity, Diversion, Path, ….
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = Result<NameAddr<'a>, HeaderError>> {
        Addresses { name, values: self.values(name) }
    }

    /// Where a REFER points to (RFC 3515 §2.1).
    ///
    /// # Errors
    /// If it does not read as an address.
    pub fn refer_to(&self) -> Result<Option<NameAddr<'a>>, HeaderError> {
        self.optional(Name::ReferTo, NameAddr::parse)
    }

    /// The dialog to take over (RFC 3891).
    ///
    /// # Errors
    /// If it does not name a dialog.
    pub fn replaces(&self) -> Result<Option<Replaces<'a>>, HeaderError> {
        self.optional(Name::Replaces, Replaces::parse)
    }

    /// Which provisional response a PRACK acknowledges (RFC 3262 §7.2).
    ///
    /// # Errors
    /// If it is not two numbers and a method.
    pub fn rack(&self) -> Result<Option<RAck<'a>>, HeaderError> {
        self.optional(Name::RAck, RAck::parse)
    }

    /// The number of a reliable provisional response (RFC 3262 §7.1).
    ///
    /// # Errors
    /// If it is not a 32-bit number.
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(Name::RSeq, |value| {
            u32::try_from(grammar::number(value)?).map_err(|_| Problem::OutOfRange)
        })
    }
}

/// Limits and timers.
impl<'a> Message<'a> {
    /// How many more hops the request may take, 0 to 255 (RFC 3261 §20.22).
    ///
    /// # Errors
    /// If it is not a number of that range.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.optional(Name::MaxForwards, |value| {
            u8::try_from(grammar::number(value)?).map_err(|_| Problem::OutOfRange)
        })
    }

    /// Expires, seconds; more than 32 bits hold counts as the largest value.
    ///
    /// # Errors
    /// If it is not a number.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(Name::Expires, grammar::delta_seconds)
    }

    /// Min-Expires, seconds.
    ///
    /// # Errors
    /// If it is not a number.
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(Name::MinExpires, grammar::delta_seconds)
    }

    /// Session-Expires (RFC 4028 §4).
    ///
    /// # Errors
    /// If it is not a number with parameters.
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        self.optional(Name::SessionExpires, SessionExpires::parse)
    }

    /// Min-SE, seconds (RFC 4028 §5).
    ///
    /// # Errors
    /// If it is not a number with parameters.
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(Name::MinSe, |value| SessionExpires::parse(value).map(|it| it.seconds))
    }

    /// Retry-After.
    ///
    /// # Errors
    /// If it is not a number with an optional comment and parameters.
    pub fn retry_after(&self) -> Result<Option<RetryAfter>, HeaderError> {
        self.optional(Name::RetryAfter, RetryAfter::parse)
    }

    /// Date.
    ///
    /// # Errors
    /// If it is not a date in GMT.
    pub fn date(&self) -> Result<Option<Date>, HeaderError> {
        self.optional(Name::Date, Date::parse)
    }
}

/// What a message carries and what its sender can do.
impl<'a> Message<'a> {
    /// The media type of the body.
    ///
    /// # Errors
    /// If it does not read as one.
    pub fn content_type(&self) -> Result<Option<MediaType<'a>>, HeaderError> {
        self.optional(Name::ContentType, MediaType::parse)
    }

    /// Content-Disposition (RFC 3261 §20.11).
    ///
    /// # Errors
    /// If it is not a word with parameters.
    pub fn content_disposition(&self) -> Result<Option<Word<'a>>, HeaderError> {
        self.optional(Name::ContentDisposition, Word::parse)
    }

    /// Content-Length as written, bytes. The length of [`Message::body`] is what counts.
    ///
    /// # Errors
    /// If it is not a number.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        self.optional(Name::ContentLength, |value| crate::head::content_length(value.as_bytes()))
    }

    /// The extensions the receiver must understand.
    pub fn require(&self) -> impl Iterator<Item = &'a str> {
        self.values(Name::Require)
    }

    /// The extensions every proxy must understand.
    pub fn proxy_require(&self) -> impl Iterator<Item = &'a str> {
        self.values(Name::ProxyRequire)
    }

    /// The extensions the sender understands.
    pub fn supported(&self) -> impl Iterator<Item = &'a str> {
        self.values(Name::Supported)
    }

    /// Whether the sender understands an extension.
    #[must_use]
    pub fn supports(&self, extension: &str) -> bool {
        self.supported().any(|it| it.eq_ignore_ascii_case(extension))
    }

    /// The methods the sender takes.
    pub fn allow(&self) -> impl Iterator<Item = Method<'a>> {
        self.values(Name::Allow).filter(|value| !value.is_empty()).map(Method::parse)
    }

    /// The media types the sender takes.
    pub fn accept(&self) -> impl Iterator<Item = Result<MediaType<'a>, HeaderError>> {
        self.values(Name::Accept)
            .map(|value| MediaType::parse(value).map_err(error_of(Name::Accept)))
    }

    /// The event package of SUBSCRIBE and NOTIFY (RFC 6665 §8.2.1).
    ///
    /// # Errors
    /// If it is not a word with parameters.
    pub fn event(&self) -> Result<Option<Word<'a>>, HeaderError> {
        self.optional(Name::Event, Word::parse)
    }

    /// The state of a subscription (RFC 6665 §8.2.3).
    ///
    /// # Errors
    /// If it is not a word with parameters.
    pub fn subscription_state(&self) -> Result<Option<Word<'a>>, HeaderError> {
        self.optional(Name::SubscriptionState, Word::parse)
    }

    /// Why a call was ended or a request sent, one value per protocol (RFC 3326).
    pub fn reasons(&self) -> impl Iterator<Item = Result<Reason<'a>, HeaderError>> {
        self.values(Name::Reason).map(|value| Reason::parse(value).map_err(error_of(Name::Reason)))
    }

    /// What its sender wants withheld (RFC 3323 §4.2): the words of Privacy, in order. Semicolons
    /// separate them by the standard, commas in practice.
    pub fn privacy(&self) -> impl Iterator<Item = &'a str> {
        self.all(Name::Privacy)
            .flat_map(|line| line.split([';', ',']))
            .map(trim)
            .filter(|word| !word.is_empty())
    }

    /// The values of a comma-separated header, over all its lines.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(Values::new)
    }
}

/// Digest and other authentication.
impl<'a> Message<'a> {
    /// The credentials in Authorization or Proxy-Authorization.
    pub fn credentials(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<DigestFields<'a>, HeaderError>> {
        let read = |line| ChallengeSplit::new(line).read_each();
        AuthItems { name, items: self.all(name).flat_map(read) }
    }

    /// The challenges in WWW-Authenticate or Proxy-Authenticate, also where a sender put several
    /// on one line.
    pub fn challenges(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<DigestFields<'a>, HeaderError>> {
        self.credentials(name)
    }
}

impl<'a> Message<'a> {
    pub(crate) fn mandatory<T>(
        &self,
        name: Name,
        read: impl FnOnce(&'a str) -> Result<T, Problem>,
    ) -> Result<T, HeaderError> {
        let missing = HeaderError { name, problem: Problem::Missing };
        self.read_entry(self.first_entry(name).ok_or(missing)?, read)
    }

    fn optional<T>(
        &self,
        name: Name,
        read: impl FnOnce(&'a str) -> Result<T, Problem>,
    ) -> Result<Option<T>, HeaderError> {
        self.first_entry(name).map(|entry| self.read_entry(entry, read)).transpose()
    }

    #[inline]
    pub(crate) fn read_entry<T>(
        &self,
        entry: &Entry,
        read: impl FnOnce(&'a str) -> Result<T, Problem>,
    ) -> Result<T, HeaderError> {
        let value = self.read_value(entry).ok_or(Problem::NotUtf8);
        value.and_then(read).map_err(error_of(entry.name))
    }
}

fn error_of(name: Name) -> impl Fn(Problem) -> HeaderError {
    move |problem| HeaderError { name, problem }
}
