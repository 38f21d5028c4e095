//! Requests outside of any dialog that begin no call: OPTIONS, what we do not serve, and what
//! names no connector.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use model::TerminationHealth;
use sip_core::{Replies, ServerId, Token};
use sip_message::{Flow, Message, Method, Name, Status, Transport, Uri, Violation};

use crate::admission::check_source;
use crate::directory::{Connector, ResolvedCarrier};
use crate::hub::Turn;
use crate::io::Output;
use crate::leg::ALLOW;
use crate::reject::Reject;

/// Whom a request is for.
#[derive(Debug, Clone)]
pub(crate) enum Target<'m> {
    /// A connector, by this Request-URI.
    Connector(Arc<Connector>, Uri<'m>),
    /// Whoever has the called number: it comes from this carrier, with this Request-URI.
    Carrier(Arc<ResolvedCarrier>, Uri<'m>),
    /// Whoever has the called number, if its sender can prove to be a carrier; it comes from no
    /// carrier's address, with this Request-URI.
    Unproven(Uri<'m>),
    /// This service itself: a bare address.
    Ourselves,
    /// A host name that is no connector's, or none at all.
    Unknown(Box<str>),
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connector(connector, _) => f.write_str(connector.host()),
            Self::Carrier(..) | Self::Unproven(_) | Self::Ourselves => {
                f.write_str("a bare address")
            }
            Self::Unknown(host) => f.write_str(host),
        }
    }
}

impl<'m> Target<'m> {
    /// Whom a request outside of any dialog is for, by its Request-URI's host; `None` for
    /// responses, for ACK, which is never answered, and for what claims to be in a dialog.
    ///
    /// What a carrier sends to any host that is no connector's is for the called number; and so is an
    /// INVITE of anybody, where carriers may prove who they are.
    pub(crate) fn of_new(turn: &Turn<'_>, flow: &Flow, message: &Message<'m>) -> Option<Self> {
        let method = message.method().filter(|method| *method != Method::Ack)?;
        let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
        (!in_dialog || method == Method::Cancel).then(|| Self::of(turn, flow, message))
    }

    fn of(turn: &Turn<'_>, flow: &Flow, message: &Message<'m>) -> Self {
        let uri = message.request_line().and_then(|line| Uri::parse(line.uri).ok());
        let Some(uri) = uri else { return Self::Unknown("".into()) };
        match Self::of_host(turn, uri) {
            known @ (Self::Connector(..) | Self::Carrier(..) | Self::Unproven(_)) => known,
            other @ (Self::Ourselves | Self::Unknown(_)) => {
                let begins = matches!(message.method(), Some(Method::Invite | Method::Cancel));
                match turn.directory.carrier_by_source(flow) {
                    Some(carrier) => Self::Carrier(Arc::clone(carrier), uri),
                    None if begins && !turn.directory.carrier_realms().is_empty() => {
                        Self::Unproven(uri)
                    }
                    None => other,
                }
            }
        }
    }

    fn of_host(turn: &Turn<'_>, uri: Uri<'m>) -> Self {
        match uri.host {
            sip_message::Host::Name(name) => match turn.directory.connector_by_host(name) {
                Some(connector) => Self::Connector(Arc::clone(connector), uri),
                None if name.eq_ignore_ascii_case("localhost") => Self::Ourselves,
                None => Self::Unknown(name.into()),
            },
            sip_message::Host::V4(_) | sip_message::Host::V6(_) => Self::Ourselves,
            sip_message::Host::Absent => Self::Unknown("".into()),
        }
    }
}

/// A request outside of any dialog, and how to answer it.
pub(crate) struct Stranger<'m> {
    pub(crate) server: ServerId,
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
    pub(crate) method: Method<'m>,
    pub(crate) replies: Replies,
    pub(crate) tag: Token,
}

