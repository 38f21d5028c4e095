//! A party that speaks SIP as it pleases: it keeps transactions and dialogs, and little else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sip_core::dialog::Dialog;
use sip_core::{ClientId, Endpoint, Received, Replies, ServerId, Transmit};
use sip_message::{
    CSeq, Flow, Host, Message, MessageWriter, Method, Name, StartLine, Status, Transport, Via,
};

use super::manners::Manners;
use crate::customer::TRUNK;
use crate::network::Rng;

/// Dialogs of one call that a party keeps.
const DIALOGS_MAX: usize = 3;

/// A PBX or a carrier.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    endpoint: Endpoint,
    manners: Manners,
    rng: Rng,
    talks: Vec<Talk>,
    plans: Vec<(Instant, Plan)>,
}

/// One INVITE and what came of it.
#[derive(Debug)]
struct Talk {
    invite: Vec<u8>,
    /// The INVITE's transaction, by the side that the party is on.
    side: Side,
    dialogs: Vec<Dialog>,
    rseq: u32,
}

#[derive(Debug)]
enum Side {
    Caller(Option<ClientId>),
    Called { server: ServerId, replies: Replies },
}

/// Something a party means to do.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Progress(usize),
    Answer(usize),
    Cancel(usize),
    Ask(usize, Method<'static>),
}

impl Party {
    pub(crate) fn new(address: SocketAddr, transport: Transport, rng: &mut Rng) -> Self {
        let seed = [rng.below(256) as u8; 32];
        let manners = Manners::any(rng);
        let rng = Rng::new(rng.below(u64::MAX));
        let endpoint = Endpoint::new(sip_core::Config::default(), seed);
        Self { address, transport, endpoint, manners, rng, talks: Vec::new(), plans: Vec::new() }
    }

    /// Does nothing by itself any more, and answers as it should.
    pub(crate) fn calm_down(&mut self) {
        self.plans.clear();
        self.manners = Manners { mute: 0, deaf: 0, vague: 0, sloppy: 0, restless: 0 };
    }

    fn flow(&self) -> Flow {
        let remote = TRUNK.parse().expect("the trunk's address is one");
        Flow { transport: self.transport, local: self.address, remote, connection: 0 }
    }

    /// Places a call.
    pub(crate) fn place(&mut self, now: Instant, caller: &str, uri: &str) {
        let branch = self.endpoint.new_branch();
        let (tag, call_id) = (self.endpoint.new_tag(), self.endpoint.new_call_id());
        let address = self.address;
        let via = via(self.transport, &address, &branch);
        let mut bytes = Vec::new();
        let mut writer = MessageWriter::request(&mut bytes, Method::Invite, uri);
        writer.header(Name::Via, via).header(Name::MaxForwards, 70);
        writer.header(Name::From, format_args!("<sip:{caller}@{address}>;tag={tag}"));
        writer.header(Name::To, format_args!("<{uri}>")).text(Name::CallId, &call_id);
        writer.header(Name::CSeq, CSeq { number: 1, method: Method::Invite });
        if !self.rng.percent(self.manners.sloppy) {
            writer.header(Name::Contact, format_args!("<sip:pbx@{address}>"));
        }
        for (name, value) in self.manners.extensions(&mut self.rng) {
            writer.extension(name, value);
        }
        if let Some(replaces) = self.replaced() {
            writer.text(Name::Replaces, &replaces);
        }
        finish(&mut writer, self.description().as_deref());
        let talk = self.talks.len();
        let invite = bytes.clone();
        let sent = self.endpoint.request(
            now,
            self.flow(),
            Method::Invite,
            &branch,
            bytes,
            talk as u64 + 1,
        );
        self.talks.push(Talk {
            invite,
            side: Side::Caller(sent.ok()),
            dialogs: Vec::new(),
            rseq: 0,
        });
        if self.rng.percent(30) {
            self.plan(now, 8_000, Plan::Cancel(talk));
        }
    }

    /// A dialog of an earlier call that a new one is to take the place of, or something like it.
    fn replaced(&mut self) -> Option<String> {
        let dialog = self.talks.iter().rev().find_map(|talk| talk.dialogs.last())?;
        if !self.rng.percent(40) {
            return None;
        }
        let forged = if self.rng.percent(25) { "x" } else { "" };
        let early = if self.rng.percent(10) { ";early-only" } else { "" };
        let (call_id, ours, theirs) = (dialog.call_id(), dialog.local_tag(), dialog.remote_tag());
        Some(format!("{call_id};to-tag={theirs}{forged};from-tag={ours}{early}"))
    }

    fn description(&mut self) -> Option<String> {
        let address = self.address.ip().to_string();
        self.manners.description(&mut self.rng, &address)
    }

    fn plan(&mut self, now: Instant, within_ms: u64, plan: Plan) {
        let wait = Duration::from_millis(self.rng.below(within_ms));
        self.plans.push((now + wait, plan));
    }

