//! The agent: many calls on one address, behind four verbs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use media::{Channel, Digit, EndpointReport, PortPool};
use sip_core::{Endpoint, Received, Replies, Tokens, Wheel};
use sip_message::{Flow, Message, Method, StartLine, Status};

use crate::audio::{Audio, AudioPort};
use crate::call::{Call, Desk, Offer, Purpose, plain_reply};
use crate::config::{Answering, Config, MediaPlan, Trace};
use crate::gate::{Admission, GateKeeper};
use crate::io::{CallId, CallOrder, Cause, Ended, Event, Hold, Input, Output, Reason, Traced, Way};
use crate::script::Script;
use crate::table::Table;

/// Places and answers calls. After each verb, drain [`Agent::poll_output`].
#[derive(Debug)]
pub struct Agent {
    config: Config,
    endpoint: Endpoint,
    tokens: Tokens,
    /// Keys of media come out of it, and nothing that anybody sees.
    keys: Tokens,
    calls: Table,
    /// Calls by the tag of our side, which is what in-dialog requests find us by.
    by_tag: BTreeMap<Box<str>, CallId>,
    by_port: BTreeMap<u16, CallId>,
    ports: PortPool,
    /// Two deadlines for each slot: what the call waits for, and its next packet.
    wheel: Wheel,
    outputs: VecDeque<Output>,
    packet: Vec<u8>,
    gate: Option<GateKeeper>,
}

/// Which deadline of a slot.
#[derive(Debug, Clone, Copy)]
enum Deadline {
    Script,
    Media,
}

impl Deadline {
    fn owner(self, slot: u32) -> u32 {
        slot * 2 + self as u32
    }

    fn of_owner(owner: u32) -> (u32, Self) {
        (owner / 2, if owner.is_multiple_of(2) { Self::Script } else { Self::Media })
    }
}

