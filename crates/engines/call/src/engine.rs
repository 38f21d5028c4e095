//! The engine: routes inputs to those who deal with them, and decides nothing itself.

use std::time::Instant;

use media::CallMediaId;
use model::{ProxySessionId, TransactionId};
use sip_core::{ClientId, Event, Received, Replies, ServerId};
use sip_message::{Flow, Message, Method, Name, StartLine};

use crate::bridge::{Call, Failure, Response, Within, dismiss};
use crate::calls::{CallKey, Calls, Owner};
use crate::config::{Config, Seeds};
use crate::counters::Counters;
use crate::directory::Directory;
use crate::health::{self, PeerHealth};
use crate::hub::{Hub, Service, Turn};
use crate::invite::{self, Ask, Party};
use crate::io::{Command, Input, MediaEvent, Now, Output, Reason};
use crate::live::LiveCall;
use crate::record::End;
use crate::replaces;
use crate::strangers::{self, Stranger, Target};

/// The B2BUA of one shard, without I/O.
///
/// Four verbs: [`handle_input`](Self::handle_input) and [`handle_timeout`](Self::handle_timeout)
/// put something in, [`poll_output`](Self::poll_output) takes out what is to be done, and
/// [`poll_timeout`](Self::poll_timeout) says when to come again. Drain the outputs after each
/// input.
#[derive(Debug)]
pub struct Engine {
    hub: Hub,
    calls: Calls,
}

impl Engine {
    /// An engine without calls and without ports; [`Input::PortsReady`] brings those.
    pub fn new(config: Config, seeds: &Seeds) -> Self {
        Self { hub: Hub::new(config, seeds), calls: Calls::default() }
    }

    /// Takes one input. `directory` is the current snapshot.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>, directory: &Directory) {
        let turn = &mut Turn { now, directory, hub: &mut self.hub };
        let calls = &mut self.calls;
        match input {
            Input::Message { flow, bytes } => receive(turn, calls, flow, bytes),
            Input::FlowFailed { flow } => {
                turn.hub.gone(&flow);
                turn.hub.endpoint.transport_failed(now.instant, flow);
            }
            Input::FlowClosed { flow } => {
                turn.hub.gone(&flow);
                turn.hub.endpoint.flow_closed(now.instant, flow);
            }
            Input::Media(event) => on_media(turn, calls, event),
            Input::PortsReady(ports) => {
                ports.into_iter().for_each(|port| turn.hub.ports.add(port));
            }
            Input::Command(command) => obey(turn, calls, command),
        }
        deliver_events(turn, calls);
        health::wake(turn);
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Now, directory: &Directory) {
        let turn = &mut Turn { now, directory, hub: &mut self.hub };
        let calls = &mut self.calls;
        turn.hub.endpoint.handle_timeout(now.instant);
        deliver_events(turn, calls);
        while let Some(key) = calls.pop_due(now.instant) {
            step(turn, calls, key, |call, turn| call.on_wake(turn));
        }
        deliver_events(turn, calls);
        health::wake(turn);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let transactions =
            self.hub.endpoint.poll_timeout().map(|(at, reason)| (at, Reason::Transaction(reason)));
        let calls = self.calls.next_wake().map(|(at, key)| {
            let call = key.and_then(|key| self.calls.get(key));
            let timer = call.and_then(|call| call.alarms.next()).map(|(_, timer)| timer);
            (at, timer.map_or(Reason::Sorting, Reason::Call))
        });
        let probe = self.hub.health.poll_timeout().map(|at| (at, Reason::Probe));
        [transactions, calls, probe].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Takes the next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(sent) = self.hub.endpoint.poll_output() {
            return Some(Output::Send { flow: sent.flow, bytes: sent.bytes });
        }
        self.hub.outputs.pop_front()
    }

    /// Calls in progress, in order of their identifiers, beginning behind `after`.
    pub fn live_calls(&self, after: Option<TransactionId>, limit: usize) -> Vec<LiveCall> {
        let calls = self.calls.keys_after(after).filter_map(|key| self.calls.get(key));
        calls.filter_map(Call::live).take(limit).collect()
    }

    /// One call in progress.
    pub fn live_call(&self, transaction: TransactionId) -> Option<LiveCall> {
        self.calls.get(self.calls.find(transaction)?)?.live()
    }

    /// The proxy sessions whose two participants talk now.
    pub fn talking(&self) -> impl Iterator<Item = ProxySessionId> {
        self.hub.talking.sessions()
    }

    /// What is known of the places that calls go to.
    pub fn peers(&self) -> impl Iterator<Item = &PeerHealth> {
        self.hub.health.peers()
    }

    /// Calls that have not ended.
    pub fn calls_open(&self) -> usize {
        self.hub.usage.calls() as usize
    }

    /// Whether nothing is left to do for any call: every record is written, every BYE answered.
    pub fn is_idle(&self) -> bool {
        self.calls.len() == 0
    }

    /// Media port pairs that are free, and those in calls.
    pub fn ports(&self) -> (usize, usize) {
        (self.hub.ports.free(), self.hub.ports.taken())
    }

    /// What has been counted since the engine was made.
    pub fn counters(&self) -> &Counters {
        &self.hub.counters
    }

    /// What SIP transactions have repeated and waited for in vain since the engine was made.
    pub fn repeats(&self) -> &sip_core::Repeats {
        self.hub.endpoint.repeats()
    }

    /// SIP transactions that exist, the lingering ones included.
    pub fn transactions(&self) -> usize {
        self.hub.endpoint.transactions()
    }

    /// Dialogs that a message can find, two for a call.
    pub fn dialogs(&self) -> usize {
        self.hub.dialogs.len()
    }
}