    /// Takes a message.
    pub(crate) fn receive(&mut self, now: Instant, flow: Flow, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else { return };
        match self.endpoint.receive(now, flow, &message) {
            Received::Request { server } => self.request(now, flow, &message, server),
            Received::Response { client, owner } if owner > 0 => {
                self.response(now, &message, client, owner as usize - 1);
            }
            Received::Cancel { invite, .. } => self.cancelled(now, invite),
            Received::Response { .. }
            | Received::Absorbed
            | Received::Ack
            | Received::StrayResponse
            | Received::Refused(_) => {}
        }
    }

    fn request(&mut self, now: Instant, flow: Flow, message: &Message<'_>, server: ServerId) {
        let (Some(method), Ok(replies)) = (message.method(), Replies::new(message, &flow)) else {
            return;
        };
        if method == Method::Invite && !replies.is_in_dialog() {
            let talk = self.talks.len();
            let invite = message.bytes().to_vec();
            let side = Side::Called { server, replies };
            self.talks.push(Talk { invite, side, dialogs: Vec::new(), rseq: 0 });
            if self.rng.percent(self.manners.mute) {
                return;
            }
            for _ in 0..self.rng.below(4) {
                self.plan(now, 4_000, Plan::Progress(talk));
            }
            return self.plan(now, 12_000, Plan::Answer(talk));
        }
        let Some(status) = self.manners.status_within(&mut self.rng) else { return };
        let status = if method == Method::Bye { Status::OK } else { status };
        let offers = method == Method::Invite || !message.body().is_empty();
        let body = (offers && status.is_success()).then(|| self.description()).flatten();
        let bytes = self.written(&replies, status, "", body.as_deref(), None);
        self.endpoint.respond(now, server, status, bytes).ok();
    }

    fn written(
        &mut self,
        replies: &Replies,
        status: Status,
        tag: &str,
        body: Option<&str>,
        rseq: Option<u32>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = replies.start(&mut bytes, status, status.reason(), tag);
        if !self.rng.percent(self.manners.sloppy) {
            writer.header(Name::Contact, format_args!("<sip:{}>", self.address));
        }
        if let Some(rseq) = rseq {
            writer.text(Name::Require, "100rel").header(Name::RSeq, rseq);
        }
        if status.is_success() || rseq.is_some() {
            for (name, value) in self.manners.extensions(&mut self.rng) {
                if name != "Require" && name != "Replaces" {
                    writer.extension(name, value);
                }
            }
        }
        finish(&mut writer, body);
        bytes
    }

    /// A provisional or final response to an INVITE, from one fork or another.
    fn answer(&mut self, now: Instant, at: usize, status: Status) {
        let tag = ["one", "two", "three"][self.rng.below(3) as usize];
        let provisional = status.is_provisional();
        let talk = &mut self.talks[at];
        let Side::Called { server, replies } = &talk.side else { return };
        let (server, replies) = (*server, replies.clone());
        let invite = talk.invite.clone();
        let invite = Message::parse(&invite).expect("it was parsed when it came");
        let rseq = (provisional && invite.supports("100rel") && self.rng.percent(60)).then(|| {
            talk.rseq += 1;
            talk.rseq
        });
        let speaks = !provisional || self.rng.percent(50);
        let body = speaks.then(|| self.description()).flatten();
        let bytes = self.written(&replies, status, tag, body.as_deref(), rseq);
        if status < Status(300) {
            let talk = &mut self.talks[at];
            let state = sip_core::dialog::State::Confirmed;
            if let Ok(dialog) = Dialog::uas(&invite, tag, state) {
                keep(&mut talk.dialogs, dialog);
            }
        }
        let sent = self.endpoint.respond(now, server, status, bytes);
        if sent.is_ok() && status.is_success() {
            self.grow_restless(now, at);
        }
    }

    fn grow_restless(&mut self, now: Instant, talk: usize) {
        const METHODS: [Method<'static>; 6] = [
            Method::Invite,
            Method::Invite,
            Method::Update,
            Method::Info,
            Method::Refer,
            Method::Options,
        ];
        while self.rng.percent(self.manners.restless) {
            let method = METHODS[self.rng.below(METHODS.len() as u64) as usize];
            self.plan(now, 30_000, Plan::Ask(talk, method));
        }
        if self.rng.percent(70) {
            self.plan(now, 40_000, Plan::Ask(talk, Method::Bye));
        }
    }

    fn cancelled(&mut self, now: Instant, invite: ServerId) {
        let is_it =
            |talk: &Talk| matches!(&talk.side, Side::Called { server, .. } if *server == invite);
        let Some(at) = self.talks.iter().position(is_it) else { return };
        if !self.rng.percent(self.manners.mute) {
            self.answer(now, at, Status::REQUEST_TERMINATED);
        }
    }