impl Agent {
    /// An agent without calls. `seed` must differ between agents: tags, branches and audio streams
    /// come out of it.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut tokens = Tokens::new(seed.first_chunk().expect("32 bytes hold 16"));
        let mut endpoint_seed = [0; 32];
        for half in endpoint_seed.chunks_exact_mut(16) {
            half.copy_from_slice(&tokens.bits().to_le_bytes());
        }
        let mut second = [0; 16];
        second.copy_from_slice(&seed[16..]);
        let endpoint = Endpoint::new(config.transactions, endpoint_seed);
        let secret = tokens.bits().to_le_bytes();
        let keys = Tokens::new(&tokens.bits().to_le_bytes());
        let gate = config.gate.clone().map(|gate| GateKeeper::new(gate, secret));
        Self {
            config,
            endpoint,
            tokens: Tokens::new(&second),
            keys,
            calls: Table::default(),
            by_tag: BTreeMap::new(),
            by_port: BTreeMap::new(),
            ports: PortPool::new(),
            wheel: Wheel::new(),
            outputs: VecDeque::new(),
            packet: Vec::new(),
            gate,
        }
    }

    /// Places a call. What comes of it is told by events, a failure to begin included.
    pub fn call(&mut self, now: Instant, order: CallOrder) -> CallId {
        let audio = if self.has_room() { self.take_audio() } else { Err(Cause::TooManyCalls) };
        let audio = match audio {
            Ok(audio) => audio,
            Err(cause) => return self.stillborn(now, cause),
        };
        let seed = self.tokens.bits().to_le_bytes();
        let desk = &mut Desk {
            now,
            config: &self.config,
            endpoint: &mut self.endpoint,
            ports: &mut self.ports,
            outputs: &mut self.outputs,
        };
        let id = self.calls.insert(|id| Call::place(id, desk, order, audio, &seed));
        self.settle(now, id);
        id
    }

    /// A call that never began, and ends all the same.
    fn stillborn(&mut self, now: Instant, cause: Cause) -> CallId {
        let call = self.calls.spend_id();
        let ended = Ended { cause, began: now, answered: None, report: None };
        self.outputs.push_back(Output::Event { call, event: Event::Ended(Box::new(ended)) });
        call
    }

    /// Hangs up, or gives up a call that is not answered.
    pub fn hang_up(&mut self, now: Instant, call: CallId) {
        self.with_call(now, call, |call, desk| call.hang_up(desk));
    }

    /// Puts a call on hold, or takes it up again; the outcome is [`Event::Hold`] or
    /// [`Event::HoldRefused`]. Nothing happens before the call is answered.
    pub fn hold(&mut self, now: Instant, call: CallId, wanted: Hold) {
        self.with_call(now, call, |call, desk| call.hold(desk, wanted));
    }

    /// Sends an OPTIONS in the call's dialog; the outcome is [`Event::OptionsAnswered`].
    pub fn options(&mut self, now: Instant, call: CallId) {
        self.with_call(now, call, |call, desk| call.options(desk));
    }

    /// Sends digits as RFC 4733 events.
    pub fn press(&mut self, now: Instant, call: CallId, digits: &[Digit]) {
        self.with_call(now, call, |call, desk| call.audio.press(desk.now, digits));
    }

    /// What a call has heard and sent so far; `None` if it is over or has no media.
    #[must_use]
    pub fn report(&self, call: CallId) -> Option<EndpointReport> {
        self.calls.get(call)?.audio.report()
    }

    /// Calls that are not over.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Transactions that exist, the lingering ones included.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.endpoint.transactions()
    }

    /// Port pairs that no call uses.
    #[must_use]
    pub fn ports_free(&self) -> usize {
        self.ports.free()
    }

    /// Changes what becomes of calls that come in from now on.
    pub fn set_answering(&mut self, answering: Answering) {
        self.config.answering = answering;
    }

    /// Takes what happened.
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Message { flow, bytes } => self.message(now, flow, bytes),
            Input::FlowFailed { flow } => {
                self.endpoint.flow_closed(now, flow);
                self.drain(now);
            }
            Input::PortsReady(ports) => {
                for port in ports {
                    self.ports.add(port);
                }
            }
            Input::Media { port, from, packet } => self.media(now, port, from, packet),
        }
    }

    /// Does what is due: repetitions, steps of scripts, packets.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.drain(now);
        while let Some(owner) = self.wheel.pop_due(now) {
            let (slot, deadline) = Deadline::of_owner(owner);
            let Some(id) = self.calls.in_slot(slot) else { continue };
            match deadline {
                Deadline::Script => self.with_call(now, id, |call, desk| call.woken(desk)),
                Deadline::Media => self.send_packets(now, id),
            }
        }
    }

    /// When [`Agent::handle_timeout`] is wanted next, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let transaction =
            self.endpoint.poll_timeout().map(|(at, why)| (at, Reason::Transaction(why)));
        let own = self.wheel.next().map(|wake| {
            let reason = match wake.owner.map(|owner| Deadline::of_owner(owner).1) {
                None => Reason::Sorting,
                Some(Deadline::Script) => Reason::Script,
                Some(Deadline::Media) => Reason::Media,
            };
            (wake.at, reason)
        });
        [transaction, own].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Takes the next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn has_room(&self) -> bool {
        self.calls.len() < self.config.calls_max.min(Table::COUNT_MAX)
    }

    fn take_audio(&mut self) -> Result<Audio, Cause> {
        let port = match self.config.media {
            MediaPlan::Named { rtp } => AudioPort::Named(rtp),
            MediaPlan::Ports { address } => {
                AudioPort::Own(self.ports.take().map_err(|_| Cause::NoPorts)?, address)
            }
        };
        let seed = self.tokens.bits() as u64;
        Ok(Audio::new(port, seed, self.config.srtp, &mut self.keys))
    }

    fn with_call(&mut self, now: Instant, id: CallId, step: impl FnOnce(&mut Call, &mut Desk<'_>)) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let desk = &mut Desk {
            now,
            config: &self.config,
            endpoint: &mut self.endpoint,
            ports: &mut self.ports,
            outputs: &mut self.outputs,
        };
        step(call, desk);
        self.settle(now, id);
    }

    /// Brings the tables in line with a call that took a step.
    fn settle(&mut self, now: Instant, id: CallId) {
        self.file(now, id);
        self.drain(now);
    }

    fn file(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.get(id) else { return };
        let slot = id.slot();
        if call.is_over() {
            self.wheel.stop(Deadline::Script.owner(slot));
            self.wheel.stop(Deadline::Media.owner(slot));
            self.by_tag.remove(&*call.local_tag);
            if let Some(port) = call.audio.own_port() {
                self.by_port.remove(&port.rtp());
            }
            self.calls.remove(id);
            return;
        }
        if !self.by_tag.contains_key(&*call.local_tag) {
            self.by_tag.insert(call.local_tag.as_str().into(), id);
            if let Some(port) = call.audio.own_port() {
                self.by_port.insert(port.rtp(), id);
            }
        }
        let deadlines =
            [(Deadline::Script, call.wake), (Deadline::Media, call.audio.poll_timeout())];
        for (deadline, at) in deadlines {
            match at {
                Some(at) => self.wheel.set(now, deadline.owner(slot), at),
                None => self.wheel.stop(deadline.owner(slot)),
            }
        }
    }

    /// Moves on what the transaction layer wants sent and has to tell.
    fn drain(&mut self, now: Instant) {
        loop {
            while let Some(sip_core::Transmit { flow, bytes }) = self.endpoint.poll_output() {
                self.trace(now, flow, &bytes, Way::Sent);
                self.outputs.push_back(Output::Send { flow, bytes });
            }
            let Some(event) = self.endpoint.poll_event() else { return };
            let (owner, cause) = match event {
                sip_core::Event::TimedOut { owner, .. } => (owner, Some(Cause::TimedOut)),
                sip_core::Event::TransportFailed { owner, .. } => {
                    (owner, Some(Cause::TransportFailed))
                }
                sip_core::Event::NoAck { owner, .. } => (owner, None),
                sip_core::Event::RejectionNoAck { .. } => continue,
            };
            let Some((id, purpose)) = Purpose::of_owner(owner) else { continue };
            let Some(call) = self.calls.get_mut(id) else { continue };
            let desk = &mut Desk {
                now,
                config: &self.config,
                endpoint: &mut self.endpoint,
                ports: &mut self.ports,
                outputs: &mut self.outputs,
            };
            match cause {
                Some(cause) => call.request_failed(desk, purpose, cause),
                None => call.never_acknowledged(desk),
            }
            self.file(now, id);
        }
    }

    fn trace(&mut self, now: Instant, flow: Flow, bytes: &[u8], way: Way) {
        if self.config.trace == Trace::Off {
            return;
        }
        let (from, to) = match way {
            Way::Sent => (flow.local, flow.remote),
            Way::Received => (flow.remote, flow.local),
        };
        let summary = Message::parse(bytes).map_or_else(|it| it.to_string(), |it| summary(&it));
        let transport = flow.transport;
        let bytes = Arc::from(bytes);
        self.outputs.push_back(Output::Traced(Traced {
            at: now,
            from,
            to,
            transport,
            way,
            summary,
            bytes,
        }));
    }

    fn message(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        self.trace(now, flow, bytes, Way::Received);
        // What is no message at all has no sender to be told.
        let Ok(message) = Message::parse(bytes) else { return };
        match self.endpoint.receive(now, flow, &message) {
            Received::Request { server } => self.request(now, flow, server, &message),
            Received::Response { owner, .. } => {
                if let Some((id, purpose)) = Purpose::of_owner(owner) {
                    self.with_call(now, id, |call, desk| call.response(desk, purpose, &message));
                }
            }
            Received::Ack => {
                if let Some(id) = self.find(&message) {
                    self.with_call(now, id, |call, desk| call.acknowledged(desk, &message));
                }
            }
            Received::Cancel { owner, .. } => {
                if let Some((id, _)) = Purpose::of_owner(owner) {
                    self.with_call(now, id, |call, desk| call.cancelled(desk));
                }
            }
            Received::Absorbed | Received::StrayResponse | Received::Refused(_) => {}
        }
        self.drain(now);
    }

    /// The call whose dialog a request belongs to.
    fn find(&self, request: &Message<'_>) -> Option<CallId> {
        let id = *self.by_tag.get(request.to().ok()?.tag()?)?;
        self.calls.get(id).filter(|call| call.owns(request)).map(|call| call.id)
    }

    fn request(
        &mut self,
        now: Instant,
        flow: Flow,
        server: sip_core::ServerId,
        message: &Message<'_>,
    ) {
        let Some(method) = message.method() else { return };
        let Ok(replies) = Replies::new(message, &flow) else { return };
        let in_dialog = replies.is_in_dialog();
        let offer = Offer { flow, server, replies, invite: message };
        if let Some(id) = self.find(message) {
            return self.with_call(now, id, |call, desk| call.request(desk, &offer, method));
        }
        let status = match method {
            _ if in_dialog => Status::CALL_DOES_NOT_EXIST,
            _ if message.require().next().is_some() => Status::BAD_EXTENSION,
            Method::Invite if self.has_room() => return self.invited(now, offer),
            Method::Invite => Status::SERVICE_UNAVAILABLE,
            Method::Options => Status::OK,
            Method::Bye | Method::Cancel | Method::Ack => Status::CALL_DOES_NOT_EXIST,
            Method::Other(_) => Status::NOT_IMPLEMENTED,
            Method::Register
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
            | Method::Subscribe
            | Method::Notify
            | Method::Message
            | Method::Publish => Status::METHOD_NOT_ALLOWED,
        };
        self.reply(now, &offer, status);
    }

    fn invited(&mut self, now: Instant, offer: Offer<'_>) {
        if let (Some(gate), Some(tag)) = (&mut self.gate, self.endpoint.tag(offer.server))
            && let Admission::Refused(status, bytes) =
                gate.check(now, offer.invite, &offer.replies, &tag)
        {
            _ = self.endpoint.respond(now, offer.server, status, bytes);
            return;
        }
        let script = match &self.config.answering {
            Answering::Refuse => return self.reply(now, &offer, Status::TEMPORARILY_UNAVAILABLE),
            Answering::Script(script) => script.clone(),
            Answering::SimulatedCarrier => {
                let uri = offer.invite.request_uri().ok().flatten();
                let called = uri.and_then(|uri| uri.phone_digits());
                Script::simulated_carrier(&called.unwrap_or_default())
            }
        };
        let Ok(audio) = self.take_audio() else {
            return self.reply(now, &offer, Status::SERVICE_UNAVAILABLE);
        };
        let desk = &mut Desk {
            now,
            config: &self.config,
            endpoint: &mut self.endpoint,
            ports: &mut self.ports,
            outputs: &mut self.outputs,
        };
        let id = self.calls.insert(|id| Call::answer(id, desk, offer, script, audio));
        self.settle(now, id);
    }

    fn reply(&mut self, now: Instant, offer: &Offer<'_>, status: Status) {
        let Some(tag) = self.endpoint.tag(offer.server) else { return };
        let mut bytes = plain_reply(&offer.replies, status, &tag);
        if status == Status::BAD_EXTENSION {
            bytes = unsupported(offer, &tag);
        }
        _ = self.endpoint.respond(now, offer.server, status, bytes);
    }

    fn media(&mut self, now: Instant, port: u16, from: std::net::SocketAddr, packet: &mut [u8]) {
        let channel = if port.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp };
        let Some(&id) = self.by_port.get(&(port & !1)) else { return };
        let Some(call) = self.calls.get_mut(id) else { return };
        if let Some((to, len)) = call.audio.hear(now, channel, from, packet)
            && let Some(port) = call.audio.own_port()
        {
            let bytes = packet[..len].to_vec();
            self.outputs.push_back(Output::Media { port, channel, to, bytes });
        }
        if let Some(at) = call.audio.poll_timeout() {
            self.wheel.set(now, Deadline::Media.owner(id.slot()), at);
        }
    }

    fn send_packets(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some(port) = call.audio.own_port() else { return };
        while let Some(out) = call.audio.poll_output(now, &mut self.packet) {
            let bytes = self.packet.clone();
            self.outputs.push_back(Output::Media { port, channel: out.channel, to: out.to, bytes });
        }
        if let Some(at) = call.audio.poll_timeout() {
            self.wheel.set(now, Deadline::Media.owner(id.slot()), at);
        }
    }
}

/// 420 with the names of what is required and not known here (RFC 3261 §8.2.2.3).
fn unsupported(offer: &Offer<'_>, tag: &str) -> Vec<u8> {
    let status = Status::BAD_EXTENSION;
    let mut bytes = Vec::with_capacity(512);
    let mut writer = offer.replies.start(&mut bytes, status, status.reason(), tag);
    for extension in offer.invite.require() {
        writer.header(sip_message::Name::Unsupported, extension);
    }
    writer.finish();
    bytes
}

fn summary(message: &Message<'_>) -> String {
    match message.start() {
        StartLine::Request(line) => line.method.to_string(),
        StartLine::Response(line) => format!("{} {}", line.status, line.reason),
    }
}
