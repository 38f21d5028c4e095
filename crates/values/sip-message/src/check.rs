//! Judging a message that could be read: may it be acted on, and if not, what is the answer?

use crate::address::NameAddr;
use crate::credentials::ChallengeSplit;
use crate::date::Date;
use crate::error::{HeaderError, Problem, UriError, Violation};
use crate::grammar::{self, Values, is_token};
use crate::message::{Entry, Message, RequestLine};
use crate::method::Method;
use crate::name::Name;
use crate::sequence::{CSeq, RAck};
use crate::uri::{Scheme, Uri};
use crate::value::{MediaType, Replaces, SessionExpires, Word};
use crate::via::Via;

/// The largest CSeq number a sender may use (RFC 3261 §8.1.1.5).
pub const CSEQ_NUMBER_MAX: u32 = (1 << 31) - 1;

/// Headers every message must have. Max-Forwards and Contact are not among them: senders of
/// RFC 2543 leave them out (RFC 4475 §3.4.1), and who needs them asks for them.
const MANDATORY: [Name; 5] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];

impl Message<'_> {
    /// Whether the message may be acted on.
    ///
    /// Checks the line structure, the start line, that each mandatory header is there and each
    /// one-only header there once, that the headers a server acts on read as what they are, and
    /// that CSeq fits the request line. Headers nobody acts on are left alone, as RFC 3261 §16.3
    /// asks for. A response is judged by its mandatory headers alone: to drop it for less would
    /// turn an answer into a timeout, and who needs another header of it reads that one.
    ///
    /// # Errors
    /// The first violation found. For a request, [`Violation::status`] and its `Display` make the
    /// answer, if [`Message::can_be_answered`]; a response is dropped.
    pub fn check(&self) -> Result<(), Violation> {
        let line = self.request_line();
        if line.is_some_and(|line| !line.is_sip_2()) {
            return Err(Violation::Version);
        }
        if let Some(fault) = self.fault() {
            return Err(Violation::Fault(fault));
        }
        if let Some(missing) = MANDATORY.into_iter().find(|&name| !self.contains(name)) {
            return Err(Violation::Missing(missing));
        }
        let mut seen = 0_u128;
        let mut cseq = None;
        let is_judged = |name| line.is_some() || MANDATORY.contains(&name);
        for entry in self.entries().filter(|entry| is_judged(entry.name)) {
            let bit = 1_u128 << entry.name as u32;
            if seen & bit != 0 && is_one_only(entry.name) {
                return Err(Violation::Repeated(entry.name));
            }
            seen |= bit;
            if entry.name == Name::CSeq {
                cseq = Some(self.read_entry(entry, CSeq::parse).map_err(Violation::Header)?);
            } else {
                self.check_header(entry).map_err(Violation::Header)?;
            }
        }
        let cseq = cseq.expect("CSeq is among the mandatory headers, which are judged");
        if cseq.number > CSEQ_NUMBER_MAX {
            let problem = Problem::OutOfRange;
            return Err(Violation::Header(HeaderError { name: Name::CSeq, problem }));
        }
        match line {
            Some(line) if line.method != cseq.method => Err(Violation::MethodMismatch),
            Some(line) => check_request_uri(line),
            None => Ok(()),
        }
    }

    /// Whether a server that serves `sip`, `sips` and `tel` URIs and these extensions can take
    /// the request (RFC 3261 §8.2.2.1, §8.2.2.3). Require does not count in ACK and CANCEL.
    ///
    /// # Errors
    /// [`Violation::Scheme`] (416) or [`Violation::Extension`] (420, to which
    /// [`Message::unsupported`] gives the Unsupported header).
    pub fn check_support(&self, extensions: &[&str]) -> Result<(), Violation> {
        let Some(line) = self.request_line() else { return Ok(()) };
        let uri = Uri::parse(line.uri).map_err(Violation::RequestUri)?;
        if matches!(uri.scheme, Scheme::Other(_)) {
            return Err(Violation::Scheme);
        }
        match self.unsupported(extensions).next() {
            Some(_) => Err(Violation::Extension),
            None => Ok(()),
        }
    }

    /// The extensions of Require and Proxy-Require that are not among `extensions`.
    pub fn unsupported(&self, extensions: &[&str]) -> impl Iterator<Item = &str> {
        let is_exempt = matches!(self.method(), Some(Method::Ack | Method::Cancel));
        self.require()
            .chain(self.proxy_require())
            .filter(move |_| !is_exempt)
            .filter(|wanted| !extensions.iter().any(|it| it.eq_ignore_ascii_case(wanted)))
    }

    fn check_header(&self, entry: &Entry) -> Result<(), HeaderError> {
        let Some(rule) = RULE_OF[entry.name as usize] else { return Ok(()) };
        self.read_entry(entry, rule)
    }
}

