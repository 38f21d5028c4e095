//! One leg of a call: its dialog, and where its requests go.

use std::net::IpAddr;

use sip_core::dialog::{Dialog, socket_of};
use sip_core::{digest, session};
use sip_message::{Flow, Message, MessageWriter, Method, Name, PeerId};

use crate::abilities::{Abilities, Toward};
use crate::config::Config;
use crate::hub::{Hub, Request, Turn};

/// The methods we take.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK";

/// What we call ourselves in `User-Agent` and `Server`.
pub(crate) const PRODUCT: &str = "trunkline";

/// One leg of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) dialog: Dialog,
    /// Where the peer was last heard.
    seen: Flow,
    reach: Reach,
    /// Whom it leads to; a carrier, unless somebody says otherwise.
    pub(crate) toward: Toward,
    /// What the peer has said it can do.
    pub(crate) abilities: Abilities,
    /// The session timer, if one was agreed on.
    pub(crate) clock: Option<session::Clock>,
    /// The description that the peer has of us.
    pub(crate) told: Option<Box<[u8]>>,
}

/// Whether the addresses that a peer writes can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// They are its own: Contact and Route are followed.
    AsWritten,
    /// It sits behind a NAT: only where its messages come from can be reached.
    BehindNat,
}

impl Reach {
    /// A request whose topmost Via names another address than it came from has passed a NAT.
    pub(crate) fn of_request(request: &Message<'_>, flow: &Flow) -> Self {
        let written = request.via().ok().and_then(|via| via.host.ip());
        match written {
            Some(ip) if ip.to_canonical() != flow.remote.ip().to_canonical() => Self::BehindNat,
            Some(_) | None => Self::AsWritten,
        }
    }
}

impl Leg {
    pub(crate) fn new(dialog: Dialog, seen: Flow, reach: Reach) -> Self {
        let abilities = Abilities::default();
        let toward = Toward::Carrier;
        Self { dialog, seen, reach, toward, abilities, clock: None, told: None }
    }

    /// The peer was heard on a flow: later requests to it may go there.
    pub(crate) fn heard(&mut self, flow: Flow) {
        self.seen = flow;
    }

    /// Where the peer was last heard.
    pub(crate) fn seen(&self) -> Flow {
        self.seen
    }

    /// Where the next request goes.
    ///
    /// Streams stay on their connection while it is there. Over UDP, and when the connection is gone,
    /// the first Route or the Contact is followed if it is an address that can be reached from here;
    /// a NAT's inside cannot, and names are not resolved in a dialog: then it goes where the peer was
    /// heard.
    pub(crate) fn flow(&self, hub: &Hub) -> Flow {
        let is_stream = self.seen.transport.is_reliable();
        let stays = is_stream && hub.can_reach(&self.seen);
        if stays || self.reach == Reach::BehindNat {
            return self.seen;
        }
        let hop = socket_of(self.dialog.next_hop(), self.seen.transport.default_port());
        match hop.filter(|it| it.port() != 0 && is_reachable(it.ip(), self.seen.remote.ip())) {
            Some(remote) if is_stream => {
                Flow::toward(self.seen.transport, self.seen.local, remote, PeerId::ANYBODY)
            }
            Some(remote) => Flow { remote, ..self.seen },
            None => self.seen,
        }
    }