/// One step of one call.
fn step(
    turn: &mut Turn<'_>,
    calls: &mut Calls,
    key: CallKey,
    act: impl FnOnce(&mut Call, &mut Turn<'_>),
) {
    let Some(mut call) = calls.take(key) else { return };
    act(&mut call, turn);
    if call.is_over() {
        call.leave(turn);
        calls.remove(&call);
    } else {
        calls.put_back(turn.now.instant, call);
    }
}

fn receive(turn: &mut Turn<'_>, calls: &mut Calls, flow: Flow, bytes: &[u8]) {
    turn.hub.counters.messages_received += 1;
    turn.hub.heard(&flow);
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(error) => return turn.hub.counters.drop(error.code()),
    };
    let target = Target::of_new(turn, &flow, &message)
        .map(|target| replaces::claimed(turn, calls, &message, target));
    if let Some(Target::Unknown(_) | Target::Ourselves) = target
        && !turn.hub.answers_stranger(turn.now)
    {
        return turn.hub.counters.drop("strangers-max");
    }
    match turn.hub.endpoint.receive(turn.now.instant, flow, &message) {
        Received::Request { server } => request(turn, calls, server, flow, &message, target),
        Received::Response { client, owner } => {
            respond(turn, calls, client, owner, flow, &message);
        }
        Received::Ack => acknowledge(turn, calls, flow, &message),
        Received::Cancel { invite, owner } => match Owner::unpack(owner) {
            Some(owner) => {
                step(turn, calls, owner.key, |call, turn| call.on_cancel(turn, invite, &message));
            }
            None => turn.hub.counters.drop("cancel-unmatched"),
        },
        Received::StrayResponse => dismiss_stray(turn),
        Received::Absorbed => {}
        Received::Refused(refusal) => turn.hub.counters.drop(refusal.code()),
    }
}

/// A response without a transaction. One to an INVITE of ours can only come from somebody who has
/// seen the INVITE, and much too late; answering it would let strangers aim us at others.
fn dismiss_stray(turn: &mut Turn<'_>) {
    turn.hub.counters.drop("response-stray");
}

fn request(
    turn: &mut Turn<'_>,
    calls: &mut Calls,
    server: ServerId,
    flow: Flow,
    message: &Message<'_>,
    target: Option<Target<'_>>,
) {
    let StartLine::Request(line) = message.start() else { return };
    let Ok(replies) = Replies::new(message, &flow) else {
        return turn.hub.counters.drop("request-unanswerable");
    };
    let method = line.method;
    let Some(target) = target else {
        return request_within(
            turn,
            calls,
            Within { flow, message, method, side: media::Side::A, server, replies },
        );
    };
    let tag = turn.hub.endpoint.tag(server).expect("the transaction was just made");
    match (method, target) {
        (Method::Invite, Target::Connector(connector, uri)) => {
            let ask = Ask { server, flow, message, uri, replies, tag };
            invite::receive(turn, calls, ask, Party::Customer(connector));
        }
        (Method::Invite, Target::Carrier(carrier, uri)) => {
            let ask = Ask { server, flow, message, uri, replies, tag };
            invite::receive(turn, calls, ask, Party::Carrier(carrier));
        }
        (Method::Invite, Target::Unproven(uri)) => {
            let ask = Ask { server, flow, message, uri, replies, tag };
            invite::receive(turn, calls, ask, Party::Unproven);
        }
        (_, target) => {
            let stranger = Stranger { server, flow, message, method, replies, tag };
            strangers::receive(turn, &stranger, &target);
        }
    }
}

