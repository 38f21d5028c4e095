//! Dialogs: the relation between two user agents that an INVITE makes (RFC 3261 §12).
//!
//! A [`Dialog`] knows how to write its requests and which messages are its own. Forked answers are
//! as many dialogs, told apart by the remote tag; keeping them is the user's affair.

use std::ops::Range;

use sip_message::{
    CSeq, HeaderError, Message, MessageWriter, Method, Name, Problem, Status, Uri, Via,
};

/// Max-Forwards of a new request (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: u8 = 70;

/// One dialog, as one side sees it.
///
/// What its requests have in common is printed once; a request is a copy of it.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// The Max-Forwards, From, To and Call-ID lines of a request; behind them once more Call-ID,
    /// local tag and remote tag, to compare with.
    text: Box<str>,
    head: usize,
    call_id: Range<usize>,
    local_tag: Range<usize>,
    remote_tag: Range<usize>,
    target: Box<str>,
    routes: Option<Box<RouteSet>>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    state: State,
}

/// How far a dialog has come (RFC 3261 §12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made by a provisional response.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
}

/// A request whose CSeq is lower than one that came before: answer 500 (RFC 3261 §12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("CSeq {got} comes after {seen}")]
pub struct OutOfOrder {
    /// The number that came.
    pub got: u32,
    /// The highest so far.
    pub seen: u32,
}

/// The proxies on the way, in the order a request meets them.
#[derive(Debug, Clone)]
struct RouteSet {
    /// Every route as a header value.
    all: String,
    /// The same without the first.
    rest: String,
    first_uri: String,
    first: Router,
}

/// How the first proxy routes (RFC 3261 §16.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Router {
    /// By Route, with the target in the Request-URI: it said `lr`.
    Loose,
    /// By Request-URI, as RFC 2543 has it.
    Strict,
}

impl RouteSet {
    fn new<'m>(routes: impl Iterator<Item = &'m str>) -> Option<Box<Self>> {
        let mut routes = routes.peekable();
        let first = sip_message::NameAddr::parse(routes.peek()?).ok()?;
        let loose = first.parsed_uri().is_ok_and(|uri| uri.is_loose_route());
        let (mut all, mut rest) = (String::new(), String::new());
        for (at, route) in routes.enumerate() {
            if at > 0 {
                join(&mut rest, route);
            }
            join(&mut all, route);
        }
        let first_uri = first.uri.split_once('?').map_or(first.uri, |(uri, _)| uri).to_owned();
        let first = if loose { Router::Loose } else { Router::Strict };
        Some(Box::new(Self { all, rest, first_uri, first }))
    }

    /// The route set a server takes from a request (RFC 3261 §12.1.1).
    fn of_request(request: &Message<'_>) -> Option<Box<Self>> {
        Self::new(request.values(Name::RecordRoute))
    }

    /// The route set a client takes from a response: the other way round (RFC 3261 §12.1.2).
    fn of_response(response: &Message<'_>) -> Option<Box<Self>> {
        if !response.contains(Name::RecordRoute) {
            return None;
        }
        let mut routes: Vec<&str> = response.values(Name::RecordRoute).collect();
        routes.reverse();
        Self::new(routes.into_iter())
    }
}

fn join(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(item);
}

impl Dialog {
    /// The dialog of the server that answers `invite` with `local_tag` in To and a status that
    /// makes a dialog (RFC 3261 §12.1.1).
    ///
    /// # Errors
    /// The header without which there is no dialog, Contact among them: answer 400.
    pub fn uas(invite: &Message<'_>, local_tag: &str, state: State) -> Result<Self, HeaderError> {
        let missing = HeaderError { name: Name::Contact, problem: Problem::Missing };
        let target = invite.contact()?.ok_or(missing)?.uri;
        let (from, to) = (value(invite, Name::From)?, value(invite, Name::To)?);
        let remote_tag = invite.from()?.tag().unwrap_or_default();
        let local = match invite.to()?.tag() {
            Some(_) => to.to_owned(),
            None => [to, ";tag=", local_tag].concat(),
        };
        let sides = Sides { local: &local, remote: from, local_tag, remote_tag };
        let mut dialog = Self::new(&sides, invite.call_id()?, target, state);
        dialog.remote_cseq = Some(invite.cseq()?.number);
        dialog.routes = RouteSet::of_request(invite);
        Ok(dialog)
    }