    /// Writes a request in the dialog. `finish` is given the settings and adds headers and body;
    /// `digest` answers the peer's last challenge, if it ever made one.
    pub(crate) fn request(
        &mut self,
        turn: &mut Turn<'_>,
        method: Method<'_>,
        digest: Option<&mut digest::Client>,
        finish: impl FnOnce(&Config, &mut MessageWriter<'_>),
    ) -> Request {
        let to = self.flow(turn.hub);
        let branch = turn.hub.endpoint.new_branch();
        let (config, face) = (&turn.hub.config, turn.hub.faces.of(&to));
        let mut bytes = Vec::new();
        let uri = digest.is_some().then(|| self.dialog.request_uri().to_owned());
        let mut writer = self.dialog.request(&mut bytes, method, &face.via(&branch));
        if let (Some(digest), Some(uri)) = (digest, uri)
            && let Some(authorization) = digest.authorization(method, &uri)
        {
            writer.header(authorization.name(), &authorization);
        }
        if matches!(method, Method::Invite | Method::Update) {
            writer.text(Name::Contact, &face.contact).text(Name::Allow, ALLOW);
            write_session(&mut writer, config, self.clock.map(|it| it.session));
        }
        writer.text(Name::UserAgent, PRODUCT);
        finish(config, &mut writer);
        Request { to, branch, bytes }
    }

    /// Writes and sends the ACK for the 2xx to an INVITE of ours.
    pub(crate) fn ack(&self, turn: &mut Turn<'_>, invite_cseq: u32, body: Option<&[u8]>) {
        let flow = self.flow(turn.hub);
        let branch = turn.hub.endpoint.new_branch();
        let via = turn.hub.faces.of(&flow).via(&branch);
        let mut bytes = Vec::new();
        let mut writer = self.dialog.ack(&mut bytes, invite_cseq, &via);
        match body {
            Some(body) => writer.body("application/sdp", body),
            None => writer.finish(),
        }
        turn.hub.endpoint.send(flow, bytes);
    }
}

/// Writes what we support and, in a request that refreshes a session, its interval and refresher.
fn write_session(
    writer: &mut MessageWriter<'_>,
    config: &Config,
    agreed: Option<session::Session>,
) {
    // Not 100rel: within a call there is no progress to tell of.
    if config.session.is_some() {
        writer.text(Name::Supported, session::EXTENSION);
    }
    if let (Some(agreed), Some(policy)) = (agreed, config.session) {
        writer.header(Name::SessionExpires, agreed.in_request());
        writer.header(Name::MinSe, policy.min);
    }
}

/// Whether `written` can be reached from here, given that its owner was heard from `seen`: a
/// private address in the Contact of a peer with a public one is the inside of its NAT.
fn is_reachable(written: IpAddr, seen: IpAddr) -> bool {
    let (written, seen) = (written.to_canonical(), seen.to_canonical());
    written.is_ipv4() == seen.is_ipv4()
        && !written.is_unspecified()
        && (written == seen || !is_private(written) || is_private(seen))
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// An address as it stands in a URI: a name, IPv4, or IPv6 in brackets; the port if it is not the
/// transport's own.
pub(crate) fn uri_host(host: &str, port: u16, default_port: u16) -> String {
    let bracketed = host.parse::<std::net::Ipv6Addr>().map(|v6| format!("[{v6}]"));
    let host = bracketed.unwrap_or_else(|_| host.to_owned());
    if port == default_port { host } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nats_inside_is_not_reachable_and_a_neighbour_is() {
        let reachable = |written: &str, seen: &str| {
            is_reachable(written.parse().unwrap(), seen.parse().unwrap())
        };
        assert!(!reachable("10.0.0.5", "203.0.113.9"));
        assert!(!reachable("100.64.0.1", "203.0.113.9"));
        assert!(!reachable("0.0.0.0", "203.0.113.9"));
        assert!(!reachable("2001:db8::1", "203.0.113.9"));
        assert!(reachable("198.51.100.1", "203.0.113.9"));
        assert!(reachable("10.0.0.5", "10.0.0.6"));
        assert!(reachable("127.0.0.1", "127.0.0.1"));
    }

    #[test]
    fn a_carriers_host_is_written_as_a_uri_wants_it() {
        assert_eq!(uri_host("carrier.example", 5060, 5060), "carrier.example");
        assert_eq!(uri_host("192.0.2.1", 5080, 5060), "192.0.2.1:5080");
        assert_eq!(uri_host("2001:db8::1", 5080, 5060), "[2001:db8::1]:5080");
    }
}