    fn response(&mut self, now: Instant, message: &Message<'_>, client: ClientId, at: usize) {
        let StartLine::Response(line) = message.start() else { return };
        let Ok(cseq) = message.cseq() else { return };
        if cseq.method != Method::Invite {
            return;
        }
        let is_first = matches!(self.talks[at].side, Side::Caller(Some(it)) if it == client);
        let makes_dialog = sip_core::dialog::makes_dialog(message);
        if let (true, Ok(dialog)) = (is_first && makes_dialog, Dialog::uac(message, "sip:x@y")) {
            keep(&mut self.talks[at].dialogs, dialog);
        }
        match line.status {
            status if status.is_provisional() => {
                if let Ok(Some(rseq)) = message.rseq()
                    && !self.rng.percent(self.manners.deaf)
                {
                    let rack = format!("{rseq} {} INVITE", cseq.number);
                    self.ask(now, at, Method::Prack, Some(&rack));
                }
            }
            status if status.is_success() => {
                if !self.rng.percent(self.manners.deaf) {
                    self.acknowledge(at, cseq.number);
                }
                if is_first && self.rng.percent(80) {
                    self.grow_restless(now, at);
                }
            }
            _ => {}
        }
    }

    fn acknowledge(&mut self, at: usize, cseq: u32) {
        let body = self.description().filter(|_| self.rng.percent(50));
        let branch = self.endpoint.new_branch();
        let via = via(self.transport, &self.address, &branch);
        let Some(dialog) = self.talks[at].dialogs.last() else { return };
        let mut bytes = Vec::new();
        finish(&mut dialog.ack(&mut bytes, cseq, &via), body.as_deref());
        let flow = self.flow();
        self.endpoint.send(flow, bytes);
    }

    /// Asks for something within a call.
    fn ask(&mut self, now: Instant, at: usize, method: Method<'static>, rack: Option<&str>) {
        let offers = matches!(method, Method::Invite | Method::Update) && self.rng.percent(80)
            || method == Method::Prack && self.rng.percent(20);
        let body = offers.then(|| self.description()).flatten();
        let extensions = self.manners.extensions(&mut self.rng);
        let branch = self.endpoint.new_branch();
        let via = via(self.transport, &self.address, &branch);
        let flow = self.flow();
        let pick = self.rng.below(DIALOGS_MAX as u64) as usize;
        let dialogs = &mut self.talks[at].dialogs;
        let Some(pick) = pick.checked_rem(dialogs.len()) else { return };
        let mut bytes = Vec::new();
        let mut writer = dialogs[pick].request(&mut bytes, method, &via);
        writer.header(Name::Contact, format_args!("<sip:{}>", self.address));
        if let Some(rack) = rack {
            writer.text(Name::RAck, rack);
        }
        if method == Method::Refer {
            writer.text(Name::ReferTo, "<sip:elsewhere@192.0.2.99>");
        }
        if matches!(method, Method::Invite | Method::Update) {
            for (name, value) in extensions.iter().filter(|(name, _)| *name != "Replaces") {
                writer.extension(name, value);
            }
        }
        if method == Method::Info {
            writer.body("application/dtmf-relay", b"Signal=5\r\nDuration=100\r\n");
        } else {
            finish(&mut writer, body.as_deref());
        }
        self.endpoint.request(now, flow, method, &branch, bytes, at as u64 + 1).ok();
    }

    pub(crate) fn stream_closed(&mut self, now: Instant, connection: u64) {
        self.endpoint.flow_closed(now, Flow { connection, ..self.flow() });
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        while let Some(at) = self.plans.iter().position(|(due, _)| *due <= now) {
            match self.plans.swap_remove(at).1 {
                Plan::Progress(talk) => {
                    let status = [180, 183, 199, 182][self.rng.below(4) as usize];
                    self.answer(now, talk, Status(status));
                }
                Plan::Answer(talk) => {
                    let status = self.manners.final_status(&mut self.rng);
                    self.answer(now, talk, status);
                }
                Plan::Cancel(talk) => {
                    if let Side::Caller(Some(client)) = self.talks[talk].side {
                        self.endpoint.cancel(now, client, None);
                    }
                }
                Plan::Ask(talk, method) => self.ask(now, talk, method, None),
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let own = self.plans.iter().map(|(at, _)| *at).min();
        own.into_iter().chain(self.endpoint.poll_timeout().map(|it| it.0)).min()
    }

    pub(crate) fn poll_output(&mut self) -> Option<Transmit> {
        while self.endpoint.poll_event().is_some() {}
        let mut sent = self.endpoint.poll_output()?;
        if self.transport == Transport::Udp {
            self.manners.spoil(&mut self.rng, &mut sent.bytes);
        }
        Some(sent)
    }
}

fn via<'a>(transport: Transport, address: &SocketAddr, branch: &'a str) -> Via<'a> {
    let host = match address {
        SocketAddr::V4(v4) => Host::V4(*v4.ip()),
        SocketAddr::V6(v6) => Host::V6(*v6.ip()),
    };
    Via::new(transport.as_str(), host, Some(address.port()), branch)
}

fn finish(writer: &mut MessageWriter<'_>, body: Option<&str>) {
    match body {
        Some(body) => writer.body("application/sdp", body.as_bytes()),
        None => writer.finish(),
    }
}

fn keep(dialogs: &mut Vec<Dialog>, dialog: Dialog) {
    let known = dialogs.iter().position(|it| {
        it.remote_tag() == dialog.remote_tag() && it.local_tag() == dialog.local_tag()
    });
    match known {
        Some(_) => {}
        None if dialogs.len() < DIALOGS_MAX => dialogs.push(dialog),
        None => {}
    }
}