fn request_within(turn: &mut Turn<'_>, calls: &mut Calls, request: Within<'_>) {
    let Some((key, side)) = find_leg(turn, request.message) else {
        turn.hub.counters.drop("dialog-unknown");
        let status = sip_message::Status::CALL_DOES_NOT_EXIST;
        let bytes = request.replies.bare(status, status.reason(), "");
        return turn.respond_and_forget(request.server, bytes);
    };
    step(turn, calls, key, |call, turn| call.on_request(turn, Within { side, ..request }));
}

fn acknowledge(turn: &mut Turn<'_>, calls: &mut Calls, flow: Flow, ack: &Message<'_>) {
    match find_leg(turn, ack) {
        Some((key, side)) => {
            step(turn, calls, key, |call, turn| call.on_ack(turn, side, flow, ack));
        }
        None => turn.hub.counters.drop("ack-stray"),
    }
}

/// The leg whose dialog a request claims to belong to.
fn find_leg(turn: &Turn<'_>, request: &Message<'_>) -> Option<(CallKey, media::Side)> {
    let call_id = request.first(Name::CallId)?;
    turn.hub.dialogs.find(call_id, request.to().ok()?.tag()?)
}

fn respond(
    turn: &mut Turn<'_>,
    calls: &mut Calls,
    client: ClientId,
    owner: u64,
    flow: Flow,
    message: &Message<'_>,
) {
    let StartLine::Response(line) = message.start() else { return };
    if let Some(serial) = health::probed(owner) {
        return health::on_answer(turn, serial, line.status);
    }
    let Some(owner) = Owner::unpack(owner) else { return };
    let response = Response { flow, message, status: line.status, reason: line.reason, client };
    if calls.get(owner.key).is_none() {
        // Its call is over: a further 2xx to the INVITE is nobody's.
        return dismiss(turn, flow, message);
    }
    step(turn, calls, owner.key, |call, turn| call.on_response(turn, owner.role, &response));
}

fn deliver_events(turn: &mut Turn<'_>, calls: &mut Calls) {
    while let Some(event) = turn.hub.endpoint.poll_event() {
        match event {
            Event::TimedOut { client, owner } => {
                fail(turn, calls, client, owner, Failure::TimedOut);
            }
            Event::TransportFailed { client, owner } => {
                fail(turn, calls, client, owner, Failure::Unreachable);
            }
            Event::NoAck { server, owner } => {
                if let Some(owner) = Owner::unpack(owner) {
                    step(turn, calls, owner.key, |call, turn| call.on_no_ack(turn, server));
                }
            }
            Event::RejectionNoAck { .. } => turn.hub.counters.drop("rejection-no-ack"),
        }
    }
}

fn fail(turn: &mut Turn<'_>, calls: &mut Calls, client: ClientId, owner: u64, failure: Failure) {
    if let Some(serial) = health::probed(owner) {
        return health::on_failure(turn, serial);
    }
    let Some(owner) = Owner::unpack(owner) else { return };
    step(turn, calls, owner.key, |call, turn| {
        call.on_failure(turn, owner.role, client, failure);
    });
}

fn on_media(turn: &mut Turn<'_>, calls: &mut Calls, event: MediaEvent) {
    match event {
        MediaEvent::Relay(event) => {
            let key = CallKey::of_media(media_call(&event));
            step(turn, calls, key, |call, turn| call.on_media(turn, event));
        }
        MediaEvent::Closed { call: id, quality } => {
            turn.hub.release_ports(id);
            let key = CallKey::of_media(id);
            step(turn, calls, key, |call, turn| call.on_report(turn, quality.as_deref()));
        }
    }
}

fn media_call(event: &media::Event) -> CallMediaId {
    match event {
        media::Event::FirstPacket { call, .. }
        | media::Event::Silent { call, .. }
        | media::Event::OneWay { call, .. }
        | media::Event::Dtmf { call, .. } => *call,
    }
}

fn obey(turn: &mut Turn<'_>, calls: &mut Calls, command: Command) {
    match command {
        Command::HangUp { transaction } => {
            if let Some(key) = calls.find(transaction) {
                step(turn, calls, key, |call, turn| call.hang_up(turn, End::Operator));
            }
        }
        Command::Drain => turn.hub.service = Service::Draining,
        Command::HangUpAll => {
            turn.hub.service = Service::Draining;
            let keys: Vec<CallKey> = calls.keys_after(None).collect();
            for key in keys {
                step(turn, calls, key, |call, turn| call.hang_up(turn, End::Shutdown));
            }
        }
    }
}