impl Stranger<'_> {
    fn answer(&self, turn: &mut Turn<'_>, status: Status) {
        let bytes = self.replies.bare(status, status.reason(), &self.tag);
        self.send(turn, status, bytes);
    }

    /// An INVITE is answered until its ACK comes, at the pace of strangers; all else once.
    fn send(&self, turn: &mut Turn<'_>, status: Status, bytes: Vec<u8>) {
        if self.method == Method::Invite {
            turn.respond(self.server, status, bytes);
        } else {
            turn.respond_and_forget(self.server, bytes);
        }
    }

    fn lacks(&self, turn: &mut Turn<'_>, extensions: &[&str]) {
        let status = Status::BAD_EXTENSION;
        let mut bytes = Vec::new();
        let mut writer = self.replies.start(&mut bytes, status, status.reason(), &self.tag);
        writer.header(Name::Unsupported, extensions.join(", ")).finish();
        self.send(turn, status, bytes);
    }

    fn not_served(&self, turn: &mut Turn<'_>, status: Status) {
        let mut bytes = Vec::new();
        let mut writer = self.replies.start(&mut bytes, status, status.reason(), &self.tag);
        writer.header(Name::Allow, ALLOW).finish();
        turn.hub.counters.drop("method-not-served");
        self.send(turn, status, bytes);
    }
}

/// Answers a request that begins no call.
pub(crate) fn receive(turn: &mut Turn<'_>, stranger: &Stranger<'_>, target: &Target<'_>) {
    if stranger.message.check_support(&[]) == Err(Violation::Scheme) {
        return stranger.answer(turn, Status::UNSUPPORTED_URI_SCHEME);
    }
    match (stranger.method, target) {
        (Method::Options, target) => options(turn, stranger, target),
        (Method::Invite, _) => {
            let reject = Reject::HostUnknown(target.to_string().into());
            turn.hub.counters.reject(reject.code());
            stranger.answer(turn, reject.status());
        }
        // They belong to a dialog, and this is none.
        (Method::Bye | Method::Prack | Method::Update | Method::Info, _) => {
            stranger.answer(turn, Status::CALL_DOES_NOT_EXIST);
        }
        (Method::Other(_), _) => stranger.not_served(turn, Status::NOT_IMPLEMENTED),
        (
            Method::Register
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Ack
            | Method::Cancel,
            _,
        ) => stranger.not_served(turn, Status::METHOD_NOT_ALLOWED),
    }
}

/// OPTIONS: a 200 with nothing in it, as AWS answers (facts §4.6). One that comes to a connector
/// from a source that may call there is its customer's sign of health; another is refused.
fn options(turn: &mut Turn<'_>, stranger: &Stranger<'_>, target: &Target<'_>) {
    let unsupported: Vec<&str> = stranger.message.unsupported(&[]).collect();
    if !unsupported.is_empty() {
        return stranger.lacks(turn, &unsupported);
    }
    let connector = match target {
        Target::Connector(connector, _) => connector,
        Target::Carrier(..) | Target::Unproven(_) | Target::Ourselves => {
            turn.hub.counters.options += 1;
            return stranger.answer(turn, Status::OK);
        }
        Target::Unknown(_) => return stranger.answer(turn, Status::NOT_FOUND),
    };
    let remote = stranger.flow.remote;
    let source = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let checked = check_source(connector, source).and_then(|()| {
        let encrypted = stranger.flow.transport == Transport::Tls;
        match connector.connector.require_encryption && !encrypted {
            true => Err(Reject::EncryptionRequired),
            false => Ok(()),
        }
    });
    if let Err(reject) = checked {
        turn.hub.counters.reject(reject.code());
        return stranger.answer(turn, Status::FORBIDDEN);
    }
    turn.hub.counters.options += 1;
    let health = TerminationHealth {
        account: connector.account(),
        connector: connector.connector.id.clone(),
        timestamp: turn.now.unix,
        source: source.ip(),
    };
    turn.hub.outputs.push_back(Output::Health(health));
    stranger.answer(turn, Status::OK);
}