    /// The dialog of the client whose INVITE to `invited` got `response`, a 101–299
    /// (RFC 3261 §12.1.2).
    ///
    /// A response without a usable Contact makes a dialog with the Request-URI for its target, and one
    /// without a To tag a dialog with an empty one, as RFC 2543 has it.
    ///
    /// # Errors
    /// The header without which there is no dialog.
    pub fn uac(response: &Message<'_>, invited: &str) -> Result<Self, HeaderError> {
        let contact = response.contact()?.map(|it| it.uri);
        let target = contact.filter(|it| Uri::parse(it).is_ok()).unwrap_or(invited);
        let (from, to) = (response.from()?, response.to()?);
        // Both stand in every request of the dialog: what is no URI cannot.
        for (name, side) in [(Name::From, &from), (Name::To, &to)] {
            let unreadable = |error| HeaderError { name, problem: Problem::Uri(error) };
            side.parsed_uri().map_err(unreadable)?;
        }
        let sides = Sides {
            local: value(response, Name::From)?,
            remote: value(response, Name::To)?,
            local_tag: from.tag().unwrap_or_default(),
            remote_tag: to.tag().unwrap_or_default(),
        };
        let state = match response.status() {
            Some(status) if status.is_success() => State::Confirmed,
            Some(_) | None => State::Early,
        };
        let mut dialog = Self::new(&sides, response.call_id()?, target, state);
        dialog.local_cseq = response.cseq()?.number;
        dialog.routes = RouteSet::of_response(response);
        Ok(dialog)
    }

    fn new(sides: &Sides<'_>, call_id: &str, target: &str, state: State) -> Self {
        let mut bytes = Vec::with_capacity(512);
        MessageWriter::resume(&mut bytes)
            .header(Name::MaxForwards, MAX_FORWARDS)
            .text(Name::From, sides.local)
            .text(Name::To, sides.remote)
            .text(Name::CallId, call_id);
        let head = bytes.len();
        let mut keep = |part: &str| {
            let start = bytes.len();
            bytes.extend_from_slice(part.as_bytes());
            start..bytes.len()
        };
        let call_id = keep(call_id);
        let local_tag = keep(sides.local_tag);
        let remote_tag = keep(sides.remote_tag);
        let text = String::from_utf8(bytes).expect("only text was printed").into_boxed_str();
        Self {
            text,
            head,
            call_id,
            local_tag,
            remote_tag,
            target: target.into(),
            routes: None,
            local_cseq: 0,
            remote_cseq: None,
            state,
        }
    }

