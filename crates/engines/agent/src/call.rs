//! One call, on either side: what both kinds have in common.

mod answered;
mod placed;
mod renegotiate;

use std::collections::VecDeque;
use std::time::Instant;

use media::PortPool;
use sip_core::dialog::Dialog;
use sip_core::digest::Client as DigestClient;
use sip_core::{ClientId, Endpoint, Replies, ServerId, Token};
use sip_message::{Flow, Host, Message, MessageWriter, Method, Name, Status, Via};

pub(crate) use answered::{Offer, plain_reply};

use crate::audio::Audio;
use crate::config::Config;
use crate::io::{CallId, CallOrder, Cause, Ended, Event, Output};
use crate::script::Step;

/// The methods an agent understands, for Allow headers.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";

/// One call. Its steps are given a [`Desk`] and put what they want done there.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) local_tag: Token,
    pub(crate) audio: Audio,
    /// When the script goes on or patience ends.
    pub(crate) wake: Option<Instant>,
    stage: Stage,
    flow: Flow,
    dialog: Option<Dialog>,
    began: Instant,
    answered: Option<Instant>,
    steps: VecDeque<Step>,
    placed: Option<Box<Placed>>,
    /// Our own re-INVITE under way.
    renegotiation: Option<renegotiate::Renegotiation>,
    /// A 2xx of ours that waits for its ACK, by CSeq number.
    unacknowledged: Option<(u32, ServerId, AnswerIn)>,
}

/// What only the side that calls has.
#[derive(Debug)]
struct Placed {
    order: CallOrder,
    call_id: Token,
    cseq: u32,
    digest: Option<DigestClient>,
}

/// Where the answer to an offer of ours comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerIn {
    /// The ACK: our 2xx held the offer.
    Ack,
    /// It came already, or went out with our 2xx.
    Settled,
}

/// How far a call is.
///
/// ```text
/// calling:   Calling ──2xx──► Up ──BYE──► Ending ──► Over
///               └─give up─► Cancelling ──487──────► Over
/// answering: Offered ──answer─► Accepted ──ACK──► Up ──BYE──► Ending ──► Over
///               └─reject, CANCEL───────────────────────────────────────► Over
/// ```
/// A BYE of the other side leads from Accepted, Up and Ending to Over at once.
#[derive(Debug)]
enum Stage {
    /// Nothing was said yet.
    Fresh,
    /// Our INVITE is out.
    Calling {
        client: ClientId,
    },
    /// It is out, and no longer wanted.
    Cancelling,
    /// An INVITE came and has no final answer.
    Offered {
        server: ServerId,
        replies: Replies,
        body: Vec<u8>,
        answer_in: AnswerIn,
    },
    /// Our 2xx waits for its ACK. RFC 3261 §15 forbids a BYE until then; it may be wanted.
    Accepted {
        then: Then,
    },
    /// Both sides talk.
    Up,
    /// Our BYE is out.
    Ending {
        cause: Cause,
    },
    Over,
}

/// What to do when the ACK has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    HangUp,
}

/// What a client transaction is for; with the call's id it is the transaction's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Invite,
    Renegotiate,
    Bye,
    Options,
    /// A BYE to a fork that answered too.
    Fork,
    /// Any server transaction of the call.
    Serve,
}

impl Purpose {
    const ALL: [Self; 6] =
        [Self::Invite, Self::Renegotiate, Self::Bye, Self::Options, Self::Fork, Self::Serve];

    pub(crate) fn owner(self, call: CallId) -> u64 {
        call.0 << 3 | self as u64
    }

    pub(crate) fn of_owner(owner: u64) -> Option<(CallId, Self)> {
        let purpose = *Self::ALL.get(owner as usize & 7)?;
        Some((CallId(owner >> 3), purpose))
    }
}

/// What the steps of a call work with.
pub(crate) struct Desk<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    pub(crate) endpoint: &'a mut Endpoint,
    pub(crate) ports: &'a mut PortPool,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