fn check_request_uri(line: RequestLine<'_>) -> Result<(), Violation> {
    let uri = Uri::parse(line.uri).map_err(Violation::RequestUri)?;
    match uri.headers {
        Some(_) => Err(Violation::RequestUri(UriError::HeadersInRequestUri)),
        None => Ok(()),
    }
}

/// Headers of requests whose repetition would leave two answers to one question.
fn is_one_only(name: Name) -> bool {
    use Name as N;
    matches!(
        name,
        N::CallId
            | N::ContentDisposition
            | N::ContentLength
            | N::ContentType
            | N::CSeq
            | N::Date
            | N::Event
            | N::Expires
            | N::From
            | N::MaxForwards
            | N::MinSe
            | N::RAck
            | N::ReferTo
            | N::Replaces
            | N::SessionExpires
            | N::SipIfMatch
            | N::SubscriptionState
            | N::To
    )
}

type Rule = fn(&str) -> Result<(), Problem>;

/// How the values of the headers are judged that a server acts on. CSeq, which is also compared
/// with the request line, is read by the check itself.
const RULES: &[(Name, Rule)] = &[
    (Name::Via, vias),
    (Name::From, address),
    (Name::To, address),
    (Name::ReferTo, address),
    (Name::Contact, contacts),
    (Name::Route, addresses),
    (Name::RecordRoute, addresses),
    (Name::CallId, call_id),
    (Name::MaxForwards, max_forwards),
    (Name::Expires, |value| grammar::delta_seconds(value).map(drop)),
    (Name::SessionExpires, |value| SessionExpires::parse(value).map(drop)),
    (Name::MinSe, |value| SessionExpires::parse(value).map(drop)),
    (Name::Date, |value| Date::parse(value).map(drop)),
    (Name::ContentType, |value| MediaType::parse(value).map(drop)),
    (Name::ContentDisposition, |value| Word::parse(value).map(drop)),
    (Name::Event, |value| Word::parse(value).map(drop)),
    (Name::SubscriptionState, |value| Word::parse(value).map(drop)),
    (Name::RAck, |value| RAck::parse(value).map(drop)),
    (Name::Replaces, |value| Replaces::parse(value).map(drop)),
    (Name::Require, tokens),
    (Name::ProxyRequire, tokens),
    (Name::Authorization, auth),
    (Name::ProxyAuthorization, auth),
];

/// [`RULES`] by name.
static RULE_OF: [Option<Rule>; Name::COUNT] = {
    let mut table = [None; Name::COUNT];
    let mut i = 0;
    while i < RULES.len() {
        table[RULES[i].0 as usize] = Some(RULES[i].1);
        i += 1;
    }
    table
};

fn vias(mut line: &str) -> Result<(), Problem> {
    loop {
        line = Via::parse_first(line)?.1;
        if line.is_empty() {
            return Ok(());
        }
    }
}

fn address(value: &str) -> Result<(), Problem> {
    NameAddr::parse(value)?.parsed_uri()?;
    Ok(())
}

fn addresses(line: &str) -> Result<(), Problem> {
    // What reads as one address to its end has no comma that separates.
    if address(line).is_ok() {
        return Ok(());
    }
    if line.is_empty() {
        return Err(Problem::Empty);
    }
    Values::new(line).try_for_each(address)
}

fn contacts(line: &str) -> Result<(), Problem> {
    if line == "*" { Ok(()) } else { addresses(line) }
}

fn call_id(value: &str) -> Result<(), Problem> {
    if grammar::is_call_id(value) { Ok(()) } else { Err(Problem::Token) }
}

fn max_forwards(value: &str) -> Result<(), Problem> {
    u8::try_from(grammar::number(value)?).map(drop).map_err(|_| Problem::OutOfRange)
}

fn tokens(line: &str) -> Result<(), Problem> {
    match Values::new(line).all(is_token) {
        true => Ok(()),
        false => Err(Problem::Token),
    }
}

fn auth(line: &str) -> Result<(), Problem> {
    if line.is_empty() {
        return Err(Problem::Empty);
    }
    ChallengeSplit::new(line).read_each().try_for_each(|fields| fields.map(drop))
}