    /// Begins a request in the dialog with the next CSeq: request line, Via, Max-Forwards, From,
    /// To, Call-ID, Route and CSeq (RFC 3261 §12.2.1.1). The caller adds its own headers, Contact
    /// among them, and finishes. ACK and CANCEL have their own ways.
    pub fn request<'b>(
        &mut self,
        out: &'b mut Vec<u8>,
        method: Method<'_>,
        via: &Via<'_>,
    ) -> MessageWriter<'b> {
        // The number 2³¹ is out of bounds (RFC 3261 §8.1.1.5); no dialog lives to see it.
        self.local_cseq = (self.local_cseq + 1) & 0x7fff_ffff;
        self.start(out, method, self.local_cseq, via)
    }

    /// Begins the ACK for the 2xx to the INVITE with that CSeq number (RFC 3261 §13.2.2.4).
    pub fn ack<'b>(
        &self,
        out: &'b mut Vec<u8>,
        invite_cseq: u32,
        via: &Via<'_>,
    ) -> MessageWriter<'b> {
        self.start(out, Method::Ack, invite_cseq, via)
    }

    fn start<'b>(
        &self,
        out: &'b mut Vec<u8>,
        method: Method<'_>,
        cseq: u32,
        via: &Via<'_>,
    ) -> MessageWriter<'b> {
        out.reserve(self.head + 384);
        MessageWriter::request(out, method, self.request_uri()).header(Name::Via, via);
        out.extend_from_slice(&self.text.as_bytes()[..self.head]);
        let mut writer = MessageWriter::resume(out);
        match self.routes.as_deref() {
            None => {}
            Some(RouteSet { first: Router::Loose, all, .. }) => {
                writer.text(Name::Route, all);
            }
            Some(RouteSet { first: Router::Strict, rest, .. }) => {
                if !rest.is_empty() {
                    writer.text(Name::Route, rest);
                }
                writer.header(Name::Route, format_args!("<{}>", self.target));
            }
        }
        writer.header(Name::CSeq, CSeq { number: cseq, method });
        writer
    }

    /// The Request-URI of the dialog's requests (RFC 3261 §12.2.1.1).
    #[must_use]
    pub fn request_uri(&self) -> &str {
        match self.routes.as_deref() {
            Some(RouteSet { first: Router::Strict, first_uri, .. }) => first_uri,
            Some(RouteSet { first: Router::Loose, .. }) | None => &self.target,
        }
    }

    /// Where requests are sent: the first proxy's URI, or the target's (RFC 3261 §8.1.2).
    #[must_use]
    pub fn next_hop(&self) -> &str {
        self.routes.as_deref().map_or(&self.target, |routes| &routes.first_uri)
    }

    /// Whether a message belongs to this dialog: a request by To and From tag as they come, a
    /// response the other way round.
    #[must_use]
    pub fn matches(&self, message: &Message<'_>) -> bool {
        let (Ok(from), Ok(to)) = (message.from(), message.to()) else { return false };
        let (local, remote) = if message.is_request() { (to, from) } else { (from, to) };
        message.first(Name::CallId) == Some(self.call_id())
            && local.tag().unwrap_or_default() == self.local_tag()
            && remote.tag().unwrap_or_default() == self.remote_tag()
    }

    /// Takes note of a request's CSeq. An ACK bears its INVITE's number and is not ordered.
    ///
    /// # Errors
    /// [`OutOfOrder`]: answer 500.
    pub fn receive(&mut self, request: &Message<'_>) -> Result<(), OutOfOrder> {
        let Ok(cseq) = request.cseq() else { return Ok(()) };
        if matches!(cseq.method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        match self.remote_cseq {
            Some(seen) if cseq.number < seen => Err(OutOfOrder { got: cseq.number, seen }),
            Some(_) | None => {
                self.remote_cseq = Some(cseq.number);
                Ok(())
            }
        }
    }

    /// Takes the new Contact of a re-INVITE or UPDATE, or of its 2xx, as the remote target
    /// (RFC 3261 §12.2.1.2, §12.2.2).
    pub fn refresh_target(&mut self, message: &Message<'_>) {
        if let Ok(Some(contact)) = message.contact()
            && *contact.uri != *self.target
            && Uri::parse(contact.uri).is_ok()
        {
            self.target = contact.uri.into();
        }
    }

    /// The 2xx has come for an early dialog: target and route set are taken anew
    /// (RFC 3261 §13.2.2.4).
    pub fn confirm(&mut self, response: &Message<'_>) {
        self.refresh_target(response);
        if self.state == State::Early {
            self.routes = RouteSet::of_response(response);
        }
        self.state = State::Confirmed;
    }

    /// Our side has sent its 2xx.
    pub fn accepted(&mut self) {
        self.state = State::Confirmed;
    }

    /// Early or confirmed.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.text[self.call_id.clone()]
    }

    /// The tag of our side.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.text[self.local_tag.clone()]
    }

    /// The tag of the other side; empty if it has none.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.text[self.remote_tag.clone()]
    }

    /// The URI that the other side wants requests for.
    #[must_use]
    pub fn remote_target(&self) -> &str {
        &self.target
    }

    /// The CSeq number of the last request that left.
    #[must_use]
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The CSeq number of the last request that came.
    #[must_use]
    pub fn remote_cseq(&self) -> Option<u32> {
        self.remote_cseq
    }
}

/// The two ends of a new dialog.
struct Sides<'a> {
    /// What goes into From.
    local: &'a str,
    /// What goes into To.
    remote: &'a str,
    local_tag: &'a str,
    remote_tag: &'a str,
}

fn value<'m>(message: &Message<'m>, name: Name) -> Result<&'m str, HeaderError> {
    message.first(name).ok_or(HeaderError { name, problem: Problem::Missing })
}

/// The host and port that a request to a URI is sent to, if they can be told without asking DNS:
/// an address, with the transport's default port if none is written (RFC 3261 §8.1.2,
/// RFC 3263 §4).
#[must_use]
pub fn socket_of(uri: &str, default_port: u16) -> Option<std::net::SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    Some(std::net::SocketAddr::new(uri.host.ip()?, uri.port.unwrap_or(default_port)))
}

/// Whether a response makes a dialog: 101–299 with a To tag (RFC 3261 §12.1).
#[must_use]
pub fn makes_dialog(response: &Message<'_>) -> bool {
    response.status().is_some_and(|it| it > Status::TRYING && it.0 < 300)
        && response.to().is_ok_and(|to| to.tag().is_some())
}

#[cfg(test)]
#[path = "dialog_tests.rs"]
mod tests;