impl Desk<'_> {
    fn event(&mut self, call: CallId, event: Event) {
        self.outputs.push_back(Output::Event { call, event });
    }

    /// A Via of ours.
    fn via<'v>(&self, branch: &'v str) -> Via<'v> {
        let address = self.config.address;
        let transport = self.config.transport.as_str();
        Via::new(transport, Host::from(address.ip()), Some(address.port()), branch)
    }

    /// The headers of requests and responses by which the other side finds us.
    fn introduce(&self, writer: &mut MessageWriter<'_>) {
        let Config { address, transport, product, .. } = self.config;
        let contact = match transport {
            sip_message::Transport::Udp => format!("<sip:{address}>"),
            sip_message::Transport::Tcp | sip_message::Transport::Tls => {
                format!("<sip:{address};transport={}>", transport.as_param())
            }
        };
        writer.header(Name::Contact, contact);
        writer.header(Name::Allow, ALLOW);
        writer.header(Name::UserAgent, product);
    }
}

/// Ends a message with a session description, or without a body.
fn finish(writer: &mut MessageWriter<'_>, body: &[u8]) {
    writer.body("application/sdp", body);
}

impl Call {
    fn new(id: CallId, now: Instant, flow: Flow, local_tag: Token, audio: Audio) -> Self {
        Self {
            id,
            local_tag,
            audio,
            wake: None,
            stage: Stage::Fresh,
            flow,
            dialog: None,
            began: now,
            answered: None,
            steps: VecDeque::new(),
            placed: None,
            renegotiation: None,
            unacknowledged: None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Whether a message is one of this call's dialog.
    pub(crate) fn owns(&self, message: &Message<'_>) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.matches(message))
    }

    /// Ends the call for good.
    fn over(&mut self, desk: &mut Desk<'_>, cause: Cause) {
        if self.is_over() {
            return;
        }
        self.stage = Stage::Over;
        self.wake = None;
        if let Some((_, server, _)) = self.unacknowledged.take() {
            desk.endpoint.acknowledged(desk.now, server);
        }
        if let Some(port) = self.audio.own_port() {
            desk.ports.release(port);
        }
        let ended = Ended {
            cause,
            began: self.began,
            answered: self.answered,
            report: self.audio.report(),
        };
        desk.event(self.id, Event::Ended(Box::new(ended)));
    }

    /// The response to a request of ours.
    pub(crate) fn response(
        &mut self,
        desk: &mut Desk<'_>,
        purpose: Purpose,
        message: &Message<'_>,
    ) {
        let Some(status) = message.status() else { return };
        match purpose {
            Purpose::Invite => self.invite_answered(desk, status, message),
            Purpose::Renegotiate => self.renegotiation_answered(desk, status, message),
            Purpose::Bye if status.is_final() => self.bye_answered(desk, status, message),
            Purpose::Options if status.is_final() => {
                desk.event(self.id, Event::OptionsAnswered { status });
            }
            Purpose::Bye | Purpose::Options | Purpose::Fork | Purpose::Serve => {}
        }
    }

    /// A request of ours that got no response: `cause` says why.
    pub(crate) fn request_failed(&mut self, desk: &mut Desk<'_>, purpose: Purpose, cause: Cause) {
        match (purpose, &self.stage) {
            (Purpose::Invite, Stage::Calling { .. }) => self.over(desk, cause),
            (Purpose::Invite, Stage::Cancelling) => self.over(desk, Cause::Cancelled),
            (Purpose::Bye, Stage::Ending { cause }) => {
                let cause = *cause;
                self.over(desk, cause);
            }
            // Without an answer the dialog is as good as gone (RFC 3261 §12.2.1.2).
            (Purpose::Renegotiate, Stage::Up) => self.bye(desk, cause),
            (Purpose::Options, _) => {
                let status = Status::REQUEST_TIMEOUT;
                desk.event(self.id, Event::OptionsAnswered { status });
            }
            (Purpose::Invite | Purpose::Bye | Purpose::Renegotiate, _)
            | (Purpose::Fork | Purpose::Serve, _) => {}
        }
    }

    /// Our 2xx was never acknowledged (RFC 3261 §13.3.1.4).
    pub(crate) fn never_acknowledged(&mut self, desk: &mut Desk<'_>) {
        self.unacknowledged = None;
        self.bye(desk, Cause::NoAck);
    }

    /// Our side wants no more of the call.
    pub(crate) fn hang_up(&mut self, desk: &mut Desk<'_>) {
        match &mut self.stage {
            Stage::Calling { client } => {
                let client = *client;
                desk.endpoint.cancel(desk.now, client, None);
                self.stage = Stage::Cancelling;
                self.wake = None;
            }
            Stage::Offered { .. } => self.reject(desk, Status::TEMPORARILY_UNAVAILABLE),
            Stage::Accepted { then } => *then = Then::HangUp,
            Stage::Up => self.bye(desk, Cause::HungUp),
            Stage::Fresh | Stage::Cancelling | Stage::Ending { .. } | Stage::Over => {}
        }
    }

    fn bye(&mut self, desk: &mut Desk<'_>, cause: Cause) {
        self.wake = None;
        self.stage = Stage::Ending { cause };
        if self.send_in_dialog(desk, Method::Bye, Purpose::Bye).is_err() {
            self.over(desk, cause);
        }
    }

    fn bye_answered(&mut self, desk: &mut Desk<'_>, status: Status, message: &Message<'_>) {
        if self.try_again(desk, status, message)
            && self.send_in_dialog(desk, Method::Bye, Purpose::Bye).is_ok()
        {
            return;
        }
        if let Stage::Ending { cause } = self.stage {
            self.over(desk, cause);
        }
    }

    /// Asks in the dialog whether the other side is still there.
    pub(crate) fn options(&mut self, desk: &mut Desk<'_>) {
        if matches!(self.stage, Stage::Up) {
            _ = self.send_in_dialog(desk, Method::Options, Purpose::Options);
        }
    }

    /// Whether a challenge can be answered and the request is to be sent again.
    fn try_again(&mut self, desk: &mut Desk<'_>, status: Status, message: &Message<'_>) -> bool {
        let Some(digest) = self.placed.as_mut().and_then(|it| it.digest.as_mut()) else {
            return false;
        };
        if !is_challenge(status) {
            digest.settled();
            return false;
        }
        let again = digest.challenged(message).is_ok();
        if again {
            desk.event(self.id, Event::Challenged { status });
        }
        again
    }

    /// Sends a request without a body in the dialog.
    fn send_in_dialog(
        &mut self,
        desk: &mut Desk<'_>,
        method: Method<'_>,
        purpose: Purpose,
    ) -> Result<ClientId, Cause> {
        self.send_with_body(desk, method, purpose, b"").map(|(client, _)| client)
    }

    /// Sends a request in the dialog; gives its transaction and CSeq number.
    fn send_with_body(
        &mut self,
        desk: &mut Desk<'_>,
        method: Method<'_>,
        purpose: Purpose,
        body: &[u8],
    ) -> Result<(ClientId, u32), Cause> {
        let dialog = self.dialog.as_mut().ok_or(Cause::NoDialog)?;
        let branch = desk.endpoint.new_branch();
        let mut bytes = Vec::with_capacity(1024);
        let uri = dialog.request_uri().to_owned();
        let mut writer = dialog.request(&mut bytes, method, &desk.via(&branch));
        desk.introduce(&mut writer);
        let digest = self.placed.as_mut().and_then(|it| it.digest.as_mut());
        if let Some(authorization) = digest.and_then(|it| it.authorization(method, &uri)) {
            writer.header(authorization.name(), &authorization);
        }
        finish(&mut writer, body);
        let cseq = dialog.local_cseq();
        let flow = next_flow(self.flow, dialog);
        let owner = purpose.owner(self.id);
        let sent = desk.endpoint.request(desk.now, flow, method, &branch, bytes, owner);
        sent.map(|client| (client, cseq)).map_err(|_| Cause::TooManyCalls)
    }

    /// Time has come for what `wake` was set for.
    pub(crate) fn woken(&mut self, desk: &mut Desk<'_>) {
        self.wake = None;
        match &self.stage {
            Stage::Calling { .. } => self.hang_up(desk),
            Stage::Offered { .. } => self.run(desk),
            Stage::Up if self.placed.is_some() => self.hang_up(desk),
            Stage::Up => self.run(desk),
            Stage::Fresh
            | Stage::Cancelling
            | Stage::Accepted { .. }
            | Stage::Ending { .. }
            | Stage::Over => {}
        }
    }
}

fn is_challenge(status: Status) -> bool {
    matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
}

/// Where a dialog's requests go: over UDP to the address in the route or target if one stands
/// there, else where the other side's messages came from; on a stream, along the same one.
fn next_flow(flow: Flow, dialog: &Dialog) -> Flow {
    if flow.transport.is_reliable() {
        return flow;
    }
    let hop = sip_core::dialog::socket_of(dialog.next_hop(), flow.transport.default_port());
    Flow { remote: hop.unwrap_or(flow.remote), ..flow }
}
